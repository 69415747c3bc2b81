"""From two snapshots to what differs. Pure."""

from collections.abc import Iterator, Mapping

from gatepolicy.drift.changes import account_changes
from gatepolicy.drift.questions import Questions
from gatepolicy.drift.selected import comparable
from gatepolicy.drift.snapshot import Account, Snapshot
from gatepolicy.drift.standing import Background, standing_of
from gatepolicy.model.drift import Absent, Drift, FactChange, Finding, Gone
from gatepolicy.model.verdicts import Outcome


def compare(old: Snapshot, new: Snapshot, *, same_evidence: bool = False) -> Drift:
    """Everything that differs, as far as a narrowed scan can tell.

    Args:
        old: The earlier scan.
        new: The later one.
        same_evidence: Whether two policies judge the same evidence: then nothing was fixed, and
            what passes does so because it is asked otherwise.
    """
    old = comparable(old, new)
    changes = tuple(_changes(old.accounts, new.accounts))
    if old.judged is None or new.judged is None:
        return Drift(old.file, {}, (), changes)
    before = Questions(old.judged, one_policy=same_evidence)
    after = Questions(new.judged, one_policy=same_evidence)
    background = Background(changes, new.asked)
    states = {
        one.question: standing_of(
            before.mildest_like(one, after), one, background, known=before.knows(one)
        )
        for one in after.answers.values()
    }
    absent = [
        _absent(one, now, new, same_evidence=same_evidence)
        for one in before.answers.values()
        if one.is_found and not ((now := after.worst_like(one, before)) and now.is_found)
    ]
    return Drift(old.file, states, absent, changes)


def _absent(before: Finding, now: Finding | None, new: Snapshot, *, same_evidence: bool) -> Absent:
    if now is not None:
        return Absent(before, _gone(before, now, same_evidence=same_evidence), now.expected)
    if before.account and (before.exchange, before.account) not in new.accounts:
        return Absent(before, Gone.NO_ACCOUNT)
    return Absent(before, Gone.NOT_ASKED)


def _gone(before: Finding, now: Finding, *, same_evidence: bool) -> Gone:
    if now.outcome is not Outcome.PASS:
        return Gone.NOT_ASKED
    otherwise = same_evidence or now.expected != before.expected
    return Gone.ASKED_OTHERWISE if otherwise else Gone.PASSES


def _changes(
    old: Mapping[tuple[str, str], Account], new: Mapping[tuple[str, str], Account]
) -> Iterator[FactChange]:
    for key, account in new.items():
        before = old.get(key)
        if before is None:
            yield _about(account, "account-added", is_worse=False)
        else:
            yield from account_changes(before, account)
    for key, account in old.items():
        if key not in new:
            yield _about(account, "account-removed", is_worse=False)


def _about(account: Account, name: str, *, is_worse: bool) -> FactChange:
    return FactChange(
        name=name,
        is_worse=is_worse,
        exchange=account.exchange,
        account=account.id,
        what="",
        before="",
        after="",
    )
