"""Collecting: every account's calls, paced, bounded, repeated where that helps; then its facts."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gatepolicy.accounts.account import Account
from gatepolicy.collect.guard import Guard, Received, Route
from gatepolicy.collect.limiter import Clock, Limiter, Sleep
from gatepolicy.collect.listing import list_keys
from gatepolicy.collect.redact import Privacy
from gatepolicy.collect.retry import Random, RetryPolicy, wait_before
from gatepolicy.collect.secret import CredentialError, Secret
from gatepolicy.collect.secrets import SecretSources, resolve_all
from gatepolicy.collect.signer import Credentials, Signer, SigningError
from gatepolicy.collect.target import Collected, Target
from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer
from gatepolicy.exchanges.exchange import Call, Exchange, Sent
from gatepolicy.exchanges.interpret import TRANSIENT, Failure, Parsed, interpret
from gatepolicy.exchanges.normalise import described_by, facts_of
from gatepolicy.exchanges.params import PUBLIC_CREDENTIALS, parameters
from gatepolicy.model.evidence import CallRecord, Evidence
from gatepolicy.model.facts import Fact, Facts, Grade, Unknown
from gatepolicy.model.reasons import Reason

_HOPELESS = frozenset(
    {
        Reason.BAD_KEY,
        Reason.BAD_SIGNATURE,
        Reason.IP_REFUSED,
        Reason.KEY_EXPIRED,
        Reason.CLOCK_SKEW,
        Reason.GEO_BLOCKED,
        Reason.LOCKED_OUT,
        Reason.TLS_ERROR,
        Reason.TIMEOUT,
        Reason.UNREACHABLE,
        Reason.BAD_CREDENTIALS_CONFIG,
    }
)
"""After these, the account's other calls would fail for the same reason: they are not sent."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Everything that collecting does to the world outside."""

    guard: Guard
    """Sends."""
    signer: Signer
    """Signs."""
    limiter: Callable[[Target], Limiter]
    """The limiter that a target shares with others of its exchange and egress."""
    sources: SecretSources
    """Where credentials are read from."""
    retry: RetryPolicy
    """When to ask again."""
    monotonic: Clock
    """Seconds that never go back."""
    sleep: Sleep
    """Waits."""
    random: Random
    """For jitter."""
    now: Callable[[], datetime]
    """UTC."""
    keep_answers: bool
    """Whether evidence holds the redacted answers."""
    warn: Callable[[str], None]
    """Takes one line for people."""


@dataclass(frozen=True, slots=True)
class _Attempted:
    raw: RawAnswer
    outcome: Parsed | Failure
    attempts: int

    @property
    def reason(self) -> Reason | None:
        return self.outcome.reason if isinstance(self.outcome, Failure) else None


async def collect(
    targets: Iterable[Target],
    edge: Edge,
    *,
    jobs: int,
    deliver: Callable[[int, Collected], None],
) -> None:
    """Collect every target with at most ``jobs`` at work at once.

    Args:
        targets: What to collect.
        edge: The world outside.
        jobs: At least 1.
        deliver: Takes the position of a target and what was found, in order of completion.
    """
    queue = iter(enumerate(targets))

    async def work() -> None:
        for position, target in queue:
            deliver(position, await collect_one(target, edge))

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(work())


async def collect_one(target: Target, edge: Edge) -> Collected:
    """Everything that one account's key discloses; failures are reasons in the facts."""
    if target.exchange is None or target.unusable is not None:
        why = target.unusable or Unknown(Reason.UNSUPPORTED_EXCHANGE)
        return _without_calls(target, edge, why)
    started = edge.monotonic()
    resolved = await resolve_all(target.account, edge.sources)
    if isinstance(resolved, CredentialError):
        return _without_calls(target, edge, Unknown(Reason.BAD_CREDENTIALS_CONFIG, str(resolved)))
    for warning in resolved.warnings:
        edge.warn(warning)
    if not target.asks:
        told = Unknown(Reason.NOT_DISCLOSED, "only its auditor can tell")
        return _without_calls(target, edge, told, resolved.secrets.get("apiKey"))
    left = target.account.timeout - (edge.monotonic() - started)
    calls = _AccountCalls(target, target.exchange, resolved.secrets, edge, left)
    return await calls.collected()


def _without_calls(
    target: Target, edge: Edge, why: Unknown, api_key: Secret | None = None
) -> Collected:
    facts = Facts.nothing(why.reason, why.detail)
    return Collected(Evidence(target.account.subject, edge.now(), facts, ()), api_key)


