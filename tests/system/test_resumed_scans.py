"""A journal keeps what was read, and a scan goes on with it."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_keys import profile_key
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
NAMES = ("one", "two", "three", "four")
SCAN = ("scan", "-p", "policy.yaml", "--attempts", "1", "-o", "json=report.json")
TIMES = {"started_at", "finished_at", "collected_at", "warnings"}


@pytest.fixture
def simulator(firm: Any, clean: Clean) -> Iterator[Simulator]:
    """Four accounts of one exchange."""
    key = clean(ExchangeId.OKX)
    firm.keys = [
        replace(key, account_id=name, api_key=f"{key.api_key[:-4]}{position:04d}")
        for position, name in enumerate(NAMES)
    ]
    with SimulatorThread(Simulator(firm.keys)) as running:
        firm.prepare(running.url)
        yield running


def lines(firm: Any) -> list[str]:
    text: str = (firm.folder / "j").read_text(encoding="utf-8")
    return text.splitlines(keepends=True)


def cut(firm: Any, accounts: int) -> None:
    """The journal as a scan leaves it that was killed after so many accounts, within a line."""
    kept, count = [], 0
    for line in lines(firm):
        count += '{"account"' in line
        if count > accounts:
            kept.append(line[:40])
            break
        kept.append(line)
    (firm.folder / "j").write_text("".join(kept), encoding="utf-8")


def without_times(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: without_times(v) for name, v in node.items() if name not in TIMES}
    return [without_times(one) for one in node] if isinstance(node, list) else node


def test_a_journal_is_evaluated_as_evidence_is(firm: Any, simulator: Simulator) -> None:
    scanned = firm.run(*SCAN, "--journal", "j")
    assert (scanned.code, scanned.err) == (0, "")
    report = firm.read("report.json")
    assert (firm.folder / "j").stat().st_mode & 0o777 == 0o600
    evaluated = firm.run("evaluate", "j", "-p", "policy.yaml", "-o", "json=again.json")
    assert evaluated.code == 0
    again = firm.read("again.json")
    assert [one["verdicts"] for one in again["accounts"]] == [
        one["verdicts"] for one in report["accounts"]
    ]
    assert list(firm.folder.glob(".gatepolicy-*")) == []


def test_a_scan_goes_on_with_what_is_missing(firm: Any, simulator: Simulator) -> None:
    firm.run(*SCAN, "--journal", "j")
    whole, asked = firm.read("report.json"), len(simulator.requests)
    cut(firm, 3)
    killed = firm.run("evaluate", "j", "-p", "policy.yaml", "-o", "json=killed.json")
    # The policy blocks what is unknown of withdrawals.
    assert killed.code == 1
    assert "no answers of 1 of 4 accounts" in killed.err
    resumed = firm.run(*SCAN, "--resume", "j")
    assert resumed.code == 0
    assert resumed.err.startswith("warning: resumed j: 3 of 4 accounts were read before, the first")
    assert len(simulator.requests) - asked == asked // 4
    assert without_times(firm.read("report.json")) == without_times(whole)
    assert firm.run("evaluate", "j", "-p", "policy.yaml").code == 0


def test_what_was_read_keeps_its_time(firm: Any, simulator: Simulator) -> None:
    firm.run(*SCAN, "--journal", "j")
    before = {one["id"]: one["collected_at"] for one in firm.read("report.json")["accounts"]}
    cut(firm, 4)
    firm.run(*SCAN, "--resume", "j")
    after = {one["id"]: one["collected_at"] for one in firm.read("report.json")["accounts"]}
    assert after == before


def aged(firm: Any, days: int) -> None:
    """The journal as if its accounts had been read days ago."""
    changed = []
    for line in lines(firm):
        data = json.loads(line)
        if "account" in data:
            at = data["account"]["collected_at"]
            data["account"]["collected_at"] = f"{int(at[:4]) - days}{at[4:]}"
            line = f"{json.dumps(data)}\n"
        changed.append(line)
    (firm.folder / "j").write_text("".join(changed), encoding="utf-8")


def test_what_was_read_long_ago_is_read_again(firm: Any, simulator: Simulator) -> None:
    firm.run(*SCAN, "--journal", "j")
    asked = len(simulator.requests)
    aged(firm, 1)
    resumed = firm.run(*SCAN, "--resume", "j")
    assert resumed.err == "warning: resumed j: no account of it can be used\n"
    assert len(simulator.requests) == 2 * asked


def test_what_was_read_in_the_future_is_read_again(firm: Any, simulator: Simulator) -> None:
    """The clock was wrong: nobody knows how old it is."""
    firm.run(*SCAN, "--journal", "j")
    asked = len(simulator.requests)
    aged(firm, -1)
    resumed = firm.run(*SCAN, "--resume", "j")
    assert resumed.err == "warning: resumed j: no account of it can be used\n"
    assert len(simulator.requests) == 2 * asked


@pytest.mark.parametrize(
    ("exchange", "credential", "other"),
    [
        ("hyperliquid", "walletAddress", f"0x{'5' * 40}"),
        ("lighter", "accountId", "987654321"),
    ],
)
def test_an_account_that_no_api_key_names_is_read_again(
    firm: Any, exchange: str, credential: str, other: str
) -> None:
    """Its key may be another one now, and nothing in the journal would show that."""
    firm.keys = [profile_key(load_profile(exchange), 1, datetime.now(UTC))]
    with SimulatorThread(Simulator(firm.keys)) as running:
        firm.prepare(running.url_of(exchange))
        firm.run(*SCAN, "--journal", "j")
        before = firm.read("report.json")["accounts"][0]
        inventory = (firm.folder / "accounts.yaml").read_text(encoding="utf-8")
        (name,) = re.findall(rf'{credential}: "?env:(\w+)', inventory)
        firm.monkeypatch.setenv(name, other)
        asked = len(running.requests)
        firm.run(*SCAN, "--resume", "j")
        assert len(running.requests) > asked
    after = firm.read("report.json")["accounts"][0]
    assert before["facts"]["key.exists"]["value"] is True
    assert "key.exists" not in after["facts"]


def test_an_account_with_another_key_is_read_again(firm: Any, simulator: Simulator) -> None:
    firm.run(*SCAN, "--journal", "j")
    asked = len(simulator.requests)
    name = next(n for n, v in os.environ.items() if v == firm.keys[0].api_key)
    firm.monkeypatch.setenv(name, "another-key-0123456789")
    resumed = firm.run(*SCAN, "--resume", "j")
    assert resumed.code == 1
    assert len(simulator.requests) > asked
    accounts = firm.read("report.json")["accounts"]
    assert [one["unknown"].get("key.exists") for one in accounts] == ["bad_key", None, None, None]


@pytest.mark.parametrize(("option", "again"), [((), 0), (("--retry-unread",), 4)])
def test_what_could_not_be_read_is_read_again_on_request(
    firm: Any, simulator: Simulator, option: tuple[str, ...], again: int
) -> None:
    url = simulator.url
    firm.inventory = lambda text: text.replace(url, "http://127.0.0.1:9")
    firm.prepare(url)
    assert firm.run(*SCAN, "--journal", "j").code == 1
    # The same inventory leads to the exchange again.
    text = (firm.folder / "j").read_text(encoding="utf-8")
    firm.inventory = lambda text: text
    firm.prepare(url)
    from hashlib import sha256

    old = json.loads(text.splitlines()[0])["inventory_digest"]
    new = sha256((firm.folder / "accounts.yaml").read_bytes()).hexdigest()
    (firm.folder / "j").write_text(text.replace(old, new), encoding="utf-8")
    firm.run(*SCAN, "--resume", "j", *option)
    unread = [one["unknown"].get("key.exists") for one in firm.read("report.json")["accounts"]]
    assert unread.count(None) == again


def test_collect_keeps_a_journal_in_place_of_evidence(firm: Any, simulator: Simulator) -> None:
    collected = firm.run("collect", "--journal", "j")
    assert (collected.code, collected.out, collected.err) == (0, "", "")
    cut(firm, 2)
    asked = len(simulator.requests)
    resumed = firm.run("collect", "--resume", "j", "-o", "evidence.json")
    assert resumed.code == 0
    assert len(simulator.requests) - asked == asked // 2
    assert [one["id"] for one in firm.read("evidence.json")["accounts"]] == list(NAMES)
    firm.run("evaluate", "j", "-p", "policy.yaml", "-o", "json=1.json")
    firm.run("evaluate", "evidence.json", "-p", "policy.yaml", "-o", "json=2.json")
    one, two = firm.read("1.json"), firm.read("2.json")
    assert [a["verdicts"] for a in one["accounts"]] == [a["verdicts"] for a in two["accounts"]]


def test_another_journal_is_not_gone_on_with(firm: Any, simulator: Simulator) -> None:
    firm.run(*SCAN, "--journal", "j")
    asked = len(simulator.requests)

    def refused(*options: str) -> str:
        ended = firm.run(*SCAN, *options)
        assert ended.code == 2
        return str(ended.err)

    assert "this file already exists" in refused("--journal", "j")
    assert "begun with another selection" in refused("--resume", "j", "--account", "one")
    assert "cannot open this journal" in refused("--resume", "missing")
    assert "cannot create this file" in refused("--journal", "nowhere/j")
    assert "exclude each other" in refused("--resume", "j", "--journal", "k")
    assert "there is no journal" in refused("--retry-unread")
    assert "would overwrite accounts.yaml" in refused("--resume", "accounts.yaml")
    assert "would overwrite j" in refused("--resume", "j", "-o", "json=j")
    (firm.folder / "k").write_text("{}\n", encoding="utf-8")
    assert "k:1:1: not a line of a journal" in refused("--resume", "k")
    firm.monkeypatch.setenv("GATEPOLICY_FINGERPRINT_KEY", "another one")
    assert "begun with another key of fingerprints" in refused("--resume", "j")
    firm.monkeypatch.delenv("GATEPOLICY_FINGERPRINT_KEY")
    inventory = firm.folder / "accounts.yaml"
    inventory.write_text(f"{inventory.read_text(encoding='utf-8')}# edited\n", encoding="utf-8")
    assert "begun with another inventory" in refused("--resume", "j")
    assert len(simulator.requests) == asked


def test_one_scan_at_a_time_writes_a_journal(firm: Any, simulator: Simulator) -> None:
    firm.run(*SCAN, "--journal", "j")
    with (firm.folder / "j").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        ended = firm.run(*SCAN, "--resume", "j")
    assert ended.code == 6
    assert "another scan writes the journal j" in ended.err


def test_a_journal_that_cannot_be_written_loses_no_report(
    firm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """A limit on the size of files, as a full disk."""
    script = (
        "import resource, signal, sys; from gatepolicy.cli.main import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000));"
        "main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", script, "scan", "-p", "policy.yaml", "--journal", "j"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "the journal j could not be written: File too large" in ended.stderr
    assert "4 accounts: 4 pass" in ended.stdout


def test_a_killed_scan_is_gone_on_with(firm: Any, simulator: Simulator) -> None:
    """SIGKILL, once two accounts were read."""
    firm.run(*SCAN)
    whole = firm.read("report.json")
    (firm.folder / "report.json").unlink()
    late = (Fault(kind=FaultKind.LATENCY, seconds=0.3),)
    with SimulatorThread(Simulator(firm.keys, faults=late)) as slow:
        firm.prepare(slow.url)
        command = [sys.executable, "-m", "gatepolicy", *SCAN, "--jobs", "1", "--journal", "j"]
        process = subprocess.Popen(
            command, cwd=firm.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        journal = firm.folder / "j"
        while not journal.exists() or journal.read_text().count('{"account"') < 2:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (firm.folder / "report.json").exists()
        read = journal.read_text().count('{"account"')
        assert firm.run("evaluate", "j", "-p", "policy.yaml").code == (1 if read < 4 else 0)
        resumed = firm.run(*SCAN, "--resume", "j")
    assert resumed.code == 0
    urls = {account["id"]: account["verdicts"] for account in firm.read("report.json")["accounts"]}
    assert urls == {account["id"]: account["verdicts"] for account in whole["accounts"]}
