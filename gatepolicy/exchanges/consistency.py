"""What is wrong with the files of the catalog: the schema, and that their parts fit each other.

Whoever writes an exchange meets these problems with a place, before any test runs.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from gatepolicy.documents.document import DataPath, Document, show_path
from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import did_you_mean, load_schema
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.catalog import load_exchange, load_others
from gatepolicy.exchanges.exchange import Exchange, FromAnswer
from gatepolicy.model.facts import FACTS, OF_THE_SCAN, Capability
from gatepolicy.resources import catalog_directory, schemas_directory

UNWRITTEN = "TODO"
"""In every text that a new file leaves to its author."""
_NATIVE = ("permissions.native", "permissions.unrecognised")
_OF_WORDS = (*(capability.fact for capability in Capability), *_NATIVE)
_FIXES = ("withdrawal-enabled", "ip-unbound")
"""What every exchange must say how to mend."""


def catalog_problems(rules: Collection[str], directory: Path | None = None) -> tuple[Problem, ...]:
    """Everything that is wrong with the files of the catalog, file by file.

    Args:
        rules: The names of all rules.
        directory: Where the files are; the shipped catalog unless given.
    """
    schema = load_schema((schemas_directory() / "exchange.schema.json").read_text(encoding="utf-8"))
    others = load_others()
    found: list[Problem] = []
    for file in sorted((directory or catalog_directory()).glob("*.yaml")):
        try:
            document = load_document(str(file), schema=schema, kind="Exchange")
            exchange = load_exchange(file.stem, directory)
        except DocumentError as error:
            found += error.problems
        else:
            found += inconsistencies(document, exchange, rules=rules, others=others)
    return tuple(found)


def inconsistencies(
    document: Document, exchange: Exchange, *, rules: Collection[str], others: Collection[str]
) -> tuple[Problem, ...]:
    """All problems of one file that is of the schema.

    Args:
        document: The file.
        exchange: What was built from it, and from the file that it is based on.
        rules: The names of all rules.
        others: The ids in ``others.yaml``.
    """
    found = (
        *_names(document, exchange, others),
        *_unwritten(document, (), document.data),
        *_facts(document, exchange),
        *_calls(document, exchange),
        *_fixes(document, exchange, rules),
    )
    return tuple(sorted(found, key=lambda problem: (problem.location, problem.path)))


def _problem(document: Document, path: DataPath, what: str, fix: str) -> Problem:
    return Problem(document.key_at(path), show_path(path), what, fix)


def _names(document: Document, exchange: Exchange, others: Collection[str]) -> Iterator[Problem]:
    name = document.file.replace("\\", "/").rpartition("/")[2].removesuffix(".yaml")
    if exchange.id != name:
        yield _problem(document, ("id",), "not the name of the file", f"write {name}")
    if exchange.id in others:
        what = f"{exchange.id} stands in others.yaml too"
        yield _problem(document, ("id",), what, "remove its entry there")


def _unwritten(document: Document, path: DataPath, value: Any) -> Iterator[Problem]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _unwritten(document, (*path, key), inner)
        case list():
            for index, inner in enumerate(value):
                yield from _unwritten(document, (*path, index), inner)
        case str() if UNWRITTEN in value:
            what = f"still says {UNWRITTEN}"
            yield Problem(document.at(path), show_path(path), what, "write it, or remove the line")


def _facts(document: Document, exchange: Exchange) -> Iterator[Problem]:
    for fact in FACTS:
        if fact in OF_THE_SCAN:
            continue
        ways = _ways(exchange, fact)
        if not ways:
            what = f"nothing tells about {fact}"
            fix = "add it to facts or structural; or to not_disclosed, with what you looked at"
            yield _problem(document, (), what, fix)
        elif len(ways) > 1 and not _is_beside_words(ways, fact):
            where = " and in ".join(ways)
            what = f"{fact} stands in {where}"
            yield _problem(document, (ways[-1], fact), what, "leave one of them")


def _ways(exchange: Exchange, fact: str) -> list[str]:
    """The parts of a file that tell about a fact."""
    permissions = exchange.permissions
    worded = {
        capability.fact
        for word in permissions.words.values()
        for capability in word.grants | word.unclear
    }
    worded |= {capability.fact for capability in permissions.wordless}
    if permissions.words:
        worded |= {*_NATIVE}
    parts = {
        "permissions": worded,
        "facts": exchange.facts,
        "structural": exchange.structural,
        "not_disclosed": exchange.not_disclosed,
    }
    return [name for name, disclosed in parts.items() if fact in disclosed]


def _is_beside_words(ways: list[str], fact: str) -> bool:
    """Beside words, a place of an answer may say more; the tests hold to what."""
    return ways == ["permissions", "facts"] and fact in _OF_WORDS


def _calls(document: Document, exchange: Exchange) -> Iterator[Problem]:
    declared = [call.id for call in exchange.calls]
    used = set()
    for path, call in _uses(exchange):
        used.add(call)
        if call not in declared:
            fix = did_you_mean(call, declared, f"one of {', '.join(declared)}")
            yield _problem(document, path, "no such call", fix)
    for index, call in enumerate(declared):
        if used and call not in used:
            fix = "remove it: nothing is asked for that no fact needs"
            yield _problem(document, ("calls", index), f"no fact comes from {call}", fix)


def _uses(exchange: Exchange) -> Iterator[tuple[DataPath, str]]:
    """Where a call is named, and which."""
    for fact, sources in exchange.facts.items():
        for index, source in enumerate(sources):
            yield ("facts", fact, index, "call"), source.call
    if exchange.permissions.call:
        yield ("permissions", "call"), exchange.permissions.call
    for index, call in enumerate(exchange.calls):
        for name, parameter in call.params.items():
            if isinstance(parameter, FromAnswer):
                yield ("calls", index, "params", name), parameter.call


def _fixes(document: Document, exchange: Exchange, rules: Collection[str]) -> Iterator[Problem]:
    for name in exchange.fixes:
        if name not in rules:
            fix = did_you_mean(name, rules, "gatepolicy/rules/rules.yaml has them all")
            yield _problem(document, ("fixes", name), "no such rule", fix)
    for name in _FIXES:
        if name not in exchange.fixes:
            yield _problem(document, ("fixes",), f"{name} is missing", "add it")
