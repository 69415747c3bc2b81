"""Crypto.com: a SHA-256 HMAC over method, id, key, sorted parameters and nonce of a JSON body.

Source: https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html (digital signature).
Parameters that are lists or objects are not simulated: no declared call has any.
"""

from collections.abc import Mapping

from gatepolicy.simulator.answers import Request, hex_hmac, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part, timely
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    body = request.json_fields()
    if not request.path.endswith(f"/{body.get('method')}"):
        return "bad_signature"
    expected = hex_hmac("sha256", key.secret, _message(body))
    if not same(part(request, parameters["signature"]), expected):
        return "bad_signature"
    return None if timely(request, parameters["timestamp"]) else "clock"


def _message(body: Mapping[str, object]) -> str:
    given = body.get("params")
    pairs = given if isinstance(given, dict) else {}
    written = "".join(f"{name}{pairs[name]}" for name in sorted(pairs))
    return f"{body.get('method')}{body.get('id')}{body.get('api_key')}{written}{body.get('nonce')}"


CRYPTOCOM = Scheme(_presented, _refusal)
"""What Crypto.com's private calls carry."""
