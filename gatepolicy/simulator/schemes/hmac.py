"""A keyed hash over parts of the request, in the many forms that exchanges have."""

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from gatepolicy.simulator.answers import Request, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part, requested_window, timely
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    passphrase = parameters.get("passphrase")
    if passphrase and not same(part(request, passphrase), key.passphrase):
        return "passphrase"
    if "timestamp" in parameters and not timely(request, parameters["timestamp"]):
        return "clock"
    raw = _raw(key.secret, parameters["secret"])
    if raw is None:
        return "bad_signature"
    given = part(request, parameters["signature"])
    if parameters["encoding"] == "hex":
        given = given.lower()
    signed = any(same(given, one) for one in _signatures(request, parameters, key, raw))
    return None if signed else "bad_signature"


def _signatures(
    request: Request, parameters: Parameters, key: SimulatedKey, raw: bytes
) -> Iterator[str]:
    """The right one; and the one without the body, where the body is one that may go unsigned."""
    parts = _parts(request, parameters, key)
    may_be_unsigned = request.method == "GET" and parts["body"] == parameters.get("unsigned_body")
    for body in (parts["body"], "") if may_be_unsigned else (parts["body"],):
        message = parameters["message"].format_map({**parts, "body": body}).encode()
        digest = hmac.digest(raw, message, parameters["hash"])
        yield _written(digest, parameters["encoding"])


def _parts(request: Request, parameters: Parameters, key: SimulatedKey) -> Mapping[str, str]:
    signature = parameters["signature"]
    in_query = signature.get("query", "")
    unsigned = _without(request.query, in_query)
    return {
        "method": request.method,
        "path": request.path,
        "path_in_product": "/" + request.path.removeprefix("/").partition("/")[2],
        "query": request.query,
        "and_sorted_query": f"#{_sorted(request.query)}" if request.query else "",
        "target": request.target(),
        "body": request.text(),
        "timestamp": part(request, parameters["timestamp"]) if "timestamp" in parameters else "",
        "window": requested_window(request, parameters.get("timestamp", {})),
        "nonce": part(request, parameters["nonce"]) if "nonce" in parameters else "",
        "random": part(request, parameters["random"]) if "random" in parameters else "",
        "key": key.api_key,
        "query_unsigned": unsigned,
        "sorted_query_unsigned": _sorted(unsigned),
        "body_unsigned": _without(request.text(), signature.get("form", "")),
    }


def _sorted(pairs: str) -> str:
    return "&".join(sorted(pairs.split("&"), key=_name))


def _without(pairs: str, name: str) -> str:
    kept = [pair for pair in pairs.split("&") if not name or _name(pair) != name]
    return "&".join(kept)


def _name(pair: str) -> str:
    parsed = parse_qsl(pair, keep_blank_values=True)
    return parsed[0][0] if parsed else ""


def _raw(secret: str, form: str) -> bytes | None:
    try:
        match form:
            case "base64":
                return base64.b64decode(secret, validate=True)
            case "hex":
                return bytes.fromhex(secret)
            case "upper":
                return secret.upper().encode()
            case _:
                return secret.encode()
    except (ValueError, binascii.Error):
        return None


def _written(digest: bytes, encoding: str) -> str:
    match encoding:
        case "base64":
            return base64.b64encode(digest).decode()
        case "base64_of_hex":
            return base64.b64encode(digest.hex().encode()).decode()
        case _:
            return digest.hex()


HMAC = Scheme(_presented, _refusal)
"""The parameters of a profile say what is hashed, how, and where it stands."""
