"""The hooks for pre-commit, run by prek or pre-commit on a repository of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def hooks_program() -> str:
    for name in ("prek", "pre-commit"):
        found = shutil.which(name) or shutil.which(name, path=str(BIN))
        if found:
            return found
    pytest.skip("there is neither prek nor pre-commit on this machine")


@pytest.fixture
def project(run: Run, tmp_path: Path) -> Path:
    """A project in a repository, with the hooks as local ones, which need no download."""
    folder = tmp_path / "project"
    begun = run("init", "--exchange", "okx", "--egress", "203.0.113.0/28", "--folder", str(folder))
    assert begun.code == 0
    local = [{**hook, "language": "system"} for hook in HOOKS]
    config = {"repos": [{"repo": "local", "hooks": local}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    return folder


def run_hooks(program: str, project: Path) -> "subprocess.CompletedProcess[str]":
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    kept = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [program, "run", "--all-files"],
        cwd=project, env={**kept, "PATH": path, "HOME": str(project.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_hooks_call_check_and_test() -> None:
    assert [hook["id"] for hook in HOOKS] == ["gatepolicy-check", "gatepolicy-test"]
    assert [hook["entry"].split()[:2] for hook in HOOKS] == [
        ["gatepolicy", "check"], ["gatepolicy", "test"],
    ]  # fmt: skip


def test_the_manifest_is_valid(hooks_program: str) -> None:
    command = [hooks_program, "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_sound_project_passes_and_a_broken_one_is_held_back(
    hooks_program: str, project: Path
) -> None:
    ended = run_hooks(hooks_program, project)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    policy = project / "policies/okx.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("okx-market-making", "baseline"), encoding="utf-8")
    untested = run_hooks(hooks_program, project)
    assert untested.returncode == 1
    assert "Passed" in untested.stdout
    assert "Failed" in untested.stdout
    (project / "accounts.yaml").write_text("broken")
    broken = run_hooks(hooks_program, project)
    assert broken.returncode == 1
    assert "accounts.yaml:1:1" in broken.stdout
