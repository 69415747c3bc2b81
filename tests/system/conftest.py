"""Whole scans: the real command, the real client, the simulator as the exchange."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.cli.main import main
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

NOW = datetime.now(UTC)

POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
permissions:
  forbid: [withdraw]
ip_binding: {required: true}
on_unknown: {default: incomplete, withdraw: block, ip_binding: block}
"""


@dataclass(frozen=True)
class Ended:
    """How the command ended."""

    code: int
    out: str
    err: str


@dataclass
class Firm:
    """A folder with an inventory and a policy, and a simulated exchange."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    keys: Sequence[SimulatedKey] = ()
    policy: str = POLICY
    inventory: Callable[[str], str] = field(default=lambda text: text)

    def run(self, *arguments: str) -> Ended:
        """Run a command in the firm's folder."""
        self.monkeypatch.chdir(self.folder)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self.capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, out, err)

    def prepare(self, url: str) -> None:
        """Write the inventory and the policy, and set the environment."""
        text = inventory_yaml(self.keys, url)
        (self.folder / "accounts.yaml").write_text(self.inventory(text), encoding="utf-8")
        (self.folder / "policy.yaml").write_text(self.policy, encoding="utf-8")
        for name, value in environment(self.keys).items():
            self.monkeypatch.setenv(name, value)

    def written(self) -> list[str]:
        """The files that commands wrote."""
        names = {path.name for path in self.folder.iterdir()}
        return sorted(names - {"accounts.yaml", "policy.yaml"})

    def read(self, name: str) -> Any:
        """A JSON file of the folder."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def scan(self, *arguments: str) -> Ended:
        """Scan the keys by the policy."""
        with SimulatorThread(Simulator(self.keys)) as simulator:
            self.prepare(simulator.url)
            ended = self.run("scan", "-p", "policy.yaml", "--attempts", "1", *arguments)
            assert not simulator.forbidden_requests
            assert not simulator.followed_redirects
        return ended

    def report(self, *arguments: str) -> Any:
        """Scan, and read the JSON report."""
        self.scan("-o", "json=report.json", *arguments)
        return self.read("report.json")


@pytest.fixture
def firm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Firm:
    """A firm without accounts yet."""
    for name in (
        "GATEPOLICY_POLICY",
        "GATEPOLICY_INVENTORY",
        "GATEPOLICY_OUTPUT",
        "GATEPOLICY_EXIT_ZERO",
    ):
        monkeypatch.delenv(name, raising=False)
    return Firm(tmp_path, capsys, monkeypatch)


@pytest.fixture
def clean() -> Callable[[ExchangeId], SimulatedKey]:
    """A clean key of an exchange."""
    return lambda exchange: clean_key(exchange, 1, NOW)
