"""Exchanges that nobody can ask: what reports tell about them."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

MENU = "profile icon → API Management"
POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: Desk}
extends: [bitmart-market-making]
account: {settings: {attested_within: 90d}}
"""


@pytest.fixture
def scanned(run: Run, tmp_path: Path) -> str:
    """The text report of a scan of one account on BitMart; JSON and SARIF lie beside it."""
    (tmp_path / "desk.yaml").write_text(POLICY)
    (tmp_path / "accounts.yaml").write_text(
        "apiVersion: gatepolicy/v1\nkind: Inventory\naccounts:\n"
        "  - {id: mm, exchange: bitmart, credentials: {apiKey: env:NOT_READ}}\n"
    )
    outputs = ("-o", "text", "-o", "json=report.json", "-o", "sarif=report.sarif")
    ended = run("scan", "-p", "desk.yaml", "-i", "accounts.yaml", *outputs)
    assert ended.err == ""
    return " ".join(ended.out.split())


def test_text_tells_where_to_look(scanned: str) -> None:
    assert "? unsupported_exchange bitmart" in scanned
    assert f"IP whitelist set (on BitMart: {MENU})" in scanned
    assert f"confirm it with 'gatepolicy attest'. On BitMart: {MENU}." in scanned


@pytest.mark.usefixtures("scanned")
def test_json_tells_the_fixes(tmp_path: Path) -> None:
    rules = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["rules"]
    fixes = {rule["id"]: rule["fix"] for rule in rules}
    assert fixes["GP010"]["bitmart"].endswith("into its IP whitelist.")
    assert fixes["GP020"]["bitmart"] == f"{fixes['GP020']['default']} On BitMart: {MENU}."
    assert "bitmart" not in fixes["GP040"]
    assert "coinstore" not in fixes["GP010"]


@pytest.mark.usefixtures("scanned")
def test_sarif_tells_the_fixes_in_its_help(tmp_path: Path) -> None:
    log = json.loads((tmp_path / "report.sarif").read_text(encoding="utf-8"))
    helps = {r["id"]: r["help"]["text"] for r in log["runs"][0]["tool"]["driver"]["rules"]}
    assert "Fix on bitmart: Profile icon → API Management: enter the addresses" in helps["GP010"]
    assert f"On BitMart: {MENU}." in helps["GP020"]


def test_evidence_is_judged_with_the_same_fixes(run: Run, scanned: str) -> None:
    assert run("collect", "-i", "accounts.yaml", "-o", "evidence.json").code == 4
    ended = run("evaluate", "evidence.json", "-p", "desk.yaml")
    assert f"'gatepolicy attest'. On BitMart: {MENU}." in " ".join(ended.out.split())
    assert "GP052" in scanned


BY_HAND = """\
apiVersion: gatepolicy/v1
kind: Inventory
accounts:
  - {id: mm, exchange: bitmart}
  - {id: bot, exchange: gate, credentials: {apiKey: env:KEY, secret: env:SECRET}}
"""


def test_check_says_calmly_that_people_have_to_look(run: Run, tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text(BY_HAND)
    ended = run("check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[1:] == [
        "ok  accounts.yaml (2 accounts)",
        "note  accounts.yaml:4:5: mm: bitmart can only be checked by attestations",
    ]
    assert run("check", "-q").out == ""


def test_a_scan_of_an_account_without_credentials(run: Run, tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text(BY_HAND)
    ended = run("scan", "--account", "mm", "-p", "market-making")
    assert ended.code == 1
    assert "? unsupported_exchange  bitmart " in ended.out
    assert run("scan", "--plan", "-p", "market-making").code == 0


def test_check_tells_what_no_scan_could_ask(run: Run, tmp_path: Path) -> None:
    text = BY_HAND.replace("bitmart}", "krakn, credentials: {apiKey: env:KEY}}")
    (tmp_path / "accounts.yaml").write_text(text)
    ended = run("check")
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("accounts.yaml:4:24: accounts[0].exchange: unknown exchange")
    assert "did you mean kraken?" in ended.err
    told = run("scan", "--account", "mm", "-p", "market-making")
    assert told.code == 1
    assert "? unsupported_exchange  krakn " in told.out
