"""The real ccxt signs what the catalog declares, and forgets everything afterwards."""

import asyncio
import base64
import logging
import re
from dataclasses import replace
from string import ascii_lowercase, ascii_uppercase, digits
from urllib.parse import unquote

import pytest

from gatepolicy.collect.guard import SignedRequest, differences
from gatepolicy.collect.signer import Signer, SigningError
from gatepolicy.exchanges.exchange import Call, Exchange, Sent
from gatepolicy.exchanges.interpret import PUBLIC_CREDENTIALS
from gatepolicy.model.secret import Secret
from tests.whole_catalog import CATALOG

CALLS = [(exchange, call) for exchange in CATALOG.values() for call in exchange.sendable]
LISTS = [
    (exchange, call)
    for exchange in CATALOG.values()
    for listing in exchange.listings
    for call in listing.calls
]
CANARIES = {
    "apiKey": "canaryKey4f6a81c29d",
    "secret": "canarySecret77e0b1c5",
    "password": "canaryPassphrase13",
    "accountId": "canaryAccount5b21",
    "walletAddress": "0x0123456789abcdef0123456789abcdef01234567",
    "privateKey": f"0x{b'canary private key of no wallet!'.hex()}",
}
INVENTED = b"canary secret of nobody, 32bytes"


def base58(data: bytes) -> str:
    """Bytes in the alphabet of Bitcoin's addresses."""
    letters = digits + ascii_uppercase + ascii_lowercase
    alphabet = [letter for letter in letters if letter not in "0OIl"]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return text


BASE64 = base64.b64encode(INVENTED).decode()
# Where signing takes no text that is not of its form.
SECRETS = {
    "woofipro": f"ed25519:{base58(INVENTED)}",
    "modetrade": f"ed25519:{base58(INVENTED)}",
    "kraken": BASE64,
    "krakenfutures": BASE64,
}


PREFIX = {"gemini": "account-"}
"""How keys begin, where signing looks at it."""


def credentials(exchange: Exchange) -> dict[str, Secret]:
    return {name: Secret(planted(exchange, name)) for name in exchange.credentials}


def planted(exchange: Exchange, name: str) -> str:
    if name == "apiKey":
        return PREFIX.get(exchange.id, "") + CANARIES[name]
    special = SECRETS.get(exchange.id) if name == "secret" else None
    return special or CANARIES[name]


def params(call: Call) -> dict[str, Sent]:
    """Constants as they are; of everything else, some value."""
    return {name: p if isinstance(p, str | int) else "12345" for name, p in call.params.items()}


def sign(exchange: Exchange, call: Call, signer: Signer | None = None) -> SignedRequest:
    signing = (signer or Signer()).sign(
        exchange, call, params(call), credentials(exchange), sandbox=False
    )
    return asyncio.run(signing)


def everything_sent(request: SignedRequest) -> str:
    """All that leaves, and what tokens among it hold."""
    text = f"{request.url} {dict(request.headers)} {(request.body or b'').decode()}"
    parts = re.findall(r"[A-Za-z0-9_-]{20,}", text)
    padded = (part + "=" * (-len(part) % 4) for part in parts if len(part) % 4 != 1)
    decoded = (base64.urlsafe_b64decode(part).decode("utf-8", "replace") for part in padded)
    return " ".join((text, unquote(text), *decoded))


def named(pair: tuple[Exchange, Call]) -> str:
    return f"{pair[0].id}-{pair[1].id}"


@pytest.mark.parametrize("pair", [*CALLS, *LISTS], ids=named)
def test_every_declared_call_exists_in_ccxt_and_goes_where_the_catalog_says(
    pair: tuple[Exchange, Call],
) -> None:
    exchange, call = pair
    request = sign(exchange, call)
    assert not differences(request, call, exchange.hosts)
    assert request.method == call.http_method


@pytest.mark.parametrize("pair", [pair for pair in CALLS if pair[0].sandbox_hosts], ids=named)
def test_sandbox_calls_go_to_sandbox_hosts_only(pair: tuple[Exchange, Call]) -> None:
    exchange, call = pair
    signing = Signer().sign(exchange, call, params(call), credentials(exchange), sandbox=True)
    signed = asyncio.run(signing)
    assert not differences(signed, call, exchange.sandbox_hosts)
    assert signed.method == call.http_method


@pytest.mark.parametrize("pair", CALLS, ids=named)
def test_nothing_of_an_account_stays_in_a_client(pair: tuple[Exchange, Call]) -> None:
    exchange, call = pair
    signer = Signer()
    sign(exchange, call, signer)
    [client] = signer._idle[exchange.id, False]
    state = repr(client._ccxt.__dict__)
    assert not [name for name in exchange.credentials if planted(exchange, name) in state]


KEYED = [
    pair
    for pair in CALLS
    # Where all credentials are public, nothing is signed.
    if "apiKey" in pair[0].credentials and set(pair[0].credentials) - set(PUBLIC_CREDENTIALS)
]
BASIC = {"luno"}
"""Exchanges whose documented authentication is the key and the secret themselves (RFC 7617)."""


@pytest.mark.parametrize("pair", KEYED, ids=named)
def test_two_accounts_in_turn_get_their_own_signatures(pair: tuple[Exchange, Call]) -> None:
    exchange, call = pair
    signer = Signer()
    sign(exchange, call, signer)
    other = credentials(exchange) | {
        "apiKey": Secret(f"{PREFIX.get(exchange.id, '')}otherapiKey1234567890")
    }
    request = asyncio.run(signer.sign(exchange, call, params(call), other, sandbox=False))
    sent = everything_sent(request)
    assert "otherapiKey1234567890" in sent
    assert CANARIES["apiKey"] not in sent
    if exchange.id in BASIC:
        other_headers = {n: v for n, v in request.headers.items() if n != "Authorization"}
        sent = everything_sent(replace(request, headers=other_headers))
    assert planted(exchange, "secret") not in sent


def test_ccxt_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    exchange, call = CALLS[0]
    sign(exchange, call)
    assert "canary" not in caplog.text


def test_credentials_that_cannot_sign_are_told_without_their_text() -> None:
    exchange = CATALOG["binance"]
    malformed = {
        "apiKey": Secret("canaryKey4f6a81c29d"),
        "secret": Secret("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"),
    }
    call = exchange.calls[0]
    signing = Signer().sign(exchange, call, params(call), malformed, sandbox=False)
    with pytest.raises(SigningError) as refused:
        asyncio.run(signing)
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None
