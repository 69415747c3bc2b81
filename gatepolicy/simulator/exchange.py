"""What one exchange is to the simulator: the calls it knows, its checks, its errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatepolicy.simulator.answers import Answer, Request
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey


@dataclass(frozen=True, slots=True)
class Call:
    """One call about the caller's own key."""

    describe: Callable[[SimulatedKey, datetime], Mapping[str, object]]
    """Key and time of the server's start, to the object of the answer that describes the key."""
    wrap: Callable[[SimulatedKey, Sequence[SimulatedKey], datetime, object], object]
    """Key, others of its account, time, and a stand-in for that object, to the whole document."""
    patched: bool = True
    """Whether ``answer_patch`` and ``missing_flags`` of the key apply to this call."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange, made of pure functions."""

    id: ExchangeId
    """Its ccxt id."""
    prefixes: tuple[str, ...]
    """What its paths begin with; no two exchanges share one."""
    calls: Mapping[str, Call]
    """Path to call. All are GET."""
    presented: Callable[[Request], str]
    """The API key that a request names; empty when it names none."""
    refuse: Callable[[Request, SimulatedKey | None], Answer | None]
    """The error for a request and its key (None when unknown); None when the call is granted."""
    not_found: Callable[[Request], Answer]
    """The error for a path that the exchange does not have."""
    clock_error: Callable[[Request], Answer]
    """The error for a timestamp outside the window."""
    rate_limited: Callable[[Request], Answer]
    """The error for too many requests."""


def only_described(
    key: SimulatedKey, others: Sequence[SimulatedKey], now: datetime, described: object
) -> object:
    """The document of an exchange that wraps the object in nothing."""
    del key, others, now
    return described
