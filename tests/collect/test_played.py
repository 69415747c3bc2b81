"""Every exchange that has a profile, by the real client and the real collector."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.disclosure import Discloses, disclosure
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import OF_THE_SCAN, FactValue, Grade
from gatepolicy.model.reasons import Reason
from gatepolicy.simulator.fleet import unbound, with_unrecognised, with_withdraw
from gatepolicy.simulator.invented import invented_key
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import known_profiles, load_profile
from gatepolicy.simulator.server import Simulator

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)
PROFILES = known_profiles()
every_profile = pytest.mark.parametrize("exchange", PROFILES)
REFUSALS = {Reason.BAD_KEY, Reason.BAD_SIGNATURE}


def safe(exchange: str) -> SimulatedKey:
    return invented_key(load_profile(exchange), 7, NOW)


def answered(evidence: Evidence) -> dict[str, FactValue]:
    """What answers and refusals prove; rules hold for every key."""
    return {
        name: fact.value
        for name, fact in evidence.facts.known.items()
        if name not in OF_THE_SCAN - {"key.exists"}
        and fact.provenance.grade is not Grade.STRUCTURAL
    }


def proving_refusals(evidence: Evidence) -> set[str]:
    """The calls whose refusals prove something."""
    sources = (fact.provenance for fact in evidence.facts.known.values())
    return {source.call for source in sources if source.grade is Grade.REFUSAL}


def observes(exchange: str, fact: str) -> bool:
    return fact in load_exchange(exchange).facts


def tells_withdrawals(exchange: str) -> bool:
    how = disclosure(load_exchange(exchange))["permission.withdraw"].how
    return how in (Discloses.OBSERVED, Discloses.INFERRED)


def reason(evidence: Evidence) -> Reason:
    """Why nothing is known of the key, the same for every fact that answers tell."""
    reasons = {evidence.facts.unknown[name].reason for name in ("key.exists", "permission.read")}
    [one] = reasons
    return one


SPOT = {"permission.trade.spot": True, "permission.withdraw": False}


def told(exchange: str) -> Mapping[str, Any]:
    """What answers tell of a safe key, by hand: where it is not what most exchanges tell."""
    by_hand = Path(__file__).with_name("told") / f"{exchange}.yaml"
    return yaml.safe_load(by_hand.read_text(encoding="utf-8")) if by_hand.exists() else SPOT


def test_what_is_told_by_hand_is_of_an_exchange_that_is_played() -> None:
    by_hand = {path.stem for path in Path(__file__).with_name("told").glob("*.yaml")}
    assert by_hand <= set(PROFILES)


@every_profile
def test_a_safe_key_tells_what_is_documented(ask: Ask, exchange: str) -> None:
    [evidence] = ask([safe(exchange)])
    assert all(call.status == 200 for call in evidence.calls)
    # Where a refusal proves what a key may not, a safe key is refused.
    assert {call.call for call in evidence.calls if call.reason} <= proving_refusals(evidence)
    known = answered(evidence)
    expected = told(exchange)
    assert {name: known[name] for name in expected if name in known} == expected
    assert ("permission.withdraw" in expected) == tells_withdrawals(exchange)
    assert known["key.exists"] is True
    if observes(exchange, "ip.restricted"):
        assert known["ip.restricted"] is True
    if observes(exchange, "key.created_at"):
        made = known["key.created_at"]
        assert isinstance(made, datetime)
        assert abs((NOW - made).days - 30) <= 1


@pytest.mark.parametrize(
    "exchange", [e for e in PROFILES if "withdraw" in load_profile(e).permissions]
)
def test_a_key_that_withdraws_is_known_to_or_unknown(ask: Ask, exchange: str) -> None:
    [evidence] = ask([with_withdraw(safe(exchange), NOW)])
    known = answered(evidence)
    if tells_withdrawals(exchange):
        assert known["permission.withdraw"] is True
    else:
        assert "permission.withdraw" not in evidence.facts.known


@every_profile
def test_a_profile_has_a_key_that_withdraws_unless_no_key_can(exchange: str) -> None:
    can = "permission.withdraw" not in load_exchange(exchange).structural
    assert ("withdraw" in load_profile(exchange).permissions) == can


@pytest.mark.parametrize(
    "exchange",
    [e for e in PROFILES if observes(e, "ip.restricted") and load_profile(e).unbound],
)
def test_an_unbound_key_is_known_to_be(ask: Ask, exchange: str) -> None:
    [evidence] = ask([unbound(safe(exchange), NOW)])
    assert answered(evidence).get("ip.restricted", False) is False


@pytest.mark.parametrize(
    "exchange", [e for e in PROFILES if "unrecognised" in load_profile(e).permissions]
)
def test_an_unrecognised_word_never_proves_that_withdrawing_is_off(ask: Ask, exchange: str) -> None:
    [evidence] = ask([with_unrecognised(safe(exchange), NOW)])
    known = answered(evidence)
    assert known["permissions.unrecognised"]
    assert "permission.withdraw" not in known


SECRETS = [e for e in PROFILES if "secret" in load_profile(e).credentials]


@pytest.mark.parametrize("exchange", SECRETS)
def test_a_wrong_secret_proves_nothing(ask: Ask, exchange: str) -> None:
    other = invented_key(load_profile(exchange), 8, NOW)
    [evidence] = ask([replace(safe(exchange), given_secret=other.secret)])
    assert answered(evidence) == {}
    assert reason(evidence) in REFUSALS | {Reason.PERMISSION_DENIED, Reason.CLOCK_SKEW}


@pytest.mark.parametrize(
    "exchange", [e for e in PROFILES if "ip_refused" in load_profile(e).errors]
)
def test_a_refused_address_proves_at_most_the_binding(ask: Ask, exchange: str) -> None:
    [evidence] = ask([replace(safe(exchange), caller_ip="203.0.113.99")])
    assert answered(evidence) in ({}, {"ip.restricted": True})
    assert reason(evidence) in {Reason.IP_REFUSED, Reason.BAD_KEY, Reason.PERMISSION_DENIED}


@every_profile
def test_an_unknown_key_proves_nothing(ask: Ask, exchange: str) -> None:
    from gatepolicy.simulator.inventory import environment

    known, stranger = safe(exchange), invented_key(load_profile(exchange), 9, NOW)
    given = environment([replace(known, api_key=stranger.api_key)])
    [evidence] = ask([known], environ=given)
    assert answered(evidence) == {}


@every_profile
def test_nothing_secret_is_in_the_evidence(ask: Ask, exchange: str) -> None:
    key = safe(exchange)
    text = repr(ask([key]))
    for secret in (key.api_key, key.secret, key.passphrase):
        assert not secret or secret not in text


@pytest.mark.parametrize(
    "exchange", [e for e in PROFILES if "ip_refused" not in load_profile(e).errors]
)
def test_an_answer_that_nobody_documents_is_not_invented(exchange: str) -> None:
    with pytest.raises(ValueError, match="documents no answer"):
        Simulator([replace(safe(exchange), caller_ip="203.0.113.99")])
