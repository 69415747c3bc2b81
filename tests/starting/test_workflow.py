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


def test_the_steps_of_a_pull_request_run(project: Path, workflow: Any) -> None:
    git = "git -c user.name=Ada -c user.email=ada@example.com -c init.defaultBranch=main"
    save = f"{git} add . && {git} commit -qm change"
    assert shell(f"{git} init -q . && {save} && git checkout -qb change", project).returncode == 0
    policy = project / "policies" / "poloniex.yaml"
    within = "ip_binding: {within: [$egress]}"
    loosened = policy.read_text(encoding="utf-8").replace(within, "ip_binding: {required: true}")
    policy.write_text(loosened, encoding="utf-8")
    merged = shell(f"{save} && git checkout -q main && {git} merge -q --no-ff change -m m", project)
    assert merged.returncode == 0, merged.stderr
    [checked, differs] = [
        shell(step["run"], project)
        for command in ("gatepolicy check", "gatepolicy diff")
        for step in steps(workflow, "check", command)
    ]
    assert (checked.returncode, differs.returncode) == (0, 0), differs.stderr
    assert "ip-outside-allowlist" in differs.stdout
    assert "not asked" in differs.stdout
    [step] = steps(workflow, "check", "gatepolicy test")
    tested = shell(step["run"], project)
    assert tested.returncode == 1
    assert "ip-outside-allowlist" in tested.stdout


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
