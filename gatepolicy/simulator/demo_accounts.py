"""The accounts of the demonstration: some with one seeded violation each, others with none."""

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
from gatepolicy.simulator.synthetic import simulated_exchanges, synthetic_key

_WIDE_RANGE = "203.0.112.0/20"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account of the demonstration."""

    account_id: str
    """Its id in the inventory."""
    key: SimulatedKey
    """Its key; ``key.account_id`` is the same id."""
    wrong: str
    """What is wrong with it, in a few words; empty when nothing is."""
    declared: bool = True
    """Whether the inventory names it."""


def demo_accounts(now: datetime) -> tuple[DemoAccount, ...]:
    """The demonstration's accounts, exchange by exchange.

    Args:
        now: The time of the scan; ages are relative to it.
    """
    accounts = (*_gate(now), *_binance(now), *_bybit(now), *_okx(now), *_kucoin(now))
    return tuple(
        replace(account, key=replace(account.key, account_id=account.account_id))
        for account in accounts
    )


def accounts_of_other_exchanges(now: datetime) -> tuple[DemoAccount, ...]:
    """Accounts on every other exchange: one with a safe key, and one with a key that can withdraw,
    where such a key can be made.

    Args:
        now: The time of the scan; ages are relative to it.
    """
    accounts = []
    for exchange in simulated_exchanges():
        if exchange in tuple(ExchangeId):
            continue
        accounts.append(_elsewhere(f"{exchange}-safe", synthetic_key(exchange, 1, now), ""))
        other = synthetic_key(exchange, 2, now)
        if can_withdraw(exchange):
            withdrawing = with_withdraw(other, now)
            accounts.append(_elsewhere(f"{exchange}-withdraw", withdrawing, "withdraw is on"))
    return tuple(accounts)


def _elsewhere(name: str, key: SimulatedKey, wrong: str) -> DemoAccount:
    return DemoAccount(name, replace(key, account_id=name, labels={"stage": "map"}), wrong)


def _gate(now: datetime) -> Iterator[DemoAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.GATE, number, now)

    yield DemoAccount("gate-mm", key(1), "")
    yield DemoAccount("gate-withdraw", with_withdraw(key(2), now), "withdraw is on")
    # To the letter of the guide: Spot read-write and nothing else, so that it cannot read itself.
    letter = replace(key(3), permissions={"spot": "read-write"})
    yield DemoAccount("gate-guide", letter, "cannot read its own permissions")
    foreign = with_foreign_ip(key(4), now)
    yield DemoAccount("gate-foreign-ip", foreign, "an IP outside the list")
    pairs = replace(key(5), trading_pairs=("BTC_USDT", "ETH_USDT"))
    yield DemoAccount("gate-pairs", pairs, "the trading-pairs list is on")
    idle = replace(key(6), last_used_at=now - timedelta(days=200))
    idle = replace(idle, created_at=now - timedelta(days=210))
    yield DemoAccount("gate-idle", idle, "not used for 200 days")
    yield from _gate_account(key)


def _gate_account(key: Callable[[int], SimulatedKey]) -> Iterator[DemoAccount]:
    """Three keys of one account: one lists the others, one of which is undeclared."""

    def of_account(number: int) -> SimulatedKey:
        return replace(key(number), account="firm", labels={"desk": "mm", "watch": "keys"})

    yield DemoAccount("gate-auditor", replace(of_account(7), discovers=True), "")
    audited = replace(of_account(8), audited_by="gate-auditor")
    yield DemoAccount("gate-audited", audited, "")
    forgotten = replace(of_account(9), name="old portal key", allowed_ips=())
    yield DemoAccount("gate-auditor/key-0009", forgotten, "undeclared", declared=False)


def _binance(now: datetime) -> Iterator[DemoAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.BINANCE, number, now)

    yield DemoAccount("binance-mm", key(1), "")
    yield DemoAccount("binance-withdraw", with_withdraw(key(2), now), "withdraw is on")
    yield DemoAccount("binance-unbound", unbound(key(3), now), "no IP is bound")


def _bybit(now: datetime) -> Iterator[DemoAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.BYBIT, number, now)

    yield DemoAccount("bybit-mm", key(1), "")
    yield DemoAccount("bybit-unbound", unbound(key(2), now), "no IP is bound")
    # Only keys without IP binding end, ninety days after they were created.
    ending = replace(unbound(key(3), now), created_at=now - timedelta(days=85))
    yield DemoAccount("bybit-expiring", ending, "ends in 5 days; no IP is bound")
    ended = replace(unbound(key(4), now), created_at=now - timedelta(days=100))
    yield DemoAccount("bybit-expired", ended, "ended 10 days ago")
    yield DemoAccount("bybit-refused", refused_here(key(5), now), "refuses the scanner's IP")


def _okx(now: datetime) -> Iterator[DemoAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.OKX, number, now)

    yield DemoAccount("okx-mm", key(1), "")
    yield DemoAccount("okx-withdraw", with_withdraw(key(2), now), "withdraw is on")
    wide = replace(key(3), allowed_ips=(_WIDE_RANGE,))
    yield DemoAccount("okx-wide-range", wide, "4,096 addresses may use it")
    yield DemoAccount("okx-wrong-secret", wrong_secret(key(4), now), "the secret is wrong")


def _kucoin(now: datetime) -> Iterator[DemoAccount]:
    def key(number: int) -> SimulatedKey:
        return clean_key(ExchangeId.KUCOIN, number, now)

    yield DemoAccount("kucoin-mm", key(1), "")
    yield DemoAccount("kucoin-old", too_old(key(2), now), "400 days old")
    unknown = with_unrecognised(key(3), now)
    yield DemoAccount("kucoin-quantum", unknown, "an unrecognised permission")
    reader = replace(key(4), permissions=("General",))
    yield DemoAccount("kucoin-read-only", reader, "may not trade")
