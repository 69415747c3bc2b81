"""Credentials: resolved at the last moment, shown to nobody.

A reference is not shown either, because people write credentials where references belong: only
what looks like the name of an environment variable is quoted, everything else is a place.
"""

import asyncio
import errno
import os
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from gatepolicy.accounts.account import (
    Account,
    CredentialReference,
    EnvReference,
    ExecReference,
    FileReference,
    KeyringReference,
)
from gatepolicy.accounts.references import is_quotable
from gatepolicy.collect.command import CommandOutput, run_command
from gatepolicy.collect.keyring import ask_keyring, in_thread
from gatepolicy.collect.secret import CredentialError, Secret

_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class CredentialFile:
    """What was read of a file."""

    data: bytes = field(repr=False)
    """Its content, up to a little more than what a credential can be."""
    mode: int
    """Its permission bits."""


Run = Callable[[Sequence[str], int], Awaitable[CommandOutput]]


@dataclass(frozen=True, slots=True)
class SecretSources:
    """The world in which references are looked up."""

    environ: Mapping[str, str] = field(repr=False)
    """Environment variables."""
    folder: Path
    """Where relative paths begin: the folder of the inventory."""
    read: Callable[[Path, int], CredentialFile]
    """Reads a regular file, up to so many bytes."""
    keyring: Callable[[str, str], str | None]
    """Looks a service and a user up in the keyring. It may block."""
    run: Run
    """Runs a command to its end, without a shell, and takes up to so many bytes from it."""

    @staticmethod
    def real(inventory_file: str) -> "SecretSources":
        """This machine's.

        Args:
            inventory_file: Relative paths begin at its folder.
        """
        return SecretSources(
            environ=os.environ,
            folder=Path(inventory_file).parent,
            read=read_file,
            keyring=ask_keyring,
            run=run_command,
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """The credentials of an account."""

    secrets: Mapping[str, Secret]
    """ccxt name to credential."""
    warnings: Sequence[str]
    """One line each, for people."""


async def resolve_all(account: Account, sources: SecretSources) -> Resolved | CredentialError:
    """All credentials of an account, or why there are none.

    It takes no longer than the account's timeout, for all of them together.
    """
    deadline = asyncio.get_running_loop().time() + account.timeout
    secrets: dict[str, Secret] = {}
    warnings: list[str] = []
    for name, reference in account.credentials.items():
        place = str(account.credential_locations.get(name, account.subject.location))
        lookup = _Lookup(sources, place, warnings)
        try:
            async with asyncio.timeout_at(deadline):
                secrets[name] = Secret(_usable(await lookup.of(reference), name))
        except CredentialError as error:
            return CredentialError(f"{name}: {error}")
        except TimeoutError:
            within = f"within the account's timeout of {account.timeout:g} s"
            return CredentialError(f"{name}: {lookup.titled(reference)} did not finish {within}")
    return Resolved(secrets, tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Lookup:
    """One reference on its way to a credential."""

    sources: SecretSources
    place: str
    warnings: list[str]

    def titled(self, reference: CredentialReference) -> str:
        """The reference as messages may name it."""
        match reference:
            case EnvReference(name):
                named = name if is_quotable(name) else f"named at {self.place}"
                return f"the environment variable {named}"
            case FileReference():
                return f"the file named at {self.place}"
            case KeyringReference():
                return f"the keyring entry named at {self.place}"
            case ExecReference():
                return f"the command at {self.place}"
            case _:
                assert_never(reference)

    async def of(self, reference: CredentialReference) -> str:
        title = self.titled(reference)
        match reference:
            case EnvReference(name):
                return self._of_environment(name, title)
            case FileReference(path):
                return self._of_file(path, title)
            case KeyringReference(service, user):
                return await self._of_keyring(service, user, title)
            case ExecReference(argv):
                return await self._of_command(argv, title)
            case _:
                assert_never(reference)

    def _of_environment(self, name: str, title: str) -> str:
        if name not in self.sources.environ:
            raise CredentialError(f"{title} is not set")
        return self.sources.environ[name]

    def _of_file(self, path: str, title: str) -> str:
        try:
            found = self.sources.read(self.sources.folder / path, _LARGEST)
        except (OSError, ValueError) as error:
            raise CredentialError(f"{title} cannot be read ({_why(error)})") from None
        if os.name == "posix" and found.mode & 0o077:
            self.warnings.append(f"others can read {title}; chmod 600 it")
        return _text(found.data, title)

    async def _of_keyring(self, service: str, user: str, title: str) -> str:
        found = await in_thread(lambda: self.sources.keyring(service, user))
        if found is None:
            raise CredentialError(f"{title} does not exist")
        return found

    async def _of_command(self, argv: Sequence[str], title: str) -> str:
        try:
            ended = await self.sources.run(argv, _LARGEST)
        except (OSError, ValueError) as error:
            raise CredentialError(f"{title} cannot be started ({_why(error)})") from None
        if len(ended.output) <= _LARGEST and ended.code != 0:
            raise CredentialError(f"{title} ended with code {ended.code}")
        return _text(ended.output, title)


def _why(error: OSError | ValueError) -> str:
    # Only the system's own words: the text of an error quotes the path.
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _text(data: bytes, origin: str) -> str:
    if len(data) > _LARGEST:
        raise CredentialError(f"{origin} holds more than a credential")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise CredentialError(f"{origin} holds no text") from None
    return text.removesuffix("\n").removesuffix("\r")


def _usable(text: str, name: str) -> str:
    """A credential that can be signed with: not blank, and in one line unless it is a PEM key."""
    if not text.strip():
        raise CredentialError("the reference leads to an empty text")
    if text.isprintable():
        return text
    several = "\n" in text and name in ("secret", "privateKey")
    allowed = "\n\r" if several else ""
    if any(not c.isprintable() and c not in allowed for c in text):
        raise CredentialError("line breaks or control characters in a credential of one line")
    return text


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
