"""Whole scans with waivers: what is accepted stays in every report."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
TODAY = datetime.now(UTC).date()
WAIVERS = f"""\
apiVersion: gatepolicy/v1
kind: Waivers
waivers:
  - id: RISK-1
    rule: withdrawal-enabled
    accounts: [ACCOUNT]
    owner: vault@example.com
    justification: The vault has to withdraw.
    created: {TODAY - timedelta(days=20)}
    expires: {TODAY + timedelta(days=5)}
"""


@pytest.fixture
def withdrawing(firm: Any, clean: Clean) -> Any:
    """A firm with one key that withdraws; its evidence is collected."""
    firm.keys = [
        replace(clean(ExchangeId.OKX), permissions=("read_only", "trade", "withdraw")),
    ]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        firm.run("collect", "-o", "evidence.json")
    (account,) = firm.read("evidence.json")["accounts"]
    firm.account = account["id"]
    waive(firm, WAIVERS)
    return firm


def waive(firm: Any, text: str) -> None:
    text = text.replace("ACCOUNT", firm.account)
    (firm.folder / "waivers.yaml").write_text(text, encoding="utf-8")


def evaluate(firm: Any, *options: str) -> Any:
    return firm.run("evaluate", "evidence.json", "-p", "policy.yaml", *options)


def test_a_waived_finding_no_longer_fails_and_is_still_there(withdrawing: Any) -> None:
    assert evaluate(withdrawing).code == 1
    ended = evaluate(withdrawing, "-w", "waivers.yaml", "-o", "text", "-o", "json=report.json")
    assert ended.code == 0
    assert "Waived: still failing" in ended.out
    assert "vault@example.com until" in ended.out
    assert "Waivers that expire soon" in ended.out
    report = withdrawing.read("report.json")
    (verdict,) = [v for v in report["accounts"][0]["verdicts"] if v["verdict"] == "waived"]
    assert verdict["waiver"] == {"id": "RISK-1", "underneath": "fail"}
    assert [(w["id"], w["state"], w["findings"]) for w in report["waivers"]] == [
        ("RISK-1", "expiring", 1)
    ]


def test_sarif_for_github_leaves_it_out_and_full_shows_why(withdrawing: Any) -> None:
    options = ("-w", "waivers.yaml", "-o", "sarif=report.sarif")
    evaluate(withdrawing, *options)
    assert "suppressions" not in str(withdrawing.read("report.sarif"))
    evaluate(withdrawing, *options, "--sarif-profile", "full")
    (run,) = withdrawing.read("report.sarif")["runs"]
    (result,) = [result for result in run["results"] if "suppressions" in result]
    (suppression,) = result["suppressions"]
    assert suppression["status"] == "accepted"
    assert suppression["justification"].startswith("The vault has to withdraw. Owner: vault@")
    assert suppression["properties"]["waiver"] == "RISK-1"


def test_an_auditor_sees_it_without_waivers(withdrawing: Any) -> None:
    assert evaluate(withdrawing, "-w", "waivers.yaml", "--no-waivers").code == 1


def test_the_audit_lists_every_waiver(withdrawing: Any) -> None:
    options = ("-w", "waivers.yaml", "--expiring-within", "0")
    assert "RISK-1: active" not in evaluate(withdrawing, *options).out
    assert "RISK-1: active" in evaluate(withdrawing, *options, "--audit-waivers").out


def test_an_expired_waiver_brings_the_finding_back(withdrawing: Any) -> None:
    expired = WAIVERS.replace(str(TODAY + timedelta(days=5)), str(TODAY - timedelta(days=1)))
    waive(withdrawing, expired)
    ended = evaluate(withdrawing, "-w", "waivers.yaml")
    assert ended.code == 1
    assert "withdrawal-enabled" in ended.out
    assert "waiver-expired" in ended.out


def test_a_policy_that_forbids_it(withdrawing: Any) -> None:
    policy = withdrawing.folder / "policy.yaml"
    policy.write_text(policy.read_text() + "waivers: {forbid: [withdrawal-enabled]}\n")
    ended = evaluate(withdrawing, "-w", "waivers.yaml")
    assert ended.code == 1
    assert "waiver-not-allowed" in ended.out


def test_an_unused_one_is_told_unless_the_scan_is_narrowed(withdrawing: Any) -> None:
    waive(withdrawing, WAIVERS.replace("[ACCOUNT]", "[nobody]"))
    assert "waiver-unused" in evaluate(withdrawing, "-w", "waivers.yaml").out
    narrowed = evaluate(withdrawing, "-w", "waivers.yaml", "--rule", "ip-unbound")
    assert "waiver-unused" not in narrowed.out


def test_what_people_said_is_judged_on_the_day_that_is_asked(withdrawing: Any) -> None:
    head = "apiVersion: gatepolicy/v1\nkind: "
    (withdrawing.folder / "policy.yaml").write_text(
        f"{head}Policy\nmetadata: {{name: desk, title: The desk}}\n"
        "account: {two_factor: {attested_within: 180d}}\n"
    )
    day = TODAY + timedelta(days=9)
    (withdrawing.folder / "said.yaml").write_text(
        f"{head}Attestations\nattestations:\n"
        f"  - {{control: two_factor, accounts: ['*'], by: Ada, date: {day}}}\n"
    )
    said = ("--attestations", "said.yaml", "--max-evidence-age", "52w", "--as-of")
    for days, code in ((8, 1), (9, 0), (189, 0), (190, 1)):
        moment = f"{TODAY + timedelta(days=days)}T08:00:00Z"
        assert evaluate(withdrawing, *said, moment).code == code
