"""The export, read by Datasette."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from gatepolicy.errors import HistoryError
from gatepolicy.history.export import metadata, write_database
from gatepolicy.history.store import Store
from gatepolicy.model.verdicts import Outcome
from tests.history.conftest import account, judged, record, scan_at

DATASETTE = shutil.which("datasette") or shutil.which("datasette", path="/tmp/trestle/bin")


@pytest.fixture
def exported(store: Store, tmp_path: Path) -> Path:
    """The folder of an export: of a violation that was fixed after two days, and an open one."""
    record(
        store, scan_at(0, account("a", judged(Outcome.FAIL)), account("b", judged(Outcome.FAIL)))
    )
    record(
        store, scan_at(2, account("a", judged(Outcome.PASS)), account("b", judged(Outcome.FAIL)))
    )
    folder = tmp_path / "export"
    folder.mkdir()
    write_database(store, folder / "fleet.db")
    (folder / "metadata.yaml").write_text(metadata("fleet"), encoding="utf-8")
    return folder


def test_every_row_is_there_and_no_report(exported: Path) -> None:
    with closing(sqlite3.connect(exported / "fleet.db")) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = sorted(name for (name,) in tables)
        rows = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names
        }
        columns = {row[1] for row in connection.execute("PRAGMA table_info(scans)")}
        started = connection.execute("SELECT started_at FROM scans ORDER BY id").fetchone()
    assert rows == {"accounts": 4, "facts": 8, "findings": 2, "scans": 2, "verdicts": 4}
    assert "report" not in columns
    assert "digest" in columns
    assert started == ("2026-11-01 06:00:00+00:00",)


def test_the_queries_of_the_metadata_answer(exported: Path) -> None:
    (database,) = yaml.safe_load((exported / "metadata.yaml").read_text())["databases"].values()
    with closing(sqlite3.connect(exported / "fleet.db")) as connection:
        answers = {
            name: connection.execute(query["sql"]).fetchall()
            for name, query in database["queries"].items()
        }
    assert answers["time_to_fix"] == [("critical", 1, 2.0)]
    assert [row[2] for row in answers["open_violations"]] == ["b"]
    assert [row[2:4] for row in answers["violations_over_time"]] == [(2, 0), (1, 0)]


@pytest.mark.skipif(DATASETTE is None, reason="datasette is not installed")
@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("/fleet/time_to_fix.json?_shape=array", [{"severity": "critical", "mean_days": 2.0}]),
        ("/fleet/scans.json?_shape=array", [{"id": 2, "critical": 1}, {"id": 1, "critical": 2}]),
        ("/fleet/verdicts.json?_shape=array&scan=1", [{"account": "a"}, {"account": "b"}]),
    ],
)
def test_datasette_opens_it(exported: Path, page: str, expected: list[dict[str, object]]) -> None:
    assert DATASETTE is not None
    ended = subprocess.run(
        [DATASETTE, "fleet.db", "-m", "metadata.yaml", "--get", page],
        cwd=exported,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(ended.stdout)
    assert [{name: row[name] for name in expected[0]} for row in rows] == expected


def test_a_file_that_cannot_be_written(store: Store, tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="cannot write"):
        write_database(store, tmp_path / "no" / "fleet.db")
