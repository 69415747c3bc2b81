"""Whoever edits the files of a project, as in a pull request, gains nothing."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
BYBIT, OKX = ExchangeId.BYBIT, ExchangeId.OKX
EVIL = "https://evil.example.com"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
NOBODY = 65534


@pytest.fixture(autouse=True)
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALLOW_HOSTS", "UNTRUSTED", "FAIL_ON", "ALLOW_INCOMPLETE", "PROJECT"):
        monkeypatch.delenv(f"GATEPOLICY_{name}", raising=False)


@pytest.fixture
def two(firm: Any, clean: Clean) -> Any:
    """A firm with two accounts, of which a pull request edits the first."""
    firm.keys = [clean(BYBIT), clean(OKX)]
    firm.folder = firm.folder / "project"
    firm.folder.mkdir()
    return firm


def edited(firm: Any, old: str, new: str) -> None:
    """Edit the inventory, where something stands first."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    firm.inventory = edit


def with_base_url(firm: Any, url: str) -> None:
    def edit(text: str) -> str:
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if "base_url" in line)
        lines[at] = f"{lines[at].partition(':')[0]}: {url}"
        return "\n".join(lines) + "\n"

    firm.inventory = edit


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers nothing and remembers what it was sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(65536))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_host_that_nobody_allowed_costs_its_account_and_no_other(two: Any) -> None:
    with_base_url(two, EVIL)
    ended = two.scan("-o", "json=report.json", "-o", "text")
    assert ended.code == 1  # the policy blocks on what it cannot see
    first, second = two.read("report.json")["accounts"]
    assert set(first["unknown"].values()) == {"not_allowed"}
    assert second["facts"]["permission.withdraw"]["value"] is False
    told = words(ended.out)
    assert "? not_allowed bybit 1 " in told
    assert "base_url leads to evil.example.com, which is no host of Bybit" in told
    assert "allow the host with --allow-host HOST" in told


def test_a_refused_account_fails_the_scan_though_no_policy_asks_about_it(two: Any) -> None:
    two.policy = two.policy.partition("on_unknown")[0] + "on_unknown: {default: warn}\n"
    with_base_url(two, EVIL)
    assert two.scan().code == 3


