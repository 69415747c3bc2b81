"""The real world for the collector: clocks, randomness, sessions, limits."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from gatepolicy.accounts.account import Account
from gatepolicy.collect.collector import Edge, collect
from gatepolicy.collect.ending import run_to_the_end
from gatepolicy.collect.guard import open_guard
from gatepolicy.collect.known_keys import Declared
from gatepolicy.collect.limiter import Limiter
from gatepolicy.collect.retry import RetryPolicy
from gatepolicy.collect.secret import Secret
from gatepolicy.collect.secrets import Resolved, SecretSources, resolve_all
from gatepolicy.collect.settle import settle
from gatepolicy.collect.signer import Signer
from gatepolicy.collect.target import Collected, Target
from gatepolicy.collect.targets import Targets
from gatepolicy.exchanges.exchange import RateLimit
from gatepolicy.model.evidence import Evidence

_UNLIMITED = RateLimit(calls=1_000_000, seconds=1.0)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class CollectSettings:
    """How to collect."""

    jobs: int
    """Accounts at work at once."""
    max_rate: float | None
    """Calls per second to one exchange from one egress; ``None`` for the catalog's limits."""
    attempts: int
    """How often a call is sent at most."""
    pepper: bytes
    """Key of the fingerprints."""
    keep_answers: bool
    """Whether evidence holds the redacted answers."""
    sources: SecretSources
    """Where credentials are read from."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks on while it runs."""

    deliver: Callable[[int, Evidence], None]
    """Takes the position of a selected account and its evidence, in order of completion. What all
    accounts together tell comes at the end: then some are delivered a second time."""
    find: Callable[[Evidence], None]
    """Takes a key that the inventory does not name."""
    warn: Callable[[str], None]
    """Takes one line for people."""


def run(targets: Targets, settings: CollectSettings, watcher: Watcher) -> None:
    """Collect every target, to the end."""
    run_to_the_end(_run(targets, settings, watcher))


async def _run(targets: Targets, settings: CollectSettings, watcher: Watcher) -> None:
    asked = targets.asked
    collected: dict[int, Collected] = {}

    def deliver(position: int, found: Collected) -> None:
        collected[position] = found
        if position < targets.selected:
            watcher.deliver(position, found.evidence)

    egresses = frozenset(target.account.proxy for target in asked)
    async with open_guard(egresses, settings.jobs) as guard:
        edge = Edge(
            guard=guard,
            signer=Signer(),
            limiter=_Limiters(settings.max_rate).of,
            sources=settings.sources,
            retry=RetryPolicy(attempts=settings.attempts),
            monotonic=time.monotonic,
            sleep=asyncio.sleep,
            random=random.random,
            now=lambda: datetime.now(UTC),
            keep_answers=settings.keep_answers,
            warn=watcher.warn,
        )
        jobs = min(settings.jobs, max(1, len(asked)))
        await collect(asked, edge, jobs=jobs, deliver=deliver)
    others = [Declared(other, await _api_key(other, settings)) for other in targets.others]
    settled = settle(asked, collected, others, settings.pepper, unasked=targets.unasked)
    for position, evidence in settled.evidence.items():
        if position < targets.selected:
            watcher.deliver(position, evidence)
    selected = {target.account.subject.id for target in asked[: targets.selected]}
    for evidence in settled.found:
        # An auditor that is asked for others alone discovers nothing of its own.
        if evidence.subject.found_by in selected:
            watcher.find(evidence)


async def _api_key(account: Account, settings: CollectSettings) -> Secret | None:
    """The public half of a key; nothing else of this account is read."""
    public = {name: ref for name, ref in account.credentials.items() if name == "apiKey"}
    resolved = await resolve_all(replace(account, credentials=public), settings.sources)
    return resolved.secrets.get("apiKey") if isinstance(resolved, Resolved) else None


class _Limiters:
    """One limiter per exchange, egress and server, whatever the number of accounts."""

    def __init__(self, max_rate: float | None) -> None:
        self._max_rate = max_rate
        self._limiters: dict[tuple[str, str | None, str | None], Limiter] = {}

    def of(self, target: Target) -> Limiter:
        account = target.account
        key = (account.subject.exchange, account.proxy, account.base_url)
        if key not in self._limiters:
            limit = rate_limit(target, self._max_rate)
            self._limiters[key] = Limiter(limit, clock=time.monotonic, sleep=asyncio.sleep)
        return self._limiters[key]


def rate_limit(target: Target, max_rate: float | None) -> RateLimit:
    """How fast a target may be asked.

    The catalog's limits protect exchanges (and the egress, which they would ban); a server on
    the loopback interface needs no such protection.
    """
    if max_rate is not None:
        return RateLimit(calls=1, seconds=1.0 / max_rate)
    base_url = target.account.base_url
    if base_url is not None and urlsplit(base_url).hostname in _LOOPBACK:
        return _UNLIMITED
    return target.exchange.rate_limit if target.exchange is not None else _UNLIMITED
