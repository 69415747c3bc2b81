"""Three-valued logic (strong Kleene) over conditions: true, false, or ``None`` for unknown."""

from collections.abc import Callable, Iterable
from typing import assert_never

from gatepolicy.rules.conditions import AllOf, AnyOf, Condition, Test

Truth = bool | None
Judge = Callable[[Test], Truth]


def all_of(truths: Iterable[Truth]) -> Truth:
    """False when one is false, true when all are true, else unknown. Of nothing: unknown."""
    seen: Truth = None
    first = True
    for truth in truths:
        if truth is False:
            return False
        seen = truth if first or truth is None else seen
        first = False
    return seen


def any_of(truths: Iterable[Truth]) -> Truth:
    """True when one is true, false when all are false, else unknown. Of nothing: unknown."""
    return negation(all_of(negation(truth) for truth in truths))


def negation(truth: Truth) -> Truth:
    """What is unknown stays unknown."""
    return None if truth is None else not truth


def holds(condition: Condition, judge: Judge) -> Truth:
    """Whether a condition holds.

    Args:
        condition: The good state.
        judge: Says what is known about a single test.
    """
    match condition:
        case Test():
            return judge(condition)
        case AllOf(parts):
            return all_of(holds(part, judge) for part in parts)
        case AnyOf(parts):
            return any_of(holds(part, judge) for part in parts)
        case _:
            assert_never(condition)


def decisive(condition: Condition, judge: Judge) -> tuple[Test, ...]:
    """The tests that made a condition's truth what it is, in their order.

    Where an ``AllOf`` fails, only its failing parts count; where it holds, all of them; where it
    is unknown, only its unknown parts. For ``AnyOf`` the other way round.
    """
    match condition:
        case Test():
            return (condition,)
        case AllOf(parts) | AnyOf(parts):
            truth = holds(condition, judge)
            return tuple(
                test
                for part in parts
                if holds(part, judge) is truth
                for test in decisive(part, judge)
            )
        case _:
            assert_never(condition)
