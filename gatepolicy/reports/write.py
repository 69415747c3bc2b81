"""Writing files: wholly or not at all, and one that cannot be written holds back no other.

Reports and evidence hold addresses and the names of keys: nobody but their owner reads them. What
is no regular file, such as a pipe or a terminal, is written to directly.
"""

import contextlib
import fcntl
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self, TextIO

from gatepolicy.errors import ClosedPipeError, ReportError, ReportsError
from gatepolicy.reports.clean import PLAIN_MARKS

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

    def former_text(self) -> str:
        """What stands there; empty when that is nothing, no plain file, or cannot be read."""
        if self.path == STANDARD_OUTPUT:
            return ""
        try:
            mode = self.mode()
            is_plain = mode is not None and stat.S_ISREG(mode)
            return self._looked_at.read_text(encoding="utf-8") if is_plain else ""
        except (OSError, UnicodeDecodeError):
            return ""

    @property
    def _looked_at(self) -> Path:
        return Path(self.within, self.below) if self.within else Path(self.path)


class PendingFile:
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


STANDARD_OUTPUT = "-"
_OPEN_FILE = re.compile(r"/dev/(std(out|err)|fd/[0-9]+)|/proc/(self|[0-9]+)/fd/[0-9]+")
_KEPT = "the previous file is unchanged; free some space or choose another path"
_PARTLY = "the output may be incomplete; write to a file to get it whole or not at all"

Sync = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """One text that is to be written."""

    chunks: Iterable[str]
    """The text, piece by piece."""
    destination: Destination
    """The file, in UTF-8; ``-`` for standard output."""
    is_private: bool = True
    """Whether nobody but its owner may read the file, unless it was there with other
    permissions."""


def write_report(
    chunks: Iterable[str],
    path: str | None = None,
    *,
    stream: TextIO | None = None,
    sync: Sync = os.fsync,
) -> None:
    """Write one report.

    Args:
        chunks: The text, piece by piece.
        path: The file; ``-`` or nothing means the stream.
        stream: Standard output unless given. What it cannot encode is written in its characters.
        sync: Brings a file to the disk; an argument so that a full disk can be tried.

    Raises:
        ReportError: It could not be written. A file that was there is unchanged.
    """
    report = Report(chunks, Destination(path or STANDARD_OUTPUT))
    write_reports([report], stream=stream, sync=sync)


def write_document(chunks: Iterable[str], path: str) -> None:
    """Write a file that people edit and share, such as a policy: who may read it is up to them.

    Args:
        chunks: The text, piece by piece.
        path: The file, which keeps its permissions; ``-`` for standard output.

    Raises:
        ReportError: It could not be written. A file that was there is unchanged.
    """
    write_reports([Report(chunks, Destination(path), is_private=False)])


def write_reports(
    reports: Sequence[Report], *, stream: TextIO | None = None, sync: Sync = os.fsync
) -> None:
    """Write several reports: every file beside its target first, then all are put in place.

    Args:
        reports: What to write. Files come first, then standard output and what is no file.
        stream: Standard output unless given.
        sync: Brings a file to the disk.

    Raises:
        ReportError: One of them could not be written; every other one was.
        ReportsError: Several could not be written; every other one was.
    """
    errors: list[ReportError] = []
    direct: list[Report] = []
    with ExitStack() as stack:
        pending: list[tuple[Report, PendingFile]] = []
        for report in reports:
            with _collected(errors):
                if _is_direct(report.destination):
                    direct.append(report)
                else:
                    pending.append((report, _written_beside(report, stack, sync)))
        for report, file in pending:
            with _collected(errors), _told(report.destination.path, _KEPT):
                file.publish()
    for report in direct:
        with _collected(errors):
            _write_directly(report, stream)
    if errors:
        raise errors[0] if len(errors) == 1 else ReportsError(errors)


@contextmanager
def _collected(errors: list[ReportError]) -> Iterator[None]:
    try:
        yield
    except ReportError as error:
        errors.append(error)


def _is_direct(destination: Destination) -> bool:
    """Whether it is written to as it is, since nothing could take its place."""
    path = destination.path
    if path == STANDARD_OUTPUT or (not destination.within and _OPEN_FILE.fullmatch(path)):
        return True
    with _told(path, _KEPT):
        mode = destination.mode()
    if mode is None or stat.S_ISREG(mode):
        return False
    if stat.S_ISDIR(mode):
        raise ReportError(f"cannot write {path}: it is a folder", hint="choose a file in it")
    if destination.within:
        what = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
        raise ReportError(f"cannot write {path}: it is {what}", hint="choose another file")
    return True


def _written_beside(report: Report, stack: ExitStack, sync: Sync) -> PendingFile:
    destination = report.destination
    with _told(destination.path, _KEPT):
        old_mode = destination.mode()
        _require_folder(destination)
        file = PendingFile.begin(destination, old_mode, is_private=report.is_private)
        with ExitStack() as own:
            # What does not fit on the disk leaves room for the others at once.
            own.callback(file.close)
            file.write(report.chunks, sync)
            stack.push(own.pop_all())
    return file


def _require_folder(destination: Destination) -> None:
    if not destination.folder.exists():
        raise ReportError(
            f"cannot write {destination.path}: no such folder: {destination.folder}",
            hint=f"create {destination.folder} first",
        )


@contextmanager
def _told(name: str, hint: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportError(f"cannot write {name}: {error.strerror or error}", hint=hint) from None


def _write_directly(report: Report, stream: TextIO | None) -> None:
    path = report.destination.path
    if path == STANDARD_OUTPUT:
        _write_stream(report.chunks, stream or sys.stdout)
        return
    # NOTE: appended, since a descriptor of this process may be a file that others write to, too.
    with _told(path, _PARTLY), Path(path).open("a", encoding="utf-8", newline="\n") as file:
        file.writelines(report.chunks)


def _write_stream(chunks: Iterable[str], stream: TextIO | None) -> None:
    # NOTE: Python has no standard output when the caller closed it.
    if stream is None:
        raise ReportError("cannot write standard output: it is closed", hint="name a file")
    encoding = stream.encoding or "utf-8"
    with _told("standard output", _PARTLY):
        try:
            for chunk in chunks:
                stream.write(chunk.encode(encoding, PLAIN_MARKS).decode(encoding))
            stream.flush()
        except BrokenPipeError:
            raise ClosedPipeError("standard output was closed") from None
