"""Lists of keys of an exchange that is simulated, by the real client and the real collector."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.collect.run import CollectSettings, Watcher, make_targets
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import Grade
from gatepolicy.scanning.live import collect_and_correlate
from gatepolicy.scanning.workspace import load_exchanges
from gatepolicy.simulator.fleet import unbound, with_withdraw
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_keys import profile_key
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

NOW = datetime.now(UTC).replace(microsecond=0)
USED = NOW - timedelta(days=3)


def whitebit(number: int) -> SimulatedKey:
    key = profile_key(load_profile("whitebit"), number, NOW)
    return replace(key, account="firm", last_used_at=USED)


def sub(key: SimulatedKey) -> SimulatedKey:
    return replace(key, subaccount="desk")


def discovered(
    main: SimulatedKey, subs: list[SimulatedKey], tmp_path: Path
) -> tuple[Evidence, list[Evidence]]:
    """What the main key tells of itself, and the keys that it finds."""
    with SimulatorThread(Simulator([main, *subs])) as simulator:
        text = inventory_yaml([main], simulator.url_of)
        inventory = tmp_path / "accounts.yaml"
        inventory.write_text(
            text.replace("    owner:", "    discover: true\n    owner:"), encoding="utf-8"
        )
        accounts = load_inventory(str(inventory)).accounts
        targets = make_targets(accounts, lambda _: True, load_exchanges([main.exchange]), {})
        settings = CollectSettings(
            jobs=1,
            # WhiteBIT's nonces are milliseconds: two calls of a key never come within one.
            max_rate=200.0,
            attempts=1,
            pepper=b"pepper",
            keep_answers=True,
            sources=replace(SecretSources.real(str(inventory)), environ=environment([main])),
        )
        watcher = Watcher(lambda _: None, lambda _: None)
        correlated, _ = collect_and_correlate(targets, settings, watcher)
        assert not simulator.forbidden_requests
    return correlated.evidence[0], list(correlated.found)


def test_whitebit_lists_keys_of_sub_accounts_and_the_addresses_of_each(tmp_path: Path) -> None:
    bound, withdrawing = whitebit(2), with_withdraw(whitebit(3), NOW)
    own, found = discovered(whitebit(1), [sub(bound), sub(withdrawing)], tmp_path)
    assert [call.call for call in own.calls] == [
        "market_fee",
        "sub_accounts",
        "sub_account_keys",
        "sub_account_key_addresses",
        "sub_account_key_addresses",
    ]
    assert [(call.status, call.reason) for call in own.calls] == [(200, "")] * 5
    # Nothing that is kept holds a key of somebody else.
    assert bound.api_key not in repr(own)
    # Other keys of the main account are not listed.
    assert "key.declared" in own.facts.unknown
    first, second = [
        {name: fact.value for name, fact in evidence.facts.known.items()} for evidence in found
    ]
    assert first["permission.trade.spot"] is True
    assert first["permission.withdraw"] is False
    assert second["permission.withdraw"] is True
    for known in (first, second):
        assert known["ip.restricted"] is True
        assert known["key.subaccount"] is True
        assert known["key.active"] is True
        assert known["key.last_used_at"] == USED
    assert first["key.name"] == "ICG-MM 2"


def test_an_empty_list_of_addresses_shows_an_unbound_key_and_proves_nothing(tmp_path: Path) -> None:
    _, [found] = discovered(whitebit(1), [sub(unbound(whitebit(2), NOW))], tmp_path)
    bound = found.facts.known["ip.restricted"]
    assert (bound.value, bound.provenance.grade) == (False, Grade.APPARENT)
    assert found.facts.known["permission.withdraw"].value is False


def test_a_main_key_without_sub_accounts_lists_nothing(tmp_path: Path) -> None:
    own, found = discovered(whitebit(1), [], tmp_path)
    assert found == []
    assert own.facts.known["permission.read"].value is True
