"""What the installed ccxt does not sign as declared is told, exchange by exchange."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gatepolicy.collect.signable import unsigned_calls
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange
from gatepolicy.exchanges.exchange import Call, Exchange
from tests.whole_catalog import CATALOG

OKX = load_exchange("okx")
ROOT = Path(__file__).resolve().parents[2]


def whys(exchange: Exchange) -> Sequence[str]:
    return [one.why for one in unsigned_calls([exchange])]


def with_call(call: Call) -> Exchange:
    return replace(OKX, calls=(call,), listings=(), sandbox_hosts=frozenset())


def test_every_call_of_the_catalog_is_signed_as_declared() -> None:
    assert unsigned_calls(CATALOG.values()) == []


def test_a_path_that_ccxt_moved() -> None:
    moved = replace(OKX.calls[0], path="/api/v6/account/config")
    (why,) = whys(with_call(moved))
    assert why == (
        "config becomes a request with another path than GET /api/v6/account/config on www.okx.com"
    )
    assert "GET /api/v6/account/config" in why


def test_a_host_that_ccxt_moved() -> None:
    (why,) = whys(replace(with_call(OKX.calls[0]), hosts=frozenset({"api.example.com"})))
    assert why.startswith("config becomes a request with another host than GET ")


def test_a_method_that_ccxt_dropped() -> None:
    dropped = replace(OKX.calls[0], ccxt_method="private_get_what_is_gone")
    (why,) = whys(with_call(dropped))
    assert why.startswith("config: it has no private_get_what_is_gone")
    near = replace(OKX.calls[0], ccxt_method="private_get_account_configs")
    assert whys(with_call(near)) == [
        "config: it has no private_get_account_configs; did you mean private_get_account_config?"
    ]


def test_an_exchange_that_ccxt_dropped() -> None:
    gone = replace(with_call(OKX.calls[0]), ccxt_id="gone")
    (why,) = whys(gone)
    assert why.startswith("config: the installed ccxt has no such exchange")


def test_a_sandbox_that_ccxt_dropped() -> None:
    kraken = load_exchange("kraken")
    sandboxed = replace(kraken, listings=(), sandbox_hosts=frozenset({"demo.example.com"}))
    assert [why.partition(":")[2] for why in whys(sandboxed)] == [
        " the installed ccxt has no such sandbox: TypeError" for _ in kraken.calls
    ]


def test_check_names_the_exchanges_that_cannot_be_signed_for(tmp_path: Path) -> None:
    for file, text in {
        "__init__.py": "",
        "base/__init__.py": "",
        "base/errors.py": "class BaseError(Exception):\n    pass\n",
        "base/exchange.py": "class Exchange:\n    pass\n",
        "async_support/__init__.py": "",
    }.items():
        (tmp_path / "ccxt" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ccxt" / file).write_text(text, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "gatepolicy", "--no-project", "check", "--catalog"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        # This checkout, wherever another one may be installed.
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
    )
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert [line.partition(" cannot sign for ")[2].partition(":")[0] for line in lines] == [
        *known_exchanges()
    ]
