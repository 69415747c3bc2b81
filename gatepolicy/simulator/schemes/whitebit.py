"""WhiteBIT: a SHA-512 HMAC over the base64 of a JSON body that names its own path.

Source: https://docs.whitebit.com/private/http-auth/.
"""

from gatepolicy.simulator.answers import Asked, hex_hmac, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_bytes
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(asked: Asked, parameters: Parameters) -> str:
    return part(asked, parameters["key"])


def _refusal(asked: Asked, parameters: Parameters, key: SimulatedKey) -> str | None:
    payload = part(asked, parameters["payload"])
    if base64_bytes(payload) != asked.body or part(asked, {"json": "request"}) != asked.path:
        return "payload"
    expected = hex_hmac("sha512", key.secret, payload)
    return None if same(part(asked, parameters["signature"]), expected) else "bad_signature"


WHITEBIT = Scheme(_presented, _refusal)
"""What WhiteBIT's private calls carry."""
