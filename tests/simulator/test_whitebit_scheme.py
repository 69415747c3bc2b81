"""WhiteBIT's signature covers the whole body, which names the path."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_exchange import ProfileExchange
from gatepolicy.simulator.profile_keys import profile_key

PROFILE = load_profile("whitebit")
KEY = profile_key(PROFILE, 1, datetime.now(UTC))
PATH = "/api/v4/market/fee"


def request(signed: object, *, sent: object = None, path: str = PATH) -> Request:
    """A request whose payload header holds one body, and which carries that or another one."""
    payload = base64.b64encode(json.dumps(signed).encode())
    headers = {
        "X-TXC-APIKEY": KEY.api_key,
        "X-TXC-PAYLOAD": payload.decode(),
        "X-TXC-SIGNATURE": hmac.new(KEY.secret.encode(), payload, hashlib.sha512).hexdigest(),
    }
    body = json.dumps(signed if sent is None else sent).encode()
    return Request("POST", path, "", headers, body, 1_700_000_000.0)


def answers(*requests: Request) -> list[tuple[int, object]]:
    exchange = ProfileExchange(PROFILE, [KEY])
    said = [exchange.answer(request) for request in requests]
    return [(one.status, json.loads(one.body).get("message")) for one in said]


def test_nonces_must_grow() -> None:
    first = request({"request": PATH, "nonce": "5", "nonceWindow": False})
    again = request({"request": PATH, "nonce": 5})
    later = request({"request": PATH, "nonce": 6})
    assert answers(first, again, later) == [
        (200, None),
        (422, "Too many requests."),
        (200, None),
    ]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (request({"request": PATH, "nonce": 5}, sent={"request": PATH}), "Invalid payload."),
        (request({"request": "/api/v4/orders", "nonce": 5}), "Request not provided."),
        (request({"nonce": 5}), "Request not provided."),
        (request({"request": PATH}), "Too many requests."),
        (request([]), "Request not provided."),
    ],
)
def test_what_does_not_fit_is_refused(request_: Request, message: str) -> None:
    assert answers(request_) == [(422, message)]


def test_addresses_of_a_key_that_nobody_has() -> None:
    path = "/api/v4/sub-account/api-key/ip-address/list"
    stranger = request({"request": path, "nonce": 5, "apiKeyId": "nobody's"}, path=path)
    assert answers(stranger) == [(404, "API key not found")]
