"""Calls that are public: a request names a key, and proves nothing.

Hyperliquid and Lighter answer about any wallet or account that is named.
"""

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(request: Request, parameters: Parameters) -> str:
    return part(request, parameters["key"])


def _refusal(request: Request, parameters: Parameters, key: SimulatedKey) -> str | None:
    del request, parameters, key
    return None


PUBLIC = Scheme(_presented, _refusal)
"""Nothing is signed."""
