"""``init --from``: a bot's configuration becomes references, and no secret of it gets anywhere."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.errors import DocumentError
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from gatepolicy.starting.bots import accounts_of
from tests.cli.conftest import Run

PLANTED = "planted-Zx81-value"
KNOWN = ("binance", "bybit", "gate", "hyperliquid", "okx", "bitmart")
EGRESS = ("--egress", "203.0.113.0/28")

FREQTRADE = {
    "max_open_trades": 3,
    "exchange": {
        "name": "okex",
        "key": PLANTED,
        "secret": PLANTED,
        "password": PLANTED,
        "ccxt_config": {"secret": PLANTED},
        "pair_whitelist": ["BTC/USDT"],
    },
    "telegram": {"token": PLANTED, "key": PLANTED},
    "api_server": {"password": PLANTED, "jwt_secret_key": PLANTED},
}
OCTOBOT = {
    "exchanges": {
        "okx": {
            "api-key": PLANTED,
            "api-secret": PLANTED,
            "api-password": PLANTED,
            "enabled": True,
        },
        "bybit": {"api-key": "gAAAAABn" + PLANTED, "api-secret": "gAAAAABn" + PLANTED},
    },
    "services": {"telegram": {"token": PLANTED}},
}
_KEYFILE = b'{"crypto": {"cipher": "aes-128-ctr"}, "version": 3}'.hex()
HUMMINGBOT = {
    "connector": "binance_perpetual",
    "binance_perpetual_api_key": _KEYFILE,
    "binance_perpetual_api_secret": _KEYFILE,
}
CCXT = {
    "okx": {"apiKey": PLANTED, "secret": PLANTED, "password": PLANTED, "options": {}},
    "MM desk 1": {"exchange": "gateio", "api_key": PLANTED, "secretKey": PLANTED},
    "hot": {"exchange": "hyperliquid", "wallet_address": PLANTED, "private_key": PLANTED},
    "note": {"text": PLANTED},
}


def references(data: Any, file: str = "config.json", **more: str) -> dict[str, dict[str, str]]:
    found = accounts_of(json.dumps(data), file, known=KNOWN, **more)
    return {
        f"{account.id} on {account.exchange}": dict(account.references)
        for account in found.accounts
    }


def test_freqtrade() -> None:
    assert references(FREQTRADE) == {
        "okx-main on okx": {
            "apiKey": "file:config.json#/exchange/key",
            "secret": "file:config.json#/exchange/secret",
            "password": "file:config.json#/exchange/password",
        }
    }


def test_octobot_encrypts_by_default() -> None:
    found = accounts_of(json.dumps(OCTOBOT), "user/config.json", known=KNOWN)
    assert [account.exchange for account in found.accounts] == ["okx", "bybit"]
    assert found.accounts[0].references == {
        "apiKey": "file:user/config.json#/exchanges/okx/api-key",
        "secret": "file:user/config.json#/exchanges/okx/api-secret",
        "password": "file:user/config.json#/exchanges/okx/api-password",
    }
    assert found.accounts[1].references == {}
    assert found.notes == (
        "user/config.json#/exchanges/bybit: the bot encrypts its credentials;"
        " set the variables instead",
    )


def test_hummingbot_encrypts_always() -> None:
    text = yaml.safe_dump(HUMMINGBOT)
    found = accounts_of(text, "conf/connectors/binance_perpetual.yml", known=KNOWN)
    [account] = found.accounts
    assert (account.exchange, dict(account.references)) == ("binance", {})
    assert "the bot encrypts its credentials" in found.notes[0]


def test_names_of_ccxt_and_others() -> None:
    assert references(CCXT, "keys.json") == {
        "okx-main on okx": {
            "apiKey": "file:keys.json#/okx/apiKey",
            "secret": "file:keys.json#/okx/secret",
            "password": "file:keys.json#/okx/password",
        },
        "MM-desk-1 on gate": {
            "apiKey": "file:keys.json#/MM desk 1/api_key",
            "secret": "file:keys.json#/MM desk 1/secretKey",
        },
        "hot on hyperliquid": {
            "walletAddress": "file:keys.json#/hot/wallet_address",
            "privateKey": "file:keys.json#/hot/private_key",
        },
    }


def test_lists_and_the_same_exchange_twice() -> None:
    data = {"exchanges": [{"name": "okx", "apiKey": "a"}, {"name": "okx", "apiKey": "b"}, "x"]}
    assert references(data) == {
        "okx-main on okx": {"apiKey": "file:config.json#/exchanges/0/apiKey"},
        "okx-main-2 on okx": {"apiKey": "file:config.json#/exchanges/1/apiKey"},
    }


def test_what_is_empty_or_no_text_is_not_referred_to() -> None:
    data = {"okx": {"apiKey": "a", "secret": "", "password": None, "uid": 7, "api_key": "b"}}
    assert references(data) == {"okx-main on okx": {"apiKey": "file:config.json#/okx/apiKey"}}


def test_a_sandbox_is_kept() -> None:
    texts = [
        {"okx": {"apiKey": "a", "sandboxed": True}},
        {"connector": "okx_testnet", "okx_testnet_api_key": "a"},
        {"okx": {"apiKey": "a", "sandbox": "no"}},
    ]
    found = [accounts_of(json.dumps(text), "a.json", known=KNOWN).accounts[0] for text in texts]
    assert [account.sandbox for account in found] == [True, True, False]
    assert found[1].references == {"apiKey": "file:a.json#/okx_testnet_api_key"}


def test_an_exchange_that_nobody_names_is_asked_for() -> None:
    data = {"exchange": {"key": "a", "secret": "b"}}
    with pytest.raises(DocumentError, match="gatepolicy knows no exchange of this name"):
        references(data)
    assert list(references(data, exchange="bybit")) == ["bybit-main on bybit"]


@pytest.mark.parametrize(
    "data", [{}, [], {"okx": []}, {"a": {"text": "b"}}, {"connector": "okx", "x": "y"}]
)
def test_no_account_is_an_error(data: Any) -> None:
    with pytest.raises(DocumentError, match="no account of an exchange was found"):
        references(data)


@pytest.mark.parametrize(
    ("text", "file"),
    [
        (f'{{"exchange": {{"key": "{PLANTED}" // mine\n}}}}', "config.json"),
        (f"okx: {{apiKey: {PLANTED}\n{PLANTED}", "keys.yaml"),
        (f'{{"okx": {{"apiKey": "{PLANTED}", "apiKey": "{PLANTED}"}}}}', "keys.json"),
        (json.dumps({"moonex": {"apiKey": PLANTED, "exchange": PLANTED}}), "keys.json"),
        (json.dumps(CCXT), "my#keys.json"),
    ],
)
def test_no_error_quotes_a_secret(text: str, file: str) -> None:
    with pytest.raises(DocumentError) as error:
        accounts_of(text, file, known=KNOWN)
    said = "\n".join(f"{one}{one.what}{one.fix}" for one in error.value.problems)
    assert PLANTED not in said + str(error.value)


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_a_pointer_leads_back_to_the_value(name: str, key: str) -> None:
    data = {"exchanges": {name: {"exchange": "okx", "apiKey": "a", key: "other"}}}
    data["exchanges"][name]["apiKey"] = "a"
    [account] = accounts_of(json.dumps(data), "c.json", known=KNOWN).accounts
    path, _, pointer = account.references["apiKey"].partition("#")
    found: Any = data
    for step in pointer[1:].split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    assert (path, found) == ("file:c.json", "a")


# The command


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (FREQTRADE, "config.json"),
        (OCTOBOT, "config.json"),
        (HUMMINGBOT, "binance.yml"),
        (CCXT, "k.json"),
    ],
)
def test_no_secret_is_in_any_file_or_output(run: Run, tmp_path: Path, data: Any, name: str) -> None:
    source = tmp_path / name
    source.write_text(json.dumps(data), encoding="utf-8")
    made = run("init", "--from", name, *EGRESS, "--runs-on", "github,gitlab,cron")
    assert made.code == 0, made.err
    checked, tested = run("check", "--untrusted"), run("test", "--min-coverage", "100")
    assert (checked.code, checked.err, tested.code) == (0, "", 0)
    said = "".join(f"{ended.out}{ended.err}" for ended in (made, checked, tested))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path != source]
    assert len(files) > 9
    for text in (said, *(path.read_text(encoding="utf-8") for path in files)):
        assert PLANTED not in text
        assert _KEYFILE not in text
    assert f"{name} holds credentials" in made.out


def test_what_the_file_does_not_hold_is_a_variable(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(OCTOBOT))
    made = run("init", "--from", "config.json", *EGRESS)
    assert "the bot encrypts its credentials; set the variables instead" in made.err
    inventory = yaml.safe_load((tmp_path / "accounts.yaml").read_text())
    assert [account["credentials"] for account in inventory["accounts"]] == [
        {
            "apiKey": "file:config.json#/exchanges/okx/api-key",
            "secret": "file:config.json#/exchanges/okx/api-secret",
            "password": "file:config.json#/exchanges/okx/api-password",
        },
        {"apiKey": "env:BYBIT_API_KEY", "secret": "env:BYBIT_API_SECRET"},
    ]
    environment = (tmp_path / "nightly/gatepolicy.env").read_text()
    assert "BYBIT_API_KEY=''" in environment
    assert "OKX" not in environment
    assert not (tmp_path / ".github").exists()


def test_two_accounts_of_one_exchange_have_variables_of_their_own(run: Run, tmp_path: Path) -> None:
    data = {"7 mm": {"exchange": "okx", "apiKey": "a"}, "on": {"exchange": "okx", "apiKey": "b"}}
    (tmp_path / "keys.json").write_text(json.dumps(data))
    assert run("init", "--from", "keys.json", *EGRESS).code == 0
    text = (tmp_path / "accounts.yaml").read_text()
    assert '"file:keys.json#/7 mm/apiKey"' in text
    assert "secret: env:KEY_7_MM_API_SECRET" in text
    assert "secret: env:ON_API_SECRET" in text
    assert run("check").code == 0


def test_a_sandbox_is_kept_where_there_is_one(run: Run, tmp_path: Path) -> None:
    data = {name: {"apiKey": "a", "secret": "b", "sandboxed": True} for name in ("okx", "bitfinex")}
    (tmp_path / "keys.json").write_text(json.dumps(data))
    assert run("init", "--from", "keys.json", *EGRESS).code == 0
    accounts = yaml.safe_load((tmp_path / "accounts.yaml").read_text())["accounts"]
    has_one = [bool(load_exchange(account["exchange"]).sandbox_hosts) for account in accounts]
    assert [account.get("sandbox", False) for account in accounts] == has_one
    assert set(has_one) == {True, False}
    assert run("check").code == 0


def test_a_file_outside_of_the_project(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot/config.json").write_text(json.dumps(FREQTRADE))
    arguments = ("init", "--from", "bot/config.json", *EGRESS, "--folder", "keys")
    refused = run(*arguments, "--runs-on", "gitlab")
    assert refused.code == 2
    assert "outside the folder of the project" in refused.err
    assert not (tmp_path / "keys").exists()
    assert run(*arguments).code == 0
    assert "file:../bot/config.json#/exchange/key" in (tmp_path / "keys/accounts.yaml").read_text()


def test_what_the_references_lead_to_is_scanned(tmp_path: Path) -> None:
    """From a bot's configuration to a verdict: the key that it holds is the one that is asked."""
    now = datetime.now(UTC)
    bad = replace(clean_key(ExchangeId.OKX, 2, now), permissions=("read_only", "withdraw"))
    config = {
        "exchange": {
            "name": "okx", "key": bad.api_key, "secret": bad.secret, "password": bad.passphrase
        }
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "config.json").chmod(0o600)
    program = str(Path(sys.executable).with_name("gatepolicy"))

    def gatepolicy(*arguments: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return subprocess.run(
            [program, *arguments],
            cwd=tmp_path, env=kept, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert gatepolicy("init", "--from", "config.json", *EGRESS).returncode == 0
    with SimulatorThread(Simulator([bad])) as simulator:
        with (tmp_path / "accounts.yaml").open("a", encoding="utf-8") as file:
            file.write(f"    base_url: {simulator.url}\n")
        ended = gatepolicy("scan", "-q", "-o", "text", "-o", "json=report.json")
    assert ended.returncode == 1
    assert "withdrawal-enabled" in ended.stdout
    for text in (ended.stdout, ended.stderr, (tmp_path / "report.json").read_text()):
        assert bad.secret not in text
        assert bad.passphrase not in text
