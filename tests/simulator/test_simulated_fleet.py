"""Fleets are repeatable, mostly clean, and written as an inventory."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.demo_accounts import demo_accounts
from gatepolicy.simulator.fleet import SEEDED_VIOLATIONS, fleet, refused_here, wrong_secret
from gatepolicy.simulator.inventory import (
    CredentialStyle,
    account_ids,
    environment,
    inventory_yaml,
)
from gatepolicy.simulator.keys import ExchangeId
from gatepolicy.simulator.server import Simulator

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@settings(max_examples=20)
@given(st.integers(0, 60), st.integers())
def test_same_seed_same_fleet(size: int, seed: int) -> None:
    keys = fleet(size, seed, NOW)

    assert keys == fleet(size, seed, NOW)
    assert len({(key.exchange, key.api_key) for key in keys}) == len(keys) == size


def test_fleet_is_a_mix_with_some_sins() -> None:
    keys = fleet(1_000, 1, NOW)
    sinners = [
        key
        for key in keys
        if key.given_secret
        or not key.allowed_ips
        or len(key.allowed_ips) == 1
        or key.created_at < NOW - timedelta(days=90)
    ]

    assert {key.exchange for key in keys[:5]} == set(ExchangeId)
    assert 20 < len(sinners) < 150
    assert keys != fleet(1_000, 2, NOW)


@pytest.mark.parametrize("exchange", list(ExchangeId))
def test_every_sin_can_be_simulated(exchange: ExchangeId) -> None:
    clean = clean_key(exchange, 1, NOW)

    assert all(seeded(clean, NOW) != clean for seeded in SEEDED_VIOLATIONS)
    for seeded in SEEDED_VIOLATIONS:
        Simulator((seeded(clean, NOW),))


def test_gate_keys_differ_in_what_gate_shows_of_them() -> None:
    shown = {clean_key(ExchangeId.GATE, number, NOW).api_key[:12] for number in range(1_000)}

    assert len(shown) == 1_000


def test_inventory_names_each_account_and_its_references() -> None:
    keys = (clean_key(ExchangeId.GATE, 1, NOW), clean_key(ExchangeId.OKX, 2, NOW))
    document = yaml.safe_load(inventory_yaml(keys, "http://127.0.0.1:8080"))

    assert document == {
        "apiVersion": "gatepolicy/v1",
        "kind": "Inventory",
        "accounts": [
            {
                "id": "gate-00001",
                "exchange": "gate",
                "credentials": {
                    "apiKey": "env:SIM_GATE_00001_KEY",
                    "secret": "env:SIM_GATE_00001_SECRET",
                },
                "labels": {"desk": "mm"},
                "owner": "treasury-security@example.com",
                "base_url": "http://127.0.0.1:8080",
            },
            {
                "id": "okx-00002",
                "exchange": "okx",
                "credentials": {
                    "apiKey": "env:SIM_OKX_00002_KEY",
                    "secret": "env:SIM_OKX_00002_SECRET",
                    "password": "env:SIM_OKX_00002_PASSPHRASE",
                },
                "labels": {"desk": "mm"},
                "owner": "treasury-security@example.com",
                "base_url": "http://127.0.0.1:8080",
            },
        ],
    }
    assert environment(keys) == {
        "SIM_GATE_00001_KEY": "sim000000001gatekey",
        "SIM_GATE_00001_SECRET": "not-a-real-secret-gate-000000001",
        "SIM_OKX_00002_KEY": "sim000000002okxkey",
        "SIM_OKX_00002_SECRET": "not-a-real-secret-okx-000000002",
        "SIM_OKX_00002_PASSPHRASE": "not-a-real-passphrase-000000002",
    }


def test_inventory_holds_no_secret() -> None:
    keys = fleet(50, 3, NOW)
    text = inventory_yaml(keys, "http://127.0.0.1:1")

    assert not [value for value in environment(keys).values() if value in text]


def test_inventory_with_files() -> None:
    keys = (clean_key(ExchangeId.GATE, 1, NOW),)
    text = inventory_yaml(keys, "http://127.0.0.1:1", CredentialStyle.FILE, "/run/secrets")

    credentials = yaml.safe_load(text)["accounts"][0]["credentials"]
    assert credentials["secret"] == "file:/run/secrets/SIM_GATE_00001_SECRET"


def test_scanner_is_given_the_wrong_secret() -> None:
    keys = (wrong_secret(clean_key(ExchangeId.GATE, 1, NOW), NOW),)

    assert environment(keys)["SIM_GATE_00001_SECRET"] == "not-the-secret-of-this-key"


def test_refused_here_is_not_admitted() -> None:
    assert not refused_here(clean_key(ExchangeId.OKX, 1, NOW), NOW).admits_caller()


def test_the_demo_shows_every_seeded_violation_and_clean_accounts() -> None:
    accounts = demo_accounts(NOW)

    assert {account.account_id: account.wrong for account in accounts} == {
        "gate-mm": "",
        "gate-withdraw": "withdraw is on",
        "gate-guide": "cannot read its own permissions",
        "gate-foreign-ip": "an IP outside the list",
        "gate-pairs": "the trading-pairs list is on",
        "gate-idle": "not used for 200 days",
        "gate-auditor": "",
        "gate-audited": "",
        "gate-auditor/key-0009": "undeclared",
        "binance-mm": "",
        "binance-withdraw": "withdraw is on",
        "binance-unbound": "no IP is bound",
        "bybit-mm": "",
        "bybit-unbound": "no IP is bound",
        "bybit-expiring": "ends in 5 days; no IP is bound",
        "bybit-expired": "ended 10 days ago",
        "bybit-refused": "refuses the scanner's IP",
        "okx-mm": "",
        "okx-withdraw": "withdraw is on",
        "okx-wide-range": "4,096 addresses may use it",
        "okx-wrong-secret": "the secret is wrong",
        "kucoin-mm": "",
        "kucoin-old": "400 days old",
        "kucoin-quantum": "an unrecognised permission",
        "kucoin-read-only": "may not trade",
    }
    assert account_ids([account.key for account in accounts]) == tuple(
        account.account_id for account in accounts
    )


def test_the_clean_gate_key_is_the_guides() -> None:
    key = demo_accounts(NOW)[0].key

    assert key.name == "ICG-MM 1"
    assert key.permissions == {"spot": "read-write", "account": "read-only"}
    assert key.allowed_ips == ("203.0.113.10", "203.0.113.11")
    assert key.trading_pairs == ()


def test_the_accounts_of_the_demo_can_be_served() -> None:
    simulator = Simulator([account.key for account in demo_accounts(NOW)])

    assert simulator.requests == ()
