"""What a history answers. Every question is one transaction, and changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, and_, func, or_, select

from gatepolicy.history.findings import Tracked
from gatepolicy.history.rows import finding_of
from gatepolicy.history.store import Store, is_of
from gatepolicy.history.tables import ACCOUNTS, FACTS, FINDINGS, SCANS, VERDICTS
from gatepolicy.history.where import Which
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import finding_identity
from gatepolicy.model.trend import AccountCounts, TimeToFix, Trend, TrendPoint
from gatepolicy.model.verdicts import Outcome, Severity

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredScan:
    """A scan in numbers."""

    id: int
    """In the history."""
    inventory: str
    """What was scanned."""
    started_at: datetime
    """UTC."""
    finished_at: datetime
    """UTC."""
    version: str
    """Of gatepolicy."""
    exit_code: int
    """Of the scan."""
    interrupted_by: str | None
    """The signal that ended it early; ``None`` when none did."""
    is_narrowed: bool
    """Whether options left something out."""
    accounts: int
    """How many were selected."""
    unread: int
    """How many of them could not be read."""
    accounts_passed: int
    """How many of them pass."""
    accounts_violating: int
    """How many of them have a violation."""
    passed: int
    """Verdicts that are pass."""
    waived: int
    """Verdicts that are waived."""
    unknown: int
    """Verdicts that are unknown, blocking ones included."""
    blocking_unknowns: int
    """Verdicts that are unknown and count like violations."""
    violations: dict[Severity, int]
    """Verdicts that are fail."""
    digest: str
    """SHA-256 of the JSON report, hexadecimal."""


@dataclass(frozen=True, slots=True)
class NeverRead:
    """An account of the newest scan that no scan of the history could read."""

    inventory: str
    """Where it is declared."""
    exchange: str
    """Id of the exchange."""
    account: str
    """Id of the account."""
    reason: str
    """Why the newest scan could not."""
    since: datetime
    """The first scan that tried. UTC."""


@dataclass(frozen=True, slots=True)
class NeverProved:
    """A rule that no scan of the history has proved or disproved for accounts that were read."""

    inventory: str
    """Where they are declared."""
    exchange: str
    """Id of the exchange."""
    rule: str
    """Name of the rule."""
    reason: str
    """Why it is unknown in the newest scan."""
    accounts: int
    """How many accounts of the newest scan."""


@dataclass(frozen=True, slots=True)
class Undisclosed:
    """A fact that was read in an earlier scan, and that the exchange does not disclose now."""

    inventory: str
    """Where the accounts are declared."""
    exchange: str
    """Id of the exchange."""
    fact: str
    """Name of the fact."""
    reason: str
    """Why it is unknown now, although the account was read."""
    accounts: int
    """Of how many accounts."""
    last_read: datetime
    """The newest scan that read it. UTC."""


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """A waiver that accepted findings."""

    inventory: str
    """What was scanned."""
    waiver: str
    """Its id."""
    scans: int
    """In how many scans it was used."""
    findings: int
    """How many findings it accepted in the newest of them."""
    first_used: datetime
    """UTC."""
    last_used: datetime
    """UTC."""


def scans(store: Store, *, inventory: Which = None, newest: int = 0) -> list[StoredScan]:
    """Scans, the oldest first.

    Args:
        store: The history.
        inventory: Only scans of these; ``None`` for all.
        newest: Only so many, the newest; 0 for all.
    """
    wanted = select(*_WITHOUT_REPORT).where(is_of(SCANS, inventory))
    wanted = wanted.order_by(SCANS.c.started_at.desc(), SCANS.c.id.desc())
    if newest:
        wanted = wanted.limit(newest)
    with store.reading() as connection:
        return [_stored(row) for row in reversed(connection.execute(wanted).all())]


def scan_of(store: Store, scan: int) -> StoredScan | None:
    """One scan; ``None`` when there is none of that id."""
    with store.reading() as connection:
        row = connection.execute(select(*_WITHOUT_REPORT).where(SCANS.c.id == scan)).one_or_none()
    return None if row is None else _stored(row)


def scan_of_report(store: Store, digest: str) -> StoredScan | None:
    """The scan that wrote a report; ``None`` when there is none.

    Args:
        store: The history.
        digest: SHA-256 of the JSON report, hexadecimal. Of several, the one stored last is taken.
    """
    wanted = select(*_WITHOUT_REPORT).where(SCANS.c.digest == digest).order_by(SCANS.c.id.desc())
    with store.reading() as connection:
        row = connection.execute(wanted.limit(1)).one_or_none()
    return None if row is None else _stored(row)


_WITHOUT_REPORT = [column for column in SCANS.c if column.name != "report"]


def _stored(row: Any) -> StoredScan:
    return StoredScan(
        id=row.id,
        inventory=row.inventory,
        started_at=row.started_at,
        finished_at=row.finished_at,
        version=row.version,
        exit_code=row.exit_code,
        interrupted_by=row.interrupted_by,
        is_narrowed=row.narrowed,
        accounts=row.accounts,
        unread=row.unread,
        accounts_passed=row.accounts_passed,
        accounts_violating=row.accounts_violating,
        passed=row.passed,
        waived=row.waived,
        unknown=row.unknown,
        blocking_unknowns=row.blocking_unknowns,
        violations={level: row._mapping[level.value] for level in Severity},
        digest=row.digest,
    )


def findings(
    store: Store, *, inventory: Which = None, fixed: bool = False
) -> list[tuple[str, Tracked]]:
    """Findings with their inventory: the worst severity first, then the oldest.

    Args:
        store: The history.
        inventory: Only findings of these; ``None`` for all.
        fixed: Those that were fixed, instead of those that were not.
    """
    state = FINDINGS.c.fixed_at.isnot(None) if fixed else FINDINGS.c.fixed_at.is_(None)
    wanted = select(FINDINGS).where(is_of(FINDINGS, inventory)).where(state)
    with store.reading() as connection:
        rows = connection.execute(wanted.order_by(FINDINGS.c.first_seen, FINDINGS.c.id)).all()
    found = [(str(row.inventory), finding_of(row._asdict())) for row in rows]
    return sorted(found, key=lambda one: Severity(one[1].finding.severity).rank)


def times_to_fix(fixed: Sequence[Tracked]) -> Iterator[TimeToFix]:
    """How long violations lasted, by severity; of a severity without any, nothing.

    Args:
        fixed: Findings that were fixed. Those that were never a proved violation do not count.
    """
    for severity in Severity:
        times = [
            one.fixed_at - one.violated_at
            for one in fixed
            if one.finding.severity == severity.value and one.fixed_at and one.violated_at
        ]
        if times:
            mean = sum(times, timedelta()) / len(times)
            middle = timedelta(seconds=median(time.total_seconds() for time in times))
            yield TimeToFix(severity, len(times), mean, middle)


def trend(
    store: Store, inventory: str, point: TrendPoint, *, newest: int, before: int | None = None
) -> Trend:
    """How an inventory stood up to a scan, and with it.

    What is said about the scan is the same before it is stored and ever after, so that a page can
    be made again: what was stored after it, and what began after it, is left out. Only what was
    pruned since is missing; and old evidence that was stored late can show that a finding is older,
    or was fixed earlier, than was known.

    Args:
        store: The history.
        inventory: What was scanned.
        point: The scan itself.
        newest: How many scans there are at most, the scan itself included.
        before: Its id; ``None`` when it is not stored yet.
    """
    at = point.started_at
    past = select(*_WITHOUT_REPORT).where(is_of(SCANS, inventory)).where(SCANS.c.started_at <= at)
    if before is not None:
        past = past.where(SCANS.c.id < before)
    past = past.order_by(SCANS.c.started_at.desc(), SCANS.c.id.desc()).limit(newest - 1)
    found = select(FINDINGS).where(is_of(FINDINGS, inventory)).order_by(FINDINGS.c.id)
    is_open = or_(FINDINGS.c.fixed_at.is_(None), FINDINGS.c.fixed_at > at)
    with store.reading() as connection:
        scans = [_stored(row) for row in reversed(connection.execute(past).all())]
        open_ = connection.execute(found.where(FINDINGS.c.violated_at <= at, is_open)).all()
        fixed = connection.execute(found.where(FINDINGS.c.fixed_at < at)).all()
    since: dict[str, datetime] = {}
    for row in open_:
        identity = finding_identity(row.rule, row.exchange, row.account, row.subject)
        since[identity] = min(row.violated_at, since.get(identity, row.violated_at))
    return Trend(
        points=(*(_point(scan) for scan in scans), point),
        violated_since=since,
        times_to_fix=tuple(times_to_fix([finding_of(row._asdict()) for row in fixed])),
    )


def _point(scan: StoredScan) -> TrendPoint:
    passed, violating = scan.accounts_passed, scan.accounts_violating
    return TrendPoint(
        started_at=scan.started_at,
        exit_code=scan.exit_code,
        is_narrowed=scan.is_narrowed,
        is_interrupted=scan.interrupted_by is not None,
        accounts=AccountCounts(passed, violating, scan.accounts - passed - violating),
        violations=scan.violations,
    )


def never_read(store: Store, inventory: Which = None) -> list[NeverRead]:
    """Accounts that no scan could read.

    Args:
        store: The history.
        inventory: Only accounts of these; ``None`` for all.
    """
    return _of_newest(store, inventory, _never_read)


def _never_read(connection: Connection, scan: int, inventory: str) -> Iterator[NeverRead]:
    since = func.min(SCANS.c.started_at, type_=SCANS.c.started_at.type)
    past = (
        select(ACCOUNTS.c.exchange, ACCOUNTS.c.account, since.label("since"))
        .join(SCANS, and_(SCANS.c.id == ACCOUNTS.c.scan, SCANS.c.inventory == inventory))
        .group_by(ACCOUNTS.c.exchange, ACCOUNTS.c.account)
        .having(func.count() == func.count(ACCOUNTS.c.unread))
        .subquery()
    )
    now = ACCOUNTS.alias("now")
    wanted = (
        select(now.c.exchange, now.c.account, now.c.unread, past.c.since)
        .join(past, _same(past, now, "exchange", "account"))
        .where(now.c.scan == scan)
        .order_by(past.c.since, now.c.exchange, now.c.account)
    )
    for row in connection.execute(wanted):
        yield NeverRead(inventory, row.exchange, row.account, row.unread, row.since)


def never_proved(store: Store, inventory: Which = None) -> list[NeverProved]:
    """Rules that no scan has proved or disproved, by exchange, of accounts that were read.

    Args:
        store: The history.
        inventory: Only accounts of these; ``None`` for all.
    """
    return _of_newest(store, inventory, _never_proved)


def _never_proved(connection: Connection, scan: int, inventory: str) -> Iterator[NeverProved]:
    past = (
        select(VERDICTS.c.exchange, VERDICTS.c.account, VERDICTS.c.rule)
        .join(SCANS, and_(SCANS.c.id == VERDICTS.c.scan, SCANS.c.inventory == inventory))
        .where(VERDICTS.c.verdict != Outcome.UNKNOWN.value)
        .distinct()
        .subquery()
    )
    now = VERDICTS.alias("now")
    accounts = func.count(now.c.account.distinct())
    wanted = (
        select(now.c.exchange, now.c.name, now.c.reason, accounts.label("accounts"))
        .join(ACCOUNTS, _same(ACCOUNTS, now, "scan", "exchange", "account"))
        .outerjoin(past, _same(past, now, "exchange", "account", "rule"))
        .where(
            now.c.scan == scan,
            now.c.verdict == Outcome.UNKNOWN.value,
            ACCOUNTS.c.unread.is_(None),
            past.c.rule.is_(None),
        )
        .group_by(now.c.exchange, now.c.name, now.c.reason)
        .order_by(accounts.desc(), now.c.exchange, now.c.name)
    )
    for row in connection.execute(wanted):
        yield NeverProved(inventory, row.exchange, row.name, row.reason or "", row.accounts)


def no_longer_disclosed(store: Store, inventory: Which = None) -> list[Undisclosed]:
    """Facts that were read once, and not by the newest scan, although it read the account.

    Args:
        store: The history.
        inventory: Only accounts of these; ``None`` for all.
    """
    return _of_newest(store, inventory, _no_longer_disclosed)


_OF_THE_SCAN = (Reason.NOT_SELECTED.value, Reason.NOT_COVERED.value, Reason.INTERRUPTED.value)
"""Reasons that tell what a scan was asked, and nothing about an exchange."""


def _no_longer_disclosed(
    connection: Connection, scan: int, inventory: str
) -> Iterator[Undisclosed]:
    last_read = func.max(SCANS.c.started_at, type_=SCANS.c.started_at.type)
    past = (
        select(FACTS.c.exchange, FACTS.c.account, FACTS.c.name, last_read.label("last_read"))
        .join(SCANS, and_(SCANS.c.id == FACTS.c.scan, SCANS.c.inventory == inventory))
        .where(FACTS.c.reason.is_(None))
        .group_by(FACTS.c.exchange, FACTS.c.account, FACTS.c.name)
        .subquery()
    )
    now = FACTS.alias("now")
    accounts = func.count(now.c.account.distinct())
    newest = func.max(past.c.last_read, type_=SCANS.c.started_at.type)
    wanted = (
        select(now.c.exchange, now.c.name, now.c.reason, accounts.label("accounts"))
        .add_columns(newest.label("last_read"))
        .join(past, _same(past, now, "exchange", "account", "name"))
        .join(ACCOUNTS, _same(ACCOUNTS, now, "scan", "exchange", "account"))
        .where(
            now.c.scan == scan,
            now.c.reason.isnot(None),
            now.c.reason.notin_(_OF_THE_SCAN),
            ACCOUNTS.c.unread.is_(None),
        )
        .group_by(now.c.exchange, now.c.name, now.c.reason)
        .order_by(accounts.desc(), now.c.exchange, now.c.name)
    )
    for row in connection.execute(wanted):
        yield Undisclosed(
            inventory, row.exchange, row.name, row.reason, row.accounts, row.last_read
        )


def waivers_used(store: Store, inventory: Which = None) -> list[WaiverUse]:
    """Waivers that accepted findings, the last used first.

    Args:
        store: The history.
        inventory: Only scans of these; ``None`` for all.
    """
    wanted = (
        select(SCANS.c.inventory, VERDICTS.c.waiver, SCANS.c.started_at, func.count().label("n"))
        .join(SCANS, SCANS.c.id == VERDICTS.c.scan)
        .where(VERDICTS.c.waiver.isnot(None), is_of(SCANS, inventory))
    )
    wanted = wanted.group_by(
        SCANS.c.inventory, VERDICTS.c.waiver, SCANS.c.id, SCANS.c.started_at
    ).order_by(SCANS.c.started_at, SCANS.c.id)
    uses: dict[tuple[str, str], list[Any]] = {}
    with store.reading() as connection:
        for row in connection.execute(wanted):
            uses.setdefault((row.inventory, row.waiver), []).append(row)
    found = [
        WaiverUse(*key, len(rows), rows[-1].n, rows[0].started_at, rows[-1].started_at)
        for key, rows in uses.items()
    ]
    return sorted(found, key=lambda one: one.last_used, reverse=True)


def _of_newest(
    store: Store, inventory: Which, found: Callable[[Connection, int, str], Iterator[T]]
) -> list[T]:
    """What is found in the newest scan of each inventory."""
    with store.reading() as connection:
        newest = _newest(connection, inventory)
        return [one for scan in newest for one in found(connection, scan.id, scan.inventory)]


def _newest(connection: Connection, inventory: Which) -> Sequence[Any]:
    """The newest scan of each inventory: its id and the inventory."""
    place = func.row_number().over(
        partition_by=SCANS.c.inventory,
        order_by=(SCANS.c.started_at.desc(), SCANS.c.id.desc()),
    )
    ranked = select(SCANS.c.id, SCANS.c.inventory, place.label("place"))
    ranked = ranked.where(is_of(SCANS, inventory))
    newest = ranked.subquery()
    wanted = select(newest.c.id, newest.c.inventory).where(newest.c.place == 1)
    return connection.execute(wanted.order_by(newest.c.inventory)).all()


def _same(one: FromClause, other: FromClause, *names: str) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in names))


def best_baseline(store: Store, inventory: str) -> int | None:
    """The id of the newest scan to compare with; ``None`` when there is none.

    A whole scan comes before one that options narrowed, and that before one that was interrupted.

    Args:
        store: The history.
        inventory: What was scanned.
    """
    wanted = (
        select(SCANS.c.id)
        .where(SCANS.c.inventory == inventory)
        .order_by(
            SCANS.c.interrupted_by.isnot(None),
            SCANS.c.narrowed,
            SCANS.c.started_at.desc(),
            SCANS.c.id.desc(),
        )
        .limit(1)
    )
    with store.reading() as connection:
        found: int | None = connection.execute(wanted).scalar_one_or_none()
    return found
