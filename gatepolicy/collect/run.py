"""The real world for the collector: clocks, randomness, sessions, limits."""

import asyncio
import random
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gatepolicy.accounts.account import Account, EnvReference, FileReference, Trust
from gatepolicy.collect.collector import Edge, RetryPolicy, collect, route_of, url_of, waits
from gatepolicy.collect.guard import Guard, open_guard
from gatepolicy.collect.local import CredentialError
from gatepolicy.collect.schedule import Schedule, calls_of
from gatepolicy.collect.secrets import Resolved, SecretSources, resolve_all, resolver
from gatepolicy.collect.signer import Signer
from gatepolicy.correlate.collected import Collected, Target, unread
from gatepolicy.correlate.keys import Declared, key_fingerprint
from gatepolicy.exchanges.catalog import Other
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import Evidence, Subject, clock_warnings
from gatepolicy.model.facts import HINT, Reason, Unknown
from gatepolicy.model.scan import Interruption
from gatepolicy.model.secret import Secret


async def until_signal(work: Awaitable[None]) -> Interruption | None:
    """Wait for some work, or for the first signal, which cancels it.

    A signal that whoever started the process chose to ignore, as ``nohup`` does, stays ignored.

    Returns:
        The signal; ``None`` when the work was done before any came.
    """
    current = asyncio.current_task()
    assert current is not None
    task = asyncio.ensure_future(work)
    came: list[Interruption] = []

    def interrupt(by: Interruption) -> None:
        came.append(by)
        task.cancel()

    with _handled(interrupt):
        try:
            await task
        except asyncio.CancelledError:
            if not came or current.cancelling():
                raise
    return came[0] if came and task.cancelled() else None


@contextmanager
def _handled(interrupt: Callable[[Interruption], None]) -> Iterator[None]:
    """Hand the first signal over; from then on, and afterwards, signals do what they did before."""
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may handle signals.
        yield
        return
    loop = asyncio.get_running_loop()
    numbers = {by: signal.Signals[by] for by in Interruption if hasattr(signal, by)}
    before = {by: signal.getsignal(number) for by, number in numbers.items()}
    heeded = [by for by, handler in before.items() if handler not in (signal.SIG_IGN, None)]

    def restore() -> None:
        for by in heeded:
            loop.remove_signal_handler(numbers[by])
            signal.signal(numbers[by], before[by])

    def first(by: Interruption) -> None:
        restore()
        interrupt(by)

    for by in heeded:
        loop.add_signal_handler(numbers[by], first, by)
    try:
        yield
    finally:
        restore()


def warnings_of(targets: Sequence[Target], collected: Mapping[int, Collected]) -> Iterator[str]:
    """One line each: of single accounts in their order, then what several have in common.

    Args:
        targets: What was asked.
        collected: By position among the targets.
    """
    groups: dict[tuple[str, Unknown], list[str]] = {}
    for position, target in enumerate(targets):
        found = collected[position]
        yield from found.warnings
        if found.trouble is not None:
            key = (target.account.subject.exchange, found.trouble)
            groups.setdefault(key, []).append(target.account.subject.id)
    for (exchange, why), accounts in groups.items():
        yield f"{exchange}: {_named(accounts)}: {why.detail}; {HINT[why.reason]}"


def _named(accounts: Sequence[str]) -> str:
    others = len(accounts) - 1
    return f"{accounts[0]}{f' and {others:,} more' if others else ''}"


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request that a scan would send."""

    account: str
    """Id of the account."""
    method: str
    """HTTP method."""
    url: str
    """Scheme, host and path."""
    egress: str
    """The proxy, or ``direct``."""
    permission: str
    """What the exchange demands of the key for it; may be empty."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Everything that is collected."""

    asked: Sequence[Target]
    """The selected accounts, in the order of the inventory; then the auditors that they need."""
    selected: int
    """How many of them are selected accounts."""
    others: Sequence[Account]
    """Accounts that are not asked, and whose public key ids are read to compare them: where a
    discovery must know whether a key is theirs, or where reading them starts nothing."""
    unasked: Sequence[Account] = ()
    """All accounts of the inventory that are not asked. Nothing else that they refer to is read."""


