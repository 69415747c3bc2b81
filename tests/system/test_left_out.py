"""Reports name what was left out of a scan, and what softens its exit code."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]


@pytest.fixture
def two(firm: Any, clean: Clean) -> Any:
    """A firm with one key that withdraws and one that does not; its evidence is collected."""
    withdraws = replace(clean(ExchangeId.OKX), permissions=("read_only", "trade", "withdraw"))
    firm.keys = [withdraws, clean(ExchangeId.GATE)]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        firm.run("collect", "-o", "evidence.json")
    firm.accounts = [account["id"] for account in firm.read("evidence.json")["accounts"]]
    return firm


def evaluate(firm: Any, *options: str) -> Any:
    return firm.run("evaluate", "evidence.json", "-p", "policy.yaml", *options)


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_rule_that_was_skipped_is_named(two: Any) -> None:
    ended = evaluate(two, "--skip-rule", "withdrawal-*", "-o", "text", "-o", "json=r.json")
    assert ended.code == 0
    told = "Narrowed by --skip-rule withdrawal-*; not checked: withdrawal-enabled."
    assert told in words(ended.out)
    assert two.read("r.json")["narrowed"] == {
        "options": ["--skip-rule withdrawal-*"],
        "accounts_left_out": 0,
        "rules_left_out": ["withdrawal-enabled"],
        "of_accounts": 2,
        "comparisons_left_out": [],
        "evidence_options": [],
    }


def test_accounts_that_were_left_out_are_counted(two: Any) -> None:
    okx, gate = two.accounts
    ended = evaluate(two, "--account", gate, "--rule", "GP001")
    assert f"Narrowed by --account {gate} --rule GP001; left out: 1 of 2 accounts;" in words(
        ended.out
    )
    assert "not checked: permission-unrecognised, ip-unbound." in words(ended.out)
    assert okx not in ended.out
    assert "Narrowed" not in evaluate(two).out


def test_the_other_formats_tell_it_too(two: Any) -> None:
    skipping = ("--skip-rule", "GP001")
    assert "Narrowed by --skip-rule GP001" in evaluate(two, *skipping, "-o", "frameworks").out
    evaluate(two, *skipping, "-o", "sarif=r.sarif")
    (run,) = two.read("r.sarif")["runs"]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    (note,) = [note for note in notes if note["descriptor"]["id"] == "scan-narrowed"]
    assert "not checked: withdrawal-enabled" in note["message"]["text"]


def test_a_scan_that_is_narrowed_tells_it(two: Any) -> None:
    assert "Narrowed by --label desk=mm" in words(two.scan("--label", "desk=mm").out)


def test_switches_that_soften_are_named_where_they_change_nothing(two: Any) -> None:
    okx, _ = two.accounts
    switches = ("--exit-zero", "--allow-incomplete", "--allow-empty", "--fail-on", "high")
    ended = evaluate(two, "--account", okx, "--rule", "GP006", *switches)
    told = (
        "--exit-zero (command line), --allow-incomplete (command line),"
        " --allow-empty (command line), --fail-on high (command line) had no effect."
    )
    assert told in words(ended.out)
    assert "changed nothing" not in evaluate(two).out
