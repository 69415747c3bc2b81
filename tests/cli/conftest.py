"""The real command line, run in a folder of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatepolicy.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command, and tells how it ended."""
    monkeypatch.chdir(tmp_path)
    for name in ("GATEPOLICY_POLICY", "GATEPOLICY_INVENTORY", "GATEPOLICY_OUTPUT"):
        monkeypatch.delenv(name, raising=False)

    def run_command(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, out, err)

    return run_command
