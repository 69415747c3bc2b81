"""Clean keys: what every simulated key is before something is wrong with it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from gatepolicy.simulator.keys import CALLER_IP, ExchangeId, Permissions, SimulatedKey

BOUND_IPS = (CALLER_IP, "203.0.113.11")

# A market-making bot's needs: spot trading, and reading its own permissions.
_PERMISSIONS: Mapping[ExchangeId, Permissions] = {
    ExchangeId.GATE: {"spot": "read-write", "account": "read-only"},
    ExchangeId.BINANCE: frozenset({"enableReading", "enableSpotAndMarginTrading"}),
    ExchangeId.BYBIT: frozenset({"Spot.SpotTrade"}),
    ExchangeId.OKX: ("read_only", "trade"),
    ExchangeId.KUCOIN: ("General", "Spot"),
}


def clean_key(exchange: ExchangeId, number: int, now: datetime) -> SimulatedKey:
    """A key against which nothing can be said: bound, young, used lately, spot trading only.

    Args:
        exchange: Where it was made.
        number: Makes the key unique within its exchange; below a thousand million.
        now: The time of the scan; the key is thirty days old then.
    """
    has_passphrase = exchange in (ExchangeId.OKX, ExchangeId.KUCOIN)
    return SimulatedKey(
        exchange=exchange,
        api_key=_api_key(exchange, number),
        secret=f"not-a-real-secret-{exchange}-{number:09d}",
        passphrase=f"not-a-real-passphrase-{number:09d}" if has_passphrase else "",
        name=f"ICG-MM {number}",
        created_at=now - timedelta(days=30),
        last_used_at=now - timedelta(hours=1) if exchange is ExchangeId.GATE else None,
        permissions=_PERMISSIONS[exchange],
        allowed_ips=BOUND_IPS,
        labels={"desk": "mm"},
    )


def _api_key(exchange: ExchangeId, number: int) -> str:
    # The number lies within the first twelve characters, all that Gate shows of a key.
    return f"sim{number:09d}{exchange}key"
