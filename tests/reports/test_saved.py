"""A scan from its JSON report renders as the scan itself, and nothing else is taken for one."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatepolicy.errors import DocumentError
from gatepolicy.model.scan import (
    Absent,
    BaselineState,
    Comparison,
    Drift,
    FactChange,
    Gone,
    Interruption,
    Narrowing,
    Scan,
    ScanSettings,
)
from gatepolicy.reports.formats import FORMATS, ReportOptions
from gatepolicy.reports.sarif_report import Profile
from gatepolicy.reports.text_report import Style
from gatepolicy.scanning.saved import load_report
from tests.reports.example_scan import example_scan, passing, scan_of
from tests.reports.strategies import file_texts, whole_scans
from tests.reports.test_html_report import since

LOOKS = (
    ReportOptions(),
    ReportOptions(style=Style(verbose=1, audit_waivers=True), sarif_profile=Profile.FULL),
)


def saved(scan: Scan) -> str:
    return "".join(FORMATS["json"].render(scan, ReportOptions()))


def loaded(text: str, file: str = "report.json") -> Scan:
    return load_report(file, read=lambda _: text.encode())


@pytest.mark.no_cover
@settings(max_examples=25)
@given(scan=whole_scans())
@example(scan=example_scan())
def test_a_report_of_a_report_is_the_same_in_every_format(scan: Scan) -> None:
    again = loaded(saved(scan))
    assert again.exit_code == scan.exit_code
    for name, options in product(FORMATS, LOOKS):
        render = FORMATS[name].render
        assert "".join(render(again, options)) == "".join(render(scan, options)), name


def changed(*path: str | int, to: object) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "path", "what"),
    [
        (changed("exit_code", to=0), "exit_code", "comes to"),
        (changed("summary", "violations", "critical", to=0), "summary.violations.critical",
         "comes to"),
        (changed("posture", "lines", 0, "good", to=9), "posture.lines[0].good", "comes to"),
        (changed("posture", "lines", to=[]), "posture.lines", "comes to"),
        (changed("accounts", 0, "unread", to={"reason": "timeout", "detail": ""}),
         "accounts[0].unread", "comes to"),
        (changed("started_at", to="2026-11-23T16:00:61Z"), "started_at", "timestamp"),
        (changed("waivers", 0, "expires", to="2026-02-30"), "waivers[0].expires", "no such day"),
        (changed("accounts", 2, "verdicts", 0, "waiver", "id", to="RISK-8"),
         "accounts[2].verdicts[0].waiver.id", "no waiver"),
        (changed("accounts", 0, "facts", "key.created_at", "value", to="2026-02-30T00:00:00Z"),
         "accounts[0].facts.key.created_at", "not a value of type time"),
        (changed("accounts", 0, "unknown", "ip.restricted", to="timeout"), "accounts[0]",
         "either known or unknown"),
        (changed("accounts", 0, "verdicts", 0, "not_verifiable", to=True),
         "accounts[0].verdicts[0].not_verifiable", "comes to"),
    ],
)  # fmt: skip
def test_a_report_that_was_changed_is_refused(
    change: Callable[[Any], None], path: str, what: str
) -> None:
    data = json.loads(saved(example_scan()))
    change(data)
    with pytest.raises(DocumentError) as caught:
        loaded(json.dumps(data))
    (problem,) = caught.value.problems
    assert (problem.location.file, problem.path) == ("report.json", path)
    assert what in problem.what
    assert problem.fix


@settings(max_examples=40)
@given(data=st.data())
def test_whatever_verdict_is_turned_into_a_pass_the_report_is_refused(data: st.DataObject) -> None:
    told = json.loads(saved(example_scan()))
    verdicts = [v for account in told["accounts"] for v in account["verdicts"]]
    verdict = data.draw(st.sampled_from([v for v in verdicts if v["verdict"] != "pass"]))
    verdict["verdict"] = "pass"
    with pytest.raises(DocumentError):
        loaded(json.dumps(told))


@pytest.mark.parametrize("member", ["posture", "scope", "baseline_unreadable"])
def test_a_report_of_an_older_version_is_refused(member: str) -> None:
    data = json.loads(saved(example_scan()))
    del data[member]
    with pytest.raises(DocumentError, match="an older gatepolicy wrote this report"):
        loaded(json.dumps(data))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not JSON"),
        ("[]", "expected a mapping, found a list"),
        ('{"kind": "Evidence"}', "this is evidence, not a report"),
        ("{}", "missing"),
    ],
)
def test_what_is_no_report_is_refused(text: str, what: str) -> None:
    with pytest.raises(DocumentError) as caught:
        loaded(text)
    assert what in str(caught.value.problems)


def test_what_an_older_version_did_not_write_beside_that_has_its_usual_value() -> None:
    data = json.loads(saved(scan_of(passing())))
    del data["settings"]["max_evidence_age_seconds"]
    del data["accounts"][0]["verdicts"][0]["policy"]["column"]
    del data["waivers"]
    scan = loaded(json.dumps(data))
    assert scan.settings == scan_of().settings
    assert scan.accounts[0].verdicts[0].location.column == 1


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        load_report(str(tmp_path / "no.json"))


@given(text=file_texts)
def test_scopes_survive(text: str) -> None:
    scan = replace(scan_of(passing()), scope=text)
    assert loaded(saved(scan)).scope == text


def whole_scan() -> Scan:
    """The example, narrowed, and compared with an earlier scan."""
    scan = example_scan()
    first, *others = scan.as_findings()
    states = {one.question: Comparison(BaselineState.UNCHANGED, is_worse=False) for one in others}
    states[first.question] = Comparison(BaselineState.NEW, is_worse=True, why=("it is new",))
    change = FactChange("key-renamed", False, "gate", "mm-gate", "key.name", "old", "new")
    return replace(
        scan,
        narrowing=Narrowing(("--account a*",), (), 3, 8, ("key-idle",), ("shared-key",)),
        drift=Drift("old.json", states, [Absent(first, Gone.NOT_ASKED)], [change]),
        settings=ScanSettings(fail_on_new=True, origins={}),
        evidence_at=scan.started_at,
        interrupted_by=Interruption.SIGTERM,
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_narrowed_scan_beside_an_earlier_one_survives(name: str) -> None:
    scan, render = whole_scan(), FORMATS[name].render
    again = loaded(saved(scan))
    for options in LOOKS:
        assert "".join(render(again, options)) == "".join(render(scan, options))
    assert again.drift is not None
    assert scan.drift is not None
    assert dict(again.drift.states) == dict(scan.drift.states)
    assert again.narrowing == scan.narrowing


def test_verdicts_that_were_not_compared_have_no_state() -> None:
    scan = since(example_scan())
    assert scan.drift is not None
    again = loaded(saved(scan))
    assert again.drift is not None
    assert again.drift.states == scan.drift.states
