"""Accounts that were collected apart are evaluated together."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]

POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: firm, title: The firm}
key: {unique: true, exists: true}
ip_binding: {separate_by: [desk]}
"""


@pytest.fixture
def apart(firm: Any, clean: Clean) -> Any:
    """Three accounts on two desks, two with one key, collected desk by desk and together."""
    firm.policy = POLICY
    one = replace(clean(ExchangeId.OKX), account_id="one", labels={"desk": "mm"})
    otc = replace(clean(ExchangeId.GATE), account_id="otc", labels={"desk": "otc"})
    firm.keys = [one, otc]

    def twice(text: str) -> str:
        entry = text[text.index('  - id: "one"') : text.index('  - id: "otc"')]
        return text + entry.replace('"one"', '"two"').replace('"mm"', '"otc"')

    firm.inventory = twice
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        firm.run("collect", "-o", "all.json")
        firm.run("collect", "-o", "mm.json", "--label", "desk=mm")
        firm.run("collect", "-o", "otc.json", "--label", "desk=otc")
        firm.run("scan", "-p", "policy.yaml", "-o", "json=scan.json")
    return firm


def evaluated(firm: Any, *files: str) -> Any:
    firm.run("evaluate", *files, "-p", "policy.yaml", "-o", "json=report.json")
    return firm.read("report.json")


def judged(report: Any) -> dict[str, Any]:
    return {
        account["id"]: [
            (v["name"], v["verdict"], v["seen"], v["needed"]) for v in account["verdicts"]
        ]
        for account in report["accounts"]
    }


def test_accounts_of_two_files_are_judged_as_those_of_one_scan(apart: Any) -> None:
    whole = judged(apart.read("scan.json"))
    assert {verdict[:2] for verdict in whole["one"]} == {
        ("shared-key", "fail"), ("dead-key", "pass"), ("address-shared", "fail"),
    }  # fmt: skip
    assert judged(evaluated(apart, "all.json")) == whole
    together = evaluated(apart, "mm.json", "otc.json")
    assert judged(together) == whole
    assert together["narrowed"] is None
    assert together["exit_code"] == 1


def test_one_file_alone_says_what_it_was_not_compared_with(apart: Any) -> None:
    alone = evaluated(apart, "mm.json")
    # The key of the account that was left out was read from the environment.
    assert ("shared-key", "fail") in {verdict[:2] for verdict in judged(alone)["one"]}
    assert alone["narrowed"]["comparisons_left_out"] == ["address-shared"]


def test_files_that_do_not_fit_are_refused(apart: Any) -> None:
    twice = apart.run("evaluate", "mm.json", "mm.json", "-p", "policy.yaml")
    assert (twice.code, "the evidence mm.json is named twice" in twice.err) == (2, True)
    overlapping = apart.run("evaluate", "mm.json", "all.json", "-p", "policy.yaml")
    assert overlapping.code == 2
    assert "all.json:1:1: accounts: the account one is in mm.json, too" in overlapping.err
