"""The shipped rules, and the controls of frameworks that they give evidence about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any

from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import did_you_mean, load_schema
from gatepolicy.exchanges.interpret import Remedies
from gatepolicy.model.verdicts import OnUnknown, PostureLine, RuleInfo, Severity
from gatepolicy.resources import frameworks_file, rules_file, schemas_directory
from gatepolicy.rules.rule import AllOf, AnyOf, Ask, Condition, Each, Rule, Test, tests_of

Node = Mapping[str, Any]


def load_rules(exchanges: Iterable[Remedies] = ()) -> Mapping[str, Rule]:
    """Every rule by its id, in stable order.

    Args:
        exchanges: Those whose fixes are to stand beside the default ones.

    Raises:
        DocumentError: The shipped file is broken: a defect of gatepolicy.
    """
    known = tuple(exchanges)
    return {rule.info.id: with_fixes(rule, known) for rule in _shipped_rules()}


@cache
def _shipped_rules() -> tuple[Rule, ...]:
    schema = load_schema((schemas_directory() / "rules.schema.json").read_text(encoding="utf-8"))
    document = load_document(str(rules_file()), schema=schema, kind="Rules")
    # The schema has accepted the document, so its shape is known from here on.
    data: Any = document.data
    return tuple(_rule(node) for node in data["rules"])


def find_rule(rules: Mapping[str, Rule], text: str) -> Rule | None:
    """The rule of an id or a name, in any case."""
    wanted = text.lower()
    found = (r for r in rules.values() if wanted in (r.info.id.lower(), r.info.name))
    return next(found, None)


def rule_hint(rules: Mapping[str, Rule], text: str) -> str:
    """What to do about a name that is no rule's."""
    # NOTE: ids are all alike: the nearest one to a wrong one is any of them.
    names = [rule.info.name for rule in rules.values()]
    return did_you_mean(text, names, "'gatepolicy explain' lists all rules")


def named_rule(rules: Mapping[str, Rule], name: str) -> RuleInfo:
    """What reports say about the rule of a name that there is."""
    return next(rule.info for rule in rules.values() if rule.info.name == name)


def with_fixes(rule: Rule, exchanges: Iterable[Remedies]) -> Rule:
    """The rule with the fixes of some exchanges beside its default one.

    Where an exchange has no fix of its own, the default one is reported with the exchange's menu.
    """
    fixes = {exchange.id: _fix(rule, exchange) for exchange in exchanges}
    special = {name: fix for name, fix in fixes.items() if fix}
    return replace(rule, info=replace(rule.info, fix={**rule.info.fix, **special}))


def _fix(rule: Rule, exchange: Remedies) -> str:
    """Empty where the exchange has nothing to add."""
    own = exchange.fixes.get(rule.info.name, "")
    if own or not (rule.on_keys_page and exchange.menu):
        return own
    return f"{rule.info.fix['default']} On {exchange.title}: {exchange.menu}."


def _rule(node: Node) -> Rule:
    asks = tuple(_ask(ask) for ask in node["asks"])
    asked = (test.fact for ask in asks for test in tests_of(ask.condition))
    info = RuleInfo(
        id=node["id"],
        name=node["name"],
        title=node["title"],
        severity=Severity(node["severity"]),
        why=node["why"],
        fix={"default": node["fix"]},
        references=tuple(node["references"]),
        tags=tuple(node["tags"]),
        facts=tuple(dict.fromkeys(asked)),
        posture=PostureLine(node["posture"]) if "posture" in node else None,
    )
    return Rule(
        info=info,
        groups=tuple(node["groups"]),
        on_unknown=OnUnknown(node.get("on_unknown", OnUnknown.INCOMPLETE.value)),
        asks=asks,
        on_keys_page=node["on_keys_page"],
    )


def _ask(node: Node) -> Ask:
    return Ask(
        clauses=tuple(node["clauses"]),
        each=Each(node["each"]),
        only=frozenset(node.get("only", ())),
        besides=frozenset(node.get("besides", ())),
        condition=_condition(node["condition"]),
        expected=node["expected"],
    )


def _condition(node: Node) -> Condition:
    if "all" in node:
        return AllOf(tuple(_condition(part) for part in node["all"]))
    if "any" in node:
        return AnyOf(tuple(_condition(part) for part in node["any"]))
    return Test(node["fact"], node["predicate"], node.get("argument"))


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


@cache
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
