"""The tree of a checked CEL expression, as the library serialises it. Pure.

The numbers are those of the fields of a ``CheckedExpr`` of cel/expr/checked.proto, which stands
within a ``google.protobuf.Any``; only what matters here is read. No library that is installed knows
these messages. See https://github.com/cel-expr/cel-spec/blob/master/proto/cel/expr/syntax.proto
and https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Leaf:
    """A constant or a name."""

    text: str | None = None
    """Of a constant that is a text."""


@dataclass(frozen=True, slots=True)
class Made:
    """A list or a map that is written out, or a field that is taken from something."""

    parts: Sequence["Tree"]
    """What it is made of."""
    is_literal: bool
    """Whether it is a list or a map."""


@dataclass(frozen=True, slots=True)
class Called:
    """A function or an operator."""

    function: str
    """Its name, such as ``_+_``."""
    overloads: frozenset[str]
    """What it can be for the types that it is given, such as ``add_string``."""
    arguments: Sequence["Tree"]
    """What it is given; of a method, the receiver first."""


@dataclass(frozen=True, slots=True)
class Loop:
    """What a macro such as ``all`` or ``map`` becomes."""

    over: "Tree"
    """The list."""
    start: "Tree"
    """What is there before the first turn: a list where the loop makes one."""
    condition: "Tree"
    """Whether it goes on."""
    step: "Tree"
    """What a turn makes of it."""
    result: "Tree"
    """What comes out."""


Tree = Leaf | Made | Called | Loop


def tree_of(checked: bytes) -> Tree:
    """The tree of an expression that the library has compiled and serialised."""
    whole = _message(checked)
    expression = _message(whole.parts(2)[0])
    references = {}
    for entry in expression.parts(2):
        pair = _message(entry)
        names = [name for value in pair.parts(2) for name in _message(value).parts(3)]
        references[pair.number(1)] = frozenset(name.decode() for name in names)
    return _Trees(references).of(expression.parts(4)[0])


class _Trees:
    def __init__(self, references: Mapping[int, frozenset[str]]) -> None:
        self._references = references

    def of(self, expression: bytes) -> Tree:
        """The tree of an ``Expr``, by the kind that it is."""
        fields = _message(expression)
        for constant in fields.parts(3):
            return Leaf(next((text.decode() for text in _message(constant).parts(6)), None))
        for number, kind in self._KINDS.items():
            for part in fields.parts(number):
                return kind(self, _message(part), fields.number(2))
        return Leaf()

    def _selected(self, fields: "_Message", _: int) -> Tree:
        return Made(self._all(fields.parts(1)), is_literal=False)

    def _called(self, fields: "_Message", id_: int) -> Tree:
        (function,) = fields.parts(2)
        arguments = self._all([*fields.parts(1), *fields.parts(3)])
        return Called(function.decode(), self._references.get(id_, frozenset()), arguments)

    def _list(self, fields: "_Message", _: int) -> Tree:
        return Made(self._all(fields.parts(1)), is_literal=True)

    def _struct(self, fields: "_Message", _: int) -> Tree:
        entries = [_message(entry) for entry in fields.parts(2)]
        parts = [part for entry in entries for part in (*entry.parts(3), *entry.parts(4))]
        return Made(self._all(parts), is_literal=True)

    def _loop(self, fields: "_Message", _: int) -> Tree:
        return Loop(*(self.of(fields.parts(number)[0]) for number in (2, 4, 5, 6, 7)))

    def _all(self, parts: Iterable[bytes]) -> Sequence[Tree]:
        return tuple(self.of(part) for part in parts)

    _KINDS: ClassVar = {5: _selected, 6: _called, 7: _list, 8: _struct, 9: _loop}


@dataclass(frozen=True, slots=True)
class _Message:
    """The fields of a message, by number."""

    fields: Mapping[int, Sequence[int | bytes]]

    def parts(self, number: int) -> Sequence[bytes]:
        return [value for value in self.fields.get(number, ()) if isinstance(value, bytes)]

    def number(self, number: int) -> int:
        return next((v for v in self.fields.get(number, ()) if isinstance(v, int)), 0)


def _message(data: bytes) -> _Message:
    fields: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value: int | bytes
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
            case 2:
                size, at = _varint(data, at)
                value, at = data[at : at + size], at + size
            case fixed:
                size = 8 if fixed == 1 else 4
                value, at = data[at : at + size], at + size
        fields.setdefault(tag >> 3, []).append(value)
    return _Message(fields)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A whole number, seven bits a byte, the lowest first; and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
