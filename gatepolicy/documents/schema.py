"""Checking documents against JSON Schemas, in plain words.

``jsonschema`` decides what is wrong and where. Most documents are valid, and large ones take it
seconds: ``jsonschema-rs`` says "valid" a hundred times faster, and what it does not say that of
goes to ``jsonschema``.

The validator's own messages quote values, and a value may be a secret that somebody wrote into
the wrong file: none of its messages is passed on.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from gatepolicy.documents.document import DataPath, Document, show_path
from gatepolicy.errors import Problem

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like another one, in any case; empty when none is."""
    by_folded: dict[str, str] = {}
    for one in known:
        by_folded.setdefault(one.casefold(), one)
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return by_folded[found[0]] if found else ""


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A hint about a name that is not known.

    Args:
        name: As somebody wrote it.
        known: All names that there are.
        otherwise: The hint where none of them is like it.
    """
    near = nearest(name, known)
    return f"did you mean {near}?" if near else otherwise


_NAMES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_WHAT = {
    "enum": "not one of the allowed values",
    "const": "not one of the allowed values",
    "pattern": "does not match the expected pattern",
    "minItems": "empty or too short",
    "minLength": "empty or too short",
    "minProperties": "empty or too short",
    "maxItems": "too long",
    "maxLength": "too long",
    "maxProperties": "too long",
    "uniqueItems": "duplicate entry",
}
"""Keyword to what is wrong."""
_BEYOND = {
    "minimum": "less than",
    "exclusiveMinimum": "not more than",
    "maximum": "more than",
    "exclusiveMaximum": "not less than",
}
"""Keyword to what a number is, compared with the limit."""
_TOKEN = re.compile(r"\\.|\[\^?\]?|.", re.DOTALL)


@dataclass(frozen=True)
class Schema:
    """A compiled schema."""

    document: Any
    """The schema itself."""
    fast: jsonschema_rs.Validator
    """Says quickly that a document is valid."""

    @cached_property
    def validator(self) -> "Validator":
        """Says what is wrong; made for the first document that is."""
        return _explaining()(self.document)


def load_schema(text: str) -> Schema:
    """Compile a shipped schema.

    Raises:
        ValueError: It is no valid JSON Schema: a defect of gatepolicy.
    """
    document = json.loads(text)
    return Schema(document, jsonschema_rs.Draft202012Validator(document))


def validate(document: Document, schema: Schema) -> tuple[Problem, ...]:
    """All problems, in the order of the document.

    A document passes only where both validators say that it is valid, or the fast one alone does;
    a test holds that they agree.
    """
    if schema.fast.is_valid(document.data):
        return ()
    found = {
        problem
        for error in schema.validator.iter_errors(document.data)
        for problem in _problems(error, document, schema)
    }
    whole = Problem(document.at(()), "", "does not fit its schema", "")
    return tuple(sorted(found or {whole}, key=lambda p: (p.location, p.path, p.what)))


@lru_cache(maxsize=1)
def _explaining() -> "type[Validator]":
    """The validator that says what is wrong."""
    # Imported late: most commands meet valid documents only.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    made: type[Validator] = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    return made


def _pattern(
    validator: "Validator", pattern: str, instance: object, schema: object
) -> "Iterator[ValidationError]":
    from jsonschema import ValidationError

    del validator, schema
    if isinstance(instance, str) and not re.search(as_python(pattern), instance):
        yield ValidationError("does not match the expected pattern")


@lru_cache(maxsize=1024)
def as_python(pattern: str) -> str:
    """A pattern of JSON Schema (ECMA-262) for ``re``.

    There ``$`` is the very end, and not before a last line break, and digits are ASCII.
    """
    parts, is_in_class = [], False
    for token in _TOKEN.findall(pattern):
        if token.startswith("[") and not is_in_class:
            is_in_class = True
        elif token == "]":
            is_in_class = False
        elif token == "$" and not is_in_class:
            token = r"\Z"
        elif token == r"\d":
            token = "0-9" if is_in_class else "[0-9]"
        parts.append(token)
    return "".join(parts)


def _problems(error: "ValidationError", document: Document, schema: Schema) -> Iterator[Problem]:
    path: DataPath = tuple(error.absolute_path)
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties":
            yield from _unknown_keys(error, path, document, schema)
        case "anyOf" | "oneOf" if error.context:
            yield from _of_nearest_branch(error, document, schema)
        case "required":
            missing = [n for n in _strings(error.validator_value) if n not in _members(error)]
            for name in missing:
                yield Problem(document.at(path), show_path(path), f"{name} is missing", "add it")
        case _:
            what, fix = _own_words(error) or (_what(error), _fix(error))
            yield Problem(document.at(path), show_path(path), what, fix)


def _unknown_keys(
    error: "ValidationError", path: DataPath, document: Document, schema: Schema
) -> Iterator[Problem]:
    known = sorted(_property_names(error.schema, schema))
    for key in _members(error):
        if key not in known:
            fix = did_you_mean(key, known, _choice(known))
            place = (*path, key)
            yield Problem(document.key_at(place), show_path(place), "unknown key", fix)


def _own_words(error: "ValidationError") -> tuple[str, str] | None:
    """What a schema itself says about a text of the wrong form, as editors show it too."""
    node = error.schema
    if error.validator != "pattern" or not isinstance(node, Mapping):
        return None
    message = node.get("patternErrorMessage")
    if message is None:
        return None
    what, _, fix = message.partition("; ")
    return what, fix


def _property_names(node: Any, schema: Schema) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    yield from node.get("properties", ())
    if "$ref" in node:
        yield from _property_names(_resolve(node["$ref"], schema), schema)
    for part in node.get("allOf", ()):
        yield from _property_names(part, schema)


def _of_nearest_branch(
    error: "ValidationError", document: Document, schema: Schema
) -> Iterator[Problem]:
    """The problems of the branch that the value was surely meant for, else one for all."""
    path: DataPath = tuple(error.absolute_path)
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    typed = [
        branch for branch in branches.values() if not any(_is_type_error(e, path) for e in branch)
    ]
    if len(typed) == 1:
        for inner in typed[0]:
            yield from _problems(inner, document, schema)
        return
    missing = _missing_of_each(branches.values(), path)
    if missing:
        yield Problem(document.at(path), show_path(path), *_told_missing(missing))
        return
    what = f"{_name_of(error.instance)} is not allowed here"
    yield Problem(document.at(path), show_path(path), what, _example(error.schema))


def _missing_of_each(
    branches: Iterable[Sequence["ValidationError"]], path: DataPath
) -> Sequence[Sequence[str]]:
    """What is missing for each branch; empty where a branch asks for anything else.

    A branch of whose members some are there is the one that was meant.
    """
    begun: list[list[str]] = []
    others: list[list[str]] = []
    for branch in branches:
        if any(e.validator != "required" or tuple(e.absolute_path) != path for e in branch):
            return ()
        needed = list(dict.fromkeys(n for e in branch for n in _strings(e.validator_value)))
        missing = [name for name in needed if name not in _members(branch[0])]
        (begun if len(missing) < len(needed) else others).append(missing)
    return begun or others


def _told_missing(branches: Sequence[Sequence[str]]) -> tuple[str, str]:
    first, *more = [" and ".join(names) for names in branches]
    if more:
        return f"needs {', or '.join([first, *more])}", "add it"
    return f"{first} {'are' if len(branches[0]) > 1 else 'is'} missing", "add it"


def _is_type_error(error: "ValidationError", path: DataPath) -> bool:
    return tuple(error.absolute_path) == path and error.validator == "type"


def _what(error: "ValidationError") -> str:
    keyword, limit = str(error.validator), error.validator_value
    if keyword == "type":
        expected = " or ".join(_NAMES[name] for name in _strings(limit))
        return f"expected {expected}, found {_name_of(error.instance)}"
    if keyword in _BEYOND:
        return f"{_BEYOND[keyword]} {limit}"
    return _WHAT.get(keyword, f"not allowed here ({keyword})")


def _fix(error: "ValidationError") -> str:
    if error.validator == "enum":
        options = [str(option) for option in _list(error.validator_value)]
        return did_you_mean(str(error.instance), options, _choice(options))
    if error.validator == "const":
        return f"write {error.validator_value}"
    return _example(error.schema)


def _example(node: Any) -> str:
    examples = node.get("examples") if isinstance(node, dict) else None
    return f"for example {json.dumps(examples[0], ensure_ascii=False)}" if examples else ""


def _choice(options: Iterable[str]) -> str:
    shown = list(options)
    return f"one of {', '.join(shown[:8])}{' …' * (len(shown) > 8)}" if shown else ""


def _strings(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else _list(value)


def _list(value: Any) -> list[Any]:
    return list(value)


def _members(error: "ValidationError") -> Mapping[str, object]:
    return error.instance if isinstance(error.instance, dict) else {}


def _name_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _resolve(reference: str, schema: Schema) -> Any:
    node = schema.document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node
