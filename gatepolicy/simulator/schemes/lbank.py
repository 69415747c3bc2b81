"""LBank: a SHA-256 HMAC over the MD5 of the sorted parameters, some of which are headers.

Source: https://www.lbank.com/docs/index.html (signature). Signatures with an RSA key are refused.
"""

import hashlib
import re
from urllib.parse import parse_qsl, quote

from gatepolicy.simulator.answers import Request, hex_hmac, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part, timely
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_SIGNED_HEADERS = ("echostr", "signature_method", "timestamp")
_ECHOSTR = re.compile(r"[A-Za-z0-9]{30,40}")


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    if not _ECHOSTR.fullmatch(request.headers.get("echostr", "")):
        return "echostr"
    if request.headers.get("signature_method") != "HmacSHA256":
        return "bad_signature"
    expected = hex_hmac("sha256", key.secret, _prepared(request, parameters))
    if not same(part(request, parameters["signature"]).lower(), expected):
        return "bad_signature"
    return None if timely(request, parameters["timestamp"]) else "clock"


def _prepared(request: Request, parameters: Parameters) -> str:
    signature = parameters["signature"]["form"]
    pairs = dict(parse_qsl(request.text(), keep_blank_values=True))
    pairs.pop(signature, None)
    pairs.update({name: request.headers.get(name, "") for name in _SIGNED_HEADERS})
    text = "&".join(f"{name}={_written(pairs[name])}" for name in sorted(pairs))
    # The documents ask for the MD5; it protects nothing by itself.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _written(value: str) -> str:
    # The documents' examples need no encoding; invented keys need none either.
    return quote(value, safe="", errors="replace")


LBANK = Scheme(_presented, _refusal)
"""What LBank's private calls carry."""
