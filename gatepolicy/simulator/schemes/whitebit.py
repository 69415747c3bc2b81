"""WhiteBIT: the body in base64, in a header, with a SHA-512 HMAC over the base64 text.

Source: https://docs.whitebit.com/api-reference/authentication. Nonce windows are not played.
"""

from gatepolicy.simulator.answers import Asked, hex_hmac, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_bytes, base64_object
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(asked: Asked, parameters: Parameters) -> str:
    return part(asked, parameters["key"])


def _refusal(asked: Asked, parameters: Parameters, key: SimulatedKey) -> str | None:
    payload = part(asked, parameters["payload"])
    signature = part(asked, parameters["signature"])
    if not same(signature.lower(), hex_hmac("sha512", key.secret, payload)):
        return "bad_signature"
    if not asked.body or base64_bytes(payload) != asked.body:
        return "payload"
    said = base64_object(payload)
    # What another path than the one that was called is answered is UNCONFIRMED.
    if said.get("request") != asked.path:
        return "request"
    return None if said.get("nonceWindow", False) is False else "nonce"


WHITEBIT = Scheme(_presented, _refusal)
"""What WhiteBIT's private calls carry; that the nonce grows is looked at for every scheme."""
