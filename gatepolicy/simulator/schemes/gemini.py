"""Gemini: a JSON payload in base64, in a header, with a SHA-384 HMAC over the base64 text.

Source: https://docs.gemini.com/rest-api/ (private API invocation).
"""

from gatepolicy.simulator.answers import Asked, hex_hmac, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_object
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(asked: Asked, parameters: Parameters) -> str:
    return part(asked, parameters["key"])


def _refusal(asked: Asked, parameters: Parameters, key: SimulatedKey) -> str | None:
    payload = part(asked, parameters["payload"])
    signature = part(asked, parameters["signature"])
    if not same(signature.lower(), hex_hmac("sha384", key.secret, payload)):
        return "bad_signature"
    said = base64_object(payload)
    if not _is_number(said.get("nonce")):
        return "nonce"
    return None if said.get("request") == asked.path else "endpoint"


def _is_number(nonce: object) -> bool:
    # Documented as a number or its text.
    text = str(nonce)
    return not isinstance(nonce, bool) and text.isascii() and text.isdigit()


GEMINI = Scheme(_presented, _refusal)
"""What Gemini's private calls carry."""
