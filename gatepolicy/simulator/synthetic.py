"""A synthetic key of any exchange of the simulator, described by code or by a profile."""

from dataclasses import replace
from datetime import datetime

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import SITES, ExchangeId, SimulatedKey
from gatepolicy.simulator.profile import known_profiles, load_profile
from gatepolicy.simulator.profile_keys import profile_key


def simulated_exchanges() -> tuple[str, ...]:
    """Every exchange of the simulator, sorted."""
    return tuple(sorted({*ExchangeId, *SITES, *known_profiles()}))


def synthetic_key(exchange: str, number: int, now: datetime) -> SimulatedKey:
    """A key against which nothing can be said.

    Args:
        exchange: One that is simulated.
        number: Makes the key unique within its exchange.
        now: The time of the scan; the key is thirty days old then.
    """
    if exchange in SITES:
        like = clean_key(SITES[exchange], number, now)
        return replace(
            like,
            exchange=exchange,
            api_key=like.api_key.replace(SITES[exchange], exchange),
            secret=like.secret.replace(SITES[exchange], exchange),
        )
    if exchange in tuple(ExchangeId):
        return clean_key(ExchangeId(exchange), number, now)
    return profile_key(load_profile(exchange), number, now)
