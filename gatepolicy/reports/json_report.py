"""JSON: every account and every verdict, versioned.

The shape is this module's own and not a dump of the model, so that the model can change without
breaking readers. ``schemas/report.schema.json`` describes it. Within a major ``schema_version``
members may be added, and none is removed or changes its meaning.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from gatepolicy import __version__
from gatepolicy.model.encoding import (
    Json,
    encode_facts,
    encode_skew,
    encode_subject,
    encode_time,
)
from gatepolicy.model.evidence import CallRecord, Subject
from gatepolicy.model.facts import Unknown
from gatepolicy.model.posture import AccountState, Posture, posture
from gatepolicy.model.scan import (
    Absent,
    AccountResult,
    BaselineState,
    Comparison,
    Drift,
    FactChange,
    Finding,
    Narrowing,
    PolicyInfo,
    Scan,
    ScanSettings,
)
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Verdict, WaiverInfo
from gatepolicy.reports.summary import Summary, summarise

Node: TypeAlias = "Json | Iterator[Node] | Sequence[Node] | Mapping[str, Node]"
"""A value in which a list may be an iterator: its items are made when they are written.

An iterator is always laid out one item per line. It must not lie inside of what is written on one
line, nor inside of an item of another one."""

_quoted = json.encoder.encode_basestring
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)


def json_document(members: Mapping[str, Node], *, levels: int) -> Iterator[str]:
    """An object as JSON text, with a line break at the end.

    Args:
        members: In the order in which they are written.
        levels: How many levels are laid out one entry per line.
    """
    yield from _object(members.items(), "", levels)
    yield "\n"


def json_list(items: Iterator[Node], *, levels: int = 1) -> Iterator[str]:
    """A list as JSON text, with a line break at the end; an item for each line.

    Args:
        items: Made when they are written.
        levels: How many levels are laid out one entry per line.
    """
    yield from _stream(items, "", levels)
    yield "\n"


def json_line(value: Json) -> str:
    """A value as JSON text in one line, with a line break at the end."""
    return f"{_text(value)}\n"


def _object(members: Iterable[tuple[str, Node]], indent: str, levels: int) -> Iterator[str]:
    entries = ((f"{_text(name)}: ", value) for name, value in members)
    return _block("{", entries, "}", indent, levels)


def _block(
    opening: str, entries: Iterable[tuple[str, Node]], closing: str, indent: str, levels: int
) -> Iterator[str]:
    inner = f"{indent}  "
    before, after = f"{opening}\n", f"{opening}{closing}"
    for prefix, value in entries:
        yield f"{before}{inner}{prefix}"
        yield from _value(value, inner, levels - 1)
        before, after = ",\n", f"\n{indent}{closing}"
    yield after


def _value(value: Node, indent: str, levels: int) -> Iterator[str]:
    match value:
        case Iterator():
            return _stream(value, indent, levels)
        case list() if levels > 0 and not _is_flat(value):
            return _block("[", (("", item) for item in value), "]", indent, levels)
        case dict() if levels > 0 and not _is_flat(value.values()):
            return _object(value.items(), indent, levels)
        case _:
            return iter((_text(value),))


def _stream(items: Iterator[Node], indent: str, levels: int) -> Iterator[str]:
    """A list whose items are made one by one; each is laid out whole, which is much faster."""
    inner = f"{indent}  "
    before, after = "[\n", "[]"
    for item in items:
        yield f"{before}{inner}{_laid_out(item, inner, levels - 1)}"
        before, after = ",\n", f"\n{indent}]"
    yield after


def _laid_out(value: Any, indent: str, levels: int) -> str:
    inner = f"{indent}  "
    if levels > 0 and isinstance(value, dict) and not _is_flat(value.values()):
        entries = [
            f"{inner}{_name(name)}: {_laid_out(member, inner, levels - 1)}"
            for name, member in value.items()
        ]
        return f"{{\n{_LINES.join(entries)}\n{indent}}}"
    if levels > 0 and isinstance(value, list) and not _is_flat(value):
        entries = [f"{inner}{_laid_out(item, inner, levels - 1)}" for item in value]
        return f"[\n{_LINES.join(entries)}\n{indent}]"
    return _text(value)


_LINES = ",\n"


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    return _text(name)


def _is_flat(values: Iterable[Node]) -> bool:
    return not any(isinstance(value, (dict, list, Iterator)) for value in values)


def _text(value: Node) -> str:
    text = _quoted(value) if isinstance(value, str) else _ENCODER.encode(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    """An escape of JSON for a character that does not print, so that a terminal is safe.

    A lone surrogate is no character: no UTF-8 file can hold it, and strict readers refuse its
    escape. It can reach us from an exchange's JSON or from the name of a file.
    """
    if "\ud800" <= char <= "\udfff":
        return "\N{REPLACEMENT CHARACTER}"
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def encode_drift(drift: Drift) -> dict[str, Json]:
    """What is gone and what changed; each verdict says itself how it stands."""
    return {
        "baseline": drift.baseline,
        "absent": [_absent(absent) for absent in drift.absent],
        "changes": [_change(change) for change in drift.changes],
    }


def encode_finding(finding: Finding) -> dict[str, Json]:
    """One finding."""
    return {
        "rule": finding.rule,
        "name": finding.name,
        "exchange": finding.exchange,
        "account": finding.account,
        "subject": finding.subject,
        "verdict": finding.outcome.value,
        "severity": finding.severity,
        "seen": finding.seen,
        "policy": finding.policy,
        "expected": finding.expected,
        "on_unknown": finding.on_unknown.value,
    }


def decode_finding(data: Mapping[str, Any]) -> Finding:
    """The inverse of ``encode_finding``; the shape was checked before."""
    return Finding(
        rule=data["rule"],
        name=data["name"],
        exchange=data["exchange"],
        account=data["account"],
        subject=data["subject"],
        outcome=Outcome(data["verdict"]),
        severity=data["severity"],
        seen=data["seen"],
        policy=data["policy"],
        expected=data["expected"],
        on_unknown=OnUnknown(data["on_unknown"]),
    )


def encode_comparison(comparison: Comparison) -> dict[str, Json]:
    """How a verdict stands; what is not as it was is reported of those that are updated, or new.

    Without ``baseline_worse``, it is no worse.
    """
    members: dict[str, Json] = {"baseline": comparison.state.value}
    if comparison.state is BaselineState.UPDATED or comparison.is_worse:
        members["baseline_worse"] = comparison.is_worse
    if comparison.why:
        members["baseline_why"] = list(comparison.why)
    return members


def _absent(absent: Absent) -> Json:
    return {
        **encode_finding(absent.finding),
        "because": absent.gone.value,
        "expected_now": absent.expected,
    }


def _change(change: FactChange) -> Json:
    return {
        "name": change.name,
        "worse": change.is_worse,
        "exchange": change.exchange,
        "account": change.account,
        "what": change.what,
        "before": change.before,
        "after": change.after,
    }


SCHEMA_VERSION = "1.0"


def render_json(scan: Scan) -> Iterator[str]:
    """The whole scan, one account after the other."""
    return json_document(report_members(scan), levels=4)


def report_members(scan: Scan) -> Mapping[str, Node]:
    """The members of a report, in their order; accounts are made while they are read."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "gatepolicy", "version": __version__},
        "scope": scan.scope,
        "started_at": encode_time(scan.started_at),
        "finished_at": encode_time(scan.finished_at),
        "evidence_collected_at": encode_time(scan.evidence_at) if scan.evidence_at else None,
        "exit_code": scan.exit_code.value,
        "baseline_unreadable": scan.has_broken_baseline,
        "interrupted_by": None if scan.interrupted_by is None else scan.interrupted_by.value,
        "settings": _settings(scan.settings),
        "narrowed": _narrowed(scan.narrowing),
        "summary": _summary(summarise(scan)),
        "posture": _posture(posture(scan)),
        "policies": [_policy(policy) for policy in scan.policies],
        "rules": [_rule(rule) for rule in scan.rules],
        "accounts": (_account(account, scan) for account in scan.accounts),
        "general": [_verdict(verdict, None, scan) for verdict in scan.general],
        "warnings": iter(scan.warnings),
        "waivers": [_waiver(waiver) for waiver in scan.waivers],
        "drift": None if scan.drift is None else encode_drift(scan.drift),
    }


