"""Frameworks: which of their controls a rule gives evidence about. Data, in ``frameworks.yaml``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import load_schema
from gatepolicy.model.rules import RuleInfo
from gatepolicy.resources import frameworks_file, schemas_directory


class Compared(StrEnum):
    """How near to its own text a control was compared."""

    TEXT = "text"
    """With the publisher's own text."""
    COPY = "copy"
    """With the whole text, as somebody else publishes it."""
    QUOTED = "quoted"
    """With what others quote of it."""
    TITLE = "title"
    """By its number and title, not with its requirements."""


@dataclass(frozen=True, slots=True)
class FrameworkSource:
    """A document that was read."""

    document: str
    """Which one, with its edition and section."""
    read: str
    """Where: a repository with a path and a commit, or the address of a page."""


@dataclass(frozen=True, slots=True)
class FrameworkControl:
    """One control of a framework."""

    id: str
    """As the framework numbers it."""
    title: str
    """The framework's own where it is public, else ours."""
    compared: Compared
    """With what it was compared."""
    why: str
    """What evidence the rules give about it."""
    rules: Sequence[str]
    """Names of the rules."""


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework."""

    id: str
    """Short and stable."""
    title: str
    """With its edition."""
    publisher: str
    """Who publishes it."""
    reference: str
    """Where to read it."""
    checked: str
    """Against what it was compared, and what could not be."""
    sources: Sequence[FrameworkSource]
    """Where its text was read."""
    controls: Sequence[FrameworkControl]
    """Those that the rules give evidence about, and no others."""


def load_frameworks() -> tuple[Framework, ...]:
    """All of them, in the order of the file.

    Raises:
        DocumentError: The shipped file is broken: a defect of gatepolicy.
    """
    text = (schemas_directory() / "frameworks.schema.json").read_text(encoding="utf-8")
    schema = load_schema(text)
    document = load_document(str(frameworks_file()), schema=schema, kind="Frameworks")
    # The schema has accepted the document, so its shape is known from here on.
    data: Any = document.data
    return tuple(_framework(node) for node in data["frameworks"])


def _framework(node: Any) -> Framework:
    return Framework(
        **{
            **node,
            "sources": tuple(FrameworkSource(**source) for source in node["sources"]),
            "controls": tuple(_control(control) for control in node["controls"]),
        }
    )


def _control(node: Any) -> FrameworkControl:
    compared = Compared(node["compared"])
    return FrameworkControl(**{**node, "compared": compared, "rules": tuple(node["rules"])})


def controls_of(rule: str, frameworks: Sequence[Framework]) -> tuple[str, ...]:
    """The controls that a rule gives evidence about, such as ``SOC 2 CC6.1``.

    Args:
        rule: Its name.
        frameworks: Where to look.
    """
    return tuple(
        f"{framework.title}: {control.id} {control.title}"
        for framework in frameworks
        for control in framework.controls
        if rule in control.rules
    )


def with_rules_of_policies(
    frameworks: Sequence[Framework], rules: Iterable[RuleInfo]
) -> tuple[tuple[Framework, ...], dict[str, list[str]]]:
    """Add rules of policies to the controls that they name, such as ``SOC2 CC6.1``.

    Args:
        frameworks: The shipped ones.
        rules: Of the scan; what is shipped is skipped.

    Returns:
        The frameworks with these rules, and names of rules by every control that is in none.
    """
    named: dict[str, list[str]] = {}
    for rule in rules:
        for text in rule.named_controls:
            named.setdefault(text, []).append(rule.name)
    placed: set[str] = set()

    def extended(framework: Framework, control: FrameworkControl) -> FrameworkControl:
        names = {_plain(f"{name} {control.id}") for name in (framework.id, framework.title)}
        mine = [text for text in named if _plain(text) in names]
        placed.update(mine)
        own = dict.fromkeys(rule for text in mine for rule in named[text])
        return replace(control, rules=(*control.rules, *own))

    found = tuple(
        replace(framework, controls=tuple(extended(framework, c) for c in framework.controls))
        for framework in frameworks
    )
    return found, {text: rules for text, rules in named.items() if text not in placed}


def _plain(text: str) -> str:
    """People write SOC2, SOC 2 and soc-2."""
    return "".join(character for character in text.casefold() if character.isalnum())
