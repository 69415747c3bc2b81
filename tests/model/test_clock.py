"""The Date of answers against the clock of this machine."""

from datetime import UTC, datetime, timedelta

import pytest

from gatepolicy.model.evidence import (
    FARTHEST,
    Evidence,
    Location,
    Subject,
    clock_warnings,
    date_of,
    largest_skew,
    skew_of,
)
from gatepolicy.model.facts import Facts

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("Thu, 26 Nov 2026 12:00:00 GMT", NOW),
        ("Thursday, 26-Nov-26 12:00:00 GMT", NOW),
        ("Thu, 26 Nov 2026 14:00:00 +0200", NOW),
        ("Thu, 26 Nov 2026 12:00:00", NOW),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("Thu, 26 Nov 2026 25:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
    ],
)
def test_a_date_is_read_or_it_is_none(header: str | None, moment: datetime | None) -> None:
    assert date_of(header) == moment


@pytest.mark.parametrize(
    ("ahead", "skew"),
    [
        (0 * MINUTE, None),
        (5 * MINUTE, None),
        (-5 * MINUTE, None),
        (6 * MINUTE, 6 * MINUTE),
        (-6 * MINUTE, -6 * MINUTE),
        (timedelta(days=60), timedelta(days=60)),
        (2 * FARTHEST, FARTHEST),
        (-2 * FARTHEST, -FARTHEST),
    ],
)
def test_five_minutes_are_tolerable(ahead: timedelta, skew: timedelta | None) -> None:
    assert skew_of(NOW + ahead, NOW) == skew


def test_no_date_says_nothing_about_the_clock() -> None:
    assert skew_of(None, NOW) is None


def test_the_skew_farthest_from_zero_counts() -> None:
    assert largest_skew([None, 6 * MINUTE, -7 * MINUTE, None]) == -7 * MINUTE
    assert largest_skew([None]) is None


def evidence(exchange: str, skew: timedelta | None) -> Evidence:
    subject = Subject(exchange, exchange, {}, "", Location("a.yaml", 1, 1))
    return Evidence(subject, NOW, Facts(), (), skew)


@pytest.mark.parametrize(
    ("skews", "told"),
    [
        (
            {"okx": timedelta(days=60), "gate": None},
            "this machine's clock is 60 days behind okx: no age or expiry of 1 account can",
        ),
        (
            {"okx": -timedelta(hours=26), "gate": -timedelta(hours=25)},
            "this machine's clock is 26 hours ahead of gate, okx: no age or expiry of 2 accounts",
        ),
        (
            dict.fromkeys("gfedcba", 6 * MINUTE),
            "this machine's clock is 6 minutes behind a, b, c, d, e and 2 more: no age",
        ),
    ],
)
def test_a_wrong_clock_is_told_once(skews: dict[str, timedelta | None], told: str) -> None:
    (line,) = clock_warnings([evidence(*one) for one in skews.items()])
    assert line.startswith(told)
    assert "NTP" in line


def test_a_right_clock_is_not_worth_a_word() -> None:
    assert list(clock_warnings([evidence("okx", None)])) == []
