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

PROJECT = """\
apiVersion: gatepolicy/v1
kind: Project
policies: [policy.yaml]
inventory: accounts.yaml
history: h.db
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


KEEP = ("--history", "h.db")


@pytest.fixture
def kept(firm: Any, clean: Any) -> Any:
    """Three scans in a history: withdrawals are allowed, then not, then the key is unread."""
    safe = clean(ExchangeId.OKX)
    able = replace(safe, permissions=("read_only", "trade", "withdraw"))
    for number, keys in enumerate(([able], [safe], [able]), 1):
        firm.keys = keys
        with SimulatorThread(Simulator(firm.keys)) as simulator:
            firm.prepare(simulator.url)
            outputs = ("-o", f"html={number}.html", "-o", f"json={number}.json")
            since = ("--baseline-if-exists", "last")
            firm.run("scan", "-p", "policy.yaml", *KEEP, *since, *outputs)
    return firm


def test_the_page_of_each_scan_of_a_history_is_the_same_file(kept: Any) -> None:
    for number in (1, 2, 3):
        page = (kept.folder / f"{number}.html").read_bytes()
        assert f"The numbers of {number} scan".encode() in page
        for told in (("--scan", str(number)), (f"{number}.json",)):
            ended = kept.run("report", *told, *KEEP, "-o", "html=again.html")
            assert ended.code == 0
            assert (kept.folder / "again.html").read_bytes() == page
    last = (kept.folder / "3.html").read_text(encoding="utf-8")
    assert "Compared with <code>h.db, scan 2</code>" in last
    assert "permission-escalated" in last
    assert "Time to fix" in last
    assert "Time to fix" not in (kept.folder / "2.html").read_text(encoding="utf-8")


def test_without_a_history_the_page_has_no_trend(kept: Any) -> None:
    kept.run("report", "3.json", "-o", "html=without.html")
    without = (kept.folder / "without.html").read_text(encoding="utf-8")
    assert 'id="trend"' not in without
    assert 'id="changed"' in without
    kept.run("scan", "-p", "policy.yaml", "-o", "json=other.json")
    for options in (KEEP, ("--history", "none.db")):
        ended = kept.run("report", "other.json", *options, "-o", "html=without.html")
        assert (ended.code, "no trend" in ended.err) == (0, False)
        assert 'id="trend"' not in (kept.folder / "without.html").read_text(encoding="utf-8")
    assert not (kept.folder / "none.db").exists()


def test_a_stored_scan_is_shown_with_its_sign_off(kept: Any) -> None:
    for name in ("signing.pem", "jane.pem"):
        kept.run("keygen", name)
    kept.run("sign", "3.json", "--key", "signing.pem")
    decision = ("--reviewer", "Jane Doe", "--decision", "accepted")
    signer = ("--signed-by", "signing.pub.pem")
    kept.run("sign-off", "3.intoto.jsonl", "--key", "jane.pem", *signer, *decision)
    keys = ("--key", "signing.pub.pem", "--reviewer-key", "jane.pub.pem")
    shown = ("--sign-off", "3.intoto.jsonl", *keys, "-o", "html=b.html")
    ended = kept.run("report", "--scan", "last", *KEEP, *shown)
    assert (ended.code, ended.err) == (0, "")
    page = (kept.folder / "b.html").read_text(encoding="utf-8")
    assert '<dt>Sign-off</dt><dd class="fine">accepted</dd>' in page
    assert 'id="trend"' in page
    ended = kept.run("report", "--scan", "1", *KEEP, *shown)
    assert ended.code == 1
    assert "3.intoto.jsonl is about another report than h.db, scan 1" in ended.err


def test_a_history_that_cannot_be_read_loses_no_page(kept: Any) -> None:
    (kept.folder / "h.db").write_text("no database\n" * 100)
    ended = kept.run("report", "3.json", *KEEP, "-o", "html=b.html")
    assert ended.code == 0
    told = (
        "warning: the page has no trend, since the history could not be read: h.db cannot be used"
    )
    assert told in ended.err
    assert 'id="trend"' not in (kept.folder / "b.html").read_text(encoding="utf-8")
    ended = kept.run("scan", "-p", "policy.yaml", *KEEP, "-o", "html=c.html")
    assert told in ended.err
    assert "Traceback" not in ended.err
    assert 'id="trend"' not in (kept.folder / "c.html").read_text(encoding="utf-8")
    ended = kept.run("scan", "-p", "policy.yaml", *KEEP, "-o", "text=c.txt")
    assert "trend" not in ended.err


def test_a_stranger_does_not_choose_the_trend(kept: Any) -> None:
    (kept.folder / "gatepolicy.yaml").write_text(PROJECT)
    for trusted in (True, False):
        options = () if trusted else ("--untrusted",)
        kept.run("scan", *options, "-o", "html=b.html")
        page = (kept.folder / "b.html").read_text(encoding="utf-8")
        assert ('id="trend"' in page) is trusted


@pytest.mark.parametrize("arguments", [(), ("a.json", "--scan", "last")])
def test_a_report_or_a_scan_is_named_and_not_both(firm: Any, arguments: tuple[str, ...]) -> None:
    ended = firm.run("report", *arguments)
    assert (ended.code, "either a report or a scan of the history" in ended.err) == (2, True)
