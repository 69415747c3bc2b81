"""OCSF: read by py-ocsf-models, an event for each verdict, and an unknown is never a pass."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import (
    Interruption,
    Scan,
    ScanSettings,
    finding_identity,
    question_identity,
)
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity, Verdict
from gatepolicy.reports.ocsf_report import render_ocsf
from tests.reports.example_scan import (
    UNBOUND,
    WITHDRAW,
    account,
    example_scan,
    passing,
    scan_of,
    silent,
    subject,
    verdict,
)
from tests.reports.strategies import whole_scans

reader = pytest.importorskip(
    "py_ocsf_models.events.findings.compliance_finding", reason="py-ocsf-models is not installed"
)


def every_event(scan: Scan) -> Sequence[Any]:
    return [json.loads(line) for line in render_ocsf(scan)]


def events(scan: Scan) -> Sequence[Any]:
    """All but the first, which is about the scan itself."""
    return every_event(scan)[1:]


def one(told: Verdict) -> Any:
    (event,) = events(scan_of(account(subject("mm", "gate", 3, "desk"), Facts(), (told,))))
    return event


FAIL = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can", subject="withdraw")
UNKNOWN = verdict(WITHDRAW, Outcome.UNKNOWN, "it cannot", subject="withdraw", reason=Reason.TIMEOUT)


@settings(max_examples=30)
@given(scan=whole_scans())
def test_any_scan_is_read_with_every_verdict(scan: Scan) -> None:
    found = every_event(scan)
    for event in found:
        read = reader.ComplianceFinding.model_validate(event)
        assert read.class_uid == 2003
        assert read.type_uid == 200301
    unchecked = sum(not account.verdicts for account in scan.accounts)
    assert len(found) == 1 + len(list(scan.verdicts())) + unchecked
    passed = [event for event in found[1:] if event["compliance"]["status_id"] == 1]
    assert len(passed) == scan.count(Outcome.PASS)
    uids = [event["metadata"]["uid"] for event in found]
    accounts = [(a.evidence.subject.exchange, a.evidence.subject.id) for a in scan.accounts]
    if len(accounts) == len(set(accounts)):
        assert len(uids) == len(set(uids))


def test_the_reader_can_refuse() -> None:
    broken = dict(one(FAIL), severity_id=17)
    with pytest.raises(ValueError, match="severity_id"):
        reader.ComplianceFinding.model_validate(broken)


def test_a_violation() -> None:
    question = question_identity(
        finding_identity("GP001", "gate", "mm", "withdraw"), "baseline", "it cannot"
    )
    event = one(FAIL)
    del event["metadata"]["uid"], event["metadata"]["correlation_uid"]
    del event["metadata"]["product"]["version"]
    assert event == {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200301,
        "type_name": "Compliance Finding: Create",
        "time": 1_795_449_602_000,
        "start_time": 1_795_449_600_000,
        "end_time": 1_795_449_602_000,
        "metadata": {
            "version": "1.5.0",
            "product": {"name": "gatepolicy", "vendor_name": "gatepolicy"},
        },
        "resources": [
            {
                "uid": "gate/mm",
                "name": "mm",
                "namespace": "gate",
                "type": "API key",
                "labels": ["owner:desk"],
            }
        ],
        "severity_id": 5,
        "severity": "Critical",
        "status_id": 1,
        "status": "New",
        "message": "mm on gate: fail: The key can withdraw funds (withdraw)",
        "finding_info": {
            "uid": question,
            "title": "The key can withdraw funds",
            "desc": WITHDRAW.why,
            "types": ["withdrawal-enabled"],
        },
        "compliance": {
            "control": "GP001 withdrawal-enabled",
            "requirements": ["it cannot"],
            "standards": ["baseline"],
            "status_id": 3,
            "status": "Fail",
            "status_detail": "it can",
        },
        "remediation": {"desc": WITHDRAW.fix["gate"], "references": ["https://example.com/keys"]},
        "unmapped": {
            "finding": finding_identity("GP001", "gate", "mm", "withdraw"),
            "verdict": "fail",
            "on_unknown": "incomplete",
            "subject": "withdraw",
            "policy_file": "policies/baseline.yaml",
            "policy_line": "9",
        },
    }


@pytest.mark.parametrize(
    ("told", "compliance", "status", "severity"),
    [
        (FAIL, 3, 1, 5),
        (replace(FAIL, severity=Severity.HIGH), 3, 1, 4),
        (replace(FAIL, severity=Severity.INFO), 3, 1, 1),
        (UNKNOWN, 2, 1, 5),
        (replace(UNKNOWN, on_unknown=OnUnknown.BLOCK), 2, 1, 5),
        (replace(UNKNOWN, on_unknown=OnUnknown.WARN), 2, 1, 5),
        (replace(FAIL, outcome=Outcome.PASS), 1, 99, 1),
        (replace(FAIL, outcome=Outcome.WAIVED), 99, 3, 5),
        (replace(FAIL, outcome=Outcome.NOT_APPLICABLE), 99, 99, 1),
    ],
)
def test_what_a_verdict_becomes(told: Verdict, compliance: int, status: int, severity: int) -> None:
    event = one(told)
    assert event["compliance"]["status_id"] == compliance
    assert event["status_id"] == status
    assert event["severity_id"] == severity


def test_an_unknown_has_its_reason() -> None:
    compliance = one(replace(UNKNOWN, needed="scan again"))["compliance"]
    assert (compliance["status_code"], compliance["status_detail"]) == ("timeout", "scan again")
    codes = {event["compliance"].get("status_code") for event in events(scan_of(silent()))}
    assert codes == {None, "not_verifiable"}


def test_two_policies_never_overwrite_each_other() -> None:
    good = verdict(UNBOUND, Outcome.PASS, "bound", "bound", policy="a")
    bad = verdict(UNBOUND, Outcome.FAIL, "at most 2", "3", policy="b")
    found = events(scan_of(account(subject("mm", "gate", 3), Facts(), (good, bad))))
    assert len({event["finding_info"]["uid"] for event in found}) == 2
    assert len({event["unmapped"]["finding"] for event in found}) == 1


def test_the_id_of_a_finding_is_the_same_in_the_next_scan() -> None:
    scan = scan_of(account(subject("mm", "gate", 3), Facts(), (FAIL,)))
    later = replace(scan, finished_at=scan.finished_at.replace(day=24))
    (before,), (after,) = events(scan), events(later)
    assert before["finding_info"]["uid"] == after["finding_info"]["uid"]
    assert before["metadata"]["uid"] != after["metadata"]["uid"]


def test_a_waived_finding_names_its_waiver() -> None:
    (waived,) = [e for e in events(example_scan()) if e["unmapped"]["verdict"] == "waived"]
    assert waived["unmapped"]["waiver"] == "RISK-7"
    assert waived["unmapped"]["waived_until"] == "2026-11-15"


def test_a_verdict_about_the_scan_has_no_resource() -> None:
    event = events(example_scan())[-1]
    assert event["resources"] == []
    assert event["message"] == ("this scan: unknown: The policy covers no account (options-desk)")
    nameless = events(scan_of(general=(replace(UNKNOWN, policy=""),)))[0]
    assert nameless["compliance"]["standards"] == ["gatepolicy"]


@pytest.mark.parametrize(
    ("scan", "status"),
    [
        (scan_of(passing()), "Pass"),
        (scan_of(account(subject("mm", "gate", 3), Facts(), (FAIL,))), "Fail"),
        (
            scan_of(
                account(subject("mm", "gate", 3), Facts(), (FAIL,)),
                settings=ScanSettings(exit_zero=True),
            ),
            "Fail",
        ),
        (scan_of(passing(), account(subject("mm", "gate", 3), Facts(), (UNKNOWN,))), "Warning"),
        (scan_of(passing(), silent()), "Warning"),
        (scan_of(), "Warning"),
        (replace(scan_of(passing()), interrupted_by=Interruption.SIGINT), "Warning"),
    ],
)
def test_the_first_event_is_about_the_scan(scan: Scan, status: str) -> None:
    first = every_event(scan)[0]
    assert first["compliance"]["status"] == status
    assert first["message"].startswith("Exit code ")
    assert first["finding_info"]["title"] == "Scan of API keys"


def test_an_account_about_which_nothing_was_asked_is_no_pass() -> None:
    scan = scan_of(passing(), account(subject("idle", "gate", 3), Facts(), ()))
    event = events(scan)[-1]
    assert event["compliance"]["status"] == "Unknown"
    assert event["message"] == "idle on gate: nothing was checked"


def test_labels_and_no_owner() -> None:
    scan = scan_of(account(subject("mm", "gate", 3, region="eu", desk="mm"), Facts(), (FAIL,)))
    assert events(scan)[0]["resources"][0]["labels"] == ["desk:mm", "region:eu"]
