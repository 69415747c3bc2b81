"""An account, references to its credentials, its hosts, and how entries of files name accounts."""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import PurePath
from string import ascii_letters, digits
from typing import Any, Protocol, assert_never
from urllib.parse import urlsplit

from gatepolicy.documents.load import is_really_below
from gatepolicy.documents.schema import did_you_mean
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Network, Reason, Unknown

CREDENTIALS = frozenset(
    {
        "accountId", "apiKey", "password", "privateKey", "secret", "token", "uid",
        "walletAddress",
    }
)  # fmt: skip
"""The names that ccxt gives credentials; any other name in their place may be a credential."""

_LAST = 4
_LONG_ENOUGH = 16
"""Of a shorter key, four characters would give away too much."""
_FINGERPRINT = re.compile(r"[0-9a-f]{32}(:[!-~]{4})?")


def fingerprint(api_key: str, *, pepper: bytes) -> str:
    """HMAC-SHA-256 of a key, the first 128 bits in hexadecimal, and the key's last characters.

    Args:
        api_key: The public half of a key. Exchanges' keys are long and random.
        pepper: Kept by the firm; without it, nobody can test a guess. Or the salt of an inventory.
    """
    digest = hmac.new(pepper, api_key.encode(), hashlib.sha256).hexdigest()[:32]
    return f"{digest}:{api_key[-_LAST:]}" if len(api_key) >= _LONG_ENOUGH else digest


def is_fingerprint(text: str) -> bool:
    """Whether a text is of the form that ``fingerprint`` gives."""
    return _FINGERPRINT.fullmatch(text) is not None


def may_be_same(declared: str, other: str) -> bool:
    """Whether a fingerprint leaves it open that it is of the same key as another one.

    Different hashes may be of one key under two keys of fingerprints; the last characters tell.

    Args:
        declared: A fingerprint.
        other: A fingerprint, or the last characters of a key.
    """
    mine, others = declared.partition(":")[2], other.rpartition(":")[2]
    return not mine or not others or len(others) > _LAST or mine == others


def salt_of(inventory_file: str) -> bytes:
    """The key of fingerprints where the firm has none of its own, from the name of the file alone.

    It is the same wherever the inventory lies, so that scans of two machines can be compared. It is
    no secret, and inventories of the same name have the same one.
    """
    return hashlib.sha256(
        b"gatepolicy inventory\0" + PurePath(inventory_file).name.encode()
    ).digest()


_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_LOCALHOST = "localhost"


def host_of(written: str) -> str | None:
    """A host as it is compared, in small letters; ``None`` when it is none.

    Args:
        written: A name, or an address with or without brackets; no scheme, port or path.
    """
    # NOTE: senders have rules of their own for letters beyond ASCII.
    text = (written if written.isascii() else "").strip().lower().removesuffix(".")
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return text if _NAME.fullmatch(text) else None


def host_in(url: str) -> str:
    """The host of a URL with scheme and host, as it is compared; empty when it has none."""
    return host_of(urlsplit(url).hostname or "") or ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == _LOCALHOST:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class EnvReference:
    """``env:NAME``: an environment variable."""

    name: str
    """Its name."""


@dataclass(frozen=True, slots=True)
class FileReference:
    """``file:PATH``: a file, without the final line break; ``file:PATH#/a/b``: a value in it."""

    path: str
    """Relative paths start at the folder of the inventory."""
    pointer: str = ""
    """JSON pointer (RFC 6901) to the value; empty for the whole content."""


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


class StoreKind(StrEnum):
    """A store of secrets that is asked over the network, as references begin."""

    VAULT = "vault"
    AWS_SECRETS_MANAGER = "aws-sm"
    AWS_PARAMETER_STORE = "aws-ssm"
    GCP_SECRET_MANAGER = "gcp-sm"
    AZURE_KEY_VAULT = "azure-kv"


