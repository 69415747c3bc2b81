"""HTTP basic authentication (RFC 7617): the key is the user, its secret the password."""

from gatepolicy.simulator.answers import Request, same
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.encoded import base64_bytes
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(request: Request, parameters: Parameters) -> str:
    return _pair(request, parameters)[0]


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    return None if same(_pair(request, parameters)[1], key.secret) else "bad_signature"


def _pair(request: Request, parameters: Parameters) -> tuple[str, str]:
    user, _, password = (
        base64_bytes(part(request, parameters["key"])).decode(errors="replace").partition(":")
    )
    return user, password


BASIC = Scheme(_presented, _refusal)
"""The secret itself travels: nothing of the request is signed."""
