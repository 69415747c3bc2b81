"""Checking documents against JSON Schemas, told in plain words.

The validator's own messages quote values, and a value may be a secret that somebody wrote into
the wrong file: none of its messages is passed on.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from gatepolicy.documents.document import Document
from gatepolicy.documents.nearest import did_you_mean
from gatepolicy.documents.values import DataPath, show_path
from gatepolicy.errors import Problem

_NAMES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Schema:
    """A compiled schema."""

    document: Any
    """The schema itself."""
    validator: jsonschema_rs.Validator
    """Compiled."""


def load_schema(text: str) -> Schema:
    """Compile a shipped schema.

    Raises:
        ValueError: It is no valid JSON Schema: a defect of gatepolicy.
    """
    document = json.loads(text)
    return Schema(document, jsonschema_rs.Draft202012Validator(document))


def validate(document: Document, schema: Schema) -> tuple[Problem, ...]:
    """All problems, in the order of the document."""
    found = {
        problem
        for error in schema.validator.iter_errors(document.data)
        for problem in _problems(error, document, schema)
    }
    return tuple(sorted(found, key=lambda p: (p.location, p.path, p.what)))


def _problems(
    error: jsonschema_rs.ValidationError, document: Document, schema: Schema
) -> Iterator[Problem]:
    kind = jsonschema_rs.ValidationErrorKind
    path: DataPath = tuple(error.instance_path)
    match error.kind:
        case (
            kind.AdditionalProperties(unexpected=keys) | kind.UnevaluatedProperties(unexpected=keys)
        ):
            known = sorted(_property_names(_schema_at(schema, error.schema_path[:-1]), schema))
            for key in keys:
                yield _unknown_key(document, (*path, key), key, known)
        case kind.AnyOf(context=branches) | kind.OneOfNotValid(context=branches):
            yield from _of_nearest_branch(error, branches, document, schema)
        case kind.Required():
            what = f"{error.kind.property} is missing"
            yield Problem(document.at(path), show_path(path), what, "add it")
        case _:
            node = _schema_at(schema, error.schema_path[:-1])
            what, fix = _own_words(error, node) or (_what(error), _fix(error, node))
            yield Problem(document.at(path), show_path(path), what, fix)


def _own_words(error: jsonschema_rs.ValidationError, node: Any) -> tuple[str, str] | None:
    """What a schema itself says about a text of the wrong form, as editors show it too."""
    if not isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Pattern):
        return None
    message = node.get("patternErrorMessage") if isinstance(node, dict) else None
    if message is None:
        return None
    what, _, fix = message.partition("; ")
    return what, fix


def _unknown_key(document: Document, place: DataPath, key: str, known: Sequence[str]) -> Problem:
    fix = did_you_mean(key, known, _choice(known))
    return Problem(document.key_at(place), show_path(place), "unknown key", fix)


def _property_names(node: Any, schema: Schema) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    yield from node.get("properties", ())
    if "$ref" in node:
        yield from _property_names(_resolve(node["$ref"], schema), schema)
    for part in node.get("allOf", ()):
        yield from _property_names(part, schema)


def _of_nearest_branch(
    error: jsonschema_rs.ValidationError,
    branches: Sequence[Sequence[jsonschema_rs.ValidationError]],
    document: Document,
    schema: Schema,
) -> Iterator[Problem]:
    """The problems of the branch that the value was surely meant for, else one for all."""
    path: DataPath = tuple(error.instance_path)
    typed = [branch for branch in branches if not any(_is_type_error(e, path) for e in branch)]
    if len(typed) == 1:
        for inner in typed[0]:
            yield from _problems(inner, document, schema)
        return
    node = _schema_at(schema, error.schema_path[:-1])
    what = f"{_name_of(error.instance)} does not fit here"
    yield Problem(document.at(path), show_path(path), what, _example(node))


def _is_type_error(error: jsonschema_rs.ValidationError, path: DataPath) -> bool:
    return tuple(error.instance_path) == path and isinstance(
        error.kind, jsonschema_rs.ValidationErrorKind.Type
    )


def _what(error: jsonschema_rs.ValidationError) -> str:
    kind = jsonschema_rs.ValidationErrorKind
    match error.kind:
        case kind.Type():
            expected = " or ".join(_NAMES[name] for name in error.kind.types)
            return f"expected {expected}, found {_name_of(error.instance)}"
        case kind.Enum() | kind.Constant():
            return "not one of the allowed values"
        case kind.Pattern():
            return "not of the expected form"
        case kind.MinItems() | kind.MinLength() | kind.MinProperties():
            return "empty or too short"
        case kind.MaxItems() | kind.MaxLength() | kind.MaxProperties():
            return "too long"
        case kind.UniqueItems():
            return "an entry stands here twice"
        case _:
            return _beyond(error) or f"not allowed here ({error.kind.name})"


def _beyond(error: jsonschema_rs.ValidationError) -> str:
    kind = jsonschema_rs.ValidationErrorKind
    match error.kind:
        case kind.Minimum():
            return f"less than {error.kind.limit}"
        case kind.ExclusiveMinimum():
            return f"not more than {error.kind.limit}"
        case kind.Maximum():
            return f"more than {error.kind.limit}"
        case kind.ExclusiveMaximum():
            return f"not less than {error.kind.limit}"
        case _:
            return ""


def _fix(error: jsonschema_rs.ValidationError, node: Any) -> str:
    kind = jsonschema_rs.ValidationErrorKind
    match error.kind:
        case kind.Enum():
            options = [str(option) for option in error.kind.options]
            return did_you_mean(str(error.instance), options, _choice(options))
        case kind.Constant():
            return f"write {error.kind.expected_value}"
        case _:
            return _example(node)


def _example(node: Any) -> str:
    examples = node.get("examples") if isinstance(node, dict) else None
    return f"for example {json.dumps(examples[0], ensure_ascii=False)}" if examples else ""


def _choice(options: Iterable[str]) -> str:
    shown = list(options)
    return f"one of {', '.join(shown[:8])}{' …' * (len(shown) > 8)}" if shown else ""


def _name_of(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _schema_at(schema: Schema, path: Sequence[str | int]) -> Any:
    node = schema.document
    for step in path:
        node = node[step]
    return node


def _resolve(reference: str, schema: Schema) -> Any:
    node = schema.document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node
