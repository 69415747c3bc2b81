"""Writing a report: wholly or not at all.

A file is replaced in one step, so that a reader never sees half a report, and a full disk keeps
the old one. What is no regular file, such as a pipe or a terminal, is written to directly.
"""

import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gatepolicy.errors import ClosedPipeError, ReportError
from gatepolicy.reports.plain_marks import PLAIN_MARKS

STANDARD_OUTPUT = "-"
_NEW_FILE_MODE = 0o644
_KEPT = "what was there before is unchanged; free some space or name another place"
_PARTLY = "a part of the report may have been written; name a file to have it whole or not at all"


def write_report(
    chunks: Iterable[str],
    path: str | None = None,
    *,
    stream: TextIO | None = None,
    sync: Callable[[int], None] = os.fsync,
) -> None:
    """Write a report.

    Args:
        chunks: The text, piece by piece.
        path: The file, in UTF-8; ``-`` or nothing means the stream.
        stream: Standard output unless given. What it cannot encode is written in its characters.
        sync: Brings a file to the disk; an argument so that a full disk can be tried.

    Raises:
        ReportError: It could not be written. A file that was there is unchanged.
    """
    if path is None or path == STANDARD_OUTPUT:
        _write_stream(chunks, stream or sys.stdout)
        return
    target = Path(path)
    with _told(path, _KEPT):
        mode = _mode_of(target)
    if mode is not None and stat.S_ISDIR(mode):
        raise ReportError(f"cannot write {path}: it is a folder", hint="name a file in it")
    if mode is None or stat.S_ISREG(mode):
        with _told(path, _KEPT):
            _replace(chunks, Path(os.path.realpath(target)), mode, sync)
    else:
        with _told(path, _PARTLY):
            _write_special(chunks, target)


def _mode_of(target: Path) -> int | None:
    """What is there, and who may read it; ``None`` when there is nothing."""
    try:
        return target.stat().st_mode
    except FileNotFoundError:
        return None


@contextmanager
def _told(name: str, hint: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        folder = Path(error.filename or name).parent
        raise ReportError(
            f"cannot write {name}: there is no folder {folder}", hint=f"make {folder} first"
        ) from None
    except OSError as error:
        raise ReportError(f"cannot write {name}: {error.strerror or error}", hint=hint) from None


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


def _write_special(chunks: Iterable[str], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(chunks)


def _replace(
    chunks: Iterable[str], target: Path, old_mode: int | None, sync: Callable[[int], None]
) -> None:
    temporary = target.with_name(f".gatepolicy-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(temporary, flags, _NEW_FILE_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            # NOTE: before anything is written, so that nobody new can read it meanwhile.
            if old_mode is not None:
                temporary.chmod(stat.S_IMODE(old_mode))
            file.writelines(chunks)
            file.flush()
            sync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
