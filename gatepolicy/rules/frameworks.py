"""Frameworks: which of their controls a rule gives evidence about. Data, in ``frameworks.yaml``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import load_schema
from gatepolicy.resources import frameworks_file, schemas_directory


@dataclass(frozen=True, slots=True)
class FrameworkControl:
    """One control of a framework."""

    id: str
    """As the framework numbers it."""
    title: str
    """The framework's own where it is public, else ours."""
    why: str
    """What evidence the rules give about it."""
    rules: Sequence[str]
    """Names of the rules."""


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework."""

    id: str
    """Short and stable."""
    title: str
    """With its edition."""
    publisher: str
    """Who publishes it."""
    reference: str
    """Where to read it."""
    checked: str
    """Against what numbers and titles were compared."""
    controls: Sequence[FrameworkControl]
    """Those that the rules give evidence about, and no others."""


def load_frameworks() -> tuple[Framework, ...]:
    """All of them, in the order of the file.

    Raises:
        DocumentError: The shipped file is broken: a defect of gatepolicy.
    """
    text = (schemas_directory() / "frameworks.schema.json").read_text(encoding="utf-8")
    schema = load_schema(text)
    document = load_document(str(frameworks_file()), schema=schema, kind="Frameworks")
    # The schema has accepted the document, so its shape is known from here on.
    data: Any = document.data
    return tuple(
        Framework(
            **{
                **node,
                "controls": tuple(
                    FrameworkControl(**{**control, "rules": tuple(control["rules"])})
                    for control in node["controls"]
                ),
            }
        )
        for node in data["frameworks"]
    )


def controls_of(rule: str, frameworks: Sequence[Framework]) -> tuple[str, ...]:
    """The controls that a rule gives evidence about, such as ``SOC 2 CC6.1``.

    Args:
        rule: Its name.
        frameworks: Where to look.
    """
    return tuple(
        f"{framework.title}: {control.id} {control.title}"
        for framework in frameworks
        for control in framework.controls
        if rule in control.rules
    )
