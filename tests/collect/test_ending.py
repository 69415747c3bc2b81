"""Signals end a scan with everything that it has started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.collect.test_secrets import SLEEPER, gone

INVENTORY = """\
apiVersion: gatepolicy/v1
kind: Inventory
accounts:
  - id: okx-mm
    exchange: okx
    base_url: http://127.0.0.1:1
    timeout: 5m
    credentials:
      apiKey: {exec: [%s, sleeper.py, pids, holds, sleeps]}
      secret: env:HOME
      password: env:HOME
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_commands_of_a_scan(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "accounts.yaml").write_text(INVENTORY % sys.executable, encoding="utf-8")
    (tmp_path / "sleeper.py").write_text(SLEEPER, encoding="utf-8")
    note = tmp_path / "pids"
    command = [sys.executable, "-m", "gatepolicy", "scan"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    scan = subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    for _ in range(1500):
        if note.exists() and note.read_text().endswith("\n"):
            break
        time.sleep(0.02)
    scan.send_signal(number)
    said, _ = scan.communicate(timeout=20)
    assert scan.returncode == 128 + number
    assert b"Traceback" not in said
    assert gone(note)
