"""From a key and a call to the bytes of the answer, ahead of any request."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from gatepolicy.simulator.exchange import Call
from gatepolicy.simulator.keys import SimulatedKey

STAND_IN = "@@described@@"
"""Stands in a document for the object that describes the key."""


class Variant(StrEnum):
    """How the object that describes the key is written."""

    PLAIN = "plain"
    """As documented."""
    DUPLICATE_KEYS = "duplicate-keys"
    """Each field twice; the second value is the harmless one."""
    WRONG_TYPES = "wrong-types"
    """Each scalar in the type of another."""


def render(
    call: Call,
    key: SimulatedKey,
    others: Sequence[SimulatedKey],
    now: datetime,
    variant: Variant = Variant.PLAIN,
) -> bytes:
    """Write the answer of a call about a key.

    Args:
        call: The call.
        key: The key it is made with.
        others: The other keys of the same account.
        now: The server's time, for what is counted from it.
        variant: How the object that describes the key is written.
    """
    described = call.describe(key, now)
    if call.patched:
        described = key.patched(described)
    return written(call.wrap(key, others, now, STAND_IN), described, variant)


def written(document: object, described: object, variant: Variant) -> bytes:
    """The bytes of a document.

    Args:
        document: With a stand-in for what describes the key.
        described: What stands there.
        variant: How it is written; a list has no fields that could stand twice.
    """
    if isinstance(described, Mapping):
        answer_to = _varied(described, variant)
    elif isinstance(described, list) and variant is Variant.WRONG_TYPES:
        answer_to = _compact([_other_types(item) for item in described])
    else:
        answer_to = _compact(described)
    return _compact(document).replace(_compact(STAND_IN), answer_to, 1).encode()


def _varied(described: Mapping[str, object], variant: Variant) -> str:
    match variant:
        case Variant.PLAIN:
            return _compact(described)
        case Variant.DUPLICATE_KEYS:
            harmless = {name: _harmless(value) for name, value in described.items()}
            return f"{_compact(described)[:-1]},{_compact(harmless)[1:]}"
        case Variant.WRONG_TYPES:
            return _compact({name: _other_type(value) for name, value in described.items()})
    assert_never(variant)


def _harmless(value: object) -> object:
    # What a careless reader would take for innocence: JSON parsers keep the last of two values.
    match value:
        case bool():
            return not value
        case str():
            return ""
        case int() | float():
            return 0
        case list() | tuple():
            return []
        case _:
            return {}


def _other_type(value: object) -> object:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return len(value)
        case list() | tuple():
            return {str(index): item for index, item in enumerate(value)}
        case _:
            return None


def _other_types(item: object) -> object:
    # A row of a list keeps its shape, so that what stands in it is looked at.
    return [_other_types(part) for part in item] if isinstance(item, list) else _other_type(item)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
