"""One function says what somebody probably meant."""

import pytest

from gatepolicy.documents.schema import did_you_mean, nearest

KNOWN = ("binance", "okx", "ip-unbound", "GP010")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("binanse", "binance"),
        ("Binance", "binance"),
        ("BINANSE", "binance"),
        ("ip-unbond", "ip-unbound"),
        ("gp010", "GP010"),
        ("moonex", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_in_any_case(written: str, meant: str) -> None:
    assert nearest(written, KNOWN) == meant


def test_the_hint_says_what_to_do_where_nothing_is_like_it() -> None:
    assert did_you_mean("okk", KNOWN, "see the list") == "did you mean okx?"
    assert did_you_mean("zzz", KNOWN, "see the list") == "see the list"
