"""Conditions: the good state, as a three-valued expression over facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from gatepolicy.model.facts import Network

Argument = None | bool | int | str | timedelta | tuple[str, ...] | tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """One predicate on one fact."""

    fact: str
    """Name of the fact."""
    predicate: str
    """Name in the table of predicates."""
    argument: Argument = None
    """What the policy compares with."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every part holds; fails when one fails. Never empty."""

    parts: tuple["Condition", ...]
    """The parts."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when one part holds; fails when every part fails. Never empty."""

    parts: tuple["Condition", ...]
    """The parts."""


Condition = Test | AllOf | AnyOf


def tests_of(condition: Condition) -> Iterator[Test]:
    """Every test within a condition, in order."""
    match condition:
        case Test():
            yield condition
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from tests_of(part)
        case _:
            assert_never(condition)
