"""Files that are written beside their targets, and take their places when they are whole.

A reader never sees half a file, and a full disk keeps the old one. Everything goes through open
folders, so that a link that appears meanwhile leads nowhere else.
"""

import contextlib
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self, TextIO

_LEFTOVER = re.compile(r"\.gatepolicy-([1-9][0-9]{0,8})-[0-9a-f]{16}\.tmp")
_FOLDER = os.O_DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_PRIVATE, _SHARED = 0o600, 0o666


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a file is to be written."""

    path: str
    """The file, as the user named it."""
    within: str = ""
    """A folder that it must lie in; below it, no symbolic link is followed. Empty: anywhere, and
    links are followed."""
    below: str = ""
    """The file relative to that folder."""

    @property
    def folder(self) -> Path:
        """The folder of the file, behind links where they are followed."""
        if self.within:
            return Path(self.within, self.below).parent
        return Path(os.path.realpath(self.path)).parent

    @property
    def name(self) -> str:
        """The file's name in that folder."""
        return PurePath(self.below).name if self.within else Path(os.path.realpath(self.path)).name

    def opened(self) -> int:
        """A descriptor of the folder.

        Raises:
            OSError: It is not there, or a link stands in its way.
        """
        if not self.within:
            return os.open(self.folder, _FOLDER)
        descriptor = os.open(self.within, _FOLDER)
        for part in PurePath(self.below).parts[:-1]:
            try:
                inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = inner
        return descriptor

    def mode(self) -> int | None:
        """What stands there, and who may read it; ``None`` when nothing does.

        Raises:
            OSError: It cannot be looked at.
        """
        try:
            return self._looked_at.stat(follow_symlinks=not self.within).st_mode
        except FileNotFoundError:
            return None

    @property
    def _looked_at(self) -> Path:
        return Path(self.within, self.below) if self.within else Path(self.path)


class Staged:
    """A file on its way: written under another name, then renamed or removed."""

    def __init__(self, folder: int, name: str, temporary: str, file: TextIO) -> None:
        """Use ``begin``."""
        self._folder = folder
        self._name = name
        self._temporary = temporary
        self._file = file

    @classmethod
    def begin(cls, destination: Destination, old_mode: int | None, *, is_private: bool) -> Self:
        """An empty file beside its target.

        Args:
            destination: The target.
            old_mode: What is there now, and keeps its permissions; ``None`` when nothing is.
            is_private: Whether nobody else may read a file that was not there.

        Raises:
            OSError: It cannot be made.
        """
        folder = destination.opened()
        try:
            remove_leftovers(folder)
            temporary = f".gatepolicy-{os.getpid()}-{secrets.token_hex(8)}.tmp"
            mode = _PRIVATE if is_private or old_mode is not None else _SHARED
            descriptor = os.open(temporary, _NEW_FILE, mode, dir_fd=folder)
        except OSError:
            os.close(folder)
            raise
        # Until it is renamed: whoever cleans up sees by the lock that somebody is at work.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # NOTE: before anything is written, so that nobody new can read it meanwhile.
        if old_mode is not None:
            os.fchmod(descriptor, stat.S_IMODE(old_mode))
        file = os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")
        return cls(folder, destination.name, temporary, file)

    def write(self, chunks: Iterable[str], sync: Callable[[int], None]) -> None:
        """Write the whole text, and bring it to the disk.

        Raises:
            OSError: It cannot be written.
        """
        self._file.writelines(chunks)
        self._file.flush()
        sync(self._file.fileno())

    def publish(self) -> None:
        """Put it in its place, in one step.

        Raises:
            OSError: It cannot be renamed.
        """
        os.replace(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def close(self) -> None:
        """Remove what was not put in its place."""
        # What a full disk did not take, it does not take now.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary, dir_fd=self._folder)
        os.close(self._folder)


def remove_leftovers(folder: int) -> None:
    """Remove the unfinished files of runs that were killed, and of no others.

    Args:
        folder: An open folder. What cannot be removed stays.
    """
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = _names_in(folder)
    for name in names:
        found = _LEFTOVER.fullmatch(name)
        if found is not None and not _is_alive(int(found[1])):
            with contextlib.suppress(OSError):
                _remove_unlocked(name, folder)


def _names_in(folder: int) -> list[str]:
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        return os.listdir(descriptor)  # noqa: PTH208 - of an open folder
    finally:
        os.close(descriptor)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        # One of another user is no less alive.
        return not isinstance(error, ProcessLookupError)
    return True


def _remove_unlocked(name: str, folder: int) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        is_own = os.fstat(descriptor).st_uid == os.geteuid()
        if is_own and stat.S_ISREG(os.fstat(descriptor).st_mode):
            # NOTE: a process of another container is not seen by its number, and has a lock.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(descriptor)
