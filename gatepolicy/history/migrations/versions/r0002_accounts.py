"""How many accounts of each scan pass, and how many have violations."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SCANS = sa.table(
    "scans",
    sa.column("id", sa.Integer),
    sa.column("report", sa.LargeBinary),
    sa.column("accounts_passed", sa.Integer),
    sa.column("accounts_violating", sa.Integer),
)


_FINAL = (
    "id, started_at, finished_at, stored_at, version, exit_code, interrupted_by, narrowed,"
    " accounts, unread, passed, waived, unknown, blocking_unknowns, critical, high, medium, low,"
    " info, digest, report, accounts_passed, accounts_violating"
)
"""All columns but the name of the inventory, which says where a scan belongs."""


def upgrade() -> None:
    """Add the counts, and count once what the reports of older scans say."""
    for name in ("accounts_passed", "accounts_violating"):
        column = sa.Column(name, sa.Integer, nullable=False, server_default="0")
        op.add_column("scans", column)
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    op.execute("DROP TRIGGER scans_final" + ("" if is_sqlite else " ON scans"))
    # What a scan has found does not change: this only counts it.
    for scan in connection.execute(sa.select(_SCANS.c.id).order_by(_SCANS.c.id)).scalars().all():
        _count(connection, scan)
    raises = "BEGIN SELECT RAISE(ABORT, 'rows of scans are never changed'); END"
    does = raises if is_sqlite else "FOR EACH ROW EXECUTE FUNCTION scans_final()"
    op.execute(f"CREATE TRIGGER scans_final BEFORE UPDATE OF {_FINAL} ON scans {does}")


def _count(connection: sa.Connection, scan: int) -> None:
    this = _SCANS.c.id == scan
    packed = connection.execute(sa.select(_SCANS.c.report).where(this)).scalar_one()
    accounts = json.loads(zlib.decompress(packed))["accounts"]
    counts = {
        "accounts_passed": sum(_passes(account) for account in accounts),
        "accounts_violating": sum(_violates(account) for account in accounts),
    }
    connection.execute(sa.update(_SCANS).where(this).values(counts))


def _passes(account: Mapping[str, Any]) -> bool:
    verdicts = account["verdicts"]
    is_proved = any(one["verdict"] == "pass" for one in verdicts)
    return account["unread"] is None and is_proved and all(_is_fine(one) for one in verdicts)


def _is_fine(verdict: Mapping[str, Any]) -> bool:
    if verdict.get("not_verifiable", False):
        return bool(verdict["on_unknown"] == "warn")
    return verdict["verdict"] in ("pass", "not_applicable")


def _violates(account: Mapping[str, Any]) -> bool:
    return any(one["verdict"] == "fail" for one in account["verdicts"])
