"""What a rule is: its texts, its conditions over facts, and the words for its arguments."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from gatepolicy.model.facts import Network
from gatepolicy.model.verdicts import OnUnknown, RuleInfo

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


def may_decide(condition: Condition, hidden: Set[str]) -> bool:
    """Whether any values of the other facts can make a condition hold, or fail.

    Args:
        condition: Any.
        hidden: Facts of which nobody will ever know the value.
    """
    return _may_be(condition, hidden, truth=True) or _may_be(condition, hidden, truth=False)


def _may_be(condition: Condition, hidden: Set[str], *, truth: bool) -> bool:
    match condition:
        case Test(fact):
            return fact not in hidden
        case AllOf(parts):
            needed = all if truth else any
        case AnyOf(parts):
            needed = any if truth else all
        case _:
            assert_never(condition)
    return needed(_may_be(part, hidden, truth=truth) for part in parts)


_WHOLE_VALUE = "{value}"


def fill_condition(template: Condition, item: str, value: Argument) -> Condition:
    """Put an item and a value in the place of a template's placeholders.

    Args:
        template: A condition whose texts may hold ``{item}``, and whose arguments may be
            ``{value}``.
        item: A capability or a word; empty when the clause makes one question.
        value: What the policy says, already typed.
    """
    match template:
        case Test(fact, predicate, argument):
            return Test(
                fact.replace("{item}", item),
                predicate,
                value if argument == _WHOLE_VALUE else argument,
            )
        case AllOf(parts):
            return AllOf(tuple(fill_condition(part, item, value) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(fill_condition(part, item, value) for part in parts))
        case _:
            assert_never(template)


def fill_text(template: str, what: str, value: Argument) -> str:
    """Put plain words in the place of a text's placeholders."""
    return template.replace("{what}", what).replace(_WHOLE_VALUE, in_words(value))


def in_words(value: Argument) -> str:
    """An argument as a reader expects it: ``90 days``, ``203.0.113.0/28, 198.51.100.7/32``."""
    match value:
        case timedelta():
            return duration_in_words(value)
        case tuple():
            return ", ".join(str(part) for part in value)
        case _:
            return str(value)


def duration_in_words(duration: timedelta) -> str:
    """Whole days, or whole hours where a duration is no whole number of days."""
    hours = duration // timedelta(hours=1)
    count, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


class Each(StrEnum):
    """How many questions a clause makes."""

    ONCE = "once"
    """One, about the key as a whole."""
    ITEM = "item"
    """One for every capability that the clause lists."""
    CAPABILITY_BEYOND = "capability_beyond"
    """One for every capability that the clause does not list, and that is not forbidden anyway."""
    WORD_BEYOND = "word_beyond"
    """One for every word of the exchange that the clause does not allow without limit."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A clause of a policy, and the condition that it becomes.

    Texts may hold placeholders: ``{item}`` is the capability or word, ``{what}`` the same in plain
    words, ``{value}`` what the policy says. As a whole argument, ``{value}`` keeps its type.
    """

    clauses: tuple[str, ...]
    """Where in a policy; asked when at least one of them is there."""
    each: Each
    """How many questions it makes."""
    only: frozenset[str]
    """Items that are asked here; empty means all."""
    besides: frozenset[str]
    """Items that another rule asks."""
    condition: Condition
    """The good state, with placeholders."""
    expected: str
    """The good state in words, with placeholders."""

    def takes(self, item: str) -> bool:
        """Whether an item is asked here."""
        return item not in self.besides and (not self.only or item in self.only)


@dataclass(frozen=True, slots=True)
class Rule:
    """Metadata and conditions under one stable id."""

    info: RuleInfo
    """What reports say."""
    groups: tuple[str, ...]
    """Groups of ``on_unknown``, the most specific first."""
    on_unknown: OnUnknown
    """What an unknown means when the policy does not say."""
    asks: tuple[Ask, ...]
    """What it asks; empty for rules about the scan itself, and for those of policies."""
    on_keys_page: bool = False
    """Whether it is fixed where an exchange's keys are edited, and not in a file of the firm."""
    is_custom: bool = False
    """Whether a policy brings it; then the policy's condition asks."""
