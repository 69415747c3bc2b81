"""Which CEL conditions could take any amount of memory or time. Pure.

The library counts the turns of loops, and not what a turn takes: nine times ``.map(x, x+x+x)`` in a
row take gigabytes. Here loops may compare, count and choose, and make nothing that is larger than
what they are given. Then what a condition takes is at most the turns that the library allows, times
the little that a turn may take.
"""

from collections.abc import Iterator
from typing import assert_never

from gatepolicy.documents.patterns import PatternError, steps_of
from gatepolicy.rules.cel_tree import Called, Leaf, Loop, Made, Tree

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
