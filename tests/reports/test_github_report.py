"""Workflow commands: at most ten, the worst first, and no text can begin a command of its own."""

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity, Verdict
from gatepolicy.reports.github_report import render_github
from tests.reports.example_scan import (
    BAD_NAME,
    WITHDRAW,
    account,
    example_scan,
    passing,
    scan_of,
    silent,
    subject,
    verdict,
)
from tests.reports.strategies import scans

COMMAND = re.compile(r"::(?P<name>[a-z]+) (?P<properties>[^\n]*?)::(?P<data>[^\n]*)\n")


def unescaped(text: str, *, of_property: bool) -> str:
    """As the runner of GitHub Actions does it (``ActionCommand``), in its order."""
    for escape, char in (("%0D", "\r"), ("%0A", "\n")):
        text = text.replace(escape, char)
    if of_property:
        text = text.replace("%3A", ":").replace("%2C", ",")
    return text.replace("%25", "%")


def commands(scan: Scan) -> list[tuple[str, dict[str, str], str]]:
    """Every line as the runner reads it: up to the second ``::``, properties between commas."""
    found = []
    for line in render_github(scan):
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.partition("=") for pair in match["properties"].split(","))
        properties = {key: unescaped(value, of_property=True) for key, _, value in pairs}
        found.append((match["name"], properties, unescaped(match["data"], of_property=False)))
    return found


def one(told: Verdict, name: str = "mm") -> Scan:
    return scan_of(account(subject(name, "gate", 3), Facts(), (told,)))


FAIL = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can", subject="withdraw")


def test_an_annotation_stands_at_the_line_of_the_policy() -> None:
    name, properties, data = commands(one(FAIL))[0]
    assert name == "error"
    assert properties == {
        "file": "policies/baseline.yaml",
        "line": "9",
        "title": "GP001 withdrawal-enabled (critical)",
    }
    assert data == (
        "mm on gate: expected: it cannot\nseen: it can\n"
        "fix: profile icon → API Management → edit the key: untick Withdraw."
    )


def test_the_last_line_tells_the_exit_code() -> None:
    assert commands(one(FAIL))[-1] == (
        "notice",
        {"title": "gatepolicy"},
        "Exit code 1: at least one violation, or blocking unknown, at or above --fail-on.",
    )


def test_what_lies_outside_of_the_repository_is_no_file() -> None:
    for file in ("/srv/policies/a.yaml", "../a.yaml", "a/../../b.yaml", "baseline", ""):
        told = replace(FAIL, location=Location(file, 16, 1))
        _, properties, _ = commands(one(told))[0]
        assert properties == {"title": "GP001 withdrawal-enabled (critical)"}
    inside = replace(FAIL, location=Location("./a/../policies/a.yaml", 16, 1))
    assert commands(one(inside))[0][1]["file"] == "policies/a.yaml"


def test_texts_are_escaped_as_github_says() -> None:
    told = replace(
        FAIL, location=Location("a,b:c%d.yaml", 2, 1), seen="50% ::error::x ##[error]y\nz, a:b"
    )
    _, properties, data = commands(one(told))[0]
    assert properties["file"] == "a,b:c%d.yaml"
    assert "seen: 50% \\x3a:error\\x3a:x \\x23#[error]y\\x0az, a:b" in data
    line = next(iter(render_github(one(told))))
    assert "file=a%2Cb%3Ac%25d.yaml,line=2," in line


def test_levels() -> None:
    open_still = verdict(WITHDRAW, Outcome.UNKNOWN, "it cannot", reason=Reason.TIMEOUT)
    expected = {
        FAIL: "error",
        replace(FAIL, severity=Severity.HIGH): "error",
        replace(FAIL, severity=Severity.MEDIUM): "warning",
        replace(FAIL, severity=Severity.LOW): "notice",
        replace(open_still, on_unknown=OnUnknown.BLOCK): "error",
        open_still: "warning",
        replace(open_still, on_unknown=OnUnknown.WARN): "notice",
    }
    assert [commands(one(told))[0][0] for told in expected] == list(expected.values())


def test_an_unknown_says_so() -> None:
    told = replace(FAIL, outcome=Outcome.UNKNOWN, reason=Reason.TIMEOUT, needed="scan again")
    assert commands(one(told))[0][2] == (
        "mm on gate: expected: it cannot\nneither proved nor disproved: timeout\nneeded: scan again"
    )
    assert "not_verifiable" in commands(scan_of(silent()))[0][2]


def test_the_worst_ten_are_written_and_the_rest_is_counted() -> None:
    low = [
        account(
            subject(f"mm-{n}", "gate", n),
            Facts(),
            (
                replace(
                    verdict(BAD_NAME, Outcome.FAIL, "a", "b"), location=Location("p.yaml", n, 1)
                ),
            ),
        )
        for n in range(1, 15)
    ]
    found = commands(scan_of(*low, account(subject("last", "gate", 99), Facts(), (FAIL,))))
    assert len(found) == 10
    assert found[0][2].startswith("last on gate")
    assert found[-1][2].startswith("6 more findings are not shown here; see another report.\n")


def test_many_accounts_with_the_same_finding_are_one_annotation() -> None:
    scan = scan_of(*(account(subject(f"mm-{n}", "gate", n), Facts(), (FAIL,)) for n in range(1, 8)))
    found = commands(scan)
    assert len(found) == 2
    assert found[0][2].startswith("mm-1, mm-2, mm-3, mm-4, mm-5 and 2 more on gate: expected")
    assert "seen" not in found[0][2]


def test_what_is_good_or_waived_is_no_annotation() -> None:
    assert [name for name, _, _ in commands(scan_of(passing()))] == ["notice"]
    assert len(commands(one(replace(FAIL, outcome=Outcome.WAIVED)))) == 1


def test_an_account_about_which_nothing_was_asked_is_told() -> None:
    scan = scan_of(account(subject("idle", "gate", 3), Facts(), ()))
    assert commands(scan)[-1][2].endswith("\n1 accounts: nothing was checked.")


def test_a_verdict_about_the_scan_itself() -> None:
    assert any(data.startswith("this scan: expected: ") for _, _, data in commands(example_scan()))


@settings(max_examples=30)
@given(scan=scans(st.one_of(st.text(max_size=9), st.sampled_from(["::error::x", "a,b=c", "%0A"]))))
def test_any_scan_is_read_as_at_most_ten_commands(scan: Scan) -> None:
    found = commands(scan)
    assert 1 <= len(found) <= 10
    assert {name for name, _, _ in found} <= {"error", "warning", "notice"}
    assert {key for _, properties, _ in found for key in properties} <= {"file", "line", "title"}
