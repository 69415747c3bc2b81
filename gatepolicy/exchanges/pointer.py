"""JSON Pointers (RFC 6901): one way to name a place in an answer."""

from enum import Enum
from typing import Literal, TypeAlias

from gatepolicy.documents.values import JSONValue


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
