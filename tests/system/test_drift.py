"""Whole scans beside earlier ones: what is new, what a key can do that it could not."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
OLDER = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
permissions: {forbid: [withdraw]}
"""


@pytest.fixture
def drifting(firm: Any, clean: Clean) -> Any:
    """A key that was clean on one day, and can withdraw from anywhere on the next one."""
    key = clean(ExchangeId.OKX)
    later = replace(key, permissions=("read_only", "trade", "withdraw"), allowed_ips=())
    for name, one in (("old", key), ("new", later)):
        firm.keys = [one]
        with SimulatorThread(Simulator([one])) as simulator:
            firm.prepare(simulator.url)
            firm.run("collect", "-o", f"{name}.json")
            firm.run("scan", "-p", "policy.yaml", "-o", f"json={name}-report.json")
    return firm


def evaluate(firm: Any, *options: str) -> Any:
    return firm.run("evaluate", "new.json", "-p", "policy.yaml", *options)


def test_a_scan_tells_what_is_new_and_what_changed(drifting: Any) -> None:
    options = ("--baseline", "old-report.json")
    ended = evaluate(drifting, *options, "-o", "text", "-o", "json=r.json")
    assert ended.code == 1
    assert "Since old-report.json" in ended.out
    assert "Findings: 2 new." in ended.out
    assert "permission-escalated (permission.withdraw)" in ended.out
    assert "ip-binding-weakened (ip.restricted)" in ended.out
    report = drifting.read("r.json")
    states = {v["name"]: v["baseline"] for a in report["accounts"] for v in a["verdicts"]}
    assert states["withdrawal-enabled"] == "new"
    assert states["permission-unrecognised"] == "unchanged"
    changes = {change["name"]: change["worse"] for change in report["drift"]["changes"]}
    assert changes["permission-escalated"]


def test_what_was_there_does_not_fail_unless_it_is_critical(drifting: Any) -> None:
    options = ("--baseline", "new-report.json", "--fail-on-new")
    ended = evaluate(drifting, *options)
    assert ended.code == 1, "withdrawals are critical"
    hidden = evaluate(drifting, *options, "--baseline-hides", "GP001")
    assert hidden.code == 0
    assert "Exit code 0 because of --fail-on-new; else 1" in hidden.out
    assert evaluate(drifting, "--baseline", "old-report.json", "--fail-on-new").code == 1


def test_sarif_in_full_says_it_of_every_result(drifting: Any) -> None:
    options = ("--baseline", "old-report.json", "-o", "sarif=r.sarif")
    evaluate(drifting, *options, "--sarif-profile", "full")
    (run,) = drifting.read("r.sarif")["runs"]
    assert {result["baselineState"] for result in run["results"]} == {"new", "unchanged"}
    evaluate(drifting, *options)
    assert "baselineState" not in json.dumps(drifting.read("r.sarif"))


def test_sarif_in_full_keeps_what_is_absent(drifting: Any) -> None:
    (drifting.folder / "policy.yaml").write_text(OLDER)
    options = ("--baseline", "new-report.json", "-o", "sarif=r.sarif", "--sarif-profile", "full")
    evaluate(drifting, *options)
    (run,) = drifting.read("r.sarif")["runs"]
    (absent,) = [r for r in run["results"] if r["baselineState"] == "absent"]
    assert absent["ruleId"] == "GP010"
    assert absent["message"]["text"].endswith("ip-unbound is gone: not asked.")


def test_sarif_in_full_tells_once_what_passes_now(drifting: Any) -> None:
    options = ("-p", "policy.yaml", "--baseline", "new-report.json", "-o", "sarif=r.sarif")
    drifting.run("evaluate", "old.json", *options, "--sarif-profile", "full")
    (run,) = drifting.read("r.sarif")["runs"]
    states = {result["ruleId"]: result["baselineState"] for result in run["results"]}
    assert states["GP001"] == "updated"
    assert len(states) == len(run["results"])


def test_diff_of_two_reports(drifting: Any) -> None:
    ended = drifting.run("diff", "old-report.json", "new-report.json", "--exit-code")
    assert ended.code == 1
    assert "GP001 withdrawal-enabled (withdraw): fail" in ended.out
    back = drifting.run("diff", "new-report.json", "old-report.json")
    assert back.code == 0
    assert "absent" in back.out
    assert "GP001 withdrawal-enabled (withdraw): passes" in back.out
    told = json.loads(drifting.run("diff", "new-report.json", "old-report.json", "-o", "json").out)
    assert {gone["name"]: gone["because"] for gone in told["absent"]} == {
        "withdrawal-enabled": "passes",
        "ip-unbound": "passes",
    }
    same = drifting.run("diff", "new-report.json", "new-report.json", "--exit-code")
    assert (same.code, same.out) == (
        0,
        "Since new-report.json\nFindings: 2 unchanged.\n",
    )


def test_diff_of_two_files_of_evidence(drifting: Any) -> None:
    ended = drifting.run("diff", "old.json", "new.json", "-o", "json")
    told = json.loads(ended.out)
    assert told["found"] == []
    assert {change["name"] for change in told["changes"]} >= {
        "permission-escalated",
        "ip-binding-weakened",
    }
    assert drifting.run("diff", "old.json", "old.json").out == (
        "Since old.json\nNothing has changed.\n"
    )
    assert "after     yes" in drifting.run("diff", "old.json", "new.json").out


def test_diff_of_two_policies_over_the_same_evidence(drifting: Any) -> None:
    (drifting.folder / "older.yaml").write_text(OLDER)
    over = ("--evidence", "new.json")
    ended = drifting.run("diff", "--policy", "older.yaml", "policy.yaml", *over)
    assert ended.code == 0
    assert "new       okx" in ended.out
    assert "GP010 ip-unbound: fail" in ended.out
    back = drifting.run("diff", "--policy", "policy.yaml", "older.yaml", *over, "--exit-code")
    assert "GP010 ip-unbound: not asked" in back.out
    assert back.code == 1, "what nobody asks any more is no fix"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["diff", "--policy", "a", "b"], "--policy and --evidence belong together"),
        (["evaluate", "new.json", "--fail-on-new"], "need an earlier report"),
        (["evaluate", "new.json", "--baseline", "old.json", "--fail-on-new"], "is evidence"),
        (["evaluate", "new.json", "--baseline", "old-report.json", "--baseline-hides", "nothing"],
         "there is no rule nothing"),
        (["evaluate", "new.json", "--baseline", "gone.json"], "there is no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(drifting: Any, arguments: list[str], told: str) -> None:
    ended = drifting.run(*arguments)
    assert ended.code == 2
    assert told in ended.err
