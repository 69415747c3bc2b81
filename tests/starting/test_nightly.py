"""The nightly scan that ``init`` sets up, as cron runs it: hardly an environment, no terminal."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatepolicy.starting.nightly import cron_line
from tests.cli.conftest import Run

EGRESS = ("--egress", "203.0.113.0/28")
PROGRAM = str(Path(sys.executable).with_name("gatepolicy"))


def by_cron(line: str) -> "subprocess.CompletedProcess[str]":
    """The command of a line of a crontab, run as cron(8) runs it."""
    command = line.split(maxsplit=5)[5].replace(r"\%", "%")
    return subprocess.run(
        ["sh", "-c", command],
        cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def line_of(out: str) -> str:
    [line] = re.findall(r"^  (\d+ \d+ \* \* \* .*)$", out, re.MULTILINE)
    return str(line)


def test_a_night_with_something_wrong_is_told_and_a_good_one_is_silent(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "my 100% project"
    folder.mkdir()
    made = run("init", "--exchange", "poloniex", *EGRESS, "--folder", str(folder))
    line = line_of(made.out)
    assert PROGRAM in line
    first = by_cron(line)
    assert (first.returncode, first.stdout) == (1, "")
    assert first.stderr.startswith("gatepolicy: exit code 1: ")
    [report] = re.findall(r"^report: (.*)$", first.stderr, re.MULTILINE)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z\.json", Path(report).name)
    assert json.loads(Path(report).read_text(encoding="utf-8"))["exit_code"] == 1

    attest = ("--control", "settings", "--account", "poloniex-main", "--by", "Ada Example")
    project = ("--project", str(folder / "gatepolicy.yaml"))
    assert run(*project, "attest", *attest).code == 0
    second = by_cron(line)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    latest = json.loads((folder / "nightly/reports/latest.json").read_text(encoding="utf-8"))
    assert latest["exit_code"] == 0
    [gone] = [one for one in latest["drift"]["absent"] if one["rule"] == "GP052"]
    assert gone["because"] == "passes"


def test_a_scan_that_cannot_start_is_told(run: Run, tmp_path: Path) -> None:
    line = line_of(run("init", "--exchange", "poloniex", *EGRESS).out)
    (tmp_path / "accounts.yaml").write_text("broken")
    ended = by_cron(line)
    assert ended.returncode == 2
    assert "accounts.yaml:1:1" in ended.stderr
    assert ended.stderr.endswith("no report was written\n")
    assert not (tmp_path / "nightly/reports/latest.json").exists()


def test_credentials_come_from_the_environment_file(run: Run, tmp_path: Path) -> None:
    line = line_of(run("init", "--exchange", "okx", *EGRESS).out)
    accounts = tmp_path / "accounts.yaml"
    text = accounts.read_text(encoding="utf-8")
    # Nothing listens there: what counts is how far a scan gets.
    accounts.write_text(text + "    base_url: http://127.0.0.1:1\n", encoding="utf-8")
    environment = tmp_path / "nightly/gatepolicy.env"
    assert environment.stat().st_mode & 0o777 == 0o600
    assert "OKX_API_PASSPHRASE=''\n" in environment.read_text(encoding="utf-8")

    def unread() -> str:
        assert by_cron(line).returncode == 1  # whether funds can leave is unknown, and blocks
        latest = (tmp_path / "nightly/reports/latest.json").read_text(encoding="utf-8")
        [account] = json.loads(latest)["accounts"]
        return str(account["unread"])

    assert "bad_credentials_config" in unread()
    filled = environment.read_text(encoding="utf-8").replace("=''", "='a $dummy value'")
    environment.write_text(filled, encoding="utf-8")
    assert "unreachable" in unread()


def test_credentials_and_reports_stay_out_of_the_repository(run: Run, tmp_path: Path) -> None:
    by_cron(line_of(run("init", "--exchange", "poloniex", *EGRESS).out))
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    added = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "nightly"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert added.stdout.split() == ["nightly/.gitignore", "nightly/run.sh"]
    for path in (tmp_path / "nightly/reports").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("/srv/keys", "/srv/keys/nightly/run.sh /opt/bin/gatepolicy"),
        ("/srv/a b", "'/srv/a b/nightly/run.sh' /opt/bin/gatepolicy"),
        ("/srv/5%", r"/srv/5\%/nightly/run.sh /opt/bin/gatepolicy"),
    ],
)
def test_the_line_of_the_crontab(folder: str, command: str) -> None:
    assert cron_line(folder, "/opt/bin/gatepolicy") == f"17 4 * * * {command}"
