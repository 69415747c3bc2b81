"""Every exchange refuses what it should, in its own words; asked by real ccxt clients."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

# ccxt's class, the HTTP status, and the fields of the body that say why.
Refusal = tuple[str, int, Mapping[str, object]]

_BINANCE_MERGED: Refusal = (
    "AuthenticationError",
    401,
    {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
)

WRONG_SECRET: Mapping[str, Refusal] = {
    "gate": (
        "AuthenticationError",
        401,
        {"label": "INVALID_SIGNATURE", "message": "Signature mismatch"},
    ),
    "binance": (
        "AuthenticationError",
        400,
        {"code": -1022, "msg": "Signature for this request is not valid."},
    ),
    "bybit": ("AuthenticationError", 200, {"retCode": 10004}),
    "okx": ("AuthenticationError", 401, {"code": "50113", "msg": "Invalid Sign"}),
    # The passphrase travels hashed with the secret, so that it is what fails first.
    "kucoin": ("AuthenticationError", 400, {"code": "400004", "msg": "Invalid KC-API-PASSPHRASE"}),
}
UNKNOWN_KEY: Mapping[str, Refusal] = {
    "gate": (
        "AuthenticationError",
        401,
        {"label": "INVALID_KEY", "message": "Invalid key provided"},
    ),
    "binance": _BINANCE_MERGED,
    "bybit": ("AuthenticationError", 200, {"retCode": 10003, "retMsg": "API key is invalid."}),
    "okx": ("ExchangeError", 401, {"code": "50119", "msg": "API key doesn't exist"}),
    "kucoin": ("AuthenticationError", 400, {"code": "400003", "msg": "KC-API-KEY not exists"}),
}
IP_REFUSED: Mapping[str, Refusal] = {
    "gate": (
        "PermissionDenied",
        403,
        {"label": "FORBIDDEN", "message": "Request IP not in whitelist: 203.0.113.10"},
    ),
    "binance": _BINANCE_MERGED,
    "bybit": (
        "PermissionDenied",
        200,
        {
            "retCode": 10010,
            "retMsg": "Unmatched IP, please check your API key's bound IP addresses.",
        },
    ),
    "okx": (
        "PermissionDenied",
        401,
        {
            "code": "50110",
            "msg": "Your IP 203.0.113.10 is not included in your API key's "
            "sim000000007okxkey IP whitelist.",
        },
    ),
    "kucoin": (
        "AuthenticationError",
        400,
        {"code": "400006", "msg": "Invalid request ip, the current clientIp is:203.0.113.10"},
    ),
}
CLOCK: Mapping[str, Refusal] = {
    "gate": (
        "AuthenticationError",
        403,
        {
            "label": "REQUEST_EXPIRED",
            "message": "gap between request Timestamp and server time exceeds 60",
        },
    ),
    "binance": (
        "InvalidNonce",
        400,
        {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."},
    ),
    "bybit": ("InvalidNonce", 200, {"retCode": 10002}),
    "okx": ("InvalidNonce", 401, {"code": "50102", "msg": "Timestamp request expired"}),
    "kucoin": ("InvalidNonce", 400, {"code": "400002", "msg": "Invalid KC-API-TIMESTAMP"}),
}
UNREADABLE: Mapping[str, Refusal] = {
    "gate": (
        "PermissionDenied",
        403,
        {"label": "FORBIDDEN", "message": "Request API key does not have account permission"},
    ),
    "binance": _BINANCE_MERGED,
    "okx": (
        "ExchangeError",
        401,
        {"code": "50120", "msg": "This API key doesn't have permission to use this function"},
    ),
    "kucoin": (
        "AuthenticationError",
        400,
        {"code": "400007", "msg": "Access denied, require more permission"},
    ),
}


def _assert_refused(outcome: Any, refusal: Refusal) -> None:
    error, status, fields = refusal
    assert outcome.error == error
    assert outcome.statuses == [status]
    assert {name: outcome.body.get(name) for name in fields} == fields


def test_wrong_secret(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(replace(clean, given_secret="another-secret"))

    _assert_refused(outcome, WRONG_SECRET[clean.exchange])


def test_unknown_key(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(clean, known=())

    _assert_refused(outcome, UNKNOWN_KEY[clean.exchange])


def test_address_not_listed(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(replace(clean, allowed_ips=("203.0.113.12",)))

    _assert_refused(outcome, IP_REFUSED[clean.exchange])


@pytest.mark.parametrize("caller", ["203.0.113.12", "198.51.100.7"])
def test_address_is_the_callers(ask: Any, clean: SimulatedKey, caller: str) -> None:
    allowed = replace(clean, allowed_ips=("203.0.113.12",), caller_ip=caller)

    assert (ask(allowed).error == "") == (caller == "203.0.113.12")


def test_clock_behind_the_exchange(ask: Any, clean: SimulatedKey) -> None:
    _assert_refused(ask(clean, ahead=120.0), CLOCK[clean.exchange])


def test_clock_ahead_of_the_exchange(ask: Any, clean: SimulatedKey) -> None:
    outcome = ask(clean, ahead=-120.0)

    error, status, fields = CLOCK[clean.exchange]
    if clean.exchange is ExchangeId.BINANCE:
        text = "Timestamp for this request was 1000ms ahead of the server's time."
        fields = {"code": -1021, "msg": text}
    _assert_refused(outcome, (error, status, fields))


# Seconds that the exchange is ahead: just inside the documented window of each.
INSIDE = {"gate": 58.0, "binance": 9.0, "bybit": 4.0, "okx": 28.0, "kucoin": 4.0}


def test_clock_within_the_window(ask: Any, clean: SimulatedKey) -> None:
    # ccxt asks Binance for a window of 10 seconds.
    outcome = ask(clean, ahead=INSIDE[clean.exchange])

    assert outcome.error == ""
    assert outcome.statuses == [200]


@pytest.mark.parametrize("exchange", [ExchangeId.OKX, ExchangeId.KUCOIN])
def test_wrong_passphrase(ask: Any, now: datetime, exchange: ExchangeId) -> None:
    key = clean_key(exchange, 7, now)
    outcome = ask(replace(key, passphrase="another"), known=(key,))

    code, text = {
        ExchangeId.OKX: ("50105", "Request header OK-ACCESS-PASSPHRASE incorrect."),
        ExchangeId.KUCOIN: ("400004", "Invalid KC-API-PASSPHRASE"),
    }[exchange]
    assert outcome.error == "AuthenticationError"
    assert outcome.body == {"code": code, "msg": text}


@pytest.mark.parametrize("exchange", [ExchangeId(name) for name in UNREADABLE])
def test_key_that_may_not_read_itself(ask: Any, now: datetime, exchange: ExchangeId) -> None:
    key = clean_key(exchange, 7, now)
    blind = replace(key, permissions={} if exchange is ExchangeId.GATE else frozenset())

    _assert_refused(ask(blind), UNREADABLE[exchange])


def test_gate_key_without_account_cannot_read_its_detail_either(ask: Any, now: datetime) -> None:
    letter = replace(
        clean_key(ExchangeId.GATE, 7, now),
        permissions={"spot": "read-write"},
    )
    outcome = ask(letter, method="private_account_get_detail")

    _assert_refused(outcome, UNREADABLE["gate"])


def test_bybit_key_without_any_permission_reads_itself(ask: Any, now: datetime) -> None:
    key = replace(clean_key(ExchangeId.BYBIT, 7, now), permissions=frozenset())

    assert ask(key).error == ""


def test_bybit_signature_error_echoes_what_was_signed(ask: Any, now: datetime) -> None:
    outcome = ask(replace(clean_key(ExchangeId.BYBIT, 7, now), given_secret="another-secret"))

    text = outcome.body["retMsg"]
    assert text.startswith("error sign! origin_string[")
    assert text.endswith("sim000000007bybitkey5000]")


def test_bybit_key_that_ended(ask: Any, now: datetime) -> None:
    ended = replace(clean_key(ExchangeId.BYBIT, 7, now), expires_at=now - timedelta(days=1))
    outcome = ask(ended)

    assert outcome.error == "AuthenticationError"
    assert outcome.body["retCode"] == 33004
    assert outcome.body["retMsg"] == "Your api key has expired."
