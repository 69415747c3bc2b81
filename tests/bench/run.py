"""``make bench``: speed, memory and start-up, as ratios within one run.

Machines differ and drift; ratios between things measured side by side in one run do not. Nothing
here is asserted: the numbers are printed with the aim beside them.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = sys.executable
GATEPOLICY = str(Path(PYTHON).with_name("gatepolicy"))
POLICY = str(HERE / "policy.yaml")


@dataclass(frozen=True, slots=True)
class Server:
    """A simulator in a process of its own."""

    url: str
    """Where it listens."""
    inventory: Path
    """Names its accounts."""
    environment: dict[str, str]
    """Holds their secrets."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process."""

    seconds: float
    """Wall-clock time, start-up included."""
    megabytes: float
    """Largest resident memory."""
    code: int
    """Exit code."""
    output: str
    """Standard output."""


@contextlib.contextmanager
def serving(accounts: int, latency: int, folder: Path) -> Iterator[Server]:
    """A simulator with a fleet."""
    inventory = folder / f"accounts-{accounts}-{latency}.yaml"
    secrets = folder / f"secrets-{accounts}-{latency}"
    style = "env" if accounts <= 2000 else "file"
    command = [PYTHON, str(HERE / "serve.py"), "--fleet", str(accounts), "--seed", "7"]
    command += ["--latency", str(latency), "--credential-style", style]
    command += ["--inventory-out", str(inventory), "--secrets-out", str(secrets)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        url = server.stdout.readline().split()[1]
        environment = json.loads(secrets.read_text()) if style == "env" else {}
        try:
            yield Server(url, inventory, environment)
        finally:
            server.stdin.close()
            server.wait(timeout=30)


def run(command: list[str], environment: dict[str, str]) -> Run:
    """Run a process to its end and measure it alone."""
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Run(time.perf_counter() - started, _megabytes(usage), process.returncode, output)


def _megabytes(usage: resource.struct_rusage) -> float:
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return kilobytes / 1024


def scan(server: Server, folder: Path, jobs: int) -> Run:
    """A whole scan, as a user runs it, with a JSON report."""
    report = folder / "report.json"
    command = [GATEPOLICY, "scan", "-q", "-p", POLICY, "-i", str(server.inventory)]
    command += ["--jobs", str(jobs), "-o", f"json={report}"]
    result = run(command, server.environment)
    assert result.code in (1, 3), f"the scan ended with {result.code}"
    return result


def speed(accounts: int, latency: int, folder: Path, jobs: int) -> None:
    """Scan against a serial script and against a bare client."""
    with serving(accounts, latency, folder) as server:
        scanned = scan(server, folder, jobs)
        summary = json.loads((folder / "report.json").read_text())["summary"]
        requests = run_script("requests_of.py", server, "").output.strip()
        serial = json.loads(run_script("serial_ccxt.py", server, "60").output)
        bare = json.loads(run_script("bare_aiohttp.py", server, f"{requests} {jobs}").output)
    rate = accounts / scanned.seconds
    print(f"\n{accounts} accounts, {latency} ms latency, {requests} requests, --jobs {jobs}")
    print(f"  scan, start-up included       {rate:10.0f} accounts/s   {scanned.seconds:.2f} s")
    print(f"  serial ccxt, async classes    {serial['async']:10.1f} accounts/s   (sample of 60)")
    print(f"  serial ccxt, sync classes     {serial['sync']:10.1f} accounts/s   (sample of 60)")
    print(f"  bare aiohttp, start-up left out {bare['accounts']:8.0f} accounts/s")
    print(f"  scan / serial async           {rate / serial['async']:10.0f} x   (aim: over 300)")
    print(f"  scan / serial sync            {rate / serial['sync']:10.0f} x")
    print(f"  scan / bare aiohttp           {rate / bare['accounts']:10.2f}     (aim: 0.30)")
    print(f"  accounts in the report        {summary['accounts']['total']:10d}")


def run_script(name: str, server: Server, arguments: str) -> Run:
    """Run a script of this folder against a simulator."""
    command = [PYTHON, str(HERE / name), str(server.inventory), server.url, *arguments.split()]
    result = run(command, server.environment)
    assert result.code == 0, f"{name} ended with {result.code}"
    return result


def memory(folder: Path, jobs: int) -> None:
    """Peak memory by the size of the fleet."""
    print("\npeak memory of scan with a JSON report (aim: under 180 MB, flat)")
    for accounts in (100, 2000, 10_000):
        with serving(accounts, 0, folder) as server:
            scanned = scan(server, folder, jobs)
        print(f"  {accounts:6d} accounts {scanned.megabytes:8.0f} MB   {scanned.seconds:6.2f} s")


def startup(folder: Path) -> None:
    """Commands that ask nobody, against the import of their command-line library."""
    inventory = folder / "accounts.yaml"
    inventory.write_text((HERE / "accounts.yaml").read_text())
    commands = {
        "python -c 'import click'": [PYTHON, "-c", "import click"],
        "gatepolicy --version": [GATEPOLICY, "--version"],
        "gatepolicy check": [GATEPOLICY, "check", "-p", POLICY, "-i", str(inventory)],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(15):
        for name, command in commands.items():
            taken[name].append(run(command, {}).seconds)
    base = statistics.median(taken["python -c 'import click'"])
    print("\nstart-up, median of 15, in turn (aim: at most 2.5 and 4)")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"  {name:28s} {median * 1000:8.0f} ms {median / base:8.2f} x")


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        startup(folder)
        subprocess.run([PYTHON, str(HERE / "evaluation.py"), name], check=True)
        speed(options.accounts, 0, folder, options.jobs)
        speed(options.accounts, 100, folder, options.jobs)
        memory(folder, options.jobs)
    for name in ("tests.bench.page", "tests.bench.formats"):
        subprocess.run([PYTHON, "-m", name], check=True, cwd=HERE.parents[1])


if __name__ == "__main__":
    main()
