"""The checks of each exchange as pure functions: documented signatures, and nothing else passes."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.simulator.answers import Request, base64_hmac, hex_hmac, hex_sha512, whole_number
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.exchanges.table import EXCHANGES, exchange_at
from gatepolicy.simulator.keys import ExchangeId

NOW = datetime(2026, 1, 1, tzinfo=UTC)

HEADERS = {
    ExchangeId.GATE: ("KEY", "Timestamp", "SIGN"),
    ExchangeId.BINANCE: ("X-MBX-APIKEY",),
    ExchangeId.BYBIT: ("X-BAPI-API-KEY", "X-BAPI-TIMESTAMP", "X-BAPI-SIGN", "X-BAPI-RECV-WINDOW"),
    ExchangeId.OKX: (
        "OK-ACCESS-KEY",
        "OK-ACCESS-SIGN",
        "OK-ACCESS-TIMESTAMP",
        "OK-ACCESS-PASSPHRASE",
    ),
    ExchangeId.KUCOIN: (
        "KC-API-KEY",
        "KC-API-SIGN",
        "KC-API-TIMESTAMP",
        "KC-API-PASSPHRASE",
        "KC-API-KEY-VERSION",
    ),
}


def _request(exchange: ExchangeId, headers: dict[str, str], query: str = "") -> Request:
    path = next(iter(EXCHANGES[exchange].calls))
    return Request("GET", path, query, headers, b"", NOW.timestamp())


def _body(exchange: ExchangeId, headers: dict[str, str], query: str = "") -> Any:
    answer = EXCHANGES[exchange].refuse(
        _request(exchange, headers, query), clean_key(exchange, 1, NOW)
    )
    assert answer is not None
    return json.loads(answer.body)


def test_gate_signature_of_the_documents() -> None:
    # Gate APIv4, "API signature string generation", second example: secret "secret".
    lines = (
        "GET",
        "/api/v4/futures/orders",
        "contract=BTC_USD&status=finished&limit=50",
        hex_sha512(b""),
        "1541993715",
    )
    assert hex_hmac("sha512", "secret", "\n".join(lines)) == (
        "55f84ea195d6fe57ce62464daaa7c3c02fa9d1dde954e4c898289c9a2407a3d6"
        "fb3faf24deff16790d726b66ac9f74526668b13bd01029199cc4fcc522418b8a"
    )


def test_binance_signature_of_the_documents() -> None:
    # Binance rest-api.md, "SIGNED endpoint examples", HMAC; the pair is the documents' own.
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    query = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
        "&recvWindow=5000&timestamp=1499827319559"
    )
    assert hex_hmac("sha256", secret, query) == (
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )


def test_base64_hmac_of_rfc_4231() -> None:
    # RFC 4231, test case 2.
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    expected = base64.b64encode(bytes.fromhex(digest)).decode()

    assert base64_hmac("Jefe", "what do ya want for nothing?") == expected


@pytest.mark.parametrize(
    ("exchange", "error"),
    [
        ("gate", {"label": "MISSING_REQUIRED_HEADER", "message": "Missing required header: KEY"}),
        ("binance", {"code": -2014, "msg": "API-key format invalid."}),
        ("okx", {"code": "50103", "msg": "Request header OK-ACCESS-KEY cannot be empty."}),
        (
            "kucoin",
            {
                "code": "400001",
                "msg": "Please check the header of your request for "
                "KC-API-KEY, KC-API-SIGN, KC-API-TIMESTAMP, KC-API-PASSPHRASE",
            },
        ),
    ],
)
def test_missing_headers(exchange: str, error: object) -> None:
    assert _body(ExchangeId(exchange), {}) == error


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            "",
            {
                "code": -1102,
                "msg": "Mandatory parameter 'timestamp' was not sent, was empty/null, "
                "or malformed.",
            },
        ),
        (
            f"timestamp={int(NOW.timestamp() * 1000)}",
            {
                "code": -1102,
                "msg": "Mandatory parameter 'signature' was not sent, was empty/null, "
                "or malformed.",
            },
        ),
        (
            f"timestamp={int(NOW.timestamp() * 1000)}&recvWindow=60001&signature=00",
            {"code": -1131, "msg": "recvWindow must be less than 60000"},
        ),
        (
            f"timestamp={int(NOW.timestamp() * 1000) - 5001}&signature=00",
            {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."},
        ),
        (
            f"timestamp={int(NOW.timestamp() * 1000)}&signature=00",
            {"code": -1022, "msg": "Signature for this request is not valid."},
        ),
    ],
)
def test_binance_query(query: str, error: object) -> None:
    key = clean_key(ExchangeId.BINANCE, 1, NOW)

    assert _body(ExchangeId.BINANCE, {"X-MBX-APIKEY": key.api_key}, query) == error


def test_binance_signature_may_stand_anywhere_and_in_capitals() -> None:
    key = clean_key(ExchangeId.BINANCE, 1, NOW)
    sent = f"timestamp={int(NOW.timestamp() * 1000)}"
    signature = hex_hmac("sha256", key.secret, sent).upper()
    request = _request(
        ExchangeId.BINANCE, {"X-MBX-APIKEY": key.api_key}, f"signature={signature}&{sent}"
    )

    assert EXCHANGES[ExchangeId.BINANCE].refuse(request, key) is None


@pytest.mark.parametrize("moment", ["1767225600", "2026-01-01T00:00:00", "neverZ"])
def test_okx_timestamp_in_another_format(moment: str) -> None:
    headers = dict.fromkeys(HEADERS[ExchangeId.OKX], "x") | {"OK-ACCESS-TIMESTAMP": moment}

    assert _body(ExchangeId.OKX, headers) == {
        "code": "50112",
        "msg": "Invalid OK-ACCESS-TIMESTAMP",
    }


def test_kucoin_clear_passphrase_of_version_one() -> None:
    headers = dict.fromkeys(HEADERS[ExchangeId.KUCOIN], "x") | {
        "KC-API-TIMESTAMP": str(int(NOW.timestamp() * 1000)),
        "KC-API-KEY-VERSION": "1",
    }

    assert _body(ExchangeId.KUCOIN, headers)["code"] == "400009"


def test_kucoin_wrong_signature_with_the_right_passphrase() -> None:
    key = clean_key(ExchangeId.KUCOIN, 1, NOW)
    headers = {
        "KC-API-KEY": key.api_key,
        "KC-API-SIGN": "x",
        "KC-API-TIMESTAMP": str(int(NOW.timestamp() * 1000)),
        "KC-API-PASSPHRASE": base64_hmac(key.secret, key.passphrase),
        "KC-API-KEY-VERSION": "2",
    }

    assert _body(ExchangeId.KUCOIN, headers) == {"code": "400005", "msg": "Invalid KC-API-SIGN"}


def test_the_query_is_signed() -> None:
    key = clean_key(ExchangeId.GATE, 1, NOW)
    sent = str(int(NOW.timestamp()))
    path = "/api/v4/account/detail"
    lines = ("GET", path, "a=b", hex_sha512(b""), sent)
    headers = {
        "KEY": key.api_key,
        "Timestamp": sent,
        "SIGN": hex_hmac("sha512", key.secret, "\n".join(lines)),
    }
    refuse = EXCHANGES[ExchangeId.GATE].refuse

    assert refuse(Request("GET", path, "a=b", headers, b"", NOW.timestamp()), key) is None
    for query, body in (("a=c", b""), ("", b""), ("a=b", b"{}")):
        assert refuse(Request("GET", path, query, headers, body, NOW.timestamp()), key) is not None


@given(
    exchange=st.sampled_from(ExchangeId),
    values=st.lists(st.text(st.characters()) | st.just("1767225600000"), min_size=6, max_size=6),
)
def test_invented_headers_are_refused_and_break_nothing(
    exchange: ExchangeId, values: list[str]
) -> None:
    key = clean_key(exchange, 1, NOW)
    raw = [value.encode(errors="ignore").decode("ascii", "surrogateescape") for value in values]
    headers = dict(zip(HEADERS[exchange], raw, strict=False))
    request = _request(exchange, headers, f"timestamp=1767225600000&signature={values[5]}")
    entry = EXCHANGES[exchange]

    assert entry.refuse(request, key) is not None
    assert entry.refuse(request, None) is not None


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("17", 17), ("", None), ("-1", None), ("1.5", None), ("١", None), ("9" * 20, None)],
)
def test_whole_number(text: str, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("path", "exchange"),
    [
        ("/api/v4/account/detail", "gate"),
        ("/api/v4/withdrawals", "gate"),
        ("/sapi/v1/account/apiRestrictions", "binance"),
        ("/v5/user/query-api", "bybit"),
        ("/api/v5/account/config", "okx"),
        ("/api/v1/user/api-key", "kucoin"),
    ],
)
def test_path_tells_the_exchange(path: str, exchange: str) -> None:
    found = exchange_at(path)

    assert found is not None
    assert found.id == exchange


def test_path_of_no_exchange() -> None:
    assert exchange_at("/") is None
    assert set(EXCHANGES) == set(ExchangeId)
