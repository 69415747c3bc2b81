"""An attestation, and the facts that it makes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from gatepolicy.accounts.selector import Selector
from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import ATTESTED_FACTS, Fact, Facts, Grade, Never, Provenance, Unknown
from gatepolicy.model.location import Location

PREFIX = "attested."
_OF_THE_ACCOUNT = frozenset({"two_factor"})
"""Controls that are about the account and so hold for all its keys; the others are about a key."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """One entry of a file of attestations."""

    control: str
    """What was looked at, such as ``two_factor``."""
    selector: Selector
    """The accounts."""
    by: str
    """Who said so."""
    day: date
    """When. UTC."""
    evidence: str
    """Where the proof is kept; may be empty."""
    location: Location
    """Where it stands."""

    def is_about(self, subject: Subject) -> bool:
        """Whether it is about an account, or about a key that a scan found beside one.

        Nobody who looked at the key of an account looked at a key that was found later.
        """
        of_account = self.control in _OF_THE_ACCOUNT and self.selector.names(subject)
        return of_account or self.selector.names_key(subject)


def with_attested(
    facts: Facts,
    subject: Subject,
    attestations: Sequence[Attestation],
    as_of: datetime,
    unread: Unknown | None = None,
) -> Facts:
    """Facts with the last day on which somebody attested each control.

    Args:
        facts: What is known about the account's key.
        subject: The account.
        attestations: All of them. What nobody attested was never attested.
        as_of: Nothing that was said on a later day counts. UTC.
        unread: Why the account's key could not be read: then nobody knows whether what was said is
            about a key that exists, and it proves nothing.
    """
    mine = [one for one in attestations if one.day <= as_of.date() and one.is_about(subject)]
    told = {name: _last(name, mine, as_of) for name in ATTESTED_FACTS}
    if unread is None:
        return facts.learn_all(told)
    return facts.learn_all(
        {name: fact if fact.value is Never.NEVER else unread for name, fact in told.items()}
    )


def _last(name: str, attestations: Sequence[Attestation], as_of: datetime) -> Fact:
    control = name.removeprefix(PREFIX)
    of_control = [one for one in attestations if one.control == control]
    if not of_control:
        return Fact(Never.NEVER, Provenance(Grade.ATTESTED, "", "", "no attestation"))
    last = max(of_control, key=lambda one: one.day)
    told = f"{last.by} on {last.day}, {last.location}"
    reference = f"{told}, {last.evidence}" if last.evidence else told
    # Nobody knows at which hour it was said: the day counts from its end, or from now.
    moment = min(datetime.combine(last.day, time.max, UTC), as_of)
    return Fact(moment, Provenance(Grade.ATTESTED, "", "", reference))
