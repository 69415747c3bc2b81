"""Collecting: every account's calls, paced, bounded, repeated where that helps; then its facts."""

import asyncio
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from gatepolicy import __version__
from gatepolicy.accounts.account import Account
from gatepolicy.collect.guard import Guard, Received, Route, SignedRequest
from gatepolicy.collect.listing import (
    LISTING_PATIENCE,
    MOST_REQUESTS,
    bounded,
    list_keys,
    too_large,
)
from gatepolicy.collect.local import CredentialError, Wait
from gatepolicy.collect.redact import Privacy
from gatepolicy.collect.schedule import NETWORK_REASONS, Clock, Lane, Schedule, Sleep, Visit
from gatepolicy.collect.secrets import SecretSources, resolve_all
from gatepolicy.collect.signer import Credentials, Signer, SigningError, wallet_address
from gatepolicy.correlate.collected import Collected, Listed, Target, unread
from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer
from gatepolicy.exchanges.exchange import Call, Exchange, Sent
from gatepolicy.exchanges.interpret import (
    PUBLIC_CREDENTIALS,
    TRANSIENT,
    Failure,
    Parsed,
    interpret,
    parameters,
)
from gatepolicy.exchanges.normalise import at_moment, described_by, facts_of
from gatepolicy.model.evidence import CallRecord, Evidence, largest_skew, skew_of
from gatepolicy.model.facts import Fact, Facts, Grade, Reason, Unknown
from gatepolicy.model.secret import Secret

