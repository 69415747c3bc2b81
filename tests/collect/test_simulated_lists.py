"""Lists of other keys, by the real client: every exchange that has them and is simulated."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import Grade
from gatepolicy.simulator.fleet import can_withdraw, unbound, with_withdraw
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.synthetic import simulated_exchanges, synthetic_key

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)


def lists(exchange: str, of_subaccounts: bool) -> bool:
    """Whether the catalog has a list of the keys of the account, or of sub-accounts."""
    return any(
        listing.of_account is not of_subaccounts for listing in load_exchange(exchange).listings
    )


MASTERS = [e for e in simulated_exchanges() if lists(e, of_subaccounts=False)]
OWNERS = [e for e in simulated_exchanges() if lists(e, of_subaccounts=True)]


def key(exchange: str, number: int, **changes: object) -> SimulatedKey:
    made = replace(synthetic_key(exchange, number, NOW), account="firm")
    return replace(made, **changes)  # type: ignore[arg-type]


def other_keys(ask: Ask, master: SimulatedKey, others: list[SimulatedKey]) -> list[Evidence]:
    found: list[Evidence] = []
    [evidence] = ask(
        [replace(master, discovers=True)],
        simulator=Simulator([master, *others]),
        found=found,
        # WhiteBIT's nonces are milliseconds: two calls of a key never come within one.
        max_rate=500.0,
    )
    # Lists that leave keys out never prove that all keys are declared.
    listings = load_exchange(master.exchange).listings
    whole = any(one.of_account for one in listings) and not any(one.partial for one in listings)
    assert ("key.declared" in evidence.facts.known) == whole
    assert "key.exists" in evidence.facts.known
    assert withdraws(evidence) in (False, None)
    return found


def of_subaccounts(found: list[Evidence]) -> list[Evidence]:
    # Gate's simulated accounts always have a neighbour.
    return [one for one in found if "key.subaccount" in one.facts.known]


def withdraws(evidence: Evidence) -> object:
    fact = evidence.facts.known.get("permission.withdraw")
    return fact.value if fact and fact.provenance.grade is not Grade.STRUCTURAL else None


def test_there_are_lists_to_read() -> None:
    assert len(MASTERS) >= 6
    assert len(OWNERS) >= 4


@pytest.mark.parametrize("exchange", MASTERS)
def test_another_key_of_the_account_is_found_with_what_it_can_do(ask: Ask, exchange: str) -> None:
    other = key(exchange, 2)
    if can_withdraw(exchange):
        other = with_withdraw(other, NOW)
    [found] = other_keys(ask, key(exchange, 1), [other])
    assert found.facts.known["key.declared"].value is False
    assert found.facts.known["key.exists"].value is True
    assert withdraws(found) is not False
    assert other.api_key not in repr(found)


@pytest.mark.parametrize("exchange", OWNERS)
def test_keys_of_sub_accounts_are_found_with_what_they_can_do(ask: Ask, exchange: str) -> None:
    withdrawing = with_withdraw(key(exchange, 2, subaccount="desk1"), NOW)
    open_key = unbound(key(exchange, 3, subaccount="desk2"), NOW)
    stranger = replace(key(exchange, 4), account="another firm", subaccount="desk1")
    found = of_subaccounts(other_keys(ask, key(exchange, 1), [withdrawing, open_key, stranger]))
    assert len(found) == 2
    first, second = found if withdraws(found[0]) is not False else reversed(found)
    assert withdraws(first) is not False
    assert second.facts.known.get("ip.restricted") is None or (
        second.facts.known["ip.restricted"].value is False
    )


@pytest.mark.parametrize("exchange", OWNERS)
def test_a_master_without_sub_accounts_finds_nothing(ask: Ask, exchange: str) -> None:
    assert of_subaccounts(other_keys(ask, key(exchange, 1), [])) == []
