"""Facts of synthetic keys: one that meets every control of a policy, one that fails them. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import assert_never

from gatepolicy.evaluate.predicates import PREDICATES
from gatepolicy.model.facts import Access, FactValue, Grant, Network, Never
from gatepolicy.policies.policy import Control
from gatepolicy.rules.rule import AllOf, AnyOf, Argument, Condition, Test, tests_of

Known = Mapping[str, FactValue]
Example = Callable[[Argument, datetime], Sequence[FactValue]]

_NAMES = ("ICG-MM 1", "trading", "mm-1", "MM 1")
_FOREIGN: Network = ip_network("198.51.100.0/24")
_LONG = timedelta(days=3650)


def meeting(controls: Sequence[Control], now: datetime) -> Known:
    """Facts with which as many controls as possible pass.

    Args:
        controls: What a policy asks.
        now: Ages and expiries are counted from here. UTC.
    """
    return _facts([test for c in controls for test in _first_way(c.condition)], _GOOD, now)


def failing(controls: Sequence[Control], now: datetime) -> Known:
    """Facts with which as many controls as possible fail; arguments as for ``meeting``."""
    return _facts(
        [test for c in controls for test in tests_of(c.condition)], _BAD, now, wanted=False
    )


def _first_way(condition: Condition) -> Iterator[Test]:
    """The tests of the first of several ways to meet a condition."""
    match condition:
        case Test():
            yield condition
        case AllOf(parts):
            for part in parts:
                yield from _first_way(part)
        case AnyOf(parts):
            yield from _first_way(parts[0])
        case _:
            assert_never(condition)


def _facts(
    tests: Sequence[Test], examples: Mapping[str, Example], now: datetime, *, wanted: bool = True
) -> Known:
    """For each fact the proposed value with which most of its tests turn out as wanted."""
    by_fact: dict[str, list[Test]] = {}
    for test in tests:
        by_fact.setdefault(test.fact, []).append(test)
    found: dict[str, FactValue] = {}
    for fact, asked in sorted(by_fact.items()):
        proposed = [
            value for test in asked for value in examples[test.predicate](test.argument, now)
        ]
        if proposed:
            found[fact] = max(proposed, key=lambda value: _score(value, asked, now, wanted=wanted))
    return found


def _score(value: FactValue, tests: Sequence[Test], now: datetime, *, wanted: bool) -> int:
    judged = (PREDICATES[test.predicate](value, test.argument, now) for test in tests)
    return sum(truth is wanted for truth in judged)


# Values that meet a predicate


def _same(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del now
    return [argument] if isinstance(argument, bool) else []


def _nothing(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del argument, now
    return [()]


def _listed(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del now
    return [tuple(item for item in _items(argument) if isinstance(item, str))]


def _inside(argument: Argument, now: datetime) -> Sequence[FactValue]:
    """One address within each of the networks."""
    del now
    return [
        (_address(item),)
        for item in _items(argument)
        if isinstance(item, IPv4Network | IPv6Network)
    ]


def _address(network: Network) -> Network:
    first = network.network_address
    return ip_network(first + 1 if network.num_addresses > 1 else first)


def _one_address(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del argument, now
    return [(ip_network("203.0.113.1/32"),)]


def _own_labels(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del now
    return [tuple(f"{label}:own" for label in _items(argument))]


def _names(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del argument, now
    return list(_NAMES)


def _lately(argument: Argument, now: datetime) -> Sequence[FactValue]:
    return [now - argument / 2] if isinstance(argument, timedelta) else []


def _never(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del argument, now
    return [Never.NEVER]


def _far(argument: Argument, now: datetime) -> Sequence[FactValue]:
    days = argument if isinstance(argument, int) else 0
    return [now + timedelta(days=days + 30)]


def _items(argument: Argument) -> Sequence[str | Network]:
    return argument if isinstance(argument, tuple) else ()


_GOOD: Mapping[str, Example] = {
    "is": _same,
    "empty": _nothing,
    "some_within": _listed,
    "word_at_most": _nothing,
    "all_within": _inside,
    "no_wider_than": _one_address,
    "at_most": _one_address,
    "apart_by": _own_labels,
    "matches": _names,
    "younger_than": _lately,
    "used_within": _lately,
    "never": _never,
    "dated": _far,
    "days_left": _far,
}


# Values that fail a predicate


def _opposite(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del now
    return [not argument] if isinstance(argument, bool) else []


def _something(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del argument, now
    return [("something",)]


def _granted(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del now
    word = next((item for item in _items(argument) if isinstance(item, str)), "")
    return [(Grant(word, Access.READ_WRITE),)]


def _foreign(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del now
    count = argument + 1 if isinstance(argument, int) else 1
    first = _FOREIGN.network_address
    many: tuple[Network, ...] = tuple(ip_network(first + n) for n in range(count))
    return [(_FOREIGN,), many]


def _shared(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del now
    return [tuple(f"{label}=other (other)" for label in _items(argument))]


def _nameless(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del argument, now
    return ["", "?"]


def _long_ago(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del argument
    return [now - _LONG]


def _yesterday(argument: Argument, now: datetime) -> Sequence[FactValue]:
    del argument
    return [now - timedelta(days=1)]


_BAD: Mapping[str, Example] = {
    "is": _opposite,
    "empty": _something,
    "some_within": _something,
    "word_at_most": _granted,
    "all_within": _foreign,
    "no_wider_than": _foreign,
    "at_most": _foreign,
    "apart_by": _shared,
    "matches": _nameless,
    "younger_than": _long_ago,
    "used_within": _long_ago,
    "never": _yesterday,
    "dated": _never,
    "days_left": _yesterday,
}
