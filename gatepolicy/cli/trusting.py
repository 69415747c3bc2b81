"""What the files of a project may lead to, from the options of a command."""

from collections.abc import Iterator, Mapping, Sequence
from os.path import abspath
from pathlib import Path
from typing import Any

from click.core import ParameterSource

from gatepolicy.cli import settings
from gatepolicy.collect.trust import Trust
from gatepolicy.documents.places import is_really_below, relative_below
from gatepolicy.documents.source import Read, problem
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ScanSettings
from gatepolicy.resources import policies_directory

Given = Mapping[str, Any]
_BY_A_PERSON = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
_FILE_OPTIONS = ("policy_files", "inventory_file", "waiver_files", "attestation_files", "paths")


def trust(given: Given) -> Trust:
    """What an inventory may lead a scan to."""
    return Trust(
        hosts=frozenset(given["allow_hosts"]),
        references_below=settings.project_folder() if given["untrusted"] else None,
    )


def reader(given: Given) -> Read:
    """Reads documents; with ``--untrusted``, none to which only an untrusted file leads.

    Such a file lies outside of the project folder, also behind a link. What a person named there
    may be read, and so may its own folder: a policy extends its neighbours.
    """
    if not given.get("untrusted"):
        return Path.read_bytes
    folder = settings.project_folder()
    named = [file for file in _named(given) if relative_below(file, folder) is None]
    folders = [folder, str(policies_directory()), *(str(Path(file).parent) for file in named)]
    files = {abspath(file) for file in named}  # noqa: PTH100 - links are not to be followed

    def read(path: Path) -> bytes:
        is_named = abspath(path) in files  # noqa: PTH100
        if not is_named and not any(is_really_below(str(path), place) for place in folders):
            what = "--untrusted: this file lies outside of the project folder"
            raise problem(str(path), what, "name it on the command line if you trust it")
        return path.read_bytes()

    return read


def _named(given: Given) -> Iterator[str]:
    """The files that the command line or the environment names."""
    for option in _FILE_OPTIONS:
        if option in given and settings.source_of(option) in _BY_A_PERSON:
            value: str | Sequence[str] = given[option]
            yield from [value] if isinstance(value, str) else value


def output_folder(given: Given, option: str) -> str:
    """The folder below which outputs must lie; empty when they may go anywhere.

    Args:
        given: The options of a command.
        option: Name of the one that says where they go.
    """
    is_of_file = settings.source_of(option) is ParameterSource.DEFAULT_MAP
    return settings.project_folder() if is_of_file or given.get("untrusted") else ""


def refuse_softening(given: Given, decides: ScanSettings) -> None:
    """Refuse that the environment softens the exit code of a scan of untrusted files.

    Args:
        given: The options of a command.
        decides: What decides the exit code.

    Raises:
        UsageError: The environment does.
    """
    if not given.get("untrusted"):
        return
    for option, origin in decides.softening.items():
        if origin != settings.COMMAND_LINE:
            raise UsageError(
                f"--untrusted: {option} softens the exit code ({origin})",
                hint="give it on the command line, or unset it",
            )
