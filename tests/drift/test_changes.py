"""What changed about a key is told by name, with before and after."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from gatepolicy.drift.changes import Account, account_changes
from gatepolicy.model.facts import (
    FACTS,
    Access,
    Fact,
    Facts,
    FactValue,
    Grade,
    Grant,
    Never,
    Provenance,
    Reason,
    Unknown,
)
from gatepolicy.model.scan import FactChange

OBSERVED = Provenance(Grade.OBSERVED, "keys", "/x")
MADE = datetime(2026, 10, 1, tzinfo=UTC)
LATER = MADE + timedelta(days=30)
ALL = Facts.nothing(Reason.NOT_DISCLOSED)


def account(**facts: FactValue) -> Account:
    known = ALL
    for name, value in facts.items():
        known = known.learn(name.replace("__", "."), Fact(value, OBSERVED))
    return Account("okx", "mm", {"desk": "mm"}, "desk@example.com", known)


def told(before: Account, after: Account) -> list[str]:
    return [
        f"{'!' if c.is_worse else ' '} {c.name} [{c.what}] {c.before} -> {c.after}"
        for c in account_changes(before, after)
    ]


def networks(*texts: str) -> FactValue:
    return tuple(ip_network(text) for text in texts)


@pytest.mark.parametrize(
    ("name", "before", "after", "change"),
    [
        ("permission.withdraw", False, True,
         "! permission-escalated [permission.withdraw] no -> yes"),
        ("permission.withdraw", True, False,
         "  permission-reduced [permission.withdraw] yes -> no"),
        ("permissions.native", (Grant("trade", Access.READ_ONLY),),
         (Grant("trade", Access.READ_ONLY), Grant("withdraw", Access.GRANTED)),
         "! word-granted [permissions.native]  -> withdraw granted"),
        ("permissions.native", (Grant("trade", Access.GRANTED),), (),
         "  word-revoked [permissions.native] trade granted -> "),
        ("permissions.native", (Grant("spot", Access.READ_ONLY),),
         (Grant("spot", Access.READ_WRITE),),
         "! word-changed [permissions.native] spot read-only -> spot read-write"),
        ("permissions.native", (Grant("spot", Access.READ_WRITE),),
         (Grant("spot", Access.READ_ONLY),),
         "  word-changed [permissions.native] spot read-write -> spot read-only"),
        ("permissions.unrecognised", (), ("quantum",),
         "! words-unrecognised [permissions.unrecognised]  -> quantum"),
        ("permissions.unrecognised", ("quantum", "tele"), ("quantum",),
         "  words-unrecognised [permissions.unrecognised] quantum, tele -> quantum"),
        ("key.shared_with", ("b",), ("a", "b"),
         "! key-sharing-changed [key.shared_with] b -> a, b"),
        ("account.keys", ("..a", "..b"), ("..b",),
         "  keys-of-account-changed [account.keys] ..a, ..b -> ..b"),
        ("account.keys", ("..a",), ("..b",),
         "! keys-of-account-changed [account.keys] ..a -> ..b"),
        ("ip.shared_across", ("desk:mm",), ("desk:mm", "desk=otc (okx-otc)"),
         "! ip-sharing-changed [ip.shared_across] none -> desk=otc (okx-otc)"),
        ("ip.shared_across", ("desk:mm", "desk=otc (okx-otc)"), ("desk:otc",),
         "  ip-sharing-changed [ip.shared_across] desk=otc (okx-otc) -> none"),
        ("ip.restricted", True, False, "! ip-binding-weakened [ip.restricted] yes -> no"),
        ("ip.restricted", False, True, "  ip-binding-strengthened [ip.restricted] no -> yes"),
        ("ip.allowlist", networks("203.0.113.7"), networks("203.0.113.7", "198.51.100.1"),
         "! ip-binding-weakened [ip.allowlist] 203.0.113.7/32"
         " -> 203.0.113.7/32, 198.51.100.1/32"),
        ("ip.allowlist", networks("203.0.113.0/28"), networks("203.0.113.0/30"),
         "  ip-binding-strengthened [ip.allowlist] 203.0.113.0/28 -> 203.0.113.0/30"),
        ("ip.allowlist", networks("203.0.113.0/30"), networks("203.0.113.0/28"),
         "! ip-binding-weakened [ip.allowlist] 203.0.113.0/30 -> 203.0.113.0/28"),
        ("key.created_at", MADE, LATER,
         "  key-replaced [key.created_at] 2026-10-01T00:00:00Z -> 2026-10-31T00:00:00Z"),
        ("key.expires_at", MADE, LATER,
         "! expiry-extended [key.expires_at] 2026-10-01T00:00:00Z -> 2026-10-31T00:00:00Z"),
        ("key.expires_at", LATER, MADE,
         "  expiry-shortened [key.expires_at] 2026-10-31T00:00:00Z -> 2026-10-01T00:00:00Z"),
        ("key.expires_at", MADE, Never.NEVER,
         "! expiry-extended [key.expires_at] 2026-10-01T00:00:00Z -> never"),
        ("key.trading_pairs", ("BTC_USDT",), (),
         "! trading-pairs-widened [key.trading_pairs] BTC_USDT -> all"),
        ("key.trading_pairs", (), ("BTC_USDT",),
         "  trading-pairs-narrowed [key.trading_pairs] all -> BTC_USDT"),
        ("key.trading_pairs", ("BTC_USDT",), ("ETH_USDT",),
         "! trading-pairs-widened [key.trading_pairs] BTC_USDT -> ETH_USDT"),
        ("key.name", "a", "b", "  key-renamed [key.name] a -> b"),
        ("key.fingerprint", "0a" * 16 + ":abcd", "0b" * 16 + ":efgh",
         f"  key-replaced [key.fingerprint] {'0a' * 16}:abcd -> {'0b' * 16}:efgh"),
        ("key.fingerprint", "0a" * 16, "0b" * 16,
         f"  key-replaced [key.fingerprint] {'0a' * 16} -> {'0b' * 16}"),
    ],
)  # fmt: skip
def test_a_change_has_a_name(name: str, before: FactValue, after: FactValue, change: str) -> None:
    place = name.replace(".", "__")
    assert told(account(**{place: before}), account(**{place: after})) == [change]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (
            ("desk=otc (a)", "desk=otc (b)"),
            ("desk=otc (a)", "desk=otc:x (c)", "desk?none (d)"),
            "! ip-sharing-changed [ip.shared_across] desk=otc (a), desk=otc (b)"
            " -> desk=otc (a), desk=otc:x (c), desk?none (d)",
        ),
        (
            ("desk=otc (a)", "desk=otc (b)"),
            ("desk=otc (b)",),
            "  ip-sharing-changed [ip.shared_across] desk=otc (a), desk=otc (b) -> desk=otc (b)",
        ),
        # The mark of an account that was left out stands before the value.
        (
            (),
            ("desk=a~b (c)",),
            "! ip-sharing-changed [ip.shared_across] none -> desk=a~b (c)",
        ),
    ],
)
def test_neighbours(before: FactValue, after: FactValue, change: str) -> None:
    assert told(account(ip__shared_across=before), account(ip__shared_across=after)) == [change]


def test_pairs_that_are_fewer_and_others_are_told_apart() -> None:
    before = account(key__trading_pairs=("BTC_USDT", "ETH_USDT"))
    assert told(before, account(key__trading_pairs=("BTC_USDT",))) == [
        "  trading-pairs-narrowed [key.trading_pairs] BTC_USDT, ETH_USDT -> BTC_USDT"
    ]


def test_a_change_is_about_an_account() -> None:
    before = account(key__name="a")
    after = replace(account(key__name="b"), owner="ada@example.com")
    assert list(account_changes(before, after)) == [
        FactChange("key-renamed", False, "okx", "mm", "key.name", "a", "b"),
        FactChange(
            "owner-changed", False, "okx", "mm", "owner", "desk@example.com", "ada@example.com"
        ),
    ]


def test_what_was_left_out_hides_no_other_change() -> None:
    left_out = Unknown(Reason.NOT_SELECTED)
    first = next(iter(FACTS))
    before, after = account(key__name="a"), account(key__name="b")
    after = replace(after, facts=after.facts.learn(first, left_out))
    assert told(before, after) == ["  key-renamed [key.name] a -> b"]


def test_a_label_of_its_own_is_no_neighbour() -> None:
    before, after = account(ip__shared_across=("desk:mm",)), account(ip__shared_across=("desk:a",))
    assert told(before, after) == []


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("key.last_used_at", MADE, LATER),
        # With another key of the firm every hash differs.
        ("key.fingerprint", "0a" * 16 + ":abcd", "0b" * 16 + ":abcd"),
        # That the list is gone is told by ip.restricted.
        ("ip.allowlist", networks("203.0.113.7"), ()),
    ],
)
def test_what_is_no_change(name: str, before: FactValue, after: FactValue) -> None:
    place = name.replace(".", "__")
    assert told(account(**{place: before}), account(**{place: after})) == []


def test_what_is_no_longer_known_is_worse() -> None:
    known, lost = account(ip__restricted=True), account()
    assert told(known, lost) == ["! fact-lost [ip.restricted] yes -> unknown: not_disclosed"]
    assert told(lost, known) == ["  fact-learned [ip.restricted] unknown -> yes"]
    assert told(known, replace(lost, facts=Facts())) == [
        "! fact-lost [ip.restricted] yes -> unknown"
    ]
    assert told(lost, replace(lost, facts=ALL.learn("key.name", Unknown(Reason.TIMEOUT)))) == []


def test_labels_and_owner() -> None:
    before = account()
    after = replace(before, labels={"stage": "live"}, owner="")
    assert told(before, after) == [
        "  label-changed [desk] mm -> ",
        "  label-changed [stage]  -> live",
        "  owner-changed [owner] desk@example.com -> ",
    ]


def test_words_of_grants_in_what_was_lost() -> None:
    known = account(permissions__native=(Grant("spot", Access.READ_ONLY),))
    assert told(known, account()) == [
        "! fact-lost [permissions.native] spot read-only -> unknown: not_disclosed"
    ]


def test_every_fact_but_the_last_use_is_compared() -> None:
    values: dict[str, tuple[FactValue, FactValue]] = {
        "bool": (True, False),
        "text": ("a:0000", "b:1111"),
        "time": (MADE, LATER),
        "texts": (("a",), ("b",)),
        "networks": (networks("203.0.113.7"), networks("198.51.100.1")),
        "grants": ((), (Grant("a", Access.GRANTED),)),
    }
    silent = []
    for name, definition in FACTS.items():
        before, after = values[definition.kind.value]
        place = name.replace(".", "__")
        if not told(account(**{place: before}), account(**{place: after})):
            silent.append(name)
    assert silent == ["key.last_used_at"]