def make_targets(
    accounts: Sequence[Account],
    takes: Callable[[Subject], bool],
    exchanges: Mapping[str, Exchange],
    known_others: Mapping[str, Other],
    trust: Trust = Trust(),  # noqa: B008 - frozen
    *,
    inventory: str = "",
) -> Targets:
    """Join accounts with what is known about their exchanges.

    Args:
        accounts: Of the inventory.
        takes: Whether an account is selected.
        exchanges: Catalog entries by id.
        known_others: Exchanges without one, by id.
        trust: What files may lead to.
        inventory: The file of the accounts.
    """
    refused = {
        account.subject.id: trust.refusal(
            account, exchanges.get(account.subject.exchange), inventory
        )
        for account in accounts
    }
    selected = [account for account in accounts if takes(account.subject)]
    wanted = {account.audited_by for account in selected if account.audited_by}
    ids = {account.subject.id for account in selected}
    auditors = [a for a in accounts if a.subject.id in wanted and a.subject.id not in ids]
    taken = ids | {account.subject.id for account in auditors}
    unasked = [account for account in accounts if account.subject.id not in taken]
    return Targets(
        asked=[
            _target(account, exchanges, wanted, known_others, refused[account.subject.id])
            for account in (*selected, *auditors)
        ],
        selected=len(selected),
        others=list(_compared(unasked, selected, refused)),
        unasked=unasked,
    )


def _compared(
    unasked: Sequence[Account],
    selected: Sequence[Account],
    refused: Mapping[str, Unknown | None],
) -> Iterator[Account]:
    """The accounts whose keys are compared with those of the selected ones.

    What may not be read is compared as what could not be: any listed key may be that one.
    """
    discovering = {account.subject.exchange for account in selected if account.discover}
    compared = {account.subject.exchange for account in selected}
    for account in unasked:
        exchange = account.subject.exchange
        if exchange in discovering or (exchange in compared and _is_read_at_rest(account)):
            is_refused = refused[account.subject.id] is not None
            yield replace(account, credentials={}) if is_refused else account


def _is_read_at_rest(account: Account) -> bool:
    """Whether its public key id stands somewhere: to read it starts no command, and asks nobody."""
    return isinstance(account.credentials.get("apiKey"), EnvReference | FileReference)


def _target(
    account: Account,
    exchanges: Mapping[str, Exchange],
    auditors: Set[str],
    others: Mapping[str, Other],
    refusal: Unknown | None,
) -> Target:
    exchange = exchanges.get(account.subject.exchange)
    audits = account.subject.id in auditors
    return Target(
        account=account,
        exchange=exchange,
        unusable=refusal or _unusable(account, exchange, others),
        asks=exchange is None or not _missing(account, exchange),
        lists=audits or account.discover,
    )


def _missing(account: Account, exchange: Exchange) -> list[str]:
    return [name for name in exchange.credentials if name not in account.credentials]


def _unusable(
    account: Account, exchange: Exchange | None, others: Mapping[str, Other]
) -> Unknown | None:
    if exchange is None:
        other = others.get(account.subject.exchange)
        return Unknown(Reason.UNSUPPORTED_EXCHANGE, other.summary if other else "")
    missing = _missing(account, exchange)
    if missing and not account.audited_by:
        return Unknown(
            Reason.BAD_CREDENTIALS_CONFIG,
            f"the inventory names no {' and no '.join(missing)} for this account;"
            f" {exchange.title} needs {', '.join(exchange.credentials)}",
        )
    if account.sandbox and not exchange.sandbox_hosts:
        return Unknown(
            Reason.BAD_CREDENTIALS_CONFIG,
            f"the sandbox of {exchange.title} does not answer what a key can do",
        )
    return None


def planned_requests(targets: Sequence[Target]) -> list[PlannedRequest]:
    """Every request that collecting these targets would send, first attempts only."""
    return [
        PlannedRequest(
            account=target.account.subject.id,
            method=call.http_method,
            url=url_of(call, route_of(target.account, target.exchange)),
            egress=target.account.proxy or "direct",
            permission=call.permission,
        )
        for target in targets
        if target.exchange is not None
        for call in calls_of(target)
    ]


