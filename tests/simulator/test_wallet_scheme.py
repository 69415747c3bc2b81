"""Signatures of wallets: hash, address and signer, against published values."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_exchange import ProfileExchange
from gatepolicy.simulator.profile_keys import profile_key
from gatepolicy.simulator.schemes.wallet import (
    keccak256,
    signer_of,
    text_digest,
    typed_digest,
    wallet_of,
)

NOW = datetime(2026, 11, 27, 12, 32, 10, tzinfo=UTC)
SIGNER = "0x21cf8ae13bb72632562c6fff438652ba1a151bb0"
PRIVATE = "0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1"
"""An example of Aster's documents, for demonstration there: a private key and its address."""
OWNER = "0x63DD5aCC6b1aa0f563956C0e534DD30B6dcF7C4e"
SENT = f"nonce=1795782730681000&user={OWNER}&signer={SIGNER}"
SIGNATURE = (
    "0xad06f80c92b96afeded234a8f28fb782674fc09ff5e4af91a956dabb13d95685"
    "215c51cd64c74bbd2d5465dbece7c4f2058e487bd78a4b6366c71306c83573181B"
)
"""What ccxt signs for that key."""


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        # The empty text and "abc", as everybody's test vectors have them.
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak(data: bytes, digest: str) -> None:
    assert keccak256(data).hex() == digest


def test_the_address_of_a_private_key() -> None:
    assert wallet_of(PRIVATE) == SIGNER


def test_who_signed_a_typed_message() -> None:
    assert signer_of(typed_digest("AsterSignTransaction", 1666, SENT), SIGNATURE) == SIGNER
    assert signer_of(typed_digest("AsterSignTransaction", 56, SENT), SIGNATURE) != SIGNER


def test_who_signed_a_text() -> None:
    signature = (
        "0xb4d387253d1218de28c9b2c90f32b71520faa5faa64eaa7f86e07f1140a95b6b"
        "7eb1b587b9be8b2ae9ab4df2b8728bbe1fa1d7767cb13a9772c6f01e5d78de3c1B"
    )
    assert signer_of(text_digest("1795782730744"), signature) == SIGNER


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "0x",
        "no hex",
        f"0x{'0' * 130}",
        f"{SIGNATURE[:-2]}1d",
        f"0x{'f' * 128}1b",
        f"0x{'0' * 63}5{'0' * 63}11b",
    ],
)
def test_what_is_no_signature_is_nobodys(signature: str) -> None:
    assert signer_of(keccak256(b""), signature) == ""


def status(query: str, owner: str = OWNER, now: datetime = NOW) -> int:
    profile = load_profile("aster")
    made = profile_key(profile, 1, NOW)
    key = replace(made, api_key=SIGNER, secret=PRIVATE, more_credentials={"walletAddress": owner})
    request = Request("GET", "/fapi/v3/agent", query, {}, b"", now.timestamp())
    return ProfileExchange(profile, [key]).answer(request).status


def test_aster_takes_what_ccxt_signs_and_nothing_else() -> None:
    signed = f"{SENT}&signature={SIGNATURE}"
    assert status(signed) == 200
    assert status(signed.replace("nonce=1795782730681", "nonce=1795782730682")) == 400
    assert status(signed, owner="0x" + "1" * 40) == 401
    assert status(signed, now=NOW.replace(minute=40)) == 400
