"""Clause by clause: which rule, subject, condition and place a policy becomes."""

from datetime import timedelta
from ipaddress import ip_network

import pytest

from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import Capability, Grade
from gatepolicy.model.verdicts import OnUnknown, Severity
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.policy import Control
from gatepolicy.rules.catalog import load_rules
from gatepolicy.rules.rule import AllOf, AnyOf, Condition
from gatepolicy.rules.rule import Test as Check
from tests.policies.example_exchange import example_exchange, policy_of

RULES = load_rules()
GATE = example_exchange()


def compiled(
    text: str, *, exchange_id: str = "gate", exchange: Exchange | None = GATE
) -> tuple[Control, ...]:
    return compile_policy(policy_of(text), exchange_id, exchange, RULES)


def asked(text: str, exchange: Exchange | None = GATE) -> list[tuple[str, str, int]]:
    """Rule, subject and line of every control."""
    return [(c.rule, c.subject, c.location.line) for c in compiled(text, exchange=exchange)]


def bound_and(check: Check) -> Condition:
    return AllOf((Check("ip.restricted", "is", argument=True), check))


FIRM = (ip_network("203.0.113.0/28"), ip_network("2001:db8:5::/64"))
DAYS_90 = timedelta(days=90)


@pytest.mark.parametrize(
    ("text", "rule", "name", "severity", "on_unknown", "condition", "expected"),
    [
        (
            "permissions: {forbid: [withdraw]}",
            "GP001",
            "withdrawal-enabled",
            Severity.CRITICAL,
            OnUnknown.BLOCK,
            Check("permission.withdraw", "is", argument=False),
            "the key cannot send funds out of the exchange",
        ),
        (
            "permissions: {forbid: [transfer]}",
            "GP002",
            "transfer-enabled",
            Severity.HIGH,
            OnUnknown.INCOMPLETE,
            Check("permission.transfer", "is", argument=False),
            "the key cannot move funds between own wallets, sub-accounts or users",
        ),
        (
            "permissions: {forbid: [trade.futures]}",
            "GP003",
            "permission-forbidden",
            Severity.HIGH,
            OnUnknown.INCOMPLETE,
            Check("permission.trade.futures", "is", argument=False),
            "the key cannot trade perpetual and delivery contracts",
        ),
        (
            "permissions: {require: [trade.spot]}",
            "GP005",
            "permission-missing",
            Severity.MEDIUM,
            OnUnknown.INCOMPLETE,
            Check("permission.trade.spot", "is", argument=True),
            "the key can place and cancel spot orders",
        ),
        (
            "permissions: {forbid: [earn]}",
            "GP006",
            "permission-unrecognised",
            Severity.HIGH,
            OnUnknown.INCOMPLETE,
            Check("permissions.unrecognised", "empty"),
            "the key has only permissions that the catalog knows",
        ),
        (
            "ip_binding: {required: true}",
            "GP010",
            "ip-unbound",
            Severity.HIGH,
            OnUnknown.BLOCK,
            Check("ip.restricted", "is", argument=True),
            "only listed addresses may use the key",
        ),
        (
            "ip_binding: {within: [203.0.113.0/29, 203.0.113.8/29, '2001:db8:5::/64']}",
            "GP011",
            "ip-outside-allowlist",
            Severity.HIGH,
            OnUnknown.INCOMPLETE,
            bound_and(Check("ip.allowlist", "all_within", FIRM)),
            "only addresses within 203.0.113.0/28, 2001:db8:5::/64 may use the key",
        ),
        (
            "ip_binding: {widest: 28}",
            "GP012",
            "ip-range-too-wide",
            Severity.MEDIUM,
            OnUnknown.INCOMPLETE,
            bound_and(Check("ip.allowlist", "no_wider_than", 28)),
            "no range wider than /28 (IPv4, or as many IPv6 addresses) may use the key",
        ),
        (
            "ip_binding: {at_most: 4}",
            "GP013",
            "ip-list-too-long",
            Severity.LOW,
            OnUnknown.INCOMPLETE,
            bound_and(Check("ip.allowlist", "at_most", 4)),
            "the key's address list has at most 4 entries",
        ),
        (
            "key: {max_age: 90d}",
            "GP020",
            "key-too-old",
            Severity.MEDIUM,
            OnUnknown.INCOMPLETE,
            Check("key.created_at", "younger_than", DAYS_90),
            "the key is at most 90 days old",
        ),
        (
            "key: {max_idle: 36h}",
            "GP021",
            "key-idle",
            Severity.MEDIUM,
            OnUnknown.INCOMPLETE,
            AnyOf(
                (
                    Check("key.last_used_at", "used_within", timedelta(hours=36)),
                    AllOf(
                        (
                            Check("key.last_used_at", "never"),
                            Check("key.created_at", "younger_than", timedelta(hours=36)),
                        )
                    ),
                )
            ),
            "the key was used within the last 36 hours",
        ),
        (
            "key: {must_expire: true}",
            "GP024",
            "key-never-expires",
            Severity.LOW,
            OnUnknown.INCOMPLETE,
            Check("key.expires_at", "dated"),
            "the key has an expiry date",
        ),
        (
            "key: {name: '^ICG-'}",
            "GP025",
            "key-name-mismatch",
            Severity.LOW,
            OnUnknown.INCOMPLETE,
            Check("key.name", "matches", "^ICG-"),
            "the key's name matches ^ICG-",
        ),
        (
            "key: {trading_pairs: none}",
            "GP026",
            "trading-pairs-restricted",
            Severity.MEDIUM,
            OnUnknown.INCOMPLETE,
            Check("key.trading_pairs", "empty"),
            "the key may trade every pair",
        ),
        (
            "key: {trading_pairs: {within: [BTC_USDT, ETH_USDT]}}",
            "GP027",
            "trading-pairs-outside-list",
            Severity.MEDIUM,
            OnUnknown.INCOMPLETE,
            Check("key.trading_pairs", "some_within", ("BTC_USDT", "ETH_USDT")),
            "the key may trade only BTC_USDT, ETH_USDT",
        ),
    ],
)
def test_each_clause_becomes_a_rule(
    text: str,
    rule: str,
    name: str,
    severity: Severity,
    on_unknown: OnUnknown,
    condition: Condition,
    expected: str,
) -> None:
    (control,) = [c for c in compiled(text) if c.rule == rule]
    assert control.name == name
    assert control.severity is severity
    assert control.on_unknown is on_unknown
    assert control.condition == condition
    assert control.expected == expected
    assert control.policy == "desk"
    assert control.accepted == frozenset(Grade) - {Grade.INFERRED, Grade.APPARENT}


