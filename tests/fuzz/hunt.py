"""No change of one place turns fail or unknown into pass, unless to a documented good value."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from gatepolicy.exchanges.exchange import Exchange, FactSource
from gatepolicy.model.facts import Facts
from tests.fuzz.demands import Demand, State, demands_of
from tests.fuzz.documents import Change, excuses
from tests.fuzz.mutations import BYTES, changed, places, twice, variants
from tests.fuzz.subjects import Subject, all_granted

_EVERYWHERE: tuple[Any, ...] = ("0.0.0.0/0", ["0.0.0.0/0"], ["*"], "*", "", [])
_STATUSES = (201, 299, 302, 404)
"""Undocumented ones. An answer that never came (429, 500 …) leaves the fact to the other places, as
is documented; so does a documented refusal."""


@dataclass(frozen=True, slots=True)
class Unsound:
    """A demand that passes and should not."""

    subject: str
    """Which answers."""
    demand: str
    """What passes now."""
    before: State
    """What it was."""
    call: str
    """Whose answer was changed."""
    pointer: str
    """Where."""
    answers: Mapping[str, str]
    """Id of each call to the body that shows it, all changes included."""

    def __str__(self) -> str:
        bodies = "".join(f"\n    {call}: {body}" for call, body in self.answers.items())
        where = f"{self.call} {self.pointer or '(the whole answer)'}"
        return f"{self.subject}: {self.demand!r} {self.before.value} -> pass by {where}{bodies}"


class Judge:
    """Compares what passes before and after a change."""

    def __init__(self, subject: Subject, tested: Mapping[str, Exchange]) -> None:
        """Judge one subject.

        Args:
            subject: Whose answers are mutated.
            tested: The catalog that is on trial; the subject's own view is the documents' word.
        """
        self.subject, self._tested = subject, tested
        self._demands = demands_of(subject.view)
        self._rows = subject.rows()
        facts = subject.read(tested, subject.bodies())
        self._open = [
            (demand, state)
            for demand in self._demands
            if (state := demand.state(facts)) is not State.PASS
        ]

    def of_document(self, call: str, pointer: str, after: Any) -> list[Unsound]:
        """What passes by a change of one place."""
        body = json.dumps(after).encode()
        before = self.subject.answers[call]
        status, key = self.subject.statuses.get(call, 200), self.subject.key
        change = Change(call, pointer, self._rows[call], before, after, status, key)
        return [
            unsound
            for demand, unsound in self._passing(call, pointer, body)
            if not excuses(self.subject.view, change, demand)
        ]

    def of_bytes(self, call: str, body: bytes) -> list[Unsound]:
        """What passes by other bytes in the place of an answer; nothing excuses it."""
        return [unsound for _, unsound in self._passing(call, "", body)]

    def of_status(self, call: str, status: int) -> list[Unsound]:
        """What passes by an undocumented HTTP status."""
        statuses = {**self.subject.statuses, call: status}
        facts = replace(self.subject, statuses=statuses).read(self._tested, self.subject.bodies())
        return [unsound for _, unsound in self._found(call, "", facts, self.subject.bodies())]

    def _passing(self, call: str, pointer: str, body: bytes) -> Iterator[tuple[Demand, Unsound]]:
        bodies = {**self.subject.bodies(), call: body}
        return self._found(call, pointer, self.subject.read(self._tested, bodies), bodies)

    def _found(
        self, call: str, pointer: str, facts: Facts, bodies: Mapping[str, bytes]
    ) -> Iterator[tuple[Demand, Unsound]]:
        for demand, before in self._open:
            if demand.state(facts) is State.PASS:
                shown = {name: body.decode(errors="replace") for name, body in bodies.items()}
                name = self.subject.name
                yield demand, Unsound(name, demand.name, before, call, pointer, shown)


def every_single_change(
    subject: Subject, tested: Mapping[str, Exchange]
) -> Iterator[list[Unsound]]:
    """What passes by each change of each place, of each answer of a subject."""
    judge = Judge(subject, tested)
    for call, answer in subject.answers.items():
        for pointer in places(answer):
            for after in variants(answer, pointer):
                yield judge.of_document(call, pointer, after)
        for body in (*BYTES, b"\xef\xbb\xbf" + json.dumps(answer).encode()):
            yield judge.of_bytes(call, body)
        for status in () if subject.listing else _STATUSES:
            yield judge.of_status(call, status)


def documented_values(subject: Subject) -> list[tuple[str, str, Any]]:
    """Call, place and value, for everything that the catalog names, the bad things first of all."""
    rows, view = subject.rows(), subject.view
    found = [
        (source.call, rows[source.call] + pointer, value)
        for sources in view.facts.values()
        for source in sources
        if source.call in rows
        for pointer, value in _values(source)
    ]
    permissions = view.permissions
    if permissions.call in rows and permissions.words:
        place = rows[permissions.call] + permissions.pointer
        found.append((permissions.call, place, all_granted(permissions)))
    return found


def _values(source: FactSource) -> Iterator[tuple[str, Any]]:
    for when in source.when:
        for value in (*when.applies_if.values, *when.skipped_if.values):
            yield when.pointer, value
    for meaning in source.meanings:
        yield source.pointer, meaning.equals
    if source.reader == "flag":
        yield from ((source.pointer, value) for value in (True, False))
    if "addresses" in source.reader:
        yield from ((source.pointer, value) for value in _EVERYWHERE)


def random_changes(
    subjects: Sequence[Subject], tested: Mapping[str, Exchange], count: int, random: Random
) -> Iterator[list[Unsound]]:
    """What passes by random changes, of answers that were first changed to documented bad ones.

    Args:
        subjects: Answers to start from.
        tested: The catalog on trial.
        count: How many changes.
        random: Chooses.
    """
    telling = _telling(subjects, tested)
    made = 0
    while made < count:
        subject = random.choice(telling[random.choice(sorted(telling))])
        judge = Judge(_enriched(subject, random), tested)
        for _ in range(min(40, count - made)):
            made += 1
            yield _one_change(judge, random)


def _telling(
    subjects: Sequence[Subject], tested: Mapping[str, Exchange]
) -> Mapping[str, list[Subject]]:
    """By exchange, so that each has its turn: the answers of which something is known."""
    found: dict[str, list[Subject]] = {}
    for subject in subjects:
        if subject.read(tested, subject.bodies()).known:
            found.setdefault(subject.exchange, []).append(subject)
    return found


def _enriched(subject: Subject, random: Random) -> Subject:
    values = documented_values(subject)
    for call, pointer, value in random.sample(
        values, min(len(values), random.choice((0, 1, 1, 2)))
    ):
        try:
            after = changed(subject.answers[call], pointer, value)
        except (AttributeError, IndexError, TypeError, ValueError):
            continue
        subject = replace(subject, answers={**subject.answers, call: after})
    return subject


def _read_places(subject: Subject, call: str, everywhere: Sequence[str]) -> Sequence[str]:
    """The places that are read, and what they stand in."""
    read = {pointer for one, pointer, _ in documented_values(subject) if one == call}
    held = [
        pointer
        for pointer in everywhere
        if any(one == pointer or one.startswith(f"{pointer}/") for one in read)
    ]
    return held or everywhere


def _one_change(judge: Judge, random: Random) -> list[Unsound]:
    subject = judge.subject
    call = random.choice(list(subject.answers))
    answer = subject.answers[call]
    kind = random.random()
    if kind < 0.02:
        return judge.of_bytes(call, random.choice(BYTES))
    if kind < 0.04:
        return judge.of_bytes(call, twice(json.dumps(answer)).encode())
    if kind < 0.05 and not subject.listing:
        return judge.of_status(call, random.choice(_STATUSES))
    everywhere = list(places(answer))
    pointer = random.choice((_read_places(subject, call, everywhere), everywhere)[kind < 0.5])
    return judge.of_document(call, pointer, random.choice(list(variants(answer, pointer))))
