"""What the options of a command start from: command line, environment, project file, default."""

from collections.abc import Mapping
from typing import Any

import click

from gatepolicy.policies.names import NO_NAMES, Names
from gatepolicy.project import NO_PROJECT, Project

OPTION: Mapping[str, str] = {
    "policies": "policy_files",
    "inventory": "inventory_file",
    "waivers": "waiver_files",
    "attestations": "attestation_files",
    "outputs": "output_texts",
    "fail_on": "fail_on",
    "sarif_profile": "sarif_profile",
    "sarif_scope": "sarif_scope",
    "jobs": "jobs",
    "max_rate": "max_rate",
    "attempts": "attempts",
    "max_evidence_age": "max_evidence_age",
}
"""Name in a project file, to the name of the option that it sets."""

WITHOUT_PROJECT: Mapping[str, str] = {
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
}
"""What narrows or softens a scan, and no project file sets; to the name of the option."""


def defaults(project: Project) -> dict[str, Any]:
    """The options that a project file sets."""
    return {OPTION[name]: setting.value for name, setting in project.settings.items()}


def current_project() -> Project:
    """The project of the command that runs."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Project) if context is not None else None
    return NO_PROJECT if found is None else found


def names() -> Names:
    """Networks and variables of the project."""
    project = current_project()
    return project.names if project.file else NO_NAMES
