"""Files that ship with gatepolicy: schemas, policies, the catalog, the texts of the rules.

In a wheel, ``policies/`` and ``schemas/`` lie inside the package; in a checkout they lie beside it.
"""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent


def _shipped(name: str) -> Path:
    inside = _PACKAGE / f"_{name}"
    return inside if inside.is_dir() else _PACKAGE.parent / name


def schemas_directory() -> Path:
    """The folder of the JSON Schemas."""
    return _shipped("schemas")


def policies_directory() -> Path:
    """The folder of the shipped policies."""
    return _shipped("policies")


@cache
def shipped_policies() -> tuple[str, ...]:
    """The names of all policies that ship with gatepolicy, sorted."""
    return tuple(sorted(file.stem for file in policies_directory().glob("*.yaml")))


def catalog_directory() -> Path:
    """The folder of the exchange catalog."""
    return _PACKAGE / "exchanges" / "catalog"


def others_file() -> Path:
    """The exchanges without a catalog entry."""
    return _PACKAGE / "exchanges" / "others.yaml"


def rules_file() -> Path:
    """The texts and conditions of the rules."""
    return _PACKAGE / "rules" / "rules.yaml"


def frameworks_file() -> Path:
    """The frameworks, with the rules that give evidence about their controls."""
    return _PACKAGE / "rules" / "frameworks.yaml"
