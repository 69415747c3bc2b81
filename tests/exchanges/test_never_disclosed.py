"""What an exchange never discloses: no answer can decide what hangs on it alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.catalog import load_exchange, never_disclosed
from gatepolicy.model.facts import FACTS, OF_THE_SCAN, Facts, Reason, Unknown
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policy
from gatepolicy.policies.policy import Control
from gatepolicy.resources import policies_directory
from gatepolicy.rules.catalog import load_rules
from gatepolicy.rules.rule import AllOf, AnyOf, may_decide
from gatepolicy.rules.rule import Test as Check
from tests.exchanges.test_documented_answers import CASES, facts_of
from tests.reports import strategies
from tests.whole_catalog import CATALOG

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
STRICT = load_policy(str(policies_directory() / "strict.yaml"))
every_exchange = pytest.mark.parametrize("exchange_id", CATALOG)


@cache
def controls(exchange_id: str) -> Sequence[Control]:
    return compile_policy(STRICT, exchange_id, CATALOG[exchange_id], load_rules())


def test_by_hand() -> None:
    assert never_disclosed(load_exchange("gate")) == {
        "key.expires_at",
        "key.subaccount",
        "permission.p2p",
    }
    # OKX tells a master account when keys of its sub-accounts were made.
    assert never_disclosed(load_exchange("okx")) == {
        "key.active",
        "key.expires_at",
        "key.last_used_at",
        "key.trading_pairs",
    }


def test_a_restriction_that_an_allowlist_belies_may_come_to_light() -> None:
    hidden = {"ip.restricted": Unknown(Reason.NOT_DISCLOSED, "no call tells")}
    gate = replace(load_exchange("gate"), listings=(), alternatives=(), errors=())
    silent = replace(gate, not_disclosed=hidden)
    assert never_disclosed(silent) == frozenset()
    both = {**hidden, "ip.allowlist": Unknown(Reason.NOT_DISCLOSED, "no call tells")}
    assert never_disclosed(replace(silent, not_disclosed=both)) == set(both)


def test_what_a_refusal_proves_is_disclosed() -> None:
    bybit = load_exchange("bybit")
    assert any("ip.restricted" in error.proves for error in bybit.errors)
    hidden = dict.fromkeys(("ip.restricted", "ip.allowlist"), Unknown(Reason.NOT_DISCLOSED))
    silent = replace(bybit, listings=(), alternatives=(), not_disclosed=hidden)
    assert never_disclosed(silent) == {"ip.allowlist"}


@every_exchange
def test_the_scan_itself_learns_nothing_of_it(exchange_id: str) -> None:
    assert never_disclosed(CATALOG[exchange_id]).isdisjoint(OF_THE_SCAN)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_no_documented_answer_tells_it(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    hidden = never_disclosed(load_exchange(case["exchange"]))
    assert hidden.isdisjoint(facts_of(case).known)


HIDDEN = Check("hidden", "is", argument=True)
TOLD = Check("told", "is", argument=True)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (HIDDEN, False),
        (TOLD, True),
        (AllOf((HIDDEN, TOLD)), True),
        (AnyOf((HIDDEN, TOLD)), True),
        (AllOf((HIDDEN, HIDDEN)), False),
        (AnyOf((HIDDEN, AllOf((HIDDEN, TOLD)))), False),
        (AllOf((HIDDEN, AnyOf((HIDDEN, TOLD)))), False),
    ],
)
def test_what_may_decide(condition: Check | AllOf | AnyOf, expected: bool) -> None:
    assert may_decide(condition, {"hidden"}) is expected


def judged(exchange_id: str, told: Facts) -> Sequence[Verdict]:
    """Verdicts about a key of which these facts are told, but for what is never disclosed."""
    hidden = never_disclosed(CATALOG[exchange_id])
    silence = dict.fromkeys(hidden, Unknown(Reason.NOT_DISCLOSED))
    return evaluate(controls(exchange_id), told.learn_all(silence), NOW)


@every_exchange
@settings(max_examples=15)
@given(told=strategies.facts(st.just("x")))
def test_what_is_not_verifiable_is_decided_by_no_facts(exchange_id: str, told: Facts) -> None:
    asked = controls(exchange_id)
    for control, verdict in zip(asked, judged(exchange_id, told), strict=True):
        if not control.is_verifiable:
            assert verdict.outcome is Outcome.UNKNOWN
        assert verdict.is_verifiable or not control.is_verifiable
        if verdict.not_verifiable:
            assert verdict.reason is Reason.NOT_DISCLOSED


def test_what_an_exchange_never_discloses_is_not_verifiable() -> None:
    verdicts = judged("gate", Facts.nothing(Reason.NOT_DISCLOSED))
    assert {v.name for v in verdicts if v.not_verifiable} == {
        "key-expiring",
        "key-expired",
    }


def test_what_could_not_be_read_is_unknown_whatever_the_exchange_discloses() -> None:
    facts = Facts.nothing(Reason.BAD_KEY)
    assert FACTS.keys() == facts.unknown.keys()
    verdicts = evaluate(controls("gate"), facts, NOW)
    assert not any(verdict.not_verifiable for verdict in verdicts)
