"""An inventory that is collected in parts, by egress and by shard, is judged as a whole."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gatepolicy.accounts.egress import shard_of
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.inventory import environment
from gatepolicy.simulator.keys import ExchangeId
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

NOW = datetime.now(UTC)
POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: firm, title: The firm}
key: {unique: true, exists: true}
permissions: {forbid: [withdraw]}
ip_binding: {separate_by: [desk]}
"""
PROJECT = """\
apiVersion: gatepolicy/v1
kind: Project
egresses:
  tokyo: {addresses: [203.0.113.0/28], labels: {site: tokyo}}
  london: {addresses: [198.51.100.7]}
"""
IDS = tuple(f"account-{number}" for number in range(8))
BY_EGRESS = ("tokyo.json", "london.json", "rest.json")
SHARDS = tuple(f"shard-{number}.json" for number in (1, 2, 3))


def with_egresses(text: str) -> str:
    """The last two accounts leave through London; those of Tokyo have its label."""
    entries = text.split("\n  - id: ")
    named = [*entries[:-2], *(f"{entry.rstrip()}\n    egress: london" for entry in entries[-2:])]
    return "\n  - id: ".join(named) + "\n"


@pytest.fixture
def apart(firm: Any) -> Any:
    """Eight accounts on three desks and two exchanges, collected as a whole and in parts."""
    firm.policy = POLICY
    sites: tuple[dict[str, str], ...] = ({"site": "tokyo"}, {"site": "tokyo"}, {}, {})
    firm.keys = [
        replace(
            clean_key((ExchangeId.OKX, ExchangeId.BYBIT)[number % 2], number, NOW),
            account_id=name,
            labels={"desk": "abc"[number % 3], **sites[number % 4]},
        )
        for number, name in enumerate(IDS)
    ]
    firm.inventory = with_egresses
    (firm.folder / "gatepolicy.yaml").write_text(PROJECT, encoding="utf-8")
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        assert firm.run("collect", "-o", "whole.json").code == 0
        for number, file in enumerate(SHARDS, start=1):
            both = ("-o", file, "--journal", file.replace(".json", ".jsonl"))
            assert firm.run("collect", *both, "--shard", f"{number}/3").code == 0
        for egress, file in zip(("tokyo", "london", "none"), BY_EGRESS, strict=True):
            assert firm.run("collect", "-o", file, "--egress", egress).code == 0
    return firm


def report(firm: Any, *files: str, code: int = 1) -> Any:
    ended = firm.run("evaluate", *files, "-p", "policy.yaml", "-o", "json=report.json", "-q")
    assert ended.code == code, ended.err
    return firm.read("report.json")


def judged(report: Any) -> Any:
    """A report without the times of its collection."""
    accounts = [{k: v for k, v in a.items() if k != "collected_at"} for a in report["accounts"]]
    return accounts, report["summary"], report["narrowed"], report["policies"]


def test_parts_give_the_report_of_the_whole(apart: Any) -> None:
    whole = judged(report(apart, "whole.json"))
    assert [account["id"] for account in whole[0]] == list(IDS)
    assert judged(report(apart, *reversed(SHARDS))) == whole
    assert judged(report(apart, *BY_EGRESS)) == whole
    ids = [a["id"] for file in SHARDS for a in apart.read(file)["accounts"]]
    assert sorted(ids) == list(IDS)
    assert all(len(apart.read(file)["accounts"]) < len(IDS) for file in SHARDS)
    for order in (SHARDS, SHARDS[::-1]):
        assert apart.run("merge", *order, "-o", f"merged-{order[0]}").code == 0
    assert apart.read(f"merged-{SHARDS[0]}") == apart.read(f"merged-{SHARDS[2]}")
    assert judged(report(apart, f"merged-{SHARDS[0]}")) == whole


def test_accounts_of_a_missing_part_are_unknown(apart: Any) -> None:
    missing = [name for name in IDS if shard_of_account(apart, name) == 2]
    for files in (SHARDS[::2], ("merged.json",)):
        if files == ("merged.json",):
            merged = apart.run("merge", *SHARDS[::2], "-o", "merged.json")
            assert merged.code == 3
            assert merged.err.startswith("warning: shard 2/3 is missing: ")
        found = report(apart, *files, code=1)
        assert [account["id"] for account in found["accounts"]] == list(IDS)
        unread = [a for a in found["accounts"] if a["id"] in missing]
        assert len(unread) == len(missing) > 0
        for account in unread:
            verdicts = [v for v in account["verdicts"] if v["verdict"] != "unknown"]
            assert verdicts == []
            assert {v["reason"] for v in account["verdicts"]} == {"not_collected"}
            assert account["verdicts"][0]["needed"] == (
                "shard 2/3 is missing; collect the missing part, and evaluate all parts together"
            )
        # What they share with the others is unknown, and nobody chose to leave that out.
        assert found["narrowed"] is None
        read = [v for a in found["accounts"] if a["id"] not in missing for v in a["verdicts"]]
        assert not any(v["name"] == "shared-key" and v["verdict"] == "pass" for v in read)


