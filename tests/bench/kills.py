"""Kill a scan that keeps a journal, again and again, resume it, and compare with one that ran well.

Prints what was lost; ends with 1 if a report was torn, an account or what was read of it was lost,
or a resumed report is another than that of an undisturbed scan.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.run import GATEPOLICY, POLICY, Server, serving

_TIMES = {"started_at", "finished_at", "collected_at", "evidence_at", "warnings", "summary_text"}


@dataclass
class Tally:
    """What was seen."""

    kills: int = 0
    """Scans that were killed before their end."""
    torn: int = 0
    """Reports that were there and are no JSON."""
    shrunk: int = 0
    """Kills after which fewer accounts could be used than before."""
    lost: int = 0
    """Accounts that a resumed report has no more, or has besides."""
    resumed: int = 0
    """Journals that were resumed until a scan came to its end."""
    other: int = 0
    """Of these, how many ended with another report or exit code than an undisturbed scan."""


def main() -> int:
    """Read the command line, and kill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="how many kills")
    parser.add_argument("--accounts", type=int, default=400)
    parser.add_argument("--latency", type=int, default=100, help="milliseconds per answer")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(options.accounts, options.latency, folder) as server:
            code = _scan(server, folder, "whole.json", []).returncode
            whole, tally = json.loads((folder / "whole.json").read_text()), Tally()
            while tally.kills < options.count:
                is_same_code = _round(server, folder, chance, tally, options.count) == code
                _compare(whole, folder, tally, is_same_code=is_same_code)
            return _told(len(whole["accounts"]), tally)


def _round(server: Server, folder: Path, chance: random.Random, tally: Tally, count: int) -> int:
    """One journal, from its beginning to its end, killed on the way as often as it takes."""
    journal = folder / "journal.jsonl"
    journal.unlink(missing_ok=True)
    (folder / "resumed.json").unlink(missing_ok=True)
    read = 0
    while True:
        flag = "--resume" if journal.exists() else "--journal"
        process = _started(server, folder, "resumed.json", [flag, str(journal), "--jobs", "8"])
        limit = chance.uniform(0.5, 4.0) if tally.kills < count else None
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            tally.kills += 1
        now = _accounts_in(journal)
        tally.shrunk += now < read
        tally.torn += _is_torn(folder / "resumed.json")
        read = now


def _started(server: Server, folder: Path, report: str, more: list[str]) -> subprocess.Popen[bytes]:
    command = [GATEPOLICY, "scan", "-q", "-p", POLICY, "-i", str(server.inventory)]
    command += ["--max-rate", "10000", "-o", f"json={folder / report}", *more]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=_environment(server), stdout=quiet, stderr=quiet)


def _environment(server: Server) -> dict[str, str]:
    import os

    return {**os.environ, **server.environment}


def _scan(server: Server, folder: Path, report: str, more: list[str]) -> subprocess.Popen[bytes]:
    process = _started(server, folder, report, more)
    process.wait()
    return process


def _accounts_in(journal: Path) -> int:
    if not journal.exists():
        return 0
    lines = journal.read_bytes().split(b"\n")[:-1]
    return sum(line.startswith(b'{"account"') for line in lines)


def _is_torn(report: Path) -> bool:
    try:
        json.loads(report.read_text())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False


def _without_times(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: _without_times(v) for k, v in node.items() if k not in _TIMES}
    return [_without_times(one) for one in node] if isinstance(node, list) else node


def _compare(whole: Any, folder: Path, tally: Tally, *, is_same_code: bool) -> None:
    """Count what the report of a resumed scan has other than that of an undisturbed one."""
    resumed = json.loads((folder / "resumed.json").read_text())
    is_same = _without_times(whole) == _without_times(resumed)
    lost = {one["id"] for one in whole["accounts"]} ^ {one["id"] for one in resumed["accounts"]}
    tally.resumed += 1
    tally.lost += len(lost)
    tally.other += not (is_same and is_same_code)


def _told(accounts: int, tally: Tally) -> int:
    print(f"{tally.kills} kills (SIGKILL) of scans of {accounts:,} accounts")
    print(f"  torn reports               {tally.torn}")
    print(f"  accounts lost              {tally.lost}")
    print(f"  journals that grew shorter {tally.shrunk}")
    same = tally.resumed - tally.other
    print(f"  reports as undisturbed     {same} of {tally.resumed} journals that were resumed")
    return int(bool(tally.torn or tally.lost or tally.shrunk or tally.other))


if __name__ == "__main__":
    sys.exit(main())
