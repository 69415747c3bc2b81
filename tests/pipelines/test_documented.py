"""The workflows of docs/pipelines.md: valid, pinned, and without findings of zizmor."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipelines.github import ACTION, ROOT

BIN = Path(sys.executable).parent
PAGE = (ROOT / "docs/pipelines.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
WORKFLOWS = {yaml.safe_load(text)["name"]: text for text in BLOCKS if "\njobs:" in text}
EVERY = pytest.mark.parametrize("name", WORKFLOWS)
INPUTS = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"]


def jobs(name: str) -> Any:
    return yaml.safe_load(WORKFLOWS[name])["jobs"]


def steps(name: str, word: str) -> list[Any]:
    return [
        step for job in jobs(name).values() for step in job["steps"] if word in step.get("uses", "")
    ]


def test_all_of_them_are_found() -> None:
    assert list(WORKFLOWS) == ["check", "policies", "scan", "deploy"]


@EVERY
def test_a_workflow_is_valid_and_zizmor_finds_nothing(tmp_path: Path, name: str) -> None:
    file = tmp_path / ".github/workflows" / f"{name}.yml"
    file.parent.mkdir(parents=True)
    file.write_text(WORKFLOWS[name], encoding="utf-8")
    schema = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"]
    zizmor = [str(BIN / "zizmor"), "--offline", "--no-config", "--persona=pedantic"]
    for command in (schema, zizmor):
        ended = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout
    file.write_text(WORKFLOWS[name].replace("runs-on:", "runs-onn:"), encoding="utf-8")
    assert subprocess.run([*schema, str(file)], capture_output=True, check=False).returncode == 1


@EVERY
def test_it_gives_the_action_inputs_that_exist(name: str) -> None:
    used = steps(name, "firm/gatepolicy@")
    assert used
    for step in used:
        assert step.get("with", {}).keys() <= INPUTS.keys()


@pytest.mark.parametrize("name", ["check", "policies"])
def test_a_pull_request_meets_no_secret_and_no_own_runner(name: str) -> None:
    assert "secrets." not in WORKFLOWS[name]
    assert "environment:" not in WORKFLOWS[name]
    assert {job["runs-on"] for job in jobs(name).values()} == {"ubuntu-latest"}
    assert "contents: write" not in WORKFLOWS[name]


def test_the_page_names_every_input_with_its_default() -> None:
    rows = re.findall(r"^\| (`.*?) \| ?(.*?) ?\| .* \|$", PAGE, re.MULTILINE)
    named = {name for first, _ in rows for name in re.findall(r"`([\w-]+)`", first)}
    assert INPUTS.keys() <= named
    defaults = dict(rows)
    for name in ("command", "project", "fail-on", "formats", "untrusted", "artifact"):
        assert defaults[f"`{name}`"] == f"`{INPUTS[name]['default']}`"
