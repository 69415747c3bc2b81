"""Lists of other keys: asked page by page, and read row by row."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gatepolicy.correlate.collected import NO_LIST, Listed, ListedKey
from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.answers import ABSENT, Absent, resolve, same
from gatepolicy.exchanges.exchange import Call, Detail, Exchange, Listing, Pages, Sent, Table
from gatepolicy.exchanges.interpret import Failure, Parsed, parameters
from gatepolicy.exchanges.normalise import facts_of_row
from gatepolicy.exchanges.sources import NoRow, Row, own_row, rows_of, same_key, shown_key
from gatepolicy.model.facts import FACTS, Fact, FactKind, Facts, FactValue, Grant, Reason, Unknown

MOST_REQUESTS = 500
"""Requests for one account, repetitions included. Lists of keys are the only reason for more than a
few: these are a hundred pages, or hundreds of sub-accounts."""
LISTING_PATIENCE = 20
"""How many times its time-out an account's lists may take, with the pace that its exchange asks for
and without waiting for others: ten minutes at the default of 30 s."""
MOST_ROWS = 10_000
"""Entries of one list or object in an answer, and rows of one list of keys with all its pages.
Exchanges allow tens to hundreds of keys, and some thousands of sub-accounts."""
LONGEST_TEXT = 65_536
"""Characters of any text in an answer; the longest documented one is a list of addresses in a few
hundred."""
LONGEST_NAME = 256
"""Characters of a key's name; exchanges allow 20 to 128."""
LONGEST_WORD = 64
"""Characters of a permission word or a trading pair; the longest word of the catalog has 40."""
MOST_ENTRIES = 5_000
"""Entries of one fact, such as addresses or trading pairs."""
_SMALL = MOST_ROWS
"""Bytes of a body in which nothing can be beyond a bound."""


def too_large(body: bytes, value: JSONValue) -> str:
    """What in an answer is beyond a bound; empty when nothing is.

    Args:
        body: As received.
        value: What it holds.
    """
    return "" if len(body) < _SMALL else _too_large(value)


def _too_large(value: JSONValue) -> str:
    match value:
        case str():
            is_too_long = len(value) > LONGEST_TEXT
            return f"a text of more than {LONGEST_TEXT:,} characters" if is_too_long else ""
        case list() | dict():
            if len(value) > MOST_ROWS:
                return f"a list of more than {MOST_ROWS:,} entries"
            inner = value.values() if isinstance(value, dict) else value
            return next(filter(None, map(_too_large, inner)), "")
        case _:
            return ""


def bounded(facts: Facts) -> Facts:
    """Facts, without those that are beyond a bound."""
    beyond = {
        name: Unknown(Reason.UNEXPECTED_ANSWER, f"{FACTS[name].meaning}: {what}")
        for name, fact in facts.known.items()
        if (what := _beyond(name, fact))
    }
    return facts.learn_all(beyond) if beyond else facts


def _beyond(name: str, fact: Fact) -> str:
    kind, value = FACTS[name].kind, fact.value
    if kind is FactKind.TEXT and isinstance(value, str) and len(value) > LONGEST_NAME:
        return f"more than {LONGEST_NAME} characters"
    if not isinstance(value, tuple):
        return ""
    if len(value) > MOST_ENTRIES:
        return f"more than {MOST_ENTRIES:,} entries"
    is_too_long = any(len(word) > LONGEST_WORD for word in _words(value))
    return f"an entry of more than {LONGEST_WORD} characters" if is_too_long else ""


def _words(value: FactValue) -> list[str]:
    entries = value if isinstance(value, tuple) else ()
    words = [entry.word if isinstance(entry, Grant) else entry for entry in entries]
    return [word for word in words if isinstance(word, str)]


MOST_PAGES = 100
"""A list that is longer is not read to its end, and so never complete."""

Ask: TypeAlias = "Callable[[Call, Mapping[str, Sent]], Awaitable[Parsed | Failure]]"
"""Sends one declared call and says what its answer is."""


async def list_keys(
    exchange: Exchange,
    public: Mapping[str, str],
    outcomes: Mapping[str, Parsed | Failure],
    ask: Ask,
) -> Listed:
    """Read every list of keys that an exchange offers.

    Args:
        exchange: Whose.
        public: The asking account's credentials that are no secrets.
        outcomes: What the calls about the own key have said.
        ask: Sends.
    """
    if not exchange.listings:
        detail = f"the catalog has no list of keys on {exchange.title}"
        return Listed((), Unknown(Reason.NOT_DISCLOSED, detail))
    reader = _Reader(public, outcomes, ask, [], [])
    of_account: tuple[ListedKey, ...] | Unknown = NO_LIST
    for listing in exchange.listings:
        before, known = len(reader.missing), len(reader.keys)
        await reader.read(listing)
        if listing.of_account:
            missing = next(iter(reader.missing[before:]), None)
            of_account = missing or tuple(reader.keys[known:])
    if not any(listing.of_account for listing in exchange.listings):
        detail = "lists keys of sub-accounts, and no other key of the account itself"
        reader.missing.append(Unknown(Reason.NOT_DISCLOSED, f"{exchange.title} {detail}"))
    return Listed(tuple(reader.keys), next(iter(reader.missing), None), of_account)


