"""JSON: every account and every verdict, versioned.

The shape is this module's own and not a dump of the model, so that the model can change without
breaking readers. ``schemas/report.schema.json`` describes it. Within a major ``schema_version``
members may be added, and none is removed or changes its meaning.
"""

from collections.abc import Iterator

from gatepolicy import __version__
from gatepolicy.model.encoding import (
    Json,
    encode_facts,
    encode_skew,
    encode_subject,
    encode_time,
)
from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import Unknown
from gatepolicy.model.rules import RuleInfo
from gatepolicy.model.scan import AccountResult, Narrowing, PolicyInfo, Scan, ScanSettings
from gatepolicy.model.verdicts import Verdict
from gatepolicy.model.waivers import WaiverInfo
from gatepolicy.reports.json_drift import encode_drift, encode_standing
from gatepolicy.reports.json_stream import json_document
from gatepolicy.reports.summary import Summary, summarise

SCHEMA_VERSION = "1.0"


def render_json(scan: Scan) -> Iterator[str]:
    """The whole scan, one account after the other."""
    return json_document(
        {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "gatepolicy", "version": __version__},
            "started_at": encode_time(scan.started_at),
            "finished_at": encode_time(scan.finished_at),
            "evidence_collected_at": encode_time(scan.evidence_at) if scan.evidence_at else None,
            "exit_code": scan.exit_code.value,
            "interrupted_by": None if scan.interrupted_by is None else scan.interrupted_by.value,
            "settings": _settings(scan.settings),
            "narrowed": _narrowed(scan.narrowing),
            "summary": _summary(summarise(scan)),
            "policies": [_policy(policy) for policy in scan.policies],
            "rules": [_rule(rule) for rule in scan.rules],
            "accounts": (_account(account, scan) for account in scan.accounts),
            "general": [_verdict(verdict, None, scan) for verdict in scan.general],
            "warnings": iter(scan.warnings),
            "waivers": [_waiver(waiver) for waiver in scan.waivers],
            "drift": None if scan.drift is None else encode_drift(scan.drift),
        },
        levels=4,
    )


def _settings(settings: ScanSettings) -> Json:
    return {
        "fail_on": settings.fail_on.value,
        "exit_zero": settings.exit_zero,
        "allow_incomplete": settings.allow_incomplete,
        "allow_empty": settings.allow_empty,
        "fail_on_new": settings.fail_on_new,
        "baseline_hides": sorted(settings.baseline_hides),
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
        "rules_left_out": list(narrowing.rules),
        "comparisons_left_out": list(narrowing.comparisons),
        "evidence_options": list(narrowing.evidence_options),
    }


def _summary(summary: Summary) -> Json:
    return {
        "verdicts": {outcome.value: count for outcome, count in summary.outcomes.items()},
        "violations": {severity.value: count for severity, count in summary.violations.items()},
        "accounts": {
            "total": summary.accounts,
            "complete": summary.accounts - summary.incomplete - summary.unchecked,
            "incomplete": summary.incomplete,
            "unread": summary.unread,
            "unchecked": summary.unchecked,
        },
    }


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
    }


def _account(account: AccountResult, scan: Scan) -> Json:
    evidence = account.evidence
    return {
        **encode_subject(evidence.subject),
        "collected_at": encode_time(evidence.collected_at),
        **encode_skew(evidence.clock_skew),
        "unread": _unread(evidence.unread),
        **encode_facts(evidence.facts),
        "verdicts": [_verdict(verdict, evidence.subject, scan) for verdict in account.verdicts],
    }


def _unread(unread: Unknown | None) -> Json:
    return None if unread is None else {"reason": unread.reason.value, "detail": unread.detail}


def _verdict(verdict: Verdict, subject: Subject | None, scan: Scan) -> Json:
    standing = scan.standing(subject, verdict)
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
        "policy": {
            "name": verdict.policy,
            "file": verdict.location.file,
            "line": verdict.location.line,
        },
        **_waived(verdict),
        **({} if standing is None else encode_standing(standing)),
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
    }
