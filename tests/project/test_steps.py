"""Every step of the pages for a start runs as it is written, and says what the page shows.

The tutorial is run by bash from its first own command to its last. The pages about an account of
one's own are run command by command; there, a simulated exchange answers in place of a real one.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatepolicy import __version__
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from tests.cli.conftest import Run, run
from tests.system.conftest import NOW

__all__ = ["run"]

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```", re.DOTALL | re.MULTILINE)
BIN = Path(sys.executable).parent
EXPORT = "export PATH=$PWD/.venv/bin:$PATH"


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Step:
    """A command, with the lines that the page shows of its output."""

    command: str
    shown: Sequence[str]


def shown_steps(page: str) -> Iterator[Step]:
    """Every command of a page, outside of what the program itself writes there."""
    text = re.sub(r"<!-- begin: .*?<!-- end: [a-z-]+ -->", "", text_of(page), flags=re.DOTALL)
    for kind, body in BLOCK.findall(text):
        if kind == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                command, *lines = part.splitlines()
                yield Step(re.sub(r"\s{3,}#.*", "", command), lines)


def missing(shown: Sequence[str], said: str) -> list[str]:
    """Lines that the page shows and the command does not say, in this order; ``…`` leaves out."""
    left = iter(said.splitlines())
    return [
        line
        for line in shown
        if line != "…" and not any(matches(line, candidate) for candidate in left)
    ]


def matches(line: str, candidate: str) -> bool:
    head, ellipsis, _ = line.partition("…")
    return candidate.startswith(head) if ellipsis else candidate == line


@pytest.mark.parametrize(
    ("shown", "lacking"),
    [
        (["a", "…", "c"], []),
        (["b", "a"], ["a"]),
        (["report: …"], []),
        (["reports"], ["reports"]),
        (["a "], ["a "]),
    ],
)
def test_what_a_command_does_not_say_is_found(shown: list[str], lacking: list[str]) -> None:
    assert missing(shown, "a\nb\nreport: x.json\nc\n") == lacking


MARK = "=== ended with"


def script(steps: Sequence[Step]) -> str:
    """The commands one after the other, each followed by its exit code."""
    lines = ["set -m"]
    for step in steps:
        lines.append(step.command)
        if step.command.endswith("&"):
            lines.append("until [ -s simulator/simulator.env ]; do sleep 0.1; done; true")
        lines.append(f"printf '\\n{MARK} %d\\n' $?")
    return "\n".join(lines)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    steps = [step for step in shown_steps("docs/tutorial.md") if step.command != EXPORT]
    assert len(steps) > 15
    clone = tmp_path / "clone"
    clone.mkdir()
    ended = subprocess.run(
        ["bash", "-c", script(steps)],
        cwd=clone,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    said = re.split(rf"^\n?{MARK} (\d+)\n", ended.stdout, flags=re.MULTILINE)
    codes = list(map(int, said[1::2]))
    assert len(codes) == len(steps), ended.stdout
    wrong = {
        step.command: lacking
        for step, text in zip(steps, said[::2], strict=False)
        if (lacking := missing(step.shown, text))
    }
    assert wrong == {}, ended.stdout
    ended_otherwise = {step.command: code for step, code in zip(steps, codes, strict=True) if code}
    assert list(ended_otherwise.values()) == [1, 3, 1], ended_otherwise


def test_the_tutorial_begins_where_make_demo_ends() -> None:
    text = text_of("docs/tutorial.md")
    commands = [step.command for step in shown_steps("docs/tutorial.md")]
    assert commands[0] == EXPORT
    assert text.index("$ make demo") < text.index(EXPORT)


PAGES = {
    "README.md": ["accounts.yaml"],
    "docs/own-account.md": ["accounts.yaml", "policies/okx.yaml"],
}
"""Pages about an account of one's own, with the files whose text they show."""
OWN_STEPS = {"README.md": 3, "docs/own-account.md": 13}


def files_of(page: str) -> Iterator[tuple[str, str]]:
    """Texts of files, by name, and commands with an empty text."""
    names = iter(PAGES[page])
    for kind, body in BLOCK.findall(text_of(page)):
        if kind == "yaml":
            yield next(names), body
        else:
            lines = [line for line in body.splitlines() if line.startswith("$ gatepolicy ")]
            yield from ((line[2:], "") for line in lines)


def simulated(text: str, url: str) -> str:
    """An inventory of OKX, where a simulated exchange answers: the only difference."""
    return text.replace("    exchange: okx\n", f"    exchange: okx\n    base_url: {url}\n")


@pytest.mark.parametrize("page", PAGES)
def test_every_step_runs_as_written(
    page: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = clean_key(ExchangeId.OKX, 1, NOW)
    for name, value in (
        ("OKX_API_KEY", key.api_key),
        ("OKX_API_SECRET", key.secret),
        ("OKX_API_PASSPHRASE", key.passphrase),
    ):
        monkeypatch.setenv(name, value)
    codes = []
    with SimulatorThread(Simulator([key])) as simulator:
        for what, text in files_of(page):
            if text:
                (tmp_path / what).write_text(simulated(text, simulator.url))
                continue
            command, _, target = what.partition(" > ")
            ended = run(*shlex.split(command)[1:])
            if target:
                (tmp_path / target).write_text(ended.out)
            codes.append((what, ended.code))
            if command.startswith("gatepolicy init"):
                accounts = tmp_path / "accounts.yaml"
                accounts.write_text(simulated(accounts.read_text(), simulator.url))
    assert [(command, code) for command, code in codes if code] == []
    assert len(codes) == OWN_STEPS[page]


def test_gatepolicy_is_installed_from_what_was_built() -> None:
    commands = [step.command for step in shown_steps("docs/install.md")]
    installing = [command for command in commands if "pip install" in command]
    assert [command.split()[-1] for command in installing] == [
        "dist/requirements.txt",
        f"dist/gatepolicy-{__version__}-py3-none-any.whl",
    ]
    assert "--require-hashes" in installing[0]
    assert "--no-index" in installing[1]


def blocks_of(page: str, kind: str) -> list[str]:
    """Files of a kind that a page shows."""
    shown = [body for form, body in BLOCK.findall(text_of(page)) if form == "yaml"]
    return [body for body in shown if f"kind: {kind}\n" in body]


def test_the_policy_of_the_guide_is_valid_and_its_test_passes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policies" / "tests").mkdir(parents=True)
    [policy] = blocks_of("docs/write-a-policy.md", "Policy")
    [test] = blocks_of("docs/write-a-policy.md", "PolicyTest")
    (tmp_path / "policies" / "bots.yaml").write_text(policy)
    (tmp_path / "policies" / "tests" / "bots.test.yaml").write_text(test)
    assert run("check", "-p", "policies/bots.yaml").code == 0
    ended = run("test", "policies", "-v")
    assert ended.code == 0, ended.out + ended.err
    assert "2 of 2 cases as expected" in ended.out
