"""A rule: what reports say about it, and what it asks. Both are data (``rules.yaml``)."""

from dataclasses import dataclass
from enum import StrEnum

from gatepolicy.model.rules import RuleInfo
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.rules.conditions import Condition


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
