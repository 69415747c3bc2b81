"""A narrowed scan is compared with what it selected, and with nothing else."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gatepolicy.drift.changes import Account, Snapshot, account_changes
from gatepolicy.drift.compare import compare
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason, Unknown
from gatepolicy.model.scan import Drift, Finding, Gone
from gatepolicy.model.verdicts import OnUnknown, Outcome

TOLD = Provenance(Grade.STRUCTURAL, "", "")


def finding(account: str, rule: str = "key-too-old") -> Finding:
    exchange = "okx" if account else ""
    return Finding(
        rule, rule, exchange, account, "", Outcome.FAIL, "medium", "seen", "desk", "90 days",
        OnUnknown.INCOMPLETE,
    )  # fmt: skip


def account(name: str, facts: Facts | None = None, **labels: str) -> Account:
    return Account("okx", name, labels, "", facts or Facts())


def snapshot(*judged: Finding, accounts: Sequence[Account] = ()) -> Snapshot:
    return Snapshot("old.json", {("okx", one.id): one for one in accounts}, judged)


OLD = snapshot(
    finding("mm-1"), finding("otc-1"), finding("otc-1/key-15a3"), finding("", "waiver-unused"),
    finding("mm-1", "shared-key"), finding("gone"),
    accounts=[
        account("mm-1", desk="mm"),
        account("otc-1", desk="otc"),
        account("otc-1/key-15a3", desk="otc"),
        account("gone", desk="mm"),
    ],
)  # fmt: skip


def narrowed(*options: str, left_out: Sequence[str] = (), of_evidence: bool = False) -> Drift:
    sets = ((), options) if of_evidence else (options, ())
    new = snapshot(finding("mm-1"), accounts=[account("mm-1", desk="mm")])
    return compare(OLD, replace(new, narrowed_by=sets, left_out=frozenset(left_out)))


def gone(drift: Drift) -> list[tuple[str, str, Gone]]:
    return [(one.finding.account, one.finding.name, one.gone) for one in drift.absent]


@pytest.mark.parametrize("of_evidence", [False, True])
def test_what_was_not_selected_is_not_removed(of_evidence: bool) -> None:
    drift = narrowed("--account mm-*", left_out=["shared-key"], of_evidence=of_evidence)
    assert drift.changes == ()
    assert gone(drift) == []


def test_what_was_selected_and_is_not_there_is_removed() -> None:
    drift = narrowed("--account mm-*", "--account g*", left_out=["shared-key"])
    assert [(c.name, c.account) for c in drift.changes] == [("account-removed", "gone")]
    assert gone(drift) == [("gone", "key-too-old", Gone.NO_ACCOUNT)]


def test_a_key_beside_an_account_is_selected_with_it() -> None:
    drift = narrowed("--account otc-1")
    assert [c.account for c in drift.changes] == ["otc-1", "otc-1/key-15a3"]


def test_nobody_knows_the_labels_of_an_account_that_is_not_there() -> None:
    assert narrowed("--label desk=mm", left_out=["shared-key"]).changes == ()


def test_a_rule_that_was_not_asked_is_not_gone() -> None:
    options = ("--skip-rule shared-key", "--account mm-*")
    assert gone(narrowed(*options)) == [("mm-1", "shared-key", Gone.NOT_ASKED)]
    assert gone(narrowed(*options, left_out=["shared-key"])) == []


def test_rules_alone_leave_no_account_out() -> None:
    drift = narrowed("--rule key-*", left_out=["shared-key"])
    removed = [c.account for c in drift.changes]
    assert removed == ["otc-1", "otc-1/key-15a3", "gone"]


def test_a_whole_scan_is_compared_with_everything() -> None:
    removed = [change.account for change in narrowed().changes]
    assert removed == ["otc-1", "otc-1/key-15a3", "gone"]


def test_what_only_the_others_tell_is_no_change() -> None:
    whole = Facts(
        {"key.shared_with": Fact((), TOLD), "ip.shared_across": Fact(("desk:mm",), TOLD)}, {}
    )
    part = Facts(
        {"ip.shared_across": Fact(("desk:mm", "desk~otc (o)"), TOLD)},
        {"key.shared_with": Unknown(Reason.NOT_SELECTED)},
    )
    for before, after in ((whole, part), (part, whole)):
        assert list(account_changes(account("mm-1", before), account("mm-1", after))) == []
    lost = Facts({}, {"key.shared_with": Unknown(Reason.NOT_DISCLOSED)})
    (one, _) = account_changes(account("mm-1", whole), account("mm-1", lost))
    assert (one.name, one.what) == ("fact-lost", "key.shared_with")


def test_evidence_holds_no_findings_to_leave_out() -> None:
    old = replace(OLD, judged=None)
    new = replace(snapshot(accounts=[account("mm-1", desk="mm")]), judged=None)
    drift = compare(old, replace(new, narrowed_by=(("--account mm-*",),)))
    assert drift.changes == ()
    assert gone(drift) == []
