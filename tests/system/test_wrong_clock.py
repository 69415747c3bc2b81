"""A scanner whose clock is wrong proves no age: every exchange's answer says what time it is."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

Clean = Callable[[ExchangeId], SimulatedKey]
DAY = timedelta(days=1)
POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
permissions: {forbid: [withdraw]}
key:
  max_age: 3650d
  max_idle: 3650d
on_unknown: {default: warn}
"""
OWN_RULES = """\
rules:
  - id: DESK002
    name: no-withdrawal-yet
    title: No withdrawal before the audit
    severity: high
    why: The auditors come in 2126.
    fix: Make a key without withdrawals.
    condition: "!permission.withdraw && now < timestamp('2126-01-01T00:00:00Z')"
    examples:
      pass:
        - facts: {permission.withdraw: false}
      fail:
        - facts: {permission.withdraw: true}
      unknown:
        - facts: {}
"""


def ahead(key: SimulatedKey, days: float) -> SimulatedKey:
    """A key on an exchange whose date is so many days ahead of this machine's clock."""
    return replace(key, faults=(Fault(kind=FaultKind.DATE, seconds=days * 86_400),))


def verdicts(report: Any) -> dict[str, str]:
    (account,) = report["accounts"]
    return {v["name"]: f"{v['verdict']} {v['reason'] or ''}".strip() for v in account["verdicts"]}


@pytest.mark.parametrize("days", [60, -60, 0.01])
def test_no_age_is_judged_by_a_wrong_clock(firm: Any, clean: Clean, days: float) -> None:
    firm.keys = (ahead(clean(ExchangeId.BYBIT), days),)
    firm.policy = POLICY
    report = firm.report()
    found = verdicts(report)
    assert found["withdrawal-enabled"] == "pass"
    assert found["key-too-old"] == "unknown clock_skew"
    assert report["exit_code"] == 3
    (account,) = report["accounts"]
    assert abs(account["clock_skew_seconds"] - days * 86_400) < 60
    # The moment itself is what the exchange says, whatever time it is.
    assert account["facts"]["key.created_at"]["value"]
    told = [line for line in report["warnings"] if "this machine's clock is" in line]
    assert len(told) == 1


def test_a_clock_that_is_right_judges(firm: Any, clean: Clean) -> None:
    firm.keys = (ahead(clean(ExchangeId.BYBIT), 0.003),)
    firm.policy = POLICY
    report = firm.report()
    assert verdicts(report)["key-too-old"] == "pass"
    assert "clock_skew_seconds" not in report["accounts"][0]
    assert not [line for line in report["warnings"] if "clock" in line]


def test_evidence_keeps_that_the_clock_was_wrong(firm: Any, clean: Clean) -> None:
    firm.keys = (ahead(clean(ExchangeId.BYBIT), 60),)
    firm.policy = POLICY
    scanned = verdicts(firm.report())
    from gatepolicy.simulator.server import Simulator
    from gatepolicy.simulator.thread import SimulatorThread

    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        assert firm.run("collect", "-o", "evidence.json").code == 0
    ended = firm.run("evaluate", "evidence.json", "-p", "policy.yaml", "-o", "json=again.json")
    assert ended.code == 3
    again = firm.read("again.json")
    assert verdicts(again) == scanned
    assert any("this machine's clock is" in line for line in again["warnings"])
    assert json.loads((firm.folder / "evidence.json").read_text())["accounts"][0][
        "clock_skew_seconds"
    ]


def test_rules_of_ones_own_do_not_know_the_time(firm: Any, clean: Clean) -> None:
    firm.keys = (ahead(clean(ExchangeId.BYBIT), 60),)
    firm.policy = POLICY + OWN_RULES
    found = verdicts(firm.report())
    assert found["no-withdrawal-yet"] == "unknown clock_skew"


def test_a_danger_needs_no_clock(firm: Any, clean: Clean) -> None:
    firm.keys = (
        ahead(replace(clean(ExchangeId.BYBIT), permissions=frozenset({"Wallet.Withdraw"})), 60),
    )
    firm.policy = POLICY + OWN_RULES
    found = verdicts(firm.report())
    assert found["withdrawal-enabled"] == "fail"
    assert found["no-withdrawal-yet"] == "fail"
