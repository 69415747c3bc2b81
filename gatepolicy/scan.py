"""From evidence to a finished scan: evaluation of a plan. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.model.scan import AccountResult, Evidence, Scan, ScanSettings
from gatepolicy.plan import Plan, Question

T = TypeVar("T")


class Evaluator:
    """Evaluates one account after the other, and shares equal values between them.

    Most accounts of a fleet have the same verdicts for the same reasons; sharing them keeps
    the memory of a large scan flat.
    """

    def __init__(self, *, now: datetime) -> None:
        """Evaluate against one moment for all accounts.

        Args:
            now: Ages and expiries are counted from here. UTC.
        """
        self._now = now
        self._shared: dict[object, object] = {}

    def judge(self, question: Question, evidence: Evidence) -> AccountResult:
        """All verdicts about one account."""
        verdicts = evaluate(question.controls, evidence.facts, self._now)
        shared = tuple(self._share(verdict) for verdict in (*question.given, *verdicts))
        return AccountResult(evidence, self._share(shared))

    def _share(self, value: T) -> T:
        return self._shared.setdefault(value, value)  # type: ignore[return-value]


def finish(
    plan: Plan,
    results: Sequence[AccountResult],
    *,
    started_at: datetime,
    finished_at: datetime,
    settings: ScanSettings,
    warnings: Sequence[str],
) -> Scan:
    """Put a scan together."""
    return Scan(
        started_at=started_at,
        finished_at=finished_at,
        settings=settings,
        rules=plan.rules,
        policies=plan.policies,
        accounts=results,
        general=plan.general,
        warnings=tuple(warnings),
    )


def evaluate_evidence(
    plan: Plan, evidence: Mapping[str, Evidence], *, now: datetime
) -> list[AccountResult]:
    """All verdicts about evidence that was collected before.

    Args:
        plan: Made from the subjects of the same evidence.
        evidence: By account id.
        now: When the evidence was collected: what was proved then is judged as of then. UTC.
    """
    evaluator = Evaluator(now=now)
    return [evaluator.judge(question, evidence[question.subject.id]) for question in plan.questions]
