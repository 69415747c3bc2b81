"""What holds between facts of one key, whatever places they come from. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, TypeGuard

from gatepolicy.exchanges.readers import admits_strangers
from gatepolicy.model.facts import Fact, Facts, Unknown
from gatepolicy.model.reasons import Reason, could_not_be_read

Found: TypeAlias = Mapping[str, Fact | Unknown]


def hold_together(found: Found) -> Found:
    """The same facts, none of which another one belies.

    An allowlist that admits strangers restricts nothing, whatever a flag or a rule of the exchange
    says: the key works from anywhere. And an allowlist that is there and cannot be read may do so:
    then neither a flag nor a rule proves the key restricted.

    Args:
        found: Every fact, or why it is unknown.
    """
    restricted, allowlist = found.get("ip.restricted"), found.get("ip.allowlist")
    if isinstance(allowlist, Fact) and admits_strangers(allowlist.value):
        if restricted is None or _may_be_belied(restricted):
            return {**found, "ip.restricted": Fact(value=False, provenance=allowlist.provenance)}
    elif _is_unreadable(allowlist) and _claims_restriction(restricted):
        return {**found, "ip.restricted": allowlist}
    return found


def at_moment(facts: Facts, now: datetime) -> Facts:
    """The same facts, none of which another one belies at a moment.

    A key that expired is not active, whatever a flag says.

    Args:
        facts: Of one key.
        now: By a clock that is right. UTC.
    """
    expires, active = facts.known.get("key.expires_at"), facts.known.get("key.active")
    if expires is None or active is None or active.value is not True:
        return facts
    if isinstance(expires.value, datetime) and expires.value <= now:
        return facts.learn("key.active", Fact(value=False, provenance=expires.provenance))
    return facts


def _may_be_belied(restricted: Fact | Unknown) -> bool:
    """Whether it claims a restriction, or leaves it open and is not unreadable itself."""
    if isinstance(restricted, Fact):
        return restricted.value is True
    return not could_not_be_read(restricted.reason)


def _claims_restriction(fact: Fact | Unknown | None) -> bool:
    return isinstance(fact, Fact) and fact.value is True


def _is_unreadable(fact: Fact | Unknown | None) -> TypeGuard[Unknown]:
    return isinstance(fact, Unknown) and fact.reason is Reason.UNEXPECTED_ANSWER
