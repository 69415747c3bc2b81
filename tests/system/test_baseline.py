"""Good keys pass the shipped baseline, or its report says in one line why they cannot."""

from collections.abc import Callable
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
PROVABLE = [ExchangeId.BINANCE, ExchangeId.BYBIT, ExchangeId.OKX, ExchangeId.KUCOIN]


def scanned(firm: Any, keys: list[SimulatedKey], policy: str) -> tuple[Any, Any]:
    firm.keys = keys
    with SimulatorThread(Simulator(keys)) as simulator:
        firm.prepare(simulator.url)
        ended = firm.run("scan", "-p", policy, "-o", "text", "-o", "json=r.json")
    return ended, firm.read("r.json")["accounts"]


def open_questions(account: Any) -> list[tuple[str, str]]:
    return [(v["name"], v["verdict"]) for v in account["verdicts"] if v["verdict"] != "pass"]


def test_good_keys_pass_the_baseline(firm: Any, clean: Clean) -> None:
    ended, accounts = scanned(firm, [clean(exchange) for exchange in PROVABLE], "baseline")
    assert [open_questions(account) for account in accounts] == [[], [], [], []]
    assert ended.code == 0
    assert "4 accounts: 4 pass" in ended.out


def test_a_good_key_of_gate_cannot_and_the_report_says_why(firm: Any, clean: Clean) -> None:
    ended, (account,) = scanned(firm, [clean(ExchangeId.GATE)], "baseline")
    assert open_questions(account) == [("withdrawal-enabled", "unknown")]
    (why,) = [v["needed"] for v in account["verdicts"] if v["verdict"] == "unknown"]
    assert why.startswith("permission.withdraw is only inferred, which the policy does not accept")
    assert ended.code == 3


@pytest.mark.parametrize("exchange", PROVABLE)
def test_strict_shows_what_an_exchange_does_not_disclose(
    firm: Any, clean: Clean, exchange: ExchangeId
) -> None:
    ended, (account,) = scanned(firm, [clean(exchange)], "strict")
    asked = {"key-too-old", "key-idle", "key-expiring", "key-expired", "key-name-mismatch"}
    assert {name for name, _ in open_questions(account)} <= asked
    assert {verdict for _, verdict in open_questions(account)} == {"unknown"}
    assert ended.code == 0
