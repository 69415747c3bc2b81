"""An account, the references to its credentials, and the hosts that it may lead to."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePath
from urllib.parse import urlsplit

from gatepolicy.documents.load import is_really_below
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

_KINDS = {"env": "env:NAME", "file": "file:PATH", "keyring": "keyring:SERVICE/USER"}
_KNOWN = "known kinds: env:NAME, file:PATH, keyring:SERVICE/USER, {exec: [COMMAND, ARGUMENT]}"
_MANAGERS = frozenset(
    {
        "akeyless", "arn", "aws", "aws-sm", "aws-ssm", "awssm", "awssecret", "az", "azure",
        "azure-kv", "bao", "bitwarden", "bw", "bws", "chamber", "conjur", "doppler", "gcp",
        "gcp-sm", "gcpsm", "gopass", "gsm", "hashicorp", "infisical", "k8s", "keepass", "keeper",
        "keychain", "kms", "lastpass", "lpass", "op", "openbao", "pass", "secret", "secrets",
        "secretsmanager", "sm", "sops", "ssm", "vault",
    }
)  # fmt: skip
"""What people write before the colon for the usual stores of secrets."""

_NEAR = {
    "environ": "env", "environment": "env", "envs": "env", "envvar": "env", "var": "env",
    "evn": "env", "en": "env", "nev": "env", "files": "file", "fiel": "file", "flie": "file",
    "path": "file", "key-ring": "keyring", "keyrings": "keyring", "kering": "keyring",
    "keyrign": "keyring",
}  # fmt: skip
"""What people mean by what they write before the colon."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTABLE = re.compile(r"[A-Z][A-Z0-9]{0,19}(_[A-Z0-9]{1,20})+|[A-Z]{1,20}[0-9]{0,2}")
_EXPANDED = re.compile(r"\$\{?([A-Z][A-Z0-9_]*)\}?|%([A-Z][A-Z0-9_]*)%")
_TEMPLATE = re.compile(r"\$\(.*\)|\$?\{\{.*\}\}|`.*`")
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a reference."""

    what: str
    """In one line; quotes nothing that may be a credential."""
    fix: str
    """What to do."""


PLAIN = Mistake(
    "plaintext credential",
    "write env:NAME, file:PATH, keyring:SERVICE/USER or {exec: [COMMAND]} instead, and replace the"
    " key: anyone who can read this file has it",
)
_NOT_EXPANDED = "variables are not expanded in this file"
_NO_VARIABLE = Mistake("not a valid name of an environment variable", "such as env:OKX_API_KEY")


def is_quotable(name: str) -> bool:
    """Whether the name of a variable may be shown: in capitals, and in words as people write them.

    Secrets in base 32 or hexadecimal have capitals and digits as well, but no words.
    """
    return len(name) <= _LONGEST_NAME and _QUOTABLE.fullmatch(name) is not None


def mistake_in(written: str) -> Mistake | None:
    """What is wrong with a reference in one text; ``None`` when its form is right."""
    kind, colon, rest = written.partition(":")
    if not colon or kind not in _KINDS:
        return _of_unknown_kind(written)
    if not rest or (kind == "keyring" and not _names_an_entry(rest)):
        return Mistake(f"{kind}: without what it refers to", f"write {_KINDS[kind]}")
    if kind == "env" and _VARIABLE.fullmatch(rest) is None:
        return _NO_VARIABLE
    return None


def _names_an_entry(rest: str) -> bool:
    service, slash, user = rest.rpartition("/")
    return bool(service and slash and user)


def _of_unknown_kind(written: str) -> Mistake:
    expanded = _EXPANDED.fullmatch(written.strip())
    if expanded is not None:
        name = expanded[1] or expanded[2]
        return Mistake(_NOT_EXPANDED, f"write env:{name if is_quotable(name) else 'NAME'}")
    if _TEMPLATE.fullmatch(written.strip()):
        return Mistake(_NOT_EXPANDED, "write env:NAME, or {exec: [COMMAND, ARGUMENT]}")
    kind, colon, rest = written.partition(":")
    return _of_kind(kind.strip().lower(), rest) if colon else PLAIN


def _of_kind(kind: str, rest: str) -> Mistake:
    """What is meant by a text with a colon whose first part names no kind of reference."""
    if kind == "exec":
        return Mistake("exec must be a mapping, not a string", "write {exec: [COMMAND, ARGUMENT]}")
    meant = kind if kind in _KINDS else _NEAR.get(kind)
    if meant is not None:
        return Mistake("unknown kind of reference", f"did you mean {meant}:? {_KNOWN}")
    if kind in _MANAGERS:
        return Mistake(f"unknown kind of reference {kind}:", _KNOWN)
    if rest.startswith("//"):
        return Mistake("unknown kind of reference", f"a URL is not a reference; {_KNOWN}")
    return PLAIN


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


@dataclass(frozen=True, slots=True)
class Inventory:
    """All accounts."""

    file: str
    """As the user named it."""
    accounts: Sequence[Account]
    """In the order of the file."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a person, and no file, has allowed more than the catalog does."""

    hosts: frozenset[str] = frozenset()
    """Hosts that a ``base_url`` or a ``proxy`` may lead to."""
    references_below: str | None = None
    """The folder in which files must lie that references name; no command is run then. ``None``
    when references are trusted."""

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
            if isinstance(reference, ExecReference):
                return f"{name}: untrusted files may not run commands (exec)"
            if isinstance(reference, FileReference):
                file = PurePath(inventory).parent / reference.path
                if not is_really_below(str(file), self.references_below):
                    return f"{name}: untrusted files may not refer to files outside the project"
        return ""
