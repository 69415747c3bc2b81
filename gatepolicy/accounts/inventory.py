"""Reading inventories. No message ever quotes a credential."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yarl

from gatepolicy.accounts.account import (
    CREDENTIALS,
    Account,
    AgeReference,
    CredentialReference,
    EnvReference,
    ExecReference,
    FileReference,
    Inventory,
    KeyringReference,
    StoreKind,
    StoreReference,
    SystemdReference,
    is_loopback,
    is_quotable,
)
from gatepolicy.accounts.answerable import unanswerable
from gatepolicy.accounts.egress import NO_EGRESSES, Egresses, Mistaken, digest_with, egress_of
from gatepolicy.documents.document import (
    EVERYWHERE,
    DataPath,
    Document,
    collapsed,
    hold_everything,
    network_of,
    show_path,
)
from gatepolicy.documents.load import Read, load_document
from gatepolicy.documents.schema import load_schema, nearest
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.catalog import known_exchanges, load_others
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Network
from gatepolicy.resources import schemas_directory

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
_EXPANDED = re.compile(r"\$\{?([A-Z][A-Z0-9_]*)\}?|%([A-Z][A-Z0-9_]*)%")
_TEMPLATE = re.compile(r"\$\(.*\)|\$?\{\{.*\}\}|`.*`")


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


_OF_AN_ACCOUNT = re.compile(r"accounts\[(\d+)\](?:\.([^.\[]+))?(.*)")
Look = Callable[[Document, DataPath, Mapping[str, Any]], Iterator[Problem]]
"""Looks at each property of an account by itself."""


def with_more(document: Document, wrong: Sequence[Problem], look: Look) -> list[Problem]:
    """All problems at once: those of the schema, and those of the properties that it accepts.

    Args:
        document: The inventory.
        wrong: What the schema says.
        look: What else is wrong with the properties of an account.
    """
    refused: dict[int, set[str]] = defaultdict(set)
    for problem in wrong:
        found = _OF_AN_ACCOUNT.fullmatch(problem.path)
        if found is not None:
            refused[int(found[1])].add(found[2] or "")
    problems = [_with_exchange(document, problem) for problem in wrong]
    for index, node in enumerate(_accounts(document)):
        if isinstance(node, dict):
            sound = {key: value for key, value in node.items() if key not in refused[index]}
            problems += look(document, ("accounts", index), sound)
    return sorted(problems, key=lambda one: (one.location.line, one.location.column))


def _accounts(document: Document) -> list[Any]:
    data = document.data
    accounts = data.get("accounts") if isinstance(data, dict) else None
    return accounts if isinstance(accounts, list) else []


def _with_exchange(document: Document, problem: Problem) -> Problem:
    """The exchange that was probably meant, where its id is written in another way."""
    found = _OF_AN_ACCOUNT.fullmatch(problem.path)
    if found is None or (found[2], found[3]) != ("exchange", ""):
        return problem
    name = _accounts(document)[int(found[1])]["exchange"]
    near = nearest(name, [*known_exchanges(), *load_others()]) if isinstance(name, str) else ""
    return replace(problem, fix=f"did you mean {near}?") if near else problem


DEFAULT_TIMEOUT = "30s"
_LONGEST_TIMEOUT = 600.0
_IN_CREDENTIALS = re.compile(r"(accounts\[[0-9]+\]\.credentials)\.(.*)", re.DOTALL)
_LABEL = "[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"({_LABEL}\.)*{_LABEL}\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
"""A name (RFC 1123, with the underscore that resolvers take), or an address."""
_NO_URL = re.compile(r"[^\x21-\x7e]")
"""What is not of a URL (RFC 3986); some parsers drop it, others send it."""


def load_inventory(
    file: str,
    *,
    read: Read = Path.read_bytes,
    answerable: bool = False,
    egresses: Egresses = NO_EGRESSES,
) -> Inventory:
    """An inventory.

    Args:
        file: As the user named it.
        read: Reads the bytes of a file.
        answerable: Whether what no scan could ask about is a problem as well. For a scan it is
            none: it is a reason, later.
        egresses: Those of the project, which accounts may name.

    Raises:
        DocumentError: With all its problems.
    """
    contents: list[bytes] = []

    def keep(path: Path) -> bytes:
        contents.append(read(path))
        return contents[-1]

    document = _document(file, keep)
    # The schema has accepted the document, so its shape is known from here on.
    data: Any = document.data
    problems = [
        *_nonsense(document, data["accounts"]),
        *_of_egresses(document, data["accounts"], egresses),
        *(unanswerable(document, data["accounts"]) if answerable else ()),
    ]
    if problems:
        raise DocumentError(sorted(problems, key=_place))
    nodes = enumerate(data["accounts"])
    accounts = tuple(_account(document, index, node, egresses) for index, node in nodes)
    return Inventory(file, accounts, digest_with(b"".join(contents), egresses))


def _place(problem: Problem) -> tuple[int, int]:
    return problem.location.line, problem.location.column


def _document(file: str, read: Read) -> Document:
    text = (schemas_directory() / "inventory.schema.json").read_text(encoding="utf-8")
    try:
        return load_document(
            file, schema=load_schema(text), kind="Inventory", read=read, reword=_reworded
        )
    except DocumentError as error:
        # A credential that was written in the place of a name would stand in a problem's path.
        problems = [replace(one, path=_private(one.path)) for one in error.problems]
        raise DocumentError(problems) from None


def _account(
    document: Document, index: int, node: Mapping[str, Any], egresses: Egresses
) -> Account:
    credentials = node.get("credentials", {})
    place: DataPath = ("accounts", index)
    return Account(
        subject=Subject(
            id=node["id"],
            exchange=node["exchange"],
            labels=node.get("labels", {}),
            owner=node.get("owner", ""),
            location=document.at(place),
        ),
        credentials={name: reference_of(written) for name, written in credentials.items()},
        credential_locations={
            name: document.at((*place, "credentials", name)) for name in credentials
        },
        base_url=node["base_url"].rstrip("/") if "base_url" in node else None,
        proxy=node.get("proxy"),
        sandbox=node.get("sandbox", False),
        timeout=_seconds(node.get("timeout", DEFAULT_TIMEOUT)),
        key=node.get("key", ""),
        audited_by=node.get("audited_by", ""),
        discover=node.get("discover", False),
        **_leaving(node, egresses),
    )


def _leaving(node: Mapping[str, Any], egresses: Egresses) -> dict[str, Any]:
    """The egress of an account, once it was found to be in order."""
    written = node.get("egress")
    name = egress_of(written, node.get("labels", {}), egresses)
    assert isinstance(name, str)
    declared = egresses[name].addresses if name else ()
    networks = _networks(written) if isinstance(written, list) else declared
    return {"egress": networks, "egress_name": name}


def _of_egresses(document: Document, accounts: list[Any], egresses: Egresses) -> Iterator[Problem]:
    """Accounts of which nobody can tell from where they are read."""
    names: dict[str, str] = {}
    for index, node in enumerate(accounts):
        found = egress_of(node.get("egress"), node.get("labels", {}), egresses)
        if isinstance(found, Mistaken):
            step = "egress" if isinstance(node.get("egress"), str) else "labels"
            yield _problem(document, ("accounts", index, step), found.what, found.fix)
        else:
            names[node["id"]] = found
    for index, node in enumerate(accounts):
        own, auditor = names.get(node["id"], ""), node.get("audited_by", "")
        # Its auditor is asked with its key alone; one with a secret is asked itself, too.
        asks = not node.get("credentials", {}).keys() <= {"apiKey"}
        if own and asks and names.get(auditor, own) != own:
            what = f"its auditor {auditor} has another egress, and both are read together"
            fix = "give both the same egress, or leave out all credentials but apiKey"
            yield _problem(document, ("accounts", index, "audited_by"), what, fix)


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    read = [network_of(text) for text in texts]
    return collapsed(network for network in read if not isinstance(network, tuple))


def _seconds(written: str) -> float:
    return float(written[:-1]) * (60 if written.endswith("m") else 1)


def _reworded(document: Document, problems: Iterable[Problem]) -> Iterable[Problem]:
    """Problems of an inventory's form; of a reference, what is meant by what stands there.

    With them, what else is wrong.
    """
    mistakes = _mistaken_references(document)
    reworded = [
        replace(problem, what=mistake.what, fix=mistake.fix)
        if (mistake := mistakes.get(problem.location))
        else problem
        for problem in problems
    ]
    return with_more(document, reworded, _of_account)


def _mistaken_references(document: Document) -> Mapping[Location, Mistake]:
    """Every text that stands in the place of a reference and is none, by its place."""
    mistakes: dict[Location, Mistake] = {}
    data: Any = document.data
    accounts = data.get("accounts")
    for index, node in enumerate(accounts if isinstance(accounts, list) else ()):
        credentials = node.get("credentials") if isinstance(node, dict) else None
        for name, written in credentials.items() if isinstance(credentials, dict) else ():
            mistake = mistake_in(written) if isinstance(written, str) else None
            if mistake is not None and name in CREDENTIALS:
                mistakes[document.at(("accounts", index, "credentials", name))] = mistake
    return mistakes


def _private(path: str) -> str:
    """A path without anything below credentials but the names that ccxt gives them."""
    found = _IN_CREDENTIALS.fullmatch(path)
    if found is None:
        return path
    name = re.split(r"[.\[]", found[2], maxsplit=1)[0]
    return f"{found[1]}.{name}" if name in CREDENTIALS else found[1]


def _nonsense(document: Document, accounts: list[Any]) -> Iterator[Problem]:
    """What a schema cannot say."""
    seen: dict[str, int] = {}
    by_id = {node["id"]: node for node in reversed(accounts)}
    # NOTE: most inventories need not know them.
    bare = any("credentials" not in node and "audited_by" not in node for node in accounts)
    others = load_others().keys() if bare else frozenset()
    for index, node in enumerate(accounts):
        place: DataPath = ("accounts", index)
        first = seen.setdefault(node["id"], index)
        if first != index:
            taken = document.at(("accounts", first, "id"))
            yield _problem(
                document, (*place, "id"), f"duplicate id, first used by {taken}", "rename one"
            )
        yield from _of_account(document, place, node)
        yield from _of_auditor(document, place, node, by_id, others)


def _of_account(document: Document, place: DataPath, node: Mapping[str, Any]) -> Iterator[Problem]:
    for name, written in node.get("credentials", {}).items():
        mistake = mistake_in(written) if isinstance(written, str) else None
        if mistake is not None:
            path = (*place, "credentials", name)
            yield _problem(document, path, mistake.what, mistake.fix)
    yield from _of_addresses(document, place, node)
    written = node.get("egress", ())
    networks = () if isinstance(written, str) else written
    for index, text in enumerate(networks):
        found = network_of(text)
        if isinstance(found, tuple):
            yield _problem(document, (*place, "egress", index), *found)
    if hold_everything(_networks(networks)):
        yield _problem(document, (*place, "egress"), *EVERYWHERE)
    if not 0 < _seconds(node.get("timeout", DEFAULT_TIMEOUT)) <= _LONGEST_TIMEOUT:
        what, fix = "must be more than 0 and at most ten minutes", "such as 30s"
        yield _problem(document, (*place, "timeout"), what, fix)


def _of_addresses(
    document: Document, place: DataPath, node: Mapping[str, Any]
) -> Iterator[Problem]:
    for name, check in (("base_url", _wrong_base_url), ("proxy", _wrong_proxy)):
        wrong = check(node[name]) if name in node else None
        if wrong is not None:
            yield _problem(document, (*place, name), *wrong)
    if "proxy" in node and node.get("base_url", "").startswith("http:"):
        what = "http through a proxy would expose the key to the proxy"
        fix = "write https in base_url, or remove the proxy"
        yield _problem(document, (*place, "proxy"), what, fix)


def _of_auditor(
    document: Document,
    place: DataPath,
    node: Mapping[str, Any],
    by_id: Mapping[str, Any],
    others: Set[str],
) -> Iterator[Problem]:
    if "audited_by" not in node:
        if "credentials" not in node and node["exchange"] not in others:
            what = "no credentials and no auditor"
            fix = "add credentials, or key and audited_by"
            yield _problem(document, place, what, fix)
        if "key" in node:
            what = "a key without an auditor"
            fix = "add audited_by, or use credentials instead of key"
            yield _problem(document, (*place, "key"), what, fix)
        return
    if "key" not in node and "apiKey" not in node.get("credentials", {}):
        what = "an audited account needs its key"
        fix = "add key: its public key id, or what the exchange shows of it"
        yield _problem(document, place, what, fix)
    wrong = _wrong_auditor(node, by_id.get(node["audited_by"]))
    if wrong is not None:
        yield _problem(document, (*place, "audited_by"), *wrong)


def _wrong_auditor(node: Mapping[str, Any], auditor: Any) -> tuple[str, str] | None:
    if auditor is None:
        return "unknown account id", "use the id of an account that lists keys"
    if "audited_by" in auditor:
        return "this account is itself audited", "use an account with credentials"
    if auditor["exchange"] != node["exchange"]:
        return f"this account is on {auditor['exchange']}", f"name one on {node['exchange']}"
    return None


def _problem(document: Document, place: DataPath, what: str, fix: str) -> Problem:
    return Problem(document.at(place), show_path(place), what, fix)


def _wrong_base_url(written: str) -> tuple[str, str] | None:
    url = _split(written)
    if url is None:
        return "not a URL with scheme, host and port", "such as https://api.example.com"
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        return "http to another machine would expose the key on the network", "write https"
    return None


def _wrong_proxy(written: str) -> tuple[str, str] | None:
    if "@" in written:
        fix = "use a proxy that authorises this machine by its address"
        return "plaintext credentials of a proxy", fix
    return (
        None
        if _split(written)
        else ("not a URL with scheme, host and port", "such as http://proxy:3128")
    )


def _split(written: str) -> SplitResult | None:
    """A URL of scheme, host and port, and of nothing else, as the sender reads it, too."""
    try:
        url = urlsplit(written)
        port = url.port
        host = yarl.URL(written).raw_host or ""
    except ValueError:
        return None
    if _HOST.fullmatch(host) is None or _NO_URL.search(written):
        return None
    only = url._replace(path=url.path.rstrip("/")) == url._replace(path="", query="", fragment="")
    return url if only and url.hostname and port != 0 and "@" not in url.netloc else None
