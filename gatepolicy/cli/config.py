"""``gatepolicy config``: what a scan would start from, and who says so."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import click
from click.core import ParameterSource

from gatepolicy.cli import inputs, keeping, options, settings
from gatepolicy.cli.given import ConfigOptions, typed
from gatepolicy.cli.settings import OPERATING, OPTION, WITHOUT_PROJECT, current_project
from gatepolicy.model.scan import ExitCode
from gatepolicy.policies.parents import Definition
from gatepolicy.reports.clean import clean
from gatepolicy.rules.rule import duration_in_words
from gatepolicy.scanning.project import Project

_COLUMN = 20


@click.command("config")
@options.policies
@options.inventory
@options.account_selection
@options.rule_selection
@options.waivers
@options.baseline
@options.history
@options.history_keep
@options.gate
@options.outputs
@options.edge
@options.evidence_age
@options.trust
@options.operating
@typed(ConfigOptions)
def command(given: ConfigOptions) -> ExitCode:
    """Show each setting of a scan and where it comes from.

    Precedence: command line, environment, project file, default.
    """
    project = current_project()
    click.echo(f"{'project':<{_COLUMN}}{clean(project.file or 'none')}")
    for name, option in {**OPTION, **WITHOUT_PROJECT, **OPERATING}.items():
        value = _value(given, name, option)
        origin = _origin(project, name, option)
        for text in _texts(value):
            click.echo(f"{name:<{_COLUMN}}{clean(text)}  ({origin})")
    for line in _definitions("networks", project.names.networks):
        click.echo(line)
    for line in _definitions("variables", project.names.variables):
        click.echo(line)
    return ExitCode.OK


def _value(given: ConfigOptions, name: str, option: str) -> object:
    match name:
        case "policies":
            return inputs.policy_files(given)
        case "history":
            # A URL may hold a password.
            where = keeping.place(given)
            return where and where.name
        case _:
            return getattr(given, option)


def _texts(value: object) -> Iterator[str]:
    values = value if isinstance(value, list | tuple) else [value]
    for item in values or ["none"]:
        if isinstance(item, bool):
            yield "yes" if item else "no"
        elif isinstance(item, timedelta):
            yield _duration(item)
        else:
            yield "none" if item in (None, "") else str(item)


def _duration(item: timedelta) -> str:
    if item % timedelta(hours=1):
        return f"{item / timedelta(minutes=1):g} minutes"
    return duration_in_words(item)


def _origin(project: Project, name: str, option: str) -> str:
    match settings.source_of(option):
        case ParameterSource.COMMANDLINE:
            return settings.COMMAND_LINE
        case ParameterSource.ENVIRONMENT:
            return f"environment, {settings.variable_of(option)}"
        case ParameterSource.DEFAULT_MAP:
            return str(project.settings[name].location)
        case _:
            return "default"


def _definitions(table: str, definitions: Mapping[str, Definition]) -> Iterator[str]:
    for name, definition in definitions.items():
        value = definition.value
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield f"{f'${name}':<{_COLUMN}}{clean(text)}  ({table}, {definition.location})"
