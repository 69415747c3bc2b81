"""Deribit: one header that names the key, the time, a nonce and a SHA-256 HMAC.

Source: https://docs.deribit.com/articles/authentication (deri-hmac-sha256).
"""

from collections.abc import Mapping

from gatepolicy.simulator.answers import Request, hex_hmac, same, whole_number
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme

_KIND = "deri-hmac-sha256"


def _presented(request: Request, parameters: Parameters) -> str:
    return _fields(request, parameters).get("id", "")


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    fields = _fields(request, parameters)
    sent = whole_number(fields.get("ts", ""))
    nonce = fields.get("nonce", "")
    if not nonce or not same(
        fields.get("sig", "").lower(), _signature(request, fields, key.secret)
    ):
        return "bad_signature"
    window = parameters["timestamp"]["window"]
    timely = sent is not None and abs(request.now - sent / 1000) <= window
    return None if timely else "clock"


def _fields(request: Request, parameters: Parameters) -> Mapping[str, str]:
    kind, _, text = part(request, parameters["key"]).partition(" ")
    if kind != _KIND:
        return {}
    pairs = (pair.strip().partition("=") for pair in text.split(","))
    return {name: value for name, _, value in pairs}


def _signature(request: Request, fields: Mapping[str, str], secret: str) -> str:
    signed = f"{request.method}\n{request.target()}\n{request.text()}\n"
    return hex_hmac("sha256", secret, f"{fields.get('ts', '')}\n{fields['nonce']}\n{signed}")


DERIBIT = Scheme(_presented, _refusal)
"""What Deribit's private calls carry over HTTP."""
