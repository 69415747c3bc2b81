"""Whether this machine's clock agrees with the ``Date`` of the exchanges' answers. Pure.

Ages, expiries and idle times are counted from the clock. A slow one makes every key young, and
exchanges that sign without a timestamp do not refuse it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import HINT, Reason

TOLERANCE = timedelta(minutes=5)
"""Clocks differ by so much without any harm: ages are counted in days."""
FARTHEST = timedelta(days=36_525)
"""More is told as so much: any further date is as wrong."""
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


def largest(skews: Iterable[timedelta | None]) -> timedelta | None:
    """The one that is farthest from zero."""
    return max((skew for skew in skews if skew is not None), key=abs, default=None)


def clock_warnings(evidence: Sequence[Evidence]) -> Iterator[str]:
    """One line for all accounts whose exchange has another time than this machine."""
    wrong = [one for one in evidence if one.clock_skew is not None]
    skew = largest(one.clock_skew for one in wrong)
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
    """At least two of the largest unit that fits: ``60 days``, ``26 hours``, ``6 minutes``."""
    for unit, name in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if skew >= 2 * unit:
            return f"{skew // unit:,} {name}"
    return f"{skew // timedelta(minutes=1)} minutes"
