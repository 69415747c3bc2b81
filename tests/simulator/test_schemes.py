"""Schemes of authentication: what they take, and what they refuse."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatepolicy.simulator.answers import Asked
from gatepolicy.simulator.invented import invented_key
from gatepolicy.simulator.played import PlayedExchange
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.schemes.encoded import base58_bytes, base58_text

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PROFILE = load_profile("woofipro")
KEY = invented_key(PROFILE, 1, NOW)
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


def orderly(**changes: str) -> Asked:
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
    return Asked("GET", said["path"], said["query"], headers, b"", NOW.timestamp())


def refusal(asked: Asked) -> int:
    """The code of the refusal; zero when there is none."""
    body = json.loads(PlayedExchange(PROFILE, [KEY]).answer(asked).body)
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
    asked = replace(orderly(), now=NOW.timestamp())
    ended = replace(KEY, expires_at=NOW)
    assert b"-1002" in PlayedExchange(PROFILE, [ended]).answer(asked).body
