"""Whole scans beside earlier ones: what is new, what a key can do that it could not."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
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
    told = (
        "Exit code 0 because of --fail-on-new (command line),"
        " --baseline-hides withdrawal-enabled (command line); else 1"
    )
    assert told in " ".join(hidden.out.split())
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
        (["diff", "--policy", "a", "b"], "--policy and --evidence must be used together"),
        (["evaluate", "new.json", "--fail-on-new"], "need an earlier report"),
        (["evaluate", "new.json", "--baseline", "old.json", "--fail-on-new"], "is evidence"),
        (["evaluate", "new.json", "--baseline", "old-report.json", "--baseline-hides", "nothing"],
         "unknown rule nothing"),
        (["evaluate", "new.json", "--baseline", "gone.json"], "no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(drifting: Any, arguments: list[str], told: str) -> None:
    ended = drifting.run(*arguments)
    assert ended.code == 2
    assert told in ended.err


POLICY_OF_ADDRESSES = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: NAME, title: Addresses}
ip_binding: {within: [WITHIN]}
severity: {ip-outside-allowlist: SEVERITY}
"""


def write_policy(firm: Any, name: str, text: str) -> str:
    (firm.folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return f"{name}.yaml"


def addresses(firm: Any, name: str, severity: str, *within: str) -> str:
    text = POLICY_OF_ADDRESSES.replace("NAME", name).replace("SEVERITY", severity)
    return write_policy(firm, name, text.replace("WITHIN", ", ".join(within)))


def edited(firm: Any, file: str, days: int = 0, /, **facts: object) -> str:
    """The evidence of the safe key with other facts, as if it were collected some days later."""
    data = firm.read("old.json")
    (account,) = data["accounts"]
    for name, value in facts.items():
        fact = name.replace("__", ".")
        if fact == "key.fingerprint":
            # What all accounts together tell is made anew of what was kept for it.
            account["comparison"]["key"]["fingerprint"] = value
            continue
        if value is None:
            account["facts"].pop(fact, None)
            account["unknown"][fact] = "not_disclosed"
            continue
        account["unknown"].pop(fact, None)
        account["unknown_details"].pop(fact, None)
        source = {"call": "config", "pointer": "/x"}
        account["facts"][fact] = {"value": value, "grade": "observed", "source": source}
    when = datetime.fromisoformat(data["collected_at"]) + timedelta(days=days)
    data["collected_at"] = account["collected_at"] = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    (firm.folder / file).write_text(json.dumps(data), encoding="utf-8")
    return file


STRAY = ["203.0.113.10/32", "198.51.100.1/32"]


def since(firm: Any, old: str, new: str, *policies: str) -> Any:
    """A scan that accepts what an earlier one found."""
    named = [part for policy in policies for part in ("-p", policy)]
    firm.run("evaluate", old, *named, "-o", "json=before.json")
    return firm.run("evaluate", new, *named, "--baseline", "before.json", "--fail-on-new")


def test_what_was_there_and_got_worse_fails(drifting: Any) -> None:
    policy = addresses(drifting, "net", "high", "203.0.113.0/28")
    old = edited(drifting, "a.json", ip__allowlist=STRAY)
    anywhere = {"ip__restricted": False, "ip__allowlist": ["0.0.0.0/0"]}
    new = edited(drifting, "b.json", **anywhere, key__fingerprint="ab" * 16 + ":wxyz")
    ended = since(drifting, old, new, policy)
    assert ended.code == 1
    assert "Findings: 1 updated." in ended.out
    assert "ip-binding-weakened (ip.restricted)" in ended.out
    assert "key-replaced (key.fingerprint)" in ended.out


def test_one_more_address_fails_and_one_less_does_not(drifting: Any) -> None:
    policy = addresses(drifting, "net", "high", "203.0.113.0/28")
    old = edited(drifting, "a.json", ip__allowlist=STRAY)
    more = edited(drifting, "b.json", ip__allowlist=[*STRAY, "192.0.2.0/24"])
    assert since(drifting, old, more, policy).code == 1
    back = since(drifting, more, old, policy)
    assert (back.code, "Findings: 1 unchanged." in back.out) == (0, True)


def test_a_key_that_got_a_day_older_is_the_same(drifting: Any) -> None:
    text = OLDER.replace("permissions: {forbid: [withdraw]}", "key: {max_age: 9d}")
    policy = write_policy(drifting, "age", text)
    made = "2026-01-05T09:30:00Z"
    old, new = (edited(drifting, f"day{n}.json", n, key__created_at=made) for n in (-1, 0))
    ended = since(drifting, old, new, policy)
    assert (ended.code, "Findings: 1 unchanged." in ended.out) == (0, True)


def test_what_a_policy_did_not_find_before_fails_though_another_one_did(drifting: Any) -> None:
    mild = addresses(drifting, "mild", "low", "203.0.113.0/28")
    strict = addresses(drifting, "strict", "high", "203.0.113.0/28", "198.51.100.0/24")
    old = edited(drifting, "a.json", ip__allowlist=STRAY)
    new = edited(drifting, "b.json", ip__allowlist=[*STRAY, "192.0.2.7/32"])
    ended = since(drifting, old, new, mild, strict)
    assert ended.code == 1
    assert "Findings: 1 new, 1 updated." in ended.out


def test_a_policy_with_another_name_finds_nothing_new(drifting: Any) -> None:
    old = edited(drifting, "a.json", ip__allowlist=STRAY)
    named, renamed = (addresses(drifting, name, "low", "203.0.113.0/28") for name in ("a", "b"))
    drifting.run("evaluate", old, "-p", named, "-o", "json=before.json")
    options = ("--baseline", "before.json", "--fail-on-new")
    assert drifting.run("evaluate", old, "-p", renamed, *options).code == 0
    heavier = addresses(drifting, "c", "high", "203.0.113.0/28")
    ended = drifting.run("evaluate", old, "-p", heavier, *options)
    assert ended.code == 1
    assert "severity: low before, high now" in ended.out


def test_diff_of_policies_sees_what_an_unknown_means(drifting: Any) -> None:
    evidence = edited(drifting, "u.json", permission__withdraw=None)
    strict = write_policy(drifting, "strict", OLDER)
    loose = write_policy(
        drifting, "loose", f"{OLDER}on_unknown: {{default: incomplete, withdraw: warn}}\n"
    )
    diff = ("diff", "--policy", "--evidence", evidence, "--exit-code")
    for old, new, told in (
        (strict, loose, "on_unknown: block before, warn now"),
        (loose, strict, "on_unknown: warn before, block now"),
    ):
        ended = drifting.run(*diff, old, new)
        assert ended.code == 1
        assert told in ended.out
    assert drifting.run(*diff, strict, strict).code == 0
    found = json.loads(drifting.run(*diff, loose, strict, "-o", "json").out)["found"]
    assert [(f["baseline"], f["baseline_worse"]) for f in found] == [("updated", True)]


def test_diff_of_policies_tells_what_is_asked_otherwise(drifting: Any) -> None:
    evidence = edited(drifting, "k.json", key__created_at="2026-01-05T09:30:00Z")
    short, long = (
        write_policy(
            drifting,
            f"max{days}",
            OLDER.replace(
                "permissions: {forbid: [withdraw]}", f"key: {{max_age: {days}d}}"
            ).replace("name: desk", f"name: desk-{days}"),
        )
        for days in (9, 9000)
    )
    diff = ("diff", "--policy", "--evidence", evidence, short, long, "--exit-code")
    ended = drifting.run(*diff)
    assert ended.code == 1, "what the policy asks no more is no fix"
    assert "GP020 key-too-old: asked otherwise" in ended.out
    assert "before    the key is at most 9 days old" in ended.out
    assert "after     the key is at most 9000 days old" in ended.out
    (absent,) = json.loads(drifting.run(*diff, "-o", "json").out)["absent"]
    assert absent["because"] == "asked otherwise"
    assert absent["expected_now"] == "the key is at most 9000 days old"


def test_a_narrowed_scan_is_compared_with_what_it_selected(firm: Any, clean: Clean) -> None:
    firm.policy = OLDER.replace("permissions:", "key: {unique: true}\npermissions:")
    one = replace(clean(ExchangeId.OKX), account_id="one")
    firm.keys = [
        one,
        replace(one, account_id="two", api_key="another-key", permissions=("withdraw",)),
    ]
    firm.scan("-o", "json=last.json")
    firm.inventory = lambda text: text.replace("env:SIM_TWO_KEY", "env:NOT_SET")
    narrowed = ("--account", "one", "-o", "text", "-o", "json=now.json")
    ended = firm.scan("--baseline", "last.json", *narrowed)
    assert ended.code == 0
    drift = firm.read("now.json")["drift"]
    assert (drift["absent"], drift["changes"]) == ([], [])
    told = firm.run("diff", "last.json", "now.json", "-o", "json").out
    assert json.loads(told)["changes"] == json.loads(told)["absent"] == []