@dataclass(frozen=True, slots=True)
class StoreReference:
    """``vault:PATH#FIELD`` and its like: a secret in a store, or a field of it.

    Which server is asked, and as whom, is a matter of the environment; no file says it.
    """

    store: StoreKind
    """The kind of store."""
    name: str
    """Path or name of the secret in the store."""
    field: str = ""
    """Name of a field of the secret, or JSON pointer to a value; empty for the whole secret."""


@dataclass(frozen=True, slots=True)
class SystemdReference:
    """``systemd:NAME``: a credential that systemd passed to the service."""

    name: str
    """Name of the file in ``$CREDENTIALS_DIRECTORY``."""


@dataclass(frozen=True, slots=True)
class AgeReference:
    """``age:FILE#KEY``: a value in a file that age encrypted (needs the extra ``age``)."""

    path: str
    """Relative paths start at the folder of the inventory."""
    field: str = ""
    """Key of a value, or JSON pointer to it; empty for the whole content."""


CredentialReference = (
    EnvReference
    | FileReference
    | KeyringReference
    | ExecReference
    | StoreReference
    | SystemdReference
    | AgeReference
)


_QUOTABLE = re.compile(r"[A-Z][A-Z0-9]{0,19}(_[A-Z0-9]{1,20})+|[A-Z]{1,20}[0-9]{0,2}")
_LONGEST_NAME = 80
_WORD = r"(?:[A-Z]?[a-z]{1,19}(?:[A-Z][a-z]{1,14}){0,3}|[A-Z]{1,20})?[0-9]{0,4}|[0-9]{12}"
_WORDS = re.compile(rf"(?:{_WORD})(?:[/_.:#-](?:{_WORD}))*")
_LONGEST_SHOWN = 200


def is_quotable(name: str) -> bool:
    """Whether the name of a variable may be shown: in capitals, and in words as people write them.

    Secrets in base 32 or hexadecimal have capitals and digits as well, but no words.
    """
    return len(name) <= _LONGEST_NAME and _QUOTABLE.fullmatch(name) is not None


def is_quotable_path(name: str) -> bool:
    """Whether the path of a secret, or a field of it, may be shown: it is made of words.

    A word has up to twenty letters, as people write them, and up to four digits behind them.
    Secrets mix capitals, small letters and digits.
    """
    return len(name) <= _LONGEST_SHOWN and _WORDS.fullmatch(name) is not None


def shown(reference: CredentialReference) -> str:
    """A reference as it is written, with ``...`` for what may be a credential itself."""
    match reference:
        case EnvReference(name):
            return f"env:{name if is_quotable(name) else _HIDDEN}"
        case StoreReference(store, name, field):
            return f"{store}:{_quoted(name)}{f'#{_quoted(field)}' if field else ''}"
        case SystemdReference(name):
            return f"systemd:{_quoted(name)}"
        case FileReference():
            return f"file:{_HIDDEN}"
        case AgeReference():
            return f"age:{_HIDDEN}"
        case KeyringReference():
            return f"keyring:{_HIDDEN}"
        case ExecReference():
            return f"exec:{_HIDDEN}"
        case _:
            assert_never(reference)


def _quoted(name: str) -> str:
    return name if is_quotable_path(name) else _HIDDEN


_HIDDEN = "..."


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
    """Use the exchange's sandbox."""
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
    egress_name: str = ""
    """The egress of the project from which alone it is read; empty when any may read it."""

    def place_of(self, credential: str) -> str:
        """Where the reference to a credential stands, as messages name it.

        Args:
            credential: Its ccxt name.
        """
        return str(self.credential_locations.get(credential, self.subject.location))


