"""JSON text, piece by piece: a large list is written while it is made.

The outer levels are laid out one entry per line, the inner ones, and whatever holds plain values
only, on one line each: readable, good to compare line by line, and several times faster than
laying out everything.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from gatepolicy.model.encoding import Json

Node: TypeAlias = "Json | Iterator[Node] | Sequence[Node] | Mapping[str, Node]"
"""A value in which a list may be an iterator: its items are made when they are written.

An iterator is always laid out one item per line. It must not lie inside of what is written on one
line, nor inside of an item of another one."""

_quoted = json.encoder.encode_basestring
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)


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
            return _stream(value, indent, levels)
        case list() if levels > 0 and not _is_flat(value):
            return _block("[", (("", item) for item in value), "]", indent, levels)
        case dict() if levels > 0 and not _is_flat(value.values()):
            return _object(value.items(), indent, levels)
        case _:
            return iter((_text(value),))


def _stream(items: Iterator[Node], indent: str, levels: int) -> Iterator[str]:
    """A list whose items are made one by one; each is laid out whole, which is much faster."""
    inner = f"{indent}  "
    before, after = "[\n", "[]"
    for item in items:
        yield f"{before}{inner}{_laid_out(item, inner, levels - 1)}"
        before, after = ",\n", f"\n{indent}]"
    yield after


def _laid_out(value: Any, indent: str, levels: int) -> str:
    inner = f"{indent}  "
    if levels > 0 and isinstance(value, dict) and not _is_flat(value.values()):
        entries = [
            f"{inner}{_name(name)}: {_laid_out(member, inner, levels - 1)}"
            for name, member in value.items()
        ]
        return f"{{\n{_LINES.join(entries)}\n{indent}}}"
    if levels > 0 and isinstance(value, list) and not _is_flat(value):
        entries = [f"{inner}{_laid_out(item, inner, levels - 1)}" for item in value]
        return f"[\n{_LINES.join(entries)}\n{indent}]"
    return _text(value)


_LINES = ",\n"


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    return _text(name)


def _is_flat(values: Iterable[Node]) -> bool:
    return not any(isinstance(value, (dict, list, Iterator)) for value in values)


def _text(value: Node) -> str:
    text = _quoted(value) if isinstance(value, str) else _ENCODER.encode(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    """An escape of JSON for a character that does not print, so that a terminal is safe.

    A lone surrogate is no character: no UTF-8 file can hold it, and strict readers refuse its
    escape. It can reach us from an exchange's JSON or from the name of a file.
    """
    if "\ud800" <= char <= "\udfff":
        return "\N{REPLACEMENT CHARACTER}"
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
