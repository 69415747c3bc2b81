"""The shipped policies against keys as Gate's documents describe them.

The answers are written by hand after Gate's documented examples of ``account/main_keys`` and
``account/detail``; nothing of the simulator is used.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.facts import Capability, Fact, Facts, Grade, Provenance, Reason
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policy
from gatepolicy.resources import policies_directory
from gatepolicy.rules.catalog import load_rules
from tests.whole_catalog import CATALOG

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
RULES = load_rules()
GATE = load_exchange("gate")
GUIDE = load_policy(str(policies_directory() / "gate-market-making.yaml"))
BASELINE = load_policy(str(policies_directory() / "baseline.yaml"))

SPOT = {"name": "spot", "read_only": False}
ACCOUNT = {"name": "account", "read_only": True}


def days_ago(days: int) -> int:
    return int((NOW - timedelta(days=days)).timestamp())


def main_key(**changes: object) -> dict[str, object]:
    """A key against which the guide has nothing."""
    return {
        "state": 1,
        "mode": 1,
        "name": "ICG-MM",
        "user_id": 10001,
        "perms": [SPOT, ACCOUNT],
        "ip_whitelist": ["203.0.113.10", "203.0.113.11"],
        "currency_pairs": [],
        "key": f"{KEY[:12]}*****",
        "created_at": days_ago(30),
        "update_at": days_ago(30),
        "last_access": days_ago(1),
        **changes,
    }


def facts_of(row: Mapping[str, Any]) -> Facts:
    detail = {
        "user_id": 10001,
        "ip_whitelist": row["ip_whitelist"],
        "currency_pairs": row["currency_pairs"],
        "key": {"mode": 1},
        "tier": 2,
        "copy_trading_role": 0,
    }
    answers = {
        "main_keys": Answer(200, json.dumps([row]).encode()),
        "detail": Answer(200, json.dumps(detail).encode()),
    }
    # What the scan itself learns is no part of an answer.
    alone = Fact((), Provenance(Grade.STRUCTURAL, "", "", "the inventory"))
    return normalise(GATE, answers, KEY).learn("key.shared_with", alone)


def judged(facts: Facts, policy: Any = GUIDE) -> tuple[Verdict, ...]:
    return evaluate(compile_policy(policy, "gate", GATE, RULES), facts, NOW)


def failing(row: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(v.name, v.subject) for v in judged(facts_of(row)) if v.outcome is Outcome.FAIL}


def test_a_clean_key_passes_everything() -> None:
    verdicts = judged(facts_of(main_key()))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.PASS}


def test_the_rules_that_the_guide_becomes() -> None:
    assert [*dict.fromkeys(verdict.rule for verdict in judged(facts_of(main_key())))] == [
        "GP001", "GP002", "GP003", "GP004", "GP005", "GP006", "GP010", "GP011", "GP020", "GP021",
        "GP025", "GP026", "GP029",
    ]  # fmt: skip


LEFT_DISABLED = [
    ("Perpetual Contract", "futures", ("permission-forbidden", "trade.futures")),
    ("Delivery Contract", "delivery", ("permission-forbidden", "trade.futures")),
    ("Earn", "earn", ("permission-forbidden", "earn")),
    ("Wallet", "wallet", ("transfer-enabled", "transfer")),
    ("Custody", "custody", ("permission-forbidden", "custody")),
    ("Option", "options", ("permission-forbidden", "trade.options")),
    ("Subaccount", "sub_accounts", ("permission-forbidden", "manage")),
]


@pytest.mark.parametrize(("title", "word", "finding"), LEFT_DISABLED)
def test_permissions_to_leave_disabled(title: str, word: str, finding: tuple[str, str]) -> None:
    found = failing(main_key(perms=[SPOT, ACCOUNT, {"name": word, "read_only": False}]))
    assert found == {finding, ("permission-not-allowed", word.lower())}


@pytest.mark.parametrize("word", ["withdraw", "withdrawal", "Withdrawals"])
def test_withdrawals_are_to_be_left_disabled_and_reach_other_users(word: str) -> None:
    found = failing(main_key(perms=[SPOT, ACCOUNT, {"name": word, "read_only": False}]))
    assert found == {
        ("withdrawal-enabled", "withdraw"),
        ("transfer-enabled", "transfer"),
        ("permission-not-allowed", word.lower()),
    }


@pytest.mark.parametrize("word", ["futures", "wallet", "earn", "custody", "options", "withdraw"])
def test_they_are_not_allowed_for_reading_either(word: str) -> None:
    found = failing(main_key(perms=[SPOT, ACCOUNT, {"name": word, "read_only": True}]))
    assert ("permission-not-allowed", word) in found


@pytest.mark.parametrize("word", ["p2p", "rebate", "commission_details"])
def test_words_that_nobody_knows_are_found(word: str) -> None:
    verdicts = judged(facts_of(main_key(perms=[SPOT, ACCOUNT, {"name": word, "read_only": True}])))
    assert {v.name for v in verdicts if v.outcome is Outcome.FAIL} == {"permission-unrecognised"}
    withdraw = next(v for v in verdicts if v.name == "withdrawal-enabled")
    assert withdraw.outcome is Outcome.UNKNOWN
    assert withdraw.blocks


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"name": ""}, ("key-name-mismatch", "")),
        ({"name": "  "}, ("key-name-mismatch", "")),
        ({"ip_whitelist": ["203.0.113.10", "198.51.100.7"]}, ("ip-outside-allowlist", "")),
        ({"currency_pairs": ["BTC_USDT"]}, ("trading-pairs-restricted", "")),
        ({"last_access": days_ago(31), "created_at": days_ago(60)}, ("key-idle", "")),
        ({"created_at": days_ago(91)}, ("key-too-old", "")),
        (
            {"perms": [SPOT, {"name": "account", "read_only": False}]},
            ("permission-not-allowed", "account"),
        ),
    ],
)
def test_each_other_line_of_the_guide(changes: dict[str, Any], finding: tuple[str, str]) -> None:
    assert failing(main_key(**changes)) == {finding}


def test_an_unbound_key_fails_both_questions_about_addresses() -> None:
    assert failing(main_key(ip_whitelist=[])) == {
        ("ip-unbound", ""),
        ("ip-outside-allowlist", ""),
    }


def test_spot_for_reading_only_is_not_enough() -> None:
    reading = [{"name": "spot", "read_only": True}, ACCOUNT]
    assert failing(main_key(perms=reading)) == {
        ("permission-missing", "trade.spot"),
        ("permission-missing", "trade.margin"),
    }


def test_a_key_to_the_letter_of_the_guide_is_unknown_and_told_why() -> None:
    refusal = {
        "label": "FORBIDDEN",
        "message": "Request API key does not have account permission",
    }
    answer = Answer(403, json.dumps(refusal).encode())
    verdicts = judged(normalise(GATE, {"main_keys": answer, "detail": answer}, KEY))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.UNKNOWN}
    assert {verdict.reason for verdict in verdicts} == {Reason.PERMISSION_DENIED}
    withdraw = verdicts[0]
    assert withdraw.blocks
    assert 'add "account" read-only to the key' in withdraw.needed


def test_the_baseline_does_not_take_inference_for_proof() -> None:
    verdicts = {v.name: v for v in judged(facts_of(main_key()), BASELINE)}
    withdraw = verdicts.pop("withdrawal-enabled")
    assert withdraw.outcome is Outcome.UNKNOWN
    assert withdraw.on_unknown is OnUnknown.INCOMPLETE
    assert "only inferred" in withdraw.needed
    # Neither is any part of an answer.
    for name in ("undeclared-key", "dead-key"):
        assert verdicts.pop(name).outcome is Outcome.UNKNOWN
    assert {v.outcome for v in verdicts.values()} == {Outcome.PASS}


def test_the_baseline_finds_withdrawals_on_gate() -> None:
    row = main_key(perms=[SPOT, ACCOUNT, {"name": "withdraw", "read_only": False}])
    verdicts = {v.name: v for v in judged(facts_of(row), BASELINE)}
    assert verdicts["withdrawal-enabled"].outcome is Outcome.FAIL


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx", "kucoin"])
def test_the_baseline_blocks_on_what_must_be_proved(exchange: str) -> None:
    controls = {
        control.name: control.on_unknown
        for control in compile_policy(BASELINE, exchange, load_exchange(exchange), RULES)
    }
    assert controls == {
        "withdrawal-enabled": OnUnknown.BLOCK,
        "permission-unrecognised": OnUnknown.INCOMPLETE,
        "ip-unbound": OnUnknown.BLOCK,
        "shared-key": OnUnknown.WARN,
        "undeclared-key": OnUnknown.INCOMPLETE,
        "dead-key": OnUnknown.WARN,
    }


def never_proved(exchange: Exchange, capability: Capability) -> bool:
    inferred = capability in exchange.permissions.inferred_absence
    return inferred or capability.fact in exchange.not_disclosed


def test_the_baseline_blocks_wherever_a_good_key_can_be_proved() -> None:
    """And nowhere else: it would refuse every key of such an exchange for good."""
    softened = {
        name: {place: meaning.value for place, meaning in section.on_unknown.items()}
        for name, section in BASELINE.exchanges.items()
    }
    catalog = CATALOG
    for name, exchange in catalog.items():
        said = softened.get(name, {key: m.value for key, m in BASELINE.general.on_unknown.items()})
        withdraw = never_proved(exchange, Capability.WITHDRAW)
        unbound = "ip.restricted" in exchange.not_disclosed
        assert said["withdraw"] is (OnUnknown.INCOMPLETE if withdraw else OnUnknown.BLOCK), name
        assert said["ip_binding"] is (OnUnknown.INCOMPLETE if unbound else OnUnknown.BLOCK), name
    assert softened.keys() <= catalog.keys()


def test_strict_asks_all_that_the_baseline_asks_and_more() -> None:
    strict = load_policy(str(policies_directory() / "strict.yaml"))
    asked, more = (
        {
            (control.rule, control.subject, control.on_unknown)
            for control in compile_policy(policy, "okx", load_exchange("okx"), RULES)
        }
        for policy in (BASELINE, strict)
    )
    assert {rule for rule, _, _ in more - asked} == {"GP020", "GP021", "GP022", "GP023", "GP025"}
    assert asked < more