def _settings(settings: ScanSettings) -> Json:
    return {
        "fail_on": settings.fail_on.value,
        "exit_zero": settings.exit_zero,
        "allow_incomplete": settings.allow_incomplete,
        "allow_empty": settings.allow_empty,
        "fail_on_new": settings.fail_on_new,
        "baseline_hides": sorted(settings.baseline_hides),
        "max_evidence_age_seconds": round(settings.max_evidence_age.total_seconds()),
        "softened_by": [
            {"option": option, "origin": origin} for option, origin in settings.softening.items()
        ],
    }


def _narrowed(narrowing: Narrowing) -> Json:
    if not narrowing.is_any:
        return None
    return {
        "options": list(narrowing.options),
        "accounts_left_out": narrowing.accounts,
        "of_accounts": narrowing.of_accounts,
        "rules_left_out": list(narrowing.rules),
        "comparisons_left_out": list(narrowing.comparisons),
        "evidence_options": list(narrowing.evidence_options),
    }


def _summary(summary: Summary) -> Json:
    return {
        "verdicts": {outcome.value: count for outcome, count in summary.outcomes.items()},
        "violations": {severity.value: count for severity, count in summary.violations.items()},
        "blocking_unknowns": {
            severity.value: count for severity, count in summary.blocking_unknowns.items()
        },
        "unknowns": {
            "left_open": summary.left_open,
            "not_verifiable": summary.not_verifiable,
            "of_accounts_not_read": summary.of_accounts_not_read,
        },
        "accounts": {
            "total": summary.accounts,
            "complete": summary.accounts - summary.incomplete - summary.unchecked,
            "incomplete": summary.incomplete,
            "unread": summary.unread,
            "could_not_be_read": summary.not_read,
            "unchecked": summary.unchecked,
        },
    }


