"""Every step of the README's part about an account of one's own runs as it is written."""

import re
import shlex
from collections.abc import Iterator
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

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PART = README.partition("## With an account of your own\n")[2].partition("<!-- begin: help")[0]
BLOCKS = re.findall(r"^   ```(console|yaml)\n(.*?)^   ```", PART, re.DOTALL | re.MULTILINE)
FILES = iter(["accounts.yaml", "policies/okx.yaml"])


def steps() -> Iterator[tuple[str, str]]:
    """File to write with its text, or a command with an empty text."""
    for kind, body in BLOCKS:
        if kind == "yaml":
            yield next(FILES), re.sub(r"^   ", "", body, flags=re.MULTILINE)
        else:
            yield from ((line.strip()[2:], "") for line in body.splitlines())


STEPS = list(steps())


def test_the_steps_are_found() -> None:
    assert len(STEPS) > 15
    assert len([text for _, text in STEPS if text]) == 2


def test_gatepolicy_is_installed_from_what_was_built() -> None:
    installing = [command for command, _ in STEPS if "pip install" in command]
    assert [command.split()[-1] for command in installing] == [
        "dist/requirements.txt",
        f"dist/gatepolicy-{__version__}-py3-none-any.whl",
    ]
    assert "--require-hashes" in installing[0]
    assert "--no-index" in installing[1]


def test_every_step_runs_as_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
        for what, text in STEPS:
            if text:
                # The only difference: a simulated exchange answers.
                there = f"    exchange: okx\n    base_url: {simulator.url}\n"
                (tmp_path / what).write_text(text.replace("    exchange: okx\n", there))
            elif what.startswith("gatepolicy "):
                command, _, target = what.partition(" > ")
                ended = run(*shlex.split(command)[1:])
                if target:
                    (tmp_path / target).write_text(ended.out)
                codes.append((what, ended.code))
    assert [(command, code) for command, code in codes if code] == []
    assert (tmp_path / "report.sarif").exists()
    assert len(codes) == 13
