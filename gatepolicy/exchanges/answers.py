"""What came back from a call, before anybody trusts it: bytes, strict JSON, and places in it."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NoReturn, TypeAlias

from gatepolicy.documents.document import JSONValue
from gatepolicy.model.facts import Reason


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes that the exchange sent."""

    status: int
    """HTTP status."""
    body: bytes
    """As received, after decompression, at most the cap of the guard."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """There was no answer to look at."""

    reason: Reason
    """Why."""
    detail: str = ""
    """One line for people, without anything secret."""


RawAnswer = Answer | NoAnswer
Answers = Mapping[str, RawAnswer]
"""Id of the call to what came back."""


MAX_DEPTH = 64
"""Levels of nesting. The deepest documented answer has six."""

_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class NotJson:
    """Why bytes are no JSON that anything could be proved with."""

    detail: str
    """One line for people; quotes nothing of the bytes."""


class _AmbiguousError(ValueError):
    """JSON by the letter, but ambiguous."""


def parse(body: bytes) -> JSONValue | NotJson:
    """JSON by RFC 8259, and without what it only discourages.

    Refused besides: duplicate keys, infinite numbers, halves of characters, deep nesting.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return NotJson("not UTF-8")
    try:
        value = _decode(text)
    except _AmbiguousError as refused:
        return NotJson(str(refused))
    except ValueError:
        return NotJson(_look_of(text))
    except RecursionError:
        return NotJson("nested too deeply")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        return NotJson("nested too deeply")
    return value


def _decode(text: str) -> JSONValue:
    value: JSONValue = _DECODER.decode(text)
    if _LONE_SURROGATE.search(text) and not _is_encodable(value):
        raise _AmbiguousError("an unpaired surrogate")
    return value


def _object(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise _AmbiguousError("a duplicate key in an object")
    return entries


def _refuse_constant(constant: str) -> NoReturn:
    del constant
    raise _AmbiguousError("not a number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _AmbiguousError("a number that is too large")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
)


def _is_encodable(value: JSONValue) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _look_of(text: str) -> str:
    start = text.lstrip()[:1]
    if not start:
        return "an empty body"
    return "an HTML page instead of JSON" if start == "<" else "not JSON"


def _deeper_than(value: JSONValue, depth: int) -> bool:
    level: list[JSONValue] = [value]
    for _ in range(depth):
        level = [inner for outer in level for inner in _entries(outer)]
    return any(isinstance(value, dict | list) for value in level)


def _entries(value: JSONValue) -> list[JSONValue]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


class _Absent(Enum):
    ABSENT = "absent"


Absent: TypeAlias = Literal[_Absent.ABSENT]
ABSENT: Absent = _Absent.ABSENT
"""There is nothing at that place; ``null`` is something."""


def resolve(value: JSONValue, pointer: str) -> JSONValue | Absent:
    """What stands at a place.

    Args:
        value: Any JSON.
        pointer: Empty for the whole, else steps that begin with ``/``.
    """
    found: JSONValue = value
    for token in pointer.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        match found:
            case dict() if step in found:
                found = found[step]
            case list() if _is_index(step) and int(step) < len(found):
                found = found[int(step)]
            case _:
                return ABSENT
    return found


def join(*parts: str | int) -> str:
    """The pointer that goes these steps."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def same(found: JSONValue | Absent, expected: JSONValue) -> bool:
    """Whether two values are equal and of the same type: ``1`` is neither ``True`` nor ``1.0``."""
    return type(found) is type(expected) and found == expected


def _is_index(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 10 and (step == "0" or step[0] != "0")
