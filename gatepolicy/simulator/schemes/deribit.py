"""Deribit over HTTP: requests by GET, or by POST as JSON-RPC, with each proof of who sends them.

Source: https://docs.deribit.com/articles/authentication and the reference of ``public/auth``. A
private call carries a signature (``deri-hmac-sha256``), the key with its secret (``Basic``), or a
token (``Bearer``). A token is given for the secret (``client_credentials``) or for a signature
(``client_signature``) or for a refresh token; here both kinds hold their end, the key, and a keyed
hash of both. A refresh token may be used again.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from gatepolicy.simulator.answers import Request, hex_hmac, same, whole_number
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_bytes
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_LOGIN = "public/auth"


def _presented(request: Request, parameters: Parameters) -> str:
    if _is_login(request):
        said = _login(request)
        refreshed = said.get("grant_type") == "refresh_token"
        return _token(said.get("refresh_token", ""))[1] if refreshed else said.get("client_id", "")
    kind, text = _authorization(request, parameters)
    match kind:
        case "deri-hmac-sha256":
            return _fields(text).get("id", "")
        case "basic":
            return _pair(text)[0]
        case "bearer":
            return _token(text)[1]
        case _:
            return ""


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    if _is_login(request):
        return _refused_login(request, parameters, key)
    kind, text = _authorization(request, parameters)
    match kind:
        case "deri-hmac-sha256":
            fields = _fields(text)
            signed = f"{request.method}\n{request.target()}\n{request.text()}\n"
            said = {"timestamp": fields.get("ts", ""), "signature": fields.get("sig", "")}
            return _refused_signature(request, parameters, key, fields | said | {"data": signed})
        case "basic":
            return None if same(_pair(text)[1], key.secret) else "bad_signature"
        case "bearer":
            return None if _is_valid(text, "access", request, key) else "token"
        case _:
            return "bad_signature"


def _refused_login(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    said = _login(request)
    match said.get("grant_type"):
        case "client_credentials":
            return None if same(said.get("client_secret", ""), key.secret) else "bad_signature"
        case "client_signature":
            return _refused_signature(request, parameters, key, said)
        case "refresh_token":
            is_valid = _is_valid(said.get("refresh_token", ""), "refresh", request, key)
            return None if is_valid else "token"
        case _:
            return "bad_signature"


def _refused_signature(
    request: Request, parameters: Parameters, key: SimulatedKey, said: Mapping[str, str]
) -> str | None:
    moment, nonce = said.get("timestamp", ""), said.get("nonce", "")
    expected = hex_hmac("sha256", key.secret, f"{moment}\n{nonce}\n{said.get('data', '')}")
    if not nonce or not same(said.get("signature", "").lower(), expected):
        return "bad_signature"
    sent = whole_number(moment)
    window = parameters["timestamp"]["window"]
    timely = sent is not None and abs(request.now - sent / 1000) <= window
    return None if timely else "clock"


def _authorization(request: Request, parameters: Parameters) -> tuple[str, str]:
    kind, _, text = part(request, parameters["key"]).partition(" ")
    # RFC 9110, 11.1: case does not matter.
    return kind.lower(), text


def _fields(text: str) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in text.split(","))
    return {name: value for name, _, value in pairs}


def _pair(text: str) -> tuple[str, str]:
    user, _, secret = base64_bytes(text).decode(errors="replace").partition(":")
    return user, secret


def _is_login(request: Request) -> bool:
    method = str(request.json_fields().get("method", "")).removeprefix("/")
    return request.path.endswith(f"/{_LOGIN}") or method == _LOGIN


def _login(request: Request) -> Mapping[str, str]:
    """The parameters of a request for a token."""
    if request.method == "GET":
        return dict(parse_qsl(request.query, keep_blank_values=True))
    given = request.json_fields().get("params")
    return {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}


def _token(text: str) -> tuple[str, str, str]:
    """End in milliseconds, key, and keyed hash of a token."""
    ends, _, rest = text.partition(".")
    api_key, _, digest = rest.partition(".")
    return ends, api_key, digest


def _is_valid(text: str, use: str, request: Request, key: SimulatedKey) -> bool:
    ends, _, digest = _token(text)
    until = whole_number(ends)
    if until is None or not same(digest, _digest(ends, use, key)):
        return False
    return request.now * 1000 < until


def _digest(ends: str, use: str, key: SimulatedKey) -> str:
    return hex_hmac("sha256", key.secret, f"{use} token {ends} {key.api_key}")


def _variables(request: Request, parameters: Parameters, key: SimulatedKey) -> Mapping[str, object]:
    lasts: int = parameters["token"]["seconds"]
    ends = str(request.now_ms() + lasts * 1000)
    tokens = {
        f"{use}_token": f"{ends}.{key.api_key}.{_digest(ends, use, key)}"
        for use in ("access", "refresh")
    }
    return {**tokens, "token_seconds": lasts}


DERIBIT = Scheme(_presented, _refusal, _variables)
"""What Deribit's calls carry over HTTP."""
