"""What receivers get: who and which rule, and no value of a key."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.drift.changes import snapshot_of
from gatepolicy.drift.compare import compare
from gatepolicy.model.evidence import CallRecord
from gatepolicy.model.facts import Facts
from gatepolicy.model.scan import AccountResult, ExitCode, Interruption, Scan
from gatepolicy.model.verdicts import Outcome
from gatepolicy.operating.changes import is_changed
from gatepolicy.operating.message import Mood, message_of, message_of_failure
from gatepolicy.operating.news import Deadline, Item, Kind, News, bulletin
from tests.reports.example_scan import (
    WITHDRAW,
    account,
    example_scan,
    failing,
    observed,
    passing,
    scan_of,
    subject,
    verdict,
)
from tests.reports.strategies import HOSTILE, whole_scans

END = Deadline("waiver RISK-7", "", "", date(2026, 12, 1))


def test_a_message() -> None:
    scan = replace(example_scan(), scope="accounts.yaml", drift=None)
    news = bulletin(scan, {}, [END]).news
    message = message_of(scan, news)
    assert message.title == "gatepolicy accounts.yaml: 8 new, 1 expiring"
    assert message.mood is Mood.BAD
    lines = message.body.splitlines()
    assert lines[:14] == [
        "✗ FAIL: 4 violations (2 critical), 1 blocking unknown; 3 of 5 accounts",
        "",
        "New",
        "  critical GP001 withdrawal-enabled (withdraw): mm-gate",
        "  high GP004 permission-not-allowed (loan): vault-bybit",
        "  low GP025 key-name-mismatch: mm-gate",
        "  blocking unknown GP001 withdrawal-enabled (withdraw): 東京-okx-市場",
        "  unknown GP004 permission-not-allowed (trade.options): 東京-okx-市場",
        "  unknown GP004 permission-not-allowed (loan): 東京-okx-市場",
        "  unknown GP020 key-too-old: 東京-okx-市場",
        "  unknown GP031 policy-without-accounts (options-desk)",
        "",
        "Expiring soon",
        "  waiver RISK-7 expires on 2026-12-01",
    ]
    assert any(line.startswith("  funds can leave") for line in lines)
    assert lines[-1].startswith("Exit code 1: ")


def news(kind: Kind, name: str, account: str = "", level: str = "high") -> News:
    return News(kind, name + account, Item(level, "GP001", name, "gate", account))


def test_what_accounts_share_is_told_once() -> None:
    told = [news(Kind.NEW, "withdrawal-enabled", f"mm-{n}") for n in range(8)]
    body = message_of(scan_of(passing()), told).body
    assert "  high GP001 withdrawal-enabled: mm-0, mm-1, mm-2, mm-3, mm-4 and 3 more\n" in body


def test_a_long_list_is_cut() -> None:
    told = [news(Kind.NEW, f"rule-{n}") for n in range(23)]
    lines = message_of(scan_of(passing()), told).body.splitlines()
    assert "  high GP001 rule-19" in lines
    assert "  and 3 more" in lines
    assert "  high GP001 rule-20" not in lines


@pytest.mark.parametrize(
    ("kinds", "scan", "mood"),
    [
        ([Kind.NEW, Kind.FIXED], scan_of(passing()), Mood.BAD),
        ([Kind.WORSE], scan_of(passing()), Mood.BAD),
        ([Kind.NOT_CHECKED], scan_of(passing()), Mood.WARNING),
        ([Kind.EXPIRING], scan_of(passing()), Mood.WARNING),
        ([Kind.FIXED], scan_of(passing()), Mood.GOOD),
        ([Kind.FIXED], scan_of(failing()), Mood.PLAIN),
        ([], scan_of(failing()), Mood.PLAIN),
    ],
)
def test_moods(kinds: list[Kind], scan: Scan, mood: Mood) -> None:
    message = message_of(scan, [news(kind, "x") for kind in kinds])
    assert message.mood is mood
    assert ("no change" in message.title) is (not kinds)


def test_a_scan_that_failed() -> None:
    message = message_of_failure("accounts.yaml\x1b", ExitCode.LOCKED)
    assert message.title == "gatepolicy accounts.yaml\\x1b: the scan failed"
    assert message.body.startswith("The scan of accounts.yaml\\x1b ended with exit code 6: ")
    assert message.mood is Mood.BAD


SECRET = "s3cr3t-of-the-key-0123456789abcdef"


@settings(max_examples=60)
@given(scan=whole_scans(st.one_of(st.text(max_size=8), st.sampled_from(HOSTILE))))
def test_of_any_scan_it_is_printable_and_holds_no_answer(scan: Scan) -> None:
    planted = CallRecord("detail", "GET", "https://api.example.com/x", 200, "", 1, SECRET)
    accounts = [
        AccountResult(replace(one.evidence, calls=(planted,)), one.verdicts)
        for one in scan.accounts
    ]
    scan = replace(scan, accounts=accounts)
    message = message_of(scan, bulletin(scan, {}).news)
    assert message.title.isprintable()
    assert message.body.replace("\n", "").isprintable()
    assert SECRET not in message.title + message.body


def test_what_was_seen_of_a_key_is_not_told() -> None:
    told = replace(verdict(WITHDRAW, Outcome.FAIL, "expected"), seen=SECRET)
    facts = Facts({"key.name": observed(SECRET, "/n")}, {})
    scan = scan_of(account(subject("mm", "gate", 3), facts, (told,)))
    earlier = scan_of(account(subject("mm", "gate", 3), facts, (replace(told, seen="less"),)))
    drift = compare(snapshot_of(earlier), snapshot_of(scan))
    scan = replace(scan, drift=drift)
    message = message_of(scan, bulletin(scan, {}).news)
    assert "withdrawal-enabled" in message.body
    assert SECRET not in message.body


def test_what_is_a_change() -> None:
    scan, other = scan_of(failing()), scan_of(passing("mm-gate"))

    def since(before: Scan) -> Scan:
        return replace(scan, drift=compare(snapshot_of(before), snapshot_of(scan)))

    assert not is_changed(since(scan))
    assert is_changed(since(other))
    assert is_changed(since(scan_of()))
    assert is_changed(scan)
    assert is_changed(replace(since(scan), interrupted_by=Interruption.SIGTERM))
    later = replace(scan, finished_at=scan.finished_at + timedelta(days=1))
    assert not is_changed(replace(later, drift=since(scan).drift))