@dataclass(frozen=True, slots=True)
class _Reader:
    public: Mapping[str, str]
    outcomes: Mapping[str, Parsed | Failure]
    ask: Ask
    keys: list[ListedKey]
    missing: list[Unknown]

    async def read(self, listing: Listing) -> None:
        if listing.each is None:
            await self._read_keys(listing, None)
        else:
            for parent in await self._rows(listing.title, listing.each, None):
                await self._read_keys(listing, parent.value)
        if listing.of_account and not self._holds_the_asking_key(listing):
            self._miss(listing.title, "the calling key is not among them")
        if listing.partial:
            why = _told(listing.title, listing.partial)
            self.missing.append(Unknown(Reason.NOT_DISCLOSED, why))

    def _holds_the_asking_key(self, listing: Listing) -> bool:
        asking = self.public.get("apiKey")
        return asking is None or any(
            same_key(one.shown, asking, one.mask) for one in self.keys if one.listing == listing.id
        )

    async def _read_keys(self, listing: Listing, parent: JSONValue) -> None:
        for row in await self._rows(listing.title, listing.keys, parent):
            shown = shown_key(row, listing.own)
            if shown is None:
                self._miss(listing.title, "a row shows no key")
                continue
            details = {
                detail.call.id: await self._detail(detail, row.value, shown)
                for detail in listing.details
            }
            facts = bounded(facts_of_row(listing.view, row, details))
            self.keys.append(ListedKey(listing.id, shown, listing.own.mask, facts))

    async def _detail(self, detail: Detail, listed: JSONValue, shown: str) -> Row | Unknown:
        """What one call says about a listed key; the list is read without it, too."""
        params = parameters(detail.call, self.public, self.outcomes, listed)
        outcome = params if isinstance(params, Failure) else await self.ask(detail.call, params)
        if isinstance(outcome, Failure):
            return Unknown(outcome.reason, outcome.detail)
        row = own_row(outcome.value, detail.own, shown)
        return Unknown(Reason.UNEXPECTED_ANSWER, row.detail) if isinstance(row, NoRow) else row

    async def _rows(self, title: str, table: Table, parent: JSONValue) -> list[Row]:
        """All rows of all pages; what cannot be read is noted as missing."""
        params = parameters(table.call, self.public, self.outcomes, parent)
        if isinstance(params, Failure):
            self.missing.append(Unknown(params.reason, _told(title, params.detail)))
            return []
        rows: list[Row] = []
        position = _first(table.pages)
        for _ in range(MOST_PAGES):
            outcome = await self.ask(table.call, {**params, **_asked(table.pages, position)})
            if isinstance(outcome, Failure):
                self.missing.append(Unknown(outcome.reason, _told(title, outcome.detail)))
                return rows
            found = rows_of(outcome.value, table.rows)
            if isinstance(found, NoRow):
                self._miss(title, found.detail)
                return rows
            rows += found
            if len(rows) > MOST_ROWS:
                self._miss(title, f"more than {MOST_ROWS:,} rows")
                return rows[:MOST_ROWS]
            total = resolve(outcome.value, table.total) if table.total else None
            later = _next(table.pages, position, outcome.value, len(found))
            if isinstance(later, _Lost):
                self._miss(title, later.why)
                return rows
            if later is None:
                self._miss_rows(title, table, len(rows), total)
                return rows
            position = later
        self._miss(title, f"more than {MOST_PAGES} pages")
        return rows

    def _miss_rows(self, title: str, table: Table, rows: int, total: object) -> None:
        if not table.total:
            return
        if not isinstance(total, int) or isinstance(total, bool):
            self._miss(title, "the answer does not say how many there are")
        elif rows < total:
            self._miss(title, f"{rows} of {total} were returned")

    def _miss(self, title: str, why: str) -> None:
        self.missing.append(Unknown(Reason.UNEXPECTED_ANSWER, _told(title, why)))


def _told(title: str, why: str) -> str:
    return f"{title} could not all be listed: {why}" if why else f"{title} could not all be listed"


def _first(pages: Pages | None) -> str | None:
    return str(pages.first) if pages is not None and pages.first is not None else ""


def _asked(pages: Pages | None, position: str | None) -> Mapping[str, Sent]:
    if pages is None or not position:
        return {}
    return {pages.parameter: int(position) if pages.number else position}


def _ends(pages: Pages, name: JSONValue | Absent, rows: int) -> bool:
    """Whether a page is the last one, as the documents tell."""
    if pages.last_if_empty and not rows:
        return True
    if name is ABSENT:
        return pages.last_if_absent
    return any(same(name, last) for last in pages.last)


@dataclass(frozen=True, slots=True)
class _Lost:
    """Nobody can tell whether there is another page."""

    why: str


def _next(
    pages: Pages | None, position: str | None, answer: JSONValue, rows: int
) -> str | _Lost | None:
    """Where the next page begins; ``None`` after the last one."""
    if pages is None:
        return None
    if not pages.next:
        full = rows >= pages.size
        return str(int(position or "0") + pages.step) if full else None
    name = resolve(answer, pages.next)
    if _ends(pages, name, rows):
        return None
    if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
        return _Lost("the answer does not say where the next page is")
    # A server that is stuck would name its last page for ever.
    return _Lost("a page refers to itself as the next one") if str(name) == position else str(name)
