"""What no scan could ask about: told by ``check`` with its place, and left to be by a scan."""

import pytest

from gatepolicy.accounts.account import Inventory
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.errors import DocumentError
from gatepolicy.exchanges.catalog import load_others
from tests.whole_catalog import CATALOG

HEAD = "apiVersion: gatepolicy/v1\nkind: Inventory\naccounts:\n"
KEY = "credentials: {apiKey: env:KEY, secret: env:SECRET}"
AUDITED = "id: b, exchange: gate, key: k-123456, audited_by: a"


def load(*entries: str, answerable: bool) -> Inventory:
    text = HEAD + "".join(f"  - {{{entry}}}\n" for entry in entries)
    return load_inventory("accounts.yaml", read=lambda _: text.encode(), answerable=answerable)


def problems(*entries: str) -> list[str]:
    load(*entries, answerable=False)  # a scan makes reasons of these
    with pytest.raises(DocumentError) as raised:
        load(*entries, answerable=True)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (
            [f"id: a, exchange: krakn, {KEY}"],
            "accounts.yaml:4:23: accounts[0].exchange: unknown exchange krakn;"
            " did you mean kraken?",
        ),
        (
            [f"id: a, exchange: bitmat, {KEY}"],
            "accounts.yaml:4:23: accounts[0].exchange: unknown exchange bitmat;"
            " did you mean bitmart?",
        ),
        (
            [f"id: a, exchange: qqqqqqqqq, {KEY}"],
            "accounts.yaml:4:23: accounts[0].exchange: unknown exchange qqqqqqqqq;"
            " 'gatepolicy exchanges' lists all exchanges",
        ),
        (
            [f"id: a, exchange: okx, {KEY}"],
            "accounts.yaml:4:41: accounts[0].credentials: no password;"
            " OKX needs apiKey, secret, password",
        ),
        (
            ["id: a, exchange: okx, credentials: {uid: env:UID}"],
            "accounts.yaml:4:41: accounts[0].credentials: no apiKey, no secret and no password;"
            " OKX needs apiKey, secret, password",
        ),
        (
            [f"id: a, exchange: kraken, {KEY}, discover: true"],
            "accounts.yaml:4:93: accounts[0].discover: no call lists the keys of Kraken;"
            " remove discover",
        ),
        (
            [f"id: a, exchange: kraken, {KEY}", AUDITED.replace("gate", "kraken")],
            "accounts.yaml:5:58: accounts[1].audited_by: no call lists the keys of Kraken;"
            " use credentials instead of audited_by",
        ),
        (
            [f"id: a, exchange: bitmart, {KEY}", AUDITED.replace("gate", "bitmart")],
            "accounts.yaml:5:59: accounts[1].audited_by: no call lists the keys of BitMart;"
            " use credentials instead of audited_by",
        ),
        (
            [f"id: a, exchange: bitmart, {KEY}, discover: true"],
            "accounts.yaml:4:94: accounts[0].discover: no call lists the keys of BitMart;"
            " remove discover",
        ),
        (
            [f"id: a, exchange: kraken, {KEY}, sandbox: true"],
            "accounts.yaml:4:92: accounts[0].sandbox: the sandbox of Kraken does not answer what"
            " a key can do; remove sandbox",
        ),
    ],
)  # fmt: skip
def test_what_could_not_be_asked(entries: list[str], problem: str) -> None:
    assert problems(*entries) == [problem]


def test_everything_is_told_in_one_go_and_in_order() -> None:
    entries = (f"id: a, exchange: okx, {KEY}", f"id: a, exchange: krakn, {KEY}")
    text = HEAD + "".join(f"  - {{{entry}}}\n" for entry in entries)
    with pytest.raises(DocumentError) as raised:
        load_inventory("accounts.yaml", read=lambda _: text.encode(), answerable=True)
    places = [str(problem.location) for problem in raised.value.problems]
    assert places == ["accounts.yaml:4:41", "accounts.yaml:5:10", "accounts.yaml:5:23"]


@pytest.mark.parametrize("exchange", sorted(CATALOG))
def test_an_account_with_all_credentials_is_sound(exchange: str) -> None:
    needed = CATALOG[exchange].credentials
    written = ", ".join(f"{name}: env:{name.upper()}" for name in needed)
    entry = f"id: a, exchange: {exchange}, credentials: {{{written}}}"
    (account,) = load(entry, answerable=True).accounts
    assert account.credentials.keys() == set(needed)


def test_an_audited_account_needs_no_credentials() -> None:
    inventory = load(
        f"id: a, exchange: gate, {KEY}, discover: true",
        AUDITED,
        "id: c, exchange: gate, credentials: {apiKey: env:KEY}, audited_by: a",
        answerable=True,
    )
    assert [account.audited_by for account in inventory.accounts] == ["", "a", "a"]


@pytest.mark.parametrize("exchange", load_others())
@pytest.mark.parametrize("answerable", [True, False])
def test_where_nobody_can_ask_no_credentials_are_needed(exchange: str, answerable: bool) -> None:
    (account,) = load(f"id: a, exchange: {exchange}", answerable=answerable).accounts
    assert account.credentials == {}


def test_an_unknown_exchange_is_no_exchange_that_nobody_can_ask() -> None:
    with pytest.raises(DocumentError, match="no credentials and no auditor"):
        load("id: a, exchange: krakn", answerable=False)
