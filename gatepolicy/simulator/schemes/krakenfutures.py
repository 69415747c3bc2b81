"""Kraken Futures: a SHA-512 HMAC over the SHA-256 of what was sent, a nonce and the path.

Source: https://docs.kraken.com/api/docs/guides/futures-rest/ (authentication). The nonce
is optional; whether it is for the service that checks keys is documented nowhere.
"""

import base64
import hashlib
import hmac

from gatepolicy.simulator.answers import Request, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_UNSIGNED = "/derivatives"
"""Where a path begins with it, it is not signed."""


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    expected = _signature(request, part(request, parameters["signed_nonce"]), key.secret)
    proved = expected is not None and same(part(request, parameters["signature"]), expected)
    return None if proved else "bad_signature"


def _signature(request: Request, nonce: str, secret: str) -> str | None:
    try:
        raw = base64.b64decode(secret, validate=True)
    except ValueError:
        return None
    said = f"{request.query}{request.text()}{nonce}{request.path.removeprefix(_UNSIGNED)}"
    digest = hashlib.sha256(said.encode(errors="surrogatepass")).digest()
    return base64.b64encode(hmac.digest(raw, digest, "sha512")).decode()


KRAKEN_FUTURES = Scheme(_presented, _refusal)
"""What Kraken Futures' private calls carry."""
