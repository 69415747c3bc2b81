"""What the exchanges' own SDKs send is answered; what is wrong about it, or late, is refused.

Each request is written as the SDK writes it, from its source, and sent over HTTP.
"""

import base64
import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.synthetic import synthetic_key
from gatepolicy.simulator.thread import SimulatorThread

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECONDS = NOW.timestamp() + 0.25
"""The server's clock."""
MS = int(SECONDS * 1000)


@dataclass(frozen=True)
class Sent:
    """One request and where it goes."""

    path: str
    headers: Mapping[str, str]
    body: bytes | None = None
    method: str = "GET"


@contextmanager
def exchange(name: str) -> Iterator[tuple[SimulatedKey, Simulator]]:
    key = synthetic_key(name, 1, NOW)
    with SimulatorThread(Simulator([key], clock=lambda: SECONDS)) as simulator:
        yield key, simulator


def answer(url: str, sent: Sent) -> tuple[int, Any]:
    """Status and document."""
    request = urllib.request.Request(
        url + sent.path, sent.body, dict(sent.headers), method=sent.method
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def signed(secret: str, message: str, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), message.encode(), algorithm).hexdigest()


def gate(key: SimulatedKey, moment: str, secret: str = "") -> Sent:
    """gate-api 7.2.161, ApiClient.gen_sign: the time with its fractions, as str(time.time())."""
    path, nothing = "/api/v4/account/main_keys", hashlib.sha512(b"").hexdigest()
    sign = signed(secret or key.secret, f"GET\n{path}\n\n{nothing}\n{moment}", "sha512")
    return Sent(path, {"KEY": key.api_key, "Timestamp": moment, "SIGN": sign})


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        (str(SECONDS), ""),
        (str(int(SECONDS)), ""),
        (str(SECONDS - 59.9), ""),
        (str(SECONDS - 60.5), "REQUEST_EXPIRED"),
        (str(SECONDS + 60.5), "REQUEST_EXPIRED"),
        ("1769860800.", "REQUEST_EXPIRED"),
        ("1.7698608e9", "REQUEST_EXPIRED"),
        ("nan", "REQUEST_EXPIRED"),
        ("inf", "REQUEST_EXPIRED"),
        (f"-{SECONDS}", "REQUEST_EXPIRED"),
    ],
)
def test_gate_takes_the_fractions_of_its_sdk(moment: str, label: str) -> None:
    with exchange("gate") as (key, simulator):
        status, said = answer(simulator.url, gate(key, moment))
        assert (said["label"] if label else status) == (label or 200)
        # The signature is of the text that was sent, to its last digit.
        unsigned = Sent("/api/v4/account/main_keys", {**gate(key, moment).headers, "SIGN": "00"})
        assert answer(simulator.url, unsigned)[0] in (401, 403)
        assert answer(simulator.url, gate(key, moment, "not-the-secret"))[0] in (401, 403)


XT = "/v4/user/account/api-key"


def xt(
    key: SimulatedKey, age: float, window: str = "60000", secret: str = "", query: str = ""
) -> Sent:
    """pyxt 0.6.24, Spot.gen_auth_header: a clock set back by 30 s, and a window of 60 s."""
    headers = {
        "xt-validate-timestamp": str(int((SECONDS - age) * 1000)),
        "xt-validate-appkey": key.api_key,
        "xt-validate-recvwindow": window,
        "xt-validate-algorithms": "HmacSHA256",
    }
    pairs = "&".join(f"{name}={headers[name]}" for name in sorted(headers))
    in_order = "&".join(sorted(query.split("&")))
    message = f"{pairs}#GET#{XT}#{in_order}" if query else f"{pairs}#GET#{XT}"
    sign = signed(secret or key.secret, message).upper()
    return Sent(f"{XT}?{query}" if query else XT, {**headers, "xt-validate-signature": sign})