@dataclass(frozen=True, slots=True)
class Inventory:
    """All accounts."""

    file: str
    """As the user named it."""
    accounts: Sequence[Account]
    """In the order of the file."""
    digest: str = ""
    """The same for the same file with the same egresses; empty when it is of no file."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a person, and no file, has allowed more than the catalog does."""

    hosts: frozenset[str] = frozenset()
    """Hosts that a ``base_url`` or a ``proxy`` may lead to."""
    references_below: str | None = None
    """The folder in which files must lie that references name; no command is run and no store of
    secrets is asked then. ``None`` when references are trusted."""

    def refusal(
        self, account: Account, exchange: Exchange | None, inventory: str
    ) -> Unknown | None:
        """Why nothing of an account is read or sent; ``None`` when nothing stands against it.

        Args:
            account: The account.
            exchange: Its exchange, whose hosts are always allowed, as this machine is; ``None``
                when nobody knows it, and nothing is sent.
            inventory: The file of the account; references to files start at its folder.
        """
        why = self._of_hosts(account, exchange) if exchange is not None else ""
        why = why or self._of_references(account, inventory)
        return Unknown(Reason.NOT_ALLOWED, why) if why else None

    def _of_hosts(self, account: Account, exchange: Exchange) -> str:
        # NOTE: a key of the sandbox would pass for one of the real exchange, and the other way.
        own = exchange.sandbox_hosts if account.sandbox else exchange.hosts
        for name, url, known, whose in (
            ("base_url", account.base_url, own, f"no host of {exchange.title}"),
            ("proxy", account.proxy, frozenset[str](), "not this machine"),
        ):
            if url is None:
                continue
            host = host_in(url)
            if not host:
                return f"the host of {name} is not a plain host name or address (a-z, 0-9, - and .)"
            if host not in known | self.hosts and not is_loopback(host):
                return f"{name} leads to {host}, which is {whose} and not allowed"
        return ""

    def _of_references(self, account: Account, inventory: str) -> str:
        if self.references_below is None:
            return ""
        for name, reference in account.credentials.items():
            why = _untrusted(reference, PurePath(inventory).parent, self.references_below)
            if why:
                return f"{name}: untrusted files may not {why}"
        return ""


def _untrusted(reference: CredentialReference, folder: PurePath, below: str) -> str:
    """What an untrusted file would do with a reference and may not; empty when it may.

    A store answers with what the scanner may read, and not with what the author of the file may.
    """
    match reference:
        case EnvReference() | KeyringReference():
            return ""
        case FileReference(path):
            is_below = is_really_below(str(folder / path), below)
            return "" if is_below else "refer to files outside the project"
        case ExecReference():
            return "run commands (exec)"
        case StoreReference(store):
            return f"choose what is read from a secret store ({store})"
        case SystemdReference():
            return "choose which credential of the service is read (systemd)"
        case AgeReference():
            return "choose what is decrypted (age)"
        case _:
            assert_never(reference)


@dataclass(frozen=True, slots=True)
class Selector:
    """All that is said must fit; what is empty does not narrow it."""

    accounts: tuple[str, ...] = ()
    """Globs over account ids."""
    exchanges: frozenset[str] = frozenset()
    """Ids of exchanges."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that an account must carry."""

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> "Selector":
        """From the ``accounts``, ``exchanges`` and ``labels`` of an entry."""
        return cls(
            accounts=tuple(node.get("accounts", ())),
            exchanges=frozenset(node.get("exchanges", ())),
            labels=dict(node.get("labels", {})),
        )

    def names(self, subject: Subject) -> bool:
        """Whether an account is meant; a key that it lists is meant with it."""
        by_id = any(fnmatchcase(subject.declared_id, glob) for glob in self.accounts)
        return (by_id or not self.accounts) and self._fits(subject)

    def names_key(self, subject: Subject) -> bool:
        """Whether the very key is meant, by somebody who knew of it.

        A key that a scan found beside an account did not exist for whoever wrote the entry, unless
        its own id stands there: neither a glob nor a label speaks of it.
        """
        if not subject.found_by:
            return self.names(subject)
        return subject.id in self.accounts and self._fits(subject)

    def _fits(self, subject: Subject) -> bool:
        return (not self.exchanges or subject.exchange in self.exchanges) and all(
            subject.labels.get(key) == value for key, value in self.labels.items()
        )


