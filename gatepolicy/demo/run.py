"""The demonstration: the simulator plays a staged fleet, and the real scanner scans it.

Nothing is special about this scan: the inventory and the policies are files, the requests are
signed by ccxt, and the simulator verifies them with code of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gatepolicy.collect.run import CollectSettings
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.demo.expected import surprises
from gatepolicy.live import prepare, scan_live
from gatepolicy.model.scan import Scan, ScanSettings
from gatepolicy.plan import Selection
from gatepolicy.resources import policies_directory
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.staged import staged_fleet
from gatepolicy.simulator.thread import SimulatorThread
from gatepolicy.workspace import load_workspace


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What came of it."""

    scan: Scan
    """The finished scan."""
    surprises: tuple[str, ...]
    """What did not come out as staged; empty when all is well."""


def demonstrate(folder: Path, now: datetime, *, advance: Callable[[], None]) -> Demonstration:
    """Stage a fleet, scan it, and compare.

    Args:
        folder: An existing folder for the inventory and the policies.
        now: The present, UTC; the staged keys' ages count from it.
        advance: Called once for every account that is done.
    """
    keys = [account.key for account in staged_fleet(now)]
    with SimulatorThread(Simulator(keys)) as simulator:
        inventory = folder / "accounts.yaml"
        inventory.write_text(_inventory(keys, simulator.url), encoding="utf-8")
        policies = [_copied(source, folder) for source in _policies()]
        workspace = load_workspace(policies, str(inventory))
        scan = scan_live(
            prepare(workspace, Selection()),
            _settings(str(inventory), environment(keys)),
            ScanSettings(),
            advance=advance,
        )
    return Demonstration(scan, tuple(surprises(scan)))


def _policies() -> tuple[Path, ...]:
    return (policies_directory() / "gate-market-making.yaml", Path(__file__).with_name("desk.yaml"))


def _copied(source: Path, folder: Path) -> str:
    """A copy beside the reports, without the line that tells editors where the schema lies."""
    text = source.read_text(encoding="utf-8")
    target = folder / source.name
    target.write_text(text.partition("\n")[2], encoding="utf-8")
    return str(target)


def _inventory(keys: Sequence[SimulatedKey], url: str) -> str:
    return "# The staged accounts; the simulator plays their exchanges.\n" + inventory_yaml(
        keys, url
    )


def _settings(inventory: str, environ: Mapping[str, str]) -> CollectSettings:
    return CollectSettings(
        jobs=16,
        max_rate=None,
        attempts=2,
        pepper=b"",
        keep_answers=False,
        sources=replace(SecretSources.real(inventory), environ=environ),
    )
