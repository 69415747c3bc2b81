"""Every exchange that is simulated, by the real client and the real collector."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.catalog import Discloses, disclosure, load_exchange
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import OF_THE_SCAN, FactValue, Grade, Reason
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.fleet import unbound, with_unrecognised, with_withdraw
from gatepolicy.simulator.keys import SITES, WALLET, ExchangeId, SimulatedKey
from gatepolicy.simulator.profile import Profile, known_profiles, load_profile
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.synthetic import simulated_exchanges, synthetic_key

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)
# The five exchanges of the demonstration have tests of their own.
SIMULATED = tuple(name for name in simulated_exchanges() if name not in tuple(ExchangeId))
every_exchange = pytest.mark.parametrize("exchange", SIMULATED)
REFUSALS = {Reason.BAD_KEY, Reason.BAD_SIGNATURE}


def safe(exchange: str) -> SimulatedKey:
    return synthetic_key(exchange, 7, NOW)


def profile_of(exchange: str) -> Profile | None:
    """Its profile; sites answer as one of the five and have none."""
    return None if exchange in SITES else load_profile(exchange)


def has_words(exchange: str, which: str) -> bool:
    profile = profile_of(exchange)
    return profile is None or which in profile.permissions


def has_error(exchange: str, name: str) -> bool:
    profile = profile_of(exchange)
    return profile is None or name in profile.errors


def can_be_unbound(exchange: str) -> bool:
    profile = profile_of(exchange)
    return profile is None or profile.unbound


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


def tells_that_a_key_withdraws(exchange: str) -> bool:
    """Whether an answer can tell that a key may; some can only tell that it may not."""
    sources = load_exchange(exchange).facts.get("permission.withdraw", ())
    says_no_only = bool(sources) and all(
        source.reader == "nothing" and not any(meaning.means for meaning in source.meanings)
        for source in sources
    )
    return tells_withdrawals(exchange) and not says_no_only


def reason(evidence: Evidence) -> Reason:
    """Why nothing is known of the key."""
    return evidence.facts.unknown["key.exists"].reason


SPOT = {"permission.trade.spot": True, "permission.withdraw": False}


def told(exchange: str) -> Mapping[str, Any]:
    """What answers tell of a safe key, by hand: where it is not what most exchanges tell."""
    by_hand = Path(__file__).with_name("told") / f"{exchange}.yaml"
    return yaml.safe_load(by_hand.read_text(encoding="utf-8")) if by_hand.exists() else SPOT


def test_what_is_told_by_hand_is_of_an_exchange_that_is_simulated() -> None:
    by_hand = {path.stem for path in Path(__file__).with_name("told").glob("*.yaml")}
    assert by_hand <= set(SIMULATED)


@every_exchange
def test_a_safe_key_tells_what_is_documented(ask: Ask, exchange: str) -> None:
    [evidence] = ask([safe(exchange)])
    assert all(call.status == 200 for call in evidence.calls)
    # Where a refusal proves what a key may not, a safe key is refused.
    assert {call.call for call in evidence.calls if call.reason} <= proving_refusals(evidence)
    known = answered(evidence)
    expected = told(exchange)
    assert {name: known[name] for name in expected if name in known} == expected
    assert ("permission.withdraw" in expected) == tells_withdrawals(exchange)
    # An answer that tells nothing about the key does not prove it either.
    assert known["key.exists"] is True
    if observes(exchange, "ip.restricted"):
        assert known["ip.restricted"] is True
    if observes(exchange, "key.created_at"):
        made = known["key.created_at"]
        assert isinstance(made, datetime)
        assert abs((NOW - made).days - 30) <= 1
    lasts = profile.lasts if (profile := profile_of(exchange)) else 0
    if lasts and observes(exchange, "key.expires_at"):
        end = known["key.expires_at"]
        assert isinstance(end, datetime)
        assert abs((end - NOW).days - lasts + 30) <= 1


@pytest.mark.parametrize("exchange", [e for e in SIMULATED if has_words(e, "withdraw")])
def test_a_key_that_withdraws_is_known_to_or_unknown(ask: Ask, exchange: str) -> None:
    [evidence] = ask([with_withdraw(safe(exchange), NOW)])
    known = answered(evidence)
    if tells_that_a_key_withdraws(exchange):
        assert known["permission.withdraw"] is True
    else:
        assert "permission.withdraw" not in evidence.facts.known


@every_exchange
def test_a_profile_has_a_key_that_withdraws_unless_no_key_can(exchange: str) -> None:
    can = "permission.withdraw" not in load_exchange(exchange).structural
    assert has_words(exchange, "withdraw") == can


@pytest.mark.parametrize(
    "exchange",
    [e for e in SIMULATED if observes(e, "ip.restricted") and can_be_unbound(e)],
)
def test_an_unbound_key_is_known_to_be(ask: Ask, exchange: str) -> None:
    [evidence] = ask([unbound(safe(exchange), NOW)])
    assert answered(evidence).get("ip.restricted", False) is False


@pytest.mark.parametrize("exchange", [e for e in SIMULATED if has_words(e, "unrecognised")])
def test_an_unrecognised_word_never_proves_that_withdrawing_is_off(ask: Ask, exchange: str) -> None:
    [evidence] = ask([with_unrecognised(safe(exchange), NOW)])
    known = answered(evidence)
    assert known["permissions.unrecognised"]
    assert "permission.withdraw" not in known


@pytest.mark.parametrize("exchange", known_profiles())
def test_a_profile_tells_of_a_wrong_signature_unless_nothing_is_signed(exchange: str) -> None:
    profile = load_profile(exchange)
    assert ("bad_signature" in profile.errors) == (profile.auth["scheme"] != "public")


SECRETS = [e for e in SIMULATED if safe(e).secret]


@pytest.mark.parametrize("exchange", SECRETS)
def test_a_wrong_secret_proves_nothing(ask: Ask, exchange: str) -> None:
    other = synthetic_key(exchange, 8, NOW)
    [evidence] = ask([replace(safe(exchange), given_secret=other.secret)])
    assert answered(evidence) == {}
    assert reason(evidence) in REFUSALS | {Reason.PERMISSION_DENIED, Reason.CLOCK_SKEW}


@pytest.mark.parametrize("exchange", [e for e in SIMULATED if has_error(e, "ip_refused")])
def test_a_refused_address_proves_at_most_the_binding(ask: Ask, exchange: str) -> None:
    [evidence] = ask([replace(safe(exchange), caller_ip="203.0.113.99")])
    assert answered(evidence) in ({}, {"ip.restricted": True})
    assert reason(evidence) in {Reason.IP_REFUSED, Reason.BAD_KEY, Reason.PERMISSION_DENIED}


@every_exchange
def test_an_unknown_key_proves_nothing(ask: Ask, exchange: str) -> None:
    from gatepolicy.simulator.inventory import environment

    known, stranger = safe(exchange), synthetic_key(exchange, 9, NOW)
    other = replace(known, api_key=stranger.api_key)
    if known.named_by == WALLET:
        other = replace(known, secret=stranger.secret)
    given = environment([other])
    [evidence] = ask([known], environ=given)
    assert answered(evidence) == {}


@every_exchange
def test_nothing_secret_is_in_the_evidence(ask: Ask, exchange: str) -> None:
    key = safe(exchange)
    text = repr(ask([key]))
    for secret in (key.api_key, key.secret, key.passphrase):
        assert not secret or secret not in text


@pytest.mark.parametrize("exchange", [e for e in SIMULATED if not has_error(e, "ip_refused")])
def test_an_answer_that_nobody_documents_is_not_invented(exchange: str) -> None:
    with pytest.raises(ValueError, match="documents no answer"):
        Simulator([replace(safe(exchange), caller_ip="203.0.113.99")])


FAULTS = {
    FaultKind.HTML: Reason.UNEXPECTED_ANSWER,
    FaultKind.EMPTY: Reason.UNEXPECTED_ANSWER,
    FaultKind.TRUNCATED: Reason.UNEXPECTED_ANSWER,
    FaultKind.DUPLICATE_KEYS: Reason.UNEXPECTED_ANSWER,
    FaultKind.REDIRECT: Reason.UNEXPECTED_ANSWER,
    FaultKind.HUGE_BODY: Reason.UNEXPECTED_ANSWER,
    FaultKind.RESET: Reason.UNREACHABLE,
}


LISTS = {"bitfinex", "bitflyer", "btse"}
"""Their answers are lists: no field can stand twice."""


@pytest.mark.parametrize(
    ("exchange", "kind", "expected"),
    [
        (exchange, kind, expected)
        for exchange in SIMULATED
        for kind, expected in FAULTS.items()
        if not (exchange in LISTS and kind is FaultKind.DUPLICATE_KEYS)
    ],
)
def test_faults_are_reasons_and_never_proofs(
    ask: Ask, exchange: str, kind: FaultKind, expected: Reason
) -> None:
    [evidence] = ask([replace(safe(exchange), faults=(Fault(kind=kind),))], attempts=1)
    assert answered(evidence) == {}
    assert reason(evidence) is expected


@pytest.mark.parametrize("exchange", [e for e in SIMULATED if has_error(e, "rate_limited")])
def test_too_many_requests_are_a_reason(ask: Ask, exchange: str) -> None:
    limited = replace(safe(exchange), faults=(Fault(kind=FaultKind.RATE_LIMIT),))
    [evidence] = ask([limited], attempts=1)
    assert answered(evidence) == {}
    assert reason(evidence) is Reason.RATE_LIMITED


@pytest.mark.parametrize("exchange", [e for e in SIMULATED if has_error(e, "clock")])
def test_a_wrong_clock_is_a_reason(ask: Ask, exchange: str) -> None:
    late = replace(safe(exchange), faults=(Fault(kind=FaultKind.CLOCK_ERROR),))
    [evidence] = ask([late], attempts=1)
    assert answered(evidence) == {}
    # Some give one answer to a wrong clock and to a wrong signature or key; of some, nobody
    # documents the words.
    assert reason(evidence) in {Reason.CLOCK_SKEW, Reason.UNEXPECTED_ANSWER, *REFUSALS}


@every_exchange
def test_wrong_types_never_prove_that_withdrawing_is_off(ask: Ask, exchange: str) -> None:
    [evidence] = ask([replace(safe(exchange), faults=(Fault(kind=FaultKind.WRONG_TYPES),))])
    assert "permission.withdraw" not in answered(evidence)


@every_exchange
def test_a_passing_fault_is_overcome(ask: Ask, exchange: str) -> None:
    once = Fault(kind=FaultKind.STATUS, status=503, retry_after="0", times=1)
    [evidence] = ask([replace(safe(exchange), faults=(once,))])
    assert evidence.calls[0].attempts == 2
    assert evidence.calls[0].reason == ""
