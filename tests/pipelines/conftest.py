"""A new project with a key of each kind on a local simulator, and GitHub on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from tests.cli.conftest import Run, run
from tests.pipelines.github import FakeGitHub, Runner, serve

__all__ = ["run"]


@dataclass(frozen=True)
class Firm:
    """A project and the exchange that its accounts are on."""

    folder: Path
    simulator: Simulator
    good: SimulatedKey
    bad: SimulatedKey

    def environment(self, key: SimulatedKey) -> dict[str, str]:
        """The variables that the inventory refers to."""
        return {
            "OKX_API_KEY": key.api_key,
            "OKX_API_SECRET": key.secret,
            "OKX_API_PASSPHRASE": key.passphrase,
        }

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit a file of the project."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def firm(run: Run, tmp_path: Path) -> Iterator[Firm]:
    """A new project whose account is answered by the simulator."""
    folder = tmp_path / "checkout"
    begun = run("init", "--exchange", "okx", "--egress", "203.0.113.0/28", "--folder", str(folder))
    assert begun.code == 0
    good = clean_key(ExchangeId.OKX, 1, datetime.now(UTC))
    bad = replace(
        clean_key(ExchangeId.OKX, 2, datetime.now(UTC)), permissions=("read_only", "withdraw")
    )
    with SimulatorThread(Simulator([good, bad])) as simulator:
        accounts = folder / "accounts.yaml"
        with accounts.open("a", encoding="utf-8") as file:
            file.write(f"    base_url: {simulator.url}\n")
        yield Firm(folder, simulator, good, bad)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with serve(FakeGitHub()) as fake:
        yield fake


@pytest.fixture
def runner(firm: Firm, tmp_path: Path, github: FakeGitHub) -> Runner:
    """A runner that holds the credentials of the key that can withdraw."""
    environ = firm.environment(firm.bad)
    return Runner(firm.folder, tmp_path / "temp", api=github.url, environ=environ)
