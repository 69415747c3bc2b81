"""Credentials from where references lead, within the time of an account."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from gatepolicy.accounts.account import (
    Account,
    AgeReference,
    CredentialReference,
    EnvReference,
    ExecReference,
    FileReference,
    KeyringReference,
    StoreKind,
    StoreReference,
    SystemdReference,
    is_quotable,
    is_quotable_path,
    shown,
)
from gatepolicy.collect.local import (
    CommandOutput,
    CredentialError,
    CredentialFile,
    Wait,
    ask_keyring,
    in_thread,
    read_file,
    run_command,
)
from gatepolicy.model.secret import Secret

if TYPE_CHECKING:
    from gatepolicy.collect.stores import Fetches, Held, Store

_LARGEST = 64 * 1024
_LARGEST_DOCUMENT = 1024 * 1024
"""Bytes of a file that holds many credentials."""
_DIRECTORY = "CREDENTIALS_DIRECTORY"
_STORES: Mapping[StoreKind, str] = {
    StoreKind.VAULT: "Vault",
    StoreKind.AWS_SECRETS_MANAGER: "AWS Secrets Manager",
    StoreKind.AWS_PARAMETER_STORE: "the AWS parameter store",
    StoreKind.GCP_SECRET_MANAGER: "Google Secret Manager",
    StoreKind.AZURE_KEY_VAULT: "Azure Key Vault",
}


Run = Callable[[Sequence[str], int], Awaitable[CommandOutput]]


def _tell_nobody(line: str) -> None:
    del line


def open_store(kind: StoreKind, environ: Mapping[str, str]) -> "Store":
    """The store that the environment names.

    Raises:
        CredentialError: It is not installed or not configured, or refuses who is asking.
    """
    # What asks stores is imported when the first reference leads to one.
    from gatepolicy.collect import stores

    return stores.open_store(kind, environ)


def _only_once(attempt: int) -> float | None:
    del attempt
    return None


def _fetches(wait: Wait) -> "Callable[[], Fetches]":
    @cache
    def made() -> "Fetches":
        from gatepolicy.collect.stores import Fetches

        return Fetches(wait)

    return made


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
    open_store: "Callable[[StoreKind, Mapping[str, str]], Store]" = open_store
    """Opens a store that is asked over the network. It may block."""
    tell: Callable[[str], None] = _tell_nobody
    """Takes one line for every reference that was read, or could not be: which one it was, where it
    stands and for which account. Never what was read."""
    fetches: "Callable[[], Fetches]" = field(
        default_factory=lambda: _fetches(_only_once), repr=False, compare=False
    )
    """What was fetched already: the same for one scan."""

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

    def for_one_scan(self, wait: Wait = _only_once) -> "SecretSources":
        """The same ones, of which nothing was fetched yet.

        Args:
            wait: When a store is asked again after a transient error.
        """
        return replace(self, fetches=_fetches(wait))


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
    secrets: dict[str, Secret] = {}
    warnings: list[str] = []
    resolve = resolver(account, sources, warnings)
    for name in account.credentials:
        found = await resolve(name)
        if isinstance(found, CredentialError):
            return CredentialError(f"{name}: {found}")
        secrets[name] = found
    return Resolved(secrets, tuple(warnings))


def resolver(
    account: Account, sources: SecretSources, warnings: list[str]
) -> Callable[[str], Awaitable[Secret | CredentialError]]:
    """What resolves the references of an account, by ccxt name, within its timeout from now on.

    What lies in stores is fetched from the beginning, all of it at the same time.

    Args:
        account: Whose references.
        sources: The world.
        warnings: Takes one line each, for people.
    """
    deadline = asyncio.get_running_loop().time() + account.timeout
    lookups = {
        name: _Lookup(sources, account.place_of(name), warnings) for name in account.credentials
    }
    for name, reference in account.credentials.items():
        lookups[name].begin(reference)

    async def resolve(name: str) -> Secret | CredentialError:
        reference, lookup = account.credentials[name], lookups[name]
        named = f"{lookup.place}: {account.subject.id}: {name}: {shown(reference)}"
        found: Secret | CredentialError
        try:
            async with asyncio.timeout_at(deadline):
                found = Secret(_usable(await lookup.of(reference), name))
        except CredentialError as error:
            found = error
        except TimeoutError:
            within = f"within the account's timeout of {account.timeout:g} s"
            found = CredentialError(f"{lookup.titled(reference)} did not finish {within}")
        sources.tell(f"{named} was {'read' if isinstance(found, Secret) else f'not read: {found}'}")
        return found

    return resolve


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
            case StoreReference(store, name):
                secret = name if is_quotable_path(name) else f"the secret named at {self.place}"
                return f"{secret} in {_STORES[store]}"
            case SystemdReference(name):
                named = name if is_quotable_path(name) else f"named at {self.place}"
                return f"the systemd credential {named}"
            case AgeReference():
                return f"the age file named at {self.place}"
            case _:
                assert_never(reference)

    def begin(
        self, reference: CredentialReference
    ) -> "asyncio.Task[Held | CredentialError] | None":
        """Fetch what several references may lead to; ``None`` where that is nothing."""
        sources = self.sources
        match reference:
            case StoreReference(store, name):
                opening = lambda: sources.open_store(store, sources.environ)  # noqa: E731
                return sources.fetches().of_store(store, name, opening)
            case FileReference(path, pointer) if pointer:
                return sources.fetches().of_file("file", path, lambda: self._document(path))
            case AgeReference(path):
                return sources.fetches().of_file("age", path, lambda: self._decrypted(path))
            case _:
                return None

    async def of(self, reference: CredentialReference) -> str:
        title = self.titled(reference)
        match reference:
            case EnvReference(name):
                return self._of_environment(name, title)
            case FileReference(path, ""):
                return self._of_file(self.sources.folder / path, title)
            case FileReference(_, pointer) | StoreReference(_, _, pointer):
                return await self._fetched(reference, pointer, title)
            case AgeReference(_, key):
                return await self._fetched(reference, key, title)
            case KeyringReference(service, user):
                return await self._of_keyring(service, user, title)
            case ExecReference(argv):
                return await self._of_command(argv, title)
            case SystemdReference(name):
                return self._of_systemd(name, title)
            case _:
                assert_never(reference)

    async def _fetched(self, reference: CredentialReference, field: str, title: str) -> str:
        task = self.begin(reference)
        assert task is not None
        # Others wait for it as well, and have time left.
        held = await asyncio.shield(task)
        try:
            if isinstance(held, CredentialError):
                raise held
            return _without_line_break(held.value(field))
        except CredentialError as error:
            raise CredentialError(f"{title} cannot be read: {error}") from None

    def _document(self, path: str) -> "Held":
        from gatepolicy.collect.stores import Held

        found = self._read(self.sources.folder / path, _LARGEST_DOCUMENT)
        if _is_open(found.mode):
            self.warnings.append(f"others can read the file named at {self.place}; chmod 600 it")
        return Held(_decoded(found.data, _LARGEST_DOCUMENT), path)

    def _decrypted(self, path: str) -> "Held":
        from gatepolicy.collect.age import IDENTITY_FILE, decrypted
        from gatepolicy.collect.stores import Held

        data = self._read(self.sources.folder / path, _LARGEST_DOCUMENT).data
        if len(data) > _LARGEST_DOCUMENT:
            raise CredentialError("it is too large for credentials")
        identity_file = self.sources.environ.get(IDENTITY_FILE, "")
        plain = decrypted(data, identity_file, lambda file: self.sources.read(file, _LARGEST).data)
        return Held(_decoded(plain, _LARGEST_DOCUMENT), path)

    def _read(self, path: Path, most: int) -> CredentialFile:
        try:
            return self.sources.read(path, most)
        except (OSError, ValueError) as error:
            raise CredentialError(_why(error)) from None

    def _of_environment(self, name: str, title: str) -> str:
        if name not in self.sources.environ:
            raise CredentialError(f"{title} is not set")
        return self.sources.environ[name]

    def _of_file(self, path: Path, title: str) -> str:
        try:
            found = self.sources.read(path, _LARGEST)
        except (OSError, ValueError) as error:
            hint = "; a value in a file is written file:PATH#/POINTER" if "#" in path.name else ""
            raise CredentialError(f"{title} cannot be read ({_why(error)}){hint}") from None
        if _is_open(found.mode):
            self.warnings.append(f"others can read {title}; chmod 600 it")
        return _text(found.data, title)

    def _of_systemd(self, name: str, title: str) -> str:
        folder = self.sources.environ.get(_DIRECTORY, "")
        if not folder:
            hint = f"{_DIRECTORY} is not set: run it as a service with LoadCredential="
            raise CredentialError(f"{title} cannot be read: {hint}")
        return self._of_file(Path(folder) / name, title)

    async def _of_keyring(self, service: str, user: str, title: str) -> str:
        found = await in_thread(lambda: self.sources.keyring(service, user), "the keyring")
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


def _is_open(mode: int) -> bool:
    return os.name == "posix" and mode & 0o077 != 0


def _text(data: bytes, origin: str) -> str:
    try:
        return _without_line_break(_decoded(data, _LARGEST))
    except CredentialError as error:
        raise CredentialError(f"{origin} {str(error).removeprefix('it ')}") from None


def _decoded(data: bytes, most: int) -> str:
    if len(data) > most:
        raise CredentialError("it is too large for a credential")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise CredentialError("it is not text") from None


def _without_line_break(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _usable(text: str, name: str) -> str:
    """A credential that can be signed with: not blank, and in one line unless it is a PEM key."""
    if not text.strip():
        raise CredentialError("the reference is empty")
    if text.isprintable():
        return text
    several = "\n" in text and name in ("secret", "privateKey")
    allowed = "\n\r" if several else ""
    if any(not c.isprintable() and c not in allowed for c in text):
        raise CredentialError("line breaks or control characters in a single-line credential")
    return text
