"""Where a new project is scanned: a workflow, a pipeline, a script for cron, or several of them."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gatepolicy.starting.gitlab import gitlab_pipeline
from tests.cli.conftest import Run

BIN = Path(sys.executable).parent
ARGUMENTS = ("init", "--exchange", "okx,poloniex", "--egress", "203.0.113.0/28")
FILES = {
    "github": ".github/workflows/gatepolicy.yml",
    "gitlab": ".gitlab-ci.yml",
    "cron": "nightly/run.sh",
}
SAYS = {"github": "the workflow's first lines", "gitlab": ".gitlab-ci.yml's", "cron": "crontab"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], {"github", "cron"}),
        (["--runs-on", "github"], {"github"}),
        (["--runs-on", "gitlab"], {"gitlab"}),
        (["--runs-on", "cron"], {"cron"}),
        (["--runs-on", "gitlab", "--runs-on", "cron, github"], {"github", "gitlab", "cron"}),
    ],
)
def test_what_is_asked_for_is_written(
    run: Run, tmp_path: Path, given: list[str], expected: set[str]
) -> None:
    made = run(*ARGUMENTS, *given)
    assert made.code == 0
    assert {name for name, file in FILES.items() if (tmp_path / file).exists()} == expected
    assert {name for name, text in SAYS.items() if text in made.out} == expected
    assert run("check").code == 0
    assert run("test", "--min-coverage", "100", "-q").code == 0


def test_an_unknown_place_is_an_error(run: Run, tmp_path: Path) -> None:
    ended = run(*ARGUMENTS, "--runs-on", "jenkins")
    assert ended.code == 2
    assert "--runs-on jenkins: unknown" in ended.err
    assert "there are github, gitlab, cron" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_the_pipeline_is_valid_and_names_the_variables(run: Run, tmp_path: Path) -> None:
    assert run(*ARGUMENTS, "--runs-on", "gitlab").code == 0
    file = tmp_path / FILES["gitlab"]
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    text = file.read_text(encoding="utf-8")
    assert "\n#     OKX_API_PASSPHRASE\n" in text
    file.write_text(text.replace("when: always", "when: perhaps"))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_merge_requests_meet_no_secret_and_no_own_runner() -> None:
    pipeline = yaml.safe_load(gitlab_pipeline(["OKX_API_KEY"]))
    check, scan = pipeline["gatepolicy-check"], pipeline["gatepolicy-scan"]
    assert check["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
    assert "tags" not in check
    [rule] = scan["rules"]
    assert rule["if"] == (
        '$CI_PIPELINE_SOURCE != "merge_request_event" && $CI_COMMIT_REF_PROTECTED == "true"'
    )
    assert scan["tags"] == ["gatepolicy"]
    assert all("--untrusted" in line for line in check["script"][:2])
    assert "OKX_API_KEY" not in yaml.safe_dump(pipeline)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ("okx\n203.0.113.0/28\n\n", {"github", "cron"}),
        ("okx\n203.0.113.0/28\njenkins\ngitlab\n", {"gitlab"}),
    ],
)
def test_on_a_terminal_it_is_asked(tmp_path: Path, answers: str, expected: set[str]) -> None:
    master, slave = pty.openpty()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    try:
        os.write(master, answers.encode())
        ended = subprocess.run(
            [str(BIN / "gatepolicy"), "init"],
            cwd=tmp_path, env=kept, stdin=slave, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(slave)
        os.close(master)
    assert ended.returncode == 0, ended.stderr
    assert "Where scans run (github, gitlab, cron) [github, cron]:" in ended.stderr
    assert {name for name, file in FILES.items() if (tmp_path / file).exists()} == expected
    assert ("--runs-on jenkins: unknown" in ended.stderr) == ("jenkins" in answers)
