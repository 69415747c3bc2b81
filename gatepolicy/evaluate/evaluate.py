"""From controls and facts to verdicts. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gatepolicy.evaluate.predicates import (
    PREDICATES,
    Truth,
    age_of,
    decisive,
    holds,
    lies_within,
    wider,
)
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import (
    ATTESTED_FACTS,
    CLOCK_IS_WRONG,
    DESCRIPTION,
    HINT,
    Access,
    Fact,
    Facts,
    FactValue,
    Grade,
    Grant,
    Network,
    Reason,
    Unknown,
    could_not_be_read,
)
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.policies.policy import Control
from gatepolicy.rules.expressions import LEFT_OUT, MAYBE, Expression, Judged
from gatepolicy.rules.rule import Argument, Test, duration_in_words

_LONGEST = 100

Wording = Callable[[Test, FactValue, datetime], str]

_FLAGS: Mapping[str, tuple[str, str]] = {
    **{
        capability.fact: (f"the key can {what}", f"the key cannot {what}")
        for capability, what in DESCRIPTION.items()
    },
    "ip.restricted": ("only listed addresses may use the key", "any address may use the key"),
    "key.active": ("the key is active", "the key is not active"),
    "key.exists": ("the exchange has the key", "the exchange no longer has the key"),
    "key.declared": ("the inventory lists the key", "the inventory does not list the key"),
    "account.sandbox": ("the account is on a sandbox", "the account is not on a sandbox"),
}
"""Fact to the words for true and for false."""

_LISTS: Mapping[str, tuple[str, str]] = {
    "permissions.unrecognised": ("unknown permissions: ", "no unknown permission"),
    "key.trading_pairs": ("the key may trade only ", "the key may trade every pair"),
    "key.shared_with": ("the same key is used by ", "no other account uses the key"),
}
"""Fact to the words before the entries, and for no entries."""

_TIMES: Mapping[str, tuple[str, str]] = {
    "key.created_at": ("created on", "never created"),
    "key.last_used_at": ("last used on", "never used"),
    "key.expires_at": ("expires on", "the key never expires"),
    **dict.fromkeys(ATTESTED_FACTS, ("attested on", "not attested")),
}
"""Fact to the words before the day, and for never."""


def seen_in_words(test: Test, value: FactValue, now: datetime) -> str:
    """What was seen of one fact, as far as a test asked for it."""
    return SEEN[test.predicate](test, value, now)


def _flag(test: Test, value: FactValue, now: datetime) -> str:
    del now
    positive, negative = _FLAGS.get(test.fact, (f"{test.fact}: yes", f"{test.fact}: no"))
    return positive if value else negative


def _list(test: Test, value: FactValue, now: datetime) -> str:
    del now
    before, none = _LISTS.get(test.fact, ("", "nothing"))
    entries = ", ".join(map(_plain, value)) if isinstance(value, tuple) else ""
    return f"{before}{entries}" if entries else none


def _pairs_outside(test: Test, value: FactValue, now: datetime) -> str:
    allowed = test.argument if isinstance(test.argument, tuple) else ()
    outside = [part for part in value if part not in allowed] if isinstance(value, tuple) else []
    return f"outside: {', '.join(map(_plain, outside))}" if outside else _list(test, value, now)


def _word(test: Test, value: FactValue, now: datetime) -> str:
    del now
    word = test.argument[0] if isinstance(test.argument, tuple) else ""
    grants = value if isinstance(value, tuple) else ()
    found = [g.access for g in grants if isinstance(g, Grant) and g.word == word]
    how = ", ".join(
        "granted" if access is Access.GRANTED else f"granted {access.value}" for access in found
    )
    return f"{word} is {how or 'not granted'}"


def _outside(test: Test, value: FactValue, now: datetime) -> str:
    del now
    allowed = _networks(test.argument)
    found = _networks(value)
    outside = tuple(network for network in found if not lies_within(network, allowed))
    return f"outside: {_addresses(outside)}" if outside else f"restricted to {_addresses(found)}"


def _wide(test: Test, value: FactValue, now: datetime) -> str:
    del now
    widest = test.argument if isinstance(test.argument, int) else 0
    found = _networks(value)
    wide = tuple(network for network in found if wider(network, widest))
    return f"too wide: {_addresses(wide)}" if wide else f"restricted to {_addresses(found)}"


def _count(test: Test, value: FactValue, now: datetime) -> str:
    del now
    count = len(value) if isinstance(value, tuple) else 0
    if test.fact == "account.keys":
        listed = ", ".join(map(_plain, value)) if isinstance(value, tuple) else ""
        return f"the account has {count} {'key' if count == 1 else 'keys'}: {listed}"
    return f"restricted to {count} {'entry' if count == 1 else 'entries'}"


def doubt_about(test: Test, value: FactValue) -> Unknown | None:
    """What a known value leaves open, so that a test cannot judge it; ``None`` if nothing."""
    if test.predicate != "apart_by" or not isinstance(value, tuple):
        return None
    labels = test.argument if isinstance(test.argument, tuple) else ()
    entries = [str(entry) for entry in value]
    lacking = [label for label in labels if not any(e.startswith(f"{label}:") for e in entries)]
    if lacking:
        what = f"the account has no label {', '.join(map(_plain, lacking))}"
        return Unknown(Reason.NOT_DISCLOSED, what)
    if open_ := _accounts(entries, labels, MAYBE):
        return Unknown(
            Reason.NOT_DISCLOSED,
            f"unknown addresses or label: {open_};"
            " name its egress and label in the inventory, and scan it, too",
        )
    if left_out := _accounts(entries, labels, LEFT_OUT):
        return Unknown(Reason.NOT_SELECTED, f"the addresses of {left_out} were not read")
    return None


def _accounts(entries: Sequence[str], labels: Sequence[object], mark: str) -> str:
    """The accounts of entries with a mark behind one of these labels; empty if there are none."""
    starts = tuple(f"{label}{mark}" for label in labels)
    return ", ".join(_plain(e.replace(mark, "=", 1)) for e in entries if e.startswith(starts))


def _shared(test: Test, value: FactValue, now: datetime) -> str:
    del now
    labels = test.argument if isinstance(test.argument, tuple) else ()
    entries = value if isinstance(value, tuple) else ()
    shared = [str(e) for e in entries if str(e).startswith(tuple(f"{label}=" for label in labels))]
    if not shared:
        return "no account with another value uses its addresses"
    return f"the same address is used by {', '.join(map(_plain, shared))}"


def _text(test: Test, value: FactValue, now: datetime) -> str:
    del test, now
    return f"the name is {_plain(value)}" if value else "the key has no name"


def _time(test: Test, value: FactValue, now: datetime) -> str:
    before, never = _TIMES[test.fact]
    age = age_of(value, now)
    if age is None or not isinstance(value, datetime):
        return never
    day = value.astimezone(UTC).date()
    if test.fact in ATTESTED_FACTS:
        # People say a day, and no hour: days are reported as a calendar counts them.
        age = now.astimezone(UTC).date() - day
    return f"{before} {day} ({_distance(age)})"


def _distance(age: timedelta) -> str:
    whole = abs(age) - abs(age) % timedelta(days=1)
    if not whole:
        return "less than a day ago" if age >= timedelta(0) else "in less than a day"
    words = duration_in_words(whole)
    return f"{words} ago" if age > timedelta(0) else f"in {words}"


def _plain(text: object) -> str:
    # What an exchange sends is shown as it is, unless it could disturb a report.
    shown = str(text)
    whole = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    return whole if whole.isprintable() else repr(whole)


def _addresses(networks: tuple[Network, ...]) -> str:
    return ", ".join(
        str(n.network_address) if n.prefixlen == n.max_prefixlen else str(n) for n in networks
    )


def _networks(value: FactValue | Argument) -> tuple[Network, ...]:
    parts = value if isinstance(value, tuple) else ()
    return tuple(part for part in parts if not isinstance(part, str | Grant))


SEEN: Mapping[str, Wording] = {
    "is": _flag,
    "empty": _list,
    "some_within": _pairs_outside,
    "word_at_most": _word,
    "all_within": _outside,
    "no_wider_than": _wide,
    "at_most": _count,
    "apart_by": _shared,
    "matches": _text,
    "younger_than": _time,
    "used_within": _time,
    "never": _time,
    "dated": _time,
    "days_left": _time,
}
"""One for every predicate."""


def value_in_words(value: FactValue) -> str:
    """A value alone, for a rule whose question only its author can put into words."""
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.date().isoformat()
        case tuple():
            grants = (
                f"{item.word} {item.access.value}" if isinstance(item, Grant) else _plain(item)
                for item in value
            )
            return ", ".join(grants) or "nothing"
        case _:
            return _plain(value)


MOST_TELLING_FIRST: tuple[Reason, ...] = (
    Reason.NOT_ALLOWED,
    Reason.BAD_CREDENTIALS_CONFIG,
    Reason.UNSUPPORTED_EXCHANGE,
    Reason.NOT_COVERED,
    Reason.REQUEST_REFUSED,
    Reason.INTERNAL_ERROR,
    Reason.STALE_EVIDENCE,
    Reason.NOT_COLLECTED,
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
"""Which reason is reported when there are several: what its owner can act on comes first."""

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
    usable = facts.without_moments(CLOCK_IS_WRONG) if is_clock_wrong else facts
    clock = None if is_clock_wrong else now
    return tuple(
        _verdict(control, usable, now)
        if control.expression is None
        else _of_expression(control, control.expression, usable, clock, subject)
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
        return _unknown(control, missing or [Unknown(Reason.UNEXPECTED_ANSWER, judged.why)])
    seen = "; ".join(f"{name}: {value_in_words(value)}" for name, value in judged.seen.items())
    outcome = Outcome.PASS if judged.truth else Outcome.FAIL
    return _conclude(control, outcome, seen=seen or "true")


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
        return _unknown(control, [_why_unknown(test, _proving(control), facts) for test in tests])
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


def _unknown(control: Control, causes: Sequence[Unknown]) -> Verdict:
    """That it is unknown; and not verifiable, where nothing but the exchange's silence is why."""
    why = _most_telling(causes)
    is_hidden = not control.is_verifiable and why.reason is Reason.NOT_DISCLOSED
    verdict = _conclude(control, Outcome.UNKNOWN, reason=why.reason, needed=_needed(why))
    return replace(verdict, is_verifiable=False) if is_hidden else verdict


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
    return "; ".join(dict.fromkeys(words))


def _why_unknown(test: Test, accepted: frozenset[Grade], facts: Facts) -> Unknown:
    fact = facts.known.get(test.fact)
    if fact is None:
        return facts.unknown.get(
            test.fact, Unknown(Reason.NOT_DISCLOSED, f"not disclosed: {test.fact}")
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
    return Unknown(Reason.UNEXPECTED_ANSWER, f"the value of {test.fact}{when} cannot be evaluated")


def _most_telling(causes: Sequence[Unknown]) -> Unknown:
    return min(
        causes,
        key=lambda cause: _RANK[cause.reason],
        default=Unknown(Reason.NOT_DISCLOSED, "the condition asks nothing"),
    )


def _needed(why: Unknown) -> str:
    hint = HINT[why.reason]
    return f"{why.detail}; {hint}" if why.detail else hint
