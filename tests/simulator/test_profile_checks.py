"""Checks of simulated exchanges as pure functions: numbers that must grow, and signatures."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from gatepolicy.simulator.answers import Answer, Request
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_exchange import ProfileExchange
from gatepolicy.simulator.profile_keys import profile_key
from gatepolicy.simulator.schemes.table import SCHEMES

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key_of(exchange: str) -> SimulatedKey:
    return profile_key(load_profile(exchange), 1, NOW)


def zaif(key: SimulatedKey, nonce: str) -> Request:
    body = urlencode({"method": "get_info", "nonce": nonce}).encode()
    sign = hmac.new(key.secret.encode(), body, hashlib.sha512).hexdigest()
    return Request("POST", "/tapi", "", {"Key": key.api_key, "Sign": sign}, body, NOW.timestamp())


def bitfinex(key: SimulatedKey, nonce: str) -> Request:
    path = "/v2/auth/r/permissions"
    sign = hmac.new(key.secret.encode(), f"/api{path}{nonce}{{}}".encode(), "sha384").hexdigest()
    headers = {"bfx-apikey": key.api_key, "bfx-signature": sign, "bfx-nonce": nonce}
    return Request("POST", path, "", headers, b"{}", NOW.timestamp())


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
    simulated = ProfileExchange(load_profile("zaif"), [key])
    assert said(simulated.answer(zaif(key, first))) == ""
    assert said(simulated.answer(zaif(key, second))) == ""
    assert said(simulated.answer(zaif(key, second))) == "nonce not incremented"
    assert said(simulated.answer(zaif(key, first))) == "nonce not incremented"


@pytest.mark.parametrize(
    "nonce", ["", "0", "0.0", "-1", ".5", "5.", "1.2.3", "1e3", "NaN", "Infinity", "٣", "9" * 41]
)
def test_what_is_no_number_is_no_nonce(nonce: str) -> None:
    key = key_of("zaif")
    simulated = ProfileExchange(load_profile("zaif"), [key])
    assert said(simulated.answer(zaif(key, nonce))) == "nonce not incremented"


def test_a_nonce_has_no_decimals_unless_the_profile_says_so() -> None:
    key = key_of("bitfinex")
    simulated = ProfileExchange(load_profile("bitfinex"), [key])
    assert said(simulated.answer(bitfinex(key, "1.5"))) == ["error", 10114]
    assert said(simulated.answer(bitfinex(key, "1"))) != ["error", 10114]


def signed(exchange: str, secret: str, signature: str, query: str, at: float) -> str | None:
    """Why a scheme refuses a GET with this query and signature, at this time."""
    profile = load_profile(exchange)
    scheme = SCHEMES[profile.auth["scheme"]]
    request = Request("GET", "/any", f"{query}&signature={signature}", {}, b"", at)
    return scheme.refusal(request, profile.auth, replace(key_of(exchange), secret=secret))


@pytest.mark.parametrize(
    ("exchange", "secret", "signature", "query", "at"),
    [
        (  # https://toobit-docs.github.io/apidocs/spot/v1/en/ (signed endpoint examples)
            "toobit",
            "30lfjDT51iOG1kYZnDoLNynOyMdIcmQyO1XYfxzYOmQfx9tjiI98Pzio4uhZ0Uk2",
            "8420e499e71cce4a00946db16543198b6bcae01791bdb75a06b5a7098b156468",
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=400"
            "&recvWindow=100000&timestamp=1668481902307",
            1668481902.0,
        ),
        (  # https://docs.hashkey.com (signature authentication, example 1)
            "hashkey",
            "lH3ELTNiFxCQTmi9pPcWWikhsjO04Yoqw3euoHUuOLC3GYBW64ZqzQsiOEHXQS76",
            "5f2750ad7589d1d40757a55342e621a44037dad23b5128cc70e18ec1d1c3f4c6",
            "symbol=ETHBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
            "&recvWindow=5000&timestamp=1538323200000",
            1538323200.0,
        ),
    ],
)
def test_a_documented_signature_of_a_query_is_right(
    exchange: str, secret: str, signature: str, query: str, at: float
) -> None:
    assert signed(exchange, secret, signature, query, at) is None
    assert signed(exchange, secret, signature.upper(), query, at) is None
    assert signed(exchange, secret, signature, f"{query}0", at) is not None
    assert signed(exchange, secret, signature, query.replace("1", "2", 1), at) == "bad_signature"
    assert signed(exchange, f"{secret}0", signature, query, at) == "bad_signature"
    assert signed(exchange, secret, signature, query, at + 60) == "clock"


# The inputs are the example of https://docs.kraken.com/api/docs/guides/futures-rest/, whose secret
# lacks the padding of its base64; the result was computed by other programs than this one.
FUTURES_SECRET = (
    "rttp4AzwRfYEdQ7R7X8Z/04Y4TZPa97pqCypi3xXxAqftygftnI6H9yGV+OcUOOJeFtZkr8mVwbAndU3Kz4Q+eG="
)
AUTHENT = "DqUyz8Wh/72af7dimSXHw91IFxrAriTgVodyg2s67PU2mVStwLDQak+uIoCtfb43XONq0xVAp+vm5dqnhFAB1Q=="


def futures(
    *,
    path: str = "/api/v3/orderbook",
    query: str = "symbol=fi_xbtusd_180615",
    body: bytes = b"",
    nonce: str = "1415957147987",
    secret: str = FUTURES_SECRET,
) -> str | None:
    profile = load_profile("krakenfutures")
    headers = {"APIKey": "any", "Authent": AUTHENT, "Nonce": nonce}
    request = Request("GET", path, query, headers, body, NOW.timestamp())
    key = replace(key_of("krakenfutures"), secret=secret)
    return SCHEMES[profile.auth["scheme"]].refusal(request, profile.auth, key)


def test_a_signature_of_kraken_futures_is_over_parameters_nonce_and_path() -> None:
    assert futures() is None
    # Parameters of a POST are signed in the same way, and the first segment is not signed.
    assert futures(query="", body=b"symbol=fi_xbtusd_180615") is None
    assert futures(path="/derivatives/api/v3/orderbook") is None


def test_any_other_request_to_kraken_futures_is_refused() -> None:
    for refused in (
        futures(nonce=""),
        futures(nonce="1415957147988"),
        futures(query="symbol=fi_xbtusd_180616"),
        futures(path="/api/v3/orderbooks"),
        futures(secret="no base64"),
        futures(secret=""),
    ):
        assert refused == "bad_signature"


def test_the_documented_signature_of_a_body_for_indodax_is_right() -> None:
    # https://github.com/btcid/indodax-official-api-docs Private-RestAPI.md (SIGNED examples)
    secret = "f60617a68fcce028f0a90bc9eb765d17379eb548cc935c01a7ee3186eecf870e9b68f27a31bcfe8d"
    sign = (
        "bab004e5a518740d7a33b38b44dbebecd3fb39f40b42391af39fcce06edabff5"
        "233b3e8064a07c528d1c751a6923d5116026c7786e01b22e2d35277a098cae99"
    )
    body = b"method=getInfo&timestamp=1578304294000&recvWindow=1578303937000"
    profile = load_profile("indodax")
    scheme = SCHEMES[profile.auth["scheme"]]
    key = replace(key_of("indodax"), secret=secret)
    request = Request("POST", "/tapi", "", {"Key": "any", "Sign": sign}, body, NOW.timestamp())
    assert scheme.refusal(request, profile.auth, key) is None
    assert scheme.refusal(replace(request, body=body + b"0"), profile.auth, key) == "bad_signature"


def test_the_body_says_which_call_of_indodax_it_is() -> None:
    key = key_of("indodax")
    simulated = ProfileExchange(load_profile("indodax"), [key])

    def answer(body: str) -> Answer:
        sign = hmac.new(key.secret.encode(), body.encode(), "sha512").hexdigest()
        headers = {"Key": key.api_key, "Sign": sign}
        return simulated.answer(
            Request("POST", "/tapi", "", headers, body.encode(), NOW.timestamp())
        )

    assert said(answer("method=openOrders")) == ""
    assert said(answer("method=withdrawFee&currency=btc")) == "No permission"
    # What acts, or is not asked for, is not there.
    for other in ("method=withdrawCoin&currency=btc", "method=withdrawFee", "method=trade"):
        assert answer(other).status == 404
