"""Conditions: the good state, as a three-valued expression over facts."""

from dataclasses import dataclass
from datetime import timedelta

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
