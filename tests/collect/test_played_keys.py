"""Keys of played exchanges that differ from the usual ones, by the real client and collector."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatepolicy.model.evidence import Evidence
from gatepolicy.model.reasons import Reason
from gatepolicy.simulator.invented import invented_key
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import load_profile

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)


def safe(exchange: str, number: int = 7) -> SimulatedKey:
    return invented_key(load_profile(exchange), number, NOW)


def end(key: SimulatedKey) -> datetime:
    """When a key ends, as far as answers tell it."""
    assert key.expires_at is not None
    return key.expires_at.replace(microsecond=0)


def test_upbit_tells_a_plain_key_its_end_and_nothing_that_it_may_do(ask: Ask) -> None:
    plain = replace(safe("upbit"), permissions=("view_account", "make_orders"))
    [evidence] = ask([plain])
    assert evidence.facts.known["key.expires_at"].value == end(plain)
    assert evidence.facts.unknown["permission.withdraw"].reason is Reason.PERMISSION_DENIED
    assert evidence.facts.unknown["key.created_at"].reason is Reason.PERMISSION_DENIED


@pytest.mark.parametrize("exchange", ["upbit", "bithumb"])
def test_the_own_key_is_found_among_those_of_the_account(ask: Ask, exchange: str) -> None:
    first = replace(safe(exchange, 1), account="desk")
    second = replace(safe(exchange, 2), account="desk", expires_at=NOW + timedelta(days=3))
    ends = [evidence.facts.known["key.expires_at"].value for evidence in ask([first, second])]
    assert ends == [end(first), end(second)]


@pytest.mark.parametrize("exchange", ["upbit", "blofin"])
def test_an_ended_key_is_refused_as_such(ask: Ask, exchange: str) -> None:
    [evidence] = ask([replace(safe(exchange), expires_at=NOW - timedelta(days=1))])
    assert evidence.facts.unknown["key.exists"].reason is Reason.KEY_EXPIRED


def test_bitvavo_refuses_a_key_that_may_not_view(ask: Ask) -> None:
    [evidence] = ask([replace(safe("bitvavo"), permissions=("Trade",))])
    assert evidence.facts.unknown["permission.read"].reason is Reason.PERMISSION_DENIED


def test_blofin_tells_nothing_of_a_key_that_does_more_than_read(ask: Ask) -> None:
    [evidence] = ask([replace(safe("blofin"), permissions=("READ", "TRADE"))])
    assert evidence.facts.known["permission.read"].value is True
    for name in ("permission.trade.spot", "permission.withdraw", "permission.transfer"):
        assert evidence.facts.unknown[name].reason is Reason.NOT_DISCLOSED


def test_blofin_checks_the_passphrase(ask: Ask) -> None:
    from gatepolicy.simulator.inventory import environment

    key = safe("blofin")
    given = environment([replace(key, passphrase="not-the-passphrase")])
    [evidence] = ask([key], environ=given)
    assert evidence.facts.unknown["key.exists"].reason is Reason.BAD_SIGNATURE
