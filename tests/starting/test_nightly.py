"""The nightly scan that ``init`` sets up, as cron runs it: hardly an environment, no terminal."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from gatepolicy.starting.nightly import cron_line
from tests.cli.conftest import Run

NOW = datetime.now(UTC)
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


def test_a_bound_key_passes_and_one_that_can_withdraw_is_told(run: Run, tmp_path: Path) -> None:
    good = clean_key(ExchangeId.OKX, 1, NOW)
    bad = replace(clean_key(ExchangeId.OKX, 2, NOW), permissions=("read_only", "withdraw"))
    line = line_of(run("init", "--exchange", "okx", *EGRESS).out)
    environment = tmp_path / "nightly/gatepolicy.env"
    assert environment.stat().st_mode & 0o777 == 0o600
    empty = environment.read_text(encoding="utf-8")
    accounts = tmp_path / "accounts.yaml"
    text = accounts.read_text(encoding="utf-8")

    def night(key: SimulatedKey) -> "subprocess.CompletedProcess[str]":
        filled = empty
        for name, value in (
            ("OKX_API_KEY", key.api_key),
            ("OKX_API_SECRET", key.secret),
            ("OKX_API_PASSPHRASE", key.passphrase),
        ):
            assert f"\n{name}=''\n" in filled
            filled = filled.replace(f"{name}=''", f"{name}='{value}'")
        environment.write_text(filled, encoding="utf-8")
        return by_cron(line)

    with SimulatorThread(Simulator([good, bad])) as simulator:
        accounts.write_text(text + f"    base_url: {simulator.url}\n", encoding="utf-8")
        first, second = night(good), night(bad)
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert (second.returncode, second.stdout) == (1, "")
    said, report = second.stderr.splitlines()
    assert said.startswith("gatepolicy: exit code 1: ")
    read = json.loads(Path(report.removeprefix("report: ")).read_text(encoding="utf-8"))
    [withdraw] = [v for v in read["accounts"][0]["verdicts"] if v["name"] == "withdrawal-enabled"]
    assert (withdraw["verdict"], withdraw["baseline"]) == ("fail", "new")


def test_a_missing_credential_is_told(run: Run, tmp_path: Path) -> None:
    line = line_of(run("init", "--exchange", "okx", *EGRESS).out)
    ended = by_cron(line)
    assert ended.returncode == 1  # whether funds can leave is unknown, and blocks
    latest = (tmp_path / "nightly/reports/latest.json").read_text(encoding="utf-8")
    [account] = json.loads(latest)["accounts"]
    assert "bad_credentials_config" in str(account["unread"])


def test_the_environment_file_is_taken_as_it_is_quoted(run: Run, tmp_path: Path) -> None:
    line = line_of(run("init", "--exchange", "okx", *EGRESS).out)
    environment = tmp_path / "nightly/gatepolicy.env"
    added = "GATEPOLICY_MAX_RATE='a $HOME `id` value'\n"
    environment.write_text(environment.read_text(encoding="utf-8") + added, encoding="utf-8")
    assert "a $HOME `id` value" in by_cron(line).stderr


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
