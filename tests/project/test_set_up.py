"""What make sets up: pinned, hashed, complete, and told by ``make help``."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^[^\s#].*(?:\n[ \t].*)*", CONSTRAINTS, re.MULTILINE)
PINNED = {re.split(r"[=\s;\[]", entry)[0].lower(): entry for entry in ENTRIES}
TARGETS = set(re.findall(r"^([a-z]+):(?!=)", MAKEFILE, re.MULTILINE))


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-").replace(".", "-")


def test_every_dependency_is_pinned() -> None:
    extras = PROJECT["optional-dependencies"].values()
    wanted = [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]
    assert len(wanted) > 10
    assert {name_of(text) for text in wanted} - PINNED.keys() == set()
    assert {"hatchling", "editables"} <= PINNED.keys()


def test_every_pin_is_exact_and_hashed() -> None:
    for name, entry in PINNED.items():
        first, *hashes = entry.split("\\\n")
        assert re.match(r"[\w.-]+==\d\S*( ; .+)? $", first), name
        assert hashes, name
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64} ?", text) for text in hashes), name


def test_no_pin_says_where_packages_come_from() -> None:
    assert not re.search(r"://|@|--(?!hash=)", CONSTRAINTS)


OF_THEIR_OWN = sorted((ROOT / ".ci").glob("*-constraints.txt"))
"""Pins of tools that are installed apart: the site, the bill of materials, mutation testing."""


@pytest.mark.parametrize("path", OF_THEIR_OWN, ids=lambda path: path.stem)
def test_tools_of_their_own_are_pinned_with_hashes_and_locked(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    entries = re.findall(r"^[^\s#].*(?:\n[ \t].*)*", text, re.MULTILINE)
    for entry in entries:
        first, *hashes = entry.split("\\\n")
        assert re.match(r"[\w.-]+==\d\S*( ; .+)? $", first), first
        assert hashes, first
    assert not re.search(r"://|@|--(?!hash=)", text)
    wanted = path.with_name(path.name.replace("-constraints.txt", "-requirements.in"))
    names = {name_of(line) for line in wanted.read_text(encoding="utf-8").splitlines() if line}
    assert names <= {name_of(entry) for entry in entries}
    assert f"--output-file .ci/{path.name} .ci/{wanted.name}\n" in MAKEFILE


def test_there_are_tools_of_their_own() -> None:
    assert {"docs-constraints", "sbom-constraints"} <= {path.stem for path in OF_THEIR_OWN}


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_help_tells_every_target_that_has_a_text() -> None:
    ended = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = re.findall(r"^  make ([a-z]+) +\S", ended.stdout, re.MULTILINE)
    assert set(told) == set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))
    assert {"help", "demo", "test", "check", "bench", "lock", "clean"} <= set(told)


def test_targets_that_make_no_file_are_phony() -> None:
    [phony] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == TARGETS


def test_the_gate_calls_targets_that_exist() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = re.findall(r"^make (.*)$", gate, re.MULTILINE)
    called = {word for line in lines for word in line.split()}
    assert called
    assert called <= TARGETS


def test_documents_name_targets_that_exist() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        called = set(re.findall(r"(?:`|\$ )make ([a-z]+)", text))
        assert called, name
        assert called <= TARGETS, name
