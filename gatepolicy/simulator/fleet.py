"""Fleets of any size: deterministic, mostly clean, with some seeded violations."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TypeAlias

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import SITES, ExchangeId, Permissions, SimulatedKey
from gatepolicy.simulator.profile import load_profile

_SHARE_WITH_VIOLATION = 0.1
_DESKS = ("mm", "otc", "treasury")

_WITHDRAW: Mapping[str, Permissions] = {
    # Gate's word for it is documented nowhere: UNCONFIRMED.
    ExchangeId.GATE: {"spot": "read-write", "account": "read-only", "withdraw": "read-write"},
    ExchangeId.BINANCE: frozenset(
        {"enableReading", "enableSpotAndMarginTrading", "enableWithdrawals"}
    ),
    ExchangeId.BYBIT: frozenset({"Spot.SpotTrade", "Wallet.Withdraw"}),
    ExchangeId.OKX: ("read_only", "withdraw", "trade"),
    ExchangeId.KUCOIN: ("General", "Spot", "Transfer"),
}

_UNRECOGNISED: Mapping[str, Permissions] = {
    ExchangeId.GATE: {"spot": "read-write", "account": "read-only", "quantum": "read-write"},
    ExchangeId.BINANCE: frozenset({"enableReading", "enableQuantumTrading"}),
    ExchangeId.BYBIT: frozenset({"Spot.SpotTrade", "Quantum.QuantumTrade"}),
    ExchangeId.OKX: ("read_only", "trade", "quantum"),
    ExchangeId.KUCOIN: ("General", "Spot", "Quantum"),
}

SeededViolation: TypeAlias = Callable[[SimulatedKey, datetime], SimulatedKey]


def _words(key: SimulatedKey, shared: Mapping[str, Permissions], which: str) -> Permissions:
    if key.answers_as in shared:
        return shared[key.answers_as]
    return tuple(load_profile(key.exchange).permissions[which])


def can_withdraw(exchange: str) -> bool:
    """Whether keys that can withdraw can be made on an exchange."""
    return SITES.get(exchange, exchange) in _WITHDRAW or "withdraw" in (
        load_profile(exchange).permissions
    )


def with_withdraw(key: SimulatedKey, now: datetime) -> SimulatedKey:
    """The key may withdraw."""
    del now
    return replace(key, permissions=_words(key, _WITHDRAW, "withdraw"))


def with_unrecognised(key: SimulatedKey, now: datetime) -> SimulatedKey:
    """The key holds a word that no document knows."""
    del now
    return replace(key, permissions=_words(key, _UNRECOGNISED, "unrecognised"))


def unbound(key: SimulatedKey, now: datetime) -> SimulatedKey:
    """The key may be used from anywhere."""
    del now
    return replace(key, allowed_ips=())


def too_old(key: SimulatedKey, now: datetime) -> SimulatedKey:
    """The key was made 400 days ago."""
    return replace(key, created_at=now - timedelta(days=400))


def with_foreign_ip(key: SimulatedKey, now: datetime) -> SimulatedKey:
    """The key may also be used from an address that is not ours."""
    del now
    return replace(key, allowed_ips=(*key.allowed_ips, "198.51.100.7"))


def refused_here(key: SimulatedKey, now: datetime) -> SimulatedKey:
    """The key may be used from one address only, and that is not the scanner's."""
    del now
    return replace(key, allowed_ips=("203.0.113.12",))


def wrong_secret(key: SimulatedKey, now: datetime) -> SimulatedKey:
    """The scanner was given another secret."""
    del now
    return replace(key, given_secret="not-the-secret-of-this-key")


SEEDED_VIOLATIONS: tuple[SeededViolation, ...] = (
    with_withdraw,
    with_unrecognised,
    unbound,
    too_old,
    with_foreign_ip,
    refused_here,
    wrong_secret,
)


def fleet(size: int, seed: int, now: datetime) -> tuple[SimulatedKey, ...]:
    """A fleet of keys over all exchanges, one in ten of them with a seeded violation.

    Args:
        size: How many keys.
        seed: The same seed makes the same fleet.
        now: The time of the scan; ages are relative to it.
    """
    random = Random(seed)  # noqa: S311 - a repeatable fleet is the point
    exchanges = tuple(ExchangeId)
    return tuple(
        _drawn(random, clean_key(exchanges[index % len(exchanges)], index + 1, now), now)
        for index in range(size)
    )


def _drawn(random: Random, clean: SimulatedKey, now: datetime) -> SimulatedKey:
    desk = random.choice(_DESKS)
    key = replace(
        clean,
        created_at=now - timedelta(days=random.uniform(1, 80)),
        labels={"desk": desk},
    )
    return (
        random.choice(SEEDED_VIOLATIONS)(key, now)
        if random.random() < _SHARE_WITH_VIOLATION
        else key
    )
