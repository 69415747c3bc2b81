"""The project file: what every command of a project starts from."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from os.path import normpath
from pathlib import Path
from typing import Any

from gatepolicy.accounts.egress import NO_EGRESSES, WITHOUT, Egress, Egresses
from gatepolicy.documents.document import (
    EVERYWHERE,
    DataPath,
    Document,
    collapsed,
    hold_everything,
    network_of,
    show_path,
)
from gatepolicy.documents.load import Read, is_of_repository, load_document, relative_below
from gatepolicy.documents.schema import load_schema
from gatepolicy.errors import DocumentError, Problem, UsageError
from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Network
from gatepolicy.policies.parents import NO_NAMES, Names, UnknownParent, names_of, policy_file
from gatepolicy.resources import schemas_directory

PROJECT_FILE = "gatepolicy.yaml"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that a project file sets."""

    value: object
    """A text, a number or a list of texts; files are relative to the working directory."""
    location: Location
    """Where it stands."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project file."""

    file: str
    """As it was named or found; empty when there is none."""
    settings: Mapping[str, Setting]
    """Name in the file, such as ``policies`` or ``jobs``, to what it says."""
    names: Names
    """Networks and variables that hold in every policy."""
    egresses: Egresses = field(default_factory=lambda: NO_EGRESSES)
    """The places from which exchanges are asked, by name."""


NO_PROJECT = Project("", {}, NO_NAMES)
"""A project without a file: nothing is set."""


_NEVER_HERE: Mapping[str, str] = {
    "fail_on": "--fail-on or GATEPOLICY_FAIL_ON",
    "exit_zero": "--exit-zero or GATEPOLICY_EXIT_ZERO",
    "allow_incomplete": "--allow-incomplete or GATEPOLICY_ALLOW_INCOMPLETE",
    "allow_empty": "--allow-empty or GATEPOLICY_ALLOW_EMPTY",
    "fail_on_new": "--fail-on-new or GATEPOLICY_FAIL_ON_NEW",
    "baseline": "--baseline or GATEPOLICY_BASELINE",
    "baseline_if_exists": "--baseline-if-exists or GATEPOLICY_BASELINE_IF_EXISTS",
    "baseline_hides": "--baseline-hides",
    "history_required": "--history-required or GATEPOLICY_HISTORY_REQUIRED",
    "history_project": "--history-project or GATEPOLICY_HISTORY_PROJECT",
    "no_waivers": "--no-waivers",
    "accounts": "--account",
    "labels": "--label",
    "rules": "--rule",
    "skip_rules": "--skip-rule",
    "allow_hosts": "--allow-host or GATEPOLICY_ALLOW_HOSTS",
    "untrusted": "--untrusted or GATEPOLICY_UNTRUSTED",
}
"""What only the command line and the environment decide, and where: whoever edits files, as in a
pull request, does not soften the scan that judges them."""


def owners_of(file: Path) -> frozenset[int]:
    """The users who decide what a file says: its owner, and that of a link to it."""
    return frozenset({file.lstat().st_uid, file.stat().st_uid})


def is_of_others(file: Path, *, owners: Callable[[Path], Set[int]] = owners_of) -> bool:
    """Whether anybody but this user and root decides what a file says.

    Args:
        file: A file that is there.
        owners: Tells whose it is.
    """
    return os.name == "posix" and not owners(file) <= {0, os.getuid()}


def find_project(folder: Path, *, owners: Callable[[Path], Set[int]] = owners_of) -> str:
    """The nearest project file from a folder upwards, relative to that folder; empty if none.

    Args:
        folder: Where to begin. Absolute.
        owners: Tells whose a file is.

    Raises:
        UsageError: The file belongs to somebody else, who would decide what is asked, and which
            commands run, by the rights of whoever happens to work in this folder.
    """
    for steps, place in enumerate((folder, *folder.parents)):
        file = place / PROJECT_FILE
        if file.is_file():
            named = str(Path(*[os.pardir] * steps, PROJECT_FILE))
            if is_of_others(file, owners=owners):
                raise UsageError(
                    f"the project file {named} belongs to another user",
                    hint=f"if you trust it, pass it: gatepolicy --project {named} ...",
                )
            return named
    return ""


def load_project(file: str, *, read: Read = Path.read_bytes) -> Project:
    """A project from its file.

    Raises:
        DocumentError: With all its problems.
    """
    text = (schemas_directory() / "project.schema.json").read_text(encoding="utf-8")
    document = load_document(
        file, schema=load_schema(text), kind="Project", read=read, reword=_reworded
    )
    reader = _Reader(document)
    settings = dict(reader.settings())
    egresses = dict(reader.egresses())
    if reader.problems:
        raise DocumentError(reader.problems)
    return Project(file, settings, names_of(document), egresses)