@pytest.mark.parametrize(
    ("age", "window", "code"),
    [
        (30, "60000", "SUCCESS"),
        (59, "60000", "SUCCESS"),
        (61, "60000", "AUTH_105"),
        (30, "5000", "AUTH_105"),
        (4, "5000", "SUCCESS"),
        (30, "60001", "AUTH_105"),
        (30, "3600000", "AUTH_105"),
        (0, "soon", "AUTH_105"),
        (0, "-1", "AUTH_105"),
    ],
)
def test_xt_takes_the_old_clock_of_its_sdk(age: float, window: str, code: str) -> None:
    with exchange("xt") as (key, simulator):
        url = simulator.url_of("xt")
        assert answer(url, xt(key, age, window))[1]["mc"] == code


def test_xt_signs_the_window() -> None:
    with exchange("xt") as (key, simulator):
        url, sent = simulator.url_of("xt"), xt(key, 30)
        assert answer(url, xt(key, 30, secret="not-the-secret"))[1]["mc"] == "AUTH_103"
        assert answer(url, xt(key, 30, query="b=c&a=b"))[1]["mc"] == "SUCCESS"
        unsigned_query = Sent(f"{XT}?a=b", sent.headers)
        assert answer(url, unsigned_query)[1]["mc"] == "AUTH_103"
        other = {**sent.headers, "xt-validate-recvwindow": "59000"}
        assert answer(url, Sent(sent.path, other))[1]["mc"] == "AUTH_103"
        without = {n: v for n, v in xt(key, 0).headers.items() if n != "xt-validate-recvwindow"}
        assert answer(url, Sent(sent.path, without))[1]["mc"] == "AUTH_103"


def bitvavo(
    key: SimulatedKey, body: str, of_body: str = "", window: str = "", age: int = 0
) -> Sent:
    moment = str(MS - age * 1000)
    headers = {
        "bitvavo-access-key": key.api_key,
        "bitvavo-access-signature": signed(key.secret, f"{moment}GET/v2/account{of_body}"),
        "bitvavo-access-timestamp": moment,
    }
    more = {"bitvavo-access-window": window} if window else {}
    return Sent("/v2/account", {**headers, **more}, body.encode() or None)


@pytest.mark.parametrize(
    ("body", "of_body", "code"),
    [
        ("", "", None),
        # Clients that write the empty object of their parameters, and sign nothing.
        ("{}", "", None),
        ("{}", "{}", None),
        ("", "{}", 309),
        ('{"a":1}', "", 309),
        ("{} ", "", 309),
        ("[]", "", 309),
    ],
)
def test_bitvavo_takes_an_empty_object_that_is_not_signed(
    body: str, of_body: str, code: int | None
) -> None:
    with exchange("bitvavo") as (key, simulator):
        said = answer(simulator.url_of("bitvavo"), bitvavo(key, body, of_body))[1]
        assert said.get("errorCode") == code


@pytest.mark.parametrize(
    ("window", "age", "code"),
    [
        ("", 9, None),
        ("", 11, 304),
        # python-bitvavo-api 1.4.3 asks for 10 s, others for a minute.
        ("10000", 9, None),
        ("60000 ", 59, None),
        ("60000", 61, 304),
        ("60001", 0, 304),
    ],
)
def test_bitvavo_takes_the_window_that_is_asked_for(
    window: str, age: int, code: int | None
) -> None:
    with exchange("bitvavo") as (key, simulator):
        said = answer(simulator.url_of("bitvavo"), bitvavo(key, "", window=window, age=age))[1]
        assert said.get("errorCode") == code


