"""Kraken: a SHA-512 HMAC over the path and the SHA-256 of nonce and body.

Source: https://docs.kraken.com/exchange/guides/rest/authentication.
"""

import base64
import hashlib
import hmac

from gatepolicy.simulator.answers import Request, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    nonce = part(request, parameters["nonce"])
    if not (nonce.isascii() and nonce.isdigit()):
        return "nonce"
    expected = _signature(request, nonce, key.secret)
    proved = expected is not None and same(part(request, parameters["signature"]), expected)
    return None if proved else "bad_signature"


def _signature(request: Request, nonce: str, secret: str) -> str | None:
    try:
        raw = base64.b64decode(secret, validate=True)
    except ValueError:
        return None
    digest = hashlib.sha256(nonce.encode() + request.body).digest()
    message = request.path.encode(errors="surrogatepass") + digest
    return base64.b64encode(hmac.digest(raw, message, "sha512")).decode()


KRAKEN = Scheme(_presented, _refusal)
"""What Kraken's private calls carry."""
