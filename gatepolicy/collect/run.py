"""The real world for the collector: clocks, randomness, sessions, limits."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gatepolicy.accounts.account import Account
from gatepolicy.collect.clock import clock_warnings
from gatepolicy.collect.collector import Edge, collect
from gatepolicy.collect.guard import Guard, open_guard
from gatepolicy.collect.known_keys import Declared
from gatepolicy.collect.retry import RetryPolicy
from gatepolicy.collect.schedule import Schedule
from gatepolicy.collect.secret import Secret
from gatepolicy.collect.secrets import Resolved, SecretSources, resolve_all
from gatepolicy.collect.settle import settle
from gatepolicy.collect.signals import until_signal
from gatepolicy.collect.signer import Signer
from gatepolicy.collect.target import Collected, Target, unread
from gatepolicy.collect.targets import Targets
from gatepolicy.collect.troubles import warnings_of
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import Unknown
from gatepolicy.model.interruption import Interruption
from gatepolicy.model.reasons import Reason


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


SecondsLeft = Callable[[], float]
"""How long the rest takes, at least."""


def _count_nothing(left: SecondsLeft) -> None:
    del left


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
    advance: Callable[[SecondsLeft], None] = _count_nothing
    """Called once for every selected account that is read."""


class _Threads(ThreadPoolExecutor):
    """Threads that the end of the loop does not wait for.

    A name server that does not answer holds up its own account, and not the end of a scan that is
    interrupted.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """As in the base class, but at once."""
        del wait, cancel_futures
        super().shutdown(wait=False, cancel_futures=True)


def run(targets: Targets, settings: CollectSettings, watcher: Watcher) -> Interruption | None:
    """Collect every target, to the end or to the first signal.

    Returns:
        The signal that came before every account was read, if one did: the accounts that were not
        read are unknown then.
    """
    return asyncio.run(_run(targets, settings, watcher))


async def _run(
    targets: Targets, settings: CollectSettings, watcher: Watcher
) -> Interruption | None:
    asyncio.get_running_loop().set_default_executor(_Threads())
    asked = targets.asked
    collected: dict[int, Collected] = {}
    others = {other.subject.id: Declared(other, None) for other in targets.others}
    schedule = Schedule(
        asked,
        jobs=settings.jobs,
        max_rate=settings.max_rate,
        clock=time.monotonic,
        sleep=asyncio.sleep,
    )

    def deliver(position: int, found: Collected) -> None:
        collected[position] = found
        if position < targets.selected:
            watcher.deliver(position, found.evidence)
            watcher.advance(schedule.seconds_left)

    async def read() -> None:
        egresses = frozenset(target.account.proxy for target in asked)
        async with open_guard(egresses, settings.jobs) as guard:
            await collect(schedule, _edge(guard, settings), deliver=deliver)
        for other in targets.others:
            others[other.subject.id] = Declared(other, await _api_key(other, settings))

    interrupted_by = await until_signal(read())
    if interrupted_by is not None:
        _interrupt(asked, collected, interrupted_by, targets.selected, watcher)
    for warning in warnings_of(asked, collected):
        watcher.warn(warning)
    for warning in clock_warnings([found.evidence for found in collected.values()]):
        watcher.warn(warning)
    _settle(targets, collected, list(others.values()), settings, watcher)
    return interrupted_by


def _edge(guard: Guard, settings: CollectSettings) -> Edge:
    return Edge(
        guard=guard,
        signer=Signer(),
        sources=settings.sources,
        retry=RetryPolicy(attempts=settings.attempts),
        monotonic=time.monotonic,
        sleep=asyncio.sleep,
        random=random.random,
        now=lambda: datetime.now(UTC),
        keep_answers=settings.keep_answers,
    )


def _interrupt(
    asked: Sequence[Target],
    collected: dict[int, Collected],
    by: Interruption,
    selected: int,
    watcher: Watcher,
) -> None:
    """Give every account that was not read its reason."""
    why = Unknown(Reason.INTERRUPTED, f"{by} came before the account was read")
    for position, target in enumerate(asked):
        if position not in collected:
            collected[position] = unread(target, why, datetime.now(UTC))
            if position < selected:
                watcher.deliver(position, collected[position].evidence)


def _settle(
    targets: Targets,
    collected: Mapping[int, Collected],
    others: Sequence[Declared],
    settings: CollectSettings,
    watcher: Watcher,
) -> None:
    """Deliver what only all accounts together tell."""
    asked = targets.asked
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
