"""Predicates over the values of facts, in three-valued logic. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import assert_never

from gatepolicy.model.facts import Access, FactValue, Grant, Network, Never
from gatepolicy.rules.expressions import AHEAD, LEFT_OUT, MAYBE
from gatepolicy.rules.rule import AllOf, AnyOf, Argument, Condition, Test

Truth = bool | None
Judge = Callable[[Test], Truth]


def all_of(truths: Iterable[Truth]) -> Truth:
    """False when one is false, true when all are true, else unknown. Of nothing: unknown."""
    seen: Truth = None
    first = True
    for truth in truths:
        if truth is False:
            return False
        seen = truth if first or truth is None else seen
        first = False
    return seen


def any_of(truths: Iterable[Truth]) -> Truth:
    """True when one is true, false when all are false, else unknown. Of nothing: unknown."""
    return negation(all_of(negation(truth) for truth in truths))


def negation(truth: Truth) -> Truth:
    """What is unknown stays unknown."""
    return None if truth is None else not truth


def holds(condition: Condition, judge: Judge) -> Truth:
    """Whether a condition holds.

    Args:
        condition: The good state.
        judge: Says what is known about a single test.
    """
    match condition:
        case Test():
            return judge(condition)
        case AllOf(parts):
            return all_of(holds(part, judge) for part in parts)
        case AnyOf(parts):
            return any_of(holds(part, judge) for part in parts)
        case _:
            assert_never(condition)


def decisive(condition: Condition, judge: Judge) -> tuple[Test, ...]:
    """The tests that made a condition's truth what it is, in their order.

    Where an ``AllOf`` fails, only its failing parts count; where it holds, all of them; where it
    is unknown, only its unknown parts. For ``AnyOf`` the other way round.
    """
    match condition:
        case Test():
            return (condition,)
        case AllOf(parts) | AnyOf(parts):
            truth = holds(condition, judge)
            return tuple(
                test
                for part in parts
                if holds(part, judge) is truth
                for test in decisive(part, judge)
            )
        case _:
            assert_never(condition)


IPV6_SURPLUS = 96
"""An IPv6 prefix this much longer holds as many addresses as the IPv4 one."""


def age_of(value: FactValue, now: datetime) -> timedelta | None:
    """How long ago a time was; ``None`` for what is no time with a zone."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        return None
    return now - value


def lies_within(network: Network, allowed: tuple[Network, ...]) -> bool:
    """Whether a network lies within one of the allowed ones (which must be collapsed)."""
    match network:
        case IPv4Network():
            return any(isinstance(a, IPv4Network) and network.subnet_of(a) for a in allowed)
        case IPv6Network():
            return any(isinstance(a, IPv6Network) and network.subnet_of(a) for a in allowed)
        case _:
            assert_never(network)


def wider(network: Network, widest: int) -> bool:
    """Whether a network holds more addresses than an IPv4 network of this prefix length."""
    return network.prefixlen < (widest if network.version == 4 else widest + IPV6_SURPLUS)


Predicate = Callable[[FactValue, Argument, datetime], Truth]


