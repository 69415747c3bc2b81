"""Keys of simulated exchanges that differ from the usual ones, by the real client and collector."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import Reason
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_keys import profile_key

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)


def safe(exchange: str, number: int = 7) -> SimulatedKey:
    return profile_key(load_profile(exchange), number, NOW)


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


def unified(*words: str, **changes: object) -> SimulatedKey:
    """A key of a unified account of Bitget."""
    return replace(safe("bitget"), permissions=words, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("words", [("uta_trade",), ("copy_futures_order",)])
def test_bitget_is_asked_again_for_keys_that_the_classic_call_refuses(
    ask: Ask, words: tuple[str, ...]
) -> None:
    [evidence] = ask([unified(*words)])
    sent = [(call.call, call.status, call.reason) for call in evidence.calls]
    assert sent == [("info", 400, Reason.PERMISSION_DENIED), ("unified_info", 200, "")]
    known = {name: fact.value for name, fact in evidence.facts.known.items()}
    assert known["permission.withdraw"] is False
    assert known["permission.trade.spot"] is ("uta_trade" in words)
    assert known["permission.copy_trading"] is ("copy_futures_order" in words)
    assert known["ip.restricted"] is True
    assert known["key.exists"] is True


def test_bitget_is_asked_once_for_a_classic_key(ask: Ask) -> None:
    [evidence] = ask([safe("bitget")])
    assert [call.call for call in evidence.calls] == ["info"]


def test_a_unified_key_that_withdraws_is_found_out(ask: Ask) -> None:
    both = [unified("uta_trade", "withdraw"), unified("uta_trade", "withdraw", read_only=True)]
    for key in both:
        [evidence] = ask([key])
        assert evidence.facts.known["permission.withdraw"].value is True


def test_a_unified_key_that_reads_trades_nothing(ask: Ask) -> None:
    key = unified("uta_mgt", "uta_trade", read_only=True, account="desk", subaccount="bots")
    [evidence] = ask([key])
    known = {name: fact.value for name, fact in evidence.facts.known.items()}
    assert known["permission.read"] is True
    for name in ("trade.spot", "trade.futures", "withdraw", "transfer", "manage"):
        assert known[f"permission.{name}"] is False
    assert known["key.subaccount"] is True


def test_an_unknown_word_of_a_unified_key_could_mean_anything(ask: Ask) -> None:
    [evidence] = ask([unified("uta_trade", "quantum")])
    assert evidence.facts.known["permissions.unrecognised"].value == ("quantum",)
    assert evidence.facts.unknown["permission.withdraw"].reason is Reason.UNEXPECTED_ANSWER


def test_a_refused_address_ends_the_questions_to_a_unified_key(ask: Ask) -> None:
    [evidence] = ask([unified("uta_trade", caller_ip="203.0.113.99")])
    assert [call.call for call in evidence.calls] == ["info"]
    assert evidence.facts.unknown["key.exists"].reason is Reason.IP_REFUSED
