"""What collecting starts with and ends with, for one account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gatepolicy.accounts.account import Account
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import CallRecord, Evidence
from gatepolicy.model.facts import Facts, Reason, Unknown
from gatepolicy.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Target:
    """An account with what the catalog knows about its exchange."""

    account: Account
    """From the inventory."""
    exchange: Exchange | None
    """``None`` when the catalog does not know it: nothing is sent."""
    unusable: Unknown | None
    """Why nothing is sent; ``None`` when all is fine."""
    asks: bool = True
    """Whether its own key is asked; a key that is only audited has no secret to ask with."""
    lists: bool = False
    """Whether its key lists other keys: to discover them, or to audit them."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One key of a list."""

    listing: str
    """Id of the listing."""
    shown: str
    """The key as the exchange shows it, whole or masked. Stays within the collector."""
    mask: str
    """The character that hides; empty when keys are shown whole."""
    facts: Facts
    """What the row proves."""


NO_LIST = Unknown(Reason.NOT_DISCLOSED, "no list contains the account's own keys")
"""Why nobody knows how many keys an account has."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What an account's key could list."""

    keys: tuple[ListedKey, ...]
    """In the order of the answers."""
    missing: Unknown | None
    """Why something is missing; ``None`` when every list was read to its end."""
    of_account: tuple[ListedKey, ...] | Unknown = NO_LIST
    """All keys of the account itself, or why they are not known."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found out about one target. Stays within the collector."""

    evidence: Evidence
    """What its own key discloses."""
    api_key: Secret | None
    """The public half of its key, where it could be read."""
    listed: Listed | None = None
    """Other keys, where they were asked for."""
    warnings: tuple[str, ...] = ()
    """One line each, for people."""
    trouble: Unknown | None = None
    """What kept it from being read, and is also a warning; ``None`` when all is well or the report
    says enough."""


def unread(
    target: Target,
    why: Unknown,
    now: datetime,
    *,
    api_key: Secret | None = None,
    calls: Sequence[CallRecord] = (),
) -> Collected:
    """What is found out about an account that could not be read.

    Args:
        target: The account.
        why: The same for everything.
        now: UTC.
        api_key: The public half of its key, where that could be read.
        calls: What was sent all the same.
    """
    facts = Facts.nothing(why.reason, why.detail)
    return Collected(
        Evidence(target.account.subject, now, facts, tuple(calls)),
        api_key,
        Listed((), why, why) if target.lists else None,
    )
