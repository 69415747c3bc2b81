"""Findings of two scans, by identity."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.drift.compare import compare
from gatepolicy.drift.load import load_snapshot
from gatepolicy.drift.snapshot import Account, Snapshot, snapshot_of
from gatepolicy.errors import DocumentError
from gatepolicy.model.drift import BaselineState, Finding, Gone
from gatepolicy.model.facts import Facts
from gatepolicy.model.verdicts import Outcome
from gatepolicy.reports.json_report import render_json
from tests.reports.example_scan import example_scan

FAIL, UNKNOWN, PASS, WAIVED = Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS, Outcome.WAIVED
NEW, SAME = BaselineState.NEW, BaselineState.UNCHANGED


def finding(
    outcome: Outcome = FAIL, rule: str = "GP020", account: str = "mm", severity: str = "medium"
) -> Finding:
    exchange = "okx" if account else ""
    return Finding(rule, rule.lower(), exchange, account, "", outcome, severity, "seen")


def snapshot(*judged: Finding, accounts: Sequence[str] = ("mm",)) -> Snapshot:
    there = {("okx", name): Account("okx", name, {}, "", Facts()) for name in accounts}
    return Snapshot("old.json", there, judged)


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        (None, FAIL, NEW),
        (PASS, FAIL, NEW),
        (PASS, UNKNOWN, NEW),
        (FAIL, FAIL, SAME),
        (UNKNOWN, UNKNOWN, SAME),
        (PASS, PASS, SAME),
        (WAIVED, FAIL, BaselineState.UPDATED),
        (UNKNOWN, FAIL, BaselineState.UPDATED),
        (FAIL, PASS, BaselineState.UPDATED),
    ],
)
def test_how_a_verdict_stands(before: Outcome | None, after: Outcome, state: BaselineState) -> None:
    old = snapshot() if before is None else snapshot(finding(before))
    drift = compare(old, snapshot(finding(after)))
    assert drift.states == {finding(after).identity: state}


def test_another_severity_is_an_update() -> None:
    drift = compare(snapshot(finding()), snapshot(finding(severity="high")))
    assert set(drift.states.values()) == {BaselineState.UPDATED}


def test_of_two_policies_the_worse_one_counts() -> None:
    drift = compare(snapshot(finding(UNKNOWN)), snapshot(finding(PASS), finding(UNKNOWN)))
    assert set(drift.states.values()) == {SAME}


def test_what_is_gone_is_told_with_its_reason() -> None:
    old = snapshot(
        finding(rule="GP001"), finding(rule="GP002"), finding(account="vault"),
        finding(rule="GP003"), finding(rule="GP031", account=""), finding(PASS, rule="GP005"),
        accounts=("mm", "vault"),
    )  # fmt: skip
    new = snapshot(finding(PASS, rule="GP001"), finding(Outcome.NOT_APPLICABLE, rule="GP003"))
    assert [(gone.rule, gone.account, why) for gone, why in compare(old, new).absent] == [
        ("GP001", "mm", Gone.PASSES),
        ("GP002", "mm", Gone.NOT_ASKED),
        ("GP020", "vault", Gone.NO_ACCOUNT),
        ("GP003", "mm", Gone.NOT_ASKED),
        ("GP031", "", Gone.NOT_ASKED),
    ]


def test_accounts_that_come_and_go() -> None:
    drift = compare(snapshot(accounts=["a", "b"]), snapshot(accounts=["b", "c"]))
    assert [(change.name, change.account) for change in drift.changes] == [
        ("account-added", "c"),
        ("account-removed", "a"),
    ]


def test_evidence_tells_no_findings() -> None:
    evidence = Snapshot("e.json", {}, None)
    for drift in (compare(evidence, snapshot(finding())), compare(snapshot(finding()), evidence)):
        assert (drift.states, drift.absent) == ({}, ())


def test_a_report_is_read_as_it_was_written() -> None:
    scan = example_scan()
    text = "".join(render_json(scan)).encode()
    read = load_snapshot("old.json", read=lambda _: text)
    made = snapshot_of(scan)
    assert read.judged == made.judged
    assert read.accounts == made.accounts
    drift = compare(read, made)
    assert set(drift.states.values()) == {SAME}
    assert (drift.absent, drift.changes) == ([], ())


@pytest.mark.parametrize("text", ["{}", "[]", "<html>", '{"kind": "Evidence"}'])
def test_what_is_neither_a_report_nor_evidence(text: str) -> None:
    with pytest.raises(DocumentError):
        load_snapshot("old.json", read=lambda _: text.encode())


def test_a_fact_that_nobody_writes() -> None:
    report = json.loads("".join(render_json(example_scan())))
    facts = next(a["facts"] for a in report["accounts"] if "permission.withdraw" in a["facts"])
    facts["key.created_at"] = {**facts["permission.withdraw"], "value": "2026-02-30T00:00:00Z"}
    with pytest.raises(DocumentError):
        load_snapshot("old.json", read=lambda _: json.dumps(report).encode())


_JUDGED = st.lists(
    st.builds(
        finding,
        st.sampled_from([FAIL, UNKNOWN, PASS, WAIVED]),
        st.sampled_from(["GP001", "GP002", "GP003"]),
        st.sampled_from(["mm", "vault"]),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(old=_JUDGED, new=_JUDGED)
def test_nothing_is_lost(old: list[Finding], new: list[Finding]) -> None:
    drift = compare(snapshot(*old), snapshot(*new))
    found_before = {one.identity for one in old if one.is_found}
    found_now = {one.identity for one in new if one.is_found}
    assert set(drift.states) == {one.identity for one in new}
    assert {gone.identity for gone, _ in drift.absent} == found_before - found_now
    for identity in found_now:
        assert (drift.states[identity] is NEW) == (identity not in found_before)
