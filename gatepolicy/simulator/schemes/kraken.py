"""Kraken: a SHA-512 HMAC over the path and the SHA-256 of nonce and body.

Source: https://docs.kraken.com/exchange/guides/rest/authentication.
"""

import base64
import hashlib
import hmac

from gatepolicy.simulator.answers import Asked, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(asked: Asked, parameters: Parameters) -> str:
    return part(asked, parameters["key"])


def _refusal(asked: Asked, parameters: Parameters, key: SimulatedKey) -> str | None:
    nonce = part(asked, parameters["nonce"])
    if not (nonce.isascii() and nonce.isdigit()):
        return "nonce"
    expected = _signature(asked, nonce, key.secret)
    proved = expected is not None and same(part(asked, parameters["signature"]), expected)
    return None if proved else "bad_signature"


def _signature(asked: Asked, nonce: str, secret: str) -> str | None:
    try:
        raw = base64.b64decode(secret, validate=True)
    except ValueError:
        return None
    digest = hashlib.sha256(nonce.encode() + asked.body).digest()
    message = asked.path.encode(errors="surrogatepass") + digest
    return base64.b64encode(hmac.digest(raw, message, "sha512")).decode()


KRAKEN = Scheme(_presented, _refusal)
"""What Kraken's private calls carry."""
