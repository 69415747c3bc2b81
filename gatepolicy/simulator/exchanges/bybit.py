"""Bybit v5.

Source: bybit-exchange/docs, docs/v5: guide.mdx (signing), error.mdx, user/apikey-info.mdx.
Errors come with HTTP 200. The order of the checks is not documented.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from gatepolicy.simulator.answers import (
    TIME_MARK,
    Answer,
    Request,
    hex_hmac,
    json_answer,
    same,
    whole_number,
)
from gatepolicy.simulator.exchange import Call, Exchange
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

_DEFAULT_WINDOW_MS = "5000"
_AHEAD_MS = 1_000
_UNBOUND_LIFE = timedelta(days=90)
_TIME = TIME_MARK.decode().strip('"')

# Every group of the documented example; the ones that hold nothing are answered as empty lists.
_GROUPS = (
    "ContractTrade",
    "Spot",
    "Wallet",
    "Options",
    "Derivatives",
    "CopyTrading",
    "BlockTrade",
    "Exchange",
    "NFT",
    "Affiliate",
    "Earn",
    "FiatP2P",
    "FiatConvertBroker",
    "FiatGlobalPay",
    "FiatBitPay",
    "BitCard",
    "ByXPost",
)


def _document(code: int, message: str, result: object) -> dict[str, object]:
    return {
        "retCode": code,
        "retMsg": message,
        "result": result,
        "retExtInfo": {},
        "time": _TIME,
    }


def _error(code: int, message: str) -> Answer:
    return json_answer(200, _document(code, message, {}))


def _refuse(request: Request, key: SimulatedKey | None) -> Answer | None:
    if key is None:
        return _error(10003, "API key is invalid.")
    if not _in_time(request):
        return _clock_error(request)
    if not same(
        request.headers.get("X-BAPI-SIGN", ""), hex_hmac("sha256", key.secret, _text(request))
    ):
        # As seen in ccxt/ccxt issue 26343; it echoes the API key.
        return _error(10004, f"error sign! origin_string[{_text(request)}]")
    end = expiry(key)
    if end is not None and end.timestamp() <= request.now:
        return _error(33004, "Your api key has expired.")
    if not key.admits_caller():
        return _error(10010, "Unmatched IP, please check your API key's bound IP addresses.")
    return None


def _window(request: Request) -> str:
    return request.headers.get("X-BAPI-RECV-WINDOW", _DEFAULT_WINDOW_MS)


def _text(request: Request) -> str:
    sent = request.headers.get("X-BAPI-TIMESTAMP", "")
    return f"{sent}{request.headers.get('X-BAPI-API-KEY', '')}{_window(request)}{request.query}"


def _in_time(request: Request) -> bool:
    sent = whole_number(request.headers.get("X-BAPI-TIMESTAMP", ""))
    window = whole_number(_window(request))
    if sent is None or window is None:
        return False
    return request.now_ms() - window <= sent < request.now_ms() + _AHEAD_MS


def _clock_error(request: Request) -> Answer:
    # The whole text as seen in bybit-exchange/pybit issue 191.
    sent = request.headers.get("X-BAPI-TIMESTAMP", "")
    return _error(
        10002,
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{sent}],server_timestamp[{request.now_ms()}],recv_window[{_window(request)}]",
    )


def _rate_limited(request: Request) -> Answer:
    # HTTP 200 as seen in bybit-exchange/pybit issue 340; the header is documented in v5/rate-limit.
    body = _document(10006, "Too many visits. Exceeded the API Rate Limit.", {})
    return json_answer(200, body, ("X-Bapi-Limit-Reset-Timestamp", str(request.now_ms() + 1_000)))


def _not_found(request: Request) -> Answer:
    # UNCONFIRMED: the documents do not show what an unknown path answers.
    del request
    return Answer(404)


def expiry(key: SimulatedKey) -> datetime | None:
    """When the key ends: as given, else 90 days after it was made for a key without IP binding."""
    if key.expires_at is not None or key.allowed_ips:
        return key.expires_at
    return key.created_at + _UNBOUND_LIFE


def _describe(key: SimulatedKey, now: datetime) -> Mapping[str, object]:
    digest = sha256(key.api_key.encode()).digest()
    return {
        "id": str(int.from_bytes(digest[:3])),
        "note": key.name,
        "apiKey": key.api_key,
        "readOnly": int(key.read_only),
        "secret": "",
        "permissions": _grouped(key),
        "ips": key.allowed_ips or ("*",),
        "type": 1,
        **_deadline(expiry(key), now),
        "createdAt": _iso(key.created_at),
        "unified": 0,
        "uta": 1,
        "userID": int.from_bytes(digest[3:6]),
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_1",
        "kycRegion": "MYS",
        "userIDInt64": "0",
        "inviterIDInt64": "0",
        "affiliateIDInt64": "0",
    }


def _grouped(key: SimulatedKey) -> Mapping[str, list[str]]:
    groups: dict[str, list[str]] = {group: [] for group in _GROUPS}
    for word in sorted(key.permissions):
        group, _, name = word.partition(".")
        groups.setdefault(group, []).append(name)
    return groups


def _deadline(end: datetime | None, now: datetime) -> Mapping[str, object]:
    if end is None:
        # How the documented example writes a key that does not end.
        return {"deadlineDay": -2, "expiredAt": "1970-01-01T00:00:00Z"}
    return {"deadlineDay": (end - now).days, "expiredAt": _iso(end)}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrap(
    key: SimulatedKey, others: Sequence[SimulatedKey], now: datetime, described: object
) -> object:
    del key, others, now
    return _document(0, "", described)


BYBIT = Exchange(
    id=ExchangeId.BYBIT,
    prefixes=("/v5/",),
    calls={"/v5/user/query-api": Call(_describe, _wrap)},
    presented=lambda request: request.headers.get("X-BAPI-API-KEY", ""),
    refuse=_refuse,
    not_found=_not_found,
    clock_error=_clock_error,
    rate_limited=_rate_limited,
)
