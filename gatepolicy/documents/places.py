"""Whether a path lies within a folder: by its name, by the links on its way, and in truth."""

from os.path import abspath, realpath
from pathlib import Path, PurePath

_REPOSITORY = ".git"


def relative_below(path: str, folder: str) -> str | None:
    """A path relative to a folder, by name alone; ``None`` when it is not below it.

    Args:
        path: Of a file, there or not; relative to the working directory.
        folder: The folder, by any of its names.
    """
    # NOTE: not Path.resolve, which follows links: this is about names.
    file = PurePath(abspath(path))  # noqa: PTH100
    for base in (abspath(folder), realpath(folder)):  # noqa: PTH100
        if file.is_relative_to(base) and file != PurePath(base):
            return str(file.relative_to(base))
    return None


def link_below(folder: str, relative: str) -> str | None:
    """The first symbolic link on the way from a folder to a file in it; ``None`` when none is."""
    place = Path(folder)
    for part in PurePath(relative).parts:
        place /= part
        if place.is_symlink():
            return str(place)
    return None


def is_really_below(path: str, folder: str) -> bool:
    """Whether a file lies in a folder when every symbolic link is followed.

    What lies in the folder of the version control does not: it may hold credentials.
    """
    file, base = PurePath(realpath(path)), PurePath(realpath(folder))
    return file.is_relative_to(base) and not is_of_repository(str(file.relative_to(base)))


def is_of_repository(relative: str) -> bool:
    """Whether a path leads into the folder of the version control."""
    return any(part.lower() == _REPOSITORY for part in PurePath(relative).parts)
