"""Exchanges that listen: what the server knows of each, however it is simulated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatepolicy.simulator.account_keys import keys_of_account
from gatepolicy.simulator.answers import Answer, Request
from gatepolicy.simulator.delivery import PendingAnswer
from gatepolicy.simulator.exchange import Exchange
from gatepolicy.simulator.exchanges.table import EXCHANGES
from gatepolicy.simulator.faults import FaultQueue
from gatepolicy.simulator.keys import SITES, ExchangeId, SimulatedKey
from gatepolicy.simulator.profile import load_lists, load_profile
from gatepolicy.simulator.profile_exchange import ProfileExchange, answer_to
from gatepolicy.simulator.rendering import Variant, render


class Host(Protocol):
    """One exchange with its keys."""

    def declares(self, method: str, path: str) -> bool:
        """Whether it has a call of this method and path."""

    def takes(self, request: Request) -> bool:
        """Whether a request is one of its calls."""

    def faults(self, request: Request) -> FaultQueue | None:
        """What goes wrong for the key that a request names."""

    def pending(self, request: Request, trap_url: str) -> PendingAnswer:
        """A request and what is answered when nothing goes wrong."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    key: SimulatedKey
    others: tuple[SimulatedKey, ...]
    bodies: Mapping[str, bytes]
    faults: FaultQueue


class CodedHost:
    """An exchange whose answers are ready before anybody asks."""

    def __init__(self, exchange: Exchange, keys: Sequence[SimulatedKey], now: datetime) -> None:
        """Prepare every answer.

        Args:
            exchange: What it answers as.
            keys: What it knows.
            now: The server's time, for what is counted from it.

        Raises:
            ValueError: Two keys are the same.
        """
        self._exchange = exchange
        self._now = now
        self._all = tuple(keys)
        self._keys = _load(exchange, keys, now)
        self._lists = load_lists(exchange.id) if keys else ()

    def declares(self, method: str, path: str) -> bool:
        """Whether it has a call of this method and path."""
        listed = any(call.method == method and call.has_path(path) for call in self._lists)
        return listed or (method == "GET" and path in self._exchange.calls)

    def takes(self, request: Request) -> bool:
        """Whether a request is one of its calls."""
        return self.declares(request.method, request.path)

    def faults(self, request: Request) -> FaultQueue | None:
        """What goes wrong for the key that a request names."""
        loaded = self._loaded(request)
        return loaded.faults if loaded else None

    def pending(self, request: Request, trap_url: str) -> PendingAnswer:
        """A request and what is answered when nothing goes wrong."""
        return PendingAnswer(
            request=request,
            real=self._real(request, self._loaded(request)),
            rate_limited=lambda: self._exchange.rate_limited(request),
            clock_error=lambda: self._exchange.clock_error(request),
            trap_url=trap_url,
        )

    def _loaded(self, request: Request) -> _Loaded | None:
        return self._keys.get(self._exchange.presented(request))

    def _real(self, request: Request, loaded: _Loaded | None) -> Callable[[Variant], Answer]:
        exchange = self._exchange

        def real(variant: Variant) -> Answer:
            call = exchange.calls.get(request.path)
            listing = next((one for one in self._lists if one.has_path(request.path)), None)
            if call is None and listing is None:
                return exchange.not_found(request)
            refusal = exchange.refuse(request, loaded.key if loaded else None)
            if refusal or loaded is None:
                return refusal or exchange.not_found(request)
            if call is None:
                assert listing is not None
                said = answer_to(listing, request, loaded.key, self._all)
                return said or exchange.not_found(request)
            if variant is Variant.PLAIN:
                return Answer(200, loaded.bodies[request.path])
            body = render(call, loaded.key, loaded.others, self._now, variant)
            return Answer(200, body)

        return real


class ProfileHost:
    """An exchange that is simulated from its profile."""

    def __init__(self, name: str, keys: Sequence[SimulatedKey]) -> None:
        """Take the keys that it knows.

        Args:
            name: Of the profile.
            keys: What it knows.

        Raises:
            ValueError: A key refuses its caller, and the documents do not tell how.
        """
        self._exchange = ProfileExchange(load_profile(name), keys)
        self._faults = {key.api_key: FaultQueue(key.faults) for key in keys}

    def declares(self, method: str, path: str) -> bool:
        """Whether it has a call of this method and path."""
        return self._exchange.declares(method, path)

    def takes(self, request: Request) -> bool:
        """Whether a request is one of its calls."""
        return self._exchange.takes(request)

    def faults(self, request: Request) -> FaultQueue | None:
        """What goes wrong for the key that a request names."""
        key = self._exchange.key_of(request)
        return self._faults[key.api_key] if key else None

    def pending(self, request: Request, trap_url: str) -> PendingAnswer:
        """A request and what is answered when nothing goes wrong."""
        return PendingAnswer(
            request=request,
            real=lambda variant: self._exchange.answer(request, variant),
            rate_limited=lambda: self._error("rate_limited", request),
            clock_error=lambda: self._error("clock", request),
            trap_url=trap_url,
        )

    def _error(self, name: str, request: Request) -> Answer:
        return self._exchange.error(name, request, self._exchange.key_of(request))


def shared_hosts(keys: Sequence[SimulatedKey], now: datetime) -> Mapping[str, Host]:
    """The exchanges that share one port, each also without any key."""
    return {name: CodedHost(EXCHANGES[name], _of(name, keys), now) for name in ExchangeId}


def own_hosts(keys: Sequence[SimulatedKey], now: datetime) -> Mapping[str, Host]:
    """The exchanges that have a port of their own: those of the keys, sorted."""
    names = sorted({key.exchange for key in keys} - set(ExchangeId))
    return {
        name: CodedHost(EXCHANGES[SITES[name]], _of(name, keys), now)
        if name in SITES
        else ProfileHost(name, _of(name, keys))
        for name in names
    }


def _of(name: str, keys: Sequence[SimulatedKey]) -> tuple[SimulatedKey, ...]:
    return tuple(key for key in keys if key.exchange == name)


def _load(exchange: Exchange, keys: Sequence[SimulatedKey], now: datetime) -> Mapping[str, _Loaded]:
    loaded: dict[str, _Loaded] = {}
    for key in keys:
        if key.api_key in loaded:
            raise ValueError(f"two simulated keys of {key.exchange} are the same")
        *others, _ = keys_of_account(key, keys) if key.account else (key,)
        bodies = {path: render(call, key, others, now) for path, call in exchange.calls.items()}
        loaded[key.api_key] = _Loaded(key, tuple(others), bodies, FaultQueue(key.faults))
    return loaded
