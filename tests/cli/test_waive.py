"""``gatepolicy waive`` adds what the scan then takes."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatepolicy.cli.main import cli
from gatepolicy.rules.catalog import load_rules
from gatepolicy.waivers.waiver import load_waivers
from tests.cli.conftest import Run

SAID = (
    "--rule", "GP021", "--account", "mm", "--owner", "desk@example.com",
    "--justification", "Kept for the yearly audit.", "--expires", "30",
)  # fmt: skip


def test_a_waiver_is_added(run: Run, tmp_path: Path) -> None:
    first = run("waive", *SAID)
    assert first.code == 0
    assert re.fullmatch(r"waivers.yaml: W-1 waives GP021 until \d{4}-\d\d-\d\d\n", first.err), (
        first.err
    )
    assert run("waive", *SAID, "--subject", "x", "--only-unknown").code == 0
    rules = load_rules()
    one, two = load_waivers([str(tmp_path / "waivers.yaml")], rules)
    assert (one.terms.id, two.terms.id) == ("W-1", "W-2")
    assert one.terms.rule == "key-idle"
    assert one.terms.expires - one.terms.created == timedelta(days=30)
    assert one.terms.created <= datetime.now(UTC).date()
    assert (two.subject, two.only_unknown) == ("x", True)
    assert run("check", "-w", "waivers.yaml").code == 0


def test_without_a_terminal_nothing_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run("waive", "--rule", "GP021")
    assert ended.code == 2
    assert ended.err == (
        "error: not given: --account, --owner, --justification, --expires\n"
        "hint: pass them as options, or run it in a terminal\n"
    )


def test_what_is_no_waiver_is_not_written(run: Run, tmp_path: Path) -> None:
    ended = run("waive", *SAID, "--expires", "yesterday")
    assert ended.code == 2
    assert "waivers.yaml:" in ended.err
    assert not (tmp_path / "waivers.yaml").exists()


WITHDRAWS = (
    "waive", "--rule", "withdrawal-enabled", "--account", "okx-main", "--owner", "d@example.com",
    "--justification", "Needs to withdraw for some time.", "--expires",
)  # fmt: skip


def test_what_the_policies_of_the_project_do_not_allow_is_not_written(
    run: Run, tmp_path: Path
) -> None:
    assert run("init", "--exchange", "okx", "--egress", "203.0.113.0/28").code == 0
    before = (tmp_path / "waivers.yaml").read_text()
    ended = run(*WITHDRAWS, "3000-01-01")
    assert ended.code == 2
    assert re.fullmatch(
        r"error: waivers.yaml: the new entry: policy okx-desk does not allow waiving"
        r" withdrawal-enabled \(.*market-making:35:3\)\nhint: .*\n",
        ended.err,
    ), ended.err
    long = ("--rule", "ip-unbound", "--account", "okx-main", *SAID[4:])
    ended = run("waive", *long, "--expires", "91")
    assert ended.code == 2
    assert "for 91 days, at most for 90" in ended.err
    assert (tmp_path / "waivers.yaml").read_text() == before
    assert run("waive", *long, "--expires", "90").code == 0


def test_policies_that_are_named_are_asked_too(run: Run) -> None:
    assert run(*WITHDRAWS, "9", "-p", "baseline").code == 2
    assert run(*WITHDRAWS, "9").code == 0


def test_a_rule_of_a_policy_is_waived(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "apiVersion: gatepolicy/v1\nkind: Policy\nmetadata: {name: p, title: T}\nrules:\n"
        "  - {id: DESK1, name: no-name, title: It has a name, severity: low,"
        " why: A name tells what a key is for., fix: Give the key a name.,"
        " condition: key.name != '', examples: {pass: [{facts: {key.name: a}}],"
        " fail: [{facts: {key.name: ''}}], unknown: [{facts: {}}]}}\n"
    )
    said = ("--rule", "no-name", *SAID[2:])
    assert run("waive", *said).code == 2
    assert run("waive", *said, "-p", "p.yaml").code == 0


def test_check_tells_waivers_that_the_policies_do_not_allow(run: Run, tmp_path: Path) -> None:
    assert run("init", "--exchange", "okx", "--egress", "203.0.113.0/28").code == 0
    assert run(*WITHDRAWS, "3000-01-01", "--account", "okx-main", "--policy", "x.yaml").code == 2
    assert run("check").code == 0
    text = (tmp_path / "waivers.yaml").read_text().replace("waivers: []", """\
waivers:
  - id: W-1
    rule: withdrawal-enabled
    accounts: [okx-main]
    owner: desk@example.com
    justification: Needs to withdraw for some time.
    created: 2026-01-01
    expires: 3000-01-01""")  # fmt: skip
    (tmp_path / "waivers.yaml").write_text(text)
    ended = run("check")
    assert ended.code == 2
    assert "W-1: policy okx-desk does not allow waiving withdrawal-enabled" in ended.err
    (tmp_path / "accounts.yaml").write_text("kind: [")
    both = run("check").err
    assert "W-1: policy okx-desk does not allow" in both
    assert "accounts.yaml:" in both


def test_one_file_at_a_time(run: Run) -> None:
    assert run("waive", "-w", "a.yaml", "-w", "b.yaml", *SAID).code == 2


def test_a_broken_file_of_waivers_stops_every_scan(run: Run, tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("kind: [")
    ended = run("check", "-w", "waivers.yaml")
    assert ended.code == 2
    assert ended.err.startswith("waivers.yaml:2:1: ")


def test_the_help_says_what_is_asked() -> None:
    assert "--justification" in CliRunner().invoke(cli, ["waive", "--help"]).output
