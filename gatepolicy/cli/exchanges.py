"""``gatepolicy exchanges``: what each exchange discloses about a key."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import click

from gatepolicy.cli import inputs
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import (
    MEANING,
    Discloses,
    Disclosure,
    Other,
    State,
    disclosure,
    hint_about,
    known_exchanges,
    load_catalog,
    load_exchange,
    load_others,
    read_long_ago,
)
from gatepolicy.exchanges.exchange import Call, Exchange, Word
from gatepolicy.exchanges.interpret import described
from gatepolicy.model.scan import ExitCode

_COLUMNS: Mapping[str, str] = {
    "withdraw": "permission.withdraw",
    "IP bound": "ip.restricted",
    "IP list": "ip.allowlist",
    "created": "key.created_at",
    "last used": "key.last_used_at",
    "expires": "key.expires_at",
    "name": "key.name",
}
_SHORT: Mapping[Discloses, str] = {
    Discloses.OBSERVED: "yes",
    Discloses.INFERRED: "inferred",
    Discloses.STRUCTURAL: "by rule",
    Discloses.NOT_DISCLOSED: "-",
}
_WIDTH = 79


@click.command("exchanges")
@click.argument("exchange", required=False, metavar="[ID]")
def command(exchange: str | None) -> ExitCode:
    """Show what each exchange discloses about a key.

    With ID, every fact of one exchange: observed, structural or not disclosed, and its source.
    """
    if exchange is None:
        lines = _table(load_catalog(), inputs.now().date())
    elif exchange in known_exchanges():
        lines = _details(load_exchange(exchange))
    elif exchange in load_others():
        lines = iter([f"{exchange}: {load_others()[exchange].summary}"])
    else:
        raise UsageError(f"unknown exchange {exchange}", hint=hint_about(exchange))
    for line in lines:
        click.echo(line)
    return ExitCode.OK


def _table(catalog: Mapping[str, Exchange], today: date) -> Iterator[str]:
    rows = [["exchange", *_COLUMNS]]
    for exchange in catalog.values():
        disclosed = disclosure(exchange)
        rows.append([exchange.id, *(_SHORT[disclosed[fact].how] for fact in _COLUMNS.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    others = load_others()
    yield from _others(others)
    seen = [exchange.id for exchange in catalog.values() if exchange.seen]
    yield ""
    yield from _named("Compared with live answers, and not only with documents", seen)
    old = list(read_long_ago([*catalog.values(), *others.values()], today))
    yield from _named("Documents last read more than 180 days ago", old)
    yield ""
    yield "yes: disclosed; inferred: disclosed, but not conclusive; -: not disclosed."
    yield "'gatepolicy exchanges ID' shows every fact and its source."


def _named(title: str, names: Sequence[str]) -> Iterator[str]:
    yield f"{title} ({len(names)}):"
    yield from _wrapped(f"  {', '.join(names) or 'none'}", indent=2)


def _others(others: Mapping[str, Other]) -> Iterator[str]:
    for state in State:
        names = [name for name, other in others.items() if other.state is state]
        yield ""
        yield f"{MEANING[state][0].upper()}{MEANING[state][1:]} ({len(names)}):"
        yield from _wrapped(f"  {', '.join(names)}", indent=2)


def _details(exchange: Exchange) -> Iterator[str]:
    yield f"{exchange.title} ({exchange.id})"
    yield exchange.reference
    yield from _wrapped(_age_of(exchange), indent=2)
    yield f"credentials: {', '.join(exchange.credentials)}"
    if exchange.credentials_note:
        yield from _wrapped(f"  {exchange.credentials_note}", indent=2)
    yield from _wrapped(f"edit keys at: {exchange.menu}", indent=2)
    if exchange.sister_sites:
        sisters = "; ".join(described(site) for site in exchange.sister_sites)
        yield from _wrapped(f"sister sites, with separate keys: {sisters}", indent=2)
    yield ""
    yield "Calls, and the permission that each needs:"
    yield from _calls(exchange)
    yield ""
    for name, disclosed in disclosure(exchange).items():
        yield from _fact(name, disclosed)
    yield from _words(exchange)


def _age_of(exchange: Exchange) -> str:
    """When the entry was last compared with anything."""
    seen = "; ".join(f"{one.day} ({one.source})" for one in exchange.seen)
    live = f"seen live: {seen}" if seen else "not compared with a live answer"
    return f"documents read: {exchange.documents_read}; {live}"


def _words(exchange: Exchange) -> Iterator[str]:
    if exchange.words:
        yield ""
        yield "Permissions, and what each allows:"
    for word in exchange.words.values():
        yield from _word(word)
    if exchange.permissions.wordless:
        yield ""
        yield "No permission of this exchange allows:"
        for capability, why in exchange.permissions.wordless.items():
            yield from _wrapped(f"  {capability.value}: {why}", indent=4)


def _calls(exchange: Exchange) -> Iterator[str]:
    for call in exchange.calls:
        yield from _call(call)
    for other in exchange.alternatives:
        yield from _wrapped(f"Used instead if they refuse {other.title}:", indent=2)
        for call in other.view.calls:
            yield from _call(call)
    if exchange.listings:
        yield ""
        yield "Lists of other keys, for 'discover: true' and for auditors:"
    for listing in exchange.listings:
        sent = ", ".join(f"{call.http_method} {call.path}" for call in listing.calls)
        needed = listing.permission or "none documented"
        left_out = f"; {listing.partial}" if listing.partial else ""
        yield from _wrapped(f"  {listing.title}: {sent} ({needed}){left_out}", indent=4)


def _call(call: Call) -> Iterator[str]:
    needed = call.permission or "none documented"
    yield from _wrapped(f"  {call.id}: {call.http_method} {call.path} ({needed})", indent=4)


def _word(word: Word) -> Iterator[str]:
    allows = ", ".join(sorted(capability.value for capability in word.grants)) or "nothing known"
    perhaps = ", ".join(sorted(capability.value for capability in word.unclear))
    doubt = f"; perhaps {perhaps} ({word.note})" if perhaps else ""
    yield from _wrapped(f"  {word.word} ({word.title}): {allows}{doubt}", indent=4)


def _fact(name: str, disclosed: Disclosure) -> Iterator[str]:
    yield from _wrapped(f"{name:25} {disclosed.how.value:14} {disclosed.where}", indent=41)


def _wrapped(text: str, *, indent: int) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)
