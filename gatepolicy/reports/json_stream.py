"""JSON text, piece by piece: a large list is written while it is made.

The outer levels are laid out one entry per line, the inner ones on one line each: readable,
good to compare line by line, and several times faster than laying out everything.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from gatepolicy.model.encoding import Json

Node: TypeAlias = "Json | Iterator[Node] | Sequence[Node] | Mapping[str, Node]"
"""A value in which a list may be an iterator: its items are made when they are written.

An iterator is always laid out one item per line, and must not lie inside of what is written on
one line."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def json_document(members: Mapping[str, Node], *, levels: int) -> Iterator[str]:
    """An object as JSON text, with a line break at the end.

    Args:
        members: In the order in which they are written.
        levels: How many levels are laid out one entry per line.
    """
    yield from _object(members.items(), "", levels)
    yield "\n"


def _object(members: Iterable[tuple[str, Node]], indent: str, levels: int) -> Iterator[str]:
    entries = ((f"{_text(name)}: ", value) for name, value in members)
    return _block("{", entries, "}", indent, levels)


def _block(
    opening: str, entries: Iterable[tuple[str, Node]], closing: str, indent: str, levels: int
) -> Iterator[str]:
    inner = f"{indent}  "
    before, after = f"{opening}\n", f"{opening}{closing}"
    for prefix, value in entries:
        yield f"{before}{inner}{prefix}"
        yield from _value(value, inner, levels - 1)
        before, after = ",\n", f"\n{indent}{closing}"
    yield after


def _value(value: Node, indent: str, levels: int) -> Iterator[str]:
    match value:
        case Iterator():
            return _block("[", (("", item) for item in value), "]", indent, levels)
        case list() if levels > 0:
            return _block("[", (("", item) for item in value), "]", indent, levels)
        case dict() if levels > 0:
            return _object(value.items(), indent, levels)
        case _:
            return iter((_text(value),))


def _text(value: Node) -> str:
    # NOTE: a lone surrogate is no character: no UTF-8 file can hold it, and strict readers
    # refuse its escape. It can reach us from an exchange's JSON or from the name of a file.
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _ENCODER.encode(value))
