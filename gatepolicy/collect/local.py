"""What this machine answers about a credential, within bounds: commands, files, slow lookups."""

import asyncio
import contextlib
import errno
import importlib
import os
import signal
import stat
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class CredentialError(Exception):
    """A reference leads to nothing usable. The text holds no credential, nor what may be one."""


_LAST_WORDS_SECONDS = 0.5
"""How long output is awaited after the command has ended: it is in the pipe already."""


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What became of a command."""

    code: int
    """Exit code; negative when a signal ended it."""
    output: bytes = field(repr=False)
    """Standard output, up to a little more than what was allowed."""


async def run_command(argv: Sequence[str], most: int) -> CommandOutput:
    """Run a command without a shell and without input.

    It gets a session of its own. However this ends (the command ends, it prints too much, or this
    is cancelled because its time is up), everything in that session's process group is killed, so
    that no grandchild lives on. Nobody waits for the pipe: a daemon may hold it for ever.

    Args:
        argv: The command and its arguments.
        most: Bytes of output. A command that prints more is killed.

    Raises:
        OSError: It cannot be started.
        ValueError: It cannot even be named to the system.
    """
    reading, writing = os.pipe()
    pipe = os.fdopen(reading, "rb", buffering=0)
    loop = asyncio.get_running_loop()
    printed = _Printed(loop.create_future(), most)
    transport, _ = await loop.connect_read_pipe(lambda: printed, pipe)
    try:
        process = await _started(argv, writing)
        try:
            await _until_it_ends(process, printed)
        finally:
            _kill_group(process.pid)
            code = await process.wait()
        await printed.rest()
    finally:
        transport.close()
    return CommandOutput(code, bytes(printed.data))


async def _started(argv: Sequence[str], stdout: int) -> asyncio.subprocess.Process:
    try:
        # A pipe of our own: asyncio's wait() would wait for the end of its pipe as well.
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        os.close(stdout)


async def _until_it_ends(process: asyncio.subprocess.Process, printed: "_Printed") -> None:
    """Wait until the command ends, or has printed too much."""
    exited = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait((exited, printed.ended), return_when=asyncio.FIRST_COMPLETED)
        if not printed.too_much:
            await exited
    finally:
        exited.cancel()


class _Printed(asyncio.Protocol):
    """Takes what a command prints, until it is too much."""

    def __init__(self, ended: "asyncio.Future[None]", most: int) -> None:
        self.data = bytearray()
        self.ended = ended
        self._most = most

    @property
    def too_much(self) -> bool:
        return len(self.data) > self._most

    def data_received(self, data: bytes) -> None:
        if not self.too_much:
            self.data += data
        if self.too_much:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._end()

    async def rest(self) -> None:
        """Wait a moment for what is still in the pipe."""
        await asyncio.wait((self.ended,), timeout=_LAST_WORDS_SECONDS)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def _kill_group(leader: int) -> None:
    """Kill a session's process group, whether or not its leader still lives."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class CredentialFile:
    """What was read of a file."""

    data: bytes = field(repr=False)
    """Its content, up to a little more than what a credential can be."""
    mode: int
    """Its permission bits."""


def read_file(path: Path, most: int) -> CredentialFile:
    """Read a regular file, and no more of it than a credential can be.

    A FIFO would block, a device might never end: neither is even opened for long.

    Args:
        path: Of the file; links are followed.
        most: Bytes; of a longer file, one more is read.

    Raises:
        OSError: It cannot be read, or is not a regular file.
        ValueError: No file can have this name.
    """
    _require_regular(path.stat().st_mode)
    with open(path, "rb", buffering=0, opener=_without_blocking) as file:
        mode = os.fstat(file.fileno()).st_mode
        # Again: another file may stand there by now.
        _require_regular(mode)
        data = bytearray()
        while len(data) <= most and (more := file.read(most + 1 - len(data))):
            data += more
    return CredentialFile(bytes(data), mode)


def _without_blocking(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _require_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file")


Wait = Callable[[int], float | None]
"""Seconds before an attempt of this number, from 2; ``None`` when there shall be none."""


async def in_thread(ask: Callable[[], T], who: str) -> T:
    """What a lookup that may block returns, without waiting for it once this is cancelled.

    The thread is a daemon: threads of a pool would be waited for at the end of the program.

    Args:
        ask: The lookup.
        who: Is asked, for messages.

    Raises:
        CredentialError: As the lookup does, or when it fails in a way of its own.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T | CredentialError] = loop.create_future()

    def deliver(found: T | CredentialError) -> None:
        if not answer.done():
            answer.set_result(found)

    def run() -> None:
        found: T | CredentialError = CredentialError(f"{who} failed")
        try:
            found = ask()
        except CredentialError as error:
            found = error
        # NOTE: nobody can foresee what the library of a store raises, and its text may quote
        # what was sent or answered.
        except Exception as error:  # noqa: BLE001
            found = CredentialError(f"{who} failed ({type(error).__name__})")
        finally:
            # NOTE: the loop may be closed by then: nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(deliver, found)

    threading.Thread(target=run, daemon=True).start()
    found = await answer
    if isinstance(found, CredentialError):
        raise found
    return found


def ask_keyring(service: str, user: str) -> str | None:
    """The operating system's keyring, by the package ``keyring``, which is an extra.

    Raises:
        CredentialError: The package is not installed, or it finds no usable keyring.
    """
    try:
        keyring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ImportError:
        hint = "pip install keyring"
        raise CredentialError(f"the keyring package is not installed; {hint}") from None
    try:
        found: str | None = keyring.get_password(service, user)
    except errors.KeyringError as error:
        raise CredentialError(f"the keyring is not available ({type(error).__name__})") from None
    return found
