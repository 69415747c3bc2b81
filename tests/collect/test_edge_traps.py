"""Traps at the edge: writes that look like reads, secrets in answers, broken credentials.

The traps in what answers mean are in ``tests/exchanges/test_traps.py``. Held elsewhere already:

| trap | held by |
|---|---|
| redirects carry the key to another host | test_guard |
| one path of Indodax and Zaif for reads and writes | test_guard, tests/exchanges/test_catalog |
| keys in exception texts and debug logs | test_signer |
| a value of one account stays in a client | test_signer, and here for LBank's options |
| lists of keys hold the secrets of others | test_listing, and here for the own call |
| a key whose nonce a bot counts higher | documented cases: *_error_nonce_1 |
"""

import asyncio
import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatepolicy.collect.guard import SignedRequest, differences
from gatepolicy.collect.redact import Redactor, redact_answer
from gatepolicy.collect.signer import Signer, SigningError
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Call, Exchange
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.secret import Secret
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.synthetic import synthetic_key
from tests.collect.test_signer import BASE64, CALLS, LISTS, credentials, named, params, sign
from tests.exchanges.test_traps import _case, secrets_in
from tests.whole_catalog import CATALOG

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)
# --- writes ---------------------------------------------------------------------------------------

# ccxt's name, and what it changes.
WRITES = [
    ("mexc", "spot_private_post_apikeyinfo"),  # the list of addresses, on the path that reads it
    ("mexc", "spot_private_post_capital_withdraw"),
    ("hyperliquid", "private_post_exchange"),
    ("lighter", "public_post_sendtx"),
    ("lighter", "public_post_sendtxbatch"),
    ("deribit", "private_get_create_api_key"),  # Deribit's writes are GETs
    ("deribit", "private_get_remove_api_key"),
    ("deribit", "private_get_reset_api_key"),
    ("deribit", "private_get_disable_api_key"),
    ("deribit", "private_get_change_scope_in_api_key"),
    ("deribit", "private_get_withdraw"),
    ("xt", "private_user_post_user_account_api_key"),  # keys, on the path that lists them
    ("xt", "private_user_put_user_account_api_key"),
    ("bitstamp", "private_post_revoke_all_api_keys"),
    ("whitebit", "v4_private_post_sub_account_api_key_reset"),
    ("whitebit", "v4_private_post_sub_account_api_key_delete"),
    ("kraken", "private_post_withdraw"),
    ("bybit", "private_post_v5_user_update_api"),
    ("htx", "v2private_post_sub_user_api_key_deletion"),
    ("bittrade", "v2private_post_sub_user_api_key_deletion"),
    ("coinsph", "private_post_openapi_wallet_v1_withdraw_apply"),
    ("upbit", "private_post_withdraws_coin"),
    ("upbit", "private_post_orders_test"),
]


def every_call(exchange: Exchange) -> Iterator[Call]:
    yield from exchange.sendable
    for listing in exchange.listings:
        yield from listing.calls


def passes(request: SignedRequest, call: Call, exchange: Exchange) -> bool:
    return not differences(request, call, exchange.hosts)


def write(exchange_id: str, method: str) -> tuple[Exchange, SignedRequest]:
    """What ccxt would send, signed for real."""
    exchange = load_exchange(exchange_id)
    call = replace(exchange.calls[0], ccxt_method=method, params={}, unlisted=None)
    return exchange, sign(exchange, call)


@pytest.mark.parametrize(("exchange_id", "method"), WRITES)
def test_no_declared_read_lets_a_write_out(exchange_id: str, method: str) -> None:
    exchange, request = write(exchange_id, method)
    for call in every_call(exchange):
        assert not passes(request, call, exchange), call.id


def test_a_careless_declaration_would_let_mexcs_list_be_edited() -> None:
    """What holds is the method: the path and the host of the write are those of the read."""
    exchange, request = write("mexc", "spot_private_post_apikeyinfo")
    assert passes(request, replace(exchange.calls[0], http_method="POST"), exchange)


def test_a_careless_declaration_would_let_xts_keys_be_made() -> None:
    exchange, request = write("xt", "private_user_post_user_account_api_key")
    assert passes(request, replace(exchange.calls[0], http_method="POST"), exchange)


