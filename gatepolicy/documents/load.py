"""From a file to a checked document."""

import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from gatepolicy.documents.document import Document
from gatepolicy.documents.schema import Schema, validate
from gatepolicy.documents.source import Read, decode, problem, read_text
from gatepolicy.documents.values import JSONValue
from gatepolicy.documents.yaml_tree import MAX_DEPTH, parse_yaml
from gatepolicy.errors import DocumentError, Problem

API_VERSION = "gatepolicy/v1"
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


Reword = Callable[[Document, Iterable[Problem]], Iterable[Problem]]
"""Says better than the schema what is wrong."""


def load_document(
    file: str,
    *,
    schema: Schema,
    kind: str,
    read: Read = Path.read_bytes,
    reword: Reword | None = None,
) -> Document:
    """A YAML document of one kind.

    Raises:
        DocumentError: With all its problems.
    """
    document = parse_yaml(read_text(file, read=read), file)
    _refuse_other_kinds(document, kind)
    problems = validate(document, schema)
    if problems:
        raise DocumentError(tuple(reword(document, problems) if reword else problems))
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
    """Strict JSON: no duplicate keys, no NaN or infinity, no bottomless nesting, only characters.

    Raises:
        DocumentError: It is none.
    """
    text = decode(data, file) if isinstance(data, bytes) else data
    try:
        value: JSONValue = json.loads(
            text,
            object_pairs_hook=_without_duplicates(file),
            parse_constant=_no_constant(file),
            parse_float=_finite(file),
        )
    except json.JSONDecodeError as error:
        raise problem(file, f"not JSON ({error.msg})", f"see line {error.lineno}") from None
    except ValueError:
        raise problem(file, "a number has too many digits", "") from None
    except RecursionError:
        raise problem(file, "nested too deeply", "") from None
    if _deeper_than(value, MAX_DEPTH):
        raise problem(file, f"nested more than {MAX_DEPTH} levels deep", "")
    if _HALF_CHARACTER.search(text) and not _is_encodable(value):
        raise problem(file, "half of a surrogate pair is no character", "")
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


def _finite(file: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise problem(file, "a number is too large", "")
        return number

    return read


def _is_encodable(value: JSONValue) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _deeper_than(value: JSONValue, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [item for parent in level for item in _parts(parent)]
    return any(isinstance(item, dict | list) for item in level)


def _parts(value: JSONValue) -> Iterable[JSONValue]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()
