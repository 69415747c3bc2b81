"""One at a time: a lock on a file, which ends with the process that holds it, however it ends.

flock(2) belongs to the open file: the system releases it for a process that was killed, so that a
lock file that is left behind blocks nobody. What stands in the file only tells who holds it.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gatepolicy.errors import LockedError, UsageError
from gatepolicy.model.encoding import decode_time, encode_time

_OPENED = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST = 1000
_STEP = timedelta(seconds=1)
IGNORED = "# Made by gatepolicy: its own files are no part of the repository.\n*\n"
"""The .gitignore of a folder that is made."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock."""

    pid: int
    """Its number."""
    host: str
    """The name of its machine."""
    since: datetime
    """When it got the lock. UTC."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {encode_time(self.since)}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long somebody waits for a lock, and by what clock."""

    seconds: float
    """At most so long; 0 does not wait."""
    clock: Callable[[], float]
    """Seconds, from whatever beginning."""
    sleep: Callable[[float], None]
    """Waits so many seconds."""
    tell: Callable[[str], None]
    """Takes a line for people, once, before the first wait."""


@contextmanager
def held(path: Path, what: str, holder: Holder, patience: Patience) -> Iterator[None]:
    """Hold a lock.

    Args:
        path: The lock file; it is made where it is missing, and stays. No link is followed.
        what: What may be done once at a time, such as ``a scan of accounts.yaml``.
        holder: Who holds it then.
        patience: How long to wait for it.

    Raises:
        LockedError: Another process holds it, and still did in the end.
        UsageError: The file cannot be opened.
    """
    descriptor = _opened(path)
    try:
        _acquire(descriptor, what, patience)
        _write(descriptor, holder)
        try:
            yield
        finally:
            # Whoever looks now sees that nobody holds it; the lock itself ends with the file.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make the folder of such files, for its owner only; one that is there stays as it is.

    Raises:
        UsageError: It cannot be made.
    """
    if folder.is_dir():
        return
    try:
        folder.mkdir(mode=0o700)
        (folder / ".gitignore").write_text(IGNORED, encoding="utf-8")
    except FileExistsError:
        # Another process was faster.
        return
    except OSError as error:
        what = f"cannot make the folder {folder}: {error.strerror}"
        raise UsageError(what, hint="choose another one: --state FOLDER") from None


def _opened(path: Path) -> int:
    try:
        return os.open(path, _OPENED, 0o600)
    except OSError as error:
        what = f"cannot lock {path}: {error.strerror}"
        raise UsageError(what, hint="choose another folder: --state FOLDER") from None


def _acquire(descriptor: int, what: str, patience: Patience) -> None:
    end = patience.clock() + patience.seconds
    is_told = False
    while not _is_acquired(descriptor):
        if patience.clock() >= end:
            hint = "let it end, or wait for it: --wait 30m"
            raise LockedError(f"{what} is running already: {_told(descriptor)}", hint=hint)
        if not is_told:
            patience.tell(f"waiting for {what}: {_told(descriptor)}")
            is_told = True
        patience.sleep(min(_STEP.total_seconds(), max(0.0, end - patience.clock())))


def _is_acquired(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(descriptor: int, holder: Holder) -> None:
    held_by = {"pid": holder.pid, "host": holder.host, "since": encode_time(holder.since)}
    # A full disk is no reason not to scan.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{json.dumps(held_by)}\n".encode(), 0)


def _told(descriptor: int) -> str:
    """Who holds it, as far as the file tells."""
    try:
        held_by = json.loads(os.pread(descriptor, _MOST, 0))
        return str(Holder(int(held_by["pid"]), str(held_by["host"]), decode_time(held_by["since"])))
    except (OSError, ValueError, TypeError, KeyError):
        return "by another process"
