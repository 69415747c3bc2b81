"""OCSF 1.5.0: an event of class Compliance Finding (2003) for each verdict, as JSON lines.

The first event is about the scan itself, so that a scan without verdicts is no empty file.

An unknown has the status *Warning*: "the compliance check did not yield a result due to missing
information". What is waived is *Other* and suppressed, never *Pass*. The id of a finding is that of
the question which a policy asks: it stays the same from scan to scan, and two policies that ask
about the same thing never overwrite each other. https://schema.ocsf.io/1.5.0/classes/compliance_finding
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from gatepolicy import __version__
from gatepolicy.model.encoding import Json, encode_time
from gatepolicy.model.evidence import Subject
from gatepolicy.model.scan import ExitCode, Scan
from gatepolicy.model.verdicts import Outcome, RuleInfo, Severity, Verdict
from gatepolicy.reports.json_report import json_line
from gatepolicy.reports.summary import (
    NOTHING_CHECKED,
    Judged,
    all_judged,
    exit_sentence,
    stable_uuid,
    strict_exit_code,
    unjudged,
    why_unknown,
)

OCSF_VERSION = "1.5.0"
_CREATE = 1
_CLASS = 2003
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_SEVERITY = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.HIGH: (4, "High"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.LOW: (2, "Low"),
    Severity.INFO: (1, "Informational"),
}
_NOTHING_TO_DO = (1, "Informational")

_COMPLIANCE = {
    Outcome.PASS: (1, "Pass"),
    Outcome.UNKNOWN: (2, "Warning"),
    Outcome.FAIL: (3, "Fail"),
    Outcome.WAIVED: (99, "Waived"),
    Outcome.NOT_APPLICABLE: (99, "Not applicable"),
}
"""What the check came to."""

_STATUS = {
    Outcome.PASS: (99, "Passed"),
    Outcome.UNKNOWN: (1, "New"),
    Outcome.FAIL: (1, "New"),
    Outcome.WAIVED: (3, "Suppressed"),
    Outcome.NOT_APPLICABLE: (99, "Not applicable"),
}
"""Whether somebody has to look at it."""


def render_ocsf(scan: Scan) -> Iterator[str]:
    """An event in each line: first about the scan, then each verdict in the order of the scan."""
    rules = {rule.id: rule for rule in scan.rules}
    moment = encode_time(scan.finished_at)
    uid = stable_uuid("ocsf-event", "scan", scan.scope, moment)
    yield json_line({**_event(scan, None, str(uid)), **_scan_members(scan)})
    seen = Counter[str]()
    for one in all_judged(scan):
        question = one.question
        seen[question] += 1
        uid = stable_uuid("ocsf-event", question, moment, str(seen[question]))
        members = _verdict_members(one, question, rules[one.verdict.rule])
        yield json_line({**_event(scan, one.subject, str(uid)), **members})
    for subject in unjudged(scan):
        uid = stable_uuid("ocsf-event", subject.exchange, subject.id, moment)
        yield json_line({**_event(scan, subject, str(uid)), **_unchecked_members(subject)})


def _event(scan: Scan, subject: Subject | None, uid: str) -> dict[str, Json]:
    """What the events of a scan share."""
    run = stable_uuid("scan", encode_time(scan.started_at), encode_time(scan.finished_at))
    return {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "type_uid": _CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "time": _milliseconds(scan.finished_at),
        "start_time": _milliseconds(scan.started_at),
        "end_time": _milliseconds(scan.finished_at),
        "metadata": {
            "version": OCSF_VERSION,
            "uid": uid,
            "correlation_uid": str(run),
            "product": {"name": "gatepolicy", "vendor_name": "gatepolicy", "version": __version__},
        },
        "resources": [] if subject is None else [_resource(subject)],
    }


def _milliseconds(moment: datetime) -> int:
    """Since 1970-01-01, UTC (``timestamp_t``)."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _resource(subject: Subject) -> Json:
    owner = [f"owner:{subject.owner}"] if subject.owner else []
    labels = [f"{name}:{value}" for name, value in sorted(subject.labels.items())]
    return {
        "uid": f"{subject.exchange}/{subject.id}",
        "name": subject.id,
        "namespace": subject.exchange,
        "type": "API key",
        "labels": [*labels, *owner],
    }