def test_days_to_expiry_ask_for_expiry_too() -> None:
    controls = compiled("key: {min_days_to_expiry: 14}")
    assert [(c.rule, c.condition) for c in controls] == [
        ("GP022", Check("key.expires_at", "days_left", 14)),
        ("GP023", Check("key.expires_at", "days_left", 0)),
    ]


def test_active_asks_for_expiry_too() -> None:
    controls = compiled("key: {active: true}")
    assert [(c.rule, c.condition) for c in controls] == [
        ("GP023", Check("key.expires_at", "days_left", 0)),
        ("GP028", Check("key.active", "is", argument=True)),
    ]


@pytest.mark.parametrize(
    "text", ["ip_binding: {required: false}", "key: {must_expire: false}", "key: {active: false}"]
)
def test_false_asks_nothing(text: str) -> None:
    controls = compiled(f"permissions: {{require: [read]}}\n{text}")
    assert [control.rule for control in controls] == ["GP005"]


def test_forbidden_capabilities_go_to_their_rules_line_by_line() -> None:
    text = "permissions:\n  forbid:\n    - earn\n    - withdraw\n    - transfer\n    - p2p\n"
    assert asked(text) == [
        ("GP001", "withdraw", 7),
        ("GP002", "transfer", 8),
        ("GP003", "earn", 6),
        ("GP003", "p2p", 9),
        ("GP006", "", 5),
    ]


BEYOND_READ_AND_SPOT = [
    "trade.margin", "trade.futures", "trade.options", "convert", "earn", "loan", "copy_trading",
    "p2p", "custody", "manage",
]  # fmt: skip


def test_allow_is_a_closed_world() -> None:
    assert asked("permissions:\n  allow: [read, trade.spot]\n") == [
        ("GP001", "withdraw", 5),
        ("GP002", "transfer", 5),
        *(("GP004", capability, 5) for capability in BEYOND_READ_AND_SPOT),
        ("GP006", "", 5),
    ]


def test_what_is_forbidden_is_not_asked_twice() -> None:
    assert asked(
        "permissions:\n  allow: [read, trade.spot]\n  forbid: [withdraw, transfer, earn]\n"
    ) == [
        ("GP001", "withdraw", 6),
        ("GP002", "transfer", 6),
        ("GP003", "earn", 6),
        *(("GP004", capability, 5) for capability in BEYOND_READ_AND_SPOT if capability != "earn"),
        ("GP006", "", 5),
    ]


WORDS = """\
permissions:
  allow: [read]
exchanges:
  gate:
    permissions:
      allow:
        spot: read-write
        account: read-only
"""


def test_words_of_the_exchange_replace_the_general_allow() -> None:
    assert asked(WORDS) == [
        ("GP001", "withdraw", 9),
        ("GP002", "transfer", 9),
        ("GP004", "account", 11),
        ("GP004", "wallet", 9),
        ("GP006", "", 9),
    ]


def test_limits_of_words() -> None:
    controls = {c.subject: c for c in compiled(WORDS)}
    assert controls["account"].condition == Check(
        "permissions.native", "word_at_most", ("account", "read-only")
    )
    assert controls["account"].expected == "account is off or read-only"
    assert controls["wallet"].condition == Check(
        "permissions.native", "word_at_most", ("wallet", "none")
    )
    assert controls["wallet"].expected == "Wallet (wallet) is off"


