"""Opening a history, writing a scan into it, and reading a report out of it.

Writers take turns: on SQLite by ``BEGIN IMMEDIATE``, on PostgreSQL by an advisory lock. Each scan
is one transaction, so that it is there as a whole or not at all.
"""

import contextlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Self, assert_never

from alembic import command as alembic_command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    event,
    insert,
    inspect,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from gatepolicy.drift.load import parse_snapshot
from gatepolicy.errors import HistoryError
from gatepolicy.history.findings import Tracked, follow
from gatepolicy.history.rows import (
    account_rows,
    chunks,
    fact_rows,
    finding_of,
    finding_row,
    scan_row,
    storable_finding,
    verdict_rows,
)
from gatepolicy.history.tables import (
    ACCOUNTS,
    FACTS,
    FINDINGS,
    HEAD,
    METADATA,
    SCANS,
    VERDICTS,
    VERSION_TABLE,
)
from gatepolicy.history.where import OfProject, Where, Which
from gatepolicy.model.encoding import decode_time

LAST = "last"
"""The newest scan, where an id may stand."""
_PATIENCE = 30
"""Seconds to wait for another writer."""
_LOCK = 0x67617465
"""The number of the advisory lock: the same for all versions."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_IGNORED = "# Made by gatepolicy: a history is no part of the repository.\n*\n"


@dataclass(frozen=True, slots=True)
class Store:
    """An open history."""

    engine: Engine
    """Of the database."""
    where: Where
    """Its place."""

    @classmethod
    def open(cls, where: Where, *, create: bool = True) -> Self:
        """Open a history; bring its tables up to date.

        Args:
            where: Its place.
            create: Whether to make the file that is not there.

        Raises:
            HistoryError: It cannot be opened, is of another program, or of a newer version.
        """
        with _told(where):
            if where.file:
                _prepare_file(where, create=create)
            store = cls(_engine(where), where)
            with store.writing() as connection:
                _migrate(connection, where)
        return store

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, alone among writers.

        Raises:
            HistoryError: The database refuses.
        """
        with _told(self.where), self.engine.connect() as connection:
            writing = connection.execution_options(gatepolicy_writes=True)
            with writing.begin():
                if writing.dialect.name == "postgresql":
                    writing.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}s'"))
                    writing.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                yield writing

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database.

        Raises:
            HistoryError: The database refuses.
        """
        with _told(self.where), self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def record(self, report: str, inventory: str, now: datetime) -> int:
        """Add a scan.

        Args:
            report: Its JSON report.
            inventory: What was scanned: scans of the same one are compared.
            now: The time. UTC.

        Returns:
            The id of the scan.

        Raises:
            HistoryError: It could not be written; the history is as it was.
            DocumentError: The text is no report.
        """
        found = parse_snapshot(report, "the report")
        snapshot = replace(found, judged=[storable_finding(one) for one in found.judged or ()])
        # The schema has accepted the report, so its shape is known from here on.
        data: Any = json.loads(report)
        at = decode_time(data["started_at"])
        row = scan_row(data, inventory, now) | {
            "digest": sha256(report.encode()).hexdigest(),
            "report": zlib.compress(report.encode()),
        }
        with self.writing() as connection:
            scan = connection.execute(insert(SCANS).returning(SCANS.c.id), row).scalar_one()
            for table, rows in (
                (ACCOUNTS, account_rows(data, scan)),
                (FACTS, fact_rows(data, scan)),
                (VERDICTS, verdict_rows(data, scan)),
            ):
                for chunk in chunks(rows):
                    connection.execute(insert(table), chunk)
            tracked = _tracked(connection, inventory, at)
            _keep(connection, follow(tracked, snapshot, at=at, now=now), inventory)
        return int(scan)


def load_report_text(store: Store, scan: str, inventory: Which = None) -> str:
    """The JSON report of a stored scan, byte by byte as it was written.

    Args:
        store: The history.
        scan: An id, or ``last``.
        inventory: Only scans of these; ``None`` for all.

    Raises:
        HistoryError: There is no such scan.
    """
    wanted = select(SCANS.c.report).order_by(SCANS.c.started_at.desc(), SCANS.c.id.desc()).limit(1)
    wanted = wanted.where(is_of(SCANS, inventory))
    if scan != LAST:
        if not (scan.isascii() and scan.isdecimal() and len(scan) <= 9):
            hint = "write an id, as 'gatepolicy history list' shows it, or last"
            raise HistoryError(f"{scan} is no id of a scan", hint=hint)
        wanted = wanted.where(SCANS.c.id == int(scan))
    with store.reading() as connection:
        found = connection.execute(wanted).scalar_one_or_none()
    if found is None:
        what = "no scan yet" if scan == LAST else f"no scan {scan}"
        named = inventory.project if isinstance(inventory, OfProject) else inventory
        whose = f" of {named}" if named is not None else ""
        hint = "'gatepolicy history list' shows all scans"
        raise HistoryError(f"{store.where.name}: {what}{whose}", hint=hint)
    with _told(store.where):
        return zlib.decompress(found).decode()


def is_of(table: Table, inventory: Which) -> ColumnElement[bool]:
    """Whether a row is about one of some inventories.

    Args:
        table: With the column ``inventory``.
        inventory: Which ones.
    """
    match inventory:
        case None:
            return true()
        case OfProject():
            return table.c.inventory.startswith(inventory.prefix, autoescape=True)
        case str():
            return table.c.inventory == inventory
        case _:
            assert_never(inventory)


def _tracked(connection: Connection, inventory: str, at: datetime) -> list[Tracked]:
    """What ``follow`` needs to know."""
    is_open = FINDINGS.c.fixed_at.is_(None)
    rows = connection.execute(
        select(FINDINGS)
        .where(FINDINGS.c.inventory == inventory, or_(is_open, FINDINGS.c.fixed_at > at))
        .order_by(FINDINGS.c.id)
    )
    return [finding_of(row._asdict()) for row in rows]


def _keep(connection: Connection, tracked: Iterable[Tracked], inventory: str) -> None:
    new, changed = [], []
    for one in tracked:
        if one.id is None:
            new.append(finding_row(one, inventory))
        else:
            changed.append({"row": one.id, **finding_row(one, inventory)})
    for chunk in chunks(new):
        connection.execute(insert(FINDINGS), chunk)
    for chunk in chunks(changed):
        connection.execute(update(FINDINGS).where(FINDINGS.c.id == bindparam("row")), chunk)


def _engine(where: Where) -> Engine:
    if where.server is not None:
        return create_engine(
            make_url(where.server.reveal()),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": 10, "application_name": "gatepolicy"},
        )
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(where.file, timeout=_PATIENCE, isolation_level=None),
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(connection: Any, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # Whoever cannot switch now, as another process does it, works in the old way just as well.
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("gatepolicy_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_file(where: Where, *, create: bool) -> None:
    """Make the file, which nobody but its owner reads, and the folder around it."""
    file = Path(where.file)
    if file.exists():
        if not file.is_file():
            raise HistoryError(f"{where.name} is no regular file", hint="choose another file")
        return
    if not create:
        hint = "gatepolicy scan --history FILE begins one"
        raise HistoryError(f"no history yet: {where.name} does not exist", hint=hint)
    if not file.parent.exists():
        file.parent.mkdir(mode=0o700)
        (file.parent / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))


def _migrate(connection: Connection, where: Where) -> None:
    found = _version(connection)
    if found == HEAD:
        return
    if found is None:
        others = METADATA.tables.keys() & set(inspect(connection).get_table_names())
        if others:
            what = f"{where.name} has tables of another program: {', '.join(sorted(others))}"
            raise HistoryError(what, hint="choose another file or database")
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        alembic_command.upgrade(config, "head")
    except CommandError:
        what = f"{where.name} was written by a newer gatepolicy"
        raise HistoryError(what, hint="update gatepolicy") from None


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return found.scalar_one_or_none()


@contextmanager
def _told(where: Where) -> Iterator[None]:
    """What a database says becomes an error of ours, without a password."""
    try:
        yield
    except ImportError:
        what = "a history on PostgreSQL needs psycopg, which is not installed"
        raise HistoryError(what, hint="pip install 'psycopg[binary]'") from None
    except (SQLAlchemyError, OSError, zlib.error) as error:
        hint = (
            "check its permissions and the disk" if where.file else "check the URL and the server"
        )
        what = f"{where.name} cannot be used: {_reason(error, where)}"
        raise HistoryError(what, hint=hint) from None


def _reason(error: Exception, where: Where) -> str:
    if isinstance(error, DBAPIError):
        lines = str(error.orig).strip().splitlines()
        return where.without_passwords(lines[0]) if lines else type(error.orig).__name__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
