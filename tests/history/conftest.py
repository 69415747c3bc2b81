"""Histories on both databases; the PostgreSQL server is a real one, started for the tests."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatepolicy.history.store import Store
from gatepolicy.history.where import Where, parse_where
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import HINT, Fact, Facts, Grade, Provenance, Reason, Unknown
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import Outcome, RuleInfo, Verdict, Waived
from gatepolicy.reports.json_report import render_json
from tests.reports.example_scan import ACCEPTED, UNBOUND, WITHDRAW, scan_of, verdict

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
INVENTORY = "accounts.yaml"
ASKED = {
    WITHDRAW.id: ("the key cannot withdraw", "withdraw"),
    UNBOUND.id: ("the key is bound", ""),
}


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def judged(
    outcome: Outcome,
    *,
    rule: RuleInfo = WITHDRAW,
    expected: str = "",
    policy: str = "baseline",
    reason: Reason | None = None,
) -> Verdict:
    """A verdict about an account."""
    words, subject = ASKED[rule.id]
    if outcome is Outcome.UNKNOWN:
        reason = reason or Reason.NOT_DISCLOSED
    made = verdict(rule, outcome, expected or words, subject=subject, reason=reason, policy=policy)
    if outcome is Outcome.WAIVED:
        return replace(made, waived=Waived(Outcome.FAIL, ACCEPTED))
    return made


def account(
    name: str, *verdicts: Verdict, unread: Reason | None = None, withdraw: bool | None = False
) -> AccountResult:
    """An account of Gate; ``withdraw`` is the fact, ``None`` where it is not disclosed."""
    proof = Provenance(Grade.OBSERVED, "account_detail", "/perms")
    facts = {"key.exists": True, "permission.withdraw": withdraw}
    known = {
        name: Fact(value, proof)
        for name, value in facts.items()
        if value is not None and unread is None
    }
    reason = unread or Reason.NOT_DISCLOSED
    unknown = {name: Unknown(reason, HINT[reason]) for name in facts if name not in known}
    evidence = Evidence(
        subject=Subject(name, "gate", {"desk": "mm"}, "mm@example.com", Location(INVENTORY, 5, 3)),
        collected_at=START,
        facts=Facts(known, unknown),
        calls=(),
    )
    return AccountResult(evidence, verdicts)


def scan_at(number: int, *accounts: AccountResult) -> Scan:
    """A scan of some day."""
    at = day(number)
    scan = scan_of(*accounts)
    return replace(scan, started_at=at, finished_at=at + timedelta(minutes=1))


def report_of(scan: Scan) -> str:
    return "".join(render_json(scan))


def record(store: Store, scan: Scan, inventory: str = INVENTORY) -> int:
    return store.record(report_of(scan), inventory, NOW)


BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path("/usr/bin"))
NOT_ROOT = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


def _run(folder: Path, *words: str) -> None:
    # initdb and the server refuse to run as root.
    before = NOT_ROOT if os.geteuid() == 0 else []
    with (folder / "log").open("a") as log:
        subprocess.run([*before, *words], check=True, cwd=folder, stdout=log, stderr=log)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server of its own, without the database."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if not (BIN / "initdb").exists():
        pytest.skip("no PostgreSQL server is installed")
    if shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv, which ends the server with the tests")
    folder = Path(tempfile.mkdtemp(prefix="gatepolicy-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    port, data = _free_port(), str(folder / "data")
    password = folder / "password"
    password.write_text("hunter2hunter2")
    if os.geteuid() == 0:
        shutil.chown(password, "nobody", "nogroup")
    initdb = [str(BIN / "initdb"), "-D", data, "-U", "gp", "--auth=scram-sha-256", "-E", "UTF8"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    _run(folder, *initdb, f"--pwfile={password}", "--locale=C.UTF-8", "-N")
    # A test run that is killed takes its server with it.
    before = ["setpriv", "--pdeathsig=INT", *(NOT_ROOT[1:] if os.geteuid() == 0 else [])]
    with (folder / "log").open("a") as log:
        running = subprocess.Popen(
            [*before, str(BIN / "postgres"), "-D", data, *options.split()],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        url = f"postgresql://gp:hunter2hunter2@127.0.0.1:{port}"
        _wait_for(f"{url}/postgres")
        yield url
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(url: str) -> None:
    import psycopg

    end = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert time.monotonic() < end, "the PostgreSQL server does not start"
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """The URL of an empty database."""
    import psycopg

    name = f"gp_{os.urandom(6).hex()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a history may be: on each kind of database."""
    if request.param == "postgresql":
        named: str = request.getfixturevalue("database")
        return named
    return str(tmp_path / "history.db")


@pytest.fixture
def where(url: str) -> Where:
    return parse_where(url)


@pytest.fixture
def store(where: Where) -> Store:
    """An empty history."""
    return Store.open(where)
