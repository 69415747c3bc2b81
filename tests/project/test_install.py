"""Nothing installs gatepolicy by its name: no public package index has it.

Whoever registered the name there would run code beside the credentials of exchanges.
"""

import re
from collections.abc import Iterator

import pytest

from tests.project.test_texts import files, text_of

INSTALLER = re.compile(
    r"\b(?:pip[x3]?|uv|poetry|pipenv|conda|easy_install)\b[^\n]*?"
    r"\b(?:install|download|wheel|add|run|inject|sync)\b(?P<rest>[^\n]*)|\buvx\b(?P<uvx>[^\n]*)"
)
NAME = re.compile(
    r"(?<![\w./*~$-])gatepolicy(?:\[[\w, -]*\])?(?:(?:[=<>~!]=?|@)[^\s'\"`]*)?(?=[\s'\"`,;)\]]|$)"
)
PINNED = re.compile(r"(?<![\w./$-])gatepolicy(?:\[[\w, -]*\])?\s*(?:[=~!<>]=|@\s*(?:https?|git)\b)")
EXTRA = re.compile(r"(?<![\w./$-])gatepolicy\[[a-z]")
EXEMPT = {"CHANGELOG.md", "tests/project/test_install.py"}
"""The history, and this file."""


def by_name(text: str) -> Iterator[str]:
    """Lines that install gatepolicy from wherever the installer looks."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        commands = [
            re.split(r"\s(?:&&|\||;)\s|`", match.group("rest") or match.group("uvx") or "")[0]
            for match in INSTALLER.finditer(line)
            if "--no-index" not in line
        ]
        is_required = "--no-index" not in line and (PINNED.search(line) or EXTRA.search(line))
        if is_required or any(NAME.search(command) for command in commands):
            yield line.strip()


def test_no_file_installs_it_by_its_name() -> None:
    found = [
        f"{name}: {line}"
        for name in files()
        if name not in EXEMPT
        for line in by_name(text_of(name))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "1. Install: `pip install gatepolicy` (or ...)",
        "pip install gatepolicy==0.1.0",
        "      - run: python -m pip install --quiet 'gatepolicy[cel]==1.0'",
        "pip install --require-hashes \\\n    gatepolicy",
        "pipx install gatepolicy",
        "uv tool install gatepolicy",
        "uvx gatepolicy scan",
        "pipx run gatepolicy==0.1.0 scan",
        "RUN pip install --no-cache-dir gatepolicy==${VERSION}",
        "additional_dependencies: [gatepolicy==0.1.0]",
        "gatepolicy>=0.1",
        "hint = \"pip install 'gatepolicy[keyring]'\"",
    ],
)
def test_what_installs_it_by_its_name_is_found(text: str) -> None:
    assert list(by_name(text))


@pytest.mark.parametrize(
    "text",
    [
        "pip install --no-index --no-deps dist/gatepolicy-0.1.0-py3-none-any.whl",
        "~/gatepolicy/bin/python -m pip install --require-hashes -r dist/requirements.txt",
        "pip install --no-index --find-links vendor gatepolicy==0.1.0 && gatepolicy scan",
        "pip install . && gatepolicy --version",
        "pip install keyring` makes gatepolicy read it",
    ],
)
def test_a_file_or_a_folder_is_no_name(text: str) -> None:
    assert list(by_name(text)) == []


def test_the_workflow_and_the_readme_are_looked_at() -> None:
    assert {"README.md", "gatepolicy/starting/ci.py", "docs/ci.md"} <= set(files())
