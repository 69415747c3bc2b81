"""What is mutated: documented answers, and rows of lists as the catalog describes them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gatepolicy.exchanges.answers import Answer, NotJson, parse
from gatepolicy.exchanges.exchange import Exchange, FactSource, Permissions, PermissionShape
from gatepolicy.exchanges.interpret import interpret
from gatepolicy.exchanges.normalise import described_by, facts_of_row, normalise
from gatepolicy.exchanges.sources import Row, own_row
from gatepolicy.model.facts import Facts, Reason, Unknown
from tests.fuzz.mutations import changed

DOCUMENTED = Path(__file__).parents[1] / "exchanges" / "documented"
_SAMPLES: Mapping[str, Any] = {
    "flag": True,
    "text": "bot",
    "given_text": "bot",
    "given_rows": [],
    "texts": ["BTC-USD"],
    "unix_seconds": 1790000000,
    "unix_milliseconds": 1790000000000,
    "iso_time": "2026-10-01T00:00:00Z",
    "addresses": ["203.0.113.5"],
    "addresses_bind": ["203.0.113.5"],
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Answers about one key."""

    name: str
    """For people."""
    exchange: str
    """Id of the exchange."""
    listing: str
    """Id of the list that it is a row of; empty for the answers about the calling key."""
    view: Exchange
    """How the documents describe these answers."""
    key: str
    """The calling key; empty for rows."""
    answers: Mapping[str, Any]
    """Id of each call to the document that it answers, or the row."""
    statuses: Mapping[str, int]
    """Id of each call to its HTTP status."""

    def rows(self) -> Mapping[str, str]:
        """Id of each call to the pointer to what is about the key."""
        return {call: self._row(call, answer) for call, answer in self.answers.items()}

    def _row(self, call: str, answer: Any) -> str:
        row = own_row(answer, self.view.own_keys.get(call), self.key)
        return row.pointer if isinstance(row, Row) and not self.listing else ""

    def bodies(self) -> dict[str, bytes]:
        """Id of each call to its body."""
        return {call: json.dumps(answer).encode() for call, answer in self.answers.items()}

    def read(self, catalog: Mapping[str, Exchange], bodies: Mapping[str, bytes]) -> Facts:
        """The facts that answers prove, by the exchanges of a catalog."""
        exchange = catalog[self.exchange]
        if not self.listing:
            answers = {call: Answer(self.statuses[call], body) for call, body in bodies.items()}
            return normalise(exchange, answers, self.key)
        view = next(one.view for one in exchange.listings if one.id == self.listing)
        rows = {call: _as_row(body) for call, body in bodies.items()}
        first, *details = [call.id for call in view.calls]
        row = rows[first]
        if isinstance(row, Unknown):
            return Facts.nothing(row.reason)
        return facts_of_row(view, row, {call: rows[call] for call in details})


def _as_row(body: bytes) -> Row | Unknown:
    value = parse(body)
    return Unknown(Reason.UNEXPECTED_ANSWER) if isinstance(value, NotJson) else Row(value, "")


def subjects(catalog: Mapping[str, Exchange]) -> Iterator[Subject]:
    """Every documented answer, and a row of every list."""
    for path in sorted(DOCUMENTED.glob("*.yaml")):
        case = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield from _of_case(path.stem, case, catalog[case["exchange"]])
    for exchange in catalog.values():
        for listing in exchange.listings:
            rows = {call.id: sample(listing.view, call.id) for call in listing.view.calls}
            name = f"{exchange.id} {listing.id}"
            yield Subject(name, exchange.id, listing.id, listing.view, "", rows, {})


def _of_case(name: str, case: Any, exchange: Exchange) -> Iterator[Subject]:
    answers: dict[str, Any] = {}
    for call, answer in case["answers"].items():
        document = parse(answer["body"].encode())
        if isinstance(document, NotJson):
            return
        answers[call] = document
    statuses = {call: answer["status"] for call, answer in case["answers"].items()}
    outcomes = {
        call.id: interpret(exchange, Answer(statuses[call.id], _bytes(answers, call.id)), call.id)
        for call in exchange.calls
        if call.id in answers
    }
    view = described_by(exchange, outcomes)
    yield Subject(name, exchange.id, "", view, case["api_key"], answers, statuses)


def _bytes(answers: Mapping[str, Any], call: str) -> bytes:
    return json.dumps(answers[call]).encode()


def sample(view: Exchange, call: str) -> Any:
    """A row that the catalog would read, made from what the catalog says about it."""
    row: Any = {}
    for sources in view.facts.values():
        for source in sources:
            if source.call == call:
                row = _with_conditions(_with(row, source.pointer, _value(source)), source)
    permissions = view.permissions
    if permissions.call == call and permissions.words:
        row = _with(row, permissions.pointer, all_granted(permissions))
    return row


def _with(row: Any, pointer: str, value: Any) -> Any:
    if not pointer:
        return {**row, **value} if isinstance(value, dict) else row
    return changed(row, pointer, value)


def _with_conditions(row: Any, source: FactSource) -> Any:
    for when in source.when:
        if when.applies_if.values:
            row = _with(row, when.pointer, when.applies_if.values[0])
    return row


def _value(source: FactSource) -> Any:
    if source.reader == "nothing":
        return source.meanings[0].equals
    return _SAMPLES.get(source.reader, "203.0.113.5")


def all_granted(permissions: Permissions) -> Any:
    """A list in which every word is granted as far as it can be."""
    words = list(permissions.words)
    match permissions.shape:
        case PermissionShape.FLAGS:
            level = permissions.levels[0].equals if permissions.levels else True
            return dict.fromkeys(words, level)
        case PermissionShape.GROUPS:
            groups: dict[str, list[str]] = {}
            for word in words:
                group, _, name = word.partition(".")
                groups.setdefault(group, []).append(name)
            return groups
        case PermissionShape.COMMA_LIST:
            return permissions.separator.join(words)
        case PermissionShape.WORD_LIST:
            return [int(word) if word.isdigit() else word for word in words]
        case _:
            return [_row_of(permissions, word) for word in words]


def _row_of(permissions: Permissions, word: str) -> Any:
    row = changed({}, permissions.name_pointer, word)
    for pointer in (permissions.read_pointer, permissions.write_pointer):
        row = changed(row, pointer, 1) if pointer else row
    marks = [mark.equals for mark in permissions.read_only_marks if mark.means is False]
    if permissions.read_only_pointer and marks:
        row = changed(row, permissions.read_only_pointer, marks[0])
    return row
