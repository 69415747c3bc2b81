"""CSV: one line for each row, everything there, and no cell that a spreadsheet computes."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.model.facts import FACTS, Access, Facts, Grant, Reason
from gatepolicy.model.scan import Scan, finding_identity
from gatepolicy.model.verdicts import Outcome
from gatepolicy.reports.csv_report import (
    FACT_COLUMNS,
    VERDICT_COLUMNS,
    render_csv,
    render_facts_csv,
    safe_cell,
)
from tests.reports.example_scan import (
    WITHDRAW,
    account,
    example_scan,
    failing,
    observed,
    rest_unknown,
    scan_of,
    subject,
    verdict,
)
from tests.reports.strategies import scans


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def verdict_rows(scan: Scan) -> list[dict[str, str]]:
    return rows("".join(render_csv(scan)))


def fact_rows(scan: Scan) -> list[dict[str, str]]:
    return rows("".join(render_facts_csv(scan)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a=b", "a=b"),
        ("2026-11-23", "2026-11-23"),
        ('=HYPERLINK("https://evil.example","x")', '\'=HYPERLINK("https://evil.example","x")'),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("'=1", "''=1"),
        ('"=1', "'\"=1"),
        ("＝1", "'＝1"),
        ("\t=1", "\\x09=1"),
        ("\r\n=1", "\\x0d\\x0a=1"),
    ],
)
def test_a_cell(text: str, expected: str) -> None:
    assert safe_cell(text) == expected


FORMULAS = st.one_of(
    st.sampled_from(["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", ' ="x"', "a,=1", '",=1']),
    st.text("=+-@\t\r\n ,\"';a", max_size=6),
)


@given(scan=scans(FORMULAS))
def test_no_cell_of_any_scan_is_a_formula(scan: Scan) -> None:
    for text in ("".join(render_csv(scan)), "".join(render_facts_csv(scan))):
        lines = text.splitlines()
        found = rows(text)
        assert len(found) == len(lines) - 1
        for row in found:
            assert None not in row
            for cell in row.values():
                assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}


@given(scan=scans())
def test_every_verdict_is_a_row(scan: Scan) -> None:
    found = verdict_rows(scan)
    judged = [row for row in found if row["verdict"] != "not_checked"]
    assert [row["verdict"] for row in judged] == [v.outcome.value for v in scan.verdicts()]
    assert len(found) - len(judged) == sum(not one.verdicts for one in scan.accounts)


@given(scan=scans())
def test_every_fact_is_a_row(scan: Scan) -> None:
    found = fact_rows(scan)
    assert len(found) == len(FACTS) * len(scan.accounts)
    known = sum(len(one.evidence.facts.known) for one in scan.accounts)
    assert sum(row["known"] == "known" for row in found) == known


def test_columns() -> None:
    assert "".join(render_csv(scan_of())) == ",".join(VERDICT_COLUMNS) + "\n"
    assert "".join(render_facts_csv(scan_of())) == ",".join(FACT_COLUMNS) + "\n"


def test_a_row_of_a_verdict() -> None:
    assert verdict_rows(example_scan())[0] == {
        "scanned_at": "2026-11-23T16:00:02Z",
        "account": "mm-gate",
        "exchange": "gate",
        "owner": "treasury",
        "rule": "GP001",
        "name": "withdrawal-enabled",
        "subject": "withdraw",
        "verdict": "fail",
        "severity": "critical",
        "on_unknown": "incomplete",
        "reason": "",
        "expected": "the key cannot withdraw funds",
        "seen": "it can",
        "needed": "",
        "policy": "baseline",
        "policy_file": "policies/baseline.yaml",
        "policy_line": "9",
        "waiver": "",
        "waived_by": "",
        "waived_until": "",
        "inventory_file": "conf/accounts.yaml",
        "inventory_line": "3",
        "finding": finding_identity("GP001", "gate", "mm-gate", "withdraw"),
    }


def test_a_waived_verdict_names_its_waiver() -> None:
    (row,) = [row for row in verdict_rows(example_scan()) if row["verdict"] == "waived"]
    assert [row[name] for name in ("waiver", "waived_by", "waived_until")] == [
        "RISK-7",
        "custody@example.com",
        "2026-11-15",
    ]


def test_a_verdict_about_the_scan_has_no_account() -> None:
    row = verdict_rows(example_scan())[-1]
    assert (row["account"], row["inventory_file"], row["rule"]) == ("", "", "GP031")


def test_an_unknown_has_its_reason() -> None:
    reasons = {row["reason"] for row in verdict_rows(example_scan()) if row["verdict"] == "unknown"}
    assert reasons == {"not_disclosed", "not_verifiable", "ip_refused", "not_covered"}


def test_an_account_about_which_nothing_was_asked_is_a_row() -> None:
    scan = scan_of(account(subject("idle", "gate", 3, "desk"), Facts(), ()))
    (row,) = verdict_rows(scan)
    assert {name: text for name, text in row.items() if text} == {
        "scanned_at": "2026-11-23T16:00:02Z",
        "account": "idle",
        "exchange": "gate",
        "owner": "desk",
        "verdict": "not_checked",
        "needed": "nothing was checked",
        "inventory_file": "conf/accounts.yaml",
        "inventory_line": "3",
    }


def test_rows_of_facts() -> None:
    found = {row["fact"]: row for row in fact_rows(scan_of(failing()))}
    assert found["permission.withdraw"] == {
        "collected_at": "2026-11-23T16:00:01.250000Z",
        "account": "mm-gate",
        "exchange": "gate",
        "owner": "treasury",
        "fact": "permission.withdraw",
        "known": "known",
        "value": "true",
        "grade": "observed",
        "reason": "",
        "detail": "",
        "call": "account_detail",
        "pointer": "/perms/1",
        "reference": "",
        "scanned_at": "2026-11-23T16:00:02Z",
    }
    assert found["permissions.native"]["value"] == "spot (read-write); withdraw"
    assert found["ip.restricted"]["value"] == "false"
    assert found["ip.allowlist"]["value"] == "203.0.113.0/28; 2001:db8::/32"
    assert found["key.created_at"]["value"] == "2026-01-05T09:30:00Z"
    assert found["key.last_used_at"]["value"] == "never"
    assert found["key.expires_at"]["known"] == "unknown"
    assert found["key.expires_at"]["reason"] == "not_disclosed"


def test_a_fact_that_nobody_tells_is_no_row() -> None:
    only = Facts({"key.name": observed("bot", "/name")}, {})
    scan = scan_of(account(subject("mm", "gate", 3), only, ()))
    assert [row["fact"] for row in fact_rows(scan)] == ["key.name"]


def test_a_formula_in_the_name_of_a_key() -> None:
    facts = rest_unknown(
        {
            "key.name": observed("=cmd|'/c calc'!A1", "/name"),
            "permissions.native": observed((Grant("-1", Access.UNKNOWN),), "/perms"),
        }
    )
    told = replace(verdict(WITHDRAW, Outcome.FAIL, "a", "b"), subject="=1", reason=None)
    scan = scan_of(account(subject("@mm", "gate", 3), facts, (told,)))
    (row,) = verdict_rows(scan)
    assert (row["account"], row["subject"]) == ("'@mm", "'=1")
    found = {row["fact"]: row["value"] for row in fact_rows(scan)}
    assert found["key.name"] == "'=cmd|'/c calc'!A1"
    assert found["permissions.native"] == "'-1 (unknown)"
    assert Reason.NOT_DISCLOSED in {row["reason"] for row in fact_rows(scan)}
