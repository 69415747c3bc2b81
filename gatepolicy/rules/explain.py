"""``gatepolicy explain``: rules as text for people. Pure."""

import textwrap
from collections.abc import Iterator, Mapping

from gatepolicy.exchanges.catalog import Other
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import ATTESTED_FACTS, FACTS, Capability
from gatepolicy.model.verdicts import RuleInfo
from gatepolicy.rules.catalog import controls_of, load_frameworks, with_fixes
from gatepolicy.rules.rule import Rule, tests_of

WIDTH = 79
_PERMISSIONS = frozenset({"permissions.native", "permissions.unrecognised"})


def list_rules(rules: Mapping[str, Rule]) -> str:
    """Every rule: id, severity, name, and what is bad."""
    infos = [rule.info for rule in rules.values()]
    name = max(len(info.name) for info in infos)
    severity = max(len(info.severity) for info in infos)
    lines = []
    for info in infos:
        head = f"{info.id}  {info.severity.value:{severity}}  {info.name:{name}}  "
        lines.append(
            textwrap.fill(info.title, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
        )
    return "\n".join(lines)


def explain_rule(rule: Rule, exchange: Exchange | Other | None) -> str:
    """Everything about one rule.

    Args:
        rule: The rule.
        exchange: Whose fix and whose disclosure of facts is shown; ``None`` for the general text.
    """
    info = rule.info if exchange is None else with_fixes(rule, [exchange]).info
    return "\n\n".join(_blocks(rule, info, exchange))


def facts_of(rule: Rule) -> tuple[str, ...]:
    """The facts that a rule asks about, in the order in which reports list facts."""
    named = {
        fact for ask in rule.asks for test in tests_of(ask.condition) for fact in _facts(test.fact)
    }
    wanted = set[str]().union(*(ask.only for ask in rule.asks))
    unwanted = set[str]().union(*(ask.besides for ask in rule.asks))
    every = (*FACTS, *ATTESTED_FACTS)
    return tuple(fact for fact in every if fact in named and _is_asked(fact, wanted, unwanted))


def disclosure(exchange: Exchange | Other, fact: str) -> str:
    """How an exchange discloses a fact, in one line."""
    if fact in ATTESTED_FACTS:
        return "not disclosed: needs an attestation"
    if isinstance(exchange, Other):
        return f"not disclosed: {exchange.summary}"
    if fact in exchange.structural:
        structural = exchange.structural[fact]
        return f"always {structural.value} ({structural.provenance.reference})"
    if fact in exchange.facts:
        places = (f"{source.call} {source.pointer}" for source in exchange.facts[fact])
        return f"observed: {', '.join(places)}"
    if fact in exchange.not_disclosed:
        return f"not disclosed: {exchange.not_disclosed[fact].detail}"
    if fact in _PERMISSIONS or fact in _CAPABILITY_OF:
        return _permission_disclosure(exchange, fact)
    return "not disclosed"


_CAPABILITY_OF: Mapping[str, Capability] = {c.fact: c for c in Capability}


def _permission_disclosure(exchange: Exchange, fact: str) -> str:
    permissions = exchange.permissions
    place = f"observed: {permissions.call} {permissions.pointer}".rstrip()
    if fact in _PERMISSIONS:
        return place
    capability = _CAPABILITY_OF[fact]
    if capability in permissions.inferred_absence:
        return f"{place}; its absence is only inferred ({permissions.inferred_reference})"
    words = permissions.words.values()
    granting = [word.word for word in words if capability in word.grants | word.unclear]
    return f"{place} ({', '.join(granting)})" if granting else f"{place} (no word grants it)"


def _blocks(rule: Rule, info: RuleInfo, exchange: Exchange | Other | None) -> Iterator[str]:
    yield f"{info.id} {info.name} ({info.severity.value})\n{info.title}."
    yield f"Why\n{_wrapped(info.why)}"
    if exchange is None:
        yield f"Fix\n{_wrapped(info.fix['default'])}"
    else:
        fix = info.fix_for(exchange.id)
        yield f"Fix on {exchange.title}\n{_wrapped(fix)}"
    facts = [_fact(fact, exchange) for fact in facts_of(rule)]
    if facts:
        yield "\n".join(("Facts", *facts))
    controls = controls_of(info.name, load_frameworks())
    if controls:
        yield "\n".join(("Frameworks", *(_wrapped(control) for control in controls)))
    if info.references:
        yield "\n".join(("References", *(f"  {reference}" for reference in info.references)))


def _fact(fact: str, exchange: Exchange | Other | None) -> str:
    line = f"{fact}: {(FACTS.get(fact) or ATTESTED_FACTS[fact]).meaning}"
    if exchange is None:
        return _wrapped(line)
    return f"{_wrapped(line)}\n{_wrapped(disclosure(exchange, fact), indent='    ')}"


def _wrapped(text: str, indent: str = "  ") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )


def _facts(template: str) -> Iterator[str]:
    if "{item}" not in template:
        yield template
    else:
        for capability in Capability:
            yield template.replace("{item}", capability.value)


def _is_asked(fact: str, wanted: set[str], unwanted: set[str]) -> bool:
    capability = _CAPABILITY_OF.get(fact)
    if capability is None:
        return True
    return capability.value not in unwanted and (not wanted or capability.value in wanted)
