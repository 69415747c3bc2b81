"""Predicates: one table each, and the law that they are total."""

from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.evaluate.evaluate import doubt_about
from gatepolicy.evaluate.predicates import PREDICATES
from gatepolicy.model.facts import Access, FactValue, Grant, Network, Never, Reason, Unknown
from gatepolicy.rules.rule import Argument
from gatepolicy.rules.rule import Test as Check

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NEVER = Never.NEVER


def days(count: float) -> timedelta:
    return timedelta(days=count)


def nets(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def grants(**words: Access) -> tuple[Grant, ...]:
    return tuple(Grant(word, access) for word, access in words.items())


RW, RO, ON, WHAT = Access.READ_WRITE, Access.READ_ONLY, Access.GRANTED, Access.UNKNOWN

MIXED: Any = (*nets("203.0.113.5"), "any")
"""What no reader gives: if one ever does, nothing is proved by half of it."""

TABLE: list[tuple[str, FactValue, Argument, bool | None]] = [
    ("is", True, True, True),
    ("is", False, True, False),
    ("is", False, False, True),
    ("is", "true", True, None),
    ("is", NEVER, True, None),
    ("is", True, None, None),
    ("is", True, 1, None),
    ("empty", (), None, True),
    ("empty", ("quantum",), None, False),
    ("empty", "", None, None),
    ("empty", False, None, None),
    ("some_within", ("BTC_USDT",), ("BTC_USDT", "ETH_USDT"), True),
    ("some_within", ("BTC_USDT", "DOGE_USDT"), ("BTC_USDT", "ETH_USDT"), False),
    ("some_within", ("BTC_USDT", "ETH_USDT"), ("ETH_USDT", "BTC_USDT"), True),
    ("some_within", (), ("BTC_USDT",), False),
    ("some_within", "BTC_USDT", ("BTC_USDT",), None),
    ("some_within", ("BTC_USDT",), (), None),
    ("some_within", ("BTC_USDT",), "BTC_USDT", None),
    ("some_within", nets("203.0.113.5"), ("BTC_USDT",), None),
    ("word_at_most", (), ("spot", "none"), True),
    ("word_at_most", grants(spot=RW), ("futures", "none"), True),
    ("word_at_most", grants(futures=RW), ("futures", "none"), False),
    ("word_at_most", grants(futures=RO), ("futures", "none"), False),
    ("word_at_most", grants(futures=ON), ("futures", "none"), False),
    ("word_at_most", grants(futures=WHAT), ("futures", "none"), None),
    ("word_at_most", grants(account=RO), ("account", "read-only"), True),
    ("word_at_most", grants(account=RW), ("account", "read-only"), False),
    ("word_at_most", grants(account=ON), ("account", "read-only"), False),
    ("word_at_most", grants(account=WHAT), ("account", "read-only"), None),
    ("word_at_most", (Grant("a", RO), Grant("a", RW)), ("a", "read-only"), False),
    ("word_at_most", (Grant("a", WHAT), Grant("a", RO)), ("a", "read-only"), None),
    ("word_at_most", ("spot",), ("spot", "none"), None),
    ("word_at_most", "spot", ("spot", "none"), None),
    ("word_at_most", grants(spot=RW), "spot", None),
    ("word_at_most", grants(spot=RW), ("spot",), None),
    ("all_within", nets("203.0.113.5"), nets("203.0.113.0/28"), True),
    ("all_within", nets("203.0.113.0/28"), nets("203.0.113.0/28"), True),
    ("all_within", nets("203.0.113.0/27"), nets("203.0.113.0/28"), False),
    ("all_within", nets("203.0.113.5", "198.51.100.7"), nets("203.0.113.0/28"), False),
    ("all_within", nets("2001:db8::5"), nets("203.0.113.0/28", "2001:db8::/64"), True),
    ("all_within", nets("2001:db8:1::5"), nets("203.0.113.0/28", "2001:db8::/64"), False),
    ("all_within", nets("2001:db8::5"), nets("203.0.113.0/28"), False),
    ("all_within", nets("203.0.113.5"), nets("2001:db8::/64"), False),
    ("all_within", (), nets("203.0.113.0/28"), None),
    ("all_within", nets("203.0.113.5"), (), None),
    ("all_within", ("203.0.113.5",), nets("203.0.113.0/28"), None),
    ("all_within", MIXED, nets("203.0.113.0/28"), None),
    ("all_within", True, nets("203.0.113.0/28"), None),
    ("no_wider_than", nets("203.0.113.5"), 32, True),
    ("no_wider_than", nets("203.0.113.0/31"), 32, False),
    ("no_wider_than", nets("203.0.113.0/28"), 28, True),
    ("no_wider_than", nets("2001:db8::5"), 32, True),
    ("no_wider_than", nets("2001:db8::/127"), 32, False),
    ("no_wider_than", nets("2001:db8::/124"), 28, True),
    ("no_wider_than", nets("2001:db8::/123"), 28, False),
    ("no_wider_than", nets("203.0.113.5", "0.0.0.0/0"), 8, False),
    ("no_wider_than", (), 32, None),
    ("no_wider_than", nets("203.0.113.5"), "32", None),
    ("at_most", nets("203.0.113.5"), 1, True),
    ("at_most", nets("203.0.113.5", "203.0.113.6"), 1, False),
    ("at_most", (), 1, None),
    ("at_most", "203.0.113.5", 1, None),
    ("at_most", nets("203.0.113.5"), None, None),
    ("at_most", ("0007", "0009"), 1, False),
    ("apart_by", (), ("desk",), None),
    ("apart_by", ("desk:mm",), ("desk",), True),
    ("apart_by", ("desk:mm",), ("desk", "env"), None),
    ("apart_by", ("desk:mm", "env=test (okx-2)"), ("desk",), True),
    ("apart_by", ("desk=otc (okx-2)",), ("desk",), False),
    ("apart_by", ("desk=otc (okx-2)", "desk?vault (okx-3)"), ("desk",), False),
    ("apart_by", ("desk:mm", "desk?vault (okx-3)"), ("desk",), None),
    ("apart_by", ("env:live", "desk?vault (okx-3)"), ("env",), True),
    ("apart_by", ("desk:mm", "desks=otc (okx-2)"), ("desk",), True),
    ("apart_by", ("desks:mm",), ("desk",), None),
    ("apart_by", ("desk=otc (okx-2)",), (), None),
    ("apart_by", nets("203.0.113.5"), ("desk",), None),
    ("apart_by", True, ("desk",), None),
    ("matches", "ICG-MM 4", "^(ICG-|MM )", True),
    ("matches", "my ICG-MM", "^(ICG-|MM )", False),
    ("matches", "", r"\S", False),
    ("matches", "\N{ZERO WIDTH SPACE}", r"\S", False),
    ("matches", "ICG", "(", None),
    ("matches", True, r"\S", None),
    ("matches", NEVER, "never", None),
    ("matches", "ICG", None, None),
    ("younger_than", NOW - days(90), days(90), True),
    ("younger_than", NOW - days(90) - timedelta(seconds=1), days(90), False),
    ("younger_than", NOW, days(90), True),
    ("younger_than", NOW + timedelta(minutes=59), days(90), True),
    ("younger_than", NOW + timedelta(minutes=60), days(90), True),
    ("younger_than", NOW + timedelta(minutes=61), days(90), None),
    ("younger_than", NOW + days(365), days(90), None),
    ("younger_than", NEVER, days(90), None),
    ("younger_than", (NOW - days(1)).replace(tzinfo=None), days(90), None),
    ("younger_than", "2026-10-31", days(90), None),
    ("younger_than", NOW, 90, None),
    ("younger_than", (NOW - days(1)).astimezone(timezone(timedelta(hours=9))), days(1), True),
    ("used_within", NOW - days(30), days(30), True),
    ("used_within", NOW - days(31), days(30), False),
    ("used_within", NEVER, days(30), False),
    ("used_within", NOW + days(1), days(30), None),
    ("never", NEVER, None, True),
    ("never", NOW, None, False),
    ("never", "never", None, None),
    ("dated", NEVER, None, False),
    ("dated", NOW, None, True),
    ("dated", True, None, None),
    ("days_left", NOW + days(14), 14, True),
    ("days_left", NOW + days(14) - timedelta(seconds=1), 14, False),
    ("days_left", NOW - days(1), 14, False),
    ("days_left", NEVER, 14, True),
    ("days_left", NOW, 0, False),
    ("days_left", NOW + timedelta(seconds=1), 0, True),
    ("days_left", NOW.replace(tzinfo=None), 0, None),
    ("days_left", "soon", 0, None),
    ("days_left", NEVER, None, None),
]


@pytest.mark.parametrize(("name", "value", "argument", "truth"), TABLE)
def test_table(name: str, value: FactValue, argument: Argument, truth: bool | None) -> None:
    assert PREDICATES[name](value, argument, NOW) is truth


@pytest.mark.parametrize("name", PREDICATES)
@pytest.mark.parametrize("truth", [True, False, None])
def test_the_table_shows_every_truth_of_every_predicate(name: str, truth: bool | None) -> None:
    assert any(row[0] == name and row[3] is truth for row in TABLE)


networks = st.sampled_from(nets("203.0.113.5", "203.0.113.0/24", "2001:db8::/32"))
values: st.SearchStrategy[FactValue] = st.one_of(
    st.booleans(),
    st.text(max_size=5),
    st.just(NEVER),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.lists(st.text(max_size=3), max_size=3).map(tuple),
    st.lists(networks, max_size=3).map(tuple),
    st.lists(st.builds(Grant, st.text(max_size=3), st.sampled_from(Access)), max_size=3).map(tuple),
)
arguments: st.SearchStrategy[Argument] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 3650),
    st.sampled_from(["^a", r"\S"]),
    st.timedeltas(timedelta(0), days(100_000)),
    st.lists(st.text(max_size=3), max_size=3).map(tuple),
    st.lists(networks, max_size=3).map(tuple),
)