@pytest.mark.parametrize("kind", ["clearinghouseState", "approveAgent", "", "userrole"])
def test_hyperliquids_info_is_asked_for_declared_kinds_only(kind: str) -> None:
    exchange = load_exchange("hyperliquid")
    role = exchange.calls[0]
    request = sign(exchange, replace(role, params={**role.params, "type": kind}))
    assert passes(sign(exchange, role), role, exchange)
    assert not passes(request, role, exchange)
    # Without the declared field of the body, the path alone would let it out.
    assert passes(request, replace(role, body={}), exchange)


@pytest.mark.parametrize("pair", [*CALLS, *LISTS], ids=named)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_declared_path_takes_its_own_method_only(
    pair: tuple[Exchange, Call], method: str
) -> None:
    exchange, call = pair
    url = f"https://{min(exchange.hosts)}{call.path.replace('{', '').replace('}', '')}"
    body = json.dumps(dict(call.body)).encode() if method != "GET" else None
    request = SignedRequest(method, url, {}, body)
    assert passes(request, call, exchange) is (method == call.http_method)


UNIFIED = {
    "load_markets",
    "fetch_markets",
    "fetch_currencies",
    "fetch_balance",
    "fetch_accounts",
    "sign_in",
    "load_account",
    "pre_load_lighter_library",
    "change_api_key",
    "handle_builder_fee_approval",
    "approve_builder_fee",
    "set_ref",
    "initialize_client",
    "onboarding",
    "authenticate_rest",
}


