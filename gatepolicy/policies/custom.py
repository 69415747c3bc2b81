"""Custom rules: conditions in CEL that a policy brings with it, tried on their own examples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gatepolicy.documents.document import DataPath, Document, show_path
from gatepolicy.errors import Problem
from gatepolicy.model.encoding import EVERY_FACT, HOW_TO_WRITE, decode_time, written_value
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Fact, Grade, Provenance
from gatepolicy.model.verdicts import OF_A_POLICY, OnUnknown, PostureLine, RuleInfo, Severity
from gatepolicy.rules.expressions import Expression, ExpressionError, compile_expression
from gatepolicy.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class CustomRule:
    """One rule of a policy."""

    rule: Rule
    """Its id and texts."""
    expression: Expression
    """The good state."""
    location: Location
    """Where its condition stands."""


def with_custom(rules: Mapping[str, Rule], custom: Iterable[CustomRule]) -> dict[str, Rule]:
    """Rules by id, with those of policies behind them."""
    return {**rules, **{one.rule.info.id: one.rule for one in custom}}


def merged_custom(
    own: Sequence[CustomRule], inherited: Iterable[CustomRule]
) -> tuple[CustomRule, ...]:
    """Own rules, and each inherited one once."""
    return tuple({one.rule.info.id: one for one in (*inherited, *own)}.values())


def redefined_rules(
    own: Sequence[CustomRule], inherited: Iterable[CustomRule], rules: Mapping[str, Rule]
) -> Iterator[Problem]:
    """Ids and names that another rule has already."""
    taken = {text: "gatepolicy" for r in rules.values() for text in (r.info.id, r.info.name)}
    for one in inherited:
        taken |= dict.fromkeys((one.rule.info.id, one.rule.info.name), str(one.location))
    for one in own:
        info = one.rule.info
        for text in (info.id, info.name):
            if text in taken:
                what = f"{text} is already used by {taken[text]}"
                yield Problem(one.location, "rules", what, "choose another one")
            taken[text] = str(one.location)


Node = Mapping[str, Any]
_EXPECTED: Mapping[str, bool | None] = {"pass": True, "fail": False, "unknown": None}
_OBSERVED = Provenance(Grade.OBSERVED, "", "", "an example")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class CustomRuleReader:
    """Reads the ``rules`` of a policy that the schema has accepted."""

    def __init__(self, document: Document) -> None:
        """Take the policy's document."""
        self._document = document
        self.problems: list[Problem] = []

    def read(self, nodes: Sequence[Node]) -> tuple[CustomRule, ...]:
        """Every rule whose condition can be compiled; ``problems`` holds what is wrong."""
        found = (self._rule(node, ("rules", index)) for index, node in enumerate(nodes))
        return tuple(one for one in found if one is not None)

    def _rule(self, node: Node, path: DataPath) -> CustomRule | None:
        try:
            expression = compile_expression(node["condition"])
        except ExpressionError as error:
            self._problem((*path, "condition"), str(error), error.fix)
            return None
        for outcome, expected in _EXPECTED.items():
            for index, example in enumerate(node["examples"][outcome]):
                place = (*path, "examples", outcome, index)
                self._try(expression, example, place, expected=expected)
        info = RuleInfo(
            id=node["id"],
            name=node["name"],
            title=node["title"],
            severity=Severity(node["severity"]),
            why=node["why"],
            fix={"default": node["fix"]},
            references=tuple(node.get("references", ())),
            tags=(OF_A_POLICY, *node.get("frameworks", ())),
            facts=expression.facts,
            posture=PostureLine.OWN_RULES,
        )
        effect = OnUnknown(node.get("on_unknown", OnUnknown.INCOMPLETE))
        rule = Rule(info=info, groups=(), on_unknown=effect, asks=(), is_custom=True)
        return CustomRule(rule, expression, self._document.at((*path, "condition")))

    def _try(
        self, expression: Expression, node: Node, path: DataPath, *, expected: bool | None
    ) -> None:
        """One example: what is written of it, and nothing else, is known."""
        account = node.get("account", {})
        subject = Subject(
            id=account.get("id", "account"),
            exchange=account.get("exchange", ""),
            labels=account.get("labels", {}),
            owner=account.get("owner", ""),
            location=self._document.at(path),
        )
        before = len(self.problems)
        known = dict(self._facts(node.get("facts", {}), path))
        now = self._now(node, path)
        if len(self.problems) > before:
            return
        judged = expression.judge(known, frozenset(Grade), subject, now)
        if judged.gave_up is not None:
            what, fix = judged.gave_up
            self._problem(path, f"{what} for this example", fix)
        elif judged.truth is not expected:
            why = "; ".join(doubt.detail for doubt in judged.doubts.values()) or judged.why
            words = {True: "passes", False: "fails", None: f"is unknown ({why})"}
            what = f"this example {words[judged.truth]}"
            self._problem(path, what, "correct it, or the condition")

    def _facts(self, node: Node, path: DataPath) -> Iterator[tuple[str, Fact]]:
        for name, value in node.items():
            place = (*path, "facts", name)
            if name not in EVERY_FACT:
                self._problem(place, f"unknown fact {name}", f"one of {', '.join(EVERY_FACT)}")
                continue
            kind = EVERY_FACT[name].kind
            try:
                yield name, Fact(written_value(kind, value), _OBSERVED)
            except (ValueError, TypeError):
                self._problem(place, f"{name} is of type {kind.value}", HOW_TO_WRITE[kind])

    def _now(self, node: Node, path: DataPath) -> datetime:
        try:
            return decode_time(node["now"]) if "now" in node else _NOW
        except ValueError:
            fix = "write it like 2026-11-01T00:00:00Z"
            self._problem((*path, "now"), f"not a valid timestamp: {node['now']}", fix)
            return _NOW

    def _problem(self, path: DataPath, what: str, fix: str) -> None:
        self.problems.append(Problem(self._document.at(path), show_path(path), what, fix))
