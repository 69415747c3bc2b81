"""Collecting from the simulator: real requests, real refusals, real faults."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import FACTS, OF_THE_SCAN, Capability, FactValue, Grade, Reason
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

Ask = Callable[..., list[Evidence]]
Clean = Callable[[ExchangeId], SimulatedKey]
ALL = list(ExchangeId)
LATE = Fault(kind=FaultKind.LATENCY, seconds=5)


def reasons(evidence: Evidence) -> set[Reason]:
    return {unknown.reason for unknown in evidence.facts.unknown.values()}


def proved(evidence: Evidence) -> dict[str, FactValue]:
    """What answers prove; that an account is declared is not theirs."""
    known = evidence.facts.known.items()
    of_the_inventory = OF_THE_SCAN - {"key.exists"}
    return {name: fact.value for name, fact in known if name not in of_the_inventory}


def reason_of_withdraw(evidence: Evidence) -> Reason:
    return evidence.facts.unknown[Capability.WITHDRAW.fact].reason


@pytest.mark.parametrize("exchange", ALL)
def test_a_clean_key_proves_what_its_exchange_discloses(
    ask: Ask, clean: Clean, exchange: ExchangeId
) -> None:
    [evidence] = ask([clean(exchange)])
    known = evidence.facts.known
    assert known["permission.trade.spot"].value is True
    assert known["permission.withdraw"].value is False
    assert known["ip.restricted"].value is True
    assert set(known) | set(evidence.facts.unknown) == set(FACTS)
    assert not set(known) & set(evidence.facts.unknown)


@pytest.mark.parametrize("exchange", ALL)
def test_a_wrong_secret_proves_nothing(ask: Ask, clean: Clean, exchange: ExchangeId) -> None:
    [evidence] = ask([replace(clean(exchange), given_secret="wrong-secret-of-this-key")])
    assert proved(evidence) == {}
    assert reasons(evidence) <= {Reason.BAD_SIGNATURE, Reason.BAD_KEY}


@pytest.mark.parametrize("exchange", ALL)
def test_an_ip_refusal_proves_the_binding_and_nothing_else(
    ask: Ask, clean: Clean, exchange: ExchangeId
) -> None:
    [evidence] = ask([replace(clean(exchange), caller_ip="203.0.113.99")])
    if exchange is ExchangeId.BINANCE:
        # -2015 says key, address or permission: which of them, it does not say.
        assert proved(evidence) == {}
        return
    assert proved(evidence) == {"ip.restricted": True}
    assert evidence.facts.known["ip.restricted"].provenance.grade is Grade.REFUSAL
    assert reason_of_withdraw(evidence) is Reason.IP_REFUSED


@pytest.mark.parametrize("exchange", ALL)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.HTML, Reason.UNEXPECTED_ANSWER),
        (FaultKind.EMPTY, Reason.UNEXPECTED_ANSWER),
        (FaultKind.TRUNCATED, Reason.UNEXPECTED_ANSWER),
        (FaultKind.DUPLICATE_KEYS, Reason.UNEXPECTED_ANSWER),
        (FaultKind.REDIRECT, Reason.UNEXPECTED_ANSWER),
        (FaultKind.HUGE_BODY, Reason.UNEXPECTED_ANSWER),
        (FaultKind.RESET, Reason.UNREACHABLE),
        (FaultKind.CLOCK_ERROR, Reason.CLOCK_SKEW),
        (FaultKind.RATE_LIMIT, Reason.RATE_LIMITED),
    ],
)
def test_faults_are_reasons_and_never_proofs(
    ask: Ask, clean: Clean, exchange: ExchangeId, kind: FaultKind, expected: Reason
) -> None:
    [evidence] = ask([replace(clean(exchange), faults=(Fault(kind=kind),))], attempts=1)
    assert proved(evidence) == {}
    assert reason_of_withdraw(evidence) is expected


@pytest.mark.parametrize("exchange", ALL)
def test_wrong_types_never_prove_that_withdrawing_is_off(
    ask: Ask, clean: Clean, exchange: ExchangeId
) -> None:
    [evidence] = ask([replace(clean(exchange), faults=(Fault(kind=FaultKind.WRONG_TYPES),))])
    assert "permission.withdraw" not in evidence.facts.known


@pytest.mark.parametrize("exchange", ALL)
def test_a_passing_fault_is_overcome(ask: Ask, clean: Clean, exchange: ExchangeId) -> None:
    once = Fault(kind=FaultKind.STATUS, status=429, retry_after="0", times=1)
    [evidence] = ask([replace(clean(exchange), faults=(once,))])
    assert evidence.facts.known["permission.trade.spot"].value is True
    assert evidence.calls[0].attempts == 2


def test_a_lasting_fault_ends_after_the_attempts(ask: Ask, clean: Clean) -> None:
    lasting = Fault(kind=FaultKind.STATUS, status=503, retry_after="0")
    [evidence] = ask([replace(clean(ExchangeId.OKX), faults=(lasting,))], attempts=2)
    assert evidence.calls[0].attempts == 2
    assert reason_of_withdraw(evidence) in (Reason.UNREACHABLE, Reason.MAINTENANCE)


def test_a_slow_account_meets_its_deadline_and_holds_nobody_up(ask: Ask, clean: Clean) -> None:
    slow = replace(clean(ExchangeId.GATE), faults=(LATE,))
    quick = clean(ExchangeId.OKX)
    first, second = ask([slow, quick], timeout="0.3s")
    assert reason_of_withdraw(first) is Reason.TIMEOUT
    assert second.facts.known["permission.withdraw"].value is False


def test_a_missing_credential_stops_its_account_only(ask: Ask, clean: Clean) -> None:
    keys = [clean(ExchangeId.OKX), clean(ExchangeId.KUCOIN)]
    names = {"SIM_KUCOIN_00002_KEY", "SIM_KUCOIN_00002_SECRET", "SIM_KUCOIN_00002_PASSPHRASE"}
    from gatepolicy.simulator.inventory import environment

    environ = {name: value for name, value in environment(keys).items() if name in names}
    first, second = ask(keys, environ=environ)
    assert reasons(first) == {Reason.BAD_CREDENTIALS_CONFIG}
    assert first.calls == ()
    assert second.facts.known["permission.withdraw"].value is False


def test_many_accounts_of_one_exchange_keep_their_own_facts(ask: Ask, clean: Clean) -> None:
    plain = clean(ExchangeId.OKX)
    keys = [
        replace(
            plain,
            api_key=f"okx-key-{number:03d}-of-the-fleet",
            secret=f"secret-{number:03d}-of-the-fleet",
            name=f"bot {number}",
            permissions=("read_only", "withdraw") if number % 3 == 0 else ("read_only",),
        )
        for number in range(60)
    ]
    for number, evidence in enumerate(ask(keys, jobs=30)):
        known = evidence.facts.known
        assert known["key.name"].value == f"bot {number}"
        assert known["permission.withdraw"].value is (number % 3 == 0)


def test_evidence_holds_no_credential(ask: Ask, clean: Clean) -> None:
    keys = [clean(exchange) for exchange in ALL]
    text = repr(ask(keys))
    secrets = [key.secret for key in keys] + [key.passphrase for key in keys if key.passphrase]
    assert not [secret for secret in (*secrets, *(key.api_key for key in keys)) if secret in text]
