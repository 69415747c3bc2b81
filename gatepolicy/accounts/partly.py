"""What more can be said about an inventory that is not of its schema. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gatepolicy.documents.document import Document
from gatepolicy.documents.nearest import nearest
from gatepolicy.documents.values import DataPath
from gatepolicy.errors import Problem
from gatepolicy.exchanges.catalog import known_exchanges
from gatepolicy.exchanges.others import load_others

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
