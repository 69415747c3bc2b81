"""The project file: what every command of a project starts from."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path
from typing import Any

from gatepolicy.documents.document import Document
from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import load_schema
from gatepolicy.documents.source import Read
from gatepolicy.documents.values import DataPath, show_path
from gatepolicy.errors import DocumentError, Problem, UsageError
from gatepolicy.model.location import Location
from gatepolicy.policies.names import NO_NAMES, Names, names_of
from gatepolicy.policies.parents import UnknownParent, policy_file
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
    """Name in the file, such as ``policies`` or ``fail_on``, to what it says."""
    names: Names
    """Networks and variables that hold in every policy."""


NO_PROJECT = Project("", {}, NO_NAMES)
"""A project without a file: nothing is set."""


def find_project(
    folder: Path, *, owner: Callable[[Path], int] = lambda file: file.stat().st_uid
) -> str:
    """The nearest project file from a folder upwards, relative to that folder; empty if none.

    Args:
        folder: Where to begin. Absolute.
        owner: Tells whose a file is.

    Raises:
        UsageError: A file further up belongs to somebody else: whoever may write there would
            decide what is asked here.
    """
    for steps, place in enumerate((folder, *folder.parents)):
        file = place / PROJECT_FILE
        if file.is_file():
            named = str(Path(*[os.pardir] * steps, PROJECT_FILE))
            if steps and os.name == "posix" and owner(file) not in (0, os.getuid()):
                raise UsageError(
                    f"the project file {named} belongs to another user",
                    hint=f"if you trust it, name it: gatepolicy --project {named} ...",
                )
            return named
    return ""


def load_project(file: str, *, read: Read = Path.read_bytes) -> Project:
    """A project from its file.

    Raises:
        DocumentError: With all its problems.
    """
    text = (schemas_directory() / "project.schema.json").read_text(encoding="utf-8")
    document = load_document(file, schema=load_schema(text), kind="Project", read=read)
    reader = _Reader(document)
    settings = dict(reader.settings())
    if reader.problems:
        raise DocumentError(reader.problems)
    return Project(file, settings, names_of(document))


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
            outputs = [self._output(text) for text in data["outputs"]]
            found.append(self._setting("outputs", value=outputs))
        for name, value in data.get("defaults", {}).items():
            found.append((name, Setting(value, self._document.key_at(("defaults", name)))))
        return found

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

    def _output(self, text: str) -> str:
        name, equals, path = text.partition("=")
        return f"{name}={self._file(path)}" if equals and path != "-" else text

    def _file(self, path: str) -> str:
        return normpath(Path(self._folder) / path)
