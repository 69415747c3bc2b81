"""Accounts and what was collected about them: no secret, enough to evaluate again.

Also whether this machine's clock agrees with the ``Date`` of the exchanges' answers. Ages, expiries
and idle times are counted from the clock: a slow one makes every key young, and exchanges that sign
without a timestamp do not refuse it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from gatepolicy.model.facts import HINT, Facts, Grade, Reason, Unknown, could_not_be_read


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where something was written."""

    file: str
    """The file as the user named it."""
    line: int
    """1-based."""
    column: int
    """1-based, counted in Unicode code points."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


_ANSWERED = frozenset({Grade.OBSERVED, Grade.REFUSAL, Grade.INFERRED})
_TOLD = frozenset({Grade.OBSERVED, Grade.INFERRED, Grade.APPARENT})


@dataclass(frozen=True, slots=True)
class Subject:
    """An account as the inventory declares it, without its credentials."""

    id: str
    """Unique within the inventory and the keys that were found."""
    exchange: str
    """Id of the exchange in the catalog."""
    labels: Mapping[str, str]
    """What selectors match on."""
    owner: str
    """Who answers for the account; may be empty."""
    location: Location
    """Where the inventory declares it, or the account that listed it."""
    found_by: str = ""
    """Id of the account that listed this key, where the inventory does not name it."""

    @property
    def declared_id(self) -> str:
        """The id that the inventory knows: what selectors match on."""
        return self.found_by or self.id


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that was made for an account, without anything secret."""

    call: str
    """The catalog's name of the call."""
    method: str
    """HTTP method."""
    url: str
    """Scheme, host and path; never the query."""
    status: int | None
    """HTTP status of the last attempt; ``None`` when there was no answer."""
    reason: str
    """Why it failed, from the enumerated set; empty when it succeeded."""
    attempts: int
    """How often it was sent."""
    answer: str
    """The redacted answer; empty when there was none."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was collected about one account: no secret, enough to evaluate again."""

    subject: Subject
    """Whose key."""
    collected_at: datetime
    """UTC."""
    facts: Facts
    """What the answers prove."""
    calls: Sequence[CallRecord]
    """What was sent and answered."""
    clock_skew: timedelta | None = None
    """How far the exchange's clock was ahead of the scanner's, where the two differ by more than is
    tolerable: then no age can be judged. Negative when it was behind."""

    @property
    def unread(self) -> Unknown | None:
        """Why no answer said anything about this key.

        ``None`` once one did, and for accounts of which an exchange discloses nothing at all.
        """
        if self.was_answered:
            return None
        why = self.facts.unknown.get("key.exists", Unknown(Reason.NOT_DISCLOSED))
        return why if could_not_be_read(why.reason) else None

    @property
    def was_answered(self) -> bool:
        """Whether an answer of the exchange, or its refusal, proved anything about this key."""
        known = self.facts.known
        return "key.exists" in known or any(
            fact.provenance.grade in _ANSWERED for fact in known.values()
        )

    @property
    def was_read(self) -> bool:
        """Whether an answer, and not only a refusal, reported anything about this key."""
        return any(fact.provenance.grade in _TOLD for fact in self.facts.known.values())

    @property
    def why_not_read(self) -> Unknown | None:
        """Why the key could not be read, whatever the refusals themselves prove.

        ``None`` once an answer said anything, and where there was nothing to ask for. For reports:
        the exit code follows ``unread``.
        """
        if self.was_read:
            return None
        return self.unread or next(
            (why for why in self.facts.unknown.values() if could_not_be_read(why.reason)), None
        )


TOLERANCE = timedelta(minutes=5)
"""Clocks differ by so much without any harm: ages are counted in days."""
FARTHEST = timedelta(days=36_525)
"""More is reported as so much: any further date is as wrong."""
_SHOWN_EXCHANGES = 5


def date_of(header: str | None) -> datetime | None:
    """The moment that a ``Date`` header names (RFC 9110, 6.6.1), if it names one. UTC."""
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def skew_of(date: datetime | None, now: datetime) -> timedelta | None:
    """How far the exchange is ahead of this machine; ``None`` where that is tolerable or unknown.

    Args:
        date: Of an answer. UTC.
        now: When the answer was there, by this machine. UTC.
    """
    if date is None or abs(date - now) <= TOLERANCE:
        return None
    return min(max(date - now, -FARTHEST), FARTHEST)


def largest_skew(skews: Iterable[timedelta | None]) -> timedelta | None:
    """The one that is farthest from zero."""
    return max((skew for skew in skews if skew is not None), key=abs, default=None)


def clock_warnings(evidence: Sequence[Evidence]) -> Iterator[str]:
    """One line for all accounts whose exchange has another time than this machine."""
    wrong = [one for one in evidence if one.clock_skew is not None]
    skew = largest_skew(one.clock_skew for one in wrong)
    if skew is None:
        return
    exchanges = sorted({one.subject.exchange for one in wrong})
    more = len(exchanges) - _SHOWN_EXCHANGES
    names = ", ".join(exchanges[:_SHOWN_EXCHANGES]) + (f" and {more} more" if more > 0 else "")
    direction = "behind" if skew > timedelta(0) else "ahead of"
    accounts = f"{len(wrong):,} account{'s' if len(wrong) != 1 else ''}"
    yield (
        f"this machine's clock is {_in_words(abs(skew))} {direction} {names}: no age or expiry of"
        f" {accounts} can be judged; {HINT[Reason.CLOCK_SKEW]}"
    )


def _in_words(skew: timedelta) -> str:
    """At least two of the largest_skew unit that fits: ``60 days``, ``26 hours``, ``6 minutes``."""
    for unit, name in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if skew >= 2 * unit:
            return f"{skew // unit:,} {name}"
    return f"{skew // timedelta(minutes=1)} minutes"
