"""The policies of the guides on answers written by hand after the documented examples."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange, load_others
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policies, load_policy
from gatepolicy.resources import policies_directory
from gatepolicy.rules.catalog import load_rules

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MADE = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp() * 1000)
KEY = "an-invented-key-of-a-bot"
RULES = load_rules()
IP = "203.0.113.7"

Bodies = Mapping[str, object]

# Per exchange: the answers about a key that follows its guide; what changes with withdrawals, and
# when it is bound to nothing; and the rules that nothing on the exchange answers.
FOLLOWS: dict[str, Bodies] = {
    "bingx": {
        "permissions": {"apiKey": "", "permissions": [1, 2], "ipAddresses": [IP], "note": "mm"},
        "restrictions": {
            "ipRestrict": True,
            "createTime": MADE,
            "enableReading": True,
            "permitsUniversalTransfer": False,
            "enableFutures": False,
            "enableSpotAndMarginTrading": True,
        },
    },
    "coinbase": {
        "key_permissions": {
            "can_view": True,
            "can_trade": True,
            "can_transfer": False,
            "portfolio_uuid": "0f0f0f0f-0000-4000-8000-000000000000",
            "portfolio_type": "DEFAULT",
        }
    },
    "lbank": {
        "restrictions": {
            "result": "true",
            "data": {
                "enableReading": True,
                "enableSpotTrading": True,
                "enableWithdrawals": False,
                "ipRestrict": True,
                "createTime": MADE,
            },
        }
    },
    "mexc": {
        "key_info": {
            "note": "mm",
            "accessKey": KEY,
            "createTime": "2026-10-01T00:00:00.000+00:00",
            "permissions": "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE,SPOT_WITHDRAW_READ",
            "ipWhiteList": IP,
            "status": "VALID",
        }
    },
    "xt": {
        "api_key": {
            "rc": 0,
            "mc": "SUCCESS",
            "result": [
                {
                    "accessKey": KEY,
                    "keyName": "mm",
                    "bindIps": IP,
                    "isLock": 0,
                    "roleScopes": "QUERY_TRADE",
                    "userAccountLevel": 1,
                }
            ],
        }
    },
}
WITHDRAWS: dict[str, tuple[str, str, object]] = {
    "bingx": ("permissions", "permissions", [1, 2, 5]),
    "coinbase": ("key_permissions", "can_transfer", True),
    "lbank": ("restrictions", "enableWithdrawals", True),
    "mexc": ("key_info", "permissions", "SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE,SPOT_WITHDRAW_WRITE"),
    "xt": ("api_key", "roleScopes", "QUERY_TRADE_WITHDRAW"),
}
UNBOUND: dict[str, tuple[str, str, object]] = {
    "bingx": ("permissions", "ipAddresses", [""]),
    "lbank": ("restrictions", "ipRestrict", False),
    "mexc": ("key_info", "ipWhiteList", ""),
    "xt": ("api_key", "bindIps", ""),
}
UNANSWERED: dict[str, set[str]] = {
    "bingx": set(),
    "coinbase": {"ip-unbound", "ip-outside-allowlist", "ip-range-too-wide", "key-name-mismatch"},
    # What trading includes beyond orders is documented nowhere.
    "lbank": {"permission-not-allowed", "transfer-enabled"},
    "mexc": set(),
    "xt": set(),
}
BY_HAND = ["bitrue", "bitmart", "biconomy", "coinstore"]


def changed(exchange: str, change: tuple[str, str, object]) -> Bodies:
    """The answers with one field replaced, wherever it stands."""
    call, field, value = change

    def put(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: value if name == field else put(part) for name, part in node.items()}
        return [put(part) for part in node] if isinstance(node, list) else node

    bodies = dict(FOLLOWS[exchange])
    assert put(bodies[call]) != bodies[call]
    return {**bodies, call: put(bodies[call])}


def judged(exchange: str, bodies: Bodies) -> list[Verdict]:
    entry = load_exchange(exchange)
    answers = {call: Answer(200, json.dumps(body).encode()) for call, body in bodies.items()}
    facts = normalise(entry, answers, KEY)
    told = Provenance(Grade.STRUCTURAL, "", "", "the inventory")
    facts = facts.learn("key.declared", Fact(value=True, provenance=told))
    facts = facts.learn("key.shared_with", Fact((), told))
    policy = load_policy(str(policies_directory() / f"{exchange}-market-making.yaml"))
    return list(evaluate(compile_policy(policy, exchange, entry, RULES), facts, NOW))


def failing(verdicts: list[Verdict]) -> set[str]:
    return {verdict.name for verdict in verdicts if verdict.outcome is Outcome.FAIL}


@pytest.mark.parametrize("exchange", sorted(FOLLOWS))
def test_a_key_that_follows_the_guide_passes_all_that_can_be_answered(exchange: str) -> None:
    verdicts = judged(exchange, FOLLOWS[exchange])
    unknown = {v.name for v in verdicts if v.outcome is Outcome.UNKNOWN}
    assert failing(verdicts) == set()
    assert unknown == UNANSWERED[exchange]
    assert {v.name for v in verdicts if v.outcome is Outcome.PASS} >= {"withdrawal-enabled"}


@pytest.mark.parametrize("exchange", sorted(WITHDRAWS))
def test_a_key_that_can_withdraw_fails(exchange: str) -> None:
    verdicts = judged(exchange, changed(exchange, WITHDRAWS[exchange]))
    assert {"withdrawal-enabled", "permission-not-allowed"} <= failing(verdicts)


@pytest.mark.parametrize("flag", ["enableFuturesTrading", "enableTransfer", "enableQuantum"])
def test_what_lbank_shows_as_granted_beyond_the_guide_fails(flag: str) -> None:
    answer: Any = FOLLOWS["lbank"]["restrictions"]
    shown = {**answer, "data": {**answer["data"], flag: True}}
    known = flag != "enableQuantum"
    verdicts = judged("lbank", {"restrictions": shown})
    assert failing(verdicts) == {"permission-not-allowed" if known else "permission-unrecognised"}


def test_what_lbank_cannot_prove_is_a_warning_and_nothing_else_is() -> None:
    verdicts = judged("lbank", FOLLOWS["lbank"])
    unknown = {(v.name, v.on_unknown) for v in verdicts if v.outcome is Outcome.UNKNOWN}
    warns = ("permission-not-allowed", "transfer-enabled")
    assert unknown == {(name, OnUnknown.WARN) for name in warns}
    others = {v.name: v.on_unknown for v in verdicts if v.name not in warns}
    assert others["withdrawal-enabled"] is OnUnknown.BLOCK
    assert OnUnknown.WARN not in others.values()


@pytest.mark.parametrize("exchange", sorted(UNBOUND))
def test_an_unbound_key_fails(exchange: str) -> None:
    bodies = changed(exchange, UNBOUND[exchange])
    if exchange == "bingx":
        bodies = {**bodies, "restrictions": {"ipRestrict": False, "createTime": MADE}}
    assert "ip-unbound" in failing(judged(exchange, bodies))


LISTED = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
exchanges: {lbank: {permissions: {allow: [enableReading, enableSpotTrading]}}}
"""