Random = Callable[[], float]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently."""

    attempts: int = 3
    """In total, the first one included."""
    base: float = 0.5
    """Seconds before the second attempt, before jitter."""
    longest: float = 20.0
    """Seconds that one wait may take; a longer ``Retry-After`` ends the retries."""


def wait_before(
    attempt: int, retry_after: float | None, policy: RetryPolicy, random: Random
) -> float | None:
    """Seconds to wait before an attempt, or ``None`` when there shall be none.

    Exponential backoff with full jitter; ``Retry-After`` is a lower bound.

    Args:
        attempt: 2 for the first repetition.
        retry_after: What the server asked for.
        policy: How often and how patiently.
        random: A number from 0 up to 1.
    """
    if attempt > policy.attempts or (retry_after or 0) > policy.longest:
        return None
    backoff = min(policy.longest, policy.base * 2.0 ** (attempt - 2)) * random()
    return max(backoff, retry_after or 0.0)


def waits(policy: RetryPolicy, random: Random) -> Wait:
    """The same for what is no request to an exchange: number of an attempt to seconds."""
    return lambda attempt: wait_before(attempt, None, policy, random)


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
        Reason.REQUEST_REFUSED,
        Reason.LIMIT_REACHED,
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


@dataclass(frozen=True, slots=True)
class _Attempted:
    raw: RawAnswer
    outcome: Parsed | Failure
    attempts: int

    @property
    def reason(self) -> Reason | None:
        return self.outcome.reason if isinstance(self.outcome, Failure) else None


async def collect(
    schedule: Schedule, edge: Edge, *, deliver: Callable[[int, Collected], None]
) -> None:
    """Collect every target of a schedule.

    Args:
        schedule: What to collect, and in which order.
        edge: The world outside.
        deliver: Takes the position of a target and what was found, in order of completion.
    """

    async def visit(lane: Lane, position: int) -> None:
        target = schedule.targets[position]
        async with lane.visit(target) as here:
            found = await collect_one(target, here, edge)
        deliver(position, found)

    async def work(lane: Lane, group: asyncio.TaskGroup) -> None:
        for position in lane.positions:
            await lane.let_in()
            group.create_task(visit(lane, position))

    async with asyncio.TaskGroup() as group:
        for lane in schedule.lanes:
            group.create_task(work(lane, group))


async def collect_one(target: Target, visit: Visit, edge: Edge) -> Collected:
    """Everything that one account's key discloses; failures are reasons in the facts.

    Whatever goes wrong with one account costs that account only.
    """
    records: list[CallRecord] = []
    try:
        return await _collected(target, visit, edge, records)
    # NOTE: catches everything, as only secrets.py does as well. What an exchange answers, and what
    # a new ccxt does, nobody can foresee, and the other accounts have nothing to do with it.
    except Exception as error:  # noqa: BLE001
        why = Unknown(Reason.INTERNAL_ERROR, defect(error))
        return replace(unread(target, why, edge.now(), calls=records), trouble=why)


async def _collected(
    target: Target, visit: Visit, edge: Edge, records: list[CallRecord]
) -> Collected:
    if target.exchange is None or target.unusable is not None:
        why = target.unusable or Unknown(Reason.UNSUPPORTED_EXCHANGE)
        return unread(target, why, edge.now())
    async with visit.slot():
        started = edge.monotonic()
        resolved = await resolve_all(target.account, edge.sources)
        left = target.account.timeout - (edge.monotonic() - started)
    if isinstance(resolved, CredentialError):
        why = Unknown(Reason.BAD_CREDENTIALS_CONFIG, str(resolved))
        return unread(target, why, edge.now())
    if target.asks:
        calls = _AccountCalls(target, target.exchange, resolved.secrets, visit, edge, left, records)
        found = await calls.collected()
    else:
        why = Unknown(Reason.NOT_DISCLOSED, "only its auditor can disclose it")
        found = unread(target, why, edge.now(), api_key=resolved.secrets.get("apiKey"))
    return replace(found, warnings=tuple(resolved.warnings))


def _names(exchange: Exchange, credentials: Credentials) -> Credentials:
    """What names the key, by the credential that does; empty where the credentials do not tell."""
    if not exchange.named_by_wallet:
        return {n: one for n, one in credentials.items() if n in ("apiKey", exchange.named_by)}
    try:
        return {exchange.named_by: Secret(wallet_address(credentials["privateKey"]))}
    except SigningError:
        # No call can be signed with it either, and says so.
        return {}


class _AccountCalls:
    """The calls of one account, one after the other, within its bounds."""

    def __init__(
        self,
        target: Target,
        exchange: Exchange,
        credentials: Credentials,
        visit: Visit,
        edge: Edge,
        seconds: float,
        records: list[CallRecord],
    ) -> None:
        self._target = target
        self._exchange = exchange
        self._credentials = credentials
        self._names = _names(exchange, credentials)
        self._privacy = Privacy({**credentials, **self._names})
        self._visit = visit
        self._edge = edge
        self._route = route_of(target.account, exchange)
        self._budget = max(0.001, seconds)
        self._listing_budget = target.account.timeout * LISTING_PATIENCE
        self._requests = 0
        self._records = records
        self._hopeless: Failure | None = None
        self._silenced: Unknown | None = None
        self._refused: Unknown | None = None
        self._clock_skew: timedelta | None = None

    async def collected(self) -> Collected:
        outcomes = await self._outcomes(self._exchange)
        view = described_by(self._exchange, outcomes)
        disclosed = outcomes if view is self._exchange else await self._outcomes(view)
        api_key = self._names.get("apiKey")
        if self._silenced is not None and not self._requests:
            away = unread(self._target, self._silenced, self._edge.now(), api_key=api_key)
            return replace(away, trouble=self._silenced)
        named = self._names.get(self._exchange.named_by)
        facts = facts_of(view, disclosed, named.reveal() if named else None)
        facts = bounded(self._privacy.facts(facts))
        listed = None
        if self._target.lists:
            listed = await list_keys(self._exchange, self._public(), outcomes, self._list_outcome)
            listed = self._listed_now(self._privacy.listed(listed))
        evidence = Evidence(
            self._target.account.subject,
            self._edge.now(),
            with_existence(self._now(facts)),
            tuple(self._records),
            self._clock_skew,
        )
        return Collected(evidence, api_key, listed, trouble=self._refused)

    def _now(self, facts: Facts) -> Facts:
        """Facts as they hold now, where this machine's clock tells when that is."""
        return facts if self._clock_skew is not None else at_moment(facts, self._edge.now())

    def _listed_now(self, listed: Listed) -> Listed:
        keys = tuple(replace(one, facts=self._now(one.facts)) for one in listed.keys)
        return replace(listed, keys=keys)

    async def _outcomes(self, view: Exchange) -> dict[str, Parsed | Failure]:
        """What every call of the exchange, or of an alternative in its place, is answered."""
        outcomes: dict[str, Parsed | Failure] = {}
        for call in view.calls:
            params = parameters(call, self._public(), outcomes)
            outcome = params if isinstance(params, Failure) else await self._outcome(call, params)
            outcomes[call.id] = outcome
        return outcomes

    async def _list_outcome(self, call: Call, params: Mapping[str, Sent]) -> Parsed | Failure:
        """As ``_outcome``, without keeping what holds other people's keys."""
        self._listing_budget -= self._visit.lane.limiter.interval * call.weight
        if self._listing_budget < 0:
            patience = self._target.account.timeout * LISTING_PATIENCE
            detail = f"its lists take more than {patience:,.0f} s ({LISTING_PATIENCE} x timeout)"
            return Failure(Reason.LIMIT_REACHED, detail)
        return await self._outcome(call, params, keep=False)

    async def _outcome(
        self, call: Call, params: Mapping[str, Sent], *, keep: bool = True
    ) -> Parsed | Failure:
        """What a call's answer is; after a hopeless failure, nothing more is sent."""
        if self._hopeless is not None:
            return self._hopeless
        unsendable = self._privacy.unsendable(params)
        if unsendable is not None:
            return unsendable
        attempted = await self._attempt(call, params)
        if self._requests or self._silenced is None:
            self._records.append(self._record(call, attempted, keep=keep))
        self._hear(attempted)
        return attempted.outcome

    def _hear(self, attempted: _Attempted) -> None:
        """Draw the conclusions, for this account and for its queue."""
        reason = attempted.reason
        if reason in _HOPELESS:
            self._hopeless = Failure(reason, "not sent: the previous request failed")
        if reason is Reason.REQUEST_REFUSED and isinstance(attempted.outcome, Failure):
            self._refused = Unknown(reason, attempted.outcome.detail)
        if isinstance(attempted.raw, Answer):
            self._visit.lane.answered()
        elif reason in NETWORK_REASONS and self._silenced is None:
            self._visit.lane.silence.failed(reason, self._target.account.timeout)

    def _public(self) -> dict[str, str]:
        """The credentials that are no secrets: parameters may name them."""
        return {
            name: self._credentials[name].reveal()
            for name in PUBLIC_CREDENTIALS
            if name in self._credentials
        }

    async def _attempt(self, call: Call, params: Mapping[str, Sent]) -> _Attempted:
        attempt, before = 1, self._requests
        while True:
            received = await self._ask(call, params)
            raw = received.answer if isinstance(received, Received) else received
            attempted = _Attempted(raw, self._interpreted(raw, call), self._requests - before)
            if attempted.reason not in TRANSIENT or self._silenced is not None:
                return attempted
            wait = self._wait(attempt + 1, received)
            if wait is None:
                return attempted
            await self._edge.sleep(wait)
            attempt += 1

    def _interpreted(self, raw: RawAnswer, call: Call) -> Parsed | Failure:
        outcome = interpret(self._exchange, self._privacy.answer(raw), call.id)
        if isinstance(raw, Answer) and isinstance(outcome, Parsed):
            what = too_large(raw.body, outcome.value)
            return Failure(Reason.UNEXPECTED_ANSWER, what) if what else outcome
        return outcome

    def _wait(self, attempt: int, received: Received | NoAnswer) -> float | None:
        retry_after = received.retry_after if isinstance(received, Received) else None
        wait = wait_before(attempt, retry_after, self._edge.retry, self._edge.random)
        if wait is None or wait >= self._budget:
            return None
        self._budget -= wait
        if retry_after is not None:
            self._visit.lane.limiter.pause(retry_after)
        return wait

    async def _ask(self, call: Call, params: Mapping[str, Sent]) -> Received | NoAnswer:
        if self._requests >= MOST_REQUESTS:
            return NoAnswer(Reason.LIMIT_REACHED, f"more than {MOST_REQUESTS} requests")
        # Waiting for a turn is not the exchange's slowness: the deadline does not count it.
        async with self._visit.turn(call.weight) as is_asked:
            if not is_asked:
                return self._give_up()
            try:
                request = await self._edge.signer.sign(
                    self._exchange,
                    call,
                    params,
                    self._credentials,
                    sandbox=self._target.account.sandbox,
                )
            except SigningError as error:
                return NoAnswer(
                    Reason.BAD_CREDENTIALS_CONFIG,
                    f"these credentials cannot sign a request ({error})",
                )
            return await self._send(request, call)

    async def _send(self, request: SignedRequest, call: Call) -> Received | NoAnswer:
        started = self._edge.monotonic()
        received = await self._edge.guard.send(request, call, self._route, timeout=self._budget)
        self._budget = max(0.001, self._budget - (self._edge.monotonic() - started))
        if not isinstance(received, NoAnswer) or received.reason is not Reason.REQUEST_REFUSED:
            self._requests += 1
        if isinstance(received, Received):
            skew = skew_of(received.date, self._edge.now())
            self._clock_skew = largest_skew((self._clock_skew, skew))
        return received

    def _give_up(self) -> NoAnswer:
        """Nobody answers in this queue: the account ends with the reason of those before it."""
        why = self._silenced = self._visit.silence
        assert why is not None
        return NoAnswer(why.reason, why.detail)

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


def defect(error: Exception) -> str:
    """The kind of an error and a reference for a report about it; never its text.

    The text may hold what an exchange answered, or a URL with a signature.
    """
    package = Path(__file__).parent.parent
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(package)]
    place = Path(own[-1].filename).relative_to(package).as_posix()
    return f"{type(error).__name__}, reference {__version__}:{place}:{own[-1].lineno}"


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
