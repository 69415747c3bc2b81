"""Every exchange that the signing library carries has an honest row, and some others too."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from gatepolicy.exchanges.catalog import (
    MEANING,
    READ_AGAIN_AFTER,
    Other,
    State,
    hint_about,
    is_exchange,
    known_exchanges,
    load_exchange,
    load_others,
    read_long_ago,
    unknown_exchange,
)
from gatepolicy.exchanges.exchange import Exchange, SeenLive
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policy
from gatepolicy.resources import catalog_directory, policies_directory
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
        State.NOT_DISCLOSED,
        "the API reports nothing about the key",
        "btcmarkets",
        "btcmarkets",
        documents_read=date(2026, 11, 23),
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


def test_every_entry_says_when_its_documents_were_read() -> None:
    entries: list[Exchange | Other] = [*CATALOG.values(), *load_others().values()]
    assert [one.id for one in entries if one.documents_read is None] == []
    newest = max(one.documents_read for one in entries if one.documents_read)
    assert list(read_long_ago(entries, newest)) == []
    much_later = newest + READ_AGAIN_AFTER + timedelta(days=1)
    assert list(read_long_ago(entries, much_later)) == [one.id for one in entries]


def test_what_was_seen_of_one_exchange_is_not_seen_of_another_that_is_based_on_it(
    tmp_path: Path,
) -> None:
    for name in ("okx", "okxus"):
        text = (catalog_directory() / f"{name}.yaml").read_text(encoding="utf-8")
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    with (tmp_path / "okx.yaml").open("a", encoding="utf-8") as file:
        file.write("seen: [{date: 2026-11-25, source: a desk}]\n")
    base, other = (load_exchange(name, tmp_path) for name in ("okx", "okxus"))
    assert base.seen == (SeenLive(date(2026, 11, 25), "a desk"),)
    assert other.seen == ()
    assert other.documents_read == CATALOG["okxus"].documents_read