def _reworded(document: Document, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Problems of the form; of what would soften a scan, that a file may not say it."""
    del document
    for problem in problems:
        named = _NEVER_HERE.get(problem.path.removeprefix("defaults."))
        if named is None:
            yield problem
        else:
            what = "a project file cannot set this, because it decides what fails a scan"
            yield replace(problem, what=what, fix=f"use {named}")


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._folder = str(Path(document.file).parent)
        self.problems: list[Problem] = []

    def settings(self) -> Sequence[tuple[str, Setting]]:
        # The schema has accepted the document, so its shape is known from here on.
        data: Any = self._document.data
        found: list[tuple[str, Setting]] = []
        if "policies" in data:
            policies = [self._policy(i, text) for i, text in enumerate(data["policies"])]
            found.append(self._setting("policies", value=policies))
        if "inventory" in data:
            found.append(self._setting("inventory", value=self._file(data["inventory"])))
        for key in ("waivers", "attestations"):
            if key in data:
                files = [self._file(path) for path in data[key]]
                found.append(self._setting(key, value=files))
        if "outputs" in data:
            outputs = [self._output(i, text) for i, text in enumerate(data["outputs"])]
            found.append(self._setting("outputs", value=outputs))
        if "history" in data:
            found += self._history(data["history"])
        for name, value in data.get("defaults", {}).items():
            found.append((name, Setting(value, self._document.key_at(("defaults", name)))))
        return found

    def egresses(self) -> Iterator[tuple[str, Egress]]:
        data: Any = self._document.data
        for name, node in data.get("egresses", {}).items():
            place: DataPath = ("egresses", name)
            at = self._document.key_at(place)
            if name == WITHOUT:
                what = f"{WITHOUT} stands for the accounts that name no egress"
                self.problems.append(Problem(at, show_path(place), what, "choose another name"))
            networks = self._addresses(place, node.get("addresses", ()))
            yield name, Egress(name, networks, node.get("labels", {}), at)

    def _addresses(self, place: DataPath, texts: Sequence[str]) -> tuple[Network, ...]:
        place = (*place, "addresses")
        networks = []
        for index, text in enumerate(texts):
            found, at = network_of(text), (*place, index)
            if isinstance(found, tuple):
                self.problems.append(Problem(self._document.at(at), show_path(at), *found))
            else:
                networks.append(found)
        if hold_everything(networks):
            self.problems.append(Problem(self._document.at(place), show_path(place), *EVERYWHERE))
        return collapsed(networks)

    def _setting(self, name: str, *, value: object) -> tuple[str, Setting]:
        return name, Setting(value, self._document.key_at((name,)))

    def _policy(self, index: int, reference: str) -> str:
        try:
            return policy_file(reference, self._folder)
        except UnknownParent as error:
            place: DataPath = ("policies", index)
            problem = Problem(self._document.at(place), show_path(place), str(error), error.fix)
            self.problems.append(problem)
            return reference

    def _output(self, index: int, text: str) -> str:
        name, equals, path = text.partition("=")
        if not equals or path == "-":
            return text
        file = self._below(path, ("outputs", index), "-o on the command line")
        return f"{name}={file}"

    def _history(self, given: str | Mapping[str, str]) -> Iterator[tuple[str, Setting]]:
        place: DataPath = ("history",)
        if isinstance(given, str):
            given = {"url": given}
        else:
            place = ("history", "url")
        named = "--history or GATEPOLICY_HISTORY"
        if "url" in given:
            url = given["url"].removeprefix("sqlite:///")
            if "://" in url:
                # Whoever edits files does not decide which server receives the reports.
                what = "a project file can only name a file, not a server"
                self.problems.append(
                    Problem(self._document.at(place), show_path(place), what, f"use {named}")
                )
            yield self._setting("history", value=self._below(url, place, named))
        if "keep" in given:
            at = self._document.key_at(("history", "keep"))
            yield "history_keep", Setting(given["keep"], at)

    def _below(self, path: str, place: DataPath, elsewhere: str) -> str:
        file = self._file(path)
        below = relative_below(file, self._folder)
        if below is None or is_of_repository(below):
            what = "a project file can only write below its own folder"
            fix = f"use a file there, or {elsewhere}"
            self.problems.append(Problem(self._document.at(place), show_path(place), what, fix))
        return file

    def _file(self, path: str) -> str:
        return normpath(Path(self._folder) / path)
