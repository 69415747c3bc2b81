"""All exchanges that are simulated by code."""

from collections.abc import Mapping

from gatepolicy.simulator.exchange import Exchange
from gatepolicy.simulator.exchanges.binance import BINANCE
from gatepolicy.simulator.exchanges.bybit import BYBIT
from gatepolicy.simulator.exchanges.gate import GATE
from gatepolicy.simulator.exchanges.kucoin import KUCOIN
from gatepolicy.simulator.exchanges.okx import OKX
from gatepolicy.simulator.keys import ExchangeId

EXCHANGES: Mapping[ExchangeId, Exchange] = {
    exchange.id: exchange for exchange in (GATE, BINANCE, BYBIT, OKX, KUCOIN)
}


def exchange_at(path: str) -> Exchange | None:
    """The exchange that a path belongs to; all five share one port."""
    for exchange in EXCHANGES.values():
        if path.startswith(exchange.prefixes):
            return exchange
    return None
