"""Gemini: a JSON payload in base64, in a header, with a SHA-384 HMAC over the base64 text.

Source: https://docs.gemini.com/rest-api/ (private API invocation).
"""

from gatepolicy.simulator.answers import Request, hex_hmac, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_object
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    payload = part(request, parameters["payload"])
    signature = part(request, parameters["signature"])
    if not same(signature.lower(), hex_hmac("sha384", key.secret, payload)):
        return "bad_signature"
    said = base64_object(payload)
    if not _is_number(said.get("nonce")):
        return "nonce"
    return None if said.get("request") == request.path else "endpoint"


def _is_number(nonce: object) -> bool:
    # Documented as a number or its text.
    text = str(nonce)
    return not isinstance(nonce, bool) and text.isascii() and text.isdigit()


GEMINI = Scheme(_presented, _refusal)
"""What Gemini's private calls carry."""
