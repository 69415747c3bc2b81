"""From two snapshots to what differs. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from gatepolicy.drift.changes import account_changes
from gatepolicy.drift.snapshot import Account, Snapshot
from gatepolicy.model.drift import BaselineState, Drift, FactChange, Finding, Gone
from gatepolicy.model.verdicts import Outcome

_WORST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED, Outcome.NOT_APPLICABLE, Outcome.PASS)


def compare(old: Snapshot, new: Snapshot) -> Drift:
    """Everything that differs.

    Args:
        old: The earlier scan.
        new: The later one.
    """
    changes = tuple(_changes(old.accounts, new.accounts))
    if old.judged is None or new.judged is None:
        return Drift(old.file, {}, (), changes)
    before, after = _by_identity(old.judged), _by_identity(new.judged)
    states = {identity: _state(before.get(identity), one) for identity, one in after.items()}
    absent = [
        (one, _gone(one, after.get(identity), new))
        for identity, one in before.items()
        if one.is_found and (identity not in after or not after[identity].is_found)
    ]
    return Drift(old.file, states, absent, changes)


def _by_identity(judged: Iterable[Finding]) -> dict[str, Finding]:
    """The worst of each identity: two policies may ask the same."""
    found: dict[str, Finding] = {}
    for one in judged:
        other = found.setdefault(one.identity, one)
        if _WORST.index(one.outcome) < _WORST.index(other.outcome):
            found[one.identity] = one
    return found


def _state(before: Finding | None, after: Finding) -> BaselineState:
    if before is None or (after.is_found and not before.is_found):
        return BaselineState.NEW
    same = (before.outcome, before.severity) == (after.outcome, after.severity)
    return BaselineState.UNCHANGED if same else BaselineState.UPDATED


def _gone(before: Finding, after: Finding | None, new: Snapshot) -> Gone:
    if after is not None:
        return Gone.PASSES if after.outcome is Outcome.PASS else Gone.NOT_ASKED
    if before.account and (before.exchange, before.account) not in new.accounts:
        return Gone.NO_ACCOUNT
    return Gone.NOT_ASKED


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
