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
    assert "unsupported_exchange on bitmart" in scanned
    assert f"IP whitelist filled (on BitMart: {MENU})" in scanned
    assert f"say so with 'gatepolicy attest'. On BitMart: {MENU}." in scanned


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
    assert run("collect", "-i", "accounts.yaml", "-o", "evidence.json").code == 0
    ended = run("evaluate", "evidence.json", "-p", "desk.yaml")
    assert f"'gatepolicy attest'. On BitMart: {MENU}." in " ".join(ended.out.split())
    assert "GP052" in scanned