def test_upbit_says_how_many_requests_are_left() -> None:
    """pyupbit 0.2.34 reads it from every answer: request_api.py, _parse."""
    with exchange("upbit") as (key, simulator):
        names = {"alg": "HS256", "typ": "JWT"}, {"access_key": key.api_key, "nonce": "n-1"}
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in names]
        text = ".".join(part.rstrip("=") for part in parts)
        digest = hmac.new(key.secret.encode(), text.encode(), "sha256").digest()
        token = f"{text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
        request = urllib.request.Request(
            f"{simulator.url_of('upbit')}/v1/api_keys", headers={"Authorization": f"Bearer {token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as response:
            assert response.headers["Remaining-Req"] == "group=default; min=1800; sec=29"


LIST = "private/list_api_keys"


def rpc(method: str, params: Mapping[str, object], number: object = 7) -> bytes:
    said = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(said).encode()


def basic(key: SimulatedKey, secret: str = "") -> str:
    pair = f"{key.api_key}:{secret or key.secret}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def deri(key: SimulatedKey, path: str, body: bytes, moment: int = MS, secret: str = "") -> str:
    """As the guide on authentication writes it."""
    request = f"POST\n{path}\n{body.decode()}\n"
    sig = signed(secret or key.secret, f"{moment}\nabcd\n{request}")
    return f"deri-hmac-sha256 id={key.api_key},ts={moment},nonce=abcd,sig={sig}"


def post(path: str, body: bytes, authorization: str = "") -> Sent:
    headers = {"Content-Type": "application/json"}
    more = {"Authorization": authorization} if authorization else {}
    return Sent(path, {**headers, **more}, body, "POST")


@pytest.mark.parametrize("path", ["/api/v2", f"/api/v2/{LIST}"])
def test_deribit_takes_json_rpc(path: str) -> None:
    body = rpc(LIST, {}, "my-call")
    with exchange("deribit") as (key, simulator):
        url = simulator.url_of("deribit")
        for authorization in (deri(key, path, body), basic(key)):
            status, said = answer(url, post(path, body, authorization))
            assert status == 200
            assert said["id"] == "my-call"
            assert [row["client_id"] for row in said["result"]] == [key.api_key]
        assert not simulator.forbidden_requests


@pytest.mark.parametrize("path", ["/api/v2", f"/api/v2/{LIST}"])
def test_deribit_refuses_json_rpc_that_is_not_signed(path: str) -> None:
    body, other = rpc(LIST, {}), rpc(LIST, {"a": 1})
    with exchange("deribit") as (key, simulator):
        url = simulator.url_of("deribit")
        wrong = {
            "": 13009,
            basic(key, "not-the-secret"): 13004,
            "Basic !": 13009,
            deri(key, path, other): 13004,
            deri(key, path, body, secret="not-the-secret"): 13004,
            deri(key, path, body, moment=MS - 61_000): 13004,
            f"Digest {key.api_key}": 13009,
        }
        for authorization, code in wrong.items():
            status, said = answer(url, post(path, body, authorization))
            assert (status, said["error"]["code"]) == (400, code), authorization
            assert said["id"] == 7


@pytest.mark.parametrize("path", ["/api/v2", f"/api/v2/{LIST}"])
def test_deribit_takes_a_slash_before_the_method_and_a_scheme_in_lower_case(path: str) -> None:
    """deribit-wrapper 0.6.4, authentication.py; deribit-trading-sdk 0.1.8 sends no number."""
    with exchange("deribit") as (key, simulator):
        url = simulator.url_of("deribit")
        granted = answer(url, post("/api/v2", rpc("/public/auth", credentials(key))))[1]["result"]
        bearer = f"bearer {granted['access_token']}"
        body = json.dumps({"jsonrpc": "2.0", "method": f"/{LIST}"}).encode()
        said = answer(url, post(path, body, bearer))[1]
        assert said["result"][0]["client_id"] == key.api_key
        assert "id" not in said


def test_deribit_simulates_no_other_method() -> None:
    with exchange("deribit") as (key, simulator):
        body = rpc("private/withdraw", {"currency": "BTC"})
        status, said = answer(simulator.url_of("deribit"), post("/api/v2", body, basic(key)))
        assert (status, said["error"]["code"]) == (404, -32601)
        [forbidden] = simulator.forbidden_requests
        assert (forbidden.method, forbidden.path) == ("POST", "/api/v2")


def credentials(key: SimulatedKey, **changes: str) -> dict[str, str]:
    given = {"client_id": key.api_key, "client_secret": key.secret}
    return {"grant_type": "client_credentials", **given, **changes}


def signature(key: SimulatedKey, moment: int = MS, **changes: str) -> dict[str, str]:
    given = {"client_id": key.api_key, "timestamp": str(moment), "nonce": "n1", "data": "any"}
    made = {"signature": signed(key.secret, f"{moment}\nn1\nany")}
    return {"grant_type": "client_signature", **given, **made, **changes}


def login(url: str, params: Mapping[str, str], way: str) -> Any:
    if way == "GET":
        return answer(url, Sent(f"/api/v2/public/auth?{urlencode(params)}", {}))[1]
    return answer(url, post(way, rpc("public/auth", params)))[1]


@pytest.mark.parametrize("way", ["GET", "/api/v2", "/api/v2/public/auth"])
@pytest.mark.parametrize("proof", [credentials, signature])
def test_deribit_gives_a_token_and_takes_it(way: str, proof: Any) -> None:
    with exchange("deribit") as (key, simulator):
        url = simulator.url_of("deribit")
        granted = login(url, proof(key), way)["result"]
        assert (granted["token_type"], granted["expires_in"]) == ("bearer", 31_536_000)
        bearer = {"Authorization": f"Bearer {granted['access_token']}"}
        status, said = answer(url, Sent(f"/api/v2/{LIST}", bearer))
        assert (status, said["result"][0]["client_id"]) == (200, key.api_key)
        assert "id" not in said
        assert key.secret not in str(granted)
        refresh = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
        assert login(url, refresh, way)["result"]["access_token"] == granted["access_token"]


@pytest.mark.parametrize("way", ["GET", "/api/v2"])
def test_deribit_gives_no_token_without_proof(way: str) -> None:
    with exchange("deribit") as (key, simulator):
        url = simulator.url_of("deribit")
        for params in (
            credentials(key, client_secret="not-the-secret"),
            credentials(key, client_secret=""),
            credentials(key, client_id="other"),
            signature(key, nonce="n2"),
            signature(key, data=""),
            signature(key, moment=MS - 61_000),
        ):
            assert login(url, params, way)["error"]["code"] == 13004, params
        for params in ({}, credentials(key, grant_type="refresh_token")):
            assert login(url, params, way)["error"]["code"] == 13009


def test_deribit_refuses_a_token_that_it_did_not_give_or_that_ended() -> None:
    with exchange("deribit") as (key, simulator):
        url = simulator.url_of("deribit")
        token: str = login(url, credentials(key), "GET")["result"]["access_token"]
        ends, api_key, digest = token.split(".")
        for wrong in (
            f"{int(ends) + 1}.{api_key}.{digest}",
            f"{ends}.{api_key}.{'0' * 64}",
            f"{ends}.{api_key}",
            f"soon.{api_key}.{digest}",
            f"{ends}.other.{digest}",
        ):
            sent = Sent(f"/api/v2/{LIST}", {"Authorization": f"Bearer {wrong}"})
            assert answer(url, sent)[1]["error"]["code"] in (13004, 13009)
            refresh = {"grant_type": "refresh_token", "refresh_token": wrong}
            assert login(url, refresh, "GET")["error"]["code"] in (13004, 13009)
        # One kind of token is not taken for the other.
        other = login(url, credentials(key), "GET")["result"]["refresh_token"]
        sent = Sent(f"/api/v2/{LIST}", {"Authorization": f"Bearer {other}"})
        assert answer(url, sent)[1]["error"]["code"] == 13009
        swapped = {"grant_type": "refresh_token", "refresh_token": token}
        assert login(url, swapped, "GET")["error"]["code"] == 13009
    later = int(ends) / 1000
    with SimulatorThread(Simulator([key], clock=lambda: later)) as simulator:
        sent = Sent(f"/api/v2/{LIST}", {"Authorization": f"Bearer {token}"})
        said = answer(simulator.url_of("deribit"), sent)[1]
        assert said["error"] == {"message": "unauthorized", "code": 13009}
