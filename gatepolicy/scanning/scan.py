"""From evidence to a finished scan: evaluation of a plan. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gatepolicy.attestations.attestation import Attestation, with_attested
from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.model.evidence import Evidence, Subject
from gatepolicy.model.facts import ATTESTED_FACTS, FACTS, Fact, FactKind, Facts, Reason, Unknown
from gatepolicy.model.scan import AccountResult, Interruption, Narrowing, Scan, ScanSettings
from gatepolicy.model.verdicts import Verdict
from gatepolicy.policies.policy import Control
from gatepolicy.rules.rule import tests_of
from gatepolicy.scanning.plan import Plan, PlannedAccount
from gatepolicy.waivers.apply import Circumstances, apply_waivers, waiver_findings
from gatepolicy.waivers.waiver import Waiver

MOST_KEPT = 1_000
"""Verdicts of one control that are kept: those about dates and networks hardly ever repeat."""


class Evaluator:
    """Evaluates one account after the other, and asks nothing twice.

    Most accounts of a fleet have the same facts and so the same verdicts: what was judged once is
    looked up. That is several times faster, and keeps the memory of a large scan flat.
    """

    def __init__(
        self,
        *,
        now: datetime | None = None,
        attestations: Sequence[Attestation] = (),
        as_of: datetime | None = None,
        most_kept: int = MOST_KEPT,
    ) -> None:
        """Set the moments at which accounts are judged.

        Args:
            now: Ages and expiries are counted up to here; for each account up to when it was
                collected, unless given: evidence proves what was so then. UTC.
            attestations: What people said.
            as_of: When what people said is judged; ``now`` unless given. A moment before ``now``
                makes nothing younger, and what was said after it does not count. UTC.
            most_kept: So many verdicts of a control are looked up, and any others made anew.
        """
        self._now = now
        self._most_kept = most_kept
        self._as_of = as_of
        self._attestations = attestations
        self._attested: dict[int, bool] = {}
        self._checked: dict[int, _Checked] = {}
        self._shared: dict[tuple[int, ...], tuple[Verdict, ...]] = {}

    def judge(self, planned: PlannedAccount, evidence: Evidence) -> AccountResult:
        """All verdicts about one account."""
        facts, subject = evidence.facts, evidence.subject
        now = self._now or evidence.collected_at
        as_of = self._as_of or now
        moments = _Moments(now, max(now, as_of), evidence.clock_skew is not None)
        if self._asks_people(planned.controls):
            facts = with_attested(facts, subject, self._attestations, as_of, evidence.unread)
        judged = (self._verdict(control, facts, subject, moments) for control in planned.controls)
        verdicts = (*planned.given, *judged)
        identity = tuple(map(id, verdicts))
        # Nothing else has the identity of a verdict that is kept here.
        shared = self._shared.get(identity)
        if shared is None and len(self._shared) < self._most_kept:
            self._shared[identity] = verdicts
        return AccountResult(evidence, shared or verdicts)

    def _asks_people(self, controls: tuple[Control, ...]) -> bool:
        # By identity: the plan keeps one tuple for all accounts with the same questions.
        known = self._attested.get(id(controls))
        if known is None:
            known = any(_asks_people(_facts_of(control)) for control in controls)
            self._attested[id(controls)] = known
        return known

    def _verdict(
        self, control: Control, facts: Facts, subject: Subject, moments: "_Moments"
    ) -> Verdict:
        # By identity: hashing a whole control would cost more than it saves.
        checked = self._checked.get(id(control))
        if checked is None:
            checked = self._checked[id(control)] = _Checked.about(control)
        moment = moments.later if checked.asks_people else moments.now
        wrong = moments.are_wrong
        if control.expression is not None and control.expression.asks_account:
            return evaluate((control,), facts, moment, subject, is_clock_wrong=wrong)[0]
        known, unknown = facts.known, facts.unknown
        facts_seen = tuple([known.get(name) or unknown.get(name) for name in checked.names])
        when = (moment, wrong) if checked.is_timed else None
        verdict = checked.verdicts.get((when, facts_seen))
        if verdict is None:
            (verdict,) = evaluate((control,), facts, moment, subject, is_clock_wrong=wrong)
            if len(checked.verdicts) < self._most_kept:
                checked.verdicts[when, facts_seen] = verdict
        return verdict


def _facts_of(control: Control) -> tuple[str, ...]:
    """The facts that decide."""
    by_expression = () if control.expression is None else control.expression.facts
    by_tests = (test.fact for test in tests_of(control.condition))
    return tuple(dict.fromkeys((*by_expression, *by_tests)))


def _asks_people(names: Sequence[str]) -> bool:
    return not ATTESTED_FACTS.keys().isdisjoint(names)


def _is_timed(names: Sequence[str]) -> bool:
    return any((FACTS.get(name) or ATTESTED_FACTS[name]).kind is FactKind.TIME for name in names)


@dataclass(frozen=True, slots=True)
class _Moments:
    """When one account is judged. UTC."""

    now: datetime
    """Up to when ages and expiries are counted."""
    later: datetime
    """When what people said is judged."""
    are_wrong: bool
    """Whether the exchange has another time: then no age is known."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A control with every verdict that it has led to."""

    control: Control
    """Kept, so that its identity is not given to another one."""
    names: tuple[str, ...]
    """The facts that decide."""
    asks_people: bool
    """Whether what people said decides."""
    is_timed: bool
    """Whether it may have another verdict at another time."""
    verdicts: dict[tuple[tuple[datetime, bool] | None, tuple[Fact | Unknown | None, ...]], Verdict]
    """The moment and whether it is wrong, where that matters, and what is known about these facts,
    to the verdict."""

    @classmethod
    def about(cls, control: Control) -> "_Checked":
        """A control that was not checked yet."""
        names = _facts_of(control)
        # An expression may ask for the time without any fact that is one.
        is_timed = control.expression is not None or _is_timed(names)
        return cls(control, names, _asks_people(names), is_timed, {})


