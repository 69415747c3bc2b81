"""References to credentials: how they are written, and what is wrong with one."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

_FORMS = {
    "env": "env:NAME",
    "file": "file:PATH",
    "keyring": "keyring:SERVICE/USER",
    "vault": "vault:PATH#FIELD",
    "aws-sm": "aws-sm:NAME#FIELD",
    "aws-ssm": "aws-ssm:NAME",
    "gcp-sm": "gcp-sm:NAME#FIELD",
    "azure-kv": "azure-kv:NAME#FIELD",
    "systemd": "systemd:NAME",
    "age": "age:FILE#KEY",
}
_KNOWN = f"known kinds: {', '.join(_FORMS.values())}, {{exec: [COMMAND, ARGUMENT]}}"
_MANAGERS = frozenset(
    {
        "akeyless", "az", "bitwarden", "bw", "bws", "chamber", "conjur", "doppler", "gopass",
        "infisical", "k8s", "keepass", "keeper", "keychain", "kms", "lastpass", "lpass", "op",
        "pass", "secret", "secrets", "sm", "sops",
    }
)  # fmt: skip
"""What people write before the colon for other stores of secrets."""

_NEAR = {
    "environ": "env", "environment": "env", "envs": "env", "envvar": "env", "var": "env",
    "evn": "env", "en": "env", "nev": "env", "files": "file", "fiel": "file", "flie": "file",
    "path": "file", "key-ring": "keyring", "keyrings": "keyring", "kering": "keyring",
    "keyrign": "keyring", "bao": "vault", "openbao": "vault", "hashicorp": "vault",
    "hcvault": "vault", "arn": "aws-sm:arn", "asm": "aws-sm", "aws": "aws-sm", "awssm": "aws-sm",
    "aws-secretsmanager": "aws-sm", "awssecret": "aws-sm", "secretsmanager": "aws-sm",
    "awsssm": "aws-ssm", "ssm": "aws-ssm", "gcp": "gcp-sm", "gcpsm": "gcp-sm", "gsm": "gcp-sm",
    "akv": "azure-kv", "azure": "azure-kv", "azurekv": "azure-kv", "credential": "systemd",
    "rage": "age",
}  # fmt: skip
"""What people mean by what they write before the colon."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTABLE = re.compile(r"[A-Z][A-Z0-9]{0,19}(_[A-Z0-9]{1,20})+|[A-Z]{1,20}[0-9]{0,2}")
_EXPANDED = re.compile(r"\$\{?([A-Z][A-Z0-9_]*)\}?|%([A-Z][A-Z0-9_]*)%")
_TEMPLATE = re.compile(r"\$\(.*\)|\$?\{\{.*\}\}|`.*`")
_LONGEST_NAME = 80


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


def reference_of(written: Any) -> CredentialReference:
    """The reference that an inventory holds, once it was found to be in order."""
    if isinstance(written, dict):
        return ExecReference(tuple(written["exec"]))
    kind, _, rest = written.partition(":")
    if kind == "env":
        return EnvReference(rest)
    if kind == "file":
        path, fragment, pointer = rest.partition("#/")
        return FileReference(path, f"/{pointer}" if fragment else "")
    if kind == "keyring":
        service, _, user = rest.rpartition("/")
        return KeyringReference(service, user)
    if kind == "systemd":
        return SystemdReference(rest)
    name, _, field = rest.partition("#")
    if kind == "age":
        return AgeReference(name, field)
    return StoreReference(StoreKind(kind), name, field)


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
_SEGMENT = r"(?!\.{1,2}(?:/|$))[^\x00-\x20\x7f-\x9f/?#%*\\]+"
_NAMES = {
    # Segments, none of which leads up: some senders would follow it to another part of the API.
    "vault": rf"{_SEGMENT}(?:/{_SEGMENT})+",
    "aws-sm": r"[A-Za-z0-9/_+=.@:-]{1,2048}",
    "aws-ssm": r"[A-Za-z0-9/_.:-]{1,2048}",
    "gcp-sm": r"(?:projects/[a-z0-9:.-]{1,100}/secrets/)?[A-Za-z0-9_-]{1,255}"
    r"(?:/versions/[a-z0-9_-]{1,63})?",
    "azure-kv": r"[A-Za-z0-9-]{1,127}(?:/[0-9a-f]{32})?",
    "systemd": r"(?!\.{1,2}$)[A-Za-z0-9_.@:-]{1,255}",
    "age": r"[^\x00]+",
}
_VALID_NAMES = {kind: re.compile(pattern) for kind, pattern in _NAMES.items()}
_EXAMPLES = {
    "vault": "vault:secret/trading/okx#secret",
    "aws-sm": "aws-sm:trading/okx#secret",
    "aws-ssm": "aws-ssm:/trading/okx/secret",
    "gcp-sm": "gcp-sm:projects/trading/secrets/okx#secret",
    "azure-kv": "azure-kv:okx-secret",
    "systemd": "systemd:okx-secret",
    "age": "age:secrets.yaml.age#okx",
}
_ESCAPED = re.compile(r"(?:[^~]|~[01])*")
_NO_POINTER = Mistake("not a valid JSON pointer", "such as file:config.json#/exchange/secret")


def mistake_in(written: str) -> Mistake | None:
    """What is wrong with a reference in one text; ``None`` when its form is right."""
    kind, colon, rest = written.partition(":")
    if not colon or kind not in _FORMS:
        return _of_unknown_kind(written)
    if not rest or (kind == "keyring" and not _names_an_entry(rest)):
        return Mistake(f"{kind}: without what it refers to", f"write {_FORMS[kind]}")
    if kind == "env":
        return _NO_VARIABLE if _VARIABLE.fullmatch(rest) is None else None
    if kind == "file":
        return _in_file(rest)
    return _in_store(kind, rest) if kind in _NAMES else None


def _names_an_entry(rest: str) -> bool:
    service, slash, user = rest.rpartition("/")
    return bool(service and slash and user)


def _in_file(rest: str) -> Mistake | None:
    path, _, pointer = rest.partition("#/")
    if not path:
        return Mistake("file: without what it refers to", "write file:PATH#/POINTER")
    return None if _ESCAPED.fullmatch(pointer) else _NO_POINTER


def _in_store(kind: str, rest: str) -> Mistake | None:
    """What is wrong with a name in a store, and with the field behind it."""
    name, mark, field = rest.partition("#")
    if (mark and not field) or (kind == "vault" and not mark):
        return Mistake(f"{kind}: without the field of the secret", f"write {_FORMS[kind]}")
    if _VALID_NAMES[kind].fullmatch(name) is None or (kind == "systemd" and mark):
        return Mistake(f"{kind}: not a valid name", f"such as {_EXAMPLES[kind]}")
    if field.startswith("/") and not _ESCAPED.fullmatch(field):
        return _NO_POINTER
    return None


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
    meant = kind if kind in _FORMS else _NEAR.get(kind)
    if meant is not None:
        return Mistake("unknown kind of reference", f"did you mean {meant}:? {_KNOWN}")
    if kind in _MANAGERS:
        fix = f"use its command line: {{exec: [COMMAND, ARGUMENT]}}; {_KNOWN}"
        return Mistake(f"unknown kind of reference {kind}:", fix)
    if rest.startswith("//"):
        return Mistake("unknown kind of reference", f"a URL is not a reference; {_KNOWN}")
    return PLAIN
