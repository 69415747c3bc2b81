"""From two snapshots to what differs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from gatepolicy.drift.changes import (
    Account,
    Background,
    Questions,
    Snapshot,
    account_changes,
    comparison_of,
)
from gatepolicy.model.scan import Absent, Drift, FactChange, Finding, Gone
from gatepolicy.model.verdicts import Outcome


def comparable(old: Snapshot, new: Snapshot) -> Snapshot:
    """The earlier scan without what the later one was to leave out.

    Args:
        old: The earlier scan.
        new: The later one; where nothing narrowed it, the earlier one stays as it is.
    """
    if not any(new.narrowed_by):
        return old
    accounts = {
        key: account
        for key, account in old.accounts.items()
        if key in new.accounts or all(_selects(options, account) for options in new.narrowed_by)
    }
    judged = old.judged
    if judged is not None and new.judged is not None:
        asked = {one.identity for one in new.judged}
        judged = [
            one
            for one in judged
            if one.identity in asked
            or ((one.exchange, one.account) in accounts and one.name not in new.left_out)
        ]
    return replace(old, accounts=accounts, judged=judged)


def _selects(options: Sequence[str], account: Account) -> bool:
    """Whether options would have selected an account of which nothing but the past is known."""
    if any(option.startswith("--label ") for option in options):
        # Its labels may be others now.
        return False
    # A key that was found beside an account is selected with it; ids hold no slash.
    declared = account.id.partition("/")[0]
    globs = [
        option.removeprefix("--account ") for option in options if option.startswith("--account ")
    ]
    return not globs or any(fnmatchcase(declared, glob) for glob in globs)


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
        one.question: comparison_of(
            before.mildest_like(one, after), one, background, known=before.knows(one)
        )
        for one in after.answers.values()
    }
    absent = []
    for one in before.answers.values():
        if one.is_found:
            now = after.worst_like(one, before)
            why = why_gone(one, now, new, same_evidence=same_evidence)
            if why is not None:
                absent.append(Absent(one, why, now.expected if now else ""))
    return Drift(old.file, states, absent, changes)


def why_gone(
    before: Finding, now: Finding | None, new: Snapshot, *, same_evidence: bool = False
) -> Gone | None:
    """Why a finding of an earlier scan is there no more; ``None`` when it still is.

    Args:
        before: As it was.
        now: The answer of the later scan to the same question; ``None`` when nothing asks it.
        new: The later scan.
        same_evidence: Whether two policies judge the same evidence.
    """
    if now is None:
        is_left_out = before.account and (before.exchange, before.account) not in new.accounts
        return Gone.NO_ACCOUNT if is_left_out else Gone.NOT_ASKED
    if now.is_found:
        return None
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
