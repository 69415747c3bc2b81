"""Writing scans into a history and reading them, on SQLite and on PostgreSQL."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import Phase, assume, given, settings
from sqlalchemy import func, select, text

from gatepolicy.drift.load import parse_snapshot
from gatepolicy.errors import DocumentError, HistoryError
from gatepolicy.history import store as stores
from gatepolicy.history.queries import best_baseline, findings, scan_of, scans
from gatepolicy.history.rows import scan_row, storable_finding
from gatepolicy.history.store import Store, load_report_text
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
from gatepolicy.history.where import Where, parse_where
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import Outcome
from gatepolicy.reports.html_trend import point_of
from tests.history.conftest import INVENTORY, NOW, account, day, judged, record, report_of, scan_at
from tests.reports.example_scan import example_scan
from tests.reports.strategies import scans as scans_

FAIL, PASS = Outcome.FAIL, Outcome.PASS
MIGRATIONS = Path(stores.__file__).parent / "migrations"


def counts(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (SCANS, ACCOUNTS, FACTS, VERDICTS, FINDINGS)
        }


def test_a_scan_is_stored_as_a_whole(store: Store) -> None:
    report = report_of(example_scan())
    assert store.record(report, INVENTORY, NOW) == 1
    assert load_report_text(store, "last") == load_report_text(store, "1") == report
    scan = scan_of(store, 1)
    assert scan is not None
    assert (scan.accounts, scan.unread, scan.exit_code, scan.passed, scan.waived) == (5, 0, 1, 6, 1)
    assert {level.value: n for level, n in scan.violations.items()} == {
        "critical": 2,
        "high": 1,
        "medium": 0,
        "low": 1,
        "info": 0,
    }
    assert counts(store)["verdicts"] == 20


def test_the_tables_hold_what_the_report_says(store: Store) -> None:
    unread = account("b", judged(Outcome.UNKNOWN), unread=Reason.BAD_KEY)
    record(store, scan_at(1, account("a", judged(FAIL), withdraw=True), unread))
    with store.reading() as connection:
        accounts = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.account)).all()
        facts = connection.execute(select(FACTS).order_by(FACTS.c.account, FACTS.c.name)).all()
        verdicts = connection.execute(select(VERDICTS).order_by(VERDICTS.c.id)).all()
    assert [tuple(row)[1:] for row in accounts] == [
        ("gate", "a", "mm@example.com", '{"desk": "mm"}', day(0), None),
        ("gate", "b", "mm@example.com", '{"desk": "mm"}', day(0), "bad_key"),
    ]
    assert [tuple(row)[2:] for row in facts] == [
        ("a", "key.exists", "true", "observed", None),
        ("a", "permission.withdraw", "true", "observed", None),
        ("b", "key.exists", None, None, "bad_key"),
        ("b", "permission.withdraw", None, None, "bad_key"),
    ]
    assert [(row.account, row.verdict, row.severity, row.reason) for row in verdicts] == [
        ("a", "fail", "critical", None),
        ("b", "unknown", "critical", "not_disclosed"),
    ]


def test_rows_are_added_and_findings_followed(store: Store) -> None:
    record(store, scan_at(1, account("a", judged(FAIL)), account("b", judged(FAIL))))
    before = counts(store)
    record(store, scan_at(2, account("a", judged(PASS)), account("b", judged(FAIL))))
    after = counts(store)
    assert after == {name: 2 * n for name, n in before.items()} | {"findings": 2}
    ((_, open_),) = findings(store)
    ((_, fixed),) = findings(store, fixed=True)
    assert (open_.finding.account, open_.last_seen) == ("b", day(2))
    assert (fixed.finding.account, fixed.fixed_at) == ("a", day(2))


@pytest.mark.parametrize("table", ["scans", "accounts", "facts", "verdicts"])
def test_what_a_scan_found_is_never_changed(store: Store, table: str) -> None:
    record(store, scan_at(1, account("a", judged(FAIL))))
    column = "digest" if table == "scans" else "exchange"
    with (
        pytest.raises(HistoryError, match=f"rows of {table} are never changed"),
        store.writing() as connection,
    ):
        connection.execute(text(f"UPDATE {table} SET {column} = 'x'"))
    assert counts(store)[table] >= 1


def test_every_column_of_a_scan_but_its_inventory_is_final(store: Store) -> None:
    record(store, scan_at(1, account("a", judged(FAIL))))
    changed = []
    for column in SCANS.c:
        try:
            with store.writing() as connection:
                connection.execute(text(f"UPDATE scans SET {column.name} = {column.name}"))
        except HistoryError:
            continue
        changed.append(column.name)
    assert changed == ["inventory"]


def test_inventories_do_not_mix(store: Store) -> None:
    record(store, scan_at(1, account("a", judged(FAIL))), "one.yaml")
    record(store, scan_at(2, account("a", judged(PASS))), "two.yaml")
    assert [name for name, _ in findings(store)] == ["one.yaml"]
    assert [scan.id for scan in scans(store, inventory="two.yaml")] == [2]
    assert '"2026-11-02T06:00:00Z"' in load_report_text(store, "last", "one.yaml")


def test_the_last_scan_is_the_one_that_began_last(store: Store) -> None:
    record(store, scan_at(5, account("a", judged(FAIL))))
    record(store, scan_at(2, account("a", judged(FAIL))))
    assert [scan.id for scan in scans(store)] == [2, 1]
    assert best_baseline(store, INVENTORY) == 1
    assert best_baseline(store, "other.yaml") is None
    assert '"2026-11-06T06:00:00Z"' in load_report_text(store, "last")


@pytest.mark.parametrize("scan", ["2", "last", "x", "-1", "²", "9999999999"])
def test_a_scan_that_is_not_there(store: Store, scan: str) -> None:
    with pytest.raises(HistoryError, match=r"no scan|no id"):
        load_report_text(store, scan)


def test_any_text_is_stored(store: Store) -> None:
    odd = account("a", judged(FAIL, expected="not \0 \u202e 東京 \U0001f600"))
    record(store, scan_at(1, odd))
    record(store, scan_at(2, odd))
    assert len(findings(store)) >= 1


def test_what_is_no_report_is_refused(store: Store) -> None:
    with pytest.raises(DocumentError):
        store.record("{}", INVENTORY, NOW)
    assert counts(store)["scans"] == 0


def test_the_migrations_make_the_tables(where: Where) -> None:
    store = Store.open(where)
    with store.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == HEAD
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_an_older_history_is_brought_up_to_date(where: Where) -> None:
    store = Store.open(where)
    record(store, scan_at(1, account("a", judged(FAIL)), account("b", judged(PASS))))
    record(store, scan_at(2, account("a", judged(PASS)), account("b", judged(PASS))))
    with store.writing() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        connection.execute(text("DROP TRIGGER scans_final" + ("" if is_sqlite else " ON scans")))
        raises = "BEGIN SELECT RAISE(ABORT, 'rows of scans are never changed'); END"
        does = raises if is_sqlite else "FOR EACH ROW EXECUTE FUNCTION scans_final()"
        connection.execute(text(f"CREATE TRIGGER scans_final BEFORE UPDATE ON scans {does}"))
        for name in ("accounts_passed", "accounts_violating"):
            connection.execute(text(f"ALTER TABLE scans DROP COLUMN {name}"))
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    again = Store.open(where)
    found = [(one.accounts_passed, one.accounts_violating) for one in scans(again)]
    assert found == [(1, 1), (2, 0)]
    with (
        pytest.raises(HistoryError, match="rows of scans are never changed"),
        again.writing() as connection,
    ):
        connection.execute(text("UPDATE scans SET accounts_passed = 9"))
    with again.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert context.get_current_revision() == HEAD


def test_opening_again_keeps_everything(where: Where) -> None:
    record(Store.open(where), scan_at(1, account("a", judged(FAIL))))
    assert len(scans(Store.open(where))) == 1


def test_a_newer_history_is_refused(where: Where) -> None:
    with Store.open(where).writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(HistoryError, match="written by a newer gatepolicy"):
        Store.open(where)


def test_tables_of_another_program_are_not_touched(where: Where) -> None:
    with Store.open(where).writing() as connection:
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
    with pytest.raises(HistoryError, match=r"tables of another program: accounts, facts"):
        Store.open(where)


def test_a_failure_leaves_nothing_behind(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(text("DROP TABLE findings"))
    with pytest.raises(HistoryError):
        record(store, scan_at(1, account("a", judged(FAIL))))
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(SCANS)).scalar_one() == 0


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        record(
            Store.open(parse_where(str(tmp_path / "new" / "h.db"))),
            scan_at(1, account("a", judged(FAIL))),
        )
    finally:
        os.umask(old)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()}
    assert modes.pop(".gitignore") == 0o666
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert "*" in (tmp_path / "new" / ".gitignore").read_text().splitlines()
    with closing(sqlite3.connect(tmp_path / "new" / "h.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("kind", ["folder", "text", "none", "no folder"])
def test_a_file_that_is_no_history(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "h.db"
    if kind == "folder":
        path.mkdir()
    if kind == "text":
        path.write_text("no database\n" * 100)
    if kind == "no folder":
        path = tmp_path / "a" / "b" / "h.db"
    with pytest.raises(HistoryError) as refused:
        Store.open(parse_where(str(path)), create=kind != "none")
    assert str(path) in str(refused.value)
    assert refused.value.hint


def test_a_wrong_password_is_told_and_not_shown(database: str) -> None:
    wrong = database.replace("hunter2hunter2", "hunter3hunter3")
    with pytest.raises(HistoryError, match="password authentication failed") as refused:
        Store.open(parse_where(wrong))
    assert "hunter" not in f"{refused.value} {refused.value.hint}"


def test_a_server_that_is_not_there() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(HistoryError, match=r"the PostgreSQL database cannot be used") as refused:
        Store.open(parse_where("postgresql://gp:hunter2@127.0.0.1:1/gp"))
    assert "hunter" not in str(refused.value)


MISSING = """
import sys
sys.modules[sys.argv[1]] = None
from gatepolicy.cli.main import main
main(["--no-project", "history", "list", "--history", sys.argv[2]])
"""


@pytest.mark.parametrize(
    ("module", "place", "hint"),
    [
        ("sqlalchemy", "h.db", "hint: pip install sqlalchemy alembic"),
        ("alembic", "h.db", "hint: pip install sqlalchemy alembic"),
        ("psycopg", "postgresql://gp@127.0.0.1:1/gp", "hint: pip install 'psycopg[binary]'"),
    ],
)
def test_a_library_that_is_missing_is_named(
    tmp_path: Path, module: str, place: str, hint: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MISSING, module, place],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (2, hint)


@given(scans_())
@settings(max_examples=30)
def test_accounts_are_counted_as_the_page_counts_them(scan: Scan) -> None:
    row = scan_row(json.loads(report_of(scan)), INVENTORY, NOW)
    counts = point_of(scan).accounts
    assert (row["accounts_passed"], row["accounts_violating"]) == (counts.good, counts.bad)
    assert row["accounts"] == counts.good + counts.bad + counts.open


@given(scans_())
@settings(max_examples=20, phases=(Phase.explicit, Phase.generate))
def test_any_scan_is_stored_and_read_as_it_was(scan: Scan) -> None:
    accounts = {(one.evidence.subject.exchange, one.evidence.subject.id) for one in scan.accounts}
    assume(len(accounts) == len(scan.accounts))
    report = report_of(scan)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(parse_where(f"{folder}/h.db"))
        for _ in range(2):
            store.record(report, INVENTORY, NOW)
        assert load_report_text(store, "last") == report
        stored = {one.finding.question for _, one in findings(store)}
        judged = parse_snapshot(report, "report.json").judged or ()
        told = [storable_finding(one) for one in judged]
        assert stored == {one.question for one in told if one.is_found}
