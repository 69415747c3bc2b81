"""Findings of two scans, by identity."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.drift.changes import Account, Questions, Snapshot, accounts_of, snapshot_of
from gatepolicy.drift.compare import compare
from gatepolicy.drift.load import load_snapshot
from gatepolicy.errors import DocumentError
from gatepolicy.model.facts import Access, Fact, Facts, FactValue, Grade, Grant, Provenance
from gatepolicy.model.scan import BaselineState, FactChange, Finding, Gone, Narrowing
from gatepolicy.model.verdicts import OnUnknown, Outcome
from gatepolicy.reports.json_report import render_json
from gatepolicy.reports.text_drift import drift_lines
from gatepolicy.reports.text_layout import paint
from gatepolicy.scanning.evidence import CollectedFile, dump_evidence, uncompared
from tests.reports.example_scan import STARTED, example_scan

FAIL, UNKNOWN, PASS, WAIVED = Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS, Outcome.WAIVED
NEW, SAME = BaselineState.NEW, BaselineState.UNCHANGED


def finding(
    outcome: Outcome = FAIL, rule: str = "GP020", account: str = "mm", severity: str = "medium"
) -> Finding:
    exchange = "okx" if account else ""
    return Finding(
        rule, rule.lower(), exchange, account, "", outcome, severity, "seen", "desk", "90 days",
        OnUnknown.INCOMPLETE,
    )  # fmt: skip


def states(old: Snapshot, new: Snapshot) -> list[BaselineState]:
    return [comparison.state for comparison in compare(old, new).states.values()]


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
    assert states(old, snapshot(finding(after))) == [state]


@pytest.mark.parametrize(
    ("before", "after", "is_worse"),
    [
        (PASS, PASS, False),
        (FAIL, PASS, False),
        (FAIL, FAIL, False),
        (FAIL, WAIVED, False),
        (WAIVED, FAIL, True),
        (UNKNOWN, FAIL, True),
        (PASS, FAIL, True),
    ],
)
def test_what_is_worse(before: Outcome, after: Outcome, *, is_worse: bool) -> None:
    (comparison,) = compare(snapshot(finding(before)), snapshot(finding(after))).states.values()
    assert comparison.is_worse is is_worse
    changed = before is not after and PASS not in (before, after)
    assert comparison.why == ((f"it was {before}",) if changed else ())


def test_why_something_is_new() -> None:
    def why(old: Snapshot, new: Finding) -> Sequence[str]:
        return compare(old, snapshot(new)).states[new.question].why

    # Of what nobody asked before, the policy is no reason; and neither is it for what passes.
    assert why(snapshot(), by("desk")) == ()
    assert why(snapshot(by("desk")), by("firm", "60 days")) == (
        "policy firm did not check it before",
    )
    assert why(snapshot(by("desk")), by("firm", "60 days", outcome=PASS)) == ()
    assert why(snapshot(by("desk")), by("", "60 days")) == ()


def test_another_severity_is_an_update() -> None:
    for before, after, is_worse in (("medium", "high", True), ("high", "medium", False)):
        drift = compare(snapshot(finding(severity=before)), snapshot(finding(severity=after)))
        (comparison,) = drift.states.values()
        assert (comparison.state, comparison.is_worse) == (BaselineState.UPDATED, is_worse)
        assert comparison.why == (f"severity: {before} before, {after} now",)


def test_of_two_answers_to_the_same_question_the_worse_one_counts() -> None:
    new = snapshot(finding(PASS), finding(UNKNOWN))
    assert states(snapshot(finding(UNKNOWN)), new) == [SAME]


def test_what_is_gone_is_told_with_its_reason() -> None:
    old = snapshot(
        finding(rule="GP001"), finding(rule="GP002"), finding(account="vault"),
        finding(rule="GP003"), finding(rule="GP031", account=""), finding(PASS, rule="GP005"),
        accounts=("mm", "vault"),
    )  # fmt: skip
    new = snapshot(finding(PASS, rule="GP001"), finding(Outcome.NOT_APPLICABLE, rule="GP003"))
    assert [
        (absent.finding.rule, absent.finding.account, absent.gone)
        for absent in compare(old, new).absent
    ] == [
        ("GP001", "mm", Gone.PASSES),
        ("GP002", "mm", Gone.NOT_ASKED),
        ("GP020", "vault", Gone.NO_ACCOUNT),
        ("GP003", "mm", Gone.NOT_ASKED),
        ("GP031", "", Gone.NOT_ASKED),
    ]


def test_accounts_that_come_and_go() -> None:
    drift = compare(snapshot(accounts=["a", "b"]), snapshot(accounts=["b", "c"]))
    assert drift.changes == (
        FactChange("account-added", False, "okx", "c", "", "", ""),
        FactChange("account-removed", False, "okx", "a", "", "", ""),
    )
    assert drift.baseline == "old.json"


def test_evidence_tells_no_findings() -> None:
    evidence = Snapshot("e.json", {}, None)
    findings = snapshot(finding())
    for old, new in ((evidence, findings), (findings, evidence)):
        narrowed = replace(new, narrowed_by=(("--account mm",),))
        for drift in (compare(old, new), compare(old, narrowed)):
            assert (drift.baseline, drift.states, drift.absent) == (old.file, {}, ())


def test_evidence_is_read_as_it_was_written() -> None:
    collected = [account.evidence for account in example_scan().accounts]
    written = CollectedFile(
        STARTED, "a.yaml", uncompared(collected), narrowed_by=("--account mm-*",)
    )
    text = "".join(dump_evidence(written)).encode()
    assert load_snapshot("evidence.json", read=lambda _: text) == Snapshot(
        "evidence.json", accounts_of(collected), None, narrowed_by=(("--account mm-*",),)
    )


def test_a_narrowed_report_is_read_as_it_was_written() -> None:
    narrowing = Narrowing(
        options=("--account mm-*",),
        evidence_options=("--label desk=mm",),
        rules=("key-idle",),
        comparisons=("shared-key",),
    )
    scan = replace(example_scan(), narrowing=narrowing)
    made = snapshot_of(scan)
    assert (made.file, made.narrowed_by) == ("", (("--account mm-*",), ("--label desk=mm",)))
    assert made.left_out == {"key-idle", "shared-key"}
    text = "".join(render_json(scan)).encode()
    read = load_snapshot("old.json", read=lambda _: text)
    assert read.file == "old.json"
    assert [list(options) for options in read.narrowed_by] == [
        ["--account mm-*"],
        ["--label desk=mm"],
    ]
    assert read.left_out == {"key-idle", "shared-key"}


def test_a_report_is_read_as_it_was_written() -> None:
    scan = example_scan()
    text = "".join(render_json(scan)).encode()
    read = load_snapshot("old.json", read=lambda _: text)
    made = snapshot_of(scan)
    assert read.judged == made.judged
    assert (read.file, read.narrowed_by, read.left_out) == ("old.json", ((), ()), set())
    assert read.accounts == made.accounts
    assert {rule: tuple(facts) for rule, facts in read.asked.items()} == made.asked
    drift = compare(read, made)
    assert {comparison.state for comparison in drift.states.values()} == {SAME}
    assert (drift.absent, drift.changes) == ([], ())


@pytest.mark.parametrize("text", ["{}", "[]", "<html>", '{"kind": "Evidence"}'])
def test_what_is_neither_a_report_nor_evidence(text: str) -> None:
    with pytest.raises(DocumentError, match=r"^old\.json:1:1: "):
        load_snapshot("old.json", read=lambda _: text.encode())


def test_a_fact_that_nobody_writes() -> None:
    report = json.loads("".join(render_json(example_scan())))
    facts = next(a["facts"] for a in report["accounts"] if "permission.withdraw" in a["facts"])
    who = next(a["id"] for a in report["accounts"] if a["facts"] is facts)
    facts["key.created_at"] = {**facts["permission.withdraw"], "value": "2026-02-30T00:00:00Z"}
    with pytest.raises(DocumentError) as caught:
        load_snapshot("old.json", read=lambda _: json.dumps(report).encode())
    assert [str(problem) for problem in caught.value.problems] == [
        f"old.json:1:1: facts: a fact of {who} was not written by gatepolicy; scan again"
    ]


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
    found_before = {one.question for one in old if one.is_found}
    found_now = {one.question for one in new if one.is_found}
    assert set(drift.states) == {one.question for one in new}
    assert {absent.finding.question for absent in drift.absent} == found_before - found_now
    for question in found_now:
        assert (drift.states[question].state is NEW) == (question not in found_before)


_ANY = st.lists(
    st.builds(
        lambda outcome, policy, expected: replace(
            finding(outcome), policy=policy, expected=expected
        ),
        st.sampled_from([FAIL, UNKNOWN, PASS, WAIVED]),
        st.sampled_from(["desk", "firm"]),
        st.sampled_from(["90 days", "60 days"]),
    ),
    max_size=5,
)


@settings(deadline=None)
@given(old=_ANY, new=_ANY)
def test_what_no_policy_ever_found_is_new(old: list[Finding], new: list[Finding]) -> None:
    drift = compare(snapshot(*old), snapshot(*new))
    assert set(drift.states) == {one.question for one in new}
    found = {one.question for one in new if one.is_found}
    if not any(one.is_found for one in old):
        assert all(drift.states[question].state is NEW for question in found)
    for question in found:
        if drift.states[question].state is NEW:
            assert drift.states[question].is_worse
    if not found:
        gone = {absent.finding.question for absent in drift.absent}
        assert gone == {one.question for one in old if one.is_found}


def by(policy: str, expected: str = "90 days", **more: Any) -> Finding:
    return replace(finding(), policy=policy, expected=expected, **more)


def test_what_another_policy_asks_in_other_words_is_new() -> None:
    drift = compare(snapshot(by("desk")), snapshot(by("desk"), by("firm", "60 days")))
    first, second = drift.states.values()
    assert (first.state, second.state) == (SAME, NEW)
    assert second.why == ("policy firm did not check it before",)


def test_what_a_policy_did_not_find_before_is_new_though_another_one_did() -> None:
    passing = by("firm", "60 days", outcome=PASS)
    new = snapshot(by("desk"), by("firm", "60 days"))
    assert states(snapshot(by("desk"), passing), new) == [SAME, NEW]


def test_what_another_policy_asked_in_other_words_is_no_earlier_answer() -> None:
    assert states(snapshot(by("firm", "60 days")), snapshot(by("desk"))) == [NEW]


def test_what_a_policy_said_itself_counts_before_what_others_said() -> None:
    old = snapshot(by("desk", outcome=PASS), by("firm"))
    assert states(old, snapshot(by("desk"), by("firm"))) == [NEW, SAME]


def test_of_what_a_policy_asked_in_other_words_the_mildest_answer_counts() -> None:
    for severity, outcome, state in (("medium", PASS, NEW), ("low", FAIL, BaselineState.UPDATED)):
        milder = by("desk", "80 days", severity=severity, outcome=outcome)
        for old in ((by("desk"), milder), (milder, by("desk"))):
            assert states(snapshot(*old), snapshot(by("desk", "60 days"))) == [state]


def test_of_what_others_asked_in_the_same_words_the_worst_answer_counts() -> None:
    passing = by("firm", outcome=PASS)
    for old in ((by("desk"), passing), (passing, by("desk"))):
        assert states(snapshot(*old), snapshot(by("new"))) == [SAME]


def test_what_was_found_is_gone_only_where_all_that_was_asked_instead_passes() -> None:
    failing, passing = by("a"), by("b", outcome=PASS)
    for new in ((failing, passing), (passing, failing)):
        assert compare(snapshot(by("desk")), snapshot(*new)).absent == []


def test_of_two_equal_answers_the_first_one_counts() -> None:
    first, second = by("desk", seen="first"), by("desk", seen="second")
    answers = Questions([first, second], one_policy=False).answers
    assert list(answers.values()) == [first]


def test_over_the_same_evidence_one_policy_takes_the_place_of_the_other() -> None:
    old, new = snapshot(by("desk")), snapshot(by("firm", "60 days"))
    assert states(old, new) == [NEW]
    (comparison,) = compare(old, new, same_evidence=True).states.values()
    assert comparison.state is BaselineState.UPDATED
    assert comparison.why == ("required before: 90 days; required now: 60 days",)
    assert list(Questions([by("a"), by("b")], one_policy=True).answers.values()) == [by("a")]
    passing = snapshot(by("firm", "60 days", outcome=PASS))
    assert [a.gone for a in compare(old, passing, same_evidence=True).absent] == [
        Gone.ASKED_OTHERWISE
    ]
    assert [a.gone for a in compare(old, passing).absent] == [Gone.NOT_ASKED]
    same = compare(old, snapshot(by("firm")), same_evidence=True)
    assert [s.state for s in same.states.values()] == [SAME]


def test_a_renamed_policy_finds_nothing_new() -> None:
    assert states(snapshot(by("desk")), snapshot(by("desk-of-the-firm"))) == [SAME]
    assert compare(snapshot(by("desk")), snapshot(by("desk-of-the-firm"))).absent == []


def test_a_renamed_policy_that_weighs_heavier_is_worse() -> None:
    drift = compare(snapshot(by("desk")), snapshot(by("firm", severity="high")))
    assert [(s.state, s.is_worse) for s in drift.states.values()] == [(BaselineState.UPDATED, True)]


def test_a_policy_that_asks_in_other_words_is_told() -> None:
    drift = compare(snapshot(by("desk")), snapshot(by("desk", "60 days")))
    (comparison,) = drift.states.values()
    assert (comparison.state, comparison.is_worse) == (BaselineState.UPDATED, False)
    assert comparison.why == ("required before: 90 days; required now: 60 days",)


@pytest.mark.parametrize(
    ("before", "after", "is_worse"),
    [(OnUnknown.BLOCK, OnUnknown.WARN, False), (OnUnknown.WARN, OnUnknown.INCOMPLETE, True)],
)
def test_what_an_unknown_means_is_part_of_it(
    before: OnUnknown, after: OnUnknown, *, is_worse: bool
) -> None:
    was, now = (replace(finding(UNKNOWN), on_unknown=meaning) for meaning in (before, after))
    (comparison,) = compare(snapshot(was), snapshot(now)).states.values()
    assert (comparison.state, comparison.is_worse) == (BaselineState.UPDATED, is_worse)
    assert comparison.why == (f"on_unknown: {before} before, {after} now",)
    fail = replace(finding(), on_unknown=after)
    assert states(snapshot(replace(fail, on_unknown=before)), snapshot(fail)) == [SAME]


@pytest.mark.parametrize("same_evidence", [True, False])
def test_what_passes_because_the_policy_asks_less_is_no_fix(*, same_evidence: bool) -> None:
    old, new = snapshot(by("desk")), snapshot(by("desk", "900 days", outcome=PASS))
    (absent,) = compare(old, new, same_evidence=same_evidence).absent
    assert (absent.gone, absent.expected) == (Gone.ASKED_OTHERWISE, "900 days")


def test_over_the_same_evidence_nothing_is_fixed() -> None:
    old, new = snapshot(by("desk")), snapshot(by("desk", outcome=PASS))
    drift = compare(old, new, same_evidence=True)
    assert [a.gone for a in drift.absent] == [Gone.ASKED_OTHERWISE]
    shown = " ".join("".join(paint(drift_lines(drift, (), 80), colour=False)).split())
    assert "the policy requires the same but accepts other proof" in shown
    assert [a.gone for a in compare(old, new).absent] == [Gone.PASSES]


def key(**facts: FactValue) -> Account:
    known = {
        name.replace("__", "."): Fact(value, Provenance(Grade.OBSERVED, "keys", "/x"))
        for name, value in facts.items()
    }
    return Account("okx", "mm", {}, "", Facts(known, {}))


def judged(account: Account, seen: str = "seen", **more: Any) -> Snapshot:
    one = replace(finding(), **{"rule": "GP011", "seen": seen, **more})
    asked = {"GP011": ("ip.restricted", "ip.allowlist"), "GP004": ("permission.{item}", _WORDS)}
    return Snapshot("old.json", {("okx", "mm"): account}, [one], asked)


_WORDS = "permissions.native"
BOUND = key(ip__restricted=True, key__fingerprint="0a:abcd", permission__withdraw=False)
A_WORD = (Grant("trade", Access.GRANTED),)
MORE_WORDS = (*A_WORD, Grant("withdraw", Access.GRANTED))


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (BOUND, BOUND, ()),
        (BOUND, key(ip__restricted=False, key__fingerprint="0a:abcd", permission__withdraw=False),
         ("ip-binding-weakened (ip.restricted)",)),
        (BOUND, key(ip__restricted=True, key__fingerprint="0b:efgh", permission__withdraw=False),
         ("key-replaced (key.fingerprint)",)),
        (BOUND, key(ip__restricted=True, key__fingerprint="0a:abcd", permission__withdraw=True),
         ()),
        (key(ip__restricted=False), key(ip__restricted=True), ()),
    ],
)  # fmt: skip
def test_what_got_worse_about_the_key(before: Account, after: Account, why: Sequence[str]) -> None:
    (comparison,) = compare(judged(before), judged(after)).states.values()
    assert (comparison.is_worse, comparison.why) == (bool(why), why)


@pytest.mark.parametrize(
    ("subject", "why"),
    [("withdraw", ("word-granted (permissions.native)",)), ("trade", ())],
)
def test_of_words_only_the_one_that_is_asked_about_matters(subject: str, why: object) -> None:
    before, after = (
        judged(key(permissions__native=words), rule="GP004", subject=subject)
        for words in (A_WORD, MORE_WORDS)
    )
    (comparison,) = compare(before, after).states.values()
    assert comparison.why == why


@pytest.mark.parametrize(
    ("subject", "why"),
    [("withdraw", ("permission-escalated (permission.withdraw)",)), ("transfer", ())],
)
def test_of_permissions_only_the_one_that_is_asked_about_matters(subject: str, why: object) -> None:
    before, after = (
        judged(key(permission__withdraw=can), rule="GP004", subject=subject)
        for can in (False, True)
    )
    (comparison,) = compare(before, after).states.values()
    assert comparison.why == why


@pytest.mark.parametrize("subject", ["", "trade"])
def test_words_that_are_lost_and_rules_about_all_words(subject: str) -> None:
    before = judged(key(permissions__native=A_WORD), rule="GP004", subject=subject)
    lost = judged(key(), rule="GP004", subject=subject)
    (comparison,) = compare(before, lost).states.values()
    assert comparison.why == ("fact-lost (permissions.native)",)


def test_a_rule_about_all_words_is_about_each() -> None:
    before, after = (
        judged(key(permissions__native=words), rule="GP004") for words in (A_WORD, MORE_WORDS)
    )
    (comparison,) = compare(before, after).states.values()
    assert comparison.why == ("word-granted (permissions.native)",)


def test_for_a_rule_of_which_nobody_knows_what_it_asks_every_change_counts() -> None:
    worse = key(ip__restricted=True, key__fingerprint="0a:abcd", permission__withdraw=True)
    after = replace(judged(worse), asked={})
    (comparison,) = compare(judged(BOUND), after).states.values()
    assert comparison.why == ("permission-escalated (permission.withdraw)",)


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ("outside: 198.51.100.1", "outside: 198.51.100.1", False),
        ("outside: 198.51.100.1, 192.0.2.7", "outside: 198.51.100.1", False),
        ("outside: 198.51.100.1", "outside: 198.51.100.1, 192.0.2.7", True),
        ("outside: 198.51.100.0/24", "outside: 198.51.100.7", False),
        ("outside: 198.51.100.7", "outside: 198.51.100.0/24", True),
        ("outside: 2001:db8::1", "outside: 2001:db8::2", True),
        ("outside: 2001:db8::/32", "outside: 2001:db8::", False),
        ("restricted to 203.0.113.5", "restricted to 1 entry", True),
        ("the account has 2 keys: ..a, ..b", "the account has 1 key: ..a", False),
        ("created on 2026-01-05 (321 days ago)", "created on 2026-01-05 (322 days ago)", False),
        ("last used on 2026-01-05 (less than a day ago)", "last used on 2026-01-06 (1 day ago)",
         False),
        ("expires on 2026-12-05 (in 5 days)", "expires on 2026-12-05 (in less than a day)", False),
        ("bound to 5 entries", "bound to 6 entries", True),
        ("bound to 6 entries", "bound to 5 entries", False),
        ("bound to 2 entries", "bound to 1 entry", False),
        ("the account has 3 keys: ..a, ..b, ..c", "the account has 3 keys: ..a, ..b, ..d", True),
        ("unknown permissions: quantum", "unknown permissions: quantum, teleport", True),
        ("the name is bot", "the name is bot2", True),
        ("", "any address may use the key", True),
    ],
)  # fmt: skip
def test_whether_more_is_seen(before: str, after: str, *, more: bool) -> None:
    (comparison,) = compare(judged(BOUND, before), judged(BOUND, after)).states.values()
    assert comparison.is_worse is more
    if more:
        assert comparison.why == (f"seen before: {before or 'nothing'}; seen now: {after}",)
