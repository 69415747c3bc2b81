"""Which verdicts a SARIF log holds, and in which order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gatepolicy.model.evidence import Subject
from gatepolicy.model.location import Location
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.reports.sarif_text import plain


class Profile(StrEnum):
    """For whom a SARIF file is written."""

    GITHUB = "github"
    """Alerts only: fails and unknowns, no more than GitHub takes."""
    FULL = "full"
    """Every verdict."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A verdict with the account that it is about."""

    subject: Subject | None
    """The account; ``None`` for a verdict about the scan itself."""
    verdict: Verdict
    """What a policy says about it."""

    @property
    def place(self) -> Location:
        """The line of the inventory; of the policy where there is no account."""
        return self.subject.location if self.subject else self.verdict.location

    @property
    def who(self) -> str:
        """The beginning of a sentence about it."""
        if self.subject is None:
            return f"Policy {plain(self.verdict.policy)}" if self.verdict.policy else "This scan"
        return f"Account {plain(self.subject.id)} on {plain(self.subject.exchange)}"

    @property
    def name(self) -> str:
        """The thing that was judged."""
        owner = self.subject.id if self.subject else self.verdict.policy
        return self.verdict.subject or owner

    @property
    def qualified(self) -> str:
        """The thing that was judged, as a path."""
        account = (self.subject.exchange, self.subject.id) if self.subject else ("policy",)
        return "/".join(part for part in (*account, self.verdict.subject) if part)


@dataclass(frozen=True, slots=True)
class Shown:
    """The verdicts of a scan that a log holds."""

    entries: Iterator[Entry]
    """In the order of the scan; made while they are read."""
    left_out: int
    """How many found no room."""


def shown_entries(scan: Scan, profile: Profile, limit: int) -> Shown:
    """The verdicts that a profile shows.

    Args:
        scan: The finished scan.
        profile: For whom the log is written.
        limit: How many the ``github`` profile holds at most; the worst are kept.
    """
    ranks = Counter(_rank(entry.verdict) for entry in _entries(scan, profile))
    room = min(limit, ranks.total()) if profile is Profile.GITHUB else ranks.total()
    return Shown(_worst(_entries(scan, profile), ranks, room), ranks.total() - room)


def _entries(scan: Scan, profile: Profile) -> Iterator[Entry]:
    for account in scan.accounts:
        for verdict in account.verdicts:
            if _is_shown(verdict, profile):
                yield Entry(account.evidence.subject, verdict)
    for verdict in scan.general:
        if _is_shown(verdict, profile):
            yield Entry(None, verdict)


def _is_shown(verdict: Verdict, profile: Profile) -> bool:
    return profile is Profile.FULL or verdict.outcome in (Outcome.FAIL, Outcome.UNKNOWN)


_Rank = tuple[bool, bool, int]


def _rank(verdict: Verdict) -> _Rank:
    """Smaller is worse."""
    return (not verdict.violates, not verdict.incomplete, verdict.severity.rank)


def _worst(entries: Iterator[Entry], ranks: Counter[_Rank], room: int) -> Iterator[Entry]:
    """The worst entries, in their order; counted before, so that no list of all is made."""
    places: dict[_Rank, int] = {}
    for rank in sorted(ranks):
        places[rank] = min(room, ranks[rank])
        room -= places[rank]
    for entry in entries:
        rank = _rank(entry.verdict)
        if places[rank] > 0:
            places[rank] -= 1
            yield entry
