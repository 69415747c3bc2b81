"""Running a command for what it prints, with an end to its time, its output and its children."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

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
