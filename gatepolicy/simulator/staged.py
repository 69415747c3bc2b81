"""The fleet of the demonstration: named accounts with one sin each, and clean ones beside them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.fleet import (
    can_withdraw,
    refused_here,
    too_old,
    unbound,
    with_foreign_ip,
    with_unrecognised,
    with_withdraw,
    wrong_secret,
)
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.made import made_key, played_exchanges

_WIDE_RANGE = "203.0.112.0/20"


@dataclass(frozen=True, slots=True)
class StagedAccount:
    """One account of the demonstration."""

    account_id: str
    """Its id in the inventory."""
    key: SimulatedKey
    """Its key; ``key.account_id`` is the same id."""
    wrong: str
    """What is wrong with it, in a few words; empty when nothing is."""
    declared: bool = True
    """Whether the inventory names it."""


def staged_fleet(now: datetime) -> tuple[StagedAccount, ...]:
    """The demonstration's accounts, exchange by exchange.

    Args:
        now: The time of the scan; ages are relative to it.
    """
    staged = (*_gate(now), *_binance(now), *_bybit(now), *_okx(now), *_kucoin(now))
    return tuple(
        replace(account, key=replace(account.key, account_id=account.account_id))
        for account in staged
    )


def staged_map(now: datetime) -> tuple[StagedAccount, ...]:
    """Accounts on every other exchange: one with a safe key, and one with a key that can withdraw,
    where such a key can be made.

    Args:
        now: The time of the scan; ages are relative to it.
    """
    staged = []
    for exchange in played_exchanges():
        if exchange in tuple(ExchangeId):
            continue
        staged.append(_on_map(f"{exchange}-safe", made_key(exchange, 1, now), ""))
        other = made_key(exchange, 2, now)
        if can_withdraw(exchange):
            sinful = with_withdraw(other, now)
            staged.append(_on_map(f"{exchange}-withdraw", sinful, "withdraw is on"))
    return tuple(staged)


def _on_map(name: str, key: SimulatedKey, wrong: str) -> StagedAccount:
    return StagedAccount(name, replace(key, account_id=name, labels={"stage": "map"}), wrong)


def _gate(now: datetime) -> Iterator[StagedAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.GATE, number, now)

    yield StagedAccount("gate-mm", key(1), "")
    yield StagedAccount("gate-withdraw", with_withdraw(key(2), now), "withdraw is on")
    # To the letter of the guide: Spot read-write and nothing else, so that it cannot read itself.
    letter = replace(key(3), permissions={"spot": "read-write"})
    yield StagedAccount("gate-guide", letter, "cannot read its own permissions")
    foreign = with_foreign_ip(key(4), now)
    yield StagedAccount("gate-foreign-ip", foreign, "an IP outside the list")
    pairs = replace(key(5), trading_pairs=("BTC_USDT", "ETH_USDT"))
    yield StagedAccount("gate-pairs", pairs, "the trading-pairs list is on")
    idle = replace(key(6), last_used_at=now - timedelta(days=200))
    idle = replace(idle, created_at=now - timedelta(days=210))
    yield StagedAccount("gate-idle", idle, "not used for 200 days")
    yield from _gate_account(key)


def _gate_account(key: Callable[[int], SimulatedKey]) -> Iterator[StagedAccount]:
    """Three keys of one account: one lists the others, one of which is undeclared."""

    def of_account(number: int) -> SimulatedKey:
        return replace(key(number), account="firm", labels={"desk": "mm", "watch": "keys"})

    yield StagedAccount("gate-auditor", replace(of_account(7), discovers=True), "")
    audited = replace(of_account(8), audited_by="gate-auditor")
    yield StagedAccount("gate-audited", audited, "")
    forgotten = replace(of_account(9), name="old portal key", allowed_ips=())
    yield StagedAccount("gate-auditor/key-0009", forgotten, "undeclared", declared=False)


def _binance(now: datetime) -> Iterator[StagedAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.BINANCE, number, now)

    yield StagedAccount("binance-mm", key(1), "")
    yield StagedAccount("binance-withdraw", with_withdraw(key(2), now), "withdraw is on")
    yield StagedAccount("binance-unbound", unbound(key(3), now), "no IP is bound")


def _bybit(now: datetime) -> Iterator[StagedAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.BYBIT, number, now)

    yield StagedAccount("bybit-mm", key(1), "")
    yield StagedAccount("bybit-unbound", unbound(key(2), now), "no IP is bound")
    # Only keys without IP binding end, ninety days after they were made.
    ending = replace(unbound(key(3), now), created_at=now - timedelta(days=85))
    yield StagedAccount("bybit-expiring", ending, "ends in 5 days; no IP is bound")
    ended = replace(unbound(key(4), now), created_at=now - timedelta(days=100))
    yield StagedAccount("bybit-expired", ended, "ended 10 days ago")
    yield StagedAccount("bybit-refused", refused_here(key(5), now), "refuses the scanner's IP")


def _okx(now: datetime) -> Iterator[StagedAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.OKX, number, now)

    yield StagedAccount("okx-mm", key(1), "")
    yield StagedAccount("okx-withdraw", with_withdraw(key(2), now), "withdraw is on")
    wide = replace(key(3), allowed_ips=(_WIDE_RANGE,))
    yield StagedAccount("okx-wide-range", wide, "4,096 addresses may use it")
    yield StagedAccount("okx-wrong-secret", wrong_secret(key(4), now), "the secret is wrong")


def _kucoin(now: datetime) -> Iterator[StagedAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.KUCOIN, number, now)

    yield StagedAccount("kucoin-mm", key(1), "")
    yield StagedAccount("kucoin-old", too_old(key(2), now), "400 days old")
    unknown = with_unrecognised(key(3), now)
    yield StagedAccount("kucoin-quantum", unknown, "an unrecognised permission")
    reader = replace(key(4), permissions=("General",))
    yield StagedAccount("kucoin-read-only", reader, "may not trade")
