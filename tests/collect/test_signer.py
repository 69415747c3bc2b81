"""The real ccxt signs what the catalog declares, and forgets everything afterwards."""

import asyncio
import logging

import pytest

from gatepolicy.collect.guard import check
from gatepolicy.collect.request import SignedRequest
from gatepolicy.collect.secret import Secret
from gatepolicy.collect.signer import Signer, SigningError
from gatepolicy.exchanges.catalog import load_catalog
from gatepolicy.exchanges.exchange import Call, Exchange

CATALOG = load_catalog()
CALLS = [(exchange, call) for exchange in CATALOG.values() for call in exchange.calls]
CANARIES = {
    "apiKey": "canaryKey4f6a81c29d",
    "secret": "canarySecret77e0b1c5",
    "password": "canaryPassphrase13",
}


def credentials(exchange: Exchange) -> dict[str, Secret]:
    return {name: Secret(CANARIES[name]) for name in exchange.credentials}


def params(call: Call) -> dict[str, str]:
    """Constants as they are; of everything else, some value."""
    return {name: str(p) if isinstance(p, str) else "12345" for name, p in call.params.items()}


def sign(exchange: Exchange, call: Call, signer: Signer | None = None) -> SignedRequest:
    signing = (signer or Signer()).sign(
        exchange, call, params(call), credentials(exchange), sandbox=False
    )
    return asyncio.run(signing)


def named(pair: tuple[Exchange, Call]) -> str:
    return f"{pair[0].id}-{pair[1].id}"


@pytest.mark.parametrize("pair", CALLS, ids=named)
def test_every_declared_call_exists_in_ccxt_and_goes_where_the_catalog_says(
    pair: tuple[Exchange, Call],
) -> None:
    exchange, call = pair
    request = sign(exchange, call)
    check(request, call, exchange.hosts)
    assert request.method == call.http_method


@pytest.mark.parametrize("pair", [pair for pair in CALLS if pair[0].sandbox_hosts], ids=named)
def test_sandbox_calls_go_to_sandbox_hosts_only(pair: tuple[Exchange, Call]) -> None:
    exchange, call = pair
    signing = Signer().sign(exchange, call, params(call), credentials(exchange), sandbox=True)
    signed = asyncio.run(signing)
    check(signed, call, exchange.sandbox_hosts)
    assert signed.method == call.http_method


@pytest.mark.parametrize("pair", CALLS, ids=named)
def test_nothing_of_an_account_stays_in_a_client(pair: tuple[Exchange, Call]) -> None:
    exchange, call = pair
    signer = Signer()
    sign(exchange, call, signer)
    [client] = signer._idle[exchange.id, False]
    state = repr(client._ccxt.__dict__)
    assert not [canary for canary in CANARIES.values() if canary in state]


@pytest.mark.parametrize("pair", CALLS, ids=named)
def test_two_accounts_in_turn_get_their_own_signatures(pair: tuple[Exchange, Call]) -> None:
    exchange, call = pair
    signer = Signer()
    sign(exchange, call, signer)
    other = {name: Secret(f"other{name}1234567890") for name in exchange.credentials}
    request = asyncio.run(signer.sign(exchange, call, params(call), other, sandbox=False))
    sent = f"{request.url} {dict(request.headers)}"
    assert "otherapiKey1234567890" in sent
    assert not [canary for canary in CANARIES.values() if canary in sent]


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
