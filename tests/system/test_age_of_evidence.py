"""Old evidence is told as such, and no report takes the place of what it was made from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
WAIVERS = """\
apiVersion: gatepolicy/v1
kind: Waivers
waivers:
  - id: RISK-1
    rule: withdrawal-enabled
    accounts: [ACCOUNT]
    owner: vault@example.com
    justification: The vault has to withdraw.
    created: 2026-01-01
    expires: 2099-01-01
"""


@pytest.fixture
def dated(firm: Any, clean: Clean) -> Any:
    """Evidence of two accounts that was collected long ago."""
    firm.keys = [clean(ExchangeId.OKX), clean(ExchangeId.BYBIT)]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        firm.run("collect", "-o", "whole.json")
        firm.accounts = [account["id"] for account in firm.read("whole.json")["accounts"]]
        firm.run("collect", "-o", "narrow.json", "--account", firm.accounts[0])
    whole = (firm.folder / "whole.json").read_text(encoding="utf-8")
    day = firm.read("whole.json")["collected_at"][:10]
    (firm.folder / "c.json").write_text(whole.replace(day, "2020-01-01"), encoding="utf-8")
    return firm


def evaluate(firm: Any, *options: str) -> Any:
    return firm.run("evaluate", "c.json", "-p", "policy.yaml", *options)


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("form", ["text", "frameworks"])
def test_the_header_tells_when_the_evidence_was_collected(dated: Any, form: str) -> None:
    ended = evaluate(dated, "--as-of", "2020-01-05T23:59:59Z", "-o", form)
    header = words(ended.out.split("\n\n")[0])
    assert "2020-01-05T23:59:59Z" in header
    assert "evidence of 2020-01-01T" in header
    assert "4 days before" in header
    assert "days old" not in ended.err


def test_evidence_that_is_older_than_a_week_is_incomplete(dated: Any) -> None:
    outputs = ("-o", "text", "-o", "json=r.json", "-o", "sarif=r.sarif")
    at = ("--as-of", "2020-01-09T23:59:59Z")
    ended = evaluate(dated, *at, *outputs)
    assert ended.code == 3
    assert "GP036 evidence-too-old" in words(ended.out)
    assert "2 of 2 accounts were read longer ago" in words(ended.out)
    report = dated.read("r.json")
    assert report["evidence_collected_at"].startswith("2020-01-01T")
    (verdict,) = [one for one in report["general"] if one["rule"] == "GP036"]
    assert (verdict["verdict"], verdict["reason"]) == ("unknown", "stale_evidence")
    (run,) = dated.read("r.sarif")["runs"]
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    notes = [note["descriptor"]["id"] for note in invocation["toolExecutionNotifications"]]
    assert notes.count("stale_evidence") == 1
    assert [one["ruleId"] for one in run["results"]].count("GP036") == 1
    # No policy softens it, and nothing narrows it away.
    policy = dated.policy.replace("default: incomplete", "default: warn")
    (dated.folder / "policy.yaml").write_text(policy, encoding="utf-8")
    assert evaluate(dated, *at, "--skip-rule", "evidence-*").code == 3


def test_evidence_may_be_older_where_the_command_line_says_so(dated: Any) -> None:
    ended = evaluate(dated, "--as-of", "2020-01-09T23:59:59Z", "--max-evidence-age", "2w")
    assert ended.code == 0
    # That is not silent either.
    assert "is 8 days old" in ended.err
    assert "is 8 days old" in words(ended.out)
    at = ("--as-of", "2020-01-02T23:59:59Z")
    assert evaluate(dated, *at, "--max-evidence-age", "24h").code == 3
    assert evaluate(dated, *at, "--max-evidence-age", "2d").code == 0


@pytest.mark.parametrize("age", ["0d", "7", "soon", "-1d", "1.5d", "P7D"])
def test_what_is_no_duration(dated: Any, age: str) -> None:
    ended = evaluate(dated, "--max-evidence-age", age)
    assert ended.code == 2
    assert "such as 7d" in ended.err


def test_one_old_account_makes_evidence_old(dated: Any) -> None:
    whole = dated.read("whole.json")
    (first, second) = whole["accounts"]
    first["collected_at"] = "2020-01-01T00:00:00Z"
    (dated.folder / "c.json").write_text(json.dumps(whole), encoding="utf-8")
    ended = evaluate(dated)
    assert ended.code == 3
    assert f"1 of 2 accounts were read longer ago: {first['id']};" in words(ended.out)
    # What is left out need not be fresh.
    assert evaluate(dated, "--account", second["id"]).code == 0


def test_a_file_that_is_older_than_its_accounts_makes_none_of_them_old(dated: Any) -> None:
    whole = dated.read("whole.json")
    whole["collected_at"] = "2020-01-01T00:00:00Z"
    (dated.folder / "c.json").write_text(json.dumps(whole), encoding="utf-8")
    assert evaluate(dated).code == 0


@pytest.mark.parametrize("place", ["collected_at", "accounts[1].collected_at"])
@pytest.mark.parametrize("command", ["evaluate", "learn", "diff"])
def test_evidence_from_the_future_is_an_error(dated: Any, place: str, command: str) -> None:
    whole = dated.read("whole.json")
    (whole["accounts"][1] if "accounts" in place else whole)["collected_at"] = (
        "2090-01-01T00:00:00Z"
    )
    (dated.folder / "c.json").write_text(json.dumps(whole), encoding="utf-8")
    arguments = {
        "evaluate": ("evaluate", "c.json", "-p", "policy.yaml"),
        "learn": ("learn", "c.json", "--account", dated.accounts[0]),
        "diff": ("diff", "--policy", "policy.yaml", "baseline", "--evidence", "c.json"),
    }
    ended = dated.run(*arguments[command])
    assert ended.code == 2
    assert f"c.json:1:1: {place}: 2090-01-01T00:00:00Z is in the future; check the clo" in ended.err
    assert ended.out == ""


def test_a_report_is_no_evidence(dated: Any) -> None:
    evaluate(dated, "-o", "json=r.json")
    ended = dated.run("evaluate", "r.json", "-p", "policy.yaml")
    assert ended.code == 2
    assert ended.err.startswith("r.json:1:1: this is the report of a scan, not evidence; use a")


def test_a_scan_has_no_evidence(dated: Any) -> None:
    ended = dated.scan("-o", "text", "-o", "json=r.json")
    assert "evidence of" not in ended.out
    assert dated.read("r.json")["evidence_collected_at"] is None


@pytest.mark.parametrize("file", ["c.json", "./c.json", "policy.yaml", "waivers.yaml", "link.json"])
def test_no_report_overwrites_what_it_is_made_from(dated: Any, file: str) -> None:
    (dated.folder / "waivers.yaml").write_text(WAIVERS.replace("ACCOUNT", dated.accounts[0]))
    (dated.folder / "link.json").symlink_to("c.json")
    before = (dated.folder / file).read_bytes()
    ended = evaluate(dated, "-w", "waivers.yaml", "-o", f"json={file}")
    assert ended.code == 2
    assert f"-o json={file} would overwrite" in ended.err
    assert (dated.folder / file).read_bytes() == before


def test_a_scan_does_not_overwrite_the_inventory(dated: Any) -> None:
    for command in (["scan", "-o", "json=accounts.yaml"], ["collect", "-o", "accounts.yaml"]):
        ended = dated.run(*command)
        assert (ended.code, "would overwrite accounts.yaml" in ended.err) == (2, True)
    ended = dated.run("learn", "c.json", "--account", dated.accounts[0], "-o", "c.json")
    assert (ended.code, "would overwrite c.json" in ended.err) == (2, True)


def test_a_report_may_take_the_place_of_the_baseline(dated: Any) -> None:
    evaluate(dated, "-o", "json=r.json")
    assert evaluate(dated, "--baseline", "r.json", "-o", "json=r.json").code != 2
    assert Path(dated.folder / "r.json").exists()


def test_a_narrowed_collection_leaves_waivers_of_other_accounts_alone(dated: Any) -> None:
    (dated.folder / "waivers.yaml").write_text(WAIVERS.replace("ACCOUNT", dated.accounts[1]))
    options = ("-p", "policy.yaml", "-w", "waivers.yaml", "-o", "text", "-o", "json=r.json")
    assert "waiver-unused" in dated.run("evaluate", "whole.json", *options).out
    ended = dated.run("evaluate", "narrow.json", *options)
    assert "waiver-unused" not in ended.out
    assert f"The evidence was collected with --account {dated.accounts[0]}," in words(ended.out)
    assert dated.read("r.json")["narrowed"]["evidence_options"] == [
        f"--account {dated.accounts[0]}"
    ]