@pytest.mark.parametrize(
    ("flag", "outcome"),
    [
        ({}, Outcome.PASS),
        ({"enableTransfer": False}, Outcome.PASS),
        ({"enableTransfer": True}, Outcome.FAIL),
        ({"enableTransfer": None}, Outcome.UNKNOWN),
        ({"enableTransfer": "false"}, Outcome.UNKNOWN),
    ],
    ids=str,
)
def test_a_flag_that_no_document_knows_is_missed_by_nobody(
    flag: dict[str, object], outcome: Outcome
) -> None:
    answer: Any = FOLLOWS["lbank"]["restrictions"]
    body = {**answer, "data": {**answer["data"], **flag}}
    entry = load_exchange("lbank")
    facts = normalise(entry, {"restrictions": Answer(200, json.dumps(body).encode())}, KEY)
    (policy,) = load_policies(["desk.yaml"], read=lambda _: LISTED.encode())
    verdicts = evaluate(compile_policy(policy, "lbank", entry, RULES), facts, NOW)
    told = {verdict.subject: verdict.outcome for verdict in verdicts}
    assert told["enableTransfer"] is outcome
    # Its absence proves nothing about what it would allow.
    assert told["transfer"] is Outcome.UNKNOWN
    assert told["trade.futures"] is Outcome.UNKNOWN


@pytest.mark.parametrize("exchange", BY_HAND)
def test_where_nobody_can_ask_everything_is_unknown(exchange: str) -> None:
    assert exchange in load_others()
    policy = load_policy(str(policies_directory() / f"{exchange}-market-making.yaml"))
    controls = compile_policy(policy, exchange, None, RULES)
    verdicts = list(evaluate(controls, Facts.nothing(Reason.UNSUPPORTED_EXCHANGE), NOW))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.UNKNOWN}
    assert {"withdrawal-enabled", "ip-unbound", "permission-missing"} <= {v.name for v in verdicts}
    assert all(verdict.incomplete or verdict.blocks for verdict in verdicts)


def test_there_is_a_policy_for_each_guide() -> None:
    guides = {
        path.stem.removesuffix("-market-making") for path in policies_directory().glob("*-market*")
    }
    assert len(guides) == 14
    assert guides <= set(known_exchanges()) | set(BY_HAND)