def _verdict_members(one: Judged, question: str, rule: RuleInfo) -> Mapping[str, Json]:
    verdict = one.verdict
    is_fine = verdict.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    severity_id, severity = _NOTHING_TO_DO if is_fine else _SEVERITY[verdict.severity]
    status_id, status = _STATUS[verdict.outcome]
    return {
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": _sentence(one, rule),
        "finding_info": {
            "uid": question,
            "title": rule.title,
            "desc": rule.why,
            "types": [verdict.name],
        },
        "compliance": _compliance(verdict),
        "remediation": {
            "desc": rule.fix_for(one.exchange),
            "references": [url for url in rule.references if url.startswith("https://")],
        },
        "unmapped": _unmapped(one),
    }


def _sentence(one: Judged, rule: RuleInfo) -> str:
    who = f"{one.account} on {one.exchange}" if one.subject else "this scan"
    subject = f" ({one.verdict.subject})" if one.verdict.subject else ""
    return f"{who}: {one.verdict.outcome.value.replace('_', ' ')}: {rule.title}{subject}"


def _compliance(verdict: Verdict) -> Json:
    status_id, status = _COMPLIANCE[verdict.outcome]
    reason = {"status_code": why_unknown(verdict)} if verdict.reason else {}
    return {
        "control": f"{verdict.rule} {verdict.name}",
        "requirements": [verdict.expected],
        "standards": [verdict.policy or "gatepolicy"],
        "status_id": status_id,
        "status": status,
        **reason,
        "status_detail": verdict.seen or verdict.needed,
    }


def _unmapped(one: Judged) -> Json:
    """What OCSF has no member for."""
    verdict = one.verdict
    members = {
        "finding": one.identity,
        "verdict": verdict.outcome.value,
        "on_unknown": verdict.on_unknown.value,
        "subject": verdict.subject,
        "policy_file": verdict.location.file,
        "policy_line": str(verdict.location.line),
    }
    if verdict.waived is not None:
        terms = verdict.waived.terms
        members |= {"waiver": terms.id, "waived_until": terms.expires.isoformat()}
    return members


def _unchecked_members(subject: Subject) -> Mapping[str, Json]:
    """An account about which nothing was asked: that is no pass."""
    what = f"{subject.id} on {subject.exchange}: {NOTHING_CHECKED}"
    uid = stable_uuid("unchecked", subject.exchange, subject.id)
    return _plain_members(str(uid), "Nothing was checked", what, _UNKNOWN)


_UNKNOWN = (0, "Unknown")
_OF_SCAN = {ExitCode.OK: (1, "Pass"), ExitCode.VIOLATION: (3, "Fail")}
"""What a scan came to, whatever softens it; every other exit code means that it is incomplete."""


def _scan_members(scan: Scan) -> Mapping[str, Json]:
    status = _OF_SCAN.get(strict_exit_code(scan), _COMPLIANCE[Outcome.UNKNOWN])
    if status == _COMPLIANCE[Outcome.PASS] and scan.count(Outcome.UNKNOWN):
        status = _COMPLIANCE[Outcome.UNKNOWN]
    uid = stable_uuid("scan-of", scan.scope)
    return _plain_members(str(uid), "Scan of API keys", exit_sentence(scan), status)


def _plain_members(
    uid: str, title: str, what: str, compliance: tuple[int, str]
) -> Mapping[str, Json]:
    status_id, status = compliance
    return {
        "severity_id": 1,
        "severity": "Informational",
        "status_id": 99,
        "status": "Other",
        "message": what,
        "finding_info": {"uid": uid, "title": title, "desc": what},
        "compliance": {
            "standards": ["gatepolicy"],
            "status_id": status_id,
            "status": status,
            "status_detail": what,
        },
    }
