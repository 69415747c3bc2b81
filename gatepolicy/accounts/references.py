"""Telling a mistyped reference from a credential that stands where a reference belongs. Pure.

Whoever is told that a credential leaked replaces it: nobody should be told so for a typing error.
And nothing here quotes what may be a credential.
"""

import re
from dataclasses import dataclass

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
    "a credential stands here in plain",
    "write env:NAME, file:PATH, keyring:SERVICE/USER or {exec: [COMMAND]} instead, and replace the"
    " key: whoever can read this file knows it",
)
_NOT_EXPANDED = "variables are not expanded in this file"
_NO_VARIABLE = Mistake("no name of an environment variable", "such as env:OKX_API_KEY")


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
        return Mistake("exec is not written as a text", "write {exec: [COMMAND, ARGUMENT]}")
    meant = kind if kind in _KINDS else _NEAR.get(kind)
    if meant is not None:
        return Mistake("unknown kind of reference", f"did you mean {meant}:? {_KNOWN}")
    if kind in _MANAGERS:
        return Mistake(f"unknown kind of reference {kind}:", _KNOWN)
    if rest.startswith("//"):
        return Mistake("unknown kind of reference", f"an address is none; {_KNOWN}")
    return PLAIN