def shard_of_account(firm: Any, name: str) -> int:
    key = next(key for key in firm.keys if key.account_id == name)
    return shard_of(key.exchange.value, name, 3)


def test_a_missing_part_is_incomplete_and_a_whole_is_not(apart: Any) -> None:
    harmless = POLICY[: POLICY.index("key:")] + (
        "permissions: {forbid: [withdraw]}\n"
        # Whatever a policy makes of an unknown: what was not read is incomplete.
        "on_unknown: {default: warn, withdraw: warn}\n"
    )
    (apart.folder / "policy.yaml").write_text(harmless, encoding="utf-8")
    report(apart, *BY_EGRESS, code=0)
    for absent, egress in zip(BY_EGRESS, ("tokyo", "london", "none"), strict=True):
        files = [file for file in BY_EGRESS if file != absent]
        warned = f"warning: egress {egress} is missing: "
        ended = apart.run("evaluate", *files, "-p", "policy.yaml")
        assert (ended.code, warned in ended.out + ended.err) == (3, True), ended
    # One part alone is not the whole either.
    report(apart, SHARDS[0], code=3)


def test_nothing_of_other_parts_is_read(apart: Any) -> None:
    london = [key for key in apart.keys if key.account_id in IDS[-2:]]
    for name in environment([key for key in apart.keys if key not in london]):
        apart.monkeypatch.delenv(name)
    with SimulatorThread(Simulator(apart.keys)) as simulator:
        file = apart.folder / "accounts.yaml"
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"http://127.0.0.1:\d+", simulator.url, text), encoding="utf-8")
        ended = apart.run("collect", "--egress", "london", "--show-references", "-o", "again.json")
    assert ended.code == 0
    read = {line.split()[4] for line in ended.err.splitlines() if line.startswith("reference: ")}
    assert read == {f"env:{name}" for name in environment(london)}, ended.err
    assert [account["id"] for account in apart.read("again.json")["accounts"]] == list(IDS[-2:])


def test_parts_that_do_not_fit_are_refused(apart: Any) -> None:
    def refusal(*files: str) -> str:
        merged = apart.run("merge", *files, "-o", "merged.json")
        assert (merged.code, (apart.folder / "merged.json").exists()) == (2, False)
        judged = apart.run("evaluate", *files, "-p", "policy.yaml")
        assert "whole.json" in files or (judged.code, judged.err) == (2, merged.err)
        return str(merged.err)

    def changed(file: str, **values: Any) -> str:
        data = apart.read(SHARDS[1]) | values
        (apart.folder / file).write_text(json.dumps(data), encoding="utf-8")
        return file

    assert "shard 1/3 is in shard-1.json, too" in refusal(
        SHARDS[0], changed("a.json", **apart.read(SHARDS[0]))
    )
    assert "b.json:1:1: inventory_digest: a part of another inventory than shard-1.json" in refusal(
        SHARDS[0], changed("b.json", inventory_digest="0" * 64)
    )
    assert "c.json:1:1: catalog_digest: read with another exchange catalog" in refusal(
        SHARDS[0], changed("c.json", catalog_digest="0" * 64)
    )
    assert "d.json:1:1: tool.version: collected by gatepolicy 0.0.1, and" in refusal(
        SHARDS[0], changed("d.json", tool={"name": "gatepolicy", "version": "0.0.1"})
    )
    assert "e.json:1:1: fingerprint_check: its fingerprints have another key" in refusal(
        SHARDS[0], changed("e.json", fingerprint_check="0" * 32)
    )
    assert "shard 2/4 does not fit shard-1.json, which has a shard of 3" in refusal(
        SHARDS[0], changed("f.json", parts=[{"egress": "", "shard": 2, "of": 4}])
    )
    overlapping = refusal(SHARDS[0], BY_EGRESS[0])
    assert re.search(
        r"tokyo.json:1:1: accounts: the account \S+ is in shard-1.json, too", overlapping
    )
    assert "so it is no part" in refusal("whole.json", SHARDS[0])
    impossible = refusal(changed("g.json", parts=[{"egress": "", "shard": 4, "of": 3}]))
    assert "parts[0].shard: there are only 3 shards" in impossible


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--egress", "tokio"), "undeclared egress tokio\nhint: did you mean tokyo?"),
        (("--egress", "nowhere"), "the project declares tokyo, london"),
        (("--shard", "0/3"), "'0/3' is not a shard; write its number and their count"),
        (("--shard", "4/3"), "'4/3' is not a shard"),
        (("--shard", "1/2", "--account", "account-1"), "cannot be combined with --account"),
    ],
)  # fmt: skip
def test_slips_are_refused(firm: Any, arguments: tuple[str, ...], message: str) -> None:
    firm.keys = [replace(clean_key(ExchangeId.OKX, 1, NOW), account_id="account-1")]
    (firm.folder / "gatepolicy.yaml").write_text(PROJECT, encoding="utf-8")
    firm.prepare("http://127.0.0.1:9")
    ended = firm.run("collect", *arguments, "-o", "e.json")
    assert (ended.code, firm.written()) == (2, ["gatepolicy.yaml"])
    assert message in ended.err


