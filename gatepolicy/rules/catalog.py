"""Reading the rules."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gatepolicy.documents.load import load_document
from gatepolicy.documents.nearest import did_you_mean
from gatepolicy.documents.schema import load_schema
from gatepolicy.exchanges.remedies import Remedies
from gatepolicy.model.rules import RuleInfo
from gatepolicy.model.severity import Severity
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.resources import rules_file, schemas_directory
from gatepolicy.rules.conditions import AllOf, AnyOf, Condition, Test, tests_of
from gatepolicy.rules.rule import Ask, Each, Rule

Node = Mapping[str, Any]


def load_rules(exchanges: Iterable[Remedies] = ()) -> Mapping[str, Rule]:
    """Every rule by its id, in stable order.

    Args:
        exchanges: Those whose fixes are to stand beside the default ones.

    Raises:
        DocumentError: The shipped file is broken: a defect of gatepolicy.
    """
    schema = load_schema((schemas_directory() / "rules.schema.json").read_text(encoding="utf-8"))
    document = load_document(str(rules_file()), schema=schema, kind="Rules")
    # The schema has accepted the document, so its shape is known from here on.
    data: Any = document.data
    known = tuple(exchanges)
    return {node["id"]: _rule(node, known) for node in data["rules"]}


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

    Where an exchange has no fix of its own, the default one is told with the exchange's menu.
    """
    told = {exchange.id: _fix(rule, exchange) for exchange in exchanges}
    special = {name: fix for name, fix in told.items() if fix}
    return replace(rule, info=replace(rule.info, fix={**rule.info.fix, **special}))


def _fix(rule: Rule, exchange: Remedies) -> str:
    """Empty where the exchange has nothing to add."""
    own = exchange.fixes.get(rule.info.name, "")
    if own or not (rule.on_keys_page and exchange.menu):
        return own
    return f"{rule.info.fix['default']} On {exchange.title}: {exchange.menu}."


def _rule(node: Node, exchanges: Iterable[Remedies]) -> Rule:
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
    )
    rule = Rule(
        info=info,
        groups=tuple(node["groups"]),
        on_unknown=OnUnknown(node.get("on_unknown", OnUnknown.INCOMPLETE.value)),
        asks=asks,
        on_keys_page=node["on_keys_page"],
    )
    return with_fixes(rule, exchanges)


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
