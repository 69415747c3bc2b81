"""Keys that no exchange documents cannot be made."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("exchange", "changes", "message"),
    [
        ("okx", {"passphrase": ""}, "no passphrase"),
        ("gate", {"passphrase": "p"}, "a passphrase"),
        ("gate", {"permissions": ("spot",)}, "permissions of this kind"),
        ("okx", {"permissions": {"trade": "read-only"}}, "permissions of this kind"),
        ("gate", {"read_only": True}, "read_only"),
        ("binance", {"last_used_at": LATER}, "last_used_at"),
        ("kucoin", {"expires_at": LATER}, "expires_at"),
        ("bybit", {"trading_pairs": ("BTCUSDT",)}, "trading_pairs"),
        ("bybit", {"active": False}, "not active"),
        ("okx", {"subaccount": "desk"}, "a sub-account of no account"),
        ("okx", {"created_at": datetime(2026, 1, 1)}, "created_at without a zone"),  # noqa: DTZ001
        ("gate", {"allowed_ips": ("203.0.113.0/24",)}, "203.0.113.0/24 in allowed_ips"),
        ("kucoin", {"allowed_ips": ("2001:db8::1",)}, "2001:db8::1 in allowed_ips"),
    ],
)
def test_undocumented_key(
    now: datetime, exchange: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"{exchange} documents no such key: {message}"):
        replace(clean_key(ExchangeId(exchange), 1, now), **changes)


@pytest.mark.parametrize(
    ("allowed", "admitted"),
    [
        ((), True),
        (("203.0.113.10",), True),
        (("203.0.113.11",), False),
        (("203.0.113.11", "203.0.112.0/20"), True),
        (("198.51.100.0/24",), False),
        (("2001:db8::/32",), False),
    ],
)
def test_admits_caller(now: datetime, allowed: tuple[str, ...], admitted: bool) -> None:
    key = replace(clean_key(ExchangeId.OKX, 1, now), allowed_ips=allowed)

    assert key.admits_caller() is admitted


def test_secrets_are_not_printed(clean: SimulatedKey) -> None:
    text = repr(replace(clean, given_secret="another-secret"))

    assert "secret-" not in text
    assert "passphrase-" not in text
