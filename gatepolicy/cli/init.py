"""``gatepolicy init``: the files of a new project."""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import click

from gatepolicy.cli import inputs
from gatepolicy.cli.given import InitOptions, typed
from gatepolicy.cli.prompts import prompt_for_missing
from gatepolicy.documents.document import EVERYWHERE, hold_everything, network_of
from gatepolicy.documents.load import is_really_below, is_there, read_text
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import hint_about, known_exchanges, load_exchange, load_others
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.clean import clean
from gatepolicy.reports.write import write_document
from gatepolicy.resources import shipped_policies
from gatepolicy.rules.catalog import load_rules
from gatepolicy.starting.begin import new_project
from gatepolicy.starting.bots import BotAccount, accounts_of
from gatepolicy.starting.nightly import ENVIRONMENT, SCRIPT, cron_line
from gatepolicy.starting.project import Choice, RunsOn, policy_path

_PROGRAM = "gatepolicy"
_MODES = {SCRIPT: 0o755, ENVIRONMENT: 0o600}
"""Files that are not simply written as the umask has it."""
_QUESTIONS = {
    "exchange": "Exchanges (such as gate, okx)",
    "egress": "Networks from which bots trade (such as 203.0.113.0/28)",
    "runs_on": "Where scans run (github, gitlab, cron)",
}
_PIPELINES = frozenset({RunsOn.GITHUB, RunsOn.GITLAB})


@click.command("init")
@click.option("--exchange", multiple=True, metavar="ID", help="Exchange; repeatable.")
@click.option(
    "--egress", multiple=True, metavar="CIDR", help="Network from which bots trade; repeatable."
)
@click.option(
    "--runs-on",
    multiple=True,
    metavar="WHERE",
    help="Where scans run: github, gitlab or cron; repeatable.  [default: github and cron; with"
    " --from, cron]",
)
@click.option(
    "--from",
    "source",
    default="",
    metavar="FILE",
    help="Take accounts from the configuration of a bot (freqtrade, OctoBot, hummingbot, or ccxt's"
    " names): writes references to its credentials, never a credential.",
)
@click.option("--folder", default=".", show_default=True, help="Folder to write to.")
@typed(InitOptions)
def command(given: InitOptions) -> ExitCode:
    """Create a project: policies, inventory, waivers, tests, CI.

    Prompts for whatever is missing. Overwrites nothing. --runs-on says where scans run: a workflow
    for GitHub, a pipeline for GitLab, or a script for cron.
    """
    found = _accounts(given)
    exchanges = tuple(dict.fromkeys(account.exchange for account in found))
    filled = prompt_for_missing(
        replace(given, exchange=(*exchanges, *given.exchange)),
        _QUESTIONS,
        {"runs_on": _check_places},
        {"runs_on": "cron" if given.source else "github, cron"},
    )
    choices = [_choice(name, found) for name in _listed(filled.exchange)]
    egress = [_network(text) for text in _listed(filled.egress)]
    if hold_everything(map(ip_network, egress)):
        raise UsageError(f"--egress: {EVERYWHERE[0]}", hint=EVERYWHERE[1])
    runs_on = _places(_listed(filled.runs_on))
    folder = Path(given.folder)
    _refuse_outside(given.source, folder, runs_on)
    files = new_project(choices, egress, load_rules(), inputs.now(), runs_on)
    there = [name for name in files if is_there(folder / name)]
    if there:
        raise UsageError(f"already exists: {', '.join(there)}", hint="choose another --folder")
    _write(folder, files)
    for name in files:
        click.echo(f"wrote {folder / name}")
    _say_what_is_next(folder, runs_on)
    if given.source:
        click.echo(f"{given.source} holds credentials: mode 0600, and never in a repository.")
    for choice in choices:
        if _is_attested(files, choice):
            _say_how_to_attest(choice)
    return ExitCode.OK


def _accounts(given: InitOptions) -> Sequence[BotAccount]:
    """The accounts of the bot's configuration; none without one."""
    if not given.source:
        return ()
    said = _listed(given.exchange)
    found = accounts_of(
        read_text(given.source),
        os.path.relpath(given.source, given.folder),
        known={*known_exchanges(), *load_others()},
        exchange=said[0] if len(said) == 1 else "",
    )
    for note in found.notes:
        click.echo(f"note: {clean(note)}", err=True)
    return found.accounts


def _check_places(text: str) -> None:
    _places(_listed(text))


def _places(names: Sequence[str]) -> Collection[RunsOn]:
    for name in names:
        if name not in list(RunsOn):
            raise UsageError(f"--runs-on {name}: unknown", hint=f"there are {', '.join(RunsOn)}")
    return {RunsOn(name) for name in names}


def _refuse_outside(source: str, folder: Path, runs_on: Collection[RunsOn]) -> None:
    """Refuse references that the checks of a pipeline would refuse."""
    if source and _PIPELINES & set(runs_on) and not is_really_below(source, str(folder)):
        raise UsageError(
            f"--from {source}: outside the folder of the project; a pipeline checks with"
            " --untrusted, which refuses that",
            hint="use --runs-on cron, or leave --from out and let the pipeline set variables",
        )


def _is_attested(files: Mapping[str, str], choice: Choice) -> bool:
    return "attested_within" in files[policy_path(choice)]


def _say_what_is_next(folder: Path, runs_on: Collection[RunsOn]) -> None:
    click.echo("\nNext: gatepolicy check, gatepolicy test, gatepolicy scan --plan")
    if RunsOn.CRON in runs_on:
        click.echo(f"Nightly: fill in {folder / ENVIRONMENT}, and add this line to your crontab:")
        program = Path(sys.argv[0])
        found = program if program.name == _PROGRAM else Path(sys.executable).with_name(_PROGRAM)
        click.echo(f"  {cron_line(str(folder.absolute()), str(found.absolute()))}")
    if RunsOn.GITHUB in runs_on:
        click.echo(
            "CI: put the wheel of gatepolicy into vendor/; the workflow's first lines say how."
        )
    if RunsOn.GITLAB in runs_on:
        click.echo(
            "CI: put the wheel of gatepolicy into vendor/; .gitlab-ci.yml's first lines say how."
        )


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


def _choice(name: str, accounts: Sequence[BotAccount]) -> Choice:
    found = tuple(account for account in accounts if account.exchange == name)
    guide = f"{name}-market-making"
    parent = guide if guide in shipped_policies() else "baseline"
    if name in known_exchanges():
        return Choice(load_exchange(name), parent, found)
    others = load_others()
    if name not in others:
        raise UsageError(f"unknown exchange {name}", hint=hint_about(name))
    return Choice(others[name], parent, found)


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
