"""Tokens that Upbit and Bithumb would refuse; the tokens are made here, by hand."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from gatepolicy.simulator.answers import Answer, Request
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_exchange import ProfileExchange
from gatepolicy.simulator.profile_keys import profile_key

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)
PATHS = {"upbit": "/v1/pockets/api_keys", "bithumb": "/v1/api_keys"}
both = pytest.mark.parametrize("exchange", sorted(PATHS))


def encoded(part: object) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def token(secret: str, claims: Mapping[str, object], algorithm: str = "HS256") -> str:
    signed = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(dict(claims))}"
    digest = {"HS256": "sha256", "HS512": "sha512"}.get(algorithm, "sha256")
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), digest))}"


class Bench:
    """One exchange with one key."""

    def __init__(self, exchange: str) -> None:
        profile = load_profile(exchange)
        self.key = profile_key(profile, 1, NOW)
        self.simulated = ProfileExchange(profile, (self.key,))
        self.path = PATHS[exchange]

    def claims(self, **more: object) -> dict[str, object]:
        return {"access_key": self.key.api_key, "nonce": "n-1", "timestamp": MS, **more}

    def ask(self, authorization: str, query: str = "") -> Answer:
        headers = {"Authorization": authorization} if authorization else {}
        return self.simulated.answer(
            Request("GET", self.path, query, headers, b"", NOW.timestamp())
        )

    def send(self, *, query: str = "", algorithm: str = "HS256", **more: object) -> Any:
        made = token(self.key.secret, self.claims(**more), algorithm)
        return json.loads(self.ask(f"Bearer {made}", query).body)


def name(body: Any) -> str:
    return str(body["error"]["name"]) if isinstance(body, dict) else ""


@both
def test_a_token_as_documented_is_taken(exchange: str) -> None:
    assert isinstance(Bench(exchange).send(), list)


@both
@pytest.mark.parametrize(
    ("query", "hashed"),
    [
        ("include_expired=true", "include_expired=true"),
        ("uuids[]=a&uuids[]=b", "uuids[]=a&uuids[]=b"),
    ],
)
def test_the_query_must_be_the_one_that_was_hashed(exchange: str, query: str, hashed: str) -> None:
    digest = hashlib.sha512(hashed.encode()).hexdigest()
    bench = Bench(exchange)
    answer_to = {"query_hash": digest, "query_hash_alg": "SHA512"}
    assert name(bench.send(query=query, nonce="n-1", **answer_to)) == ""
    assert (
        name(bench.send(query=f"{query}&limit=1", nonce="n-2", **answer_to))
        == "invalid_query_payload"
    )
    assert name(bench.send(query=query, nonce="n-3")) == "invalid_query_payload"
    wrong = {**answer_to, "query_hash_alg": "MD5"}
    assert name(bench.send(query=query, nonce="n-4", **wrong)) == "invalid_query_payload"


def test_upbit_hashes_the_query_without_its_escapes() -> None:
    # https://docs.upbit.com/kr/reference/auth
    digest = hashlib.sha512(b"uuids[]=a").hexdigest()
    assert name(Bench("upbit").send(query="uuids%5B%5D=a", query_hash=digest)) == ""


@both
@pytest.mark.parametrize("algorithm", ["none", "RS256", ""])
def test_other_algorithms_are_refused(exchange: str, algorithm: str) -> None:
    assert name(Bench(exchange).send(algorithm=algorithm)) == "jwt_verification"


def test_only_upbit_takes_hs512() -> None:
    assert name(Bench("upbit").send(algorithm="HS512")) == ""
    assert name(Bench("bithumb").send(algorithm="HS512")) == "jwt_verification"


@both
@pytest.mark.parametrize("nonce", ["", 7, None])
def test_a_token_needs_a_nonce(exchange: str, nonce: object) -> None:
    assert name(Bench(exchange).send(nonce=nonce)) == "invalid_query_payload"


def test_upbit_takes_a_nonce_once() -> None:
    bench = Bench("upbit")
    assert [name(bench.send(nonce=nonce)) for nonce in ("a", "b", "a")] == ["", "", "nonce_used"]


@pytest.mark.parametrize("late", [MS - 61_000, MS + 61_000, None, "soon"])
def test_bithumb_refuses_a_late_token(late: object) -> None:
    assert name(Bench("bithumb").send(timestamp=late)) == "expired_jwt"


@both
@pytest.mark.parametrize("broken", ["", "Bearer", "Bearer a.b", "Basic a.b.c", "Bearer a.b.c"])
def test_what_is_no_token_names_no_key(exchange: str, broken: str) -> None:
    expected = {"upbit": "no_authorization_token", "bithumb": "jwt_verification"}[exchange]
    assert name(json.loads(Bench(exchange).ask(broken).body)) == expected


@both
def test_a_token_signed_with_another_secret_is_refused(exchange: str) -> None:
    bench = Bench(exchange)
    made = token("not-the-secret", bench.claims())
    assert name(json.loads(bench.ask(f"Bearer {made}").body)) == "jwt_verification"


@both
def test_a_token_that_was_changed_is_refused(exchange: str) -> None:
    bench = Bench(exchange)
    header, _, signature = token(bench.key.secret, bench.claims()).split(".")
    changed = f"{header}.{encoded(bench.claims(nonce='n-2'))}.{signature}"
    assert name(json.loads(bench.ask(f"Bearer {changed}").body)) == "jwt_verification"