@given(st.sampled_from(sorted(PREDICATES)), values, arguments)
def test_predicates_are_total(name: str, value: FactValue, argument: Argument) -> None:
    assert PREDICATES[name](value, argument, NOW) in (True, False, None)


def test_a_day_at_the_end_of_time_is_judged() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert PREDICATES["days_left"](last, 14, NOW) is True
    assert PREDICATES["younger_than"](datetime.min.replace(tzinfo=UTC), days(1), NOW) is False


def test_what_is_open_is_named_where_it_decides() -> None:
    asked = Check("ip.shared_across", "apart_by", ("desk",))
    doubt = doubt_about(asked, ("desk:mm", "desk?otc (okx-2)", "desk~x (b)", "env?test (okx-2)"))
    assert doubt is not None
    assert doubt.reason is Reason.NOT_DISCLOSED
    what = "unknown addresses or label: desk=otc (okx-2);"
    assert doubt.detail.startswith(what)
    assert doubt_about(asked, ("desk:mm", "env?test (okx-2)")) is None
    lacking = Unknown(Reason.NOT_DISCLOSED, "the account has no label desk")
    assert doubt_about(asked, ("env:live", "desk~x (b)")) == lacking
    assert doubt_about(Check("key.name", "matches", "x"), "y") is None


def test_what_was_left_out_decides_nothing() -> None:
    asked = Check("ip.shared_across", "apart_by", ("desk",))
    entries = ("desk:mm", "desk~otc (okx-2)", "env~test (okx-3)")
    assert PREDICATES["apart_by"](entries, ("desk",), NOW) is None
    assert PREDICATES["apart_by"]((*entries, "desk=otc (b)"), ("desk",), NOW) is False
    left_out = Unknown(Reason.NOT_SELECTED, "the addresses of desk=otc (okx-2) were not read")
    assert doubt_about(asked, entries) == left_out
