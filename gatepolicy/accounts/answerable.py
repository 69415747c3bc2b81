"""What of an inventory no scan could ask about, by what the catalog knows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gatepolicy.accounts.account import Account
from gatepolicy.documents.document import DataPath, Document, show_path
from gatepolicy.errors import Problem
from gatepolicy.exchanges.catalog import (
    Other,
    hint_about,
    known_exchanges,
    load_exchange,
    load_others,
)
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import Subject

Node = Mapping[str, Any]


def unanswerable(document: Document, accounts: Sequence[Node]) -> Iterator[Problem]:
    """Exchanges that do not exist, credentials that are missing, lists that nobody has.

    An account on an exchange that nobody can ask is no problem: people can attest for it.

    Args:
        document: The inventory; the schema has accepted it.
        accounts: Its accounts.
    """
    named = sorted({node["exchange"] for node in accounts})
    known = known_exchanges()
    exchanges = {name: load_exchange(name) for name in named if name in known}
    others = load_others() if len(exchanges) < len(named) else {}
    for index, node in enumerate(accounts):
        exchange = exchanges.get(node["exchange"]) or others.get(node["exchange"])
        for key, what, fix in _wrong(node, exchange):
            path: DataPath = ("accounts", index, key)
            yield Problem(document.at(path), show_path(path), what, fix)


def by_hand(accounts: Iterable[Account]) -> Sequence[Subject]:
    """The accounts on exchanges that nobody can ask."""
    known = known_exchanges()
    return [account.subject for account in accounts if account.subject.exchange not in known]


def _wrong(node: Node, exchange: Exchange | Other | None) -> Iterator[tuple[str, str, str]]:
    """Key within the account, what is wrong, and what to do."""
    if exchange is None:
        name = node["exchange"]
        yield "exchange", f"unknown exchange {name}", hint_about(name)
        return
    if isinstance(exchange, Exchange):
        yield from _unusable(node, exchange)
    if isinstance(exchange, Other) or not exchange.listings:
        what = f"no call lists the keys of {exchange.title}"
        if node.get("discover"):
            yield "discover", what, "remove discover"
        if "audited_by" in node:
            yield "audited_by", what, "use credentials instead of audited_by"


def _unusable(node: Node, exchange: Exchange) -> Iterator[tuple[str, str, str]]:
    # NOTE: that there are none at all is reported anyway.
    given = node.get("credentials", exchange.credentials)
    missing = [f"no {name}" for name in exchange.credentials if name not in given]
    if missing and "audited_by" not in node:
        needed = f"{exchange.title} needs {', '.join(exchange.credentials)}"
        yield "credentials", _listed(missing), needed
    if node.get("sandbox") and not exchange.sandbox_hosts:
        what = f"the sandbox of {exchange.title} does not answer what a key can do"
        yield "sandbox", what, "remove sandbox"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
