"""``gatepolicy check``: look at every file, ask nobody."""

from pathlib import Path
from typing import Any

import click

from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.attestations.load import load_attestations
from gatepolicy.cli import inputs, options, settings
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.exit_codes import ExitCode
from gatepolicy.policies.load import load_policies
from gatepolicy.rules.catalog import load_rules
from gatepolicy.waivers.load import load_waivers


@click.command("check")
@options.policies
@click.option(
    "-i",
    "--inventory",
    "inventory_file",
    envvar="GATEPOLICY_INVENTORY",
    metavar="FILE",
    help="Inventory of the accounts.  [default: accounts.yaml, where it exists]",
)
@click.option(
    "-w",
    "--waivers",
    "waiver_files",
    multiple=True,
    envvar="GATEPOLICY_WAIVERS",
    metavar="FILE",
    help="Waivers; may be given several times.",
)
@options.attestations
@click.option("--catalog", is_flag=True, help="Check the shipped exchange catalog as well.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when all is well.")
def command(**given: Any) -> ExitCode:
    """Check policies, the inventory and the catalog; ask nobody.

    Every problem of every file is told with its line.
    """
    problems: list[Problem] = []
    checked: list[str] = []
    policy_files = list(inputs.policy_files(given))
    inventory_file = given["inventory_file"] or _default_inventory()
    try:
        load_policies(policy_files, names=settings.names())
        checked += policy_files
    except DocumentError as error:
        problems += error.problems
    if inventory_file is not None:
        try:
            inventory = load_inventory(inventory_file)
            count = len(inventory.accounts)
            checked.append(f"{inventory_file} ({count:,} account{'s' * (count != 1)})")
        except DocumentError as error:
            problems += error.problems
    try:
        load_waivers(given["waiver_files"], load_rules())
        checked += given["waiver_files"]
    except DocumentError as error:
        problems += error.problems
    try:
        load_attestations(given["attestation_files"])
        checked += given["attestation_files"]
    except DocumentError as error:
        problems += error.problems
    if given["catalog"]:
        checked.append(_check_catalog())
    if problems:
        raise DocumentError(problems)
    if not given["quiet"]:
        for line in checked:
            click.echo(f"ok  {line}")
    return ExitCode.OK


def _default_inventory() -> str | None:
    return "accounts.yaml" if Path("accounts.yaml").exists() else None


def _check_catalog() -> str:
    from gatepolicy.exchanges.catalog import load_catalog

    return f"exchange catalog ({len(load_catalog(validate=True))} exchanges)"
