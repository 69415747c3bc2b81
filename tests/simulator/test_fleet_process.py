"""The fleet of the benchmarks, in a process of its own."""

import json
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

SERVE = Path(__file__).parents[1] / "bench" / "serve.py"


@contextmanager
def _running(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, str(SERVE), "--fleet", "7", "--seed", "3"]
    command += ["--inventory-out", str(folder / "accounts.yaml")]
    command += ["--secrets-out", str(folder / "secrets"), *more]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        try:
            yield process, url
        finally:
            process.kill()


def test_runs_until_told_to_stop(tmp_path: Path) -> None:
    with _running(tmp_path, "--latency", "1") as (process, url):
        accounts = yaml.safe_load((tmp_path / "accounts.yaml").read_text())["accounts"]
        secrets = json.loads((tmp_path / "secrets").read_text())

        assert len(accounts) == 7
        assert {account["base_url"] for account in accounts} == {url}
        names = {ref for account in accounts for ref in account["credentials"].values()}
        assert names == {f"env:{name}" for name in secrets}
        assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o600
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_ends_with_its_input_and_writes_files(tmp_path: Path) -> None:
    with _running(tmp_path, "--credential-style", "file") as (process, url):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(f"{url}/v5/user/query-api", timeout=5).close()
        finally:
            assert process.stdin is not None
            process.stdin.close()
        assert process.wait(5) == 0

    reference = yaml.safe_load((tmp_path / "accounts.yaml").read_text())["accounts"][0]
    path = Path(reference["credentials"]["secret"].removeprefix("file:"))
    assert path.read_text() == "not-a-real-secret-gate-000000001"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
