"""The posture: every account counts once in every line, and never better than it is."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason, Unknown
from gatepolicy.model.posture import (
    LINE_TITLE,
    AccountState,
    Coverage,
    PostureCount,
    account_states,
    lines_of,
    posture,
)
from gatepolicy.model.scan import AccountResult, Narrowing, Scan
from gatepolicy.model.verdicts import OnUnknown, Outcome, PostureLine, Verdict
from gatepolicy.rules.catalog import load_rules
from tests.reports.example_scan import (
    BAD_NAME,
    UNBOUND,
    WITHDRAW,
    example_scan,
    passing,
    refused,
    scan_of,
    verdict,
)
from tests.reports.strategies import scans

RULES = (
    replace(WITHDRAW, posture=PostureLine.FUNDS),
    replace(UNBOUND, posture=PostureLine.ADDRESSES),
    replace(BAD_NAME, posture=PostureLine.HYGIENE),
)
GOOD = verdict(WITHDRAW, Outcome.PASS, "it cannot")
BAD = verdict(WITHDRAW, Outcome.FAIL, "it cannot")
WAIVED = verdict(WITHDRAW, Outcome.WAIVED, "it cannot")
OPEN = verdict(WITHDRAW, Outcome.UNKNOWN, "it cannot", reason=Reason.TIMEOUT)
NEVER_TOLD = replace(
    verdict(WITHDRAW, Outcome.UNKNOWN, "it cannot", reason=Reason.NOT_DISCLOSED),
    is_verifiable=False,
    on_unknown=OnUnknown.WARN,
)
NOT_CHECKED = verdict(WITHDRAW, Outcome.NOT_APPLICABLE, "it cannot")


def judged(*verdicts: Verdict) -> AccountResult:
    return replace(passing(), verdicts=verdicts)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([GOOD], AccountState.GOOD),
        ([GOOD, NOT_CHECKED], AccountState.GOOD),
        ([GOOD, NEVER_TOLD], AccountState.NOT_VERIFIABLE),
        ([GOOD, NEVER_TOLD, WAIVED], AccountState.WAIVED),
        ([GOOD, NEVER_TOLD, WAIVED, OPEN], AccountState.UNKNOWN),
        ([GOOD, NEVER_TOLD, WAIVED, OPEN, BAD], AccountState.BAD),
        ([NOT_CHECKED], AccountState.NOT_CHECKED),
        ([], AccountState.NOT_CHECKED),
    ],
)
def test_an_account_stands_as_its_worst_verdict(
    verdicts: Sequence[Verdict], expected: AccountState
) -> None:
    states = account_states(judged(*verdicts), lines_of(RULES))
    assert states[PostureLine.FUNDS] is expected
    assert states[PostureLine.HYGIENE] is AccountState.NOT_CHECKED


def test_the_counts_of_a_small_fleet() -> None:
    unbound = verdict(UNBOUND, Outcome.FAIL, "bound")
    scan = replace(
        scan_of(judged(GOOD, unbound), judged(BAD), judged(OPEN), judged(NEVER_TOLD), judged()),
        rules=RULES,
    )
    funds, addresses, *others = posture(scan).lines
    assert funds == PostureCount(
        PostureLine.FUNDS, good=1, bad=1, waived=0, unknown=1, not_verifiable=1, not_checked=1
    )
    assert funds.title == "funds can leave"
    assert funds.asked == 4
    assert funds.of(AccountState.BAD) == 1
    assert addresses == PostureCount(PostureLine.ADDRESSES, 0, 1, 0, 0, 0, 4)
    assert all(line.not_checked == 5 for line in others)
    assert PostureLine.OWN_RULES not in {line.line for line in others}


def test_rules_of_policies_have_a_line_of_their_own() -> None:
    own = replace(WITHDRAW, id="DESK-1", posture=PostureLine.OWN_RULES)
    failed = replace(BAD, rule="DESK-1")
    scan = replace(scan_of(judged(GOOD, failed)), rules=(*RULES, own))
    *_, last = posture(scan).lines
    assert (last.line, last.bad) == (PostureLine.OWN_RULES, 1)


def test_every_shipped_rule_that_asks_has_a_line() -> None:
    for rule in load_rules().values():
        if rule.asks:
            assert rule.info.posture in LINE_TITLE, rule.info.id
    assert list(LINE_TITLE) == list(PostureLine)


def test_a_refusal_is_no_answer() -> None:
    coverage = posture(scan_of(passing(), refused())).coverage
    assert coverage == Coverage(inventory=2, selected=2, found=0, answered=1, could_not_be_read=1)
    why = refused().evidence.why_not_read
    assert why is not None
    assert why.reason is Reason.IP_REFUSED


def test_what_was_left_out_counts_in_the_inventory_and_what_was_found_does_not() -> None:
    found = passing("gate-audit#1")
    subject = replace(found.evidence.subject, found_by="gate-audit")
    found = replace(found, evidence=replace(found.evidence, subject=subject))
    scan = replace(
        scan_of(passing(), found), narrowing=Narrowing(("--account a*",), accounts=7, of_accounts=8)
    )
    coverage = posture(scan).coverage
    assert (coverage.inventory, coverage.selected, coverage.found) == (8, 2, 1)


def test_where_nothing_is_disclosed_nothing_could_be_read() -> None:
    account = passing()
    facts = Facts(
        {"account.sandbox": Fact(value=False, provenance=Provenance(Grade.STRUCTURAL, "", ""))},
        {"permission.withdraw": Unknown(Reason.NOT_DISCLOSED)},
    )
    evidence = replace(account.evidence, facts=facts)
    assert not evidence.was_read
    assert evidence.why_not_read is None


@settings(max_examples=30)
@given(scan=scans())
def test_every_account_counts_exactly_once_in_every_line(scan: Scan) -> None:
    told = posture(scan)
    for line in told.lines:
        assert sum(line.of(state) for state in AccountState) == len(scan.accounts)
        assert line.asked + line.not_checked == len(scan.accounts)
    assert told.coverage.answered + told.coverage.could_not_be_read <= told.coverage.selected


def test_the_example_without_lines_asks_nothing() -> None:
    scan = replace(example_scan(), rules=[replace(r, posture=None) for r in example_scan().rules])
    assert all(line.asked == 0 for line in posture(scan).lines)


@pytest.mark.parametrize(
    ("proof", "other", "line"),
    [
        ("GP001", "GP002", PostureLine.FUNDS),
        ("GP010", "GP014", PostureLine.ADDRESSES),
        ("GP012", "GP014", PostureLine.ADDRESSES),
    ],
)
def test_a_line_is_good_only_by_what_proves_it(proof: str, other: str, line: PostureLine) -> None:
    by_rule = lines_of(load_rules()[name].info for name in (proof, other))
    assert set(by_rule.values()) == {line}
    alone, both = (
        account_states(judged(*(replace(GOOD, rule=rule) for rule in rules)), by_rule)
        for rules in ([other], [other, proof])
    )
    assert alone[line] is AccountState.NOT_CHECKED
    assert both[line] is AccountState.GOOD
