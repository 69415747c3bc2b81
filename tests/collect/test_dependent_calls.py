"""Calls that need what an earlier call told, or the key itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.collect.run import CollectSettings, Watcher, make_targets
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Exchange, FromAnswer, FromCredential, Parameter
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import OF_THE_SCAN, Grade, Reason
from gatepolicy.scanning.live import collect_and_correlate
from gatepolicy.simulator.fleet import with_withdraw
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_keys import profile_key
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Ask = Callable[..., list[Evidence]]
Clean = Callable[[ExchangeId], SimulatedKey]


def gate_with(parameter: Parameter) -> Exchange:
    """Gate, whose second call is sent with a parameter from its first."""
    gate = load_exchange("gate")
    main_keys, detail = gate.calls
    second = replace(main_keys, params={"uid": parameter, "key": FromCredential("apiKey")})
    return replace(gate, calls=(detail, second))


def collected(tmp_path: Path, key: SimulatedKey, exchange: Exchange) -> Evidence:
    with SimulatorThread(Simulator([key])) as simulator:
        inventory = tmp_path / "accounts.yaml"
        inventory.write_text(inventory_yaml([key], simulator.url), encoding="utf-8")
        accounts = load_inventory(str(inventory)).accounts
        sources = replace(SecretSources.real(str(inventory)), environ=environment([key]))
        settings = CollectSettings(1, None, 1, b"pepper", keep_answers=False, sources=sources)
        targets = make_targets(accounts, lambda _: True, {"gate": exchange}, {})
        watcher = Watcher(lambda _: None, lambda _: None)
        correlated, _ = collect_and_correlate(targets, settings, watcher)
    return correlated.evidence[0]


def test_a_value_of_the_first_answer_goes_into_the_second_call(
    tmp_path: Path, clean: Clean
) -> None:
    """The simulator verifies the signature, which covers the query with both parameters."""
    exchange = gate_with(FromAnswer("detail", "/user_id"))
    evidence = collected(tmp_path, clean(ExchangeId.GATE), exchange)
    assert [call.call for call in evidence.calls] == ["detail", "main_keys"]
    assert evidence.facts.known["permission.trade.spot"].value is True


def test_without_that_value_the_second_call_is_not_sent(tmp_path: Path, clean: Clean) -> None:
    exchange = gate_with(FromAnswer("detail", "/no_such_field"))
    evidence = collected(tmp_path, clean(ExchangeId.GATE), exchange)
    assert [call.call for call in evidence.calls] == ["detail"]
    assert evidence.facts.unknown["permission.withdraw"].reason is Reason.UNEXPECTED_ANSWER
    proved = {
        n for n, f in evidence.facts.known.items() if f.provenance.grade is not Grade.APPARENT
    }
    assert proved <= OF_THE_SCAN - {"key.exists"}


def test_an_own_wallet_is_not_asked_for_agents(ask: Ask) -> None:
    now = datetime.now(UTC)
    wallet = with_withdraw(profile_key(load_profile("hyperliquid"), 1, now), now)
    [evidence] = ask([wallet])
    assert [call.call for call in evidence.calls] == ["role"]
    assert evidence.facts.known["permission.withdraw"].value is True
    for name in ("key.name", "key.expires_at"):
        assert evidence.facts.unknown[name].reason is Reason.UNEXPECTED_ANSWER


def test_every_agent_of_an_account_has_a_name_of_its_own(ask: Ask) -> None:
    now = datetime.now(UTC)
    profile = load_profile("hyperliquid")
    agents = [replace(profile_key(profile, n, now), account="fund") for n in (1, 2)]
    told = [evidence.facts.known["key.name"].value for evidence in ask(agents)]
    assert told == ["ICG-MM 1", "ICG-MM 2"]
