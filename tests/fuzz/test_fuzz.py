"""The law of every catalog entry, and that the fuzzer finds whoever breaks it.

No change of one place of an answer turns fail or unknown into pass, unless the new value is a
documented good one.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest

from gatepolicy.exchanges.exchange import Documented, Exchange, FactSource, Level, Meaning
from tests.fuzz.hunt import Unsound, every_single_change, random_changes
from tests.fuzz.subjects import Subject, subjects
from tests.whole_catalog import CATALOG

if TYPE_CHECKING:
    from gatepolicy.documents.document import JSONValue

# Thousands of like answers: measuring their coverage would double their time, and tell nothing.
pytestmark = pytest.mark.no_cover
SEED = 20261126
RANDOM_CHANGES = 20_000


@cache
def catalog() -> Mapping[str, Exchange]:
    return CATALOG


@cache
def everything() -> tuple[Subject, ...]:
    return tuple(subjects(catalog()))


def of_exchange(name: str) -> list[Subject]:
    return [subject for subject in everything() if subject.exchange == name]


def test_every_exchange_is_mutated() -> None:
    assert {subject.exchange for subject in everything()} == catalog().keys()


@pytest.mark.parametrize("exchange", sorted(catalog()))
def test_no_single_change_passes_without_proof(exchange: str) -> None:
    tried, found = 0, []
    for subject in of_exchange(exchange):
        for unsound in every_single_change(subject, catalog()):
            tried += 1
            found += unsound
    assert not found, str(found[0])
    assert tried > 100


@pytest.mark.parametrize("part", range(4))
def test_no_random_change_passes_without_proof(part: int) -> None:
    changes = random_changes(everything(), catalog(), RANDOM_CHANGES // 4, Random(SEED + part))
    found = [one for unsound in changes for one in unsound]
    assert not found, str(found[0])


def planted(name: str, fact: str, call: str, change: object) -> Mapping[str, Exchange]:
    """The catalog with one place of one exchange described wrongly."""
    exchange = catalog()[name]
    sources = tuple(
        change(source) if source.call == call else source  # type: ignore[operator]
        for source in exchange.facts[fact]
    )
    assert sources != tuple(exchange.facts[fact])
    wrong = replace(exchange, facts={**exchange.facts, fact: sources})
    return {**catalog(), name: wrong}


def hunted(name: str, tested: Mapping[str, Exchange]) -> list[Unsound]:
    single = [
        one
        for subject in of_exchange(name)
        for unsound in every_single_change(subject, tested)
        for one in unsound
    ]
    changes = random_changes(of_exchange(name), tested, 2_000, Random(SEED))
    return single + [one for unsound in changes for one in unsound]


def drops_out(source: FactSource) -> FactSource:
    """As conditions were before: any other value makes the place no matter."""
    anything: tuple[JSONValue, ...] = (None, False, 0, 1, "true", "", "undocumented", [], {})
    when = tuple(
        replace(one, skipped_if=Documented(values=anything), skipped_if_absent=True)
        for one in source.when
    )
    return replace(source, when=when)


def takes_null_for_good(source: FactSource) -> FactSource:
    return replace(source, meanings=(*source.meanings, Meaning(equals=None, means=True)))


@pytest.mark.parametrize(
    ("name", "fact", "call", "change"),
    [
        ("bingx", "permission.transfer", "restrictions", drops_out),
        ("krakenfutures", "ip.restricted", "check", drops_out),
        ("binance", "ip.restricted", "restrictions", takes_null_for_good),
    ],
)
def test_a_place_that_is_described_wrongly_is_found(
    name: str, fact: str, call: str, change: object
) -> None:
    found = hunted(name, planted(name, fact, call, change))
    assert found
    assert all(one.subject.startswith(name) for one in found)


def test_a_field_that_is_taken_for_no_permission_is_found() -> None:
    exchange = catalog()["krakenfutures"]
    permissions = exchange.permissions
    levels = (*permissions.levels, Level(equals=None, means=None))
    wrong = replace(exchange, permissions=replace(permissions, levels=levels))
    assert hunted("krakenfutures", {**catalog(), "krakenfutures": wrong})
    assert not hunted("krakenfutures", catalog())


def test_a_word_that_is_taken_for_harmless_is_found() -> None:
    exchange = catalog()["bingx"]
    permissions = exchange.permissions
    harmless = replace(permissions.words["5"], grants=frozenset(), unclear=frozenset())
    # Words deny only what one of them is about.
    another = replace(permissions.words["5"], word="99")
    words = {**permissions.words, "5": harmless, "99": another}
    wrong = replace(exchange, permissions=replace(permissions, words=words))
    found = hunted("bingx", {**catalog(), "bingx": wrong})
    assert "cannot withdraw" in {one.demand for one in found}
