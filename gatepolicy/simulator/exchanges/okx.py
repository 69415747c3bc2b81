"""OKX v5.

Source: https://www.okx.com/docs-v5/en/ (REST authentication; get account configuration; error
codes, whose table gives HTTP 401 for all of 50101 to 50114). The order of the checks is not
documented.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from gatepolicy.simulator.answers import Answer, Request, base64_hmac, json_answer, same
from gatepolicy.simulator.exchange import Call, Exchange
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

_WINDOW_SECONDS = 30
_HEADERS = {
    "OK-ACCESS-KEY": "50103",
    "OK-ACCESS-PASSPHRASE": "50104",
    "OK-ACCESS-SIGN": "50106",
    "OK-ACCESS-TIMESTAMP": "50107",
}


def _error(status: int, code: str, message: str) -> Answer:
    return json_answer(status, {"msg": message, "code": code})


def _refuse(request: Request, key: SimulatedKey | None) -> Answer | None:
    missing = [name for name in _HEADERS if not request.headers.get(name)]
    if missing:
        return _error(401, _HEADERS[missing[0]], f"Request header {missing[0]} cannot be empty.")
    if key is None:
        # The text is real; the status is UNCONFIRMED.
        return _error(401, "50119", "API key doesn't exist")
    if not key.admits_caller():
        # The real text; it echoes the whole API key.
        listed = f"your API key's {key.api_key} IP whitelist"
        return _error(401, "50110", f"Your IP {key.caller_ip} is not included in {listed}.")
    return _untimely(request) or _unproved(request, key)


def _untimely(request: Request) -> Answer | None:
    sent = _moment(request.headers["OK-ACCESS-TIMESTAMP"])
    if sent is None:
        return _error(401, "50112", "Invalid OK-ACCESS-TIMESTAMP")
    return _clock_error(request) if abs(request.now - sent) > _WINDOW_SECONDS else None


def _moment(text: str) -> float | None:
    if not text.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _unproved(request: Request, key: SimulatedKey) -> Answer | None:
    headers = request.headers
    text = f"{headers['OK-ACCESS-TIMESTAMP']}{request.method}{request.target()}{request.text()}"
    if not same(headers["OK-ACCESS-PASSPHRASE"], key.passphrase):
        return _error(401, "50105", "Request header OK-ACCESS-PASSPHRASE incorrect.")
    if not same(headers["OK-ACCESS-SIGN"], base64_hmac(key.secret, text)):
        return _error(401, "50113", "Invalid Sign")
    if "read_only" not in key.permissions:
        # The call needs Read. The code is documented; its status is UNCONFIRMED.
        return _error(401, "50120", "This API key doesn't have permission to use this function")
    return None


def _clock_error(request: Request) -> Answer:
    del request
    return _error(401, "50102", "Timestamp request expired")


def _rate_limited(request: Request) -> Answer:
    # As seen in c9s/bbgo pull request 1534; no Retry-After is documented.
    del request
    return _error(429, "50011", "Too Many Requests")


def _not_found(request: Request) -> Answer:
    # UNCONFIRMED: the documents do not show what an unknown path answers.
    del request
    return Answer(404)


def _describe(key: SimulatedKey, now: datetime) -> Mapping[str, object]:
    del now
    uid = str(10**17 + int.from_bytes(sha256(key.api_key.encode()).digest()[:6]))
    words = key.permissions if isinstance(key.permissions, tuple) else sorted(key.permissions)
    return {
        "acctLv": "2",
        "acctStpMode": "cancel_maker",
        "autoLoan": False,
        "ctIsoMode": "automatic",
        "enableSpotBorrow": False,
        "greeksType": "PA",
        "feeType": "0",
        "ip": ",".join(key.allowed_ips),
        "type": "0",
        "kycLv": "3",
        "label": key.name,
        "level": "Lv1",
        "levelTmp": "",
        "liquidationGear": "-1",
        "mainUid": uid,
        "mgnIsoMode": "automatic",
        "opAuth": "0",
        "perm": ",".join(words),
        "posMode": "long_short_mode",
        "roleType": "0",
        "spotBorrowAutoRepay": False,
        "spotOffsetType": "",
        "spotRoleType": "0",
        "spotTraderInsts": [],
        "stgyType": "0",
        "traderInsts": [],
        "uid": uid,
        "settleCcy": "USDC",
        "settleCcyList": ["USD", "USDC", "USDG"],
    }


def _wrap(
    key: SimulatedKey, others: Sequence[SimulatedKey], now: datetime, described: object
) -> object:
    del key, others, now
    return {"code": "0", "data": [described], "msg": ""}


OKX = Exchange(
    id=ExchangeId.OKX,
    prefixes=("/api/v5/",),
    calls={"/api/v5/account/config": Call(_describe, _wrap)},
    presented=lambda request: request.headers.get("OK-ACCESS-KEY", ""),
    refuse=_refuse,
    not_found=_not_found,
    clock_error=_clock_error,
    rate_limited=_rate_limited,
)
