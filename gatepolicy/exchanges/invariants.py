"""What holds between facts of one key, whatever places they come from. Pure."""

from collections.abc import Mapping
from typing import TypeAlias, TypeGuard

from gatepolicy.exchanges.readers import admits_strangers
from gatepolicy.model.facts import Fact, Grade, Unknown
from gatepolicy.model.reasons import Reason, could_not_be_read

Found: TypeAlias = Mapping[str, Fact | Unknown]


def hold_together(found: Found) -> Found:
    """The same facts, none of which another one belies.

    An allowlist that admits strangers restricts nothing, whatever a flag or a rule of the exchange
    says: the key works from anywhere. And an allowlist that is there and cannot be read may do so:
    then a rule that every key has one does not prove the key restricted.

    Args:
        found: Every fact, or why it is unknown.
    """
    restricted, allowlist = found.get("ip.restricted"), found.get("ip.allowlist")
    if isinstance(allowlist, Fact) and admits_strangers(allowlist.value):
        if restricted is None or _may_be_belied(restricted):
            return {**found, "ip.restricted": Fact(value=False, provenance=allowlist.provenance)}
    elif _is_unreadable(allowlist) and _is_by_rule(restricted):
        return {**found, "ip.restricted": allowlist}
    return found


def _may_be_belied(restricted: Fact | Unknown) -> bool:
    """Whether it claims a restriction, or leaves it open and is not unreadable itself."""
    if isinstance(restricted, Fact):
        return restricted.value is True
    return not could_not_be_read(restricted.reason)


def _is_by_rule(fact: Fact | Unknown | None) -> bool:
    return isinstance(fact, Fact) and fact.provenance.grade is Grade.STRUCTURAL


def _is_unreadable(fact: Fact | Unknown | None) -> TypeGuard[Unknown]:
    return isinstance(fact, Unknown) and fact.reason is Reason.UNEXPECTED_ANSWER
