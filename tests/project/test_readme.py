"""The README and the tutorial say what the program says."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gatepolicy.model.scan import MEANING

ROOT = Path(__file__).parents[2]

SCRIPT = ROOT / ".ci" / "readme.py"
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 100
"""The README decides in a minute."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that writes parts of the pages."""
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


def test_every_part_is_made_by_the_program(script: ModuleType) -> None:
    for page, parts in script.BLOCKS.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text.count("<!-- begin: ") == text.count("<!-- end: ") == len(parts)
        assert all(text.count(f"<!-- begin: {name} -->") == 1 for name in parts)


def test_drift_is_seen(script: ModuleType) -> None:
    drifted = README.replace(part("exit-codes"), "another text\n")
    assert drifted != README
    assert script.written("README.md", drifted) == README


def test_a_part_without_marks_is_an_error(script: ModuleType) -> None:
    broken = README.replace("<!-- end: exit-codes -->", "")
    with pytest.raises(ValueError, match=r"README\.md has no part exit-codes"):
        script.written("README.md", broken)


def test_exit_codes_are_told_in_short() -> None:
    rows = [line.strip("| ").split(" | ") for line in part("exit-codes").splitlines()[2:]]
    assert [code for code, _ in rows] == ["0", "1", "2", "3", "4"]
    meanings = {str(code.value): meaning for code, meaning in MEANING.items()}
    assert all(meanings[code].startswith(meaning) for code, meaning in rows)


def test_the_two_commands_are_the_makefiles_and_come_first() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in ("demo", "test"):
        assert f"$ make {command} " in README
        assert f"\n{command}: " in makefile
    first = README.split("```console\n")[1].split("```")[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == [
        "$ make demo",
        "$ make test",
    ]


def test_it_is_read_in_a_minute() -> None:
    assert len(README.splitlines()) <= MOST_LINES
