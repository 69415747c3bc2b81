"""The demonstration: the simulator plays a staged fleet, and the real scanner scans it.

Nothing is special about this scan: the inventory and the policies are files, the requests are
signed by ccxt, and the simulator verifies them with code of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from os.path import lexists
from pathlib import Path

from gatepolicy.collect.run import CollectSettings, SecondsLeft
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.demo.expected import EXPECTED, Expected, expected_of_map, surprises
from gatepolicy.live import prepare, scan_live
from gatepolicy.model.scan import Scan, ScanSettings
from gatepolicy.plan import Selection
from gatepolicy.reports.write import write_document
from gatepolicy.resources import policies_directory
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.staged import StagedAccount, staged_fleet, staged_map
from gatepolicy.simulator.thread import SimulatorThread
from gatepolicy.workspace import load_workspace

REPORTS = ("report.json", "report.sarif")
"""The files of the reports, in the folder of the demonstration."""
_INVENTORY = "accounts.yaml"
_MARK = "# The staged accounts; the simulator plays their exchanges.\n"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What came of it."""

    scan: Scan
    """The finished scan."""
    surprises: tuple[str, ...]
    """What did not come out as staged; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is scanned, and what must come of it."""

    accounts: tuple[StagedAccount, ...]
    """Every account."""
    expected: Mapping[str, Expected]
    """Account id to what the scan must find."""
    policies: tuple[Path, ...]
    """The policies that judge."""


def stage(now: datetime, *, everything: bool) -> Stage:
    """The demonstration's accounts.

    Args:
        now: The present, UTC; the staged keys' ages count from it.
        everything: Also on all other exchanges that the simulator plays.
    """
    on_map = staged_map(now) if everything else ()
    return Stage(
        accounts=(*staged_fleet(now), *on_map),
        expected={**EXPECTED, **expected_of_map(on_map)},
        policies=_policies(everything=everything),
    )


def files_of_others(folder: Path, staged: Stage) -> Sequence[Path]:
    """The files that a demonstration would overwrite and that none wrote.

    Args:
        folder: Where it writes.
        staged: What is staged.
    """
    names = (_INVENTORY, *(source.name for source in staged.policies), *REPORTS)
    there = [folder / name for name in names if lexists(folder / name)]
    if not _is_own(folder / _INVENTORY):
        return there
    policies = {folder / source.name: _policy_text(source) for source in staged.policies}
    return [file for file in there if file in policies and not _holds(file, policies[file])]


def _is_own(inventory: Path) -> bool:
    try:
        with inventory.open("rb") as file:
            return file.read(len(_MARK)) == _MARK.encode()
    except OSError:
        return False


def _holds(file: Path, text: str) -> bool:
    try:
        return file.read_bytes() == text.encode()
    except OSError:
        return False


def demonstrate(
    folder: Path, staged: Stage, *, advance: Callable[[SecondsLeft], None]
) -> Demonstration:
    """Scan what is staged, and compare.

    Args:
        folder: An existing folder for the inventory and the policies.
        staged: What is staged.
        advance: Called once for every account that is done.
    """
    keys = [account.key for account in staged.accounts if account.declared]
    with SimulatorThread(Simulator([account.key for account in staged.accounts])) as simulator:
        inventory = folder / _INVENTORY
        write_document([_inventory(keys, simulator.url_of)], str(inventory))
        policies = [_copied(source, folder) for source in staged.policies]
        workspace = load_workspace(policies, str(inventory))
        scan = scan_live(
            prepare(workspace, Selection()),
            _settings(str(inventory), environment(keys)),
            ScanSettings(),
            advance=advance,
        )
    # What was interrupted cannot have come out as staged.
    odd = () if scan.interrupted_by else surprises(scan, staged.expected)
    return Demonstration(scan, tuple(odd))


def _policies(*, everything: bool) -> tuple[Path, ...]:
    own = ("desk.yaml", "keys.yaml", "map.yaml") if everything else ("desk.yaml", "keys.yaml")
    guide = policies_directory() / "gate-market-making.yaml"
    return (guide, *(Path(__file__).with_name(name) for name in own))


def _copied(source: Path, folder: Path) -> str:
    """A copy beside the reports."""
    target = str(folder / source.name)
    write_document([_policy_text(source)], target)
    return target


def _policy_text(source: Path) -> str:
    """A policy without the line that tells editors where the schema lies."""
    return source.read_text(encoding="utf-8").partition("\n")[2]


def _inventory(keys: Sequence[SimulatedKey], url: Callable[[str], str]) -> str:
    return _MARK + inventory_yaml(keys, url)


def _settings(inventory: str, environ: Mapping[str, str]) -> CollectSettings:
    return CollectSettings(
        jobs=16,
        max_rate=None,
        attempts=2,
        pepper=b"",
        keep_answers=False,
        sources=replace(SecretSources.real(inventory), environ=environ),
    )
