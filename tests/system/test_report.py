"""A scan rendered again from its JSON report: the same files, and the same exit code when asked."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
extends: [baseline]
key: {max_age: 1d}
"""


@pytest.fixture
def scanned(firm: Any, clean: Any) -> Any:
    """A firm that has scanned a key which can withdraw, with all its reports."""
    firm.keys = [replace(clean(ExchangeId.OKX), permissions=("read_only", "trade", "withdraw"))]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        (firm.folder / "policy.yaml").write_text(POLICY)
        outputs = ("json=a.json", "text=a.txt", "sarif=a.sarif", "frameworks=a-frameworks.txt")
        options = [part for output in outputs for part in ("-o", output)]
        firm.code = firm.run("scan", "-p", "policy.yaml", *options).code
    return firm


def test_every_format_is_the_same_file(scanned: Any) -> None:
    outputs = ("json=b.json", "text=b.txt", "sarif=b.sarif", "frameworks=b-frameworks.txt")
    options = [part for output in outputs for part in ("-o", output)]
    ended = scanned.run("report", "a.json", *options)
    assert ended.code == 0
    for name in (".json", ".txt", ".sarif", "-frameworks.txt"):
        first, second = (scanned.folder / f"{which}{name}" for which in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_the_exit_code_of_the_scan_when_asked(scanned: Any) -> None:
    assert scanned.code == 1
    ended = scanned.run("report", "a.json", "--exit-code")
    assert ended.code == 1
    assert "Exit code 1:" in ended.out


def test_shipped_policies_are_named_without_a_path(scanned: Any) -> None:
    report = scanned.read("a.json")
    (policy,) = report["policies"]
    assert [source["file"] for source in policy["extends"]] == ["baseline"]
    (account,) = report["accounts"]
    assert "baseline" in {verdict["policy"]["file"] for verdict in account["verdicts"]}


def test_a_report_does_not_take_the_place_of_what_it_is_made_from(scanned: Any) -> None:
    ended = scanned.run("report", "a.json", "-o", "text=a.json")
    assert ended.code == 2
    assert "would overwrite a.json" in ended.err
    assert scanned.read("a.json")


def test_a_report_that_was_changed_is_refused(scanned: Any) -> None:
    report = scanned.read("a.json")
    report["exit_code"] = 0
    (scanned.folder / "a.json").write_text(json.dumps(report))
    ended = scanned.run("report", "a.json", "-o", "text=c.txt")
    assert ended.code == 2
    assert "a.json:1:1: exit_code: not what the rest of this report comes to" in ended.err
    assert not (scanned.folder / "c.txt").exists()


def test_a_scan_of_the_history_is_rendered(firm: Any, clean: Any) -> None:
    firm.keys = [clean(ExchangeId.OKX)]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        firm.run("scan", "-p", "policy.yaml", "--history", "h.db", "-o", "html=a.html")
    ended = firm.run("report", "--scan", "last", "--history", "h.db", "-o", "html=b.html")
    assert (ended.code, ended.err) == (0, "")
    assert (firm.folder / "a.html").read_bytes() == (firm.folder / "b.html").read_bytes()


@pytest.mark.parametrize("arguments", [(), ("a.json", "--scan", "last")])
def test_a_report_or_a_scan_is_named_and_not_both(firm: Any, arguments: tuple[str, ...]) -> None:
    ended = firm.run("report", *arguments)
    assert (ended.code, "either a report or a scan of the history" in ended.err) == (2, True)
