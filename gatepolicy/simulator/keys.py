"""Simulated keys: what an exchange knows about one API key, and what the scanner was given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Literal, TypeAlias

from gatepolicy.simulator.faults import Fault


class ExchangeId(StrEnum):
    """The exchanges that are simulated by code, by their ccxt id."""

    GATE = "gate"
    BINANCE = "binance"
    BYBIT = "bybit"
    OKX = "okx"
    KUCOIN = "kucoin"


Access: TypeAlias = Literal["read-only", "read-write"]
Permissions: TypeAlias = Mapping[str, Access] | frozenset[str] | tuple[str, ...]

SITES: Mapping[str, ExchangeId] = {
    "gateeu": ExchangeId.GATE,
    "bybiteu": ExchangeId.BYBIT,
    "bybitid": ExchangeId.BYBIT,
    "okxus": ExchangeId.OKX,
    "myokx": ExchangeId.OKX,
    "kucoinfutures": ExchangeId.KUCOIN,
}
"""Sites with keys of their own that answer as another exchange does."""

WALLET = "wallet"
"""In place of a credential's name: the address that the private key signs for names the key."""
CALLER_IP = "203.0.113.10"

_WITH_PASSPHRASE = frozenset({ExchangeId.OKX, ExchangeId.KUCOIN})
_WITH_EXPIRY = frozenset({ExchangeId.BINANCE, ExchangeId.BYBIT})
_IPV4_ONLY = frozenset({ExchangeId.GATE, ExchangeId.KUCOIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedKey:
    """One API key of one simulated account.

    Raises:
        ValueError: The exchange's documents do not say how it would answer for such a key.
    """

    exchange: str
    """Where the key was made: one of ``ExchangeId``, one of ``SITES``, or an exchange that has a
    profile."""
    api_key: str
    """The public half; unique per exchange. Gate discloses its first 12 characters only."""
    secret: str = field(repr=False)
    """The secret that signatures are checked with."""
    passphrase: str = field(default="", repr=False)
    """OKX and KuCoin only, and needed there."""
    created_at: datetime
    """When the key was made; OKX does not disclose it."""
    permissions: Permissions
    """Granted words, in the exchange's own language. Gate: word to access. Binance: the flags that
    are true. Bybit: ``Group.Name``. OKX, KuCoin: tokens; a tuple keeps its order. Words that the
    documents do not know are allowed."""
    read_only: bool = False
    """Bybit's ``readOnly`` flag; its lists stay filled when it is on."""
    name: str = ""
    """What the owner called the key; Binance does not disclose it."""
    last_used_at: datetime | None = None
    """Gate's ``last_access``; None is the time it was made, as in the documented example."""
    expires_at: datetime | None = None
    """Bybit: end of the key. Binance: end of its trading authority. Others disclose none."""
    allowed_ips: tuple[str, ...] = ()
    """Addresses that may call; empty means not bound. Only OKX documents network segments."""
    trading_pairs: tuple[str, ...] = ()
    """Gate's ``currency_pairs``; empty means all."""
    active: bool = True
    """Gate's ``state`` 1; otherwise 2, which for main keys means locked."""
    account: str = ""
    """Keys of the same account appear in each other's lists; empty is an account alone."""
    subaccount: str = ""
    """Name of the sub-account of ``account`` that the key belongs to; empty is the main account."""
    caller_ip: str = CALLER_IP
    """The address that requests with this key pretend to come from; loopback is of no use here."""
    missing_flags: frozenset[str] = frozenset()
    """Fields left out of the object that describes the key."""
    answer_patch: Mapping[str, object] = field(default_factory=dict)
    """Merged into the object that describes the key: Gate's own row of ``main_keys``, Binance's
    whole answer, Bybit's ``result``, OKX' ``data[0]``, KuCoin's ``data``."""
    faults: tuple[Fault, ...] = ()
    """What goes wrong when this key is used."""
    account_id: str = ""
    """The id that an inventory gives the account; empty takes the exchange and a number."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels that an inventory gives the account."""
    given_secret: str | None = field(default=None, repr=False)
    """The secret that the scanner is given, when it is not the right one."""
    discovers: bool = False
    """Whether the inventory has it list the other keys of its account."""
    audited_by: str = ""
    """Account id of the key that lists this one, so that the scanner needs no credential of it;
    only of exchanges that show the first twelve characters of a key."""
    named_by: str = "apiKey"
    """ccxt's name of the credential that names the key; ``WALLET`` where none does."""
    more_credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the scanner is given besides, by ccxt's name, such as an account's number."""

    def __post_init__(self) -> None:
        if self.answers_as not in tuple(ExchangeId):
            return
        wrong = [what for what, holds in _undocumented(self).items() if holds]
        wrong += [f"{ip} in allowed_ips" for ip in self.allowed_ips if not _documented_ip(self, ip)]
        if wrong:
            raise ValueError(f"{self.exchange} documents no such key: {', '.join(wrong)}")

    @property
    def answers_as(self) -> str:
        """The exchange that this one answers as; most answer as themselves."""
        return SITES.get(self.exchange, self.exchange)

    def admits_caller(self) -> bool:
        """Whether the key may be used from ``caller_ip``."""
        caller = ip_address(self.caller_ip)
        return not self.allowed_ips or any(
            caller in ip_network(allowed, strict=False) for allowed in self.allowed_ips
        )

    def patched(self, described: Mapping[str, object]) -> Mapping[str, object]:
        """What describes the key, with ``answer_patch`` and without ``missing_flags``."""
        whole = {**described, **self.answer_patch}
        return {name: value for name, value in whole.items() if name not in self.missing_flags}


def _undocumented(key: SimulatedKey) -> dict[str, bool]:
    gate = key.answers_as == ExchangeId.GATE
    return {
        "no passphrase": key.answers_as in _WITH_PASSPHRASE and not key.passphrase,
        "a passphrase": key.answers_as not in _WITH_PASSPHRASE and bool(key.passphrase),
        "permissions of this kind": gate is not isinstance(key.permissions, Mapping),
        "read_only": key.read_only and key.answers_as != ExchangeId.BYBIT,
        "last_used_at": key.last_used_at is not None and not gate,
        "expires_at": key.expires_at is not None and key.answers_as not in _WITH_EXPIRY,
        "trading_pairs": bool(key.trading_pairs) and not gate,
        "not active": not key.active and not gate,
        "a sub-account of no account": bool(key.subaccount) and not key.account,
        "created_at without a zone": key.created_at.tzinfo is None,
    }


def _documented_ip(key: SimulatedKey, text: str) -> bool:
    if key.answers_as == ExchangeId.OKX:
        ip_network(text, strict=False)
        return True
    if "/" in text:
        return False
    return key.answers_as not in _IPV4_ONLY or isinstance(ip_address(text), IPv4Address)