def test_words_in_a_list_are_allowed_without_limit() -> None:
    text = "exchanges:\n  gate:\n    permissions:\n      allow: [spot, account]\n"
    assert asked(text) == [
        ("GP001", "withdraw", 7),
        ("GP002", "transfer", 7),
        ("GP004", "wallet", 7),
        ("GP006", "", 7),
    ]


def test_a_capability_without_a_documented_word_is_asked_beside_the_words() -> None:
    exchange = example_exchange(inferred=[Capability.WITHDRAW, Capability.P2P])
    assert asked(WORDS, exchange) == [
        ("GP001", "withdraw", 9),
        ("GP002", "transfer", 9),
        ("GP004", "p2p", 9),
        ("GP004", "account", 11),
        ("GP004", "wallet", 9),
        ("GP006", "", 9),
    ]


def test_such_a_capability_is_not_asked_twice_when_it_is_forbidden() -> None:
    exchange = example_exchange(inferred=[Capability.WITHDRAW])
    text = WORDS.replace("  allow: [read]\n", "  forbid: [withdraw]\n", 1)
    assert asked(text, exchange)[0] == ("GP001", "withdraw", 5)
    assert [rule for rule, _, _ in asked(text, exchange)].count("GP001") == 1


def test_words_of_an_exchange_without_a_catalog_entry_leave_every_capability_asked() -> None:
    assert [subject for _, subject, _ in asked(WORDS, None)] == [
        "withdraw",
        "transfer",
        *(c.value for c in Capability if c.value not in ("withdraw", "transfer")),
        "",
    ]


def test_other_exchanges_keep_the_general_allow() -> None:
    controls = compiled(WORDS, exchange_id="okx", exchange=None)
    assert {c.location.line for c in controls} == {5}
    assert "trade.spot" in [c.subject for c in controls]


OVERRIDES = """\
ip_binding: {required: true, within: [203.0.113.0/28]}
key:
  max_age: 90d
  max_idle: 30d
  trading_pairs: none
on_unknown: {default: warn, key-idle: block}
severity: {key-too-old: high, GP021: info}
evidence: {accept: [observed]}
exchanges:
  gate:
    ip_binding: {required: false}
    key:
      max_age: 365d
      trading_pairs: {within: [BTC_USDT]}
    on_unknown: {GP021: incomplete}
    severity: {GP020: critical}
    evidence: {accept: [observed, inferred], because: tests}
  okx:
    key: {max_age: 180d}
"""


def test_an_exchange_replaces_property_by_property() -> None:
    gate = {c.rule: c for c in compiled(OVERRIDES)}
    assert sorted(gate) == ["GP011", "GP020", "GP021", "GP027"]
    assert gate["GP020"].condition == Check("key.created_at", "younger_than", timedelta(days=365))
    assert gate["GP020"].location.line == 16
    assert gate["GP021"].location.line == 7
    assert gate["GP020"].severity is Severity.CRITICAL
    assert gate["GP021"].severity is Severity.INFO
    assert gate["GP020"].on_unknown is OnUnknown.WARN
    assert gate["GP021"].on_unknown is OnUnknown.INCOMPLETE
    assert gate["GP020"].accepted == {Grade.OBSERVED, Grade.INFERRED}


def test_what_an_exchange_does_not_replace_stays() -> None:
    okx = {c.rule: c for c in compiled(OVERRIDES, exchange_id="okx", exchange=None)}
    assert sorted(okx) == ["GP010", "GP011", "GP020", "GP021", "GP026"]
    assert okx["GP020"].severity is Severity.HIGH
    assert okx["GP021"].on_unknown is OnUnknown.BLOCK
    assert okx["GP020"].accepted == {Grade.OBSERVED}


@pytest.mark.parametrize(
    ("on_unknown", "withdraw", "earn"),
    [
        ("default: warn", OnUnknown.WARN, OnUnknown.WARN),
        ("default: warn, permissions: incomplete", OnUnknown.INCOMPLETE, OnUnknown.INCOMPLETE),
        ("permissions: warn, withdraw: incomplete", OnUnknown.INCOMPLETE, OnUnknown.WARN),
        ("withdraw: warn, withdrawal-enabled: block", OnUnknown.BLOCK, OnUnknown.INCOMPLETE),
        ("permissions: warn, GP003: block", OnUnknown.WARN, OnUnknown.BLOCK),
        ("key: warn", OnUnknown.BLOCK, OnUnknown.INCOMPLETE),
    ],
)
def test_the_most_exact_meaning_of_an_unknown_counts(
    on_unknown: str, withdraw: OnUnknown, earn: OnUnknown
) -> None:
    controls = compiled(
        f"permissions: {{forbid: [withdraw, earn]}}\non_unknown: {{{on_unknown}}}\n"
    )
    by_subject = {c.subject: c.on_unknown for c in controls}
    assert (by_subject["withdraw"], by_subject["earn"]) == (withdraw, earn)


def test_controls_come_in_the_order_of_the_rules() -> None:
    text = "key: {max_age: 1d}\nip_binding: {required: true}\npermissions: {forbid: [withdraw]}\n"
    assert [c.rule for c in compiled(text)] == ["GP001", "GP006", "GP010", "GP020"]
