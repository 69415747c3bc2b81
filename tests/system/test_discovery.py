"""Keys that nobody declared, keys without a secret here, keys that are gone, shared keys."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

Clean = Callable[[ExchangeId], SimulatedKey]

POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
permissions: {forbid: [transfer]}
ip_binding: {required: true}
key: {unique: true, declared: true, exists: true}
"""


def key(clean: Clean, letter: str, **changes: Any) -> SimulatedKey:
    """A key of one account on Gate, whose name shows in what Gate masks."""
    return replace(
        clean(ExchangeId.GATE),
        api_key=f"{letter * 12}rest-of-the-key",
        secret=f"not-a-real-secret-{letter}",
        name=f"bot {letter}",
        account="firm",
        account_id=f"bot-{letter}",
        **changes,
    )


def with_auditor(text: str, *audited: str) -> str:
    """The first account discovers; each of the others is known by its key alone."""
    head, _, _ = text.partition('  - id: "bot-b"')
    entries = "".join(
        f"  - id: bot-{entry[0]}\n    exchange: gate\n    key: '{entry}'\n    audited_by: bot-a\n"
        for entry in audited
    )
    return head.rstrip() + "\n    discover: true\n" + entries


def verdicts(report: Any) -> dict[str, dict[str, str]]:
    return {
        account["id"]: {
            verdict["name"]: f"{verdict['verdict']} {verdict['reason'] or ''}".strip()
            for verdict in account["verdicts"]
        }
        for account in report["accounts"]
    }


def test_a_whole_firm_is_scanned_with_one_key(firm: Any, clean: Clean) -> None:
    firm.keys = (
        key(clean, "a"),
        key(clean, "b"),
        key(clean, "c", permissions={"spot": "read-write", "wallet": "read-write"}),
        key(clean, "d", allowed_ips=()),
    )
    firm.policy = POLICY
    firm.inventory = lambda text: with_auditor(
        text, "bbbbbbbbbbbb*****", "ccccccccccccrest-of-the-key", "eeeeeeeeeeee*****"
    )
    report = firm.report()
    found = verdicts(report)
    assert set(found["bot-a"].values()) == {"pass"}
    assert found["bot-b"]["transfer-enabled"] == "pass"
    assert found["bot-b"]["shared-key"] == "unknown not_disclosed"
    assert found["bot-c"]["transfer-enabled"] == "fail"
    assert found["bot-c"]["undeclared-key"] == "pass"
    assert found["bot-e"]["dead-key"] == "fail"
    assert found["bot-e"]["transfer-enabled"] == "unknown bad_key"
    assert list(found)[-1] == "bot-a/key-dddd"
    assert found["bot-a/key-dddd"]["undeclared-key"] == "fail"
    assert found["bot-a/key-dddd"]["ip-unbound"] == "fail"
    assert report["exit_code"] == 1
    text = json.dumps(report)
    assert "rest-of-the-key" not in text
    assert "not-a-real-secret" not in text


def test_evidence_of_a_discovery_is_judged_like_the_scan(firm: Any, clean: Clean) -> None:
    firm.keys = (key(clean, "a"), key(clean, "b"), key(clean, "d"))
    firm.policy = POLICY
    firm.inventory = lambda text: with_auditor(text, "bbbbbbbbbbbb*****")
    scanned = firm.report()
    from gatepolicy.simulator.server import Simulator
    from gatepolicy.simulator.thread import SimulatorThread

    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        assert firm.run("collect", "-o", "evidence.json").code == 0
    evidence = (firm.folder / "evidence.json").read_text(encoding="utf-8")
    assert "rest-of-the-key" not in evidence
    assert "dddddddddddd" not in evidence
    ended = firm.run("evaluate", "evidence.json", "-p", "policy.yaml", "-o", "json=again.json")
    assert ended.code == scanned["exit_code"] == 1
    assert verdicts(firm.read("again.json")) == verdicts(scanned)


def test_an_audited_account_alone_still_asks_its_auditor(firm: Any, clean: Clean) -> None:
    firm.keys = (key(clean, "a"), key(clean, "b"), key(clean, "d"))
    firm.policy = POLICY
    firm.inventory = lambda text: with_auditor(text, "bbbbbbbbbbbb*****")
    report = firm.report("--account", "bot-b")
    assert list(verdicts(report)) == ["bot-b"]
    assert verdicts(report)["bot-b"]["transfer-enabled"] == "pass"


def test_an_auditor_whose_key_may_not_list_leaves_everything_unknown(
    firm: Any, clean: Clean
) -> None:
    firm.keys = (key(clean, "a", permissions={"spot": "read-only"}), key(clean, "b"))
    firm.policy = POLICY
    firm.inventory = lambda text: with_auditor(text, "bbbbbbbbbbbb*****")
    report = firm.report()
    found = verdicts(report)
    assert found["bot-b"]["transfer-enabled"] == "unknown permission_denied"
    assert found["bot-b"]["dead-key"] == "unknown permission_denied"
    assert found["bot-a"]["undeclared-key"] == "unknown permission_denied"
    assert report["exit_code"] != 0


def test_one_key_in_two_accounts_fails_both(firm: Any, clean: Clean) -> None:
    firm.keys = (key(clean, "a"), replace(clean(ExchangeId.OKX), account_id="okx-mm"))
    firm.policy = POLICY

    def twice(text: str) -> str:
        first = text[text.index('  - id: "bot-a"') : text.index('  - id: "okx-mm"')]
        return text + first.replace('"bot-a"', '"bot-a-again"')

    firm.inventory = twice
    found = verdicts(firm.report())
    assert found["bot-a"]["shared-key"] == "fail"
    assert found["bot-a-again"]["shared-key"] == "fail"
    assert found["okx-mm"]["shared-key"] == "pass"


def test_the_plan_shows_the_lists_and_asks_nothing_of_audited_keys(firm: Any, clean: Clean) -> None:
    firm.keys = (key(clean, "a"), key(clean, "b"))
    firm.policy = POLICY
    firm.inventory = lambda text: with_auditor(text, "bbbbbbbbbbbb*****")
    firm.prepare("http://127.0.0.1:9")
    planned = firm.run("scan", "-p", "policy.yaml", "--plan").out
    assert "bot-a  GET http://127.0.0.1:9/api/v4/sub_accounts/{user_id}/keys" in planned
    assert "bot-b  " not in planned
