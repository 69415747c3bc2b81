"""``gatepolicy check``: look at every file, ask nobody."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.attestations.load import load_attestations
from gatepolicy.cli import inputs, options, settings
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.exit_codes import ExitCode
from gatepolicy.policies.custom import CustomRule, with_custom
from gatepolicy.policies.load import load_policies
from gatepolicy.rules.catalog import load_rules
from gatepolicy.waivers.load import load_waivers
from gatepolicy.workspace import custom_rules, refuse_same_rules


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
@options.waiver_files
@options.attestations
@click.option("--catalog", is_flag=True, help="Check the shipped exchange catalog as well.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when all is well.")
def command(**given: Any) -> ExitCode:
    """Check policies, the inventory and the catalog; ask nobody.

    Every problem of every file is told with its line.
    """
    problems: list[Problem] = []
    checked: list[str] = []
    for look in (_policies_and_waivers, _inventory, _attestations):
        try:
            checked += look(given)
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


def _policies_and_waivers(given: Mapping[str, Any]) -> Sequence[str]:
    files, waivers = list(inputs.policy_files(given)), given["waiver_files"]
    problems: list[Problem] = []
    custom = list[CustomRule]()
    try:
        policies = load_policies(files, names=settings.names())
        refuse_same_rules(policies)
        custom += custom_rules(policies)
    except DocumentError as error:
        problems += error.problems
    if waivers:
        try:
            load_waivers(waivers, with_custom(load_rules(), custom))
        except DocumentError as error:
            problems += error.problems
    if problems:
        raise DocumentError(problems)
    return [*files, *waivers]


def _inventory(given: Mapping[str, Any]) -> Sequence[str]:
    file = given["inventory_file"] or _default_inventory()
    if file is None:
        return []
    count = len(load_inventory(file).accounts)
    return [f"{file} ({count:,} account{'s' * (count != 1)})"]


def _attestations(given: Mapping[str, Any]) -> Sequence[str]:
    load_attestations(given["attestation_files"], today=inputs.now().date())
    return list(given["attestation_files"])


def _default_inventory() -> str | None:
    return "accounts.yaml" if Path("accounts.yaml").exists() else None


def _check_catalog() -> str:
    from gatepolicy.exchanges.catalog import load_catalog

    return f"exchange catalog ({len(load_catalog(validate=True))} exchanges)"
