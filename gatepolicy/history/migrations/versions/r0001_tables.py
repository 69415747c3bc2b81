"""The first tables."""

import sqlalchemy as sa
from alembic import op

from gatepolicy.history.tables import UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    _make_scans()
    _make_parts_of_scans()
    _make_findings()
    for table in ("scans", "accounts", "facts", "verdicts"):
        _refuse_updates(table)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _make_scans() -> None:
    counts = ("accounts", "unread", "passed", "waived", "unknown", "blocking_unknowns")
    op.create_table(
        "scans",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        _text("inventory"),
        *(
            sa.Column(n, UtcTime, nullable=False)
            for n in ("started_at", "finished_at", "stored_at")
        ),
        _text("version"),
        _number("exit_code"),
        _text("interrupted_by", nullable=True),
        sa.Column("narrowed", sa.Boolean, nullable=False),
        *(_number(n) for n in (*counts, "critical", "high", "medium", "low", "info")),
        _text("digest"),
        sa.Column("report", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("scans_in_order", "scans", ["inventory", "started_at", "id"])


def _make_parts_of_scans() -> None:
    key = ("scan", "exchange", "account")
    op.create_table(
        "accounts",
        _number("scan"),
        *(_text(n) for n in ("exchange", "account", "owner", "labels")),
        sa.Column("collected_at", UtcTime, nullable=False),
        _text("unread", nullable=True),
        sa.PrimaryKeyConstraint(*key),
        sa.ForeignKeyConstraint(["scan"], ["scans.id"], ondelete="CASCADE"),
    )
    op.create_table(
        "facts",
        _number("scan"),
        *(_text(n) for n in ("exchange", "account", "name")),
        *(_text(n, nullable=True) for n in ("value", "grade", "reason")),
        sa.PrimaryKeyConstraint(*key, "name"),
        sa.ForeignKeyConstraint(["scan"], ["scans.id"], ondelete="CASCADE"),
    )
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        _number("scan"),
        *(_text(n) for n in ("exchange", "account", "rule", "name", "subject", "policy")),
        *(_text(n) for n in ("verdict", "severity")),
        _text("reason", nullable=True),
        _text("on_unknown"),
        _text("waiver", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["scan"], ["scans.id"], ondelete="CASCADE"),
    )
    op.create_index("verdicts_of_scan", "verdicts", ["scan", "verdict"])


def _make_findings() -> None:
    texts = ("inventory", "question", "rule", "name", "exchange", "account", "subject", "policy")
    times = ("first_seen", "violated_at", "last_seen", "checked_at", "fixed_at")
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        *(_text(n) for n in (*texts, "expected", "on_unknown", "verdict", "severity", "seen")),
        *(sa.Column(n, UtcTime, nullable=n in ("violated_at", "fixed_at")) for n in times),
        _text("gone", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("findings_open", "findings", ["inventory", "fixed_at"])


def _refuse_updates(table: str) -> None:
    """What a scan has found is never changed, whoever tries."""
    what = f"rows of {table} are never changed"
    if op.get_bind().dialect.name == "sqlite":
        body = f"BEGIN SELECT RAISE(ABORT, '{what}'); END"
        op.execute(f"CREATE TRIGGER {table}_final BEFORE UPDATE ON {table} {body}")
        return
    raises = f"BEGIN RAISE EXCEPTION '{what}'; END"
    op.execute(
        f"CREATE FUNCTION {table}_final() RETURNS trigger LANGUAGE plpgsql AS $$ {raises} $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_final BEFORE UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_final()"
    )
