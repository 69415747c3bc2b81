"""Sites with keys of their own: a refused key names where else it may belong."""

from dataclasses import replace

import pytest

from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.interpret import Failure, interpret
from gatepolicy.model.facts import Reason
from tests.whole_catalog import CATALOG


def refusal(exchange: str, status: int, body: str) -> Failure:
    failure = interpret(load_exchange(exchange), Answer(status, body.encode()))
    assert isinstance(failure, Failure)
    return failure


UNKNOWN_KEY = '{"msg": "API key doesn\'t exist", "code": "50119"}'


@pytest.mark.parametrize(
    ("exchange", "sisters"),
    [("okx", ["myokx", "okxus"]), ("myokx", ["okx", "okxus"]), ("okxus", ["okx", "myokx"])],
)
def test_a_key_that_okx_does_not_know_names_the_sister_sites(
    exchange: str, sisters: list[str]
) -> None:
    failure = refusal(exchange, 401, UNKNOWN_KEY)
    assert failure.reason is Reason.BAD_KEY
    named = [f"declare the account as {site})" for site in ("okx", "myokx", "okxus")]
    told = [site for site, words in zip(("okx", "myokx", "okxus"), named, strict=True)
            if words in failure.detail]  # fmt: skip
    assert told == [site for site in ("okx", "myokx", "okxus") if site in sisters]


# Status and body of a refusal of an unknown key, and a word that its hint must have.
FAMILIES = {
    "bybit": (200, '{"retCode": 10003, "retMsg": "API key is invalid."}', "bybiteu"),
    "bybiteu": (200, '{"retCode": 10003, "retMsg": "API key is invalid."}', "as bybit)"),
    "bybitid": (200, '{"retCode": 10003, "retMsg": "API key is invalid."}', "bybiteu"),
    "gate": (401, '{"label": "INVALID_KEY", "message": "Invalid key provided"}', "gateeu"),
    "gateeu": (401, '{"label": "INVALID_KEY", "message": "Invalid key provided"}', "as gate)"),
    "kucoin": (401, '{"code": "400003", "msg": "KC-API-KEY not exists"}', "Europe"),
    "kucoinfutures": (401, '{"code": "400003", "msg": "KC-API-KEY not exists"}', "Europe"),
    "binance": (401, '{"code": -2015, "msg": "Invalid API-key, IP, or permissions"}', "binanceus"),
    "binanceus": (401, '{"code": -2014, "msg": "API-key format invalid."}', "as binance)"),
    "coinbase": (401, "Unauthorized", "coinbaseexchange"),
    "htx": (200, '{"code": 1003, "message": "an invented message"}', "bittrade"),
    "bittrade": (200, '{"code": 1003, "message": "an invented message"}', "as htx)"),
    "kraken": (200, '{"error": ["EAPI:Invalid key"]}', "krakenfutures"),
    "krakenfutures": (200, '{"error": "authenticationError"}', "as kraken)"),
    "bitget": (400, '{"code": "40006", "msg": "Invalid ACCESS_KEY"}', "Bitget EU"),
    "hashkey": (400, '{"code": "0102", "msg": "an invented message"}', "Hong Kong"),
    "delta": (401, '{"error": {"code": "invalid_api_key"}}', "https://api.india.delta.exchange"),
}


@pytest.mark.parametrize("exchange", FAMILIES)
def test_every_family_names_its_sites(exchange: str) -> None:
    status, body, word = FAMILIES[exchange]
    failure = refusal(exchange, status, body)
    assert failure.reason is Reason.BAD_KEY
    assert word in failure.detail
    assert f"declare the account as {exchange})" not in failure.detail


def test_every_entry_with_sites_has_a_case() -> None:

    with_sites = {name for name, exchange in CATALOG.items() if exchange.sites}
    assert with_sites == {*FAMILIES, "okx", "myokx", "okxus"}


def test_other_refusals_name_no_sites() -> None:
    failure = refusal("okx", 401, '{"code": "50113", "msg": "Invalid Sign"}')
    assert failure == Failure(Reason.BAD_SIGNATURE)
    failure = refusal("bitvavo", 403, '{"errorCode": 305, "error": "an invented message"}')
    assert failure == Failure(Reason.BAD_KEY)


def test_a_site_without_an_entry_and_without_a_note_is_only_named() -> None:
    okx = load_exchange("okx")
    sites = [replace(site, exchange="", note="") for site in okx.sister_sites[:1]]
    failure = interpret(replace(okx, sites=sites), Answer(401, UNKNOWN_KEY.encode()))
    assert isinstance(failure, Failure)
    assert failure.detail.endswith(f"{sites[0].title} ({sites[0].at})")