def test_an_egress_that_no_account_uses_is_a_slip_and_an_empty_shard_is_none(firm: Any) -> None:
    firm.keys = [replace(clean_key(ExchangeId.OKX, 1, NOW), account_id="account-1")]
    (firm.folder / "gatepolicy.yaml").write_text(PROJECT, encoding="utf-8")
    firm.prepare("http://127.0.0.1:9")
    unused = firm.run("collect", "--egress", "london", "-o", "e.json")
    assert (unused.code, "--egress london: no account uses it" in unused.err) == (2, True)
    assert "hint: accounts use none" in unused.err
    empty = 2 if shard_of("okx", "account-1", 2) == 1 else 1
    assert firm.run("collect", "--shard", f"{empty}/2", "-o", "e.json").code == 0
    assert firm.read("e.json")["accounts"] == []


def verdicts_of(report: Any) -> Any:
    return [(account["id"], account["verdicts"]) for account in report["accounts"]]


def test_a_part_that_was_killed_is_merged_from_its_journal(apart: Any) -> None:
    whole = verdicts_of(report(apart, *BY_EGRESS))
    with SimulatorThread(Simulator(apart.keys)) as simulator:
        file = apart.folder / "accounts.yaml"
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"http://127.0.0.1:\d+", simulator.url, text), encoding="utf-8")
        for number, shard in enumerate(SHARDS[1:], start=2):
            apart.run("collect", "-o", shard, "--shard", f"{number}/3")
        assert apart.run("collect", "--journal", "j", "--shard", "1/3").code == 0
        assert verdicts_of(report(apart, "j", *SHARDS[1:])) == whole
        assert apart.run("merge", "j", *SHARDS[1:], "-o", "merged.json").code == 0
        journal = apart.folder / "j"
        lines = journal.read_bytes().splitlines(keepends=True)
        first = next(n for n, line in enumerate(lines) if line.startswith(b'{"account"'))
        journal.write_bytes(b"".join(lines[: first + 1]))
        kept = json.loads(lines[first])["account"]["id"]
        killed = report(apart, "j", *SHARDS[1:])
        ids = [a["id"] for a in killed["accounts"]]
        unread = [a["id"] for a in killed["accounts"] if a["unknown"].get("key.exists")]
        assert ids == list(IDS)
        lost = [name for name in IDS if shard_of_account(apart, name) == 1 and name != kept]
        assert unread == lost != []
        other = apart.run("collect", "--resume", "j", "--shard", "2/3")
        assert "begun with another selection of accounts" in other.err
        assert apart.run("collect", "--resume", "j", "--shard", "1/3").code == 0
        assert verdicts_of(report(apart, "j", *SHARDS[1:])) == whole


def test_journals_of_parts_are_judged_as_their_evidence(apart: Any) -> None:
    whole = judged(report(apart, "whole.json"))
    journals = [file.replace(".json", ".jsonl") for file in SHARDS]
    assert judged(report(apart, *journals)) == whole
    assert apart.run("merge", *journals, "-o", "merged.json").code == 0
    assert judged(report(apart, "merged.json")) == whole
    merged = apart.run("merge", *journals[1:], "-o", "merged.json")
    assert (merged.code, "shard 1/3 is missing" in merged.err) == (3, True)
