"""A policy in an exchange's own words sees no less than one in capabilities."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Exchange, Permissions
from gatepolicy.exchanges.grants import permission_facts
from gatepolicy.exchanges.sources import Granted
from gatepolicy.model.facts import Access, Capability, Fact, Facts, Grade, Provenance
from gatepolicy.model.verdicts import Outcome, Severity, Verdict
from gatepolicy.policies.compile import compile_policy
from gatepolicy.rules.catalog import load_rules
from tests.policies.example_exchange import policy_of
from tests.whole_catalog import CATALOG

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
RULES = load_rules()
SPOKEN = [exchange for exchange in CATALOG.values() if exchange.permissions.words]
OBSERVED = Provenance(Grade.OBSERVED, "call", "/")


def facts_of(permissions: Permissions, words: Mapping[str, Access]) -> Facts:
    """What an answer proves that lists these words; the answer leaves out optional flags."""
    optional = {word.word for word in permissions.words.values() if word.optional}
    listed = Granted(words, dict.fromkeys(words, "/"), "/", frozenset(optional - words.keys()))
    resolved = permission_facts(permissions, listed)
    known = {name: fact for name, fact in resolved.items() if isinstance(fact, Fact)}
    unknown = {name: why for name, why in resolved.items() if not isinstance(why, Fact)}
    return Facts(known, unknown)


def judged(exchange: Exchange, allow: object, facts: Facts) -> tuple[Verdict, ...]:
    clauses = {"exchanges": {exchange.id: {"permissions": {"allow": allow}}}}
    policy = policy_of(yaml.safe_dump(clauses))
    return evaluate(compile_policy(policy, exchange.id, exchange, RULES), facts, NOW)


class Case(NamedTuple):
    """An exchange, words that a policy allows there, and words that a key has."""

    exchange: Exchange
    allowed: frozenset[str]
    granted: frozenset[str]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    exchange = draw(st.sampled_from(SPOKEN))
    words = st.frozensets(st.sampled_from(sorted(exchange.permissions.words)), min_size=1)
    return Case(exchange, draw(words), draw(words))


def of(permissions: Permissions, words: Iterable[str], *, surely: bool = False) -> set[Capability]:
    known = [permissions.words[word] for word in words]
    return {c for word in known for c in (word.grants if surely else word.may_grant())}


@given(cases())
def test_what_no_allowed_word_may_grant_never_passes(case: Case) -> None:
    permissions = case.exchange.permissions
    facts = facts_of(permissions, dict.fromkeys(case.granted, Access.READ_WRITE))
    verdicts = judged(case.exchange, sorted(case.allowed), facts)
    beyond = of(permissions, case.granted) - of(permissions, case.allowed)
    if beyond:
        assert any(verdict.outcome is not Outcome.PASS for verdict in verdicts)
    for capability, rule in ((Capability.WITHDRAW, "GP001"), (Capability.TRANSFER, "GP002")):
        if capability in beyond:
            outcomes = {verdict.outcome for verdict in verdicts if verdict.rule == rule}
            assert outcomes & {Outcome.FAIL, Outcome.UNKNOWN}


@given(cases())
def test_a_word_that_withdraws_is_critical_whatever_else_is_allowed(case: Case) -> None:
    permissions = case.exchange.permissions
    if Capability.WITHDRAW in of(permissions, case.allowed, surely=True):
        return
    facts = facts_of(permissions, dict.fromkeys(case.granted, Access.READ_WRITE))
    verdicts = judged(case.exchange, sorted(case.allowed), facts)
    (withdraws,) = [verdict for verdict in verdicts if verdict.rule == "GP001"]
    assert withdraws.severity is Severity.CRITICAL
    if Capability.WITHDRAW in of(permissions, case.granted, surely=True):
        assert withdraws.outcome is Outcome.FAIL
    elif Capability.WITHDRAW in of(permissions, case.granted):
        assert withdraws.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("exchange", SPOKEN, ids=[exchange.id for exchange in SPOKEN])
def test_withdrawals_are_told_wherever_there_are_words(exchange: Exchange) -> None:
    """Else a policy of words could never pass there."""
    assert Capability.WITHDRAW.fact not in exchange.not_disclosed


def outcomes(verdicts: Iterable[Verdict]) -> dict[tuple[str, str], Outcome]:
    return {(verdict.rule, verdict.subject): verdict.outcome for verdict in verdicts}


def test_what_a_second_answer_says_is_seen() -> None:
    """BingX: the numbers grant reading and spot; its flags say that the key transfers as well."""
    bingx = load_exchange("bingx")
    plain = facts_of(bingx.permissions, {"1": Access.GRANTED, "2": Access.GRANTED})
    assert set(outcomes(judged(bingx, ["1", "2"], plain)).values()) == {Outcome.PASS}
    transfers = Facts(plain.known, dict(plain.unknown)).learn(
        "permission.transfer", Fact(value=True, provenance=OBSERVED)
    )
    assert outcomes(judged(bingx, ["1", "2"], transfers))["GP002", "transfer"] is Outcome.FAIL
    spot = Facts(
        {n: f for n, f in plain.known.items() if n != "permission.trade.spot"}, plain.unknown
    )
    assert outcomes(judged(bingx, ["2"], spot))["GP004", "trade.spot"] is Outcome.UNKNOWN


KRAKEN = load_exchange("kraken")


@pytest.mark.parametrize(
    ("granted", "outcome"),
    [
        ({"query-funds"}, Outcome.PASS),
        # No document says whether a new address is all that a withdrawal needs.
        ({"query-funds", "add-withdraw-address"}, Outcome.UNKNOWN),
        ({"query-funds", "withdraw-funds"}, Outcome.FAIL),
    ],
)
def test_an_allowed_word_that_may_withdraw_proves_nothing(
    granted: set[str], outcome: Outcome
) -> None:
    facts = facts_of(KRAKEN.permissions, dict.fromkeys(granted, Access.GRANTED))
    verdicts = judged(KRAKEN, ["query-funds", "add-withdraw-address"], facts)
    assert outcomes(verdicts)["GP001", "withdraw"] is outcome


def test_a_word_that_is_allowed_to_withdraw_is_no_finding() -> None:
    okx = load_exchange("okx")
    facts = facts_of(okx.permissions, {"read_only": Access.GRANTED, "withdraw": Access.GRANTED})
    verdicts = judged(okx, ["read_only", "withdraw"], facts)
    assert {verdict.outcome for verdict in verdicts} == {Outcome.PASS}
    assert "GP001" not in {verdict.rule for verdict in verdicts}
