"""The demonstration: the real scanner scans synthetic accounts on the simulator.

Nothing is special about this scan: the inventory and the policies are files, the requests are
signed by ccxt, and the simulator verifies them with code of its own.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from os.path import lexists
from pathlib import Path

from gatepolicy.collect.run import CollectSettings, SecondsLeft
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.demo.expected import EXPECTED, Expected, expected_elsewhere, surprises
from gatepolicy.model.scan import Scan, ScanSettings
from gatepolicy.reports.write import write_document
from gatepolicy.resources import policies_directory
from gatepolicy.scanning.live import prepare, scan_live
from gatepolicy.scanning.plan import Selection
from gatepolicy.scanning.workspace import load_workspace
from gatepolicy.simulator.demo_accounts import (
    DemoAccount,
    accounts_of_other_exchanges,
    demo_accounts,
)
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

REPORTS = ("report.html", "report.json", "report.sarif")
"""The files of the reports, in the folder of the demonstration."""
_INVENTORY = "accounts.yaml"
_PORT = re.compile(rb"(?<=http://127\.0\.0\.1):[0-9]{1,5}")
_HEADER = "# Synthetic accounts of the simulator.\n"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What came of it."""

    scan: Scan
    """The finished scan."""
    surprises: tuple[str, ...]
    """What did not come out as expected; empty when all is well."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What is scanned, and what must come of it."""

    accounts: tuple[DemoAccount, ...]
    """Every account."""
    expected: Mapping[str, Expected]
    """Account id to what the scan must find."""
    policies: tuple[Path, ...]
    """The policies that judge."""


def plan_demo(now: datetime, *, everything: bool) -> DemoPlan:
    """The demonstration's accounts.

    Args:
        now: The present, UTC; the ages of the keys count from it.
        everything: Also on all other exchanges of the simulator.
    """
    elsewhere = accounts_of_other_exchanges(now) if everything else ()
    return DemoPlan(
        accounts=(*demo_accounts(now), *elsewhere),
        expected={**EXPECTED, **expected_elsewhere(elsewhere)},
        policies=_policies(everything=everything),
    )


def files_of_others(folder: Path, plan: DemoPlan) -> Sequence[Path]:
    """The files that a demonstration would overwrite and that none wrote.

    Args:
        folder: Where it writes.
        plan: What is scanned, and what must come of it.
    """
    texts = {source.name: _policy_text(source) for source in plan.policies}
    texts[_INVENTORY] = _inventory(_declared(plan), lambda _: "http://127.0.0.1:0")
    others = [folder / name for name, text in texts.items() if not _may_be_of(folder / name, text)]
    # Reports beside the untouched inventory of a demonstration are its own.
    is_of_demo = lexists(folder / _INVENTORY) and not others
    reports = [folder / name for name in REPORTS if lexists(folder / name)]
    return others if is_of_demo else [*others, *reports]


def _may_be_of(file: Path, text: str) -> bool:
    """Whether no such file, or it holds what a demonstration wrote on some port."""
    if not lexists(file):
        return True
    try:
        return _PORT.sub(b":0", file.read_bytes()) == text.encode()
    except OSError:
        return False


def _declared(plan: DemoPlan) -> Sequence[SimulatedKey]:
    return [account.key for account in plan.accounts if account.declared]


def demonstrate(
    folder: Path, plan: DemoPlan, *, advance: Callable[[SecondsLeft], None]
) -> Demonstration:
    """Scan the accounts, and compare with what must come of it.

    Args:
        folder: An existing folder for the inventory and the policies.
        plan: What is scanned, and what must come of it.
        advance: Called once for every account that is done.
    """
    keys = _declared(plan)
    with SimulatorThread(Simulator([account.key for account in plan.accounts])) as simulator:
        inventory = folder / _INVENTORY
        write_document([_inventory(keys, simulator.url_of)], str(inventory))
        policies = [_copied(source, folder) for source in plan.policies]
        workspace = load_workspace(policies, str(inventory))
        scan = scan_live(
            prepare(workspace, Selection()),
            _settings(str(inventory), environment(keys)),
            ScanSettings(),
            advance=advance,
        )
    # What was interrupted cannot have come out as expected.
    odd = () if scan.interrupted_by else surprises(scan, plan.expected)
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
    return _HEADER + inventory_yaml(keys, url)


def _settings(inventory: str, environ: Mapping[str, str]) -> CollectSettings:
    return CollectSettings(
        jobs=16,
        max_rate=None,
        attempts=2,
        pepper=b"",
        keep_answers=False,
        sources=replace(SecretSources.real(inventory), environ=environ),
    )
