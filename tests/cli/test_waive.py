"""``gatepolicy waive`` adds what the scan then takes."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatepolicy.cli.main import cli
from gatepolicy.rules.catalog import load_rules
from gatepolicy.waivers.load import load_waivers
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
        "hint: say them, or run it on a terminal\n"
    )


def test_what_is_no_waiver_is_not_written(run: Run, tmp_path: Path) -> None:
    ended = run("waive", *SAID, "--expires", "yesterday")
    assert ended.code == 2
    assert "waivers.yaml:" in ended.err
    assert not (tmp_path / "waivers.yaml").exists()


def test_one_file_at_a_time(run: Run) -> None:
    assert run("waive", "-w", "a.yaml", "-w", "b.yaml", *SAID).code == 2


def test_a_broken_file_of_waivers_stops_every_scan(run: Run, tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("kind: [")
    ended = run("check", "-w", "waivers.yaml")
    assert ended.code == 2
    assert ended.err.startswith("waivers.yaml:2:1: ")


def test_the_help_says_what_is_asked() -> None:
    assert "--justification" in CliRunner().invoke(cli, ["waive", "--help"]).output
