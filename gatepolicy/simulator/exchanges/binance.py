"""Binance SAPI.

Sources: https://developers.binance.com/docs/wallet/account/api-key-permission and, for signatures
and errors, binance/binance-spot-api-docs rest-api.md and errors.md. The order of the checks is not
documented.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl

from gatepolicy.simulator.answers import Answer, Request, hex_hmac, json_answer, same, whole_number
from gatepolicy.simulator.exchange import Call, Exchange, only_described
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

_DEFAULT_WINDOW_MS = 5_000
_WIDEST_WINDOW_MS = 60_000
_AHEAD_MS = 1_000

# Every flag of the documented example beside ipRestrict.
_FLAGS = (
    "enableReading",
    "enableWithdrawals",
    "enableInternalTransfer",
    "enableMargin",
    "enableFutures",
    "permitsUniversalTransfer",
    "enableVanillaOptions",
    "enableFixApiTrade",
    "enableFixReadOnly",
    "enableSpotAndMarginTrading",
    "enablePortfolioMarginTrading",
)


def _error(status: int, code: int, message: str) -> Answer:
    return json_answer(status, {"code": code, "msg": message})


def _refuse(request: Request, key: SimulatedKey | None) -> Answer | None:
    if not _presented(request):
        return _error(401, -2014, "API-key format invalid.")
    # One code on purpose for a bad key, a bad address and a missing permission; reading one's own
    # key needs enableReading.
    if key is None or not key.admits_caller() or "enableReading" not in key.permissions:
        return _error(401, -2015, "Invalid API-key, IP, or permissions for action.")
    given = dict(parse_qsl(request.query, keep_blank_values=True))
    return _untimely(request, given) or _unsigned(request, given, key.secret)


def _untimely(request: Request, given: Mapping[str, str]) -> Answer | None:
    sent = whole_number(given.get("timestamp", ""))
    if sent is None:
        return _mandatory("timestamp")
    window = whole_number(given.get("recvWindow", str(_DEFAULT_WINDOW_MS)))
    if window is None or window > _WIDEST_WINDOW_MS:
        return _error(400, -1131, "recvWindow must be less than 60000")
    if sent >= request.now_ms() + _AHEAD_MS:
        message = "Timestamp for this request was 1000ms ahead of the server's time."
        return _error(400, -1021, message)
    return _clock_error(request) if request.now_ms() - sent > window else None


def _unsigned(request: Request, given: Mapping[str, str], secret: str) -> Answer | None:
    if "signature" not in given:
        return _mandatory("signature")
    parts = [part for part in request.query.split("&") if not part.startswith("signature=")]
    # "The signature is not case sensitive."
    if not same(given["signature"].lower(), hex_hmac("sha256", secret, "&".join(parts))):
        return _error(400, -1022, "Signature for this request is not valid.")
    return None


def _mandatory(name: str) -> Answer:
    message = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return _error(400, -1102, message)


def _clock_error(request: Request) -> Answer:
    del request
    return _error(400, -1021, "Timestamp for this request is outside of the recvWindow.")


def _rate_limited(request: Request) -> Answer:
    # Text as seen in ccxt/ccxt issue 6905; Retry-After is documented for 418 and 429.
    del request
    body = {"code": -1003, "msg": "Too many requests; current request has limited."}
    return json_answer(429, body, ("Retry-After", "1"))


def _not_found(request: Request) -> Answer:
    # An empty body was seen on /api (sammchardy/python-binance issue 1614); on /sapi UNCONFIRMED.
    del request
    return Answer(404)


def _describe(key: SimulatedKey, now: datetime) -> Mapping[str, object]:
    del now
    flags = dict.fromkeys(_FLAGS, False) | dict.fromkeys(sorted(key.permissions), True)
    answer: dict[str, object] = {
        "ipRestrict": bool(key.allowed_ips),
        "createTime": int(key.created_at.timestamp() * 1000),
        **flags,
    }
    if key.expires_at:
        answer["tradingAuthorityExpirationTime"] = int(key.expires_at.timestamp() * 1000)
    return answer


def _presented(request: Request) -> str:
    return request.headers.get("X-MBX-APIKEY", "")


BINANCE = Exchange(
    id=ExchangeId.BINANCE,
    prefixes=("/sapi/",),
    calls={"/sapi/v1/account/apiRestrictions": Call(_describe, only_described)},
    presented=_presented,
    refuse=_refuse,
    not_found=_not_found,
    clock_error=_clock_error,
    rate_limited=_rate_limited,
)
