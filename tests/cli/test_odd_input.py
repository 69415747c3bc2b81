"""What no command can use is told with a hint: nothing that a user says is an internal error."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

LONG = "x" * 5000
WAIVE = (
    "waive", "--rule", "key-idle", "--account", "mm", "--owner", "desk@example.com",
    "--justification", "Kept for the yearly audit.", "--expires",
)  # fmt: skip
INIT = ("init", "--exchange", "okx", "--egress", "203.0.113.0/28", "--folder")


@pytest.mark.parametrize("days", ["99999999", "9" * 30, "9" * 5000])
def test_more_days_than_a_calendar_has(run: Run, tmp_path: Path, days: str) -> None:
    ended = run(*WAIVE, days)
    assert ended.code == 2
    assert ended.err.endswith(
        "days from today is not a valid date\nhint: use a date such as 2026-12-31, or fewer days\n"
    )
    assert not (tmp_path / "waivers.yaml").exists()


@pytest.mark.parametrize(
    "days", ["²", "٣", "-3", "0000-01-01", "10000-01-01", "2026-12-31Z", "1e3"]
)
def test_what_is_no_last_day(run: Run, tmp_path: Path, days: str) -> None:
    ended = run(*WAIVE, days)
    assert ended.code == 2
    assert "the new entry: expires: " in ended.err
    assert not (tmp_path / "waivers.yaml").exists()


@pytest.mark.parametrize("day", ["0000-01-01", "2026-02-30", "99999999", LONG, "２０２６-11-01"])
def test_what_is_no_day_to_attest(run: Run, day: str) -> None:
    said = ("--control", "review", "--account", "mm", "--by", "Ada", "--date", day)
    ended = run("attest", *said)
    assert ended.code == 2
    assert "the new entry: date: " in ended.err


def test_a_folder_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    for folder in ("f", "f/g", "/proc/x", LONG):
        ended = run(*INIT, folder)
        assert ended.code == 2, ended.err
        assert ended.err.startswith(f"error: cannot write into {folder[:9]}")
        assert ended.err.endswith("hint: choose another --folder\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (*WAIVE, "9", "-w", LONG),
        (*WAIVE, "9", "-w", "f/w.yaml"),
        (*WAIVE, "9", "-p", LONG),
        (*WAIVE, "9", "-p", "baseline", "-i", LONG),
        ("attest", "--control", "review", "--account", "mm", "--by", "A", "--attestations", LONG),
        ("check", "-p", LONG),
        ("check", "-i", LONG),
        ("scan", "-p", LONG),
        ("scan", "-i", LONG),
        ("evaluate", LONG),
        ("evaluate", "f", "--as-of", "0000-01-01T00:00:00Z"),
        ("diff", LONG, LONG),
        ("diff", "--policy", LONG, LONG, "--evidence", LONG),
        ("explain", LONG),
        ("explain", "--account", LONG),
        ("schema", LONG),
        ("exchanges", LONG),
        ("test", LONG),
        ("learn", LONG),
        ("learn", "f"),
        ("--project", LONG, "config"),
        ("init", "--exchange", LONG, "--egress", "203.0.113.0/28"),
        ("init", "--exchange", "okx", "--egress", LONG),
        ("collect", "-o", LONG),
        ("scan", "--plan", "--expiring-within", "9" * 40),
    ],
)
def test_names_that_no_file_has(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "f").write_text("")
    ended = run(*arguments)
    assert ended.code == 2, ended.err
    assert "internal error" not in ended.err