def is_(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A flag has this value."""
    del now
    return value is argument if isinstance(value, bool) and isinstance(argument, bool) else None


def empty(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A list has no entries."""
    del argument, now
    return not value if isinstance(value, tuple) else None


def some_within(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A list has entries, and every one is among those of the argument."""
    del now
    found, allowed = _texts(value), _texts(argument)
    return None if found is None or not allowed else bool(found) and set(found) <= set(allowed)


def word_at_most(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A word is granted no further than to a limit.

    The argument is the word and the limit: ``none`` or ``read-only``.
    """
    del now
    grants, wanted = _grants(value), _texts(argument)
    if grants is None or wanted is None or len(wanted) != 2:
        return None
    word, limit = wanted
    allowed = {Access.READ_ONLY} if limit == Access.READ_ONLY.value else set()
    found = [grant.access for grant in grants if grant.word == word]
    if not found:
        return True
    return all_of(None if access is Access.UNKNOWN else access in allowed for access in found)


def all_within(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """Every network lies within one of the argument. An empty list cannot be judged."""
    del now
    found, allowed = _networks(value), _networks(argument)
    return all(lies_within(network, allowed) for network in found) if found and allowed else None


def no_wider_than(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """No network is wider than the argument, a prefix length. An empty list cannot be judged."""
    del now
    found = _networks(value)
    if not found or not isinstance(argument, int):
        return None
    return not any(wider(network, argument) for network in found)


def at_most(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A list has at most so many entries. An empty list of addresses cannot be judged."""
    del now
    if not isinstance(value, tuple) or not value or not isinstance(argument, int):
        return None
    return len(value) <= argument


def apart_by(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """No account of another value of these labels works from a common address.

    Entries are such as ``desk:mm`` for the account's own label; ``desk=otc (okx-otc)`` for another
    account that shares an address; ``desk?otc (okx-otc)`` for one of which nobody knows, and
    ``desk~otc (okx-otc)`` for one that a narrowed scan left out. Without a
    label of its own, nothing can be judged, and neither can it while somebody is not known, unless
    another entry decides.
    """
    del now
    entries, labels = _texts(value), _texts(argument)
    if entries is None or not labels:
        return None

    def some(mark: str) -> set[str]:
        return {label for label in labels if any(e.startswith(label + mark) for e in entries)}

    if some("="):
        return False
    is_open = some(MAYBE) or some(LEFT_OUT)
    return True if some(":") == set(labels) and not is_open else None


def matches(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A text contains what a regular expression of RE2 describes."""
    del now
    if not isinstance(value, str) or isinstance(value, Never) or not isinstance(argument, str):
        return None
    from gatepolicy.documents.patterns import PatternError, contains

    try:
        return contains(argument, value)
    except PatternError:
        return None


def younger_than(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A time lies at most so long ago. A time in the future cannot be judged."""
    age = age_of(value, now)
    if age is None or not isinstance(argument, timedelta) or age < -AHEAD:
        return None
    return age <= argument


def used_within(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """Like ``younger_than``, and a key that was never used was not used within any time."""
    return False if value is Never.NEVER else younger_than(value, argument, now)


def never(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A time will not come, or has not come."""
    del argument
    if value is Never.NEVER:
        return True
    return None if age_of(value, now) is None else False


def dated(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A time is known to come."""
    is_never = never(value, argument, now)
    return None if is_never is None else not is_never


def days_left(value: FactValue, argument: Argument, now: datetime) -> Truth:
    """A time lies more than 0, or at least so many, days ahead; or will never come."""
    if not isinstance(argument, int):
        return None
    if value is Never.NEVER:
        return True
    age = age_of(value, now)
    return None if age is None else -age > timedelta(0) and -age >= timedelta(days=argument)


PREDICATES: Mapping[str, Predicate] = {
    "is": is_,
    "empty": empty,
    "some_within": some_within,
    "word_at_most": word_at_most,
    "all_within": all_within,
    "no_wider_than": no_wider_than,
    "at_most": at_most,
    "apart_by": apart_by,
    "matches": matches,
    "younger_than": younger_than,
    "used_within": used_within,
    "never": never,
    "dated": dated,
    "days_left": days_left,
}
"""Every predicate that a rule can name."""


def _texts(value: FactValue | Argument) -> tuple[str, ...] | None:
    parts = value if isinstance(value, tuple) else None
    texts = tuple(part for part in parts or () if isinstance(part, str))
    return texts if parts is not None and len(texts) == len(parts) else None


def _networks(value: FactValue | Argument) -> tuple[Network, ...]:
    parts = value if isinstance(value, tuple) else ()
    networks = tuple(part for part in parts if isinstance(part, IPv4Network | IPv6Network))
    return networks if len(networks) == len(parts) else ()


def _grants(value: FactValue) -> tuple[Grant, ...] | None:
    parts = value if isinstance(value, tuple) else None
    grants = tuple(part for part in parts or () if isinstance(part, Grant))
    return grants if parts is not None and len(grants) == len(parts) else None
