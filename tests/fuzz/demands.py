"""What a policy can demand of a key, fact by fact: pass, fail or unknown.

Written apart from the evaluator on purpose: a fault there must not hide one here. Grades that a
policy may accept count as proof here, so that no policy is more lenient.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_network

from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import FACTS, Access, Capability, Fact, Facts, FactValue, Grade, Grant

HOME = tuple(
    ip_network(block)
    for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
"""The networks that the demands know as their own (RFC 5737, RFC 3849)."""


class State(Enum):
    """What is known about a demand."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand of one key."""

    name: str
    """For people."""
    fact: str
    """The fact that it is about."""
    meets: Callable[[FactValue], bool]
    """Whether a value meets it."""
    word: str = ""
    """The permission word that it is about; empty for demands of facts alone."""

    def state(self, facts: Facts) -> State:
        """What these facts say about it."""
        fact = facts.known.get(self.fact)
        if fact is None or (self.word and not _is_whole(facts)):
            return State.UNKNOWN
        if fact.provenance.grade is Grade.APPARENT:
            return State.UNKNOWN if self.meets(fact.value) else State.FAIL
        return State.PASS if self.meets(fact.value) else State.FAIL


def _is_whole(facts: Facts) -> bool:
    """Whether nothing but known words is granted."""
    unrecognised = facts.known.get("permissions.unrecognised")
    return isinstance(unrecognised, Fact) and unrecognised.value == ()


def demands_of(exchange: Exchange) -> tuple[Demand, ...]:
    """Everything that can be demanded of a key of an exchange."""
    return (*_of_capabilities(), *_of_words(exchange), *_OF_SETTINGS)


def _of_capabilities() -> Iterator[Demand]:
    for capability in Capability:
        yield Demand(f"cannot {capability.value}", capability.fact, _is(False))
        yield Demand(f"can {capability.value}", capability.fact, _is(True))


def _of_words(exchange: Exchange) -> Iterator[Demand]:
    for word in exchange.words:
        yield Demand(f"no {word}", "permissions.native", _is_without(word), word)
        yield Demand(f"{word} at most reads", "permissions.native", _at_most_reads(word), word)


def _is(wanted: bool) -> Callable[[FactValue], bool]:
    return lambda value: value is wanted


def _grants(value: FactValue, word: str) -> list[Grant]:
    grants = value if isinstance(value, tuple) else ()
    return [grant for grant in grants if isinstance(grant, Grant) and grant.word == word]


def _is_without(word: str) -> Callable[[FactValue], bool]:
    return lambda value: not _grants(value, word)


def _at_most_reads(word: str) -> Callable[[FactValue], bool]:
    return lambda value: all(one.access is Access.READ_ONLY for one in _grants(value, word))


def _is_at_home(value: FactValue) -> bool:
    networks = value if isinstance(value, tuple) else ()
    return bool(networks) and all(
        any(network.version == home.version and network.subnet_of(home) for home in HOME)  # type: ignore[union-attr, arg-type]
        for network in networks
    )


def _is_known(value: FactValue) -> bool:
    del value
    return True


_OF_SETTINGS = (
    Demand("only known words", "permissions.unrecognised", lambda value: value == ()),
    Demand("has an IP allowlist", "ip.restricted", _is(True)),
    Demand("bound to own addresses", "ip.allowlist", _is_at_home),
    Demand("enabled", "key.active", _is(True)),
    Demand("of a sub-account", "key.subaccount", _is(True)),
    Demand("of the main account", "key.subaccount", _is(False)),
    *(
        Demand(f"{name} is known", name, _is_known)
        for name in FACTS
        if name in ("key.name", "key.created_at", "key.expires_at", "key.last_used_at")
    ),
    Demand("bound to pairs", "key.trading_pairs", bool),
)
