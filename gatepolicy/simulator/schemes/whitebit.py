"""WhiteBIT: the body in base64, in a header, with a SHA-512 HMAC over the base64 text.

Source: https://docs.whitebit.com/api-reference/authentication. Nonce windows are not simulated.
"""

from gatepolicy.simulator.answers import Request, hex_hmac, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_bytes, base64_object
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    payload = part(request, parameters["payload"])
    signature = part(request, parameters["signature"])
    if not same(signature.lower(), hex_hmac("sha512", key.secret, payload)):
        return "bad_signature"
    if not request.body or base64_bytes(payload) != request.body:
        return "payload"
    said = base64_object(payload)
    # What another path than the one that was called is answered is UNCONFIRMED.
    if said.get("request") != request.path:
        return "request"
    return None if said.get("nonceWindow", False) is False else "nonce"


WHITEBIT = Scheme(_presented, _refusal)
"""What WhiteBIT's private calls carry; that the nonce grows is looked at for every scheme."""