Stop = Callable[[], None]
"""Cancels a collection, from any thread; no effect once it has ended."""


def _needs_no_stop(stop: Stop) -> None:
    del stop


@dataclass(frozen=True, slots=True)
class Reusable:
    """An account as an earlier run read it."""

    evidence: Evidence
    """What its key disclosed then."""
    fingerprint: str
    """Of the key with which it was read; empty where there was none to compare."""


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
    on_begin: Callable[[Stop], None] = _needs_no_stop
    """Called as it begins, with what stops it: then nothing more is sent, and it raises
    ``CancelledError``."""
    reusable: Mapping[str, Reusable] = field(default_factory=dict)
    """Accounts, by id, that are not read again if their key is still the same."""


SecondsLeft = Callable[[], float]
"""How long the rest takes, at least."""


def _count_nothing(left: SecondsLeft) -> None:
    del left


def _keep_nothing(position: int, collected: Collected) -> None:
    del position, collected


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks on while it runs."""

    read: Callable[[Evidence], None]
    """Takes the evidence of each selected account once: as soon as it was read, or could not be."""
    warn: Callable[[str], None]
    """Takes one line for people."""
    advance: Callable[[SecondsLeft], None] = _count_nothing
    """Called once for every selected account that is read."""
    keep: Callable[[int, Collected], None] = _keep_nothing
    """Takes the position of a target and what was read of it, as soon as it was; nothing of what an
    earlier run read."""


class _Threads(ThreadPoolExecutor):
    """Threads that the end of the loop does not wait for.

    A name server that does not answer holds up its own account, and not the end of a scan that is
    interrupted.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """As in the base class, but at once."""
        del wait, cancel_futures
        super().shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Collection:
    """Every account as it was read, before any is compared with another."""

    collected: Mapping[int, Collected]
    """By position among the targets."""
    others: Sequence[Declared]
    """Accounts that were not read, with the public key ids that some are compared by."""
    interrupted_by: Interruption | None
    """The signal that came before every account was read, if one did: the accounts that were not
    read are unknown then."""


def run(targets: Targets, settings: CollectSettings, watcher: Watcher) -> Collection:
    """Collect every target, to the end or to the first signal."""
    return asyncio.run(_run(targets, settings, watcher))


async def _run(targets: Targets, settings: CollectSettings, watcher: Watcher) -> Collection:
    wait = waits(RetryPolicy(attempts=settings.attempts), random.random)
    settings = replace(settings, sources=settings.sources.for_one_scan(wait))
    settings.on_begin(_stop())
    asyncio.get_running_loop().set_default_executor(_Threads())
    reading = _Reading(targets, settings, watcher)
    interrupted_by = await until_signal(reading.read())
    if interrupted_by is not None:
        reading.interrupt(interrupted_by)
    for warning in warnings_of(targets.asked, reading.collected):
        watcher.warn(warning)
    for warning in clock_warnings([found.evidence for found in reading.collected.values()]):
        watcher.warn(warning)
    return Collection(reading.collected, tuple(reading.others.values()), interrupted_by)


class _Reading:
    """Reads every target, and keeps what was read if that ends early."""

    def __init__(self, targets: Targets, settings: CollectSettings, watcher: Watcher) -> None:
        self._targets = targets
        self._settings = settings
        self._watcher = watcher
        self.collected: dict[int, Collected] = {}
        self.others = {
            other.subject.id: Declared(other, None) for other in (*targets.unasked, *targets.others)
        }

    async def read(self) -> None:
        """Read what no earlier run has read."""
        asked, settings = self._targets.asked, self._settings
        reused = await _reused(asked, settings)
        positions = [position for position in range(len(asked)) if position not in reused]
        schedule = _schedule([asked[position] for position in positions], settings)
        for position, found in reused.items():
            self._deliver(position, found, schedule.seconds_left)

        def take(number: int, found: Collected) -> None:
            self._watcher.keep(positions[number], found)
            self._deliver(positions[number], found, schedule.seconds_left)

        egresses = frozenset(target.account.proxy for target in schedule.targets)
        async with open_guard(egresses, settings.jobs) as guard:
            await collect(schedule, _edge(guard, settings), deliver=take)
        for other in self._targets.others:
            self.others[other.subject.id] = Declared(other, await _api_key(other, settings))

    def interrupt(self, by: Interruption) -> None:
        """Give every account that was not read its reason."""
        why = Unknown(Reason.INTERRUPTED, f"{by} came before the account was read")
        for position, target in enumerate(self._targets.asked):
            if position not in self.collected:
                self.collected[position] = unread(target, why, datetime.now(UTC))
                if position < self._targets.selected:
                    self._watcher.read(self.collected[position].evidence)

    def _deliver(self, position: int, found: Collected, left: SecondsLeft) -> None:
        self.collected[position] = found
        if position < self._targets.selected:
            self._watcher.read(found.evidence)
            self._watcher.advance(left)


