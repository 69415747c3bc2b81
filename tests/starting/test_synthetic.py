"""Synthetic keys: whatever a policy can demand, one key meets it and another one fails it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from gatepolicy.evaluate.predicates import PREDICATES
from gatepolicy.model.evidence import Location
from gatepolicy.model.verdicts import OnUnknown, Severity
from gatepolicy.policies.policy import Control
from gatepolicy.rules.rule import AnyOf, Argument, Condition
from gatepolicy.rules.rule import Test as Check
from gatepolicy.starting.policytest import policy_test
from gatepolicy.starting.synthetic import failing, meeting

NOW = datetime(2026, 11, 1, 4, 17, tzinfo=UTC)
CHECKS = (
    Check("permission.withdraw", "is", argument=False),
    Check("key.shared_with", "empty"),
    Check("key.trading_pairs", "some_within", ("BTC_USDT", "ETH_USDT")),
    Check("permissions", "word_at_most", ("withdraw", "none")),
    Check("ip.allowlist", "all_within", (ip_network("203.0.113.0/28"),)),
    Check("ip.allowlist", "no_wider_than", 32),
    Check("ip.allowlist", "at_most", 4),
    Check("ip.shared_across", "apart_by", ("desk",)),
    Check("key.name", "matches", r"\S"),
    Check("key.created_at", "younger_than", timedelta(days=90)),
    Check("key.last_used_at", "used_within", timedelta(days=30)),
    Check("key.expires_at", "never"),
    Check("key.expires_at", "dated"),
    Check("key.expires_at", "days_left", 14),
)


def controls(*conditions: Condition) -> Sequence[Control]:
    return [
        Control(
            rule=f"GP9{number:02}",
            name=f"bad-thing-{number}",
            subject="it",
            severity=Severity.HIGH,
            condition=condition,
            expected="the good state",
            on_unknown=OnUnknown.BLOCK,
            accepted=frozenset(),
            policy="desk",
            location=Location("desk.yaml", 7, 3),
        )
        for number, condition in enumerate(conditions)
    ]


def test_every_predicate_is_tried() -> None:
    assert {check.predicate for check in CHECKS} == set(PREDICATES)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.predicate)
def test_one_key_meets_it_and_another_fails_it(check: Check) -> None:
    judge = PREDICATES[check.predicate]
    for make, truth in ((meeting, True), (failing, False)):
        value = make(controls(check), NOW)[check.fact]
        assert judge(value, check.argument, NOW) is truth


def test_the_first_of_several_ways_is_met() -> None:
    either = AnyOf((CHECKS[0], CHECKS[1]))
    assert meeting(controls(either), NOW) == {"permission.withdraw": False}
    assert failing(controls(either), NOW) == {
        "permission.withdraw": True,
        "key.shared_with": ("something",),
    }


@pytest.mark.parametrize("argument", [None, "true"])
def test_what_no_value_can_meet_is_left_out(argument: Argument) -> None:
    assert meeting(controls(Check("permission.withdraw", "is", argument)), NOW) == {}


def test_a_test_has_no_case_about_what_its_policy_does_not_ask() -> None:
    text = policy_test("okx", "OKX", controls(CHECKS[9]), NOW)
    assert "a key that meets the policy" in text
    assert "withdraw" not in text
    assert "allowlist" not in text
    text = policy_test("okx", "OKX", controls(CHECKS[0]), NOW)
    assert "a key that can withdraw" in text
