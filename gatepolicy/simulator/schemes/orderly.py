"""Orderly: an ed25519 signature over time, method, target and body, and the account's number.

Source: https://orderly.network/docs/build-on-omnichain/api-authentication. As there, a signature is
verified with the key that the request names: the exchange has no secret.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gatepolicy.simulator.answers import Request, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base58_bytes, base64_bytes
from gatepolicy.simulator.schemes.parts import part, timely
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_PREFIX = "ed25519:"


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    account = key.more_credentials.get("accountId", "")
    if not same(part(request, parameters["account"]), account):
        return "unknown_key"
    if not timely(request, parameters["timestamp"]):
        return "clock"
    moment = part(request, parameters["timestamp"])
    message = f"{moment}{request.method}{request.target()}{request.text()}"
    signature = base64_bytes(part(request, parameters["signature"]))
    return None if _signed(key.api_key, message, signature) else "bad_signature"


def _signed(api_key: str, message: str, signature: bytes) -> bool:
    public = base58_bytes(api_key.removeprefix(_PREFIX))
    try:
        verifier = Ed25519PublicKey.from_public_bytes(public)
        verifier.verify(signature, message.encode(errors="surrogatepass"))
    except (ValueError, InvalidSignature):
        return False
    return True


ORDERLY = Scheme(_presented, _refusal)
"""What Orderly's private calls carry."""
