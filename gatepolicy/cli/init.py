"""``gatepolicy init``: the files of a new project."""

import os
import sys
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

import click

from gatepolicy.cli import inputs
from gatepolicy.cli.given import InitOptions, typed
from gatepolicy.cli.prompts import prompt_for_missing
from gatepolicy.documents.document import EVERYWHERE, hold_everything, network_of
from gatepolicy.documents.load import is_there
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import hint_about, known_exchanges, load_exchange, load_others
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.write import write_document
from gatepolicy.resources import shipped_policies
from gatepolicy.rules.catalog import load_rules
from gatepolicy.starting.begin import new_project
from gatepolicy.starting.nightly import ENVIRONMENT, SCRIPT, cron_line
from gatepolicy.starting.project import Choice, policy_path

_PROGRAM = "gatepolicy"
_MODES = {SCRIPT: 0o755, ENVIRONMENT: 0o600}
"""Files that are not simply written as the umask has it."""
_QUESTIONS = {
    "exchange": "Exchanges (such as gate, okx)",
    "egress": "Networks from which bots trade (such as 203.0.113.0/28)",
}


@click.command("init")
@click.option("--exchange", multiple=True, metavar="ID", help="Exchange; repeatable.")
@click.option(
    "--egress", multiple=True, metavar="CIDR", help="Network from which bots trade; repeatable."
)
@click.option("--folder", default=".", show_default=True, help="Folder to write to.")
@typed(InitOptions)
def command(given: InitOptions) -> ExitCode:
    """Create a project: policies, inventory, waivers, tests, CI.

    Prompts for whatever is missing. Overwrites nothing.
    """
    filled = prompt_for_missing(given, _QUESTIONS)
    choices = [_choice(name) for name in _listed(filled.exchange)]
    egress = [_network(text) for text in _listed(filled.egress)]
    if hold_everything(map(ip_network, egress)):
        raise UsageError(f"--egress: {EVERYWHERE[0]}", hint=EVERYWHERE[1])
    folder = Path(given.folder)
    files = new_project(choices, egress, load_rules(), inputs.now())
    there = [name for name in files if is_there(folder / name)]
    if there:
        raise UsageError(f"already exists: {', '.join(there)}", hint="choose another --folder")
    _write(folder, files)
    for name in files:
        click.echo(f"wrote {folder / name}")
    _say_what_is_next(folder, [choice for choice in choices if _is_attested(files, choice)])
    return ExitCode.OK


def _is_attested(files: Mapping[str, str], choice: Choice) -> bool:
    return "attested_within" in files[policy_path(choice)]


def _say_what_is_next(folder: Path, attested: Sequence[Choice]) -> None:
    click.echo("\nNext: gatepolicy check, gatepolicy test, gatepolicy scan --plan")
    click.echo(f"Nightly: fill in {folder / ENVIRONMENT}, and add this line to your crontab:")
    program = Path(sys.argv[0])
    found = program if program.name == _PROGRAM else Path(sys.executable).with_name(_PROGRAM)
    click.echo(f"  {cron_line(str(folder.absolute()), str(found.absolute()))}")
    click.echo("CI: put the wheel of gatepolicy into vendor/; the workflow's first lines say how.")
    for choice in attested:
        _say_how_to_attest(choice)


def _say_how_to_attest(choice: Choice) -> None:
    place = getattr(choice.exchange, "menu", "") or "the exchange's web page"
    how = "by attestation only" if choice.entry is None else "in part by attestation only"
    click.echo(f"\n{choice.exchange.title} can be checked {how}. Compare the key with the policy:")
    click.echo(f"  {place}")
    click.echo("Then attest it:")
    click.echo(f"  gatepolicy attest --control settings --account {choice.account}")


def _listed(values: str | Sequence[str]) -> list[str]:
    texts = [values] if isinstance(values, str) else values
    return list(dict.fromkeys(part for text in texts for part in text.replace(",", " ").split()))


def _choice(name: str) -> Choice:
    guide = f"{name}-market-making"
    parent = guide if guide in shipped_policies() else "baseline"
    if name in known_exchanges():
        return Choice(load_exchange(name), parent)
    others = load_others()
    if name not in others:
        raise UsageError(f"unknown exchange {name}", hint=hint_about(name))
    return Choice(others[name], parent)


def _network(text: str) -> str:
    network = network_of(text)
    if isinstance(network, tuple):
        what, hint = network
        raise UsageError(f"--egress {text}: {what}", hint=hint)
    return str(network)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if name in _MODES:
                _create(target, _MODES[name])
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not a valid name"
            what = f"cannot write into {folder}: {why}"
            raise UsageError(what, hint="choose another --folder") from None
        write_document([text], str(target))


def _create(target: Path, mode: int) -> None:
    """An empty file; whoever writes it keeps its mode."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