@dataclass(frozen=True, slots=True)
class Waiving:
    """What is accepted."""

    waivers: Sequence[Waiver] = ()
    """In the order of their files."""
    notice_days: int = 14
    """So many days before its end a waiver counts as expiring."""


NOTHING_WAIVED = Waiving()
"""Nothing is accepted."""


def finish(
    plan: Plan,
    results: Sequence[AccountResult],
    *,
    started_at: datetime,
    finished_at: datetime,
    settings: ScanSettings,
    warnings: Sequence[str],
    waiving: Waiving = NOTHING_WAIVED,
    interrupted_by: Interruption | None = None,
) -> Scan:
    """Put a scan together: what is accepted is waived as of the day on which the scan ends.

    Args:
        plan: What was checked.
        results: Every account, as it was judged.
        started_at: UTC.
        finished_at: UTC.
        settings: What decides the exit code.
        warnings: For people.
        waiving: What is accepted.
        interrupted_by: The signal that ended it early; then no waiver is reported as unused.
    """
    narrowing, results = _without_comparisons(plan.narrowing, results)
    is_whole = not narrowing.is_any and interrupted_by is None
    circumstances = Circumstances(finished_at.date(), waiving.notice_days, plan.limits, is_whole)
    applied = apply_waivers(results, waiving.waivers, circumstances)
    return Scan(
        started_at=started_at,
        finished_at=finished_at,
        settings=settings,
        rules=plan.rules,
        policies=plan.policies,
        accounts=applied.accounts,
        general=(*plan.general, *waiver_findings(applied.waivers, applied.refusals, plan.rules)),
        warnings=tuple(warnings),
        waivers=applied.waivers,
        narrowing=narrowing,
        interrupted_by=interrupted_by,
    )


def _without_comparisons(
    narrowing: Narrowing, results: Sequence[AccountResult]
) -> tuple[Narrowing, Sequence[AccountResult]]:
    """Leave out of a narrowed scan what only the accounts that it left out could tell.

    What is missing is said once. What was found nevertheless, such as a key that two accounts
    share, stays; and nothing else passes for it.
    """
    if not narrowing.is_any:
        return narrowing, results
    left_out = {
        verdict.name: None
        for result in results
        for verdict in result.verdicts
        if verdict.reason is Reason.NOT_SELECTED
    }
    if not left_out:
        return narrowing, results
    kept = [
        replace(one, verdicts=[v for v in one.verdicts if v.reason is not Reason.NOT_SELECTED])
        for one in results
    ]
    return replace(narrowing, comparisons=tuple(left_out)), kept


def evaluate_evidence(
    plan: Plan,
    evidence: Mapping[str, Evidence],
    *,
    now: datetime | None = None,
    attestations: Sequence[Attestation] = (),
    as_of: datetime | None = None,
) -> list[AccountResult]:
    """All verdicts about evidence that was collected before.

    Args:
        plan: Made from the subjects of the same evidence.
        evidence: By account id.
        now: Up to when ages are counted; for each account up to when it was collected, unless
            given: what was proved then is judged as of then. UTC.
        attestations: What people said.
        as_of: When what people said is judged, as waivers are; ``now`` unless given. UTC.
    """
    evaluator = Evaluator(now=now, attestations=attestations, as_of=as_of)
    return [evaluator.judge(planned, evidence[planned.subject.id]) for planned in plan.accounts]
