"""Shipped files: schemas that explain themselves, YAML that editors know, fitting texts."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCHEMAS = sorted((ROOT / "schemas").glob("*.schema.json"))
YAML = sorted(
    [
        *(ROOT / "policies").glob("*.yaml"),
        *(ROOT / "gatepolicy").rglob("*.yaml"),
        *(ROOT / "tests" / "bench").glob("*.yaml"),
    ]
)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def properties(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every property of a schema, however deep, with its place."""
    if isinstance(node, list):
        for index, part in enumerate(node):
            yield from properties(part, f"{path}/{index}")
    if not isinstance(node, dict):
        return
    for name, part in node.items():
        if name == "properties":
            for key, inner in part.items():
                yield f"{path}/{key}", inner
                yield from properties(inner, f"{path}/{key}")
        elif name not in ("examples", "enum", "const", "if", "then", "else", "not"):
            yield from properties(part, f"{path}/{name}")


@pytest.mark.parametrize("path", SCHEMAS, ids=shown)
def test_a_schema_is_valid_and_explains_every_property(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    unexplained = [
        place
        for place, part in properties(schema)
        if isinstance(part, dict) and not {"title", "description", "examples"} <= part.keys()
    ]
    assert unexplained == []
    assert len(list(properties(schema))) >= 5


@pytest.mark.parametrize("path", SCHEMAS, ids=shown)
def test_every_example_of_a_schema_is_valid(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    whole = jsonschema.Draft202012Validator(schema)
    for place, part in properties(schema):
        if isinstance(part, dict) and "examples" in part:
            # References lead to anywhere in the whole schema.
            validator = whole.evolve(schema=part)
            for example in part["examples"]:
                assert list(validator.iter_errors(example)) == [], place


@pytest.mark.parametrize("path", YAML, ids=shown)
def test_editors_find_the_schema_of_every_file(path: Path) -> None:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found is not None, first
    schema = (path.parent / found.group(1)).resolve()
    assert schema in SCHEMAS
    kind = yaml.safe_load(path.read_text(encoding="utf-8"))["kind"]
    assert schema.name == f"{kind.lower()}.schema.json"


def check_jsonschema(schema: Path, *files: Path) -> int:
    command = ["check-jsonschema", "--schemafile", str(schema), *map(str, files)]
    import sys

    command[0] = str(Path(sys.executable).with_name("check-jsonschema"))
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_an_independent_validator_accepts_what_is_shipped() -> None:
    for kind in ("policy", "inventory", "exchange", "rules"):
        schema = ROOT / "schemas" / f"{kind}.schema.json"
        files = [
            path
            for path in YAML
            if yaml.safe_load(path.read_text(encoding="utf-8"))["kind"].lower() == kind
        ]
        assert files
        assert check_jsonschema(schema, *files) == 0


BAD = ("unknown-keys", "unknown-capability", "unknown-word", "wrong-types", "no-metadata")


@pytest.mark.parametrize("name", BAD)
def test_an_independent_validator_refuses_bad_policies(name: str) -> None:
    bad = ROOT / "tests" / "policies" / "bad" / f"{name}.yaml"
    assert check_jsonschema(ROOT / "schemas" / "policy.schema.json", bad) == 1
