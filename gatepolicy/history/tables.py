"""The tables of a history.

``scans``, ``accounts``, ``facts`` and ``verdicts`` are only ever added to, and removed as a whole
with their scan when it is pruned. ``findings`` follows each finding from scan to scan.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)
from sqlalchemy.types import TypeDecorator

HEAD = "0002"
"""The newest migration."""
VERSION_TABLE = "gatepolicy_history_version"
"""Where Alembic keeps the migration of a database."""


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite has no zones: there the time in UTC stands without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = MetaData()


def _text(name: str, *, default: bool = True) -> Column[str]:
    return Column(name, String, nullable=not default)


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _added_number(name: str) -> Column[int]:
    """A number that the first tables did not have: what it is there, a migration has counted."""
    return Column(name, Integer, nullable=False, server_default="0")


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcTime, nullable=nullable)


SCANS = Table(
    "scans",
    METADATA,
    Column("id", Integer, autoincrement=True),
    _text("inventory"),
    _time("started_at"),
    _time("finished_at"),
    _time("stored_at"),
    _text("version"),
    _number("exit_code"),
    _text("interrupted_by", default=False),
    Column("narrowed", Boolean, nullable=False),
    _number("accounts"),
    _number("unread"),
    _number("passed"),
    _number("waived"),
    _number("unknown"),
    _number("blocking_unknowns"),
    _number("critical"),
    _number("high"),
    _number("medium"),
    _number("low"),
    _number("info"),
    _text("digest"),
    Column("report", LargeBinary, nullable=False),
    _added_number("accounts_passed"),
    _added_number("accounts_violating"),
    PrimaryKeyConstraint("id"),
    Index("scans_in_order", "inventory", "started_at", "id"),
    sqlite_autoincrement=True,
)
"""A row for each scan: ``report`` is its JSON report, compressed by zlib, ``digest`` the SHA-256
of the report itself. ``critical`` to ``info`` count violations. ``accounts_passed`` and
``accounts_violating`` count accounts; the rest of ``accounts`` are neither."""


def _of_scan() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["scan"], ["scans.id"], ondelete="CASCADE")


ACCOUNTS = Table(
    "accounts",
    METADATA,
    _number("scan"),
    _text("exchange"),
    _text("account"),
    _text("owner"),
    _text("labels"),
    _time("collected_at"),
    _text("unread", default=False),
    PrimaryKeyConstraint("scan", "exchange", "account"),
    _of_scan(),
)
"""Each account of each scan; ``unread`` is the reason why it could not be read."""

FACTS = Table(
    "facts",
    METADATA,
    _number("scan"),
    _text("exchange"),
    _text("account"),
    _text("name"),
    _text("value", default=False),
    _text("grade", default=False),
    _text("reason", default=False),
    PrimaryKeyConstraint("scan", "exchange", "account", "name"),
    _of_scan(),
)
"""Each fact: a value as JSON with its grade, or the reason why it is unknown."""

VERDICTS = Table(
    "verdicts",
    METADATA,
    Column("id", Integer, autoincrement=True),
    _number("scan"),
    _text("exchange"),
    _text("account"),
    _text("rule"),
    _text("name"),
    _text("subject"),
    _text("policy"),
    _text("verdict"),
    _text("severity"),
    _text("reason", default=False),
    _text("on_unknown"),
    _text("waiver", default=False),
    PrimaryKeyConstraint("id"),
    _of_scan(),
    Index("verdicts_of_scan", "scan", "verdict"),
)
"""Each verdict; those about the scan itself have neither exchange nor account."""

FINDINGS = Table(
    "findings",
    METADATA,
    Column("id", Integer, autoincrement=True),
    _text("inventory"),
    _text("question"),
    _text("rule"),
    _text("name"),
    _text("exchange"),
    _text("account"),
    _text("subject"),
    _text("policy"),
    _text("expected"),
    _text("on_unknown"),
    _text("verdict"),
    _text("severity"),
    _text("seen"),
    _time("first_seen"),
    _time("violated_at", nullable=True),
    _time("last_seen"),
    _time("checked_at"),
    _time("fixed_at", nullable=True),
    _text("gone", default=False),
    PrimaryKeyConstraint("id"),
    Index("findings_open", "inventory", "fixed_at"),
)
"""What became of each finding. ``violated_at``: since when it is a proved violation. ``fixed_at``:
when a pass was proved. ``gone``: why nothing was proved any more, which is no fix."""