def _schedule(targets: Sequence[Target], settings: CollectSettings) -> Schedule:
    return Schedule(
        targets,
        jobs=settings.jobs,
        max_rate=settings.max_rate,
        clock=time.monotonic,
        sleep=asyncio.sleep,
    )


_NAMED_BY_API_KEY = frozenset({"apiKey", "secret", "password"})
"""The credentials of an account that has another API key whenever it has another key."""


async def _reused(asked: Sequence[Target], settings: CollectSettings) -> Mapping[int, Collected]:
    """What an earlier run read, by position; nothing of an account whose key may be another one.

    Where a wallet or a number of an account says which key it is, an API key does not tell.
    """
    slots = asyncio.Semaphore(_TRIED_AT_ONCE)

    async def one(target: Target) -> Collected | None:
        found = settings.reusable.get(target.account.subject.id)
        if found is None or target.unusable is not None or target.lists:
            return None
        if not found.fingerprint or not _NAMED_BY_API_KEY.issuperset(target.account.credentials):
            return None
        async with slots:
            key = await _api_key(target.account, settings)
        if key_fingerprint(Declared(target.account, key), settings.pepper) != found.fingerprint:
            return None
        return Collected(replace(found.evidence, subject=target.account.subject), key)

    found = await asyncio.gather(*map(one, asked)) if settings.reusable else ()
    return {position: one for position, one in enumerate(found) if one is not None}


def _stop() -> Stop:
    """What cancels the running task."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def stop() -> None:
        with suppress(RuntimeError):  # the loop was closed: it has ended
            loop.call_soon_threadsafe(task.cancel)

    return stop


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


async def _api_key(account: Account, settings: CollectSettings) -> Secret | None:
    """The public half of a key; nothing else of this account is read."""
    public = {name: ref for name, ref in account.credentials.items() if name == "apiKey"}
    resolved = await resolve_all(replace(account, credentials=public), settings.sources)
    return resolved.secrets.get("apiKey") if isinstance(resolved, Resolved) else None


_TRIED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Tried:
    """The references of an account, each by itself."""

    account: Account
    """Whose they are."""
    errors: Mapping[str, CredentialError]
    """ccxt name to why there is no credential, where there is none."""
    warnings: Sequence[str]
    """One line each, for people."""


def try_all(accounts: Sequence[Account], sources: SecretSources) -> Sequence[Tried]:
    """Resolve every reference, and keep no credential.

    Each account has its own timeout.

    Args:
        accounts: Whose references.
        sources: The world.
    """
    return asyncio.run(
        _try_all(accounts, sources.for_one_scan(waits(RetryPolicy(), random.random)))
    )


async def _try_all(accounts: Sequence[Account], sources: SecretSources) -> Sequence[Tried]:
    slots = asyncio.Semaphore(_TRIED_AT_ONCE)

    async def one(account: Account) -> Tried:
        warnings: list[str] = []
        async with slots:
            resolve = resolver(account, sources, warnings)
            found = {name: await resolve(name) for name in account.credentials}
        errors = {name: one for name, one in found.items() if isinstance(one, CredentialError)}
        return Tried(account, errors, warnings)

    return await asyncio.gather(*map(one, accounts))
