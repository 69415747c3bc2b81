"""The policies of the guides, on keys that follow them and on keys that do not."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gatepolicy.resources import policies_directory
from gatepolicy.simulator.fleet import too_old, unbound, with_unrecognised, with_withdraw
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
NOW = datetime.now(UTC)
every_exchange = pytest.mark.parametrize("exchange", list(ExchangeId))


def scan(firm: Any, key: SimulatedKey) -> Any:
    firm.keys = [key]
    policy = policies_directory() / f"{key.exchange}-market-making.yaml"
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        ended = firm.run("scan", "-p", str(policy), "--attempts", "1", "-o", "json=r.json")
    report = firm.read("r.json")
    verdicts = report["accounts"][0]["verdicts"]
    return ended.code, {v["name"] for v in verdicts if v["verdict"] == "fail"}, verdicts


@every_exchange
def test_a_key_that_follows_the_guide_passes_everything(
    firm: Any, clean: Clean, exchange: ExchangeId
) -> None:
    code, _, verdicts = scan(firm, clean(exchange))
    assert {verdict["verdict"] for verdict in verdicts} == {"pass"}
    assert code == 0


@every_exchange
def test_a_key_that_can_withdraw_fails(firm: Any, clean: Clean, exchange: ExchangeId) -> None:
    code, failed, _ = scan(firm, with_withdraw(clean(exchange), NOW))
    assert code == 1
    assert {"withdrawal-enabled", "permission-not-allowed"} <= failed


@every_exchange
def test_an_unbound_key_fails(firm: Any, clean: Clean, exchange: ExchangeId) -> None:
    code, failed, _ = scan(firm, unbound(clean(exchange), NOW))
    assert code == 1
    assert "ip-unbound" in failed


@every_exchange
def test_an_unrecognised_permission_never_passes(
    firm: Any, clean: Clean, exchange: ExchangeId
) -> None:
    code, failed, verdicts = scan(firm, with_unrecognised(clean(exchange), NOW))
    assert code == 1
    assert "permission-unrecognised" in failed
    withdraw = {v["verdict"] for v in verdicts if v["name"] == "withdrawal-enabled"}
    assert withdraw == {"unknown"}


@pytest.mark.parametrize("exchange", [e for e in ExchangeId if e is not ExchangeId.OKX])
def test_an_old_key_fails_where_its_age_is_told(
    firm: Any, clean: Clean, exchange: ExchangeId
) -> None:
    code, failed, _ = scan(firm, too_old(clean(exchange), NOW))
    assert code == 1
    assert "key-too-old" in failed
