"""Waivers and their files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from gatepolicy.accounts.account import Selector, names_everything
from gatepolicy.documents.document import Document, show_path
from gatepolicy.documents.load import Read, load_document, wrong_link
from gatepolicy.documents.schema import load_schema
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.catalog import unknown_exchange
from gatepolicy.model.evidence import Subject
from gatepolicy.model.verdicts import Outcome, Verdict, WaiverLimits, WaiverTerms
from gatepolicy.resources import schemas_directory
from gatepolicy.rules.catalog import find_rule, rule_hint
from gatepolicy.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry of a file of waivers."""

    terms: WaiverTerms
    """Who, why, until when."""
    selector: Selector
    """The accounts."""
    subject: str
    """What within the account, such as a capability; empty means everything."""
    only_unknown: bool
    """Whether it accepts only that something is unknown, and not that true."""

    def names(self, subject: Subject) -> bool:
        """Whether it is about an account.

        Nobody who accepted something about an account meant the keys that a scan found beside it:
        such a key is waived by its own id alone, and by no glob.
        """
        return self.selector.names_key(subject)

    def takes(self, verdict: Verdict) -> bool:
        """Whether it is about a verdict on such an account."""
        accepted = {Outcome.UNKNOWN} if self.only_unknown else {Outcome.UNKNOWN, Outcome.FAIL}
        return (
            verdict.name == self.terms.rule
            and verdict.outcome in accepted
            and (not self.subject or self.subject == verdict.subject)
        )


class Limit(StrEnum):
    """A limit of a policy, by the place at which it stands."""

    FORBID = "waivers.forbid"
    """Nobody may waive the rule."""
    MAX_DAYS = "waivers.max_days"
    """Nobody may waive anything for so long."""


def broken_limit(terms: WaiverTerms, limits: WaiverLimits | None) -> Limit | None:
    """The limit that a waiver of a policy's findings breaks; ``None`` where it is allowed."""
    if limits is None:
        return None
    if terms.rule in limits.forbid:
        return Limit.FORBID
    is_too_long = limits.max_days is not None and days_of(terms) > limits.max_days
    return Limit.MAX_DAYS if is_too_long else None


def days_of(terms: WaiverTerms) -> int:
    """For how many days it waives."""
    return (terms.expires - terms.created).days


def load_waivers(
    files: Sequence[str], rules: Mapping[str, Rule], *, read: Read = Path.read_bytes
) -> tuple[Waiver, ...]:
    """Waivers in the order of their files.

    Args:
        files: As the user named them.
        rules: By id.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: With the problems of all files together.
    """
    waivers: list[Waiver] = []
    problems: list[Problem] = []
    for file in files:
        try:
            reader = _Reader(_document(file, read), rules)
        except DocumentError as error:
            problems.extend(error.problems)
            continue
        waivers.extend(reader.waivers())
        problems.extend(reader.problems)
    problems.extend(_same_ids(waivers))
    if problems:
        raise DocumentError(problems)
    return tuple(waivers)


def _document(file: str, read: Read) -> Document:
    text = (schemas_directory() / "waivers.schema.json").read_text(encoding="utf-8")
    return load_document(file, schema=load_schema(text), kind="Waivers", read=read)


def _same_ids(waivers: Sequence[Waiver]) -> Iterator[Problem]:
    first: dict[str, Waiver] = {}
    for waiver in waivers:
        other = first.setdefault(waiver.terms.id, waiver)
        if other is not waiver:
            what = f"the id {waiver.terms.id} is already used by {other.terms.location}"
            yield Problem(waiver.terms.location, "id", what, "choose another id")


class _Reader:
    def __init__(self, document: Document, rules: Mapping[str, Rule]) -> None:
        self._document = document
        self._rules = rules
        self.problems: list[Problem] = []

    def waivers(self) -> list[Waiver]:
        # The schema has accepted the document, so its shape is known from here on.
        data: Any = self._document.data
        return [self._waiver(node, index) for index, node in enumerate(data["waivers"])]

    def _waiver(self, node: Mapping[str, Any], index: int) -> Waiver:
        terms = WaiverTerms(
            id=node["id"],
            rule=self._rule(node["rule"], index),
            owner=node["owner"],
            justification=node["justification"].strip(),
            ticket=node.get("ticket", ""),
            approved_by=node.get("approved_by", ""),
            created=self._day(node["created"], index, "created"),
            expires=self._day(node["expires"], index, "expires"),
            location=self._document.at(("waivers", index)),
        )
        if terms.expires < terms.created:
            self._problem(index, "expires", "it expires before it starts", "use a later date")
        selector = Selector.of(node)
        if names_everything(selector):
            what, fix = "this covers every account", "list the accounts that have the finding"
            self._problem(index, "accounts", what, fix)
        self._check_words(node, index)
        return Waiver(
            terms=terms,
            selector=selector,
            subject=node.get("subject", ""),
            only_unknown=node.get("accepts") == "unknown",
        )

    def _check_words(self, node: Mapping[str, Any], index: int) -> None:
        for position, name in enumerate(node.get("exchanges", ())):
            wrong = unknown_exchange(name)
            if wrong is not None:
                path = ("waivers", index, "exchanges", position)
                self.problems.append(Problem(self._document.at(path), show_path(path), *wrong))
        wrong = wrong_link(node.get("ticket", ""))
        if wrong is not None:
            self._problem(index, "ticket", *wrong)

    def _rule(self, text: str, index: int) -> str:
        rule = find_rule(self._rules, text)
        if rule is None:
            what = f"unknown rule {text}"
            self._problem(index, "rule", what, rule_hint(self._rules, text))
            return text
        if not rule.asks and not rule.is_custom:
            what = f"{rule.info.name} is about the scan itself and cannot be waived"
            self._problem(index, "rule", what, rule.info.fix_for(""))
        return rule.info.name

    def _day(self, text: str, index: int, key: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            self._problem(index, key, f"not a valid date: {text}", "write it like 2026-12-31")
            return date.min

    def _problem(self, index: int, key: str, what: str, fix: str) -> None:
        path = ("waivers", index, key)
        self.problems.append(Problem(self._document.at(path), show_path(path), what, fix))
