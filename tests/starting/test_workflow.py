"""The workflow that ``init`` writes: pinned, without secrets on pull requests, and it runs."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy import __version__
from tests.cli.conftest import Run

BIN = Path(sys.executable).parent
FILE = ".github/workflows/gatepolicy.yml"


@pytest.fixture
def project(run: Run, tmp_path: Path) -> Path:
    """A new project with one exchange that answers and one that does not."""
    ended = run("init", "--exchange", "okx,poloniex", "--egress", "203.0.113.0/28")
    assert ended.code == 0
    return tmp_path


@pytest.fixture
def workflow(project: Path) -> Any:
    return yaml.safe_load((project / FILE).read_text(encoding="utf-8"))


def steps(workflow: Any, job: str, word: str) -> list[Any]:
    """The steps of a job whose command or action contains a word."""
    found = workflow["jobs"][job]["steps"]
    return [step for step in found if word in step.get("run", "") + step.get("uses", "")]


def test_every_action_is_pinned_to_a_commit(project: Path) -> None:
    used = re.findall(r"uses: (.*)", (project / FILE).read_text(encoding="utf-8"))
    assert len(used) == 5
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_the_version_is_pinned_and_comes_from_no_index(workflow: Any) -> None:
    for job in ("check", "scan"):
        [step] = steps(workflow, job, "pip install")
        commands = step["run"].replace("\\\n", "").splitlines()
        [locked, own] = [line.split() for line in commands if "pip install" in line]
        assert {"--require-hashes", "vendor/requirements.txt"} <= set(locked)
        assert {"--no-index", "--no-deps"} <= set(own)
        assert own[-1] == f"vendor/gatepolicy-{__version__}-py3-none-any.whl"


def test_pull_requests_meet_no_secret_and_no_own_runner(workflow: Any) -> None:
    check, scan = workflow["jobs"]["check"], workflow["jobs"]["scan"]
    assert workflow["permissions"] == {}
    assert check["permissions"] == {"contents": "read"}
    assert "secrets." not in yaml.safe_dump(check)
    assert check["runs-on"] == "ubuntu-latest"
    assert scan["if"] == "${{ github.event_name != 'pull_request' }}"
    assert (scan["runs-on"], scan["environment"]) == ("self-hosted", "gatepolicy")
    assert "secrets.OKX_API_SECRET" in yaml.safe_dump(scan)
    assert "pull_request_target" not in yaml.safe_dump(workflow)


def test_it_says_how_bound_keys_are_scanned(project: Path) -> None:
    text = (project / FILE).read_text(encoding="utf-8")
    comment = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    assert "self-hosted runner behind one of your addresses" in comment
    assert "'proxy:'" in comment


def test_only_a_report_that_exists_is_uploaded(workflow: Any) -> None:
    [upload] = steps(workflow, "scan", "upload-sarif")
    [scan] = steps(workflow, "scan", "gatepolicy scan")
    file = upload["with"]["sarif_file"]
    assert f"-o sarif={file}" in scan["run"]
    assert upload["if"] == "${{ !cancelled() && hashFiles('" + file + "') != '' }}"


def shell(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """As a runner does: bash, and the first failure ends it."""
    text = (folder / FILE).read_text(encoding="utf-8")
    environment = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        **yaml.safe_load(text)["env"],
    }
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


GIT = "git -c user.name=Ada -c user.email=ada@example.com -c init.defaultBranch=main"
SAVE = f"{GIT} add . && {GIT} commit -qm change"


@pytest.fixture
def branch(project: Path) -> Path:
    """The project in a repository, on a branch of its own."""
    assert shell(f"{GIT} init -q . && {SAVE} && git checkout -qb change", project).returncode == 0
    return project


def pull(branch: Path) -> None:
    """Check out the commit by which GitHub tries a pull request."""
    command = f"{SAVE} && git checkout -q main && {GIT} merge -q --no-ff change -m m"
    ended = shell(command, branch)
    assert ended.returncode == 0, ended.stderr


def run_step(workflow: Any, branch: Path, word: str) -> "subprocess.CompletedProcess[str]":
    [step] = steps(workflow, "check", word)
    return shell(step["run"], branch)


def test_a_loosened_policy_is_seen_on_a_pull_request(branch: Path, workflow: Any) -> None:
    policy = branch / "policies" / "poloniex.yaml"
    within = "ip_binding: {within: [$egress]}"
    loosened = policy.read_text(encoding="utf-8").replace(within, "ip_binding: {required: true}")
    policy.write_text(loosened, encoding="utf-8")
    pull(branch)
    checked = run_step(workflow, branch, "gatepolicy check")
    assert checked.returncode == 0, checked.stderr
    differs = run_step(workflow, branch, "gatepolicy diff")
    assert differs.returncode == 0, differs.stderr
    assert "ip-outside-allowlist" in differs.stdout
    assert "not asked" in differs.stdout
    tested = run_step(workflow, branch, "gatepolicy test")
    assert tested.returncode == 1
    assert "ip-outside-allowlist" in tested.stdout


def test_a_removed_policy_is_seen_on_a_pull_request(branch: Path, workflow: Any) -> None:
    (branch / "policies" / "okx.yaml").unlink()
    pull(branch)
    differs = run_step(workflow, branch, "gatepolicy diff")
    assert differs.returncode == 0, differs.stderr
    assert "policies/okx.yaml is removed: none of its rules" in differs.stdout


def test_a_pull_request_cannot_lead_a_scan_elsewhere(branch: Path, workflow: Any) -> None:
    accounts = branch / "accounts.yaml"
    text = accounts.read_text(encoding="utf-8")
    accounts.write_text(text.replace("env:OKX_API_KEY", "file:/etc/hostname"), encoding="utf-8")
    pull(branch)
    assert run_step(workflow, branch, "gatepolicy check").returncode == 2
    elsewhere = text.replace("okx\n", "okx\n    base_url: https://trap.example\n")
    accounts.write_text(elsewhere, encoding="utf-8")
    checked = run_step(workflow, branch, "gatepolicy check")
    assert checked.returncode == 2
    assert "trap.example" in checked.stderr


def test_the_first_pull_request_has_nothing_to_compare_with(project: Path, workflow: Any) -> None:
    empty = f"{GIT} init -q . && {GIT} commit -q --allow-empty -m empty && git checkout -qb change"
    assert shell(empty, project).returncode == 0
    pull(project)
    differs = run_step(workflow, project, "gatepolicy diff")
    assert (differs.returncode, differs.stdout) == (0, ""), differs.stderr


def test_zizmor_finds_nothing(project: Path) -> None:
    command = [str(BIN / "zizmor"), "--offline", "--no-config", "--persona=pedantic", FILE]
    ended = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    text = (project / FILE).read_text(encoding="utf-8")
    broken = re.sub(r"@[0-9a-f]{40} # v", "@v", text)
    (project / FILE).write_text(broken, encoding="utf-8")
    ended = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert ended.returncode > 10
    assert "unpinned-uses" in ended.stdout
