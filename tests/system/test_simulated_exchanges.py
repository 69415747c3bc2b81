"""Every simulated exchange, from its key to the verdict: what must pass, and what must not."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gatepolicy.cli.main import main
from gatepolicy.exchanges.catalog import Discloses, disclosure, load_exchange
from gatepolicy.simulator.fleet import can_withdraw, unbound, with_unrecognised, with_withdraw
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import SITES, ExchangeId, SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.synthetic import simulated_exchanges, synthetic_key
from gatepolicy.simulator.thread import SimulatorThread

NOW = datetime.now(UTC)
SIMULATED = simulated_exchanges()
BY_CODE = {*ExchangeId, *SITES}
POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: map, title: Everywhere}
permissions: {forbid: [withdraw]}
ip_binding: {required: true}
"""


def keys_of(exchange: str) -> Iterator[SimulatedKey]:
    def named(what: str, number: int) -> SimulatedKey:
        return replace(synthetic_key(exchange, number, NOW), account_id=f"{exchange}-{what}")

    profile = None if exchange in BY_CODE else load_profile(exchange)
    yield named("safe", 1)
    if can_withdraw(exchange):
        yield with_withdraw(named("withdraw", 2), NOW)
    if profile is None or profile.unbound:
        yield unbound(named("unbound", 3), NOW)
    if profile is None or "unrecognised" in profile.permissions:
        yield with_unrecognised(named("unrecognised", 4), NOW)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Account to rule to verdict, of one scan of all."""
    folder = tmp_path_factory.mktemp("map")
    keys = [key for exchange in SIMULATED for key in keys_of(exchange)]
    with SimulatorThread(Simulator(keys)) as simulator, pytest.MonkeyPatch.context() as monkeypatch:
        (folder / "accounts.yaml").write_text(inventory_yaml(keys, simulator.url_of), "utf-8")
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        for name, value in environment(keys).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        with pytest.raises(SystemExit) as ended:
            main(("scan", "-p", "policy.yaml", "-o", "json=report.json"))
        assert ended.value.code == 1
        assert not simulator.forbidden_requests
    report: Any = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {
        account["id"]: {verdict["name"]: verdict["verdict"] for verdict in account["verdicts"]}
        for account in report["accounts"]
    }


def told(exchange: str, fact: str) -> tuple[Discloses, object]:
    """How a fact is told, and what it is where a rule of the exchange makes it so."""
    known = load_exchange(exchange)
    structural = known.structural.get(fact)
    return disclosure(known)[fact].how, structural.value if structural else None


@pytest.mark.parametrize("exchange", SIMULATED)
def test_a_safe_key_passes_where_its_exchange_tells(
    verdicts: dict[str, dict[str, str]], exchange: str
) -> None:
    safe = verdicts[f"{exchange}-safe"]
    how, by_rule = told(exchange, "permission.withdraw")
    proved = how is Discloses.OBSERVED or by_rule is False
    # Where every key can, no key is safe.
    never = "fail" if by_rule is True else "unknown"
    assert safe["withdrawal-enabled"] == ("pass" if proved else never)
    how, by_rule = told(exchange, "ip.restricted")
    binding = "pass" if how is Discloses.OBSERVED or by_rule is True else "unknown"
    # Of Indodax and its like only a refusal proves the binding: what answers proves nothing.
    expected = {"fail"} if by_rule is False else {binding, "unknown"}
    assert safe["ip-unbound"] in expected


@pytest.mark.parametrize("exchange", [e for e in SIMULATED if can_withdraw(e)])
def test_a_key_that_can_withdraw_fails_and_never_passes(
    verdicts: dict[str, dict[str, str]], exchange: str
) -> None:
    verdict = verdicts[f"{exchange}-withdraw"]["withdrawal-enabled"]
    untold = told(exchange, "permission.withdraw")[0] is Discloses.NOT_DISCLOSED
    # BloFin's answer can only tell that a key may not.
    assert verdict == ("unknown" if untold or exchange == "blofin" else "fail")


@pytest.mark.parametrize("exchange", SIMULATED)
def test_an_unbound_key_never_passes(verdicts: dict[str, dict[str, str]], exchange: str) -> None:
    if f"{exchange}-unbound" not in verdicts:
        # No such key can be made: a rule of the exchange, which the catalog must cite.
        assert told(exchange, "ip.restricted")[1] is True
        return
    verdict = verdicts[f"{exchange}-unbound"]["ip-unbound"]
    observed = told(exchange, "ip.restricted")[0] is Discloses.OBSERVED
    assert verdict in ({"fail", "unknown"} if observed else {"unknown", "fail"})


@pytest.mark.parametrize("exchange", SIMULATED)
def test_an_unrecognised_word_never_passes(
    verdicts: dict[str, dict[str, str]], exchange: str
) -> None:
    if f"{exchange}-unrecognised" in verdicts:
        found = verdicts[f"{exchange}-unrecognised"]
        assert found["permission-unrecognised"] == "fail"
        # No word can mean what the exchange lets no key do.
        impossible = told(exchange, "permission.withdraw")[1] is False
        assert found["withdrawal-enabled"] == ("pass" if impossible else "unknown")
    else:
        # No answer lists words there.
        assert not load_exchange(exchange).permissions.words


def test_an_unbound_key_fails_on_most(verdicts: dict[str, dict[str, str]]) -> None:
    fails = [e for e in SIMULATED if verdicts.get(f"{e}-unbound", {}).get("ip-unbound") == "fail"]
    assert len(fails) >= 20
