"""The validator that explains and the one that is fast agree about what is valid."""

import copy
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepolicy.documents.document import Document
from gatepolicy.documents.schema import Schema, as_python, load_schema, validate

if TYPE_CHECKING:
    from gatepolicy.documents.document import JSONValue

ROOT = Path(__file__).parents[2]
SUITE = Path(__file__).parent / "json_schema_test_suite"
SCHEMAS = sorted((ROOT / "schemas").glob("*.schema.json"))
KEYWORDS_THAT_SAY_NOTHING = {
    "$schema", "$id", "$ref", "$defs", "title", "description", "examples", "format",
    "patternErrorMessage", "then",
}  # fmt: skip
HELD_BY = {"if": "if-then-else", "exclusiveMaximum": "exclusiveMinimum"}


def explains(schema: Schema, data: Any) -> bool:
    """Whether the explaining validator finds nothing."""
    return next(iter(schema.validator.iter_errors(data)), None) is None


def cases() -> Iterator[Any]:
    for file in sorted(SUITE.glob("*.json")):
        for group in json.loads(file.read_text(encoding="utf-8")):
            if r"\p{" in json.dumps(group) or "http" in json.dumps(group["schema"]).replace(
                group["schema"].get("$schema", "-"), ""
            ):
                continue
            for case in group["tests"]:
                name = f"{file.stem}: {group['description']}: {case['description']}"
                yield pytest.param(group["schema"], case["data"], case["valid"], id=name)


@pytest.mark.parametrize(("schema", "data", "valid"), list(cases()))
def test_both_pass_the_shared_suite(schema: Any, data: Any, valid: bool) -> None:
    compiled = load_schema(json.dumps(schema))
    assert compiled.fast.is_valid(data) is valid
    assert explains(compiled, data) is valid


def keywords(node: Any, *, are_names: bool = False) -> Iterator[str]:
    """The keywords of a schema; not the names of properties, nor what stands in examples."""
    if isinstance(node, list):
        for part in node:
            yield from keywords(part)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if not are_names:
            yield key
        if are_names or key not in ("examples", "enum", "const", "dependentRequired"):
            named = key in ("properties", "$defs") and not are_names
            yield from keywords(value, are_names=named)


def test_the_suite_covers_every_keyword_that_the_schemas_use() -> None:
    used = {word for file in SCHEMAS for word in keywords(json.loads(file.read_text()))}
    held = {file.stem for file in SUITE.glob("*.json")}
    checked = {HELD_BY.get(word, word) for word in used - KEYWORDS_THAT_SAY_NOTHING}
    assert checked <= held
    assert len(checked) > 20


@cache
def compiled(file: Path) -> tuple[Schema, Any]:
    """A shipped schema with a document of the examples of its properties, or a shipped one."""
    schema = load_schema(file.read_text(encoding="utf-8"))
    if file.stem == "exchange.schema":
        shipped = ROOT / "gatepolicy" / "exchanges" / "catalog" / "gate.yaml"
        data = yaml.safe_load(shipped.read_text(encoding="utf-8"))
        # A date is a text, as in all that the project reads.
        return schema, json.loads(json.dumps(data, default=str))
    whole = described = schema.document
    if "properties" not in whole:
        # A line of a log, or of a journal, is one of several: the first one stands for all.
        described = whole["$defs"][whole["oneOf"][0]["$ref"].rpartition("/")[2]]
    properties = described["properties"]
    return schema, {
        name: properties[name].get("const") or properties[name]["examples"][0]
        for name in described["required"]
    }


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(node, dict):
        items = node.items()
    elif isinstance(node, list):
        items = enumerate(node)
    for key, value in items:
        yield from places(value, (*path, key))


def put(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return changed


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 400)
    | st.sampled_from(
        [0.0, 1.0, 1.5, "", "\n", "okx", "okx\n", "warn", "90d", "90d\n", "２d", "$x"]
    )
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.stem)
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_agree_on_changed_documents(file: Path, data: st.DataObject) -> None:
    schema, document = compiled(file)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = put(document, path, data.draw(VALUES))
    is_valid = schema.fast.is_valid(document)
    assert explains(schema, document) is is_valid
    problems = validate(Document("a.yaml", document, start=0, marks=None), schema)
    assert (problems == ()) is is_valid


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.stem)
def test_the_examples_are_valid(file: Path) -> None:
    schema, document = compiled(file)
    assert schema.fast.is_valid(document)
    assert explains(schema, document)


@pytest.mark.parametrize(
    ("pattern", "python"),
    [
        ("^[a-z]+$", r"^[a-z]+\Z"),
        (r"^\$[$\d]\d$", r"^\$[$0-9][0-9]\Z"),
        ("^[^$]|[]$]$", r"^[^$]|[]$]\Z"),
        (r"[\]$]$", r"[\]$]\Z"),
    ],
)
def test_patterns_end_where_the_text_ends(pattern: str, python: str) -> None:
    assert as_python(pattern) == python


def test_what_only_the_fast_one_refuses_is_a_problem_all_the_same() -> None:
    # The two know another white space: what one of them refuses never passes.
    schema = load_schema(r'{"type": "object", "properties": {"a": {"pattern": "^\\S*$"}}}')
    document: JSONValue = {"a": "\ufeff"}
    assert not schema.fast.is_valid(document)
    assert explains(schema, document)
    (problem,) = validate(Document("a.yaml", document, start=0, marks=None), schema)
    assert problem.what == "does not fit its schema"
