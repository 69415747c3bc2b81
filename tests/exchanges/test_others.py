"""Every exchange that the signing library carries has an honest row, and some others too."""

import subprocess
import sys

import pytest

from gatepolicy.exchanges.catalog import (
    MEANING,
    Other,
    State,
    hint_about,
    is_exchange,
    known_exchanges,
    load_others,
    unknown_exchange,
)
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policy
from gatepolicy.resources import policies_directory
from gatepolicy.rules.catalog import load_rules, with_fixes
from tests.whole_catalog import CATALOG

RULES = load_rules()

GUIDES = {
    "gate", "binance", "bybit", "okx", "kucoin", "bingx", "coinbase", "lbank", "mexc", "xt",
    "bitrue", "bitmart", "biconomy", "coinstore",
}  # fmt: skip


def carried() -> set[str]:
    """What ccxt carries; asked in a process of its own, for importing it is heavy."""
    script = "import ccxt; print(' '.join(ccxt.exchanges))"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


def test_every_exchange_has_exactly_one_row() -> None:
    catalogued, others = set(known_exchanges()), load_others()
    assert not catalogued & others.keys()
    assert carried() <= catalogued | others.keys()
    assert catalogued | others.keys() >= GUIDES
    outside = {name for name, other in others.items() if other.state is State.OUTSIDE}
    assert not outside & carried()
    assert others.keys() - outside <= carried()
    assert {exchange.ccxt_id for exchange in CATALOG.values()} <= carried()


BY_HAND = GUIDES - set(known_exchanges())


@pytest.mark.parametrize("exchange", sorted(BY_HAND))
def test_the_guides_exchanges_have_fixes(exchange: str) -> None:
    """In the words of their web pages, since only people can look there."""
    other = load_others()[exchange]
    policy = load_policy(str(policies_directory() / f"{exchange}-market-making.yaml"))
    asked = {control.name for control in compile_policy(policy, exchange, None, RULES)}
    for rule in RULES.values():
        if rule.info.name in asked and rule.on_keys_page:
            fix = with_fixes(rule, [other]).info.fix_for(exchange)
            assert other.menu.removeprefix("profile icon") in fix, rule.info.name
    about_permissions_and_addresses = {name for name in asked if name[:2] in ("pe", "ip", "wi")}
    assert about_permissions_and_addresses - other.fixes.keys() <= {"permission-unrecognised"}
    assert other.menu in other.summary


def test_fixes_of_others_are_for_rules_that_exist() -> None:
    names = {rule.info.name for rule in RULES.values()}
    for exchange, other in load_others().items():
        assert other.id == exchange
        assert other.title
        assert other.fixes.keys() <= names


def test_what_is_told_about_them() -> None:
    assert Other(State.NOT_RESEARCHED, "").summary == MEANING[State.NOT_RESEARCHED]
    assert Other(State.OUTSIDE, "look").summary == "gatepolicy does not support it: look"
    for other in load_others().values():
        assert bool(other.note) is (other.state is not State.NOT_RESEARCHED)


def test_an_exchange_that_says_nothing_but_why() -> None:
    others = load_others()
    assert list(others) == sorted(others)
    assert others["btcmarkets"] == Other(
        State.NOT_DISCLOSED, "the API reports nothing about the key", "btcmarkets", "btcmarkets"
    )
    bitrue = others["bitrue"]
    assert (bitrue.state, bitrue.id, bitrue.title) == (State.NOT_DISCLOSED, "bitrue", "Bitrue")
    assert bitrue.menu == "profile icon → API"
    assert bitrue.fixes["transfer-enabled"] == (
        "Profile icon → API: untick everything but Read-Only and Trade on the key."
    )


def test_everything_that_is_told_about_one() -> None:
    other = Other(State.NOT_DISCLOSED, "look there", "moon", "Moon", "profile icon → API")
    assert other.summary == (
        "its API does not disclose anything about the calling key: look there"
        " (on Moon: profile icon → API)"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("binanse", "did you mean binance?"),
        ("bitrui", "did you mean bitrue?"),
        ("qqqqqqqqqqqqqq", "'gatepolicy exchanges' lists all exchanges"),
    ],
)
def test_an_unknown_exchange_gets_a_hint(name: str, hint: str) -> None:
    assert not is_exchange(name)
    assert unknown_exchange(name) == (f"unknown exchange {name}", hint)
    assert hint_about(name) == hint


@pytest.mark.parametrize("name", ["binance", "bitrue"])
def test_a_known_exchange_is_one_in_the_catalog_or_outside_it(name: str) -> None:
    assert is_exchange(name)
    assert unknown_exchange(name) is None
