"""Two processes that write at once, into a history that neither has made yet, lose nothing."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from gatepolicy.history.queries import findings, scans
from gatepolicy.history.store import Store
from gatepolicy.history.where import parse_where
from gatepolicy.model.scan import Narrowing
from gatepolicy.model.verdicts import Outcome
from tests.history.conftest import account, day, judged, report_of, scan_at

SCANS = 12
WRITER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from gatepolicy.history.store import Store
from gatepolicy.history.where import parse_where

url, *files = sys.argv[1:]
reports = [Path(file).read_text(encoding="utf-8") for file in files]
print("ready", flush=True)
sys.stdin.readline()
store = Store.open(parse_where(url))
for report in reports:
    store.record(report, "accounts.yaml", datetime(2027, 1, 1, tzinfo=UTC))
"""


def reports(folder: Path, name: str, outcome: Outcome) -> list[str]:
    """Reports of one account of its own; the last of them has another verdict."""
    files = []
    for number in range(SCANS):
        last = outcome if number == SCANS - 1 else Outcome.FAIL
        scan = replace(
            scan_at(number, account(name, judged(last))),
            narrowing=Narrowing((f"--account {name}",)),
        )
        file = folder / f"{name}-{number}.json"
        file.write_text(report_of(scan), encoding="utf-8")
        files.append(str(file))
    return files


def test_two_writers_lose_nothing(url: str, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, *reports(tmp_path, name, outcome)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, outcome in (("a", Outcome.PASS), ("b", Outcome.FAIL))
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    ended = [(writer.communicate(timeout=120), writer.returncode) for writer in writers]
    assert [(err, code) for (_, err), code in ended] == [("", 0), ("", 0)]
    store = Store.open(parse_where(url), create=False)
    stored = scans(store)
    assert len(stored) == 2 * SCANS
    assert sorted(scan.id for scan in stored) == list(range(1, 2 * SCANS + 1))
    ((_, open_),) = findings(store)
    ((_, fixed),) = findings(store, fixed=True)
    assert (open_.finding.account, open_.first_seen, open_.last_seen) == ("b", day(0), day(11))
    assert (fixed.finding.account, fixed.first_seen, fixed.fixed_at) == ("a", day(0), day(11))
