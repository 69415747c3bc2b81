"""WhiteBIT's signature covers the whole body, which names the path."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from gatepolicy.simulator.answers import Asked
from gatepolicy.simulator.invented import invented_key
from gatepolicy.simulator.played import PlayedExchange
from gatepolicy.simulator.profile import load_profile

PROFILE = load_profile("whitebit")
KEY = invented_key(PROFILE, 1, datetime.now(UTC))
PATH = "/api/v4/market/fee"


def asked(signed: object, *, sent: object = None, path: str = PATH) -> Asked:
    """A request whose payload header holds one body, and which carries that or another one."""
    payload = base64.b64encode(json.dumps(signed).encode())
    headers = {
        "X-TXC-APIKEY": KEY.api_key,
        "X-TXC-PAYLOAD": payload.decode(),
        "X-TXC-SIGNATURE": hmac.new(KEY.secret.encode(), payload, hashlib.sha512).hexdigest(),
    }
    body = json.dumps(signed if sent is None else sent).encode()
    return Asked("POST", path, "", headers, body, 1_700_000_000.0)


def answers(*requests: Asked) -> list[tuple[int, object]]:
    exchange = PlayedExchange(PROFILE, [KEY])
    said = [exchange.answer(request) for request in requests]
    return [(one.status, json.loads(one.body).get("message")) for one in said]


def test_nonces_must_grow() -> None:
    first = asked({"request": PATH, "nonce": "5", "nonceWindow": False})
    again = asked({"request": PATH, "nonce": 5})
    later = asked({"request": PATH, "nonce": 6})
    assert answers(first, again, later) == [
        (200, None),
        (422, "Too many requests."),
        (200, None),
    ]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (asked({"request": PATH, "nonce": 5}, sent={"request": PATH}), "Invalid payload."),
        (asked({"request": "/api/v4/orders", "nonce": 5}), "Request not provided."),
        (asked({"nonce": 5}), "Request not provided."),
        (asked({"request": PATH}), "Too many requests."),
        (asked([]), "Request not provided."),
    ],
)
def test_what_does_not_fit_is_refused(request_: Asked, message: str) -> None:
    assert answers(request_) == [(422, message)]


def test_addresses_of_a_key_that_nobody_has() -> None:
    path = "/api/v4/sub-account/api-key/ip-address/list"
    stranger = asked({"request": path, "nonce": 5, "apiKeyId": "nobody's"}, path=path)
    assert answers(stranger) == [(404, "API key not found")]
