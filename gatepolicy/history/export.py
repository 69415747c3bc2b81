"""A copy of a history as one SQLite file, with metadata for Datasette.

Reports themselves are left out: ``gatepolicy history show`` prints them.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Table, select

from gatepolicy.errors import HistoryError
from gatepolicy.history.store import Store
from gatepolicy.history.tables import METADATA, SCANS

_AT_ONCE = 2_000
_DESCRIPTIONS = {
    "scans": "Each scan: when, by which version, its exit code, and its verdicts in numbers.",
    "accounts": "Each account of each scan; unread says why it could not be read.",
    "facts": "What each scan knew about each key: a value with its grade, or why it is unknown.",
    "verdicts": "What each rule said about each account in each scan.",
    "findings": "What became of each finding: fixed_at says when a pass was proved; gone says why"
    " it was not found the last time although nothing was fixed.",
}
_QUERIES = {
    "open_violations": (
        "Open violations, oldest first",
        "select severity, name as rule, account, exchange, verdict, violated_at, last_seen, gone,"
        " seen from findings where fixed_at is null and violated_at is not null"
        " order by violated_at",
    ),
    "time_to_fix": (
        "Mean time to fix, in days, by severity",
        "select severity, count(*) as fixed,"
        " round(avg(julianday(fixed_at) - julianday(violated_at)), 1) as mean_days"
        " from findings where fixed_at is not null and violated_at is not null group by severity",
    ),
    "violations_over_time": (
        "Violations and unknowns of each scan",
        "select started_at, inventory, critical, high, medium, low, info, unknown, unread,"
        " accounts from scans order by started_at",
    ),
}


def write_database(store: Store, file: Path) -> None:
    """Copy every table, without the reports.

    Args:
        store: The history.
        file: An SQLite file, which is empty.

    Raises:
        HistoryError: It cannot be read or written.
    """
    try:
        with store.reading() as connection, closing(sqlite3.connect(file)) as copy:
            for table in METADATA.sorted_tables:
                columns = [column.name for column in table.c if column.name != "report"]
                copy.execute(_create(table, columns))
                wanted = select(*(table.c[name] for name in columns))
                rows = connection.execution_options(yield_per=_AT_ONCE).execute(wanted)
                marks = ", ".join("?" * len(columns))
                insert = f'INSERT INTO "{table.name}" VALUES ({marks})'  # noqa: S608 - our names
                copy.executemany(insert, (_plain(row) for row in rows))
            copy.commit()
    except sqlite3.Error as error:
        raise HistoryError(f"cannot write {file}: {error}", hint="choose another file") from None


def _create(table: Table, columns: Iterable[str]) -> str:
    lines = [f'"{name}" {_kind(table, name)}' for name in columns]
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    lines.append(f"PRIMARY KEY ({keys})")
    if "scan" in table.c:
        lines.append(f'FOREIGN KEY ("scan") REFERENCES "{SCANS.name}" ("id")')
    return f'CREATE TABLE "{table.name}" ({", ".join(lines)})'


def _kind(table: Table, name: str) -> str:
    return "INTEGER" if table.c[name].type.python_type in (int, bool) else "TEXT"


def _plain(row: Iterable[Any]) -> tuple[Any, ...]:
    """Times as text in UTC, so that SQL compares them."""
    return tuple(value.isoformat(" ") if hasattr(value, "isoformat") else value for value in row)


def metadata(name: str) -> str:
    """Metadata for Datasette, as YAML.

    Args:
        name: Of the database: its file without the suffix.
    """
    tables = {table: {"description": text} for table, text in _DESCRIPTIONS.items()}
    tables["scans"] |= {"sort_desc": "started_at", "label_column": "started_at"}
    tables["findings"] |= {"sort": "first_seen"}
    queries = {key: {"title": title, "sql": sql} for key, (title, sql) in _QUERIES.items()}
    database = {"tables": tables, "queries": queries}
    text: str = yaml.safe_dump(
        {"title": "History of gatepolicy", "databases": {name: database}}, sort_keys=False
    )
    return text
