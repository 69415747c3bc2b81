"""What the options of a command start from, and what files that nobody reviewed may not do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from os.path import abspath
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gatepolicy.accounts.account import Trust
from gatepolicy.accounts.egress import Egresses
from gatepolicy.cli.given import TrustOptions, UntrustedOptions
from gatepolicy.documents.load import Read, is_really_below, problem, relative_below
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ScanSettings
from gatepolicy.policies.parents import NO_NAMES, Names
from gatepolicy.resources import policies_directory
from gatepolicy.scanning.project import NO_PROJECT, PROJECT_FILE, Project

OPTION: Mapping[str, str] = {
    "policies": "policy_files",
    "inventory": "inventory_file",
    "waivers": "waiver_files",
    "attestations": "attestation_files",
    "outputs": "output_texts",
    "history": "history_url",
    "history_keep": "keep",
    "sarif_profile": "sarif_profile",
    "sarif_scope": "sarif_scope",
    "jobs": "jobs",
    "max_rate": "max_rate",
    "attempts": "attempts",
    "max_evidence_age": "max_evidence_age",
}
"""Name in a project file, to the name of the option that it sets."""

WITHOUT_PROJECT: Mapping[str, str] = {
    "fail_on": "fail_on",
    "accounts": "accounts",
    "labels": "labels",
    "rules": "rules",
    "skip_rules": "skip_rules",
    "no_waivers": "no_waivers",
    "exit_zero": "exit_zero",
    "allow_incomplete": "allow_incomplete",
    "allow_empty": "allow_empty",
    "baseline": "baseline_file",
    "baseline_if_exists": "baseline_if_exists",
    "fail_on_new": "fail_on_new",
    "baseline_hides": "baseline_hides",
    "history_required": "history_required",
    "history_project": "history_project",
    "allow_hosts": "allow_hosts",
    "untrusted": "untrusted",
}
"""What narrows or softens a scan, or trusts, and no project file sets; to the option's name."""

OPERATING: Mapping[str, str] = {
    "lock": "lock",
    "wait": "wait",
    "jitter": "jitter",
    "state": "state_folder",
    "only_changes": "only_changes",
    "log_format": "log_format",
    "heartbeat": "heartbeat",
    "notify": "notify_urls",
    "notify_file": "notify_file",
    "notify_when": "notify_when",
}
"""What a scan that nobody watches takes, and no project file sets; to the option's name."""

COMMAND_LINE = "command line"
"""Where an option comes from that a person typed."""


def defaults(project: Project) -> dict[str, Any]:
    """The options that a project file sets."""
    return {OPTION[name]: setting.value for name, setting in project.settings.items()}


def current_project() -> Project:
    """The project of the command that runs."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Project) if context is not None else None
    return NO_PROJECT if found is None else found


def source_of(option: str) -> ParameterSource | None:
    """Where an option of the running command has its value from."""
    context = click.get_current_context(silent=True)
    return context.get_parameter_source(option) if context is not None else None


def variable_of(option: str) -> str:
    """The environment variable that sets an option of the running command."""
    parameters = click.get_current_context().command.params
    return str(next(one.envvar for one in parameters if one.name == option))


def origins() -> dict[str, str]:
    """Every option that somebody gave in a place that decides, to that place.

    Such as ``--exit-zero`` to ``environment, GATEPOLICY_EXIT_ZERO``.
    """
    found = {}
    for option in (*WITHOUT_PROJECT.values(), "max_evidence_age"):
        match source_of(option):
            case ParameterSource.COMMANDLINE:
                found[_flag(option)] = COMMAND_LINE
            case ParameterSource.ENVIRONMENT:
                found[_flag(option)] = f"environment, {variable_of(option)}"
    return found


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def project_folder() -> str:
    """The folder of the project file; without one, the working directory."""
    return str(Path(current_project().file or PROJECT_FILE).parent)


def names() -> Names:
    """Networks and variables of the project."""
    project = current_project()
    return project.names if project.file else NO_NAMES


def egresses() -> Egresses:
    """Egresses of the project."""
    return current_project().egresses


_BY_A_PERSON = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
_FILE_OPTIONS = ("policy_files", "inventory_file", "waiver_files", "attestation_files", "paths")


def trust(given: TrustOptions) -> Trust:
    """What an inventory may lead a scan to."""
    return Trust(
        hosts=frozenset(given.allow_hosts),
        references_below=project_folder() if given.untrusted else None,
    )


def reader(given: UntrustedOptions) -> Read:
    """Reads documents; with ``--untrusted``, none to which only an untrusted file leads.

    Such a file lies outside the project folder, also behind a link. What a person named there
    may be read, and so may its own folder: a policy extends its neighbours.
    """
    if not given.untrusted:
        return Path.read_bytes
    folder = project_folder()
    named = [file for file in _named(given) if relative_below(file, folder) is None]
    folders = [folder, str(policies_directory()), *(str(Path(file).parent) for file in named)]
    files = {abspath(file) for file in named}  # noqa: PTH100 - links are not to be followed

    def read(path: Path) -> bytes:
        is_named = abspath(path) in files  # noqa: PTH100
        if not is_named and not any(is_really_below(str(path), place) for place in folders):
            what = "--untrusted: this file is outside the project folder"
            raise problem(str(path), what, "name it on the command line if you trust it")
        return path.read_bytes()

    return read


def _named(given: UntrustedOptions) -> Iterator[str]:
    """The files that the command line or the environment names."""
    for field in fields(given):
        if field.name in _FILE_OPTIONS and source_of(field.name) in _BY_A_PERSON:
            value: str | Sequence[str] = getattr(given, field.name)
            yield from [value] if isinstance(value, str) else value


def output_folder(given: object, option: str) -> str:
    """The folder below which outputs must lie; empty when they may go anywhere.

    Args:
        given: The options of a command.
        option: Name of the one that says where they go.
    """
    is_of_file = source_of(option) is ParameterSource.DEFAULT_MAP
    is_untrusted = isinstance(given, UntrustedOptions) and given.untrusted
    return project_folder() if is_of_file or is_untrusted else ""


def refuse_softening(given: UntrustedOptions, decides: ScanSettings) -> None:
    """Refuse that the environment softens the exit code of a scan of untrusted files.

    Args:
        given: The options of a command.
        decides: What decides the exit code.

    Raises:
        UsageError: The environment does.
    """
    if not given.untrusted:
        return
    for option, origin in decides.softening.items():
        if origin != COMMAND_LINE:
            raise UsageError(
                f"--untrusted: {option} softens the exit code ({origin})",
                hint="give it on the command line, or unset it",
            )
