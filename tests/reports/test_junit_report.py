"""JUnit XML: valid, read by others, every verdict there, and no unknown among what passed."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.reports.junit_report import junit_left_out, render_junit
from tests.reports.example_scan import (
    BAD_NAME,
    WITHDRAW,
    account,
    example_scan,
    passing,
    scan_of,
    subject,
    verdict,
)
from tests.reports.strategies import scans, whole_scans

junitparser = pytest.importorskip("junitparser", reason="junitparser is not installed")
xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is not installed")

SCHEMA_FILE = Path(__file__).parent.parent / "junit" / "junit-10.xsd"
SCHEMA = xmlschema.XMLSchema(str(SCHEMA_FILE))


def junit_of(scan: Scan, **options: Any) -> str:
    return "".join(render_junit(scan, **options))


def cases(text: str) -> list[Any]:
    return [case for suite in junitparser.JUnitXml.fromstring(text.encode()) for case in suite]


def kind(case: Any) -> str:
    assert len(case.result) <= 1
    return type(case.result[0]).__name__.lower() if case.result else "passed"


def one(told: Verdict) -> Scan:
    return scan_of(account(subject("mm", "gate", 3, "desk"), Facts(), (told,)))


def test_the_schema_is_the_one_that_was_taken_and_can_refuse() -> None:
    assert hashlib.sha256(SCHEMA_FILE.read_bytes()).hexdigest() == (
        "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6"
    )
    assert SCHEMA.is_valid(junit_of(example_scan()))
    assert not SCHEMA.is_valid(junit_of(example_scan()).replace("testcase", "case"))


@settings(max_examples=30)
@given(scan=whole_scans())
def test_any_scan_is_valid_and_has_every_verdict_once(scan: Scan) -> None:
    text = junit_of(scan)
    SCHEMA.validate(text)
    found = cases(text)
    unchecked = sum(not one.verdicts for one in scan.accounts)
    assert len(found) == len(list(scan.verdicts())) + unchecked
    names = Counter((case.classname, case.name) for case in found)
    assert max(names.values(), default=1) == 1
    passed = sum(kind(case) == "passed" for case in found)
    assert passed == scan.count(Outcome.PASS)
    assert sum(kind(case) == "failure" for case in found) == scan.count(Outcome.FAIL)


@given(scan=scans())
def test_the_counts_of_a_suite_are_those_of_its_cases(scan: Scan) -> None:
    for suite in junitparser.JUnitXml.fromstring(junit_of(scan).encode()):
        kinds = Counter(kind(case) for case in suite)
        assert suite.tests == sum(kinds.values())
        assert suite.failures == kinds["failure"]
        assert suite.errors == kinds["error"]
        assert suite.skipped == kinds["skipped"]


UNKNOWN = verdict(WITHDRAW, Outcome.UNKNOWN, "it cannot", reason=Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (verdict(WITHDRAW, Outcome.PASS, "it cannot", "it cannot"), "passed"),
        (verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can"), "failure"),
        (verdict(WITHDRAW, Outcome.WAIVED, "it cannot", "it can"), "skipped"),
        (verdict(WITHDRAW, Outcome.NOT_APPLICABLE, "it cannot"), "skipped"),
        (UNKNOWN, "error"),
        (replace(UNKNOWN, on_unknown=OnUnknown.BLOCK), "error"),
        (replace(UNKNOWN, on_unknown=OnUnknown.WARN), "skipped"),
        (replace(UNKNOWN, reason=Reason.NOT_COVERED), "skipped"),
        (replace(UNKNOWN, reason=Reason.NOT_COVERED, on_unknown=OnUnknown.BLOCK), "error"),
    ],
)
def test_what_a_verdict_becomes(told: Verdict, expected: str) -> None:
    (case,) = cases(junit_of(one(told)))
    assert kind(case) == expected


def test_a_failure_tells_what_to_do() -> None:
    told = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can", subject="withdraw")
    (case,) = cases(junit_of(one(told)))
    assert case.classname == "gate.mm"
    assert case.name == "GP001 withdrawal-enabled (withdraw), policy baseline"
    (failure,) = case.result
    assert failure.message == "critical: it can"
    assert failure.text.splitlines() == [
        "expected: it cannot",
        "seen: it can",
        "policy: policies/baseline.yaml:9",
        "account: conf/accounts.yaml:3",
        "owner: desk",
        "fix: profile icon → API Management → edit the key: untick Withdraw.",
    ]


def test_who_waived_what_until_when() -> None:
    (waived,) = [
        c for c in cases(junit_of(example_scan())) if c.result and c.result[0].type == "waived"
    ]
    assert waived.result[0].message == (
        "waived by custody@example.com until 2026-11-15 (RISK-7):"
        " The vault sweeps to cold storage \\x1b[2Jonce a day."
    )


def test_two_questions_with_one_name_are_two_cases() -> None:
    """GitLab looks at the first of several cases with one name: a violation would be lost."""
    good = verdict(WITHDRAW, Outcome.PASS, "at most 5", "4")
    bad = verdict(WITHDRAW, Outcome.FAIL, "at most 3", "4")
    named = replace(good, policy="baseline #2")
    scan = scan_of(account(subject("mm", "gate", 3), Facts(), (good, bad, good, named)))
    found = cases(junit_of(scan))
    assert [case.name for case in found] == [
        "GP001 withdrawal-enabled, policy baseline",
        "GP001 withdrawal-enabled, policy baseline #2",
        "GP001 withdrawal-enabled, policy baseline #3",
        "GP001 withdrawal-enabled, policy baseline #2 #2",
    ]
    assert [kind(case) for case in found] == ["passed", "failure", "passed", "passed"]


def test_two_accounts_with_one_name_are_two_groups() -> None:
    bad = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can")
    good = replace(bad, outcome=Outcome.PASS)
    long = "x" * 300
    accounts = [subject(f"{long}{number}", "gate", 3) for number in (1, 2)]
    scan = scan_of(
        *(account(one, Facts(), (v,)) for one, v in zip(accounts, (good, bad), strict=True))
    )
    first, second = cases(junit_of(scan))
    assert second.classname == f"{first.classname} #2"
    assert (kind(first), kind(second)) == ("passed", "failure")


def test_an_account_about_which_nothing_was_asked_is_a_case() -> None:
    silent = account(subject("idle", "gate", 3), Facts.nothing(Reason.NOT_DISCLOSED), ())
    unread = account(subject("gone", "gate", 4), Facts.nothing(Reason.TIMEOUT), ())
    found = cases(junit_of(scan_of(silent, unread)))
    assert [(case.classname, case.name, kind(case)) for case in found] == [
        ("gate.idle", "nothing was checked", "skipped"),
        ("gate.gone", "nothing was checked", "error"),
    ]


def test_the_worst_are_kept_and_what_is_left_out_is_an_error() -> None:
    low = verdict(BAD_NAME, Outcome.FAIL, "a", "b")
    worst = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can")
    scan = scan_of(
        passing(), *(account(subject(f"mm-{n}", "gate", n), Facts(), (low, worst)) for n in (1, 2))
    )
    text = junit_of(scan, limit=800)
    SCHEMA.validate(text)
    found = cases(text)
    assert [case.name for case in found] == [
        "test cases left out",
        "GP001 withdrawal-enabled, policy baseline",
        "GP001 withdrawal-enabled, policy baseline",
    ]
    assert found[0].result[0].message == (
        "4 of the mildest test cases were left out: GitLab accepts no more."
    )
    assert kind(found[0]) == "error"
    assert junit_left_out(scan, limit=800) == 4
    assert junit_left_out(scan) == 0


def test_properties_tell_the_exit_code() -> None:
    general = next(iter(junitparser.JUnitXml.fromstring(junit_of(example_scan()).encode())))
    told = {one.name: one.value for one in general.properties()}
    assert told["exit_code"] == "1"
    assert told["left_out"] == "0"
    assert told["finished_at"] == "2026-11-23T16:00:02Z"