class _AccountCalls:
    """The calls of one account, one after the other, within its deadline."""

    def __init__(
        self,
        target: Target,
        exchange: Exchange,
        credentials: Credentials,
        edge: Edge,
        seconds: float,
    ) -> None:
        self._account = target.account
        self._exchange = exchange
        self._credentials = credentials
        self._privacy = Privacy(credentials)
        self._edge = edge
        self._limiter = edge.limiter(target)
        self._route = route_of(target.account, exchange)
        self._budget = max(0.001, seconds)
        self._lists = target.lists
        self._records: list[CallRecord] = []
        self._hopeless: Reason | None = None

    async def collected(self) -> Collected:
        outcomes = await self._outcomes(self._exchange)
        view = described_by(self._exchange, outcomes)
        told = outcomes if view is self._exchange else await self._outcomes(view)
        api_key = self._credentials.get("apiKey")
        named = self._credentials.get(self._exchange.named_by)
        facts = facts_of(view, told, named.reveal() if named else None)
        facts = self._privacy.facts(facts)
        listed = None
        if self._lists:
            listed = await list_keys(self._exchange, self._public(), outcomes, self._list_outcome)
            listed = self._privacy.listed(listed)
        evidence = Evidence(
            self._account.subject,
            self._edge.now(),
            with_existence(facts),
            tuple(self._records),
        )
        return Collected(evidence, api_key, listed)

    async def _outcomes(self, view: Exchange) -> dict[str, Parsed | Failure]:
        """What every call of the exchange, or of an alternative in its place, is answered."""
        outcomes: dict[str, Parsed | Failure] = {}
        for call in view.calls:
            params = parameters(call, self._public(), outcomes)
            asked = params if isinstance(params, Failure) else await self._outcome(call, params)
            outcomes[call.id] = asked
        return outcomes

    async def _list_outcome(self, call: Call, params: Mapping[str, Sent]) -> Parsed | Failure:
        """As ``_outcome``, without keeping what holds other people's keys."""
        return await self._outcome(call, params, keep=False)

    async def _outcome(
        self, call: Call, params: Mapping[str, Sent], *, keep: bool = True
    ) -> Parsed | Failure:
        """What a call's answer is; after a hopeless failure, nothing more is sent."""
        if self._hopeless is not None:
            return Failure(self._hopeless, "not asked: the call before it failed")
        unsendable = self._privacy.unsendable(params)
        if unsendable is not None:
            return unsendable
        attempted = await self._attempt(call, params)
        self._records.append(self._record(call, attempted, keep=keep))
        self._hopeless = attempted.reason if attempted.reason in _HOPELESS else None
        return attempted.outcome

    def _public(self) -> dict[str, str]:
        """The credentials that are no secrets: parameters may name them."""
        return {
            name: self._credentials[name].reveal()
            for name in PUBLIC_CREDENTIALS
            if name in self._credentials
        }

    async def _attempt(self, call: Call, params: Mapping[str, Sent]) -> _Attempted:
        attempt = 1
        while True:
            received = await self._ask(call, params)
            raw = received.answer if isinstance(received, Received) else received
            outcome = interpret(self._exchange, self._privacy.answer(raw), call.id)
            attempted = _Attempted(raw, outcome, attempt)
            if attempted.reason not in TRANSIENT:
                return attempted
            wait = self._wait(attempt + 1, received)
            if wait is None:
                return attempted
            await self._edge.sleep(wait)
            attempt += 1

    def _wait(self, attempt: int, received: Received | NoAnswer) -> float | None:
        retry_after = received.retry_after if isinstance(received, Received) else None
        wait = wait_before(attempt, retry_after, self._edge.retry, self._edge.random)
        if wait is None or wait >= self._budget:
            return None
        self._budget -= wait
        if retry_after is not None:
            self._limiter.pause(retry_after)
        return wait

    async def _ask(self, call: Call, params: Mapping[str, Sent]) -> Received | NoAnswer:
        # Waiting for a turn is not the exchange's slowness: the deadline does not count it.
        await self._limiter.turn(call.weight)
        try:
            request = await self._edge.signer.sign(
                self._exchange, call, params, self._credentials, sandbox=self._account.sandbox
            )
        except SigningError as error:
            return NoAnswer(
                Reason.BAD_CREDENTIALS_CONFIG,
                f"these credentials cannot sign a request ({error})",
            )
        started = self._edge.monotonic()
        try:
            return await self._edge.guard.send(request, call, self._route, timeout=self._budget)
        finally:
            self._budget = max(0.001, self._budget - (self._edge.monotonic() - started))

    def _record(self, call: Call, attempted: _Attempted, *, keep: bool) -> CallRecord:
        answer = attempted.raw if isinstance(attempted.raw, Answer) else None
        shown = ""
        if answer is not None and keep and self._edge.keep_answers:
            shown = self._privacy.evidence(answer.body)
        return CallRecord(
            call=call.id,
            method=call.http_method,
            url=url_of(call, self._route),
            status=answer.status if answer else None,
            reason=attempted.reason or "",
            attempts=attempted.attempts,
            answer=shown,
        )


def with_existence(facts: Facts) -> Facts:
    """Facts, with the one that any other observed fact proves: that the exchange has the key."""
    sources = (fact.provenance for fact in facts.known.values())
    proof = next((source for source in sources if source.grade is Grade.OBSERVED), None)
    if proof is None:
        return facts
    return facts.learn("key.exists", Fact(value=True, provenance=proof))


def route_of(account: Account, exchange: Exchange) -> Route:
    """Where an account's requests may go."""
    hosts = exchange.sandbox_hosts if account.sandbox else exchange.hosts
    return Route(hosts, account.base_url, account.proxy)


def url_of(call: Call, route: Route) -> str:
    """Scheme, host and path to which a call goes, without its query."""
    return f"{route.base_url or 'https://' + min(route.hosts)}{call.path}"
