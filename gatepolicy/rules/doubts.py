"""Known values that leave open what an expression would ask about them. Pure.

The predicates of gatepolicy's own rules answer that they cannot judge such a value. An expression
sees a plain value and would take it at its word, so that it must not see it at all.
"""

import re
from datetime import datetime, timedelta

from gatepolicy.model.facts import (
    ATTESTED_FACTS,
    CLOCK_IS_WRONG,
    Access,
    FactValue,
    Grant,
    Never,
    Unknown,
)
from gatepolicy.model.reasons import Reason

AHEAD = timedelta(hours=1)
"""How far a time may lie in the future and still count as now: clocks differ, and on some exchanges
the scan itself is the key's last use."""
_PAST = frozenset({"key.created_at", "key.last_used_at", *ATTESTED_FACTS})
"""Times that cannot lie in the future."""
_MADE = "key.created_at"
"""What has a time in any case."""
_NEVER_EMPTY = frozenset({"ip.allowlist", "account.keys"})
"""Lists that mean nothing when they are empty: where any address may use a key, all are listed."""
_SHARED = "ip.shared_across"
MAYBE = "?"
"""Behind a label of an account that may share an address, in an entry of ``ip.shared_across``."""
LEFT_OUT = "~"
"""The same, of an account that a narrowed scan left out."""
_MAYBE = re.compile(r"[^=?]*\?")
_LEFT_OUT = re.compile(r"[^=~]*~")


def doubt_of(name: str, value: FactValue, now: datetime | None) -> Unknown | None:
    """Why an expression cannot ask about a known fact; ``None`` where it can.

    Args:
        name: Of the fact.
        value: Its value.
        now: The time of the scan, or ``None`` where no fact is a moment. UTC.
    """
    match value:
        case datetime():
            return CLOCK_IS_WRONG if now is None else _of_time(name, value, now)
        case Never() if name == _MADE:
            return Unknown(Reason.UNEXPECTED_ANSWER, f"{name} is never")
        case ():
            empty = Unknown(Reason.UNEXPECTED_ANSWER, f"{name} is empty")
            return empty if name in _NEVER_EMPTY else None
        case tuple():
            return _of_entries(name, value)
        case _:
            return None


def _of_time(name: str, value: datetime, now: datetime) -> Unknown | None:
    if value.utcoffset() is None:
        return Unknown(Reason.UNEXPECTED_ANSWER, f"{name}, {value.isoformat()}, has no time zone")
    if name in _PAST and value - now > AHEAD:
        what = f"{name}, {value.isoformat()}, lies in the future"
        return Unknown(Reason.UNEXPECTED_ANSWER, what)
    return None


def _of_entries(name: str, entries: tuple[object, ...]) -> Unknown | None:
    grants = [entry for entry in entries if isinstance(entry, Grant)]
    reach = {grant.word: grant.access for grant in grants}
    open_ = {g.word for g in grants if g.access is Access.UNKNOWN or g.access != reach[g.word]}
    if open_:
        what = f"it is not told how far {', '.join(sorted(open_))} is granted"
        return Unknown(Reason.NOT_DISCLOSED, what)
    if name == _SHARED and any(_MAYBE.match(str(entry)) for entry in entries):
        what = "nobody knows from which addresses some accounts work"
        return Unknown(Reason.NOT_DISCLOSED, f"{what}; name their egress in the inventory")
    if name == _SHARED and any(_LEFT_OUT.match(str(entry)) for entry in entries):
        return Unknown(Reason.NOT_SELECTED, "the addresses of some accounts were not read")
    return None
