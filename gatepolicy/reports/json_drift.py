"""The difference to an earlier scan, as JSON."""

from gatepolicy.model.drift import Absent, BaselineState, Drift, FactChange, Finding, Standing
from gatepolicy.model.encoding import Json


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


def encode_standing(standing: Standing) -> dict[str, Json]:
    """How a verdict stands; what is not as it was is told of those that are updated, or new."""
    told: dict[str, Json] = {"baseline": standing.state.value}
    if standing.state is BaselineState.UPDATED:
        told["baseline_worse"] = standing.is_worse
    if standing.why:
        told["baseline_why"] = list(standing.why)
    return told


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
