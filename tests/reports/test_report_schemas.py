"""The schemas of reports and evidence: strict, explained, and one with the vocabulary."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from gatepolicy.model.facts import FACTS, Reason
from gatepolicy.model.scan import ExitCode
from gatepolicy.resources import schemas_directory

NAMES = ("report", "evidence")


def schema_of(name: str) -> Any:
    text = (schemas_directory() / f"{name}.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for key, part in node.items():
            if key not in ("examples", "const", "enum"):
                yield from nodes(part)
    if isinstance(node, list):
        for part in node:
            yield from nodes(part)


@pytest.mark.parametrize("name", NAMES)
def test_valid_against_the_metaschema(name: str) -> None:
    schema = schema_of(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", NAMES)
def test_every_property_has_title_description_and_valid_examples(name: str) -> None:
    schema = schema_of(name)
    seen = 0
    for node in nodes(schema):
        for key, part in node.get("properties", {}).items():
            if not isinstance(part, dict):
                continue
            assert {"title", "description", "examples"} <= part.keys(), key
            validator = jsonschema.Draft202012Validator({**part, "$defs": schema["$defs"]})
            for example in part["examples"]:
                assert list(validator.iter_errors(example)) == [], (key, example)
                seen += 1
    assert seen >= 100


@pytest.mark.parametrize("name", NAMES)
def test_every_object_refuses_what_it_does_not_know(name: str) -> None:
    for node in nodes(schema_of(name)):
        if node.get("type") == "object":
            strict = node.get("unevaluatedProperties") is False
            assert strict or isinstance(node.get("additionalProperties"), dict), node


def test_both_schemas_say_the_same_about_facts() -> None:
    report, evidence = (schema_of(name)["$defs"] for name in NAMES)
    for shared in report.keys() & evidence.keys() - {"account"}:
        assert report[shared] == evidence[shared]


@pytest.mark.parametrize("name", NAMES)
def test_facts_and_reasons_are_those_of_the_vocabulary(name: str) -> None:
    defs = schema_of(name)["$defs"]
    assert {fact: part["$ref"] for fact, part in defs["facts"]["properties"].items()} == {
        fact: f"#/$defs/{definition.kind}Fact" for fact, definition in FACTS.items()
    }
    assert defs["factName"]["enum"] == list(FACTS)
    assert defs["reason"]["enum"] == [reason.value for reason in Reason]


def test_exit_codes_are_those_that_a_finished_scan_can_have() -> None:
    assert schema_of("report")["properties"]["exit_code"]["enum"] == [
        ExitCode.OK,
        ExitCode.VIOLATION,
        ExitCode.USAGE,
        ExitCode.INCOMPLETE,
        ExitCode.NOTHING_EVALUATED,
        ExitCode.HUNG_UP,
        ExitCode.INTERRUPTED,
        ExitCode.TERMINATED,
    ]
