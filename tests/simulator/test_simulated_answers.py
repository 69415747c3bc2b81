"""Every exchange answers in its documented shape; asked by real ccxt clients."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

Documented = Callable[[str], Any]


def _shape(value: Any) -> Any:
    """The names and types of a document; of lists, those of the first element."""
    match value:
        case dict():
            return {name: _shape(item) for name, item in value.items()}
        case list():
            return [_shape(value[0])] if value else []
        case _:
            return type(value).__name__


@pytest.fixture
def gate_key() -> SimulatedKey:
    """The first key of the documented example of ``main_keys``."""
    return SimulatedKey(
        exchange=ExchangeId.GATE,
        api_key="c5dcfbf1f3a7not0a0real0key",
        secret="s",
        name="test1",
        permissions={"account": "read-write", "spot": "read-write"},
        trading_pairs=("BTC_USD", "ETH_USD"),
        created_at=datetime.fromtimestamp(1753030929, UTC),
    )


def test_gate_main_keys_documented_example(
    ask: Any, documented: Documented, gate_key: SimulatedKey
) -> None:
    row = ask(gate_key).answer[-1]
    example = documented("gate_account_main_keys")[0]

    # The account number is invented; the update time is not simulated.
    invented = {"user_id": row["user_id"], "update_at": 1753030929}
    assert row == {**example, **invented}


def test_gate_main_keys_shows_a_neighbour_first(ask: Any, gate_key: SimulatedKey) -> None:
    rows = ask(gate_key).answer

    assert [row["name"] for row in rows] == ["old portal key", "test1"]
    assert not rows[0]["key"].startswith("c5dcfbf1f3a7")
    assert rows[0]["user_id"] == rows[1]["user_id"]


def test_gate_keys_of_one_account_see_each_other(ask: Any, now: datetime) -> None:
    keys = tuple(
        replace(clean_key(ExchangeId.GATE, number, now), account=account)
        for number, account in ((1, "a"), (2, "a"), (3, "b"))
    )
    rows = ask(keys[0], known=keys).answer

    assert [row["key"] for row in rows] == ["sim000000002*****", "sim000000001*****"]


def test_gate_read_only_and_locked(ask: Any, now: datetime) -> None:
    key = replace(
        clean_key(ExchangeId.GATE, 1, now),
        active=False,
        last_used_at=datetime.fromtimestamp(1_700_000_000, UTC),
    )
    row = ask(key).answer[-1]

    assert row["perms"] == [
        {"name": "spot", "read_only": False},
        {"name": "account", "read_only": True},
    ]
    assert row["state"] == 2
    assert row["last_access"] == 1_700_000_000
    assert row["ip_whitelist"] == ["203.0.113.10", "203.0.113.11"]


def test_gate_detail_documented_shape(
    ask: Any, documented: Documented, gate_key: SimulatedKey
) -> None:
    bound = replace(gate_key, allowed_ips=("203.0.113.10",))
    answer = ask(bound, method="private_account_get_detail").answer

    assert _shape(answer) == _shape(documented("gate_account_detail"))
    assert answer["ip_whitelist"] == ["203.0.113.10"]
    assert answer["currency_pairs"] == ["BTC_USD", "ETH_USD"]


def test_binance_documented_example(ask: Any, documented: Documented) -> None:
    key = SimulatedKey(
        exchange=ExchangeId.BINANCE,
        api_key="sim-binance",
        secret="s",
        permissions=frozenset(
            {"enableReading", "enableFixReadOnly", "enablePortfolioMarginTrading"}
        ),
        created_at=datetime.fromtimestamp(1698645219, UTC),
    )

    assert ask(key).answer == documented("binance_api_restrictions")


def test_binance_bound_key_with_ending_trading_authority(ask: Any, now: datetime) -> None:
    key = replace(
        clean_key(ExchangeId.BINANCE, 1, now),
        permissions=frozenset({"enableReading", "enableQuantumTrading"}),
        expires_at=datetime.fromtimestamp(1_900_000_000, UTC),
        missing_flags=frozenset({"enableWithdrawals"}),
    )
    answer = ask(key).answer

    assert answer["ipRestrict"] is True
    assert answer["tradingAuthorityExpirationTime"] == 1_900_000_000_000
    assert answer["enableQuantumTrading"] is True
    assert "enableWithdrawals" not in answer


def test_bybit_documented_example(ask: Any, documented: Documented) -> None:
    words = {
        f"{group}.{name}"
        for group, names in documented("bybit_query_api")["result"]["permissions"].items()
        for name in names
    }
    key = SimulatedKey(
        exchange=ExchangeId.BYBIT,
        api_key="XXXXXXXX",
        secret="s",
        name="testnet",
        permissions=frozenset(words),
        read_only=True,
        allowed_ips=("203.0.113.23", "203.0.113.189", "203.0.113.248"),
        caller_ip="203.0.113.23",
        created_at=datetime(2025, 10, 13, 3, 20, 45, tzinfo=UTC),
    )
    answer = ask(key).answer
    example = documented("bybit_query_api")

    assert _shape(answer) == _shape(example)
    modelled = ("note", "apiKey", "readOnly", "ips", "deadlineDay", "expiredAt", "createdAt")
    assert [answer["result"][name] for name in modelled] == [
        example["result"][name] for name in modelled
    ]
    assert {group: sorted(names) for group, names in answer["result"]["permissions"].items()} == {
        group: sorted(names) for group, names in example["result"]["permissions"].items()
    }


def test_bybit_unbound_key_ends_after_ninety_days(ask: Any, now: datetime) -> None:
    made = now.replace(microsecond=0) - timedelta(days=85)
    key = replace(clean_key(ExchangeId.BYBIT, 1, now), allowed_ips=(), created_at=made)
    result = ask(key).answer["result"]

    assert result["ips"] == ["*"]
    assert result["expiredAt"] == (made + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert result["deadlineDay"] == 4


def test_bybit_answers_carry_the_time(ask: Any, now: datetime) -> None:
    answer = ask(clean_key(ExchangeId.BYBIT, 1, now)).answer

    assert abs(answer["time"] - now.timestamp() * 1000) < 10_000


def test_okx_documented_example(ask: Any, documented: Documented) -> None:
    key = SimulatedKey(
        exchange=ExchangeId.OKX,
        api_key="sim-okx",
        secret="s",
        passphrase="p",
        name="v5 test",
        permissions=("read_only", "withdraw", "trade"),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    answer = ask(key).answer
    example = documented("okx_account_config")

    assert _shape(answer) == _shape(example)
    own, documented_own = answer["data"][0], example["data"][0]
    assert [own[name] for name in ("perm", "ip", "label")] == [
        documented_own[name] for name in ("perm", "ip", "label")
    ]
    assert own["uid"] == own["mainUid"]


def test_okx_network_segment(ask: Any, now: datetime) -> None:
    key = replace(clean_key(ExchangeId.OKX, 1, now), allowed_ips=("203.0.112.0/20",))

    assert ask(key).answer["data"][0]["ip"] == "203.0.112.0/20"


def test_kucoin_documented_example(ask: Any, documented: Documented) -> None:
    key = SimulatedKey(
        exchange=ExchangeId.KUCOIN,
        api_key="4225c6e620325a397011d3ae",
        secret="s",
        passphrase="p",
        name="account1",
        permissions=(
            "General",
            "Futures",
            "Spot",
            "Earn",
            "InnerTransfer",
            "Transfer",
            "Margin",
        ),
        allowed_ips=("203.0.113.154", "103.0.113.34"),
        caller_ip="203.0.113.154",
        created_at=datetime.fromtimestamp(1728443843, UTC),
    )
    answer = ask(key).answer
    example = documented("kucoin_user_api_key")

    # The account number is invented.
    example["data"]["uid"] = answer["data"]["uid"]
    assert answer == example


def test_sets_of_words_have_a_stable_order(ask: Any, now: datetime) -> None:
    okx = replace(clean_key(ExchangeId.OKX, 1, now), permissions=frozenset({"trade", "read_only"}))
    kucoin = replace(
        clean_key(ExchangeId.KUCOIN, 1, now), permissions=frozenset({"Spot", "General"})
    )

    assert ask(okx).answer["data"][0]["perm"] == "read_only,trade"
    assert ask(kucoin).answer["data"]["permission"] == "General,Spot"


def _described(exchange: ExchangeId, answer: Any) -> Any:
    match exchange:
        case ExchangeId.GATE:
            return answer[-1]
        case ExchangeId.BINANCE:
            return answer
        case ExchangeId.BYBIT:
            return answer["result"]
        case ExchangeId.OKX:
            return answer["data"][0]
        case ExchangeId.KUCOIN:
            return answer["data"]


def test_patch_reaches_what_describes_the_key(ask: Any, clean: SimulatedKey) -> None:
    patched = replace(clean, answer_patch={"surprise": [1]}, missing_flags=frozenset({"name"}))
    described = _described(ExchangeId(clean.exchange), ask(patched).answer)

    assert described["surprise"] == [1]
    assert "name" not in described


def test_each_answer_is_asked_for_once(ask: Any, clean: SimulatedKey) -> None:
    simulator = ask(clean).simulator

    assert [(r.method, r.exchange) for r in simulator.requests] == [("GET", clean.exchange)]
    assert simulator.forbidden_requests == ()
