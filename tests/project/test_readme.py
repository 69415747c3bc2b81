"""The README says what the program says."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gatepolicy.model.scan import ExitCode

ROOT = Path(__file__).parents[2]

SCRIPT = ROOT / ".ci" / "readme.py"
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that writes parts of the README."""
    spec = importlib.util.spec_from_file_location("readme", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def part(name: str) -> str:
    return README.split(f"<!-- begin: {name} -->\n")[1].split(f"<!-- end: {name} -->")[0]


def test_nothing_has_drifted() -> None:
    """When this fails, run ``python .ci/readme.py``."""
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", ["demo", "help", "exit-codes", "exchanges"])
def test_every_part_is_made_by_the_program(script: ModuleType, name: str) -> None:
    assert name in script.BLOCKS
    assert README.count(f"<!-- begin: {name} -->") == 1


@pytest.mark.parametrize("name", ["help", "exit-codes", "exchanges"])
def test_drift_is_seen(script: ModuleType, name: str) -> None:
    said = script.BLOCKS[name]()
    drifted = README.replace(part(name), "another text\n")
    assert said not in drifted
    assert said in script.written(drifted)


def test_a_part_without_marks_is_an_error(script: ModuleType) -> None:
    with pytest.raises(ValueError, match="no part demo"):
        script.written(README.replace("<!-- end: demo -->", ""))


def test_every_exit_code_is_told() -> None:
    rows = [line.split(" | ")[0].strip("| ") for line in part("exit-codes").splitlines()[2:]]
    assert rows == [str(code.value) for code in ExitCode]


def test_the_two_commands_are_the_makefiles() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in ("demo", "test"):
        assert f"$ make {command} " in README
        assert f"\n{command}: " in makefile
