"""Writing files: wholly or not at all, and one that cannot be written holds back no other.

Reports and evidence hold addresses and the names of keys: nobody but their owner reads them. What
is no regular file, such as a pipe or a terminal, is written to directly.
"""

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from gatepolicy.errors import ClosedPipeError, ReportError, ReportsError
from gatepolicy.reports.plain_marks import PLAIN_MARKS
from gatepolicy.reports.staging import Destination, Staged

STANDARD_OUTPUT = "-"
_OPEN_FILE = re.compile(r"/dev/(std(out|err)|fd/[0-9]+)|/proc/(self|[0-9]+)/fd/[0-9]+")
_KEPT = "what was there before is unchanged; free some space or name another place"
_PARTLY = "a part of the report may have been written; name a file to have it whole or not at all"

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
        staged: list[tuple[Report, Staged]] = []
        for report in reports:
            with _collected(errors):
                if _is_direct(report.destination):
                    direct.append(report)
                else:
                    staged.append((report, _staged(report, stack, sync)))
        for report, file in staged:
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
        raise ReportError(f"cannot write {path}: it is a folder", hint="name a file in it")
    if destination.within:
        what = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
        raise ReportError(f"cannot write {path}: it is {what}", hint="name another file")
    return True


def _staged(report: Report, stack: ExitStack, sync: Sync) -> Staged:
    destination = report.destination
    with _told(destination.path, _KEPT):
        old_mode = destination.mode()
        _require_folder(destination)
        file = Staged.begin(destination, old_mode, is_private=report.is_private)
        with ExitStack() as own:
            # What does not fit on the disk leaves room for the others at once.
            own.callback(file.close)
            file.write(report.chunks, sync)
            stack.push(own.pop_all())
    return file


def _require_folder(destination: Destination) -> None:
    if not destination.folder.exists():
        raise ReportError(
            f"cannot write {destination.path}: there is no folder {destination.folder}",
            hint=f"make {destination.folder} first",
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
            raise ClosedPipeError("nobody reads standard output any more") from None
