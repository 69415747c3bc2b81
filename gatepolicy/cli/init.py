"""``gatepolicy init``: the files of a new project."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import click

from gatepolicy.cli import inputs
from gatepolicy.cli.filling import fill
from gatepolicy.documents.networks import EVERYWHERE, hold_everything, network_of
from gatepolicy.documents.source import is_there
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange
from gatepolicy.exchanges.naming import hint_about
from gatepolicy.exchanges.others import load_others
from gatepolicy.model.exit_codes import ExitCode
from gatepolicy.policies.load import load_policy
from gatepolicy.policies.parents import shipped_policies
from gatepolicy.project import load_project
from gatepolicy.reports.write import write_document
from gatepolicy.rules.catalog import load_rules
from gatepolicy.starting.project import Choice, policy_test, project_files

_QUESTIONS = {
    "exchange": "Exchanges (such as gate, okx)",
    "egress": "Networks from which bots trade (such as 203.0.113.0/28)",
}


@click.command("init")
@click.option(
    "--exchange", multiple=True, metavar="ID", help="Exchange; may be given several times."
)
@click.option(
    "--egress", multiple=True, metavar="CIDR", help="Network from which bots trade; several times."
)
@click.option("--folder", default=".", show_default=True, help="Where to write.")
def command(**given: Any) -> ExitCode:
    """Begin a project: policies, inventory, waivers, tests, CI.

    Asks for what is not given. Overwrites nothing.
    """
    filled = fill(given, _QUESTIONS)
    choices = [_choice(name) for name in _listed(filled["exchange"])]
    egress = [_network(text) for text in _listed(filled["egress"])]
    if hold_everything(map(ip_network, egress)):
        raise UsageError(f"--egress: {EVERYWHERE[0]}", hint=EVERYWHERE[1])
    folder = Path(given["folder"])
    files = project_files(choices, egress)
    names = [f"policies/tests/{choice.id}.test.yaml" for choice in choices]
    there = [name for name in (*files, *names) if is_there(folder / name)]
    if there:
        raise UsageError(f"there already: {', '.join(there)}", hint="choose another --folder")
    _write(folder, files)
    _write(folder, dict(_test(choice, folder) for choice in choices))
    for name in (*files, *names):
        click.echo(f"wrote {folder / name}")
    click.echo("")
    click.echo("Next: gatepolicy check, gatepolicy test, gatepolicy scan --plan")
    click.echo("cron: 17 4 * * * cd /path/to/this && gatepolicy scan -q -o json=report.json")
    for choice in choices:
        if choice.entry is None:
            _say_how_to_attest(choice)
    return ExitCode.OK


def _say_how_to_attest(choice: Choice) -> None:
    place = choice.exchange.menu or "the exchange's web page"
    click.echo(f"\n{choice.exchange.title} can be checked by attestations only. Look there:")
    click.echo(f"  {place}")
    click.echo("Then say so:")
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
        raise UsageError(f"the catalog has no exchange {name}", hint=hint_about(name))
    return Choice(others[name], parent)


def _network(text: str) -> str:
    network = network_of(text)
    if isinstance(network, tuple):
        what, hint = network
        raise UsageError(f"--egress {text}: {what}", hint=hint)
    return str(network)


def _test(choice: Choice, folder: Path) -> tuple[str, str]:
    names = load_project(str(folder / "gatepolicy.yaml")).names
    policy = load_policy(str(folder / "policies" / f"{choice.id}.yaml"), names=names)
    return policy_test(choice, policy, load_rules(), inputs.now())


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        try:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "that is no name"
            what = f"cannot write into {folder}: {why}"
            raise UsageError(what, hint="choose another --folder") from None
        write_document([text], str(folder / name))
