"""The tree of a checked CEL expression, and whether its values could grow without an end.

The library gives the tree as a serialised ``CheckedExpr``; only what matters here is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, assert_never

from gatepolicy.documents.patterns import PatternError, steps_of


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


_LISTS = "add_list"
_TEXTS = frozenset({"add_string", "add_bytes"})
_COPIES = frozenset({"string_to_bytes", "bytes_to_string"})
MOST_JOINS = 20
"""Each copies what it joins."""
MOST_STEPS = 300
"""Of a regular expression within a loop: the library compiles it anew in each turn."""


def growing(tree: Tree) -> str:
    """Why a condition could grow; empty where it cannot."""
    return next(_found(tree, in_loop=False), "") or _too_many_joins(tree)


def _too_many_joins(tree: Tree) -> str:
    joins = [part for part in _all(tree) if isinstance(part, Called) and part.overloads & _TEXTS]
    return f"it joins more than {MOST_JOINS} texts" if len(joins) > MOST_JOINS else ""


def _found(tree: Tree, *, in_loop: bool) -> Iterator[str]:
    match tree:
        case Leaf():
            return
        case Called(arguments=parts):
            yield from _of_call(tree, in_loop=in_loop)
        case Made(parts=parts):
            pass
        case Loop():
            yield from _of_loop(tree, in_loop=in_loop)
            return
        case _:
            assert_never(tree)
    for part in parts:
        yield from _found(part, in_loop=in_loop)


def _of_call(call: Called, *, in_loop: bool) -> Iterator[str]:
    if _LISTS in call.overloads:
        yield "it joins lists"
    if in_loop and call.overloads & _TEXTS:
        yield "it joins texts within a loop"
    if in_loop and call.overloads & _COPIES:
        yield "it converts texts within a loop"
    if in_loop and call.function == "matches" and not _is_small_pattern(call.arguments[-1]):
        yield "its regular expression within a loop is large, or no constant"


def _is_small_pattern(pattern: Tree) -> bool:
    if not isinstance(pattern, Leaf) or pattern.text is None:
        return False
    try:
        return steps_of(pattern.text) <= MOST_STEPS
    except PatternError:
        return False


def _of_loop(loop: Loop, *, in_loop: bool) -> Iterator[str]:
    yield from _found(loop.over, in_loop=in_loop)
    if not isinstance(loop.start, Made):
        for part in (loop.condition, loop.step, loop.result):
            yield from _found(part, in_loop=True)
        return
    # Of map or filter: the library joins the list so far with a list of one.
    if in_loop:
        yield "it makes a list within a loop"
    step = loop.step
    if isinstance(step, Called) and step.function == "_?_:_":
        chosen, step, _ = step.arguments
        yield from _found(chosen, in_loop=True)
    for entry in _entries(step):
        yield from _found(entry, in_loop=True)
        if any(isinstance(part, Made) and part.is_literal for part in _all(entry)):
            yield "it makes lists or maps of their entries within a loop"


def _entries(step: Tree) -> Iterator[Tree]:
    """What a turn of ``map`` or ``filter`` adds to the list."""
    assert isinstance(step, Called)
    for part in step.arguments:
        if isinstance(part, Made):
            yield from part.parts


def _all(tree: Tree) -> Iterator[Tree]:
    yield tree
    match tree:
        case Leaf():
            return
        case Called(arguments=parts) | Made(parts=parts):
            pass
        case Loop(over, start, condition, step, result):
            parts = (over, start, condition, step, result)
        case _:
            assert_never(tree)
    for part in parts:
        yield from _all(part)
