"""From a JSON report to rows, and from rows to findings. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from gatepolicy.history.findings import Tracked
from gatepolicy.model.encoding import decode_time
from gatepolicy.model.scan import Finding, Gone
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity
from gatepolicy.reports.json_report import decode_finding, encode_finding

Row = dict[str, Any]
_AT_ONCE = 2_000


def chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The same rows, some at a time; no chunk is empty."""
    rest = iter(rows)
    while chunk := list(islice(rest, _AT_ONCE)):
        yield chunk


def storable(text: str) -> str:
    """A text that every database takes: PostgreSQL has no NUL."""
    return text.replace("\0", "\ufffd")


def storable_finding(finding: Finding) -> Finding:
    """A finding as it comes back from a database, so that the two are the same one."""
    return replace(
        finding,
        exchange=storable(finding.exchange),
        account=storable(finding.account),
        subject=storable(finding.subject),
        policy=storable(finding.policy),
        expected=storable(finding.expected),
        seen=storable(finding.seen),
    )


def scan_row(report: Mapping[str, Any], inventory: str, now: datetime) -> Row:
    """The row of ``scans``, without the report itself."""
    summary = report["summary"]
    return {
        "inventory": storable(inventory),
        "started_at": decode_time(report["started_at"]),
        "finished_at": decode_time(report["finished_at"]),
        "stored_at": now,
        "version": report["tool"]["version"],
        "exit_code": report["exit_code"],
        "interrupted_by": report["interrupted_by"],
        "narrowed": report["narrowed"] is not None,
        "accounts": summary["accounts"]["total"],
        "unread": summary["accounts"]["unread"],
        "passed": summary["verdicts"][Outcome.PASS.value],
        "waived": summary["verdicts"][Outcome.WAIVED.value],
        "unknown": summary["verdicts"][Outcome.UNKNOWN.value],
        "blocking_unknowns": sum(summary["blocking_unknowns"].values()),
        **{level.value: summary["violations"].get(level.value, 0) for level in Severity},
        "accounts_passed": sum(_passes(account) for account in report["accounts"]),
        "accounts_violating": sum(_violates(account) for account in report["accounts"]),
    }


def _passes(account: Mapping[str, Any]) -> bool:
    """The same as ``summary.passes`` of the account itself."""
    verdicts = account["verdicts"]
    is_proved = any(one["verdict"] == Outcome.PASS.value for one in verdicts)
    return account["unread"] is None and is_proved and all(_is_fine(one) for one in verdicts)


def _is_fine(verdict: Mapping[str, Any]) -> bool:
    if verdict.get("not_verifiable", False):
        return bool(verdict["on_unknown"] == OnUnknown.WARN.value)
    return verdict["verdict"] in (Outcome.PASS.value, Outcome.NOT_APPLICABLE.value)


def _violates(account: Mapping[str, Any]) -> bool:
    return any(one["verdict"] == Outcome.FAIL.value for one in account["verdicts"])


def account_rows(report: Mapping[str, Any], scan: int) -> Iterator[Row]:
    """The rows of ``accounts``."""
    for account in report["accounts"]:
        unread = account["unread"]
        yield {
            **_of(account, scan),
            "owner": storable(account["owner"]),
            "labels": _json(account["labels"]),
            "collected_at": decode_time(account["collected_at"]),
            "unread": unread["reason"] if unread else None,
        }


def fact_rows(report: Mapping[str, Any], scan: int) -> Iterator[Row]:
    """The rows of ``facts``: what is known, then what is not."""
    for account in report["accounts"]:
        place = _of(account, scan)
        for name, fact in account["facts"].items():
            known = {"value": _json(fact["value"]), "grade": fact["grade"], "reason": None}
            yield {**place, "name": name, **known}
        for name, reason in account["unknown"].items():
            yield {**place, "name": name, "value": None, "grade": None, "reason": reason}


def verdict_rows(report: Mapping[str, Any], scan: int) -> Iterator[Row]:
    """The rows of ``verdicts``: of accounts, then those about the scan itself."""
    for account in report["accounts"]:
        for verdict in account["verdicts"]:
            yield _verdict(verdict, _of(account, scan))
    for verdict in report["general"]:
        yield _verdict(verdict, {"scan": scan, "exchange": "", "account": ""})


def _verdict(verdict: Mapping[str, Any], place: Row) -> Row:
    return {
        **place,
        "rule": verdict["rule"],
        "name": verdict["name"],
        "subject": storable(verdict["subject"]),
        "policy": storable(verdict["policy"]["name"]),
        "verdict": verdict["verdict"],
        "severity": verdict["severity"],
        "reason": verdict["reason"],
        "on_unknown": verdict["on_unknown"],
        "waiver": storable(verdict["waiver"]["id"]) if "waiver" in verdict else None,
    }


def _of(account: Mapping[str, Any], scan: int) -> Row:
    return {
        "scan": scan,
        "exchange": storable(account["exchange"]),
        "account": storable(account["id"]),
    }


def _json(value: object) -> str:
    # NOTE: the escape of a NUL is a text like any other.
    return json.dumps(value, ensure_ascii=False)


def finding_row(tracked: Tracked, inventory: str) -> Row:
    """The row of ``findings``, without its id."""
    finding = storable_finding(tracked.finding)
    return {
        "inventory": storable(inventory),
        "question": finding.question,
        **encode_finding(finding),
        "first_seen": tracked.first_seen,
        "violated_at": tracked.violated_at,
        "last_seen": tracked.last_seen,
        "checked_at": tracked.checked_at,
        "fixed_at": tracked.fixed_at,
        "gone": tracked.gone.value if tracked.gone else None,
    }


def finding_of(row: Mapping[str, Any]) -> Tracked:
    """The inverse of ``finding_row``."""
    finding = decode_finding(row)
    return Tracked(
        id=row["id"],
        finding=finding,
        first_seen=row["first_seen"],
        violated_at=row["violated_at"],
        last_seen=row["last_seen"],
        checked_at=row["checked_at"],
        fixed_at=row["fixed_at"],
        gone=Gone(row["gone"]) if row["gone"] else None,
    )
