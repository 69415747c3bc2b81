"""Whole scans that nobody watches: the real command, and who hears of it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gatepolicy.cli.operating import delay
from gatepolicy.operating.lock import held
from gatepolicy.resources import schemas_directory
from gatepolicy.simulator.inventory import environment
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from tests.operating.conftest import Hook
from tests.operating.test_lock import OWN, Clock
from tests.system.conftest import Firm

Clean = Callable[[ExchangeId], SimulatedKey]
PROGRAM = str(Path(sys.executable).with_name("gatepolicy"))
LOG = jsonschema.Draft202012Validator(
    json.loads((schemas_directory() / "log.schema.json").read_text(encoding="utf-8"))
)
URL = "/s3cret-5f1c"


def withdrawing(key: SimulatedKey) -> SimulatedKey:
    return replace(key, permissions=("read_only", "withdraw"))


@pytest.fixture
def okx(firm: Firm, clean: Clean) -> Firm:
    firm.keys = [clean(ExchangeId.OKX)]
    return firm


def lock_of(firm: Firm) -> Path:
    [lock] = (firm.folder / ".gatepolicy").glob("scan-*.lock")
    return lock


def test_without_any_option_no_file_is_made(okx: Firm) -> None:
    assert okx.scan().code == 0
    assert okx.written() == []


def test_a_second_scan_hears_who_holds_the_lock(okx: Firm) -> None:
    assert okx.scan("--lock").code == 0
    with held(lock_of(okx), "a scan", OWN, Clock().patience(0)):
        second = okx.scan("--lock", "-o", "json=report.json")
        waited = okx.scan("--wait", "1s")
        free = okx.scan()
        elsewhere = okx.scan("--lock", "--state", "other")
    assert second.code == waited.code == 6
    assert second.out == ""
    said, hint = second.err.splitlines()
    assert said == (
        "error: a scan of accounts.yaml is running already: process 4242 on"
        " scanner.example.com, since 2026-11-23T04:17:00Z"
    )
    assert hint.startswith("hint: ")
    assert waited.err.startswith("note: waiting for a scan of accounts.yaml: process 4242")
    assert not (okx.folder / "report.json").exists()
    assert free.code == elsewhere.code == 0


def test_two_names_of_an_inventory_are_one(okx: Firm) -> None:
    assert okx.scan("--lock").code == 0
    with held(lock_of(okx), "a scan", OWN, Clock().patience(0)):
        assert okx.scan("--lock", "-i", str(okx.folder / "accounts.yaml")).code == 6


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_scan_that_was_killed_blocks_nobody(okx: Firm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        okx.prepare(f"http://127.0.0.1:{silent.getsockname()[1]}")
        process = subprocess.Popen(
            [PROGRAM, "scan", "-p", "policy.yaml", "--lock"],
            cwd=okx.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        place = okx.folder / ".gatepolicy"
        until(lambda: any(file.read_text() for file in place.glob("scan-*.lock")))
        blocked = okx.scan("--lock")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert blocked.code == 6
    assert f"process {process.pid} on {socket.gethostname()}, since " in blocked.err
    assert lock_of(okx).read_text(encoding="utf-8") != ""
    assert okx.scan("--lock").code == 0


@pytest.mark.parametrize("folder", ["..", "outside"])
def test_an_untrusted_scan_keeps_its_state_in_the_project(
    okx: Firm, tmp_path: Path, folder: str
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (okx.folder / "outside").symlink_to(target)
    (okx.folder / "gatepolicy.yaml").write_text("apiVersion: gatepolicy/v1\nkind: Project\n")
    ended = okx.scan("--lock", "--untrusted", "--state", folder)
    assert ended.code == 2
    assert f"--state {folder}" in ended.err
    assert list(target.iterdir()) == []


def test_chance_decides_when_a_scan_starts() -> None:
    assert delay(timedelta(minutes=10), 0.0) == 0.0
    assert delay(timedelta(minutes=10), 0.25) == 150.0


def test_no_delay_is_no_error(okx: Firm) -> None:
    assert okx.scan("--jitter", "0s").code == 0
    assert "write a whole number with s, m or h" in okx.scan("--jitter", "1d").err


def test_a_signal_ends_the_delay(okx: Firm) -> None:
    okx.prepare("http://127.0.0.1:9")
    process = subprocess.Popen(
        [PROGRAM, "scan", "--jitter", "9h", "--log-format", "json"],
        cwd=okx.folder, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    started = json.loads(process.stderr.readline())
    assert started["event"] == "start"
    # An hour is long enough to be in the middle of it, but for one chance in many thousands.
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    lines = [json.loads(line) for line in process.communicate(timeout=20)[1].splitlines()]
    assert process.returncode == 143
    assert lines[-1]["exit_code"] == 143
    assert "interrupted by SIGTERM" in lines[0]["text"]


def test_nothing_is_printed_while_nothing_changes(okx: Firm, clean: Clean) -> None:
    arguments = (
        "--only-changes",
        "--history",
        ".gatepolicy/h.db",
        "-o",
        "text",
        "-o",
        "json=r.json",
    )
    first = okx.scan(*arguments)
    assert "no baseline yet" in first.err
    assert first.out.startswith("✓ PASS")
    second = okx.scan(*arguments)
    assert (second.code, second.out, second.err) == (0, "", "")
    okx.keys = [withdrawing(clean(ExchangeId.OKX))]
    third = okx.scan(*arguments)
    assert third.code == 1
    assert "withdrawal-enabled" in third.out
    fourth = okx.scan(*arguments)
    assert (fourth.code, fourth.out, fourth.err) == (1, "", "")
    assert okx.read("r.json")["exit_code"] == 1


def test_only_changes_need_something_to_compare_with(okx: Firm) -> None:
    ended = okx.scan("--only-changes")
    assert ended.code == 2
    assert "no earlier scan to compare with" in ended.err
    assert okx.scan("--only-changes", "--baseline-if-exists", "r.json").code == 0


def lines_of(err: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in err.splitlines()]
    for line in lines:
        LOG.validate(line)
    return lines


def test_a_log_of_json_lines(okx: Firm) -> None:
    ended = okx.scan("--log-format", "json", "-o", "text", "-o", "json=r.json", "-q")
    lines = lines_of(ended.err)
    assert [line["event"] for line in lines] == ["start", "account", "report", "report", "end"]
    start, account, text, report, end = lines
    assert (start["inventory"], start["pid"]) == ("accounts.yaml", os.getpid())
    assert account["read"] is True
    assert account["exchange"] == "okx"
    assert (text["path"], report["path"]) == ("-", "r.json")
    assert (end["exit_code"], ended.code) == (0, 0)
    assert ended.out.startswith("✓ PASS")


def test_a_log_tells_what_could_not_be_read_and_no_credential(okx: Firm) -> None:
    key = okx.keys[0]
    okx.keys = [replace(key, secret="wr0ng-s3cret-0123456789abcdef")]
    with SimulatorThread(Simulator([key])) as simulator:
        okx.prepare(simulator.url)
        ended = okx.run("scan", "-p", "policy.yaml", "--log-format", "json", "-q")
    lines = lines_of(ended.err)
    [account] = [line for line in lines if line["event"] == "account"]
    assert (account["read"], account["reason"]) == (False, "bad_signature")
    assert lines[-1]["exit_code"] == ended.code != 0
    for secret in environment(okx.keys).values():
        assert secret not in ended.err


def test_a_log_tells_errors_and_warnings(okx: Firm) -> None:
    okx.policy = "kind: Policy\n"
    lines = lines_of(okx.scan("--log-format", "json").err)
    assert [line["event"] for line in lines] == ["start", *["problem"] * (len(lines) - 2), "end"]
    assert any("policy.yaml:1:1" in line.get("text", "") for line in lines)
    assert lines[-1]["exit_code"] == 2


def test_a_heartbeat_of_a_good_scan(okx: Firm, hook: Hook) -> None:
    okx.monkeypatch.setenv("GATEPOLICY_HEARTBEAT", f"http://{hook.address}{URL}")
    ended = okx.scan()
    assert hook.paths == [f"{URL}/start", URL]
    assert URL not in ended.err + ended.out


def test_a_heartbeat_tells_the_exit_code(okx: Firm, hook: Hook, clean: Clean) -> None:
    okx.keys = [withdrawing(clean(ExchangeId.OKX))]
    heartbeat = ("--heartbeat", f"http://{hook.address}{URL}")
    assert okx.scan(*heartbeat).code == 1
    okx.policy = "kind: Policy\n"
    assert okx.scan(*heartbeat).code == 2
    assert hook.paths == [f"{URL}/start", f"{URL}/1", f"{URL}/start", f"{URL}/2"]


def test_a_heartbeat_that_is_not_received_changes_nothing(okx: Firm, hook: Hook) -> None:
    hook.statuses += [500] * 6
    ended = okx.scan("--heartbeat", f"http://{hook.address}{URL}", "-o", "json=r.json")
    assert ended.code == 0
    assert (
        ended.err.splitlines() == ["warning: the heartbeat was not received: HTTP status 500"] * 2
    )
    assert okx.read("r.json")["exit_code"] == 0
    assert URL not in ended.err + ended.out


@pytest.mark.parametrize("url", [f"ftp://example.com{URL}", URL, f"https://[{URL}"])
def test_a_heartbeat_that_is_no_url_is_told_without_it(okx: Firm, url: str) -> None:
    ended = okx.run("scan", "--heartbeat", url)
    assert ended.code == 2
    assert "not a URL that begins with https://" in ended.err
    assert URL not in ended.err


def test_a_plan_asks_nobody(okx: Firm, hook: Hook) -> None:
    ended = okx.scan("--plan", "--heartbeat", f"http://{hook.address}{URL}", "--lock")
    assert ended.code == 0
    assert hook.calls == []
    assert okx.written() == []


def test_no_project_file_can_name_a_receiver(okx: Firm) -> None:
    for name in ("heartbeat", "notify", "notify_file", "state", "lock", "only_changes"):
        text = f"apiVersion: gatepolicy/v1\nkind: Project\ndefaults: {{{name}: x}}\n"
        (okx.folder / "gatepolicy.yaml").write_text(text, encoding="utf-8")
        ended = okx.scan()
        assert ended.code == 2
        assert name in ended.err


def test_metrics_remember_the_last_good_scan(okx: Firm, clean: Clean) -> None:
    def good() -> str:
        text = (okx.folder / "keys.prom").read_text(encoding="utf-8")
        [found] = re.findall(r"^gatepolicy_last_good_scan_timestamp_seconds.* (\S+)$", text, re.M)
        return str(found)

    assert okx.scan("-o", "prometheus=keys.prom").code == 0
    first = good()
    okx.keys = [withdrawing(clean(ExchangeId.OKX))]
    assert okx.scan("-o", "prometheus=keys.prom").code == 1
    assert good() == first
    text = (okx.folder / "keys.prom").read_text(encoding="utf-8")
    assert 'gatepolicy_violations{scope="accounts.yaml",severity="critical"} 1\n' in text