def test_a_refused_proxy_hears_nothing(two: Any, listener: tuple[int, list[bytes]]) -> None:
    """Its name is no loopback address, though it leads here; nobody else may hear this test."""
    port, heard = listener
    two.inventory = lambda text: text.replace(
        'base_url: "http://127.0.0.1',
        f'proxy: http://0.0.0.0:{port}\n    base_url: "https://127.0.0.1',
        1,
    )
    two.scan("-o", "json=report.json")
    first = two.read("report.json")["accounts"][0]
    assert set(first["unknown"].values()) == {"not_allowed"}
    assert heard == []
    two.scan("-o", "json=report.json", "--allow-host", "0.0.0.0")
    assert len(heard) > 0
    assert heard[0].startswith(b"CONNECT 127.0.0.1:")


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_person_allows_a_host(two: Any, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan prints what would be sent, and sends nothing."""
    with_base_url(two, f"{EVIL}:8443")
    two.prepare("http://127.0.0.1:9")
    assert f"GET {EVIL}" not in two.run("scan", "--plan").out
    options = ("--allow-host", "Evil.Example.com.") if by == "option" else ()
    if by == "environment":
        monkeypatch.setenv("GATEPOLICY_ALLOW_HOSTS", "proxy.example.com evil.example.com")
    assert f"GET {EVIL}:8443/v5/user/query-api" in two.run("scan", "--plan", *options).out


def test_a_host_is_no_url(two: Any) -> None:
    two.prepare("http://127.0.0.1:9")
    ended = two.run("scan", "--plan", "--allow-host", EVIL)
    assert ended.code == 2
    assert f"'{EVIL}' is not a host; write a name or an address" in ended.err


def test_collect_refuses_too(two: Any) -> None:
    with_base_url(two, EVIL)
    with SimulatorThread(Simulator(two.keys)) as simulator:
        two.prepare(simulator.url)
        assert two.run("collect", "-o", "evidence.json").code == 0
    first, second = two.read("evidence.json")["accounts"]
    assert set(first["unknown"].values()) == {"not_allowed"}
    assert second["facts"]


def test_check_notes_what_a_scan_would_refuse(two: Any) -> None:
    with_base_url(two, EVIL)
    two.prepare("http://127.0.0.1:9")
    ended = two.run("check", "-p", "policy.yaml")
    assert ended.code == 0
    assert "note  accounts.yaml:4:5: bybit-00001: base_url leads to evil.example.com" in ended.out
    ended = two.run("check", "-p", "policy.yaml", "--untrusted")
    assert ended.code == 2
    assert ended.err.startswith(
        "accounts.yaml:4:5: bybit-00001: base_url leads to evil.example.com"
    )


def with_secret(firm: Any, reference: str) -> None:
    edited(firm, '"env:SIM_BYBIT_00001_SECRET"', reference)


def test_an_untrusted_inventory_runs_no_command(two: Any) -> None:
    with_secret(two, "{exec: [touch, ran]}")
    two.scan("-o", "json=report.json", "--untrusted")
    first, second = two.read("report.json")["accounts"]
    assert set(first["unknown"].values()) == {"not_allowed"}
    assert first["unknown_details"]["key.exists"] == (
        "secret: untrusted files may not run commands (exec)"
    )
    assert second["facts"]["permission.withdraw"]["value"] is False
    assert not (two.folder / "ran").exists()
    two.scan()
    assert (two.folder / "ran").exists()


@pytest.mark.parametrize("path", ["../outside.secret", "link"])
def test_an_untrusted_inventory_reads_no_file_outside(two: Any, path: str) -> None:
    outside = two.folder.parent / "outside.secret"
    outside.write_text("a-secret-of-somebody-else")
    outside.chmod(0o600)
    (two.folder / "link").symlink_to(outside)
    with_secret(two, f"file:{path}")
    two.scan("-o", "json=report.json", "--untrusted")
    first = two.read("report.json")["accounts"][0]
    assert set(first["unknown"].values()) == {"not_allowed"}
    two.scan("-o", "json=report.json")
    first = two.read("report.json")["accounts"][0]
    assert "not_allowed" not in first["unknown"].values()


def test_an_untrusted_inventory_may_refer_to_files_within(two: Any) -> None:
    secret = two.folder / "bybit.secret"
    secret.write_text(two.keys[0].secret)
    secret.chmod(0o600)
    with_secret(two, "file:bybit.secret")
    assert two.scan("--untrusted").code == 0


POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
EXTENDSpermissions: {forbid: [withdraw]}
"""
PROJECT = "apiVersion: gatepolicy/v1\nkind: Project\n"


@pytest.mark.parametrize(
    "project",
    [
        "policies: [../outside.yaml]",
        "policies: [link.yaml]",
        "policies: [extending.yaml]",
        "policies: [policy.yaml]\ninventory: ../outside.yaml",
        "policies: [policy.yaml]\nwaivers: [../outside.yaml]",
        "policies: [policy.yaml]\nattestations: [../outside.yaml]",
    ],
)
@pytest.mark.parametrize("command", ["scan", "check"])
def test_untrusted_files_lead_to_no_document_outside(two: Any, project: str, command: str) -> None:
    """Not a line of it is told, as an error in it would be."""
    two.prepare("http://127.0.0.1:9")
    (two.folder.parent / "outside.yaml").write_text("a line: [that is no policy\n")
    (two.folder / "link.yaml").symlink_to("../outside.yaml")
    extending = POLICY.replace("EXTENDS", "extends: [../outside.yaml]\n")
    (two.folder / "extending.yaml").write_text(extending)
    (two.folder / "gatepolicy.yaml").write_text(f"{PROJECT}{project}\n")
    ended = two.run(command, "--untrusted")
    assert ended.code == 2
    assert "--untrusted: this file is outside the project folder" in ended.err
    assert "that is no policy" not in ended.err
    assert "this file lies outside" not in two.run(command).err


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_person_may_name_a_policy_outside(
    two: Any, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy of a firm, with its neighbours, judges what a pull request changes."""
    firm = two.folder.parent / "firm"
    firm.mkdir()
    (firm / "desk.yaml").write_text(
        POLICY.replace("EXTENDS", "extends: [base.yaml, market-making]\n")
    )
    (firm / "base.yaml").write_text(POLICY.replace("EXTENDS", "").replace("desk", "base"))
    two.prepare("http://127.0.0.1:9")
    options = ("-p", "../firm/desk.yaml") if by == "option" else ()
    if by == "environment":
        monkeypatch.setenv("GATEPOLICY_POLICY", "../firm/desk.yaml")
    ended = two.run("check", *options, "--untrusted")
    assert "is outside" not in ended.err
    (two.folder.parent / "current.yaml").symlink_to("firm/base.yaml")
    ended = two.run("check", "-p", "../current.yaml", "--untrusted")
    assert "is outside" not in ended.err


TEST = """\
apiVersion: gatepolicy/v1
kind: PolicyTest
policies: [POLICY]
now: 2026-11-02T08:00:00Z
account: {exchange: okx}
cases:
  - {name: nothing, expect: [{rule: withdrawal-enabled, outcome: unknown}]}
"""


def test_untrusted_tests_lead_to_no_policy_outside(two: Any) -> None:
    (two.folder.parent / "outside.yaml").write_text("a line: [that is no policy\n")
    (two.folder / "p.test.yaml").write_text(TEST.replace("POLICY", "../outside.yaml"))
    ended = two.run("test", "--untrusted")
    assert (ended.code, "is outside the project folder" in ended.err) == (2, True)
    assert "is outside" not in two.run("test").err


@pytest.mark.parametrize("place", ["../report.json", "link.json", "folder/report.json", ".git/x"])
def test_untrusted_outputs_lie_below_the_project(two: Any, place: str) -> None:
    two.prepare("http://127.0.0.1:9")
    (two.folder / ".git").mkdir()
    (two.folder / "link.json").symlink_to("report.json")
    (two.folder / "folder").symlink_to(two.folder.parent)
    before = sorted(two.folder.parent.iterdir())
    for command in (("scan", "-p", "policy.yaml", "-o", f"json={place}"), ("collect", "-o", place)):
        ended = two.run(*command, "--untrusted")
        assert ended.code == 2, command
        assert f"-o {command[-1]}: " in ended.err
    (two.folder / "p.test.yaml").write_text(TEST.replace("POLICY", "policy.yaml"))
    ended = two.run("test", "--junit", place, "--untrusted")
    assert (ended.code, f"--junit {place}: " in ended.err) == (2, True)
    assert sorted(two.folder.parent.iterdir()) == before
    assert not (two.folder / "report.json").exists()


def test_the_environment_does_not_soften_a_scan_of_untrusted_files(
    two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.prepare("http://127.0.0.1:9")
    monkeypatch.setenv("GATEPOLICY_FAIL_ON", "high")
    ended = two.run("scan", "-p", "policy.yaml", "--untrusted")
    assert ended.code == 2
    assert ended.err == (
        "error: --untrusted: --fail-on high softens the exit code"
        " (environment, GATEPOLICY_FAIL_ON)\n"
        "hint: give it on the command line, or unset it\n"
    )
    monkeypatch.setenv("GATEPOLICY_UNTRUSTED", "1")
    monkeypatch.setenv("GATEPOLICY_FAIL_ON", "info")
    monkeypatch.setenv("GATEPOLICY_MAX_EVIDENCE_AGE", "30d")
    with SimulatorThread(Simulator(two.keys)) as simulator:
        two.prepare(simulator.url)
        assert two.run("collect", "-o", "e.json").code == 0
    ended = two.run("evaluate", "e.json", "-p", "policy.yaml")
    assert (ended.code, "--max-evidence-age 30d softens" in ended.err) == (2, True)
    assert two.run("evaluate", "e.json", "-p", "policy.yaml", "--max-evidence-age", "30d").code == 0


def test_every_report_says_what_softens_and_who_said_so(
    two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.keys = [two.keys[0]]
    monkeypatch.setenv("GATEPOLICY_FAIL_ON", "critical")
    ended = two.scan(
        "--allow-incomplete",
        "-o",
        "text",
        "-o",
        "json=r.json",
        "-o",
        "sarif=r.sarif",
        "-o",
        "frameworks=r.txt",
    )
    named = (
        "--allow-incomplete (command line), --fail-on critical (environment, GATEPOLICY_FAIL_ON)"
    )
    assert named in words(ended.out)
    report = two.read("r.json")
    assert report["settings"]["softened_by"] == [
        {"option": "--allow-incomplete", "origin": "command line"},
        {"option": "--fail-on critical", "origin": "environment, GATEPOLICY_FAIL_ON"},
    ]
    assert named in words((two.folder / "r.txt").read_text())
    (run,) = two.read("r.sarif")["runs"]
    assert named in run["invocations"][0]["exitCodeDescription"]


def test_old_evidence_that_somebody_accepts_is_told(two: Any) -> None:
    with SimulatorThread(Simulator(two.keys)) as simulator:
        two.prepare(simulator.url)
        two.run("collect", "-o", "e.json")
    said = ("evaluate", "e.json", "-p", "policy.yaml", "-o", "json=r.json", "-o", "text")
    ended = two.run(*said, "--max-evidence-age", "36h")
    assert two.read("r.json")["settings"]["softened_by"] == []
    ended = two.run(*said, "--max-evidence-age", "8d")
    assert "evidence may be older than usual: --max-evidence-age 8d (command line)." in words(
        ended.out
    )
    assert two.read("r.json")["settings"]["softened_by"] == [
        {"option": "--max-evidence-age 8d", "origin": "command line"}
    ]


@ROOT_ONLY
def test_files_that_belong_to_others_are_not_found_but_named(two: Any) -> None:
    """Root, in a folder of somebody else, ran the commands of its inventory."""
    two.prepare("http://127.0.0.1:9")
    for name in ("accounts.yaml", "gatepolicy.yaml"):
        (two.folder / "gatepolicy.yaml").write_text(f"{PROJECT}inventory: accounts.yaml\n")
        os.chown(two.folder / name, NOBODY, NOBODY)
        if name == "accounts.yaml":
            (two.folder / "gatepolicy.yaml").unlink()
        for command in (("scan", "--plan"), ("collect",), ("check",)):
            ended = two.run(*command)
            assert (ended.code, "belongs to another user" in ended.err) == (2, True), command
            assert name in ended.err
    assert two.run("--project", "gatepolicy.yaml", "scan", "--plan").code == 0
    assert two.run("--no-project", "scan", "--plan", "-i", "accounts.yaml").code == 0


@ROOT_ONLY
def test_a_link_of_somebody_else_to_a_file_of_ones_own(two: Any, tmp_path: Path) -> None:
    two.prepare("http://127.0.0.1:9")
    (two.folder / "own.yaml").write_text(PROJECT)
    link = two.folder / "gatepolicy.yaml"
    link.symlink_to("own.yaml")
    assert two.run("check").code == 0
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    assert "belongs to another user" in two.run("check").err