def _posture(found: Posture) -> Json:
    return {
        "lines": [
            {
                "line": one.line.value,
                "title": one.title,
                **{state.value: one.of(state) for state in _STATES},
            }
            for one in found.lines
        ],
        "coverage": {
            "inventory": found.coverage.inventory,
            "selected": found.coverage.selected,
            "found": found.coverage.found,
            "answered": found.coverage.answered,
            "could_not_be_read": found.coverage.could_not_be_read,
        },
    }


_STATES = (
    AccountState.GOOD,
    AccountState.BAD,
    AccountState.WAIVED,
    AccountState.UNKNOWN,
    AccountState.NOT_VERIFIABLE,
    AccountState.NOT_CHECKED,
)


def _policy(policy: PolicyInfo) -> Json:
    return {
        "name": policy.name,
        "title": policy.title,
        "file": policy.file,
        "digest": policy.digest,
        "accounts": policy.accounts,
        "extends": [
            {"name": source.name, "file": source.file, "digest": source.digest}
            for source in policy.extends
        ],
        "overrides": [
            {
                "clause": override.clause,
                "because": override.because,
                "policy": {
                    "name": override.policy,
                    "file": override.location.file,
                    "line": override.location.line,
                    "column": override.location.column,
                },
            }
            for override in policy.overrides
        ],
    }


def _rule(rule: RuleInfo) -> Json:
    return {
        "id": rule.id,
        "name": rule.name,
        "title": rule.title,
        "severity": rule.severity.value,
        "why": rule.why,
        "fix": dict(rule.fix),
        "references": list(rule.references),
        "tags": list(rule.tags),
        "facts": list(rule.facts),
        "posture": None if rule.posture is None else rule.posture.value,
    }


def _account(account: AccountResult, scan: Scan) -> Json:
    evidence = account.evidence
    return {
        **encode_subject(evidence.subject),
        "collected_at": encode_time(evidence.collected_at),
        **encode_skew(evidence.clock_skew),
        "unread": _unread(evidence.unread),
        **encode_facts(evidence.facts),
        "calls": [_call(call) for call in evidence.calls],
        "verdicts": [_verdict(verdict, evidence.subject, scan) for verdict in account.verdicts],
    }


def _call(call: CallRecord) -> Json:
    """Without the answer, which evidence holds."""
    return {
        "call": call.call,
        "method": call.method,
        "url": call.url,
        "status": call.status,
        "reason": call.reason,
        "attempts": call.attempts,
    }


def _unread(unread: Unknown | None) -> Json:
    return None if unread is None else {"reason": unread.reason.value, "detail": unread.detail}


def _verdict(verdict: Verdict, subject: Subject | None, scan: Scan) -> Json:
    comparison = scan.compared(subject, verdict)
    return {
        "rule": verdict.rule,
        "name": verdict.name,
        "verdict": verdict.outcome.value,
        "severity": verdict.severity.value,
        "subject": verdict.subject,
        "expected": verdict.expected,
        "seen": verdict.seen,
        "reason": verdict.reason.value if verdict.reason else None,
        "needed": verdict.needed,
        "on_unknown": verdict.on_unknown.value,
        **({"not_verifiable": True} if verdict.not_verifiable else {}),
        "policy": {
            "name": verdict.policy,
            "file": verdict.location.file,
            "line": verdict.location.line,
            "column": verdict.location.column,
        },
        **_waived(verdict),
        **({} if comparison is None else encode_comparison(comparison)),
    }


def _waived(verdict: Verdict) -> dict[str, Json]:
    """Only of waived verdicts: most reports have none."""
    if verdict.waived is None:
        return {}
    waived = verdict.waived
    return {"waiver": {"id": waived.terms.id, "underneath": waived.underneath.value}}


def _waiver(waiver: WaiverInfo) -> Json:
    terms = waiver.terms
    return {
        "id": terms.id,
        "state": waiver.state.value,
        "rule": terms.rule,
        "owner": terms.owner,
        "justification": terms.justification,
        "ticket": terms.ticket,
        "approved_by": terms.approved_by,
        "created": terms.created.isoformat(),
        "expires": terms.expires.isoformat(),
        "findings": waiver.findings,
        "accounts": waiver.accounts,
        "file": terms.location.file,
        "line": terms.location.line,
        "column": terms.location.column,
    }
