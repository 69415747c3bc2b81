"""Reports of GitLab: Code Quality (a JSON list), and SAST (schema 15.0.7).

Both hold what the ``github`` profile of SARIF holds, for the same reasons: violations, and unknowns
under the identity of the violation that they could be hiding, since GitLab takes what is absent for
fixed. Two policies that ask the same make one finding, the worse of the two.

Code Quality: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
SAST: https://gitlab.com/gitlab-org/security-products/security-report-schemas
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath

from gatepolicy import __version__
from gatepolicy.model.encoding import Json
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Severity
from gatepolicy.reports import summary
from gatepolicy.reports.json_report import json_document, json_list
from gatepolicy.reports.markdown_report import code
from gatepolicy.reports.sarif_objects import Entry, Profile, shown_entries
from gatepolicy.reports.summary import (
    NOTHING_CHECKED,
    cut,
    exit_sentence,
    rank,
    repository_path,
    stable_uuid,
    unjudged,
    why_unknown,
)
from gatepolicy.reports.text_layout import place

_ALL = 2**63
_NAME_LIMIT = 255
_TEXT_LIMIT = 1_000
_FIX_LIMIT = 6_000

_QUALITY = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
_UNKNOWN_QUALITY = {OnUnknown.INCOMPLETE: "major", OnUnknown.WARN: "info"}


def _findings(scan: Scan) -> Sequence[Entry]:
    """Each identity once, as the worst that is said of it, in the order of the scan."""
    worst: dict[str, Entry] = {}
    for entry in shown_entries(scan, Profile.GITHUB, _ALL).entries:
        before = worst.get(entry.identity)
        if before is None or rank(entry.verdict) < rank(before.verdict):
            worst[entry.identity] = entry
    return list(worst.values())


def render_codequality(scan: Scan) -> Iterator[str]:
    """A finding for each line of the inventory, or of a policy where no account is concerned."""
    rules = {rule.id: rule for rule in scan.rules}
    return json_list(_quality(entry, rules[entry.verdict.rule]) for entry in _findings(scan))


def _quality(entry: Entry, rule: RuleInfo) -> Json:
    verdict = entry.verdict
    severity = _QUALITY[verdict.severity]
    if verdict.outcome is Outcome.UNKNOWN:
        severity = _UNKNOWN_QUALITY.get(verdict.on_unknown, severity)
    return {
        "description": cut(_sentence(entry, rule), _TEXT_LIMIT),
        "check_name": cut(f"{verdict.rule}-{verdict.name}", _NAME_LIMIT),
        "fingerprint": entry.identity,
        "severity": severity,
        "location": {"path": _path(entry) or _name(entry), "lines": {"begin": entry.place.line}},
    }


def _sentence(entry: Entry, rule: RuleInfo) -> str:
    """Who, what, and how it is known; plain text."""
    verdict = entry.verdict
    subject = f" ({verdict.subject})" if verdict.subject and not entry.stands_for_all else ""
    title = f"{_who(entry)}: {rule.title.rstrip('.')}{subject}"
    if verdict.outcome is Outcome.UNKNOWN:
        state = f"neither proved nor disproved ({why_unknown(verdict)})"
        return f"{title}: {state}. Needed: {verdict.needed}"
    return f"{title}. Expected: {verdict.expected}. Seen: {verdict.seen}"


def _who(entry: Entry) -> str:
    if entry.subject is None:
        return f"policy {entry.verdict.policy}" if entry.verdict.policy else "this scan"
    if entry.stands_for_all:
        plural = "s" * (entry.accounts != 1)
        return f"{entry.accounts:,} account{plural} on {entry.subject.exchange}"
    return f"{entry.subject.id} on {entry.subject.exchange}"


def _path(entry: Entry) -> str | None:
    path = repository_path(entry.place, of_policy=entry.subject is None)
    return None if path is None else cut(path, _TEXT_LIMIT)


def _name(entry: Entry) -> str:
    """For what lies outside of the repository, where a path is required: its name, no path."""
    return cut(PurePath(entry.place.file).name, _TEXT_LIMIT) or "gatepolicy"


def render_sast(scan: Scan) -> Iterator[str]:
    """A vulnerability for each finding; the scan failed unless everything required was proved."""
    rules = {rule.id: rule for rule in scan.rules}
    about: Mapping[str, Json] = {
        "id": "gatepolicy",
        "name": "gatepolicy",
        "version": __version__,
        "vendor": {"name": "gatepolicy"},
    }
    return json_document(
        {
            "version": "15.0.7",
            "scan": {
                "type": "sast",
                "status": "success" if _is_whole(scan) else "failure",
                "start_time": _moment(scan.started_at),
                "end_time": _moment(scan.finished_at),
                "analyzer": about,
                "scanner": about,
                "messages": [_message(level, text) for level, text in _messages(scan)],
            },
            "vulnerabilities": (
                _vulnerability(entry, rules[entry.verdict.rule]) for entry in _findings(scan)
            ),
        },
        levels=3,
    )


def _is_whole(scan: Scan) -> bool:
    was_ended = scan.has_broken_baseline or scan.interrupted_by is not None
    is_open = bool(scan.unread) or any(verdict.incomplete for verdict in scan.verdicts())
    return not was_ended and not is_open and any(True for _ in scan.verdicts())


def _moment(moment: datetime) -> str:
    """A UTC time without fraction and zone, as the schema wants it."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()


