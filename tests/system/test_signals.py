"""Signals end a real scan at once, with the reports of what was read."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.model.scan import MEANING, ExitCode
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.inventory import environment
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
GATEPOLICY = str(Path(sys.executable).with_name("gatepolicy"))
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
SOON = 4.0
"""Seconds until a process must have ended: one, on a busy machine."""
ANSWER = 30
"""Seconds after which the slow exchange would answer."""
OUTPUTS = ("-o", "json=r.json", "-o", "sarif=r.sarif", "-o", "text=r.txt")


@contextlib.contextmanager
def scanning(firm: Any, clean: Clean, *command: str, seconds: float = ANSWER) -> Iterator[Any]:
    """A process that has read one of its two accounts, and waits for the other."""
    slow = Fault(kind=FaultKind.LATENCY, seconds=seconds)
    firm.keys = [clean(ExchangeId.OKX), replace(clean(ExchangeId.KUCOIN), faults=(slow,))]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        with started(firm, *command) as process:
            wait_for(lambda: simulator.request_count >= 2)
            time.sleep(0.5)
            yield process


@contextlib.contextmanager
def started(
    firm: Any, *command: str, ignored: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [GATEPOLICY, *command],
        cwd=firm.folder,
        env={**os.environ, **environment(firm.keys)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=None if ignored is None else lambda: signal.signal(ignored, signal.SIG_IGN),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.025)
    raise AssertionError("it never came so far")


def ended_by(process: subprocess.Popen[str], *numbers: int) -> tuple[int, str]:
    """Exit code and standard error, after these signals."""
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.3)
    began = time.monotonic()
    _, err = process.communicate(timeout=ANSWER / 2)
    assert time.monotonic() - began < SOON
    return process.returncode, err


def reasons(account: Any) -> set[str]:
    return set(account["unknown"].values())


@pytest.mark.parametrize(("number", "code"), CODES.items())
def test_a_scan_ends_with_the_reports_of_what_was_read(
    firm: Any, clean: Clean, number: signal.Signals, code: int
) -> None:
    with scanning(firm, clean, "scan", "-p", "policy.yaml", *OUTPUTS) as process:
        assert ended_by(process, number) == (code, "")
    assert firm.written() == ["r.json", "r.sarif", "r.txt"]
    report = firm.read("r.json")
    assert report["exit_code"] == code
    assert report["interrupted_by"] == number.name
    okx, kucoin = report["accounts"]
    assert okx["facts"]["permission.withdraw"]["value"] is False
    assert "interrupted" not in reasons(okx)
    assert kucoin["unknown"]["permission.withdraw"] == "interrupted"
    assert kucoin["unknown"]["key.exists"] == "interrupted"
    (invocation,) = firm.read("r.sarif")["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == code
    assert invocation["exitSignalName"] == number.name
    assert invocation["exitSignalNumber"] == number
    text = (firm.folder / "r.txt").read_text(encoding="utf-8")
    assert f"Interrupted by {number.name}: 1 of 2 accounts were read" in " ".join(text.split())
    assert f"Exit code {code}: ended by {number.name}" in " ".join(text.split())


def test_nothing_softens_an_interruption(firm: Any, clean: Clean) -> None:
    command = ("scan", "-q", "-p", "policy.yaml", "--exit-zero", "--allow-incomplete")
    with scanning(firm, clean, *command) as process:
        code, err = ended_by(process, signal.SIGTERM)
    assert code == 143
    assert err.splitlines() == [f"gatepolicy: exit code 143: {MEANING[ExitCode.TERMINATED]}"]


def test_collecting_keeps_the_evidence_so_far(firm: Any, clean: Clean) -> None:
    with scanning(firm, clean, "collect", "-o", "e.json") as process:
        code, err = ended_by(process, signal.SIGTERM)
    assert code == 143
    assert err == "warning: interrupted by SIGTERM: 1 of 2 accounts were not read\n"
    okx, kucoin = firm.read("e.json")["accounts"]
    assert okx["facts"]["permission.withdraw"]["value"] is False
    assert kucoin["unknown"]["permission.withdraw"] == "interrupted"
    # The evidence is as good as any: what was not read is unknown.
    assert firm.run("evaluate", "e.json", "-p", "policy.yaml").code in (1, 3)


@pytest.mark.parametrize("number", CODES)
def test_a_command_that_prints_a_credential_is_ended_too(
    firm: Any, clean: Clean, number: signal.Signals
) -> None:
    firm.keys = [clean(ExchangeId.OKX)]
    pid = firm.folder / "pid"
    slow = f"{{exec: [sh, -c, 'echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 60']}}"
    firm.inventory = lambda text: text.replace('"env:SIM_OKX_00001_SECRET"', slow)
    firm.prepare("http://127.0.0.1:9")
    assert slow in (firm.folder / "accounts.yaml").read_text(encoding="utf-8")
    with started(firm, "scan", "-p", "policy.yaml", "-o", "json=r.json") as process:
        wait_for(pid.exists)
        assert ended_by(process, number)[0] == CODES[number]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    (okx,) = firm.read("r.json")["accounts"]
    assert okx["unknown"]["permission.withdraw"] == "interrupted"


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(firm: Any, clean: Clean, second: signal.Signals) -> None:
    """Nobody reads the pipe that the report goes to."""
    os.mkfifo(firm.folder / "pipe")
    command = ("scan", "-p", "policy.yaml", "-o", "sarif=r.sarif", "-o", "json=pipe")
    with scanning(firm, clean, *command) as process:
        process.send_signal(signal.SIGTERM)
        wait_for((firm.folder / "r.sarif").exists)
        code, err = ended_by(process, second)
    assert code == CODES[second]
    assert err == f"\ninterrupted by {second.name}; nothing else was written\n"
    assert firm.written() == ["pipe", "r.sarif"]


def test_a_signal_before_anything_is_asked(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(ExchangeId.OKX)]
    firm.prepare("http://127.0.0.1:9")
    os.mkfifo(firm.folder / "waivers.yaml")
    with started(firm, "scan", "-p", "policy.yaml", "-w", "waivers.yaml") as process:
        time.sleep(2)
        code, err = ended_by(process, signal.SIGTERM)
    assert (code, err) == (143, "\ninterrupted by SIGTERM; nothing else was written\n")


def test_an_ignored_signal_stays_ignored(firm: Any, clean: Clean) -> None:
    """As under nohup."""
    late = Fault(kind=FaultKind.LATENCY, seconds=2)
    firm.keys = [replace(clean(ExchangeId.OKX), faults=(late,))]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        with started(firm, "scan", "-q", "-p", "policy.yaml", ignored=signal.SIGHUP) as process:
            wait_for(lambda: simulator.request_count)
            process.send_signal(signal.SIGHUP)
            out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Exit code 0" in out


def test_a_closed_standard_error_is_no_error_and_mixes_with_nothing(
    firm: Any, clean: Clean
) -> None:
    firm.keys = [clean(ExchangeId.OKX)]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)

        def scan(policy: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["/bin/sh", "-c", f"exec {GATEPOLICY} scan -p {policy} -o json=r.json 2>&-"],
                cwd=firm.folder,
                env={**os.environ, **environment(firm.keys)},
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )

        ended = scan("policy.yaml")
        assert (ended.returncode, ended.stdout) == (0, "")
        assert firm.read("r.json")["exit_code"] == 0
        wrong = scan("nothing.yaml")
        assert (wrong.returncode, wrong.stdout) == (2, "")
