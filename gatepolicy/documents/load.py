"""From a file to a checked document."""

import json
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import NoReturn

from gatepolicy.documents.document import Document
from gatepolicy.documents.schema import Schema, validate
from gatepolicy.documents.source import Read, decode, problem, read_text
from gatepolicy.documents.values import JSONValue
from gatepolicy.documents.yaml_tree import MAX_DEPTH, parse_yaml
from gatepolicy.errors import DocumentError, Problem

API_VERSION = "gatepolicy/v1"


def load_document(
    file: str, *, schema: Schema, kind: str, read: Read = FilePath.read_bytes
) -> Document:
    """A YAML document of one kind.

    Raises:
        DocumentError: With all its problems.
    """
    document = parse_yaml(read_text(file, read=read), file)
    _refuse_other_kinds(document, kind)
    problems = validate(document, schema)
    if problems:
        raise DocumentError(problems)
    return document


def _refuse_other_kinds(document: Document, kind: str) -> None:
    data = document.data
    if not isinstance(data, dict):
        what = f"a mapping with kind: {kind} was expected"
        raise DocumentError([Problem(document.at(()), "", what, "see 'gatepolicy schema'")])
    for key, expected in (("apiVersion", API_VERSION), ("kind", kind)):
        if key not in data:
            what = f"{key} is missing"
            raise DocumentError([Problem(document.at(()), key, what, f"add {key}: {expected}")])
        if data[key] != expected:
            found = data[key] if isinstance(data[key], str) and len(str(data[key])) < 40 else "…"
            what = f"this is {key} {found}, {expected} was expected"
            raise DocumentError([Problem(document.at((key,)), key, what, "name another file")])


def load_json(data: str | bytes, file: str) -> JSONValue:
    """Strict JSON: no duplicate keys, no NaN, no bottomless nesting.

    Raises:
        DocumentError: It is none.
    """
    text = decode(data, file) if isinstance(data, bytes) else data
    try:
        value: JSONValue = json.loads(
            text, object_pairs_hook=_without_duplicates(file), parse_constant=_no_constant(file)
        )
    except json.JSONDecodeError as error:
        raise problem(file, f"not JSON ({error.msg})", f"see line {error.lineno}") from None
    except RecursionError:
        raise problem(file, "nested too deeply", "") from None
    if _deeper_than(value, MAX_DEPTH):
        raise problem(file, f"nested more than {MAX_DEPTH} levels deep", "")
    return value


def _without_duplicates(
    file: str,
) -> Callable[[list[tuple[str, JSONValue]]], dict[str, JSONValue]]:
    def build(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
        entries = dict(pairs)
        if len(entries) != len(pairs):
            raise problem(file, "an object holds the same key twice", "remove one")
        return entries

    return build


def _no_constant(file: str) -> Callable[[str], NoReturn]:
    def refuse(constant: str) -> NoReturn:
        raise problem(file, f"{constant} is no JSON", "")

    return refuse


def _deeper_than(value: JSONValue, depth: int) -> bool:
    level = [value]
    for _ in range(depth + 1):
        level = [
            item
            for parent in level
            for item in (
                parent.values()
                if isinstance(parent, dict)
                else parent
                if isinstance(parent, list)
                else ()
            )
        ]
        if not level:
            return False
    return True