def _messages(scan: Scan) -> Iterator[tuple[str, str]]:
    yield "info", exit_sentence(scan)
    if scan.interrupted_by is not None:
        yield "warn", summary.interruption(scan)
    if scan.narrowing.is_any:
        yield "info", summary.left_out(scan.narrowing)
    for account in scan.accounts:
        subject, why = account.evidence.subject, account.evidence.why_not_read
        if why is not None:
            yield "warn", f"{subject.id} on {subject.exchange} could not be read: {why.reason}"
    for subject in unjudged(scan):
        yield "warn", f"{subject.id} on {subject.exchange}: {NOTHING_CHECKED}"
    for warning in scan.warnings:
        yield "warn", warning


def _message(level: str, text: str) -> Json:
    return {"level": level, "value": cut(text, _TEXT_LIMIT) or "-"}


_SEVERITY = {
    Severity.CRITICAL: "Critical",
    Severity.HIGH: "High",
    Severity.MEDIUM: "Medium",
    Severity.LOW: "Low",
    Severity.INFO: "Info",
}


def _vulnerability(entry: Entry, rule: RuleInfo) -> Json:
    verdict = entry.verdict
    is_open = verdict.outcome is Outcome.UNKNOWN and not verdict.blocks
    exchange = entry.subject.exchange if entry.subject else ""
    return {
        "id": str(stable_uuid("gitlab-sast", entry.identity)),
        "name": cut(rule.title.rstrip("."), _NAME_LIMIT),
        "description": _description(entry),
        "severity": "Unknown" if is_open else _SEVERITY[verdict.severity],
        "solution": cut(rule.fix_for(exchange), _FIX_LIMIT),
        "identifiers": [
            {
                "type": "gatepolicy_rule",
                "name": cut(f"{rule.id} {rule.name}", _NAME_LIMIT),
                "value": rule.id,
            }
        ],
        "links": [{"url": url} for url in rule.references if url.startswith("https://")],
        **_location(entry),
    }


def _description(entry: Entry) -> str:
    """In Markdown: what comes from outside stands in code spans."""
    verdict = entry.verdict
    is_unknown = verdict.outcome is Outcome.UNKNOWN
    lines = {
        "Neither proved nor disproved": why_unknown(verdict) if is_unknown else "",
        "Who": _who(entry),
        "What": "" if entry.stands_for_all else verdict.subject,
        "Expected": verdict.expected,
        "Seen": verdict.seen,
        "Needed": verdict.needed,
        "Policy": f"{verdict.policy} ({place(verdict.location)})",
        "Owner": entry.subject.owner if entry.subject and not entry.stands_for_all else "",
    }
    items = ((label, code(text, _TEXT_LIMIT)) for label, text in lines.items())
    return "\n".join(f"- {label}: {text}" for label, text in items if text)


def _location(entry: Entry) -> Mapping[str, Json]:
    """Where it is, and by what GitLab knows it again when lines move."""
    line = entry.place.line
    signature = {"algorithm": "hash", "value": entry.identity}
    path = _path(entry)
    where: dict[str, Json] = {}
    if path is not None:
        where = {"file": path, "start_line": line, "end_line": line}
    tracked: Json = {**where, "signatures": [signature]}
    named: dict[str, Json] = {**where, "class": cut(entry.qualified, _TEXT_LIMIT)}
    return {"location": named, "tracking": {"type": "source", "items": [tracked]}}
