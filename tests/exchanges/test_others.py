"""Every exchange that the signing library carries has an honest row, and some others too."""

import subprocess
import sys

from gatepolicy.exchanges.catalog import known_exchanges, load_catalog
from gatepolicy.exchanges.others import MEANING, Other, State, load_others

GUIDES = {
    "gate", "binance", "bybit", "okx", "kucoin", "bingx", "coinbase", "lbank", "mexc", "xt",
    "bitrue", "bitmart", "biconomy", "coinstore",
}  # fmt: skip


def carried() -> set[str]:
    """What ccxt carries; asked in a process of its own, for importing it is heavy."""
    script = "import ccxt; print(' '.join(ccxt.exchanges))"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


def test_every_exchange_has_exactly_one_row() -> None:
    catalogued, others = set(known_exchanges()), load_others()
    assert not catalogued & others.keys()
    assert carried() <= catalogued | others.keys()
    assert catalogued | others.keys() >= GUIDES
    outside = {name for name, other in others.items() if other.state is State.OUTSIDE}
    assert not outside & carried()
    assert others.keys() - outside <= carried()
    assert {exchange.ccxt_id for exchange in load_catalog().values()} <= carried()


def test_what_is_told_about_them() -> None:
    assert Other(State.NOT_RESEARCHED, "").told == MEANING[State.NOT_RESEARCHED]
    assert Other(State.OUTSIDE, "look").told == "gatepolicy cannot ask it: look"
    for other in load_others().values():
        assert bool(other.note) is (other.state is not State.NOT_RESEARCHED)
