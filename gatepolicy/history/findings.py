"""From the findings that are open, and a scan, to what became of them. Pure.

A finding is fixed by one thing only: the same question, asked in the same words, passes. An account
that could not be read, a policy that no longer asks, or asks for something else: none is a fix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gatepolicy.drift.changes import Account, Questions, Snapshot
from gatepolicy.drift.compare import comparable, why_gone
from gatepolicy.model.facts import Facts
from gatepolicy.model.scan import Finding, Gone
from gatepolicy.model.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Tracked:
    """A finding with its past. All times are those at which a scan began, in UTC."""

    id: int | None
    """Of its row; ``None`` for one that is new."""
    finding: Finding
    """As it was last found."""
    first_seen: datetime
    """When it was first found, whether it failed or was unknown."""
    violated_at: datetime | None
    """When it was first proved to fail; ``None`` when it never was."""
    last_seen: datetime
    """When it was last found."""
    checked_at: datetime
    """The last scan that said anything about it."""
    fixed_at: datetime | None = None
    """When it was proved to pass; ``None`` while that is not so."""
    gone: Gone | None = None
    """Why it was not found the last time, although nothing was fixed."""


def follow(
    tracked: Sequence[Tracked], new: Snapshot, *, at: datetime, now: datetime
) -> Iterator[Tracked]:
    """Every finding that is new, or of which a scan tells more than was known.

    Args:
        tracked: Those of the same inventory: all that are open, and those fixed after ``at``.
        new: The scan.
        at: When it began.
        now: When it is stored. What claims to come from later is not believed.
    """
    open_ = [one for one in tracked if one.fixed_at is None]
    old = comparable(_snapshot(open_), new)
    asked = {one.question for one in old.judged or ()}
    before, after = (
        Questions(judged or (), one_policy=False) for judged in (old.judged, new.judged)
    )
    taken: set[str] = set()
    # The same question in the same words comes before one in other words.
    for one in sorted(open_, key=lambda row: row.finding.question not in after.answers):
        if one.finding.question not in asked:
            taken.add(one.finding.question)
        elif at < one.checked_at <= now:
            taken.add(one.finding.question)
            yield from _told_late(one, after, at)
        else:
            yield _told(one, after.worst_like(one.finding, before), new, taken, at)
    fixed = {
        one.finding.question
        for one in tracked
        if one.fixed_at is not None and at < one.fixed_at <= now
    }
    for question, answer in after.answers.items():
        if answer.is_found and question not in taken and question not in fixed:
            yield _new(answer, at)


def _snapshot(open_: Sequence[Tracked]) -> Snapshot:
    findings = [one.finding for one in open_]
    accounts = {
        (one.exchange, one.account): Account(one.exchange, one.account, {}, "", Facts({}, {}))
        for one in findings
        if one.account
    }
    return Snapshot("", accounts, findings)


def _told(
    one: Tracked, answer: Finding | None, new: Snapshot, taken: set[str], at: datetime
) -> Tracked:
    """What a scan says about a finding, which no later scan has."""
    why = why_gone(one.finding, answer, new)
    if why is None and answer is not None and answer.question not in taken:
        taken.add(answer.question)
        return replace(
            one,
            finding=answer,
            violated_at=one.violated_at or _violated(answer, at),
            last_seen=at,
            checked_at=at,
            gone=None,
        )
    taken.add(one.finding.question)
    if why is Gone.PASSES:
        return replace(one, checked_at=at, fixed_at=at, gone=None)
    # What two policies asked in the same words and one asks now, is one finding and not two.
    return replace(one, checked_at=at, gone=why or Gone.NOT_ASKED)


def _told_late(one: Tracked, after: Questions, at: datetime) -> Iterator[Tracked]:
    """What an earlier scan says that is stored after a later one: only since when it is so."""
    answer = after.answers.get(one.finding.question)
    if answer is None or not answer.is_found:
        return
    violated = _violated(answer, at)
    if violated is not None and one.violated_at is not None:
        violated = min(violated, one.violated_at)
    yield replace(one, first_seen=min(at, one.first_seen), violated_at=violated or one.violated_at)


def _new(answer: Finding, at: datetime) -> Tracked:
    return Tracked(None, answer, at, _violated(answer, at), at, at)


def _violated(answer: Finding, at: datetime) -> datetime | None:
    return at if answer.outcome is Outcome.FAIL else None
