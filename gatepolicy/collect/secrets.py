"""Credentials: resolved at the last moment, shown to nobody."""

import asyncio
import importlib
import os
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
from gatepolicy.collect.secret import Secret

_EXEC_SECONDS = 30.0
_LARGEST = 64 * 1024


class CredentialError(Exception):
    """A reference leads to nothing usable. The text names the reference, never a credential."""


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What became of a command."""

    code: int | None
    """Exit code; ``None`` when it did not end in time."""
    output: bytes = field(repr=False)
    """Standard output."""


Run = Callable[[Sequence[str]], Awaitable[CommandOutput]]


@dataclass(frozen=True, slots=True)
class SecretSources:
    """The world in which references are looked up."""

    environ: Mapping[str, str] = field(repr=False)
    """Environment variables."""
    folder: Path
    """Where relative paths begin: the folder of the inventory."""
    read: Callable[[Path], bytes]
    """Reads a file."""
    mode: Callable[[Path], int]
    """Permission bits of a file."""
    keyring: Callable[[str, str], str | None]
    """Looks a service and a user up in the keyring."""
    run: Run
    """Runs a command to its end, without a shell."""

    @staticmethod
    def real(inventory_file: str) -> "SecretSources":
        """This machine's.

        Args:
            inventory_file: Relative paths begin at its folder.
        """
        return SecretSources(
            environ=os.environ,
            folder=Path(inventory_file).parent,
            read=Path.read_bytes,
            mode=lambda path: path.stat().st_mode,
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
    """All credentials of an account, or why there are none."""
    secrets: dict[str, Secret] = {}
    warnings: list[str] = []
    for name, reference in account.credentials.items():
        try:
            secrets[name] = Secret(_usable(await _look_up(reference, sources), name))
        except CredentialError as error:
            return CredentialError(f"{name}: {error}")
        if isinstance(reference, FileReference):
            warnings.extend(_open_to_others(reference, sources))
    return Resolved(secrets, tuple(warnings))


async def _look_up(reference: CredentialReference, sources: SecretSources) -> str:
    match reference:
        case EnvReference(name):
            return _of_environment(name, sources)
        case FileReference(path):
            return _of_file(path, sources)
        case KeyringReference(service, user):
            return await _of_keyring(service, user, sources)
        case ExecReference(argv):
            return await _of_command(argv, sources)
        case _:
            assert_never(reference)


def _of_environment(name: str, sources: SecretSources) -> str:
    if name not in sources.environ:
        raise CredentialError(f"the environment variable {name} is not set")
    return sources.environ[name]


def _of_file(path: str, sources: SecretSources) -> str:
    try:
        return _text(sources.read(sources.folder / path), f"the file {path}")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CredentialError(f"the file {path} cannot be read ({why})") from None


def _open_to_others(reference: FileReference, sources: SecretSources) -> Sequence[str]:
    if os.name != "posix" or not sources.mode(sources.folder / reference.path) & 0o077:
        return ()
    return (f"others can read the file {reference.path}; chmod 600 {reference.path}",)


async def _of_keyring(service: str, user: str, sources: SecretSources) -> str:
    found = await asyncio.to_thread(sources.keyring, service, user)
    if found is None:
        raise CredentialError(f"the keyring has nothing for {service}/{user}")
    return found


async def _of_command(argv: Sequence[str], sources: SecretSources) -> str:
    command = f"the command {argv[0]}"
    try:
        ended = await sources.run(argv)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CredentialError(f"{command} cannot be started ({why})") from None
    if ended.code is None:
        raise CredentialError(f"{command} did not end within {_EXEC_SECONDS:.0f} s")
    if ended.code != 0:
        raise CredentialError(f"{command} ended with code {ended.code}")
    return _text(ended.output, command)


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


def ask_keyring(service: str, user: str) -> str | None:
    """The operating system's keyring, by the package ``keyring``, which is an extra.

    Raises:
        CredentialError: The package is not installed, or it finds no usable keyring.
    """
    try:
        keyring = importlib.import_module("keyring")
        errors = importlib.import_module("keyring.errors")
    except ImportError:
        hint = "pip install 'gatepolicy[keyring]'"
        raise CredentialError(f"the extra for keyrings is not installed; {hint}") from None
    try:
        found: str | None = keyring.get_password(service, user)
    except errors.KeyringError as error:
        raise CredentialError(f"the keyring cannot be asked ({type(error).__name__})") from None
    return found


async def run_command(argv: Sequence[str]) -> CommandOutput:
    """Run a command without a shell, without input, and for half a minute at most.

    Raises:
        OSError: It cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_EXEC_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        return CommandOutput(None, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return CommandOutput(process.returncode, output)