_PROBES = tuple(f"{first}{rest}" for first in ascii_letters + digits for rest in ("", "-1", "_b.c"))
"""Ids that have nothing in common."""


def names_everything(selector: Selector) -> bool:
    """Whether whatever an account is called, it is meant: ``*`` and other ways to write that."""
    if selector.exchanges or selector.labels:
        return False
    globs = selector.accounts
    return all(any(fnmatchcase(probe, glob) for glob in globs) for probe in _PROBES)


_SHOWN = 5


class Chosen(Protocol):
    """What a policy, a waiver or an attestation is about."""

    @property
    def accounts(self) -> Sequence[str]:
        """Globs over account ids."""

    @property
    def exchanges(self) -> Set[str]:
        """Ids of exchanges."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels that an account must carry."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that fits no account."""

    key: str
    """``accounts``, ``exchanges`` or ``labels``; empty where each fits some account, but no account
    is all of it."""
    what: str
    """What is wrong."""
    fix: str
    """What to do."""


def misfits(chosen: Chosen, subjects: Sequence[Subject]) -> Iterator[Misfit]:
    """What fits no account of an inventory.

    That one of several exchanges has no account is no slip: files are shared.

    Args:
        chosen: What an entry says.
        subjects: Every account of the inventory.
    """
    found = [
        *(misfit_of_glob(glob, subjects) for glob in chosen.accounts),
        _misfit_of_exchanges(chosen.exchanges, subjects),
        *(misfit_of_label(key, value, subjects) for key, value in chosen.labels.items()),
    ]
    wrong = [misfit for misfit in found if misfit is not None]
    yield from wrong
    if not wrong and not any(_is_all_of(chosen, subject) for subject in subjects):
        yield Misfit("", "no account matches all of these", "correct accounts, exchanges or labels")


def misfit_of_glob(glob: str, subjects: Sequence[Subject]) -> Misfit | None:
    """That no account id matches this; ``None`` where one has."""
    ids = [subject.declared_id for subject in subjects]
    if any(_fits(glob, account) for account in ids):
        return None
    what = f"no account id matches {glob}"
    return Misfit("accounts", what, did_you_mean(glob, ids, f"the inventory has {some(ids)}"))


def _fits(glob: str, account: str) -> bool:
    # A key that was found beside an account has an id of its own, which no inventory holds.
    return fnmatchcase(account, glob) or glob.startswith(f"{account}/")


def misfit_of_label(key: str, value: str, subjects: Sequence[Subject]) -> Misfit | None:
    """That no account has such a label; ``None`` where one has."""
    if any(subject.labels.get(key) == value for subject in subjects):
        return None
    values = sorted({s.labels[key] for s in subjects if key in s.labels})
    if values:
        fix = did_you_mean(value, values, f"the inventory has {key}: {some(values)}")
        return Misfit("labels", f"no account has the label {key}={value}", fix)
    keys = sorted({key for subject in subjects for key in subject.labels})
    fix = did_you_mean(key, keys, f"its labels are {some(keys)}" if keys else "it has no labels")
    return Misfit("labels", f"no account has a label {key}", fix)


def _misfit_of_exchanges(exchanges: Set[str], subjects: Sequence[Subject]) -> Misfit | None:
    there = sorted({subject.exchange for subject in subjects})
    if not exchanges or not exchanges.isdisjoint(there):
        return None
    what = f"no account is on {' or '.join(sorted(exchanges))}"
    return Misfit("exchanges", what, f"the inventory has accounts on {some(there)}")


def _is_all_of(chosen: Chosen, subject: Subject) -> bool:
    return (
        (not chosen.exchanges or subject.exchange in chosen.exchanges)
        and (not chosen.accounts or any(_fits(g, subject.declared_id) for g in chosen.accounts))
        and all(subject.labels.get(key) == value for key, value in chosen.labels.items())
    )


def some(texts: Sequence[str]) -> str:
    """The first few of many texts, in words."""
    shown = ", ".join(texts[:_SHOWN])
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return f"{shown}{more}" or "none"