def called_while(act: Callable[[], object]) -> set[str]:
    """The names of all functions that are called on the way."""
    names: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            names.add(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
    return names


@pytest.mark.parametrize("exchange", CATALOG.values(), ids=CATALOG.keys())
def test_no_unified_method_of_ccxt_is_called(exchange: Exchange) -> None:
    """Hyperliquid approves a fee in its ``load_markets``, Lighter registers a key in others."""
    for call in every_call(exchange):
        called = called_while(partial(sign, exchange, call))
        assert "sign" in called
        assert not called & UNIFIED


def test_a_unified_method_would_be_noticed() -> None:
    exchange = load_exchange("hyperliquid")
    careless = replace(exchange.calls[0], ccxt_method="fetch_currencies")
    assert "fetch_currencies" in called_while(partial(sign, exchange, careless))


def test_no_exchange_is_handed_the_key_of_a_wallet() -> None:
    """With it, ccxt signs transactions; without it, it cannot.

    On two exchanges a bot has a wallet of its own, and answers say what that may do: there is no
    other key to ask with.
    """
    by_wallet = {name for name, exchange in CATALOG.items() if exchange.named_by_wallet}
    assert by_wallet == {"aster", "derive"}
    others = [exchange for name, exchange in CATALOG.items() if name not in by_wallet]
    taken = {name for exchange in others for name in exchange.credentials}
    assert taken <= {"apiKey", "secret", "password", "accountId", "walletAddress"}


# --- secrets in answers ---------------------------------------------------------------------------


def others_in(value: Any) -> Iterator[str]:
    """Keys of others, by the names that answers give them."""
    match value:
        case dict():
            for name, inner in value.items():
                if name in ("client_id", "accessKey") and isinstance(inner, str):
                    yield inner
                yield from others_in(inner)
        case list():
            for inner in value:
                yield from others_in(inner)


@pytest.mark.parametrize(
    "case", ["deribit_documented_example", "xt_documented_example", "xt_bound_all_scopes"]
)
def test_secrets_in_an_answer_are_in_no_evidence(ask: Ask, case: str) -> None:
    """Deribit and XT answer with secrets, also those of other keys than the calling one."""
    exchange, answers = _case(case)["exchange"], _case(case)["answers"]
    [answer] = answers.values()
    body = json.loads(answer["body"])
    hidden = {*secrets_in(body), *others_in(body)}
    assert len(hidden) >= 2
    said = Fault(kind=FaultKind.SCRIPTED, times=1, status=answer["status"], body=answer["body"])
    [evidence] = ask([replace(synthetic_key(exchange, 7, NOW), faults=(said,))])
    assert evidence.calls[0].answer
    assert not [one for one in hidden if one in repr(evidence)]


@pytest.mark.parametrize(
    ("case", "personal"),
    [
        ("kraken_documented_example", ["AA88 N84G WOAK NMOI"]),
        (
            "krakenfutures_documented_example",
            ["AA08 N84G CPAR UN7A", "5a94f2bd-4f11-1a00-9364-1ee01721213c"],
        ),
        ("zaif_documented_example", ["15320", "1.389", "20440", "1.479"]),
        ("binanceus_documented_example", ["4723846.89208129", "4763368.68006011"]),
    ],
)
def test_account_numbers_and_balances_are_in_no_evidence(case: str, personal: list[str]) -> None:
    [answer] = _case(case)["answers"].values()
    shown = redact_answer(answer["body"].encode(), Redactor([Secret("an-invented-secret")]))
    for one in personal:
        assert one in answer["body"]
        assert one not in shown
    # What the facts were read from can still be compared with them.
    assert "permissions" in shown or "rights" in shown


# --- credentials that break signing ---------------------------------------------------------------

PEM = "-----BEGIN EC PRIVATE KEY-----"
LONG = "canarySecret77e0b1c5" * 4
BROKEN = {
    "a secret of Kraken that is no base64": ("kraken", {"secret": "canary!"}),
    "a secret of Kraken Futures that is no base64": ("krakenfutures", {"secret": "canary!"}),
    "a secret of LBank that is longer, and no RSA key": ("lbank", {"secret": LONG}),
    "a damaged PEM of Coinbase": ("coinbase", {"secret": f"{PEM}\ncanary\n{PEM}"}),
    "a PEM of Coinbase without line breaks": ("coinbase", {"secret": rf"{PEM}\ncanary\n{PEM}"}),
    "a public key of Coinbase in place of the name": (
        "coinbase",
        {"apiKey": f"{PEM}canary", "secret": f"{PEM}\ncanary"},
    ),
    "a base64 secret of Coinbase that is too short": ("coinbase", {"secret": "Y2FuYXJ5="}),
    "a master key of Gemini": ("gemini", {"apiKey": "master-canaryKey"}),
    "a passphrase of BloFin that is empty": ("blofin", {"password": ""}),
    "a passphrase of OKX that is empty": ("okx", {"password": ""}),
    "a secret of WOOFi Pro that is no base58": ("woofipro", {"secret": "ed25519:canary0OIl"}),
}


@pytest.mark.parametrize(("exchange_id", "broken"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_sign_is_told_without_its_text(
    exchange_id: str, broken: dict[str, str]
) -> None:
    """Not all that ccxt raises then is an error of ccxt; nothing of it is a bad key."""
    exchange = load_exchange(exchange_id)
    given = {**credentials(exchange), **{name: Secret(text) for name, text in broken.items()}}
    call = exchange.calls[0]
    with pytest.raises(SigningError) as refused:
        asyncio.run(Signer().sign(exchange, call, params(call), given, sandbox=False))
    assert "canary" not in str(refused.value).lower()
    assert refused.value.__cause__ is None


def rsa_key() -> tuple[rsa.RSAPublicKey, str]:
    """A pair, the private half as LBank shows it, of a length that this ccxt can cut into lines."""
    for _ in range(400):
        private = rsa.generate_private_key(65537, 1092)
        form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        text = base64.b64encode(private.private_bytes(*form)).decode()
        if len(text) % 64 == 0:
            return private.public_key(), text
    raise AssertionError("no key of such a length")


def test_lbanks_key_of_one_account_never_signs_for_the_next() -> None:
    """ccxt keeps an RSA key among the options of its client."""
    exchange, signer = load_exchange("lbank"), Signer()
    call = exchange.calls[0]
    for public, secret in (rsa_key(), rsa_key()):
        given = {"apiKey": Secret("canaryKey"), "secret": Secret(secret)}
        request = asyncio.run(signer.sign(exchange, call, {}, given, sandbox=False))
        fields = {
            name: values[0] for name, values in parse_qs((request.body or b"").decode()).items()
        }
        signature = base64.b64decode(fields.pop("sign"))
        names = ("echostr", "signature_method", "timestamp")
        said = {**fields, **{name: request.headers[name] for name in names}}
        text = "&".join(f"{name}={said[name]}" for name in sorted(said))
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
        # Raises for the signature of another key.
        public.verify(signature, digest.encode(), padding.PKCS1v15(), SHA256())
        assert said["signature_method"] == "RSA"


def test_a_secret_of_kraken_that_is_base64_signs() -> None:
    given = {**credentials(load_exchange("kraken")), "secret": Secret(BASE64)}
    call = load_exchange("kraken").calls[0]
    request = asyncio.run(
        Signer().sign(load_exchange("kraken"), call, params(call), given, sandbox=False)
    )
    assert request.headers["API-Sign"]
