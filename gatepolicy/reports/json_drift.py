"""The difference to an earlier scan, as JSON."""

from gatepolicy.model.drift import Drift, FactChange, Finding, Gone
from gatepolicy.model.encoding import Json


def encode_drift(drift: Drift) -> dict[str, Json]:
    """What is gone and what changed; each verdict says itself how it stands."""
    return {
        "baseline": drift.baseline,
        "absent": [_absent(finding, gone) for finding, gone in drift.absent],
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
    }


def _absent(finding: Finding, gone: Gone) -> Json:
    return {**encode_finding(finding), "because": gone.value}


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
