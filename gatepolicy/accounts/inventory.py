"""Reading inventories. No message ever quotes a credential."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yarl

from gatepolicy.accounts.account import (
    CREDENTIALS,
    Account,
    Inventory,
    is_loopback,
)
from gatepolicy.accounts.answerable import unanswerable
from gatepolicy.accounts.references import Mistake, mistake_in, reference_of
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
    file: str, *, read: Read = Path.read_bytes, answerable: bool = False
) -> Inventory:
    """An inventory.

    Args:
        file: As the user named it.
        read: Reads the bytes of a file.
        answerable: Whether what no scan could ask about is a problem as well. For a scan it is
            none: it is a reason, later.

    Raises:
        DocumentError: With all its problems.
    """
    text = (schemas_directory() / "inventory.schema.json").read_text(encoding="utf-8")
    try:
        document = load_document(
            file, schema=load_schema(text), kind="Inventory", read=read, reword=_reworded
        )
    except DocumentError as error:
        # A credential that was written in the place of a name would stand in a problem's path.
        problems = [replace(one, path=_private(one.path)) for one in error.problems]
        raise DocumentError(problems) from None
    # The schema has accepted the document, so its shape is known from here on.
    data: Any = document.data
    problems = list(_nonsense(document, data["accounts"]))
    if answerable:
        problems += unanswerable(document, data["accounts"])
        problems.sort(key=lambda problem: (problem.location.line, problem.location.column))
    if problems:
        raise DocumentError(problems)
    return Inventory(
        file,
        tuple(_account(document, index, node) for index, node in enumerate(data["accounts"])),
    )


def _account(document: Document, index: int, node: Mapping[str, Any]) -> Account:
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
        egress=_networks(node.get("egress", ())),
    )


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
    for index, text in enumerate(node.get("egress", ())):
        found = network_of(text)
        if isinstance(found, tuple):
            yield _problem(document, (*place, "egress", index), *found)
    if hold_everything(_networks(node.get("egress", ()))):
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
