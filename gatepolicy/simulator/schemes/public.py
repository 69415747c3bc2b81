"""Calls that are public: a request names a key, and proves nothing.

Hyperliquid and Lighter answer about any wallet or account that is named.
"""

from gatepolicy.simulator.answers import Asked
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.scheme import Parameters, Scheme


def _presented(asked: Asked, parameters: Parameters) -> str:
    return part(asked, parameters["key"])


def _refusal(asked: Asked, parameters: Parameters, key: SimulatedKey) -> str | None:
    del asked, parameters, key
    return None


PUBLIC = Scheme(_presented, _refusal)
"""Nothing is signed."""
