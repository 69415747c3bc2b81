"""Checks of played exchanges as pure functions: numbers that must grow, and signatures."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from gatepolicy.simulator.answers import Answer, Asked
from gatepolicy.simulator.invented import invented_key
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.played import PlayedExchange
from gatepolicy.simulator.profile import load_profile

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key_of(exchange: str) -> SimulatedKey:
    return invented_key(load_profile(exchange), 1, NOW)


def zaif(key: SimulatedKey, nonce: str) -> Asked:
    body = urlencode({"method": "get_info", "nonce": nonce}).encode()
    sign = hmac.new(key.secret.encode(), body, hashlib.sha512).hexdigest()
    return Asked("POST", "/tapi", "", {"Key": key.api_key, "Sign": sign}, body, NOW.timestamp())


def bitfinex(key: SimulatedKey, nonce: str) -> Asked:
    path = "/v2/auth/r/permissions"
    sign = hmac.new(key.secret.encode(), f"/api{path}{nonce}{{}}".encode(), "sha384").hexdigest()
    headers = {"bfx-apikey": key.api_key, "bfx-signature": sign, "bfx-nonce": nonce}
    return Asked("POST", path, "", headers, b"{}", NOW.timestamp())


def said(answer: Answer) -> object:
    body = json.loads(answer.body)
    return body.get("error", "") if isinstance(body, dict) else body[:2]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1", "2"),
        ("9", "10"),
        ("1767225600.00100000", "1767225600.00200000"),
        ("1767225600.9", "1767225601"),
        ("1767225600.00000000000000001", "1767225600.00000000000000002"),
    ],
)
def test_a_nonce_with_decimals_must_grow(first: str, second: str) -> None:
    key = key_of("zaif")
    played = PlayedExchange(load_profile("zaif"), [key])
    assert said(played.answer(zaif(key, first))) == ""
    assert said(played.answer(zaif(key, second))) == ""
    assert said(played.answer(zaif(key, second))) == "nonce not incremented"
    assert said(played.answer(zaif(key, first))) == "nonce not incremented"


@pytest.mark.parametrize(
    "nonce", ["", "0", "0.0", "-1", ".5", "5.", "1.2.3", "1e3", "NaN", "Infinity", "٣", "9" * 41]
)
def test_what_is_no_number_is_no_nonce(nonce: str) -> None:
    key = key_of("zaif")
    played = PlayedExchange(load_profile("zaif"), [key])
    assert said(played.answer(zaif(key, nonce))) == "nonce not incremented"


def test_a_nonce_has_no_decimals_unless_the_profile_says_so() -> None:
    key = key_of("bitfinex")
    played = PlayedExchange(load_profile("bitfinex"), [key])
    assert said(played.answer(bitfinex(key, "1.5"))) == ["error", 10114]
    assert said(played.answer(bitfinex(key, "1"))) != ["error", 10114]
