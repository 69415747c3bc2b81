"""Schemes of authentication: what they take, and what they refuse."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_exchange import ProfileExchange
from gatepolicy.simulator.profile_keys import profile_key
from gatepolicy.simulator.schemes.encoded import base58_bytes, base58_text
from gatepolicy.simulator.schemes.parts import part, timely
from gatepolicy.simulator.schemes.table import SCHEMES

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PROFILE = load_profile("woofipro")
KEY = profile_key(PROFILE, 1, NOW)
PATH = "/v1/client/key_info"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        # draft-msporny-base58, test vectors.
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
    ],
)
def test_base58(data: bytes, text: str) -> None:
    assert base58_text(data) == text
    assert base58_bytes(text) == data


@pytest.mark.parametrize("text", ["", "0", "l", "2NEpo7TZRRrLZSi2U "])
def test_what_is_no_base58_holds_nothing(text: str) -> None:
    assert base58_bytes(text) == b""


def orderly(**changes: str) -> Request:
    """A request to Orderly as its documents sign it."""
    said = {"path": PATH, "query": "", "account": KEY.more_credentials["accountId"]} | changes
    moment = said.get("moment", str(int(NOW.timestamp() * 1000)))
    target = f"{PATH}?{said['query']}" if said["query"] else PATH
    private = Ed25519PrivateKey.from_private_bytes(base58_bytes(KEY.secret.partition(":")[2]))
    signature = private.sign(f"{moment}GET{target}".encode())
    headers = {
        "orderly-key": KEY.api_key,
        "orderly-account-id": said["account"],
        "orderly-timestamp": moment,
        "orderly-signature": base64.urlsafe_b64encode(signature).decode(),
    }
    return Request("GET", said["path"], said["query"], headers, b"", NOW.timestamp())


def refusal(request: Request) -> int:
    """The code of the refusal; zero when there is none."""
    body = json.loads(ProfileExchange(PROFILE, [KEY]).answer(request).body)
    return int(body.get("code", 0))


def test_orderly_takes_what_its_documents_sign() -> None:
    assert refusal(orderly()) == 0
    assert refusal(orderly(query="key_status=ACTIVE")) == 0


def test_orderly_refuses_everything_else() -> None:
    late = str(int((NOW - timedelta(seconds=301)).timestamp() * 1000))
    assert refusal(orderly(moment=late)) == -1001
    assert refusal(replace(orderly(), query="key_status=ACTIVE")) == -1001
    assert refusal(replace(orderly(), body=b"{}")) == -1001
    assert refusal(orderly(account="0x1")) == -1002
    unsigned = replace(orderly(), headers={**orderly().headers, "orderly-signature": "no base64!"})
    assert refusal(unsigned) == -1001


def test_a_key_ends_when_its_exchange_says() -> None:
    assert KEY.expires_at == KEY.created_at + timedelta(days=365)
    request = replace(orderly(), now=NOW.timestamp())
    ended = replace(KEY, expires_at=NOW)
    assert b"-1002" in ProfileExchange(PROFILE, [ended]).answer(request).body


MS = int(NOW.timestamp() * 1000)
LATE_MS = MS - 301_000
NO_SECRET = "no base64, no hex!"


def key_of(exchange: str) -> SimulatedKey:
    return profile_key(load_profile(exchange), 1, NOW)


def refused(exchange: str, request: Request, key: SimulatedKey | None = None) -> str | None:
    """What the scheme says of a request with a key of this exchange."""
    auth = load_profile(exchange).auth
    return SCHEMES[auth["scheme"]].refusal(request, auth, key or key_of(exchange))


def with_headers(request: Request, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(request, headers={**request.headers, **named})


def gemini(said: Any, secret: str | None = None) -> Request:
    key = key_of("gemini")
    payload = base64.b64encode(json.dumps(said).encode()).decode()
    digest = hmac.new((secret or key.secret).encode(), payload.encode(), "sha384").hexdigest()
    headers = {
        "X-GEMINI-APIKEY": key.api_key,
        "X-GEMINI-PAYLOAD": payload,
        "X-GEMINI-SIGNATURE": digest,
    }
    return Request("POST", "/v1/roles", "", headers, b"", NOW.timestamp())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"request": "/v1/roles", "nonce": MS}, None),
        ({"request": "/v1/roles", "nonce": str(MS)}, None),
        ({"request": "/v1/roles"}, "nonce"),
        ({"request": "/v1/roles", "nonce": True}, "nonce"),
        ({"request": "/v1/roles", "nonce": "soon"}, "nonce"),
        ({"request": "/v1/withdraw/btc", "nonce": MS}, "endpoint"),
        ({"nonce": MS}, "endpoint"),
        ([], "nonce"),
    ],
    ids=repr,
)
def test_gemini(said: Any, why: str | None) -> None:
    assert refused("gemini", gemini(said)) == why


def test_gemini_signs_the_payload() -> None:
    said = {"request": "/v1/roles", "nonce": MS}
    assert refused("gemini", gemini(said, "another secret")) == "bad_signature"
    other = gemini({**said, "nonce": MS + 1}).headers["X-GEMINI-PAYLOAD"]
    assert refused("gemini", with_headers(gemini(said), X_GEMINI_PAYLOAD=other)) == "bad_signature"
    shouted = gemini(said).headers["X-GEMINI-SIGNATURE"].upper()
    assert refused("gemini", with_headers(gemini(said), X_GEMINI_SIGNATURE=shouted)) is None


def lbank(**changes: str) -> Request:
    said = {
        "echostr": "a" * 35,
        "signature_method": "HmacSHA256",
        "timestamp": str(MS),
        "api_key": key_of("lbank").api_key,
    } | changes
    text = "&".join(f"{name}={said[name]}" for name in sorted(said))
    md5 = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
    sign = hmac.new(key_of("lbank").secret.encode(), md5.encode(), "sha256").hexdigest()
    body = urlencode({"api_key": said.pop("api_key"), "sign": sign}).encode()
    path = "/v2/supplement/api_Restrictions.do"
    return Request("POST", path, "", said, body, NOW.timestamp())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"echostr": "a" * 29}, "echostr"),
        ({"echostr": "a" * 41}, "echostr"),
        ({"echostr": "a" * 34 + "-"}, "echostr"),
        ({"echostr": ""}, "echostr"),
        ({"signature_method": "RSA"}, "bad_signature"),
        ({"timestamp": str(LATE_MS)}, "clock"),
        ({"timestamp": "now"}, "clock"),
    ],
    ids=repr,
)
def test_lbank(changes: dict[str, str], why: str | None) -> None:
    assert refused("lbank", lbank(**changes)) == why


def test_lbank_signs_headers_and_form() -> None:
    assert refused("lbank", with_headers(lbank(), timestamp=str(MS + 1))) == "bad_signature"
    more = replace(lbank(), body=lbank().body + b"&amount=1")
    assert refused("lbank", more) == "bad_signature"


CRYPTOCOM = "/exchange/v1/private/get-fee-rate"


def cryptocom(**changes: Any) -> Request:
    said = {
        "id": 1,
        "method": "private/get-fee-rate",
        "api_key": key_of("cryptocom").api_key,
        "params": {"b": 1, "a": "x"},
        "nonce": MS,
    } | changes
    params = said["params"]
    pairs = "".join(f"{n}{params[n]}" for n in sorted(params)) if isinstance(params, dict) else ""
    text = f"{said['method']}{said['id']}{said['api_key']}{pairs}{said['nonce']}"
    sig = hmac.new(key_of("cryptocom").secret.encode(), text.encode(), "sha256").hexdigest()
    body = json.dumps({"sig": sig, **said}).encode()
    return Request("POST", CRYPTOCOM, "", {}, body, NOW.timestamp())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"params": {}}, None),
        ({"params": []}, None),
        ({"method": "private/create-withdrawal"}, "bad_signature"),
        ({"sig": "0" * 64}, "bad_signature"),
        ({"nonce": LATE_MS}, "clock"),
        ({"nonce": "soon"}, "clock"),
    ],
    ids=repr,
)
def test_cryptocom(changes: dict[str, Any], why: str | None) -> None:
    assert refused("cryptocom", cryptocom(**changes)) == why


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_body_of_cryptocom(body: bytes) -> None:
    request = Request("POST", CRYPTOCOM, "", {}, body, NOW.timestamp())
    assert refused("cryptocom", request) == "bad_signature"


DERIBIT = "/api/v2/private/list_api_keys"


def deribit(**changes: str) -> Request:
    said = {"kind": "deri-hmac-sha256", "ts": str(MS), "nonce": "n-1"} | changes
    message = f"{said['ts']}\n{said['nonce']}\nGET\n{DERIBIT}\n\n".encode()
    sig = hmac.new(key_of("deribit").secret.encode(), message, "sha256").hexdigest()
    fields = f"id={key_of('deribit').api_key},ts={said['ts']},sig={sig},nonce={said['nonce']}"
    headers = {"Authorization": f"{said['kind']} {fields}"}
    return Request("GET", DERIBIT, "", headers, b"", NOW.timestamp())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"nonce": ""}, "bad_signature"),
        ({"kind": "Bearer"}, "token"),
        ({"kind": "Digest"}, "bad_signature"),
        ({"ts": str(LATE_MS)}, "clock"),
        ({"ts": "soon"}, "clock"),
    ],
    ids=repr,
)
def test_deribit(changes: dict[str, str], why: str | None) -> None:
    assert refused("deribit", deribit(**changes)) == why


def test_deribit_signs_the_whole_request() -> None:
    for other in ({"path": "/api/v2/private/remove_api_key"}, {"query": "id=1"}, {"body": b"x"}):
        assert refused("deribit", replace(deribit(), **other)) == "bad_signature"


def kraken(nonce: str, body: bytes | None = None, secret: str | None = None) -> Request:
    path = "/0/private/GetApiKeyInfo"
    sent = f"nonce={nonce}".encode() if body is None else body
    digest = hashlib.sha256(nonce.encode() + sent).digest()
    raw = base64.b64decode(secret or key_of("kraken").secret)
    sign = base64.b64encode(hmac.digest(raw, path.encode() + digest, "sha512")).decode()
    headers = {"API-Key": key_of("kraken").api_key, "API-Sign": sign}
    return Request("POST", path, "", headers, sent, NOW.timestamp())


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (kraken("17"), None),
        (kraken(""), "nonce"),
        (kraken("-1"), "nonce"),
        (kraken("٣"), "nonce"),
        (kraken("17", b"other=1"), "nonce"),
        (kraken("17", secret="bm90IGl0"), "bad_signature"),
        (replace(kraken("17"), body=b"nonce=17&otp=1"), "bad_signature"),
        (replace(kraken("17"), path="/0/private/AddOrder"), "bad_signature"),
        (replace(kraken("17"), headers={}), "bad_signature"),
    ],
    ids=repr,
)
def test_kraken(signed: Request, why: str | None) -> None:
    assert refused("kraken", signed) == why


def test_a_secret_that_is_no_base64_signs_nothing() -> None:
    no_secret = replace(key_of("kraken"), secret=NO_SECRET)
    assert refused("kraken", kraken("17"), no_secret) == "bad_signature"


RAW = b"a secret of nobody"
HMAC_AUTH = {
    "key": {"header": "key"},
    "signature": {"header": "sign"},
    "timestamp": {"header": "time", "unit": "ms", "window": 60},
    "hash": "sha256",
    "secret": "raw",
    "encoding": "hex",
    "message": "{timestamp}{method}{path}",
}


def hmac_refusal(own: str, signature: str, /, **changes: Any) -> str | None:
    headers = {"key": "k", "sign": signature, "time": str(MS), "pass": "word"}
    request = Request("GET", "/x", "", headers, b"", NOW.timestamp())
    key = replace(key_of("htx"), secret=own, passphrase="word")
    return SCHEMES["hmac"].refusal(request, {**HMAC_AUTH, **changes}, key)


DIGEST = hmac.digest(RAW, f"{MS}GET/x".encode(), "sha256")
BASE64 = base64.b64encode(RAW).decode()


@pytest.mark.parametrize(
    ("form", "secret"), [("raw", RAW.decode()), ("base64", BASE64), ("hex", RAW.hex())]
)
@pytest.mark.parametrize(
    ("encoding", "signature"),
    [
        ("hex", DIGEST.hex()),
        ("hex", DIGEST.hex().upper()),
        ("base64", base64.b64encode(DIGEST).decode()),
        ("base64_of_hex", base64.b64encode(DIGEST.hex().encode()).decode()),
    ],
)
def test_a_keyed_hash_in_every_form(form: str, secret: str, encoding: str, signature: str) -> None:
    assert hmac_refusal(secret, signature, secret=form, encoding=encoding) is None
    assert hmac_refusal(secret, f"{signature}x", secret=form, encoding=encoding) == "bad_signature"
    assert hmac_refusal(secret, "", secret=form, encoding=encoding) == "bad_signature"


def test_a_secret_that_signs_in_capitals() -> None:
    signed = hmac.digest(b"A-SECRET", f"{MS}GET/x".encode(), "sha256").hex()
    assert hmac_refusal("a-secret", signed, secret="upper", encoding="hex") is None
    assert hmac_refusal("a-secret", signed, secret="raw", encoding="hex") == "bad_signature"


def test_a_path_without_the_product_that_it_begins_with() -> None:
    signed = hmac.digest(RAW, b"/api/v3/fees", "sha256").hex()
    headers = {"key": "k", "sign": signed, "time": str(MS)}
    request = Request("GET", "/spot/api/v3/fees", "", headers, b"", NOW.timestamp())
    key = replace(key_of("htx"), secret=RAW.decode())
    below = {**HMAC_AUTH, "message": "{path_in_product}"}
    assert SCHEMES["hmac"].refusal(request, below, key) is None
    whole = {**HMAC_AUTH, "message": "{path}"}
    assert SCHEMES["hmac"].refusal(request, whole, key) == "bad_signature"


@pytest.mark.parametrize("form", ["base64", "hex"])
def test_a_secret_of_another_form_signs_nothing(form: str) -> None:
    assert hmac_refusal(NO_SECRET, DIGEST.hex(), secret=form) == "bad_signature"


def test_a_keyed_hash_comes_with_its_passphrase_and_in_time() -> None:
    request = {"passphrase": {"header": "pass"}}
    assert hmac_refusal(RAW.decode(), DIGEST.hex(), **request) is None
    assert hmac_refusal(RAW.decode(), DIGEST.hex(), passphrase={"header": "no"}) == "passphrase"
    late = {"timestamp": {"header": "sign", "unit": "ms", "window": 60}}
    assert hmac_refusal(RAW.decode(), str(LATE_MS), **late) == "clock"


@pytest.mark.parametrize(
    ("sent", "unit", "in_time"),
    [
        (str(MS), "ms", True),
        (str(MS // 1000), "s", True),
        (str(MS), "s", False),
        (str(MS // 1000), "ms", False),
        ("2026-01-31T12:00:00", "iso", True),
        ("2026-01-31T12:00:00Z", "iso", True),
        ("2026-01-31T21:00:00+09:00", "iso", True),
        ("2026-01-31T21:00:00", "iso", False),
        ("2026-01-31T12:01:01", "iso", False),
        ("noon", "iso", False),
        ("", "ms", False),
        ("nan", "s", False),
        ("inf", "s", False),
    ],
)
def test_seconds_milliseconds_and_zones(sent: str, unit: str, in_time: bool) -> None:
    request = Request("GET", "/x", "", {"time": sent}, b"", NOW.timestamp())
    assert timely(request, {"header": "time", "unit": unit, "window": 60}) is in_time


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"key"', b"{}"])
def test_what_is_no_object_of_json_names_no_key(body: bytes) -> None:
    assert part(Request("POST", "/x", "", {}, body, 0.0), {"json": "key"}) == ""


def test_a_place_that_no_request_has_is_a_defect() -> None:
    with pytest.raises(ValueError, match="no place of a request"):
        part(Request("GET", "/x", "", {}, b"", 0.0), {"cookie": "key"})


COINBASE = "/api/v3/brokerage/key_permissions"
COINBASE_KINDS = {
    "ES256": {"apiKey": "coinbase_key_name", "secret": "es256_pem"},
    "EdDSA": {"apiKey": "coinbase_key_id", "secret": "ed25519_base64"},
}
each_kind = pytest.mark.parametrize("kind", COINBASE_KINDS)
ADDRESS = f"GET api.coinbase.com{COINBASE}"


def coinbase_key(kind: str, number: int = 1) -> SimulatedKey:
    profile = replace(load_profile("coinbase"), credentials=COINBASE_KINDS[kind])
    return profile_key(profile, number, NOW)


def encoded(part: object) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def coinbase(
    kind: str, *, signer: SimulatedKey | None = None, head: Any = None, **claims: Any
) -> Request:
    """A request to Coinbase as its documents sign it."""
    key, start = coinbase_key(kind), int(NOW.timestamp())
    header = {"alg": kind, "kid": key.api_key, "nonce": "n-1", "typ": "JWT"} | (head or {})
    said = {"sub": key.api_key, "iss": "cdp", "nbf": start, "exp": start + 120} | (
        claims if {"uri", "uris"} & claims.keys() else {"uri": ADDRESS, **claims}
    )
    text = f"{encoded(header)}.{encoded(said)}"
    token = f"{text}.{encoded(signed((signer or key).secret, text.encode()))}"
    headers = {"Authorization": f"Bearer {token}"}
    return Request("GET", COINBASE, "", headers, b"", NOW.timestamp())


def signed(secret: str, message: bytes) -> bytes:
    if not secret.startswith("-----"):
        seed = base64.b64decode(secret)[:32]
        return Ed25519PrivateKey.from_private_bytes(seed).sign(message)
    private = load_pem_private_key(secret.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    halves = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256())))
    return b"".join(half.to_bytes(32) for half in halves)


def coinbase_refuses(request: Request, key: SimulatedKey) -> str | None:
    return SCHEMES["coinbase"].refusal(request, load_profile("coinbase").auth, key)


@each_kind
@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({}, None),
        ({"iss": "coinbase-cloud"}, None),
        ({"uris": [ADDRESS]}, None),
        ({"uris": [ADDRESS, f"POST api.coinbase.com{COINBASE}"]}, "bad_signature"),
        ({"uris": []}, "bad_signature"),
        ({"uris": ADDRESS}, "bad_signature"),
        ({"uris": [[ADDRESS]]}, "bad_signature"),
        ({"uri": f"POST api.coinbase.com{COINBASE}"}, "bad_signature"),
        ({"uri": f"GET api.coinbase.com{COINBASE}/more"}, "bad_signature"),
        ({"uri": f"GET example.com{COINBASE}"}, "bad_signature"),
        ({"uri": None}, "bad_signature"),
        ({"iss": "moon"}, "bad_signature"),
        ({"head": {"alg": "none"}}, "bad_signature"),
        ({"head": {"alg": "HS256"}}, "bad_signature"),
        ({"head": {"kid": "another"}}, "bad_signature"),
        ({"head": {"nonce": ""}}, "bad_signature"),
        ({"head": {"nonce": 7}}, "bad_signature"),
        ({"exp": int(NOW.timestamp())}, "clock"),
        ({"exp": int(NOW.timestamp()) + 121}, "clock"),
        ({"nbf": int(NOW.timestamp()) + 31, "exp": int(NOW.timestamp()) + 60}, "clock"),
        ({"nbf": None}, "clock"),
        ({"exp": "soon"}, "clock"),
    ],
    ids=repr,
)
def test_coinbase(kind: str, claims: dict[str, Any], why: str | None) -> None:
    assert coinbase_refuses(coinbase(kind, **claims), coinbase_key(kind)) == why


@each_kind
def test_coinbase_takes_each_key_for_its_own_algorithm_only(kind: str) -> None:
    for signer in (coinbase_key("ES256", 2), coinbase_key("EdDSA", 2)):
        request = coinbase(kind, signer=signer)
        assert coinbase_refuses(request, coinbase_key(kind)) == "bad_signature"
    other = "EdDSA" if kind == "ES256" else "ES256"
    request = coinbase(kind, head={"alg": other})
    assert coinbase_refuses(request, coinbase_key(kind)) == "bad_signature"
    header, _, _ = coinbase(kind).headers["Authorization"].rpartition(".")
    for signature in ("", encoded(b"short"), encoded(b"\0" * 64)):
        cut = replace(coinbase(kind), headers={"Authorization": f"{header}.{signature}"})
        assert coinbase_refuses(cut, coinbase_key(kind)) == "bad_signature"


def pem(private: Any) -> str:
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return str(private.private_bytes(*form).decode())


SEED = bytes(range(32))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        NO_SECRET,
        base64.b64encode(SEED).decode(),
        base64.b64encode(SEED + SEED).decode(),
        "-----BEGIN EC PRIVATE KEY-----\\nAAAA\\n-----END EC PRIVATE KEY-----",
        pem(Ed25519PrivateKey.from_private_bytes(SEED)),
        pem(ec.derive_private_key(7, ec.SECP384R1())),
    ],
    ids=["empty", "text", "seed", "other half", "damaged", "pem of ed25519", "other curve"],
)
def test_what_is_no_secret_of_coinbase_signs_nothing(secret: str) -> None:
    for kind in COINBASE_KINDS:
        key = replace(coinbase_key(kind), secret=secret)
        assert coinbase_refuses(coinbase(kind), key) == "bad_signature"
