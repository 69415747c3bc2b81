"""Accounts and references to their credentials. Never a credential itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatepolicy.model.evidence import Subject
from gatepolicy.model.facts import Network
from gatepolicy.model.location import Location


@dataclass(frozen=True, slots=True)
class EnvReference:
    """``env:NAME``: an environment variable."""

    name: str
    """Its name."""


@dataclass(frozen=True, slots=True)
class FileReference:
    """``file:PATH``: the whole content of a file, without the final line break."""

    path: str
    """Relative paths start at the folder of the inventory."""


@dataclass(frozen=True, slots=True)
class KeyringReference:
    """``keyring:SERVICE/USER``: the operating system's keyring (needs the extra ``keyring``)."""

    service: str
    """Before the last slash."""
    user: str
    """After it."""


@dataclass(frozen=True, slots=True)
class ExecReference:
    """``exec: [...]``: what a command prints, without the final line break. No shell."""

    argv: tuple[str, ...]
    """The command and its arguments."""


CredentialReference = EnvReference | FileReference | KeyringReference | ExecReference


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the inventory."""

    subject: Subject
    """Identity, labels and place."""
    credentials: Mapping[str, CredentialReference]
    """ccxt name (``apiKey``, ``secret``, ``password``) to reference; may be empty for an account
    that is audited, or whose exchange nobody can ask."""
    credential_locations: Mapping[str, Location]
    """ccxt name to the place of the reference."""
    base_url: str | None
    """Scheme, host and port that replace those of the exchange; https, or http to loopback."""
    proxy: str | None
    """HTTP proxy through which this account's calls leave; ``None`` for a direct egress."""
    sandbox: bool
    """Ask the exchange's sandbox."""
    timeout: float
    """Seconds for everything about this account together."""
    key: str = ""
    """The public half of its key, what is shown of it, or its fingerprint; empty when a credential
    says it."""
    audited_by: str = ""
    """Id of the account whose key lists this one; empty when none does."""
    discover: bool = False
    """Whether its key lists the account's other keys."""
    egress: tuple[Network, ...] = ()
    """The addresses from which its bots trade; empty when the inventory does not say."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All accounts."""

    file: str
    """As the user named it."""
    accounts: Sequence[Account]
    """In the order of the file."""
