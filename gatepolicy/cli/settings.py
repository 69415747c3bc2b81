"""What the options of a command start from: command line, environment, project file, default."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gatepolicy.policies.names import NO_NAMES, Names
from gatepolicy.project import NO_PROJECT, PROJECT_FILE, Project

OPTION: Mapping[str, str] = {
    "policies": "policy_files",
    "inventory": "inventory_file",
    "waivers": "waiver_files",
    "attestations": "attestation_files",
    "outputs": "output_texts",
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
    "allow_hosts": "allow_hosts",
    "untrusted": "untrusted",
}
"""What narrows or softens a scan, or trusts, and no project file sets; to the option's name."""

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
