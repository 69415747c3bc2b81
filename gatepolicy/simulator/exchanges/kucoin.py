"""KuCoin.

Sources: https://www.kucoin.com/docs-new/ (authentication; error codes; api-3470130 for the key's
own information). The documents do not give the HTTP status of the 4000xx codes; 400 was seen for
400002 (Kucoin/kucoin-python-sdk issue 82) and is UNCONFIRMED for the rest. Nor do they give the
order of the checks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from gatepolicy.simulator.answers import (
    Answer,
    Request,
    base64_hmac,
    json_answer,
    same,
    whole_number,
)
from gatepolicy.simulator.exchange import Call, Exchange
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

_WINDOW_MS = 5_000
_HEADERS = ("KC-API-KEY", "KC-API-SIGN", "KC-API-TIMESTAMP", "KC-API-PASSPHRASE")


def _error(code: str, message: str) -> Answer:
    return json_answer(400, {"code": code, "msg": message})


def _refuse(request: Request, key: SimulatedKey | None) -> Answer | None:
    if any(not request.headers.get(name) for name in _HEADERS):
        return _error(
            "400001", f"Please check the header of your request for {', '.join(_HEADERS)}"
        )
    if not _in_time(request):
        return _clock_error(request)
    if key is None:
        return _error("400003", "KC-API-KEY not exists")
    if not key.admits_caller():
        message = f"Invalid request ip, the current clientIp is:{key.caller_ip}"
        return _error("400006", message)
    return _unproved(request, key)


def _in_time(request: Request) -> bool:
    # "Time differs from server time by more than 5 seconds."
    sent = whole_number(request.headers["KC-API-TIMESTAMP"])
    return sent is not None and abs(request.now_ms() - sent) <= _WINDOW_MS


def _unproved(request: Request, key: SimulatedKey) -> Answer | None:
    headers = request.headers
    if headers.get("KC-API-KEY-VERSION", "1") not in ("2", "3"):
        # Keys of version 1, whose passphrase travels in clear, can no longer be made.
        return _error("400009", "Invalid KC-API-KEY-VERSION")
    if not same(headers["KC-API-PASSPHRASE"], base64_hmac(key.secret, key.passphrase)):
        return _error("400004", "Invalid KC-API-PASSPHRASE")
    text = f"{headers['KC-API-TIMESTAMP']}{request.method}{request.target()}{request.text()}"
    if not same(headers["KC-API-SIGN"], base64_hmac(key.secret, text)):
        return _error("400005", "Invalid KC-API-SIGN")
    if "General" not in key.permissions:
        return _error("400007", "Access denied, require more permission")
    return None


def _clock_error(request: Request) -> Answer:
    del request
    return _error("400002", "Invalid KC-API-TIMESTAMP")


def _rate_limited(request: Request) -> Answer:
    # Body as seen in ccxt/ccxt issue 16185; the headers are documented under "rate limit".
    del request
    return json_answer(
        429,
        {"code": "429000", "msg": "Too Many Requests"},
        ("gw-ratelimit-limit", "2000"),
        ("gw-ratelimit-remaining", "0"),
        ("gw-ratelimit-reset", "1000"),
    )


def _not_found(request: Request) -> Answer:
    # Code and text are documented; that the status is 404 is UNCONFIRMED.
    del request
    return json_answer(404, {"code": "404000", "msg": "Url Not Found"})


def _describe(key: SimulatedKey, now: datetime) -> Mapping[str, object]:
    del now
    words = key.permissions if isinstance(key.permissions, tuple) else sorted(key.permissions)
    return {
        "remark": key.name,
        "apiKey": key.api_key,
        "apiVersion": 3,
        "permission": ",".join(words),
        "ipWhitelist": ",".join(_masked(ip) for ip in key.allowed_ips),
        "createdAt": int(key.created_at.timestamp() * 1000),
        "uid": 100_000_000 + int.from_bytes(sha256(key.api_key.encode()).digest()[:3]),
        "isMaster": True,
    }


def _masked(ip: str) -> str:
    # "203.**.154" in the documented example: first and last number of an IPv4 address.
    first, _, _, last = ip.split(".")
    return f"{first}.**.{last}"


def _wrap(
    key: SimulatedKey, others: Sequence[SimulatedKey], now: datetime, described: object
) -> object:
    del key, others, now
    return {"code": "200000", "data": described}


KUCOIN = Exchange(
    id=ExchangeId.KUCOIN,
    prefixes=("/api/v1/", "/api/v2/"),
    calls={"/api/v1/user/api-key": Call(_describe, _wrap)},
    presented=lambda request: request.headers.get("KC-API-KEY", ""),
    refuse=_refuse,
    not_found=_not_found,
    clock_error=_clock_error,
    rate_limited=_rate_limited,
)
