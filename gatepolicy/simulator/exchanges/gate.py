"""Gate APIv4.

Source: https://www.gate.com/docs/developers/apiv4/en/ (authentication; error labels;
account/detail; account/main_keys). The order in which Gate makes its checks is not documented.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from urllib.parse import unquote

from gatepolicy.simulator.account_keys import user_number
from gatepolicy.simulator.answers import (
    Answer,
    Request,
    hex_hmac,
    hex_sha512,
    is_decimal,
    json_answer,
    same,
)
from gatepolicy.simulator.exchange import Call, Exchange, only_described
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

_WINDOW_SECONDS = 60
_HEADERS = ("KEY", "Timestamp", "SIGN")
_MASK_LENGTH = 12


def _error(status: int, label: str, message: str) -> Answer:
    return json_answer(status, {"label": label, "message": message})


def _refuse(request: Request, key: SimulatedKey | None) -> Answer | None:
    missing = [name for name in _HEADERS if not request.headers.get(name)]
    if missing:
        # The label is documented; status and text are UNCONFIRMED.
        return _error(400, "MISSING_REQUIRED_HEADER", f"Missing required header: {missing[0]}")
    if key is None:
        # The label is documented; the text is UNCONFIRMED.
        return _error(401, "INVALID_KEY", "Invalid key provided")
    if not key.admits_caller():
        # Seen in the wild; the documents name the label IP_FORBIDDEN for the same text.
        return _error(403, "FORBIDDEN", f"Request IP not in whitelist: {key.caller_ip}")
    if not _in_time(request):
        return _clock_error(request)
    if not same(request.headers["SIGN"], _signature(request, key.secret)):
        return _error(401, "INVALID_SIGNATURE", "Signature mismatch")
    if "account" not in key.permissions:
        return _error(403, "FORBIDDEN", "Request API key does not have account permission")
    return None


def _in_time(request: Request) -> bool:
    # Gate's own Python SDK sends the fractions of a second, too: gate_api/api_client.py, gen_sign.
    sent = request.headers["Timestamp"]
    return is_decimal(sent) and abs(request.now - float(sent)) <= _WINDOW_SECONDS


def _signature(request: Request, secret: str) -> str:
    # The query is signed "without URL encode", in the order in which it was sent.
    parts = (
        request.method,
        request.path,
        unquote(request.query),
        hex_sha512(request.body),
        request.headers["Timestamp"],
    )
    return hex_hmac("sha512", secret, "\n".join(parts))


def _clock_error(request: Request) -> Answer:
    # Text and status as seen: gateio/rest-v4 issue 8, hummingbot/hummingbot pull request 7134.
    del request
    message = "gap between request Timestamp and server time exceeds 60"
    return _error(403, "REQUEST_EXPIRED", message)


def _rate_limited(request: Request) -> Answer:
    # Label and headers are documented; text as seen in thrasher-corp/gocryptotrader issue 2165.
    return json_answer(
        429,
        {"label": "TOO_MANY_REQUESTS", "message": "Request Rate Limit Exceeded (003)"},
        ("X-Gate-RateLimit-Requests-Remain", "0"),
        ("X-Gate-RateLimit-Limit", "150"),
        ("X-Gate-RateLimit-Reset-Timestamp", str(int(request.now) + 1)),
    )


def _not_found(request: Request) -> Answer:
    # The label is documented ("request path does not exist"); the text is UNCONFIRMED.
    del request
    return _error(404, "NOT_FOUND", "Request path not found")


def _detail(key: SimulatedKey, now: datetime) -> Mapping[str, object]:
    del now
    return {
        "user_id": user_number(key),
        "ip_whitelist": key.allowed_ips,
        "currency_pairs": key.trading_pairs,
        "key": {"mode": 1},
        "tier": 2,
        "copy_trading_role": 0,
    }


def _row(key: SimulatedKey, now: datetime) -> Mapping[str, object]:
    del now
    created = int(key.created_at.timestamp())
    used = int(key.last_used_at.timestamp()) if key.last_used_at else created
    return {
        "state": 1 if key.active else 2,
        "mode": 1,
        "name": key.name,
        "user_id": user_number(key),
        "perms": _perms(key),
        "ip_whitelist": key.allowed_ips,
        "currency_pairs": key.trading_pairs,
        "key": _masked(key.api_key),
        "created_at": created,
        "update_at": created,
        "last_access": used,
    }


def _perms(key: SimulatedKey) -> list[Mapping[str, object]]:
    # The word that a withdraw permission has in this list is documented nowhere: UNCONFIRMED.
    granted = key.permissions if isinstance(key.permissions, Mapping) else {}
    return [{"name": word, "read_only": how == "read-only"} for word, how in granted.items()]


def _masked(api_key: str) -> str:
    return f"{api_key[:_MASK_LENGTH]}*****"


def _main_keys(
    key: SimulatedKey, others: Sequence[SimulatedKey], now: datetime, described: object
) -> object:
    # The own row is the last one, so that nobody gets away with reading the first.
    rows = [other.patched(_row(other, now)) for other in others] or [_neighbour(key)]
    return [*rows, described]


def _neighbour(key: SimulatedKey) -> Mapping[str, object]:
    # Synthetic, and never to be taken for the own key: unbound, and may move funds.
    created = int(key.created_at.timestamp())
    digest = sha256(f"neighbour of {key.api_key}".encode()).hexdigest()
    return {
        "state": 1,
        "mode": 1,
        "name": "old portal key",
        "user_id": user_number(key),
        "perms": [
            {"name": "wallet", "read_only": False},
            {"name": "futures", "read_only": False},
        ],
        "ip_whitelist": [],
        "currency_pairs": [],
        "key": _masked(f"other{digest}"),
        "created_at": created,
        "update_at": created,
        "last_access": created,
    }


GATE = Exchange(
    id=ExchangeId.GATE,
    prefixes=("/api/v4/",),
    calls={
        "/api/v4/account/detail": Call(_detail, only_described, patched=False),
        "/api/v4/account/main_keys": Call(_row, _main_keys),
    },
    presented=lambda request: request.headers.get("KEY", ""),
    refuse=_refuse,
    not_found=_not_found,
    clock_error=_clock_error,
    rate_limited=_rate_limited,
)
