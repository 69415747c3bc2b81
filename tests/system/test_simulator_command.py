"""``gatepolicy simulator``, as its users run it: exchanges in one terminal, a scan in another."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.simulator.fleet import can_withdraw
from gatepolicy.simulator.synthetic import simulated_exchanges

GATEPOLICY = (sys.executable, "-m", "gatepolicy")
MODULE = (sys.executable, "-m", "gatepolicy.simulator")
SECONDS = 60
"""Until a process must have answered or ended, on a busy machine."""


@dataclass
class Running:
    """A simulator that has said all that it says."""

    process: subprocess.Popen[str]
    said: str

    def ended_by(self, number: int) -> tuple[int, str, str]:
        """Exit code, and what was said on both streams after a signal."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


@contextmanager
def running(folder: Path, *options: str, command: Sequence[str] = ()) -> Iterator[Running]:
    process = subprocess.Popen(
        [*(command or (*GATEPOLICY, "simulator")), *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    timer = threading.Timer(SECONDS, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        assert lines, process.communicate()[1]
        yield Running(process, "".join(lines))
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
            process.communicate()


def ended(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A simulator that is not to start."""
    return subprocess.run(
        [*GATEPOLICY, "simulator", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def next_steps(said: str) -> str:
    """The commands that it says to run next, with this installation's gatepolicy."""
    block = said.partition("Next, in another terminal:\n")[2].partition("\n\n")[0]
    lines = [line.strip() for line in block.splitlines()]
    assert [line.split()[0] for line in lines] == ["cd", ".", "gatepolicy"]
    program = " ".join(GATEPOLICY)
    return " && ".join(line.replace("gatepolicy scan", f"{program} scan") for line in lines)


def test_a_scan_reads_every_exchange(tmp_path: Path) -> None:
    with running(tmp_path) as simulator:
        steps = next_steps(simulator.said)
        scanned = subprocess.run(
            ["sh", "-c", f"{steps} -o json=report.json"],
            cwd=tmp_path,
            env={"PATH": os.defpath, **{n: os.environ[n] for n in os.environ if n[:6] == "PYTHON"}},
            capture_output=True,
            text=True,
            timeout=5 * SECONDS,
            check=False,
        )
        assert simulator.ended_by(signal.SIGTERM) == (0, "", "")
    assert scanned.returncode == 1, scanned.stderr
    report: Any = json.loads((tmp_path / "simulator" / "report.json").read_text(encoding="utf-8"))
    accounts = {account["id"]: account for account in report["accounts"]}
    assert {account["exchange"] for account in accounts.values()} == set(simulated_exchanges())
    assert {name: account["unread"] for name, account in accounts.items()} == dict.fromkeys(
        accounts
    )
    reasons = {
        (name, verdict["reason"])
        for name, account in accounts.items()
        for verdict in account["verdicts"]
        if verdict["verdict"] == "unknown" and verdict["reason"] != "not_disclosed"
    }
    # What an answer says of a key without addresses is documented for neither.
    assert reasons == {
        ("coinsph-unbound", "unexpected_answer"),
        ("krakenfutures-unbound", "unexpected_answer"),
    }


def test_it_ends_well_within_this_process(firm: Any) -> None:
    written, is_over = firm.folder / "simulator" / "policy.yaml", threading.Event()

    def stop() -> None:
        # It is written when the signal is caught already.
        while not is_over.wait(0.05):
            if written.exists():
                os.kill(os.getpid(), signal.SIGTERM)
                return

    watching = threading.Thread(target=stop)
    watching.start()
    try:
        run = firm.run("simulator", "--exchange", "upbit", "--exchange", "gate")
    finally:
        is_over.set()
        watching.join()
    assert (run.code, run.err) == (0, "")
    # Upbit has no key without addresses.
    assert "Simulating 2 exchanges with 5 synthetic accounts" in run.out


def test_it_says_where_each_exchange_is_and_what_to_run(tmp_path: Path) -> None:
    with running(tmp_path, "--exchange", "okx", "--exchange", "xt", "--out", "a b") as simulator:
        inventory = yaml.safe_load((tmp_path / "a b" / "accounts.yaml").read_text())
        urls = {account["exchange"]: account["base_url"] for account in inventory["accounts"]}
        assert simulator.said.splitlines()[0] == (
            "Simulating 2 exchanges with 6 synthetic accounts, for this machine only:"
        )
        assert f"  okx  {urls['okx']}\n  xt   {urls['xt']}\n" in simulator.said
        assert "  cd 'a b'\n  . ./simulator.env\n  gatepolicy scan -p policy.yaml\n" in (
            simulator.said
        )
        environment = tmp_path / "a b" / "simulator.env"
        assert stat.S_IMODE(environment.stat().st_mode) == 0o600
        assert simulator.ended_by(signal.SIGINT) == (0, "", "")
    names = [account["id"] for account in inventory["accounts"]]
    assert names == [
        f"{e}-{what}" for e in ("okx", "xt") for what in ("safe", "withdraw", "unbound")
    ]
    secrets = [line for line in environment.read_text().splitlines() if line.startswith("export")]
    references = {
        reference.removeprefix("env:")
        for account in inventory["accounts"]
        for reference in account["credentials"].values()
    }
    assert {line.split()[1].partition("=")[0] for line in secrets} == references


def test_the_module_does_the_same(tmp_path: Path) -> None:
    options = ("--exchange", "gate", "--out", "files")
    with running(tmp_path, *options, command=MODULE) as simulator:
        assert simulator.said.startswith("Simulating 1 exchange with 3 synthetic accounts")
        assert simulator.ended_by(signal.SIGHUP) == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [
        "accounts.yaml",
        "policy.yaml",
        "simulator.env",
    ]


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_files_are_overwritten_by_force_only(tmp_path: Path) -> None:
    port = free_port()
    options = ("--exchange", "okx", "--port", str(port))
    policy = tmp_path / "simulator" / "policy.yaml"
    for _ in range(2):
        # What says the same already is left alone.
        with running(tmp_path, *options) as simulator:
            assert f"http://127.0.0.1:{port}\n" in simulator.said
            assert simulator.ended_by(signal.SIGTERM)[0] == 0
    policy.write_text("mine\n", encoding="utf-8")
    refused = ended(tmp_path, *options)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "error: already exists: simulator/policy.yaml\n"
        "hint: choose another file, or overwrite it with --force\n"
    )
    assert policy.read_text(encoding="utf-8") == "mine\n"
    with running(tmp_path, *options, "--force"):
        assert policy.read_text(encoding="utf-8").startswith("# A policy to try")


def test_ports_follow_each_other_from_the_first_one(tmp_path: Path) -> None:
    port = 20_000 + os.getpid() % 10_000
    exchanges = ("--exchange", "gate", "--exchange", "kraken", "--exchange", "xt")
    with running(tmp_path, *exchanges, "--port", str(port)) as simulator:
        urls = [line.split()[1] for line in simulator.said.splitlines() if "http://" in line]
        assert urls == [f"http://127.0.0.1:{port + number}" for number in range(3)]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.request.HTTPError) as error:
            opener.open(f"{urls[0]}/api/v4/account/detail", timeout=SECONDS)
        with error.value:
            assert json.load(error.value)["label"] == "MISSING_REQUIRED_HEADER"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--exchange", "krakn"),
            "error: --exchange krakn: the simulator has no such exchange\n"
            "hint: did you mean kraken?\n",
        ),
        (
            ("--exchange", "poloniex"),
            "error: --exchange poloniex: the simulator has no such exchange\n"
            "hint: 'gatepolicy exchanges' lists the exchanges\n",
        ),
        (
            ("--exchange", "kraken", "--port", "65535"),
            "error: --port 65535: 2 ports are needed from there on\nhint: choose 65534 at most\n",
        ),
        (
            ("--out", "file/x"),
            "error: --out file/x: cannot create this folder (Not a directory)\n"
            "hint: choose another folder\n",
        ),
    ],
)
def test_what_cannot_be_started_says_why(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "file").write_text("")
    refused = ended(tmp_path, *options)
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", said)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = ended(tmp_path, "--exchange", "okx", "--port", str(port))
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: --port {port}: cannot listen there (")
    assert "hint: choose another port, or 0 for free ones\n" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_accounts_that_can_withdraw_are_there_where_keys_can(tmp_path: Path) -> None:
    with running(tmp_path) as simulator:
        inventory = yaml.safe_load((tmp_path / "simulator" / "accounts.yaml").read_text())
        assert f"Simulating {len(simulated_exchanges())} exchanges" in simulator.said
    names = {account["id"] for account in inventory["accounts"]}
    assert {name for name in names if name.endswith("-withdraw")} == {
        f"{exchange}-withdraw" for exchange in simulated_exchanges() if can_withdraw(exchange)
    }
    assert {f"{exchange}-safe" for exchange in simulated_exchanges()} <= names
