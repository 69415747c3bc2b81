"""From controls and facts to verdicts. Pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from gatepolicy.evaluate.kleene import Truth, decisive, holds
from gatepolicy.evaluate.predicates import PREDICATES
from gatepolicy.evaluate.wording import doubt_about, seen_in_words, value_in_words
from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import CLOCK_IS_WRONG, Fact, Facts, Grade, Unknown
from gatepolicy.model.location import Location
from gatepolicy.model.reasons import HINT, Reason, could_not_be_read
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.policies.control import Control
from gatepolicy.rules.conditions import Test
from gatepolicy.rules.expressions import Expression, Judged

MOST_TELLING_FIRST: tuple[Reason, ...] = (
    Reason.NOT_ALLOWED,
    Reason.BAD_CREDENTIALS_CONFIG,
    Reason.UNSUPPORTED_EXCHANGE,
    Reason.NOT_COVERED,
    Reason.REQUEST_REFUSED,
    Reason.INTERNAL_ERROR,
    Reason.STALE_EVIDENCE,
    Reason.KEY_EXPIRED,
    Reason.BAD_KEY,
    Reason.BAD_SIGNATURE,
    Reason.IP_REFUSED,
    Reason.PERMISSION_DENIED,
    Reason.LOCKED_OUT,
    Reason.GEO_BLOCKED,
    Reason.CLOCK_SKEW,
    Reason.TLS_ERROR,
    Reason.MAINTENANCE,
    Reason.RATE_LIMITED,
    Reason.UNREACHABLE,
    Reason.TIMEOUT,
    Reason.INTERRUPTED,
    Reason.LIMIT_REACHED,
    Reason.UNEXPECTED_ANSWER,
    Reason.NOT_DISCLOSED,
    # Last of all: a verdict with this reason is left out of a narrowed scan.
    Reason.NOT_SELECTED,
)
"""Which reason is told when there are several: what its owner can act on comes first."""

_APPARENT = frozenset({Grade.APPARENT})

_RANK = {reason: rank for rank, reason in enumerate(MOST_TELLING_FIRST)}


NOBODY = Subject("", "", {}, "", Location("", 1, 1))
"""No account: for rules that ask nothing of one."""


def evaluate(
    controls: Iterable[Control],
    facts: Facts,
    now: datetime,
    subject: Subject = NOBODY,
    *,
    is_clock_wrong: bool = False,
) -> tuple[Verdict, ...]:
    """Judge what is known about one key.

    Args:
        controls: What policies ask, in the order in which verdicts are wanted.
        facts: What is known and what is not.
        now: Ages and expiries are counted from here. UTC.
        subject: The account; rules of policies may ask about its labels.
        is_clock_wrong: Whether ``now`` is not to be trusted: then no age is known.

    Returns:
        One verdict for every control: pass and fail only where accepted facts prove them.
    """
    told = facts.without_moments(CLOCK_IS_WRONG) if is_clock_wrong else facts
    clock = None if is_clock_wrong else now
    return tuple(
        _verdict(control, told, now)
        if control.expression is None
        else _of_expression(control, control.expression, told, clock, subject)
        for control in controls
    )


def _of_expression(
    control: Control, expression: Expression, facts: Facts, now: datetime | None, subject: Subject
) -> Verdict:
    judged = _judged(control, expression, facts, now, subject)
    if judged.gave_up is not None:
        what, fix = judged.gave_up
        needed = f"{what} on this key" + (f": {fix}" if fix else "")
        return _conclude(control, Outcome.UNKNOWN, reason=Reason.UNEXPECTED_ANSWER, needed=needed)
    if judged.truth is None:
        missing = [
            judged.doubts.get(name) or _why_unknown(Test(name, ""), _proving(control), facts)
            for name in expression.facts
            if name not in judged.seen
        ]
        if now is None and not missing:
            missing = [CLOCK_IS_WRONG]
        cause = _most_telling(missing or [Unknown(Reason.UNEXPECTED_ANSWER, judged.why)])
        return _conclude(control, Outcome.UNKNOWN, reason=cause.reason, needed=_needed(cause))
    seen = "; ".join(f"{name}: {value_in_words(value)}" for name, value in judged.seen.items())
    outcome = Outcome.PASS if judged.truth else Outcome.FAIL
    return _conclude(control, outcome, seen=seen or "it is so")


def _judged(
    control: Control, expression: Expression, facts: Facts, now: datetime | None, subject: Subject
) -> Judged:
    """What it says: by apparent facts as well, where they fail it, and without them otherwise."""
    if any(fact.provenance.grade is Grade.APPARENT for fact in facts.known.values()):
        shown = expression.judge(facts.known, control.accepted | _APPARENT, subject, now)
        if shown.truth is False:
            return shown
    return expression.judge(facts.known, _proving(control), subject, now)


def _verdict(control: Control, facts: Facts, now: datetime) -> Verdict:
    judge = _judge(control.accepted | _APPARENT, facts, now)
    if holds(control.condition, judge) is not False:
        # What is only apparent fails a rule, and never passes one.
        judge = _judge(_proving(control), facts, now)
    truth = holds(control.condition, judge)
    tests = decisive(control.condition, judge)
    if truth is None:
        why = _most_telling([_why_unknown(test, _proving(control), facts) for test in tests])
        return _conclude(control, Outcome.UNKNOWN, reason=why.reason, needed=_needed(why))
    seen = _seen(tests, facts, now)
    return _conclude(control, Outcome.PASS if truth else Outcome.FAIL, seen=seen)


def _judge(accepted: frozenset[Grade], facts: Facts, now: datetime) -> Callable[[Test], Truth]:
    def judge(test: Test) -> Truth:
        fact = _accepted(test, accepted, facts)
        return None if fact is None else PREDICATES[test.predicate](fact.value, test.argument, now)

    return judge


def _proving(control: Control) -> frozenset[Grade]:
    """The grades by which a rule can pass."""
    return control.accepted - _APPARENT


def _conclude(
    control: Control,
    outcome: Outcome,
    *,
    seen: str = "",
    reason: Reason | None = None,
    needed: str = "",
) -> Verdict:
    return Verdict(
        rule=control.rule,
        name=control.name,
        outcome=outcome,
        severity=control.severity,
        subject=control.subject,
        expected=control.expected,
        seen=seen,
        reason=reason,
        needed=needed,
        on_unknown=_unsoftened(control.on_unknown, reason),
        policy=control.policy,
        location=control.location,
    )


def _unsoftened(on_unknown: OnUnknown, reason: Reason | None) -> OnUnknown:
    """What it means, at least incomplete for what could not be read: no policy softens that."""
    is_unread = reason is not None and could_not_be_read(reason)
    return OnUnknown.INCOMPLETE if is_unread and on_unknown is OnUnknown.WARN else on_unknown


def _accepted(test: Test, accepted: frozenset[Grade], facts: Facts) -> Fact | None:
    fact = facts.known.get(test.fact)
    return fact if fact is not None and fact.provenance.grade in accepted else None


def _seen(tests: Sequence[Test], facts: Facts, now: datetime) -> str:
    words = [seen_in_words(test, facts.known[test.fact].value, now) for test in tests]
    return words[0] if len(words) == 1 else "; ".join(dict.fromkeys(words))


def _why_unknown(test: Test, accepted: frozenset[Grade], facts: Facts) -> Unknown:
    fact = facts.known.get(test.fact)
    if fact is None:
        return facts.unknown.get(
            test.fact, Unknown(Reason.NOT_DISCLOSED, f"nothing tells {test.fact}")
        )
    provenance = fact.provenance
    if provenance.grade is Grade.APPARENT:
        return Unknown(Reason.UNEXPECTED_ANSWER, f"{test.fact}: {provenance.reference}")
    if provenance.grade not in accepted:
        reference = f" ({provenance.reference})" if provenance.reference else ""
        return Unknown(
            Reason.NOT_DISCLOSED,
            f"{test.fact} is only {provenance.grade.value}, which the policy does not accept"
            + reference,
        )
    doubt = doubt_about(test, fact.value)
    if doubt is not None:
        return doubt
    when = f", {fact.value.isoformat()}," if isinstance(fact.value, datetime) else ""
    return Unknown(Reason.UNEXPECTED_ANSWER, f"the value of {test.fact}{when} cannot be judged")


def _most_telling(causes: Sequence[Unknown]) -> Unknown:
    return min(
        causes,
        key=lambda cause: _RANK[cause.reason],
        default=Unknown(Reason.NOT_DISCLOSED, "the condition asks nothing"),
    )


def _needed(why: Unknown) -> str:
    hint = HINT[why.reason]
    return f"{why.detail}; {hint}" if why.detail else hint
