"""Rules of a policy: checked when it is read, unknown where a fact is missing."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.errors import DocumentError
from gatepolicy.evaluate.evaluate import value_in_words
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import (
    ATTESTED_FACTS,
    Access,
    Fact,
    Facts,
    FactValue,
    Grade,
    Grant,
    Never,
    Provenance,
    Reason,
    Unknown,
)
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy
from gatepolicy.rules.expressions import AHEAD, ExpressionError, compile_expression, doubt_of
from gatepolicy.scanning.plan import Selection, make_plan
from gatepolicy.scanning.scan import evaluate_evidence
from gatepolicy.scanning.workspace import rules_of
from gatepolicy.waivers.waiver import load_waivers

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HEAD = "apiVersion: gatepolicy/v1\nkind: Policy\nmetadata: {name: desk, title: The desk}\n"
RULE = """\
rules:
  - id: DESK001
    name: bot-withdraws
    title: A bot can withdraw
    severity: critical
    why: Bots trade; they never pay.
    fix: Make another key.
    condition: "!permission.withdraw || account.labels.desk == 'vault'"
    examples:
      pass: [{facts: {permission.withdraw: false}}]
      fail: [{facts: {permission.withdraw: true}, account: {labels: {desk: mm}}}]
      unknown: [{}]
"""


def policies(**texts: str) -> tuple[Policy, ...]:
    files = {f"{name}.yaml": text for name, text in texts.items()}
    return load_policies(list(files), read=lambda path: files[path.name].encode())


def wrong(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        policies(desk=HEAD + text)
    return [str(problem) for problem in caught.value.problems]


def judged(
    text: str, known: dict[str, FactValue], grade: Grade = Grade.OBSERVED, **labels: str
) -> Verdict:
    (policy,) = policies(desk=HEAD + text)
    facts = Facts.nothing(Reason.TIMEOUT)
    for name, value in known.items():
        facts = facts.learn(name, Fact(value, Provenance(grade, "c", "/x", "a document")))
    subject = Subject("mm", "okx", labels, "desk@example.com", Location("a.yaml", 3, 5))
    exchanges = {"okx": load_exchange("okx")}
    plan = make_plan([subject], [policy], exchanges, rules_of([policy], exchanges), Selection())
    evidence = Evidence(subject, NOW, facts, ())
    (result,) = evaluate_evidence(plan, {"mm": evidence}, now=NOW)
    (verdict,) = result.verdicts
    assert verdict.rule in {rule.id for rule in plan.rules}
    return verdict


def of(condition: str) -> str:
    """A rule with another condition; its examples are taken away with it."""
    return RULE.replace("!permission.withdraw || account.labels.desk == 'vault'", condition)


def test_a_rule_judges_keys() -> None:
    good = judged(RULE, {"permission.withdraw": False})
    assert (good.outcome, good.rule, good.name) == (Outcome.PASS, "DESK001", "bot-withdraws")
    bad = judged(RULE, {"permission.withdraw": True}, desk="mm")
    assert bad.outcome is Outcome.FAIL
    assert bad.seen == "permission.withdraw: yes"
    assert bad.expected == "!permission.withdraw || account.labels.desk == 'vault'"
    assert str(bad.location) == "desk.yaml:11:16"
    assert judged(RULE, {"permission.withdraw": True}, desk="vault").outcome is Outcome.PASS


def test_what_is_not_known_is_unknown_unless_the_rest_decides() -> None:
    silent = judged(RULE, {}, desk="mm")
    assert (silent.outcome, silent.reason) == (Outcome.UNKNOWN, Reason.TIMEOUT)
    decided = judged(RULE, {}, desk="vault")
    assert (decided.outcome, decided.seen) == (Outcome.PASS, "true")


def test_an_inferred_fact_is_no_proof() -> None:
    verdict = judged(RULE, {"permission.withdraw": False}, Grade.INFERRED, desk="mm")
    assert verdict.outcome is Outcome.UNKNOWN
    assert "only inferred" in verdict.needed


def test_an_apparent_fact_fails_a_rule_and_never_passes_one() -> None:
    bad = judged(RULE, {"permission.withdraw": True}, Grade.APPARENT, desk="mm")
    assert (bad.outcome, bad.seen) == (Outcome.FAIL, "permission.withdraw: yes")
    good = judged(RULE, {"permission.withdraw": False}, Grade.APPARENT, desk="mm")
    assert (good.outcome, good.reason) == (Outcome.UNKNOWN, Reason.UNEXPECTED_ANSWER)
    # A rule that wants the other value, and would pass by it, is unknown as well.
    wants = RULE.replace(
        "!permission.withdraw || account.labels.desk == 'vault'", "permission.withdraw"
    )
    wants = wants.replace("pass:", "was:").replace("fail:", "pass:").replace("was:", "fail:")
    assert judged(wants, {"permission.withdraw": True}).outcome is Outcome.PASS
    shown = judged(wants, {"permission.withdraw": True}, Grade.APPARENT)
    assert shown.outcome is Outcome.UNKNOWN


def test_what_cannot_be_evaluated_is_unknown() -> None:
    verdict = judged(RULE, {"permission.withdraw": True})
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.UNEXPECTED_ANSWER)
    assert "desk" in verdict.needed


KINDS: list[tuple[str, FactValue, bool]] = [
    ("ip.allowlist == ['203.0.113.7/32']", (ip_network("203.0.113.7"),), True),
    ("permissions.native['spot'] == 'read-only'", (Grant("spot", Access.READ_ONLY),), True),
    ("size(permissions.unrecognised) == 0", ("x",), False),
    ("key.name.matches('^ICG')", "ICG-MM", True),
    ("now - key.created_at < duration('48h')", NOW - timedelta(days=1), True),
    ("key.expires_at - now > duration('240h')", Never.NEVER, True),
    ("now - key.last_used_at < duration('240h')", Never.NEVER, False),
    ("now - attested.review < duration('240h')", Never.NEVER, False),
    ("'key.name' != '' && ip.restricted", True, True),
]


@pytest.mark.parametrize(("condition", "value", "holds"), KINDS)
def test_facts_of_every_kind(condition: str, value: FactValue, holds: bool) -> None:
    expression = compile_expression(condition)
    (name,) = expression.facts
    subject = Subject("mm", "okx", {}, "", Location("a.yaml", 3, 5))
    facts = {name: Fact(value, Provenance(Grade.OBSERVED, "", ""))}
    assert expression.judge(facts, frozenset(Grade), subject, NOW).truth is holds
    assert expression.judge({}, frozenset(Grade), subject, NOW).truth is None
    assert not expression.asks_account


SOON = NOW + AHEAD
AT_LAST = SOON + timedelta(seconds=1)
UNZONED = datetime(2026, 11, 1)  # noqa: DTZ001 - that is what is tried
DOUBTS: list[tuple[str, FactValue, bool]] = [
    ("now - key.created_at < duration('2160h')", SOON, False),
    ("now - key.created_at < duration('2160h')", AT_LAST, True),
    ("now - key.created_at < duration('2160h')", datetime(2099, 1, 1, tzinfo=UTC), True),
    ("now - key.created_at < duration('2160h')", UNZONED, True),
    ("now - key.created_at > duration('168h')", Never.NEVER, True),
    ("now - key.last_used_at < duration('2160h')", SOON, False),
    ("now - key.last_used_at < duration('2160h')", AT_LAST, True),
    ("now - attested.review < duration('2160h')", SOON, False),
    ("now - attested.review < duration('2160h')", AT_LAST, True),
    ("key.expires_at > now", AT_LAST, False),
    ("key.expires_at > timestamp('2026-01-01T00:00:00Z')", UNZONED, True),
    ("permissions.native['withdraw'] != 'granted'", (Grant("withdraw", Access.UNKNOWN),), True),
    (
        "permissions.native['spot'] == 'read-only'",
        (Grant("spot", Access.READ_ONLY), Grant("withdraw", Access.UNKNOWN)),
        True,
    ),
    (
        "permissions.native['spot'] == 'read-only'",
        (Grant("spot", Access.READ_WRITE), Grant("spot", Access.READ_ONLY)),
        True,
    ),
    (
        "permissions.native['spot'] == 'read-only'",
        (Grant("spot", Access.READ_ONLY), Grant("spot", Access.READ_ONLY)),
        False,
    ),
    ("ip.allowlist.all(n, n == '203.0.113.7/32')", (), True),
    ("size(account.keys) < 3", (), True),
    ("size(key.shared_with) == 0", (), False),
    ("!ip.shared_across.exists(e, e.startsWith('desk='))", ("desk?otc (okx-otc)",), True),
    ("!ip.shared_across.exists(e, e.startsWith('desk='))", ("env=a? (okx-otc)",), False),
]


@pytest.mark.parametrize(("condition", "value", "doubtful"), DOUBTS)
def test_what_the_rules_of_gatepolicy_do_not_judge_is_unknown(
    condition: str, value: FactValue, *, doubtful: bool
) -> None:
    (name,) = compile_expression(condition).facts
    grade = Grade.ATTESTED if name in ATTESTED_FACTS else Grade.OBSERVED
    facts = {name: Fact(value, Provenance(grade, "", ""))}
    subject = Subject("mm", "okx", {}, "", Location("a.yaml", 3, 5))
    found = compile_expression(condition).judge(facts, frozenset(Grade), subject, NOW)
    assert found.truth is (None if doubtful else True)
    assert (name in found.doubts) is doubtful
    assert (name in found.seen) is not doubtful


def test_it_is_told_why_a_known_fact_is_not_judged() -> None:
    ahead = judged(
        of("now - key.created_at < duration('2160h')").split("    examples")[0]
        + "    examples:\n"
        + "      pass: [{facts: {key.created_at: 2025-12-01T00:00:00Z}}]\n"
        + "      fail: [{facts: {key.created_at: 2024-12-01T00:00:00Z}}]\n"
        + "      unknown: [{facts: {key.created_at: 2099-12-01T00:00:00Z}}]\n",
        {"key.created_at": datetime(2099, 1, 1, tzinfo=UTC)},
    )
    assert (ahead.outcome, ahead.reason) == (Outcome.UNKNOWN, Reason.UNEXPECTED_ANSWER)
    assert "key.created_at, 2099-01-01T00:00:00+00:00, lies in the future" in ahead.needed
    words = judged(
        of("permissions.native['withdraw'] != 'granted'").split("    examples")[0]
        + "    examples:\n"
        + "      pass: [{facts: {permissions.native: {withdraw: read-only}}}]\n"
        + "      fail: [{facts: {permissions.native: {withdraw: granted}}}]\n"
        + "      unknown: [{facts: {permissions.native: {withdraw: unknown}}}]\n",
        {"permissions.native": (Grant("withdraw", Access.UNKNOWN),)},
    )
    assert (words.outcome, words.reason) == (Outcome.UNKNOWN, Reason.NOT_DISCLOSED)
    assert "the answer does not say how far withdraw is granted" in words.needed


LONG = (
    "ip.allowlist.all(a, ip.allowlist.all(b, ip.allowlist.all(c, size(a) + size(b) + size(c) > 0)))"
)


def with_examples(condition: str, good: str, bad: str) -> str:
    """A rule with other examples; about a key of which nothing is known it says nothing."""
    examples = f"examples:\n      pass: [{{facts: {good}}}]\n      fail: [{{facts: {bad}}}]\n"
    return f"{of(condition).split('examples:')[0]}{examples}      unknown: [{{}}]\n"


def test_an_expression_over_its_budget_is_unknown() -> None:
    one, two = "{ip.allowlist: [203.0.113.7]}", "{ip.allowlist: [203.0.113.7, 203.0.113.8]}"
    text = with_examples(f"size(ip.allowlist) != 2 && {LONG}", one, two)
    networks = tuple(ip_network((0x0A000000 + 256 * index, 24)) for index in range(60))
    verdict = judged(text, {"ip.allowlist": networks})
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.UNEXPECTED_ANSWER)
    assert (
        verdict.needed
        == "the condition takes more steps than CEL allows on this key: write it shorter"
    )


def test_an_example_over_the_budget_is_a_problem_even_where_unknown_is_expected() -> None:
    numbers = f"[{', '.join(['1'] * 60)}]"
    constant = f"{numbers}.all(a, {numbers}.all(b, {numbers}.all(c, a + b + c > 0)))"
    lines = wrong(of(constant))
    assert [re.sub(r": rules.*examples", ":", line) for line in lines] == [
        f"desk.yaml:{line}:{column}:.{part}[0]: the condition takes more steps than CEL allows"
        " for this example; write it shorter"
        for line, column, part in ((13, 14, "pass"), (14, 14, "fail"), (15, 17, "unknown"))
    ]


def test_a_value_that_the_library_cannot_take_is_unknown() -> None:
    verdict = judged(
        with_examples("key.name == 'x'", "{key.name: x}", "{key.name: y}"),
        {"key.name": "half \ud800"},
    )
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.needed == "the condition cannot be evaluated on this key"


@pytest.mark.parametrize("text", ["'\ud800' == key.name", "true\0"])
def test_what_is_no_text_is_no_condition(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text)


def test_an_example_says_which_fact_is_not_judged() -> None:
    (line,) = wrong(
        of("now - key.created_at < duration('2160h')").split("    examples")[0]
        + "    examples:\n"
        + "      pass: [{facts: {key.created_at: 2099-12-01T00:00:00Z}}]\n"
        + "      fail: [{facts: {key.created_at: 2024-12-01T00:00:00Z}}]\n"
        + "      unknown: [{}]\n"
    )
    assert "this example is unknown (key.created_at, 2099-12-01T00:00:00+00:00, lies in" in line


def test_only_what_counted_is_told_as_seen() -> None:
    verdict = judged(
        RULE.replace("account.labels.desk == 'vault'", "key.name == 'x'")
        .replace("{permission.withdraw: true}", "{permission.withdraw: true, key.name: y}")
        .replace(", account: {labels: {desk: mm}}", ""),
        {"permission.withdraw": False, "key.name": "mine"},
    )
    assert verdict.seen == "permission.withdraw: no; key.name: mine"


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ((ip_network("203.0.113.7"),), "203.0.113.7/32"),
        ((Grant("spot", Access.READ_ONLY),), "spot read-only"),
        ((), "nothing"),
        ("ICG", "ICG"),
        (NOW, "2026-11-24"),
        (Never.NEVER, "never"),
        (True, "yes"),
        (False, "no"),
    ],
)
def test_what_was_seen_is_told(value: FactValue, seen: str) -> None:
    assert value_in_words(value) == seen


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("!permission.withdrw", "column 12: undeclared reference to 'permission.withdrw'"),
        ("permission.withdraw == 'yes'", "found no matching overload for '_==_'"),
        ("permission.withdraw &&", "Syntax error"),
        ("key.name", "this is STRING, a condition is true or false"),
    ],
)
def test_what_is_no_condition_is_told_with_its_place(condition: str, told: str) -> None:
    (line,) = wrong(of(condition))
    assert line.startswith("desk.yaml:11:16: rules[0].condition: ")
    assert told in line


def test_examples_are_tried() -> None:
    lines = wrong(
        RULE.replace("pass: [{facts: {permission.withdraw: false}}]", "pass: [{}]")
        .replace("unknown: [{}]", "unknown: [{facts: {permission.withdraw: false}}]")
        .replace("{labels: {desk: mm}}", "{labels: {desk: vault}}")
    )
    assert [re.sub(r" \(.*\)", "", line) for line in lines] == [
        "desk.yaml:13:14: rules[0].examples.pass[0]: this example is unknown;"
        " correct it, or the condition",
        "desk.yaml:14:14: rules[0].examples.fail[0]: this example passes;"
        " correct it, or the condition",
        "desk.yaml:15:17: rules[0].examples.unknown[0]: this example passes;"
        " correct it, or the condition",
    ]


def test_examples_are_written_like_facts() -> None:
    lines = wrong(RULE.replace("{permission.withdraw: false}", "{colour: red, ip.restricted: x}"))
    assert ["unknown fact colour" in line for line in lines] == [True, False]
    assert "ip.restricted is of type bool; write true or false" in lines[1]
    (line,) = wrong(RULE.replace("pass: [{facts", "pass: [{now: yesterday, facts"))
    assert "not a valid timestamp: yesterday" in line


@pytest.mark.parametrize("part", ["pass", "fail", "unknown"])
def test_examples_of_every_kind_are_required(part: str) -> None:
    assert wrong(re.sub(rf"      {part}: .*\n", "", RULE))


def test_ids_of_gatepolicy_are_not_taken() -> None:
    assert wrong(RULE.replace("DESK001", "GP001"))
    (line,) = wrong(RULE.replace("bot-withdraws", "ip-unbound"))
    assert "ip-unbound is already used by gatepolicy" in line


def test_rules_are_inherited_and_not_redefined() -> None:
    child = HEAD.replace("desk", "child", 1).replace("name: desk", "name: child")
    child += "extends: [desk.yaml]\n"
    _, heir = policies(desk=HEAD + RULE, child=child)
    assert [one.rule.info.id for one in heir.custom] == ["DESK001"]
    with pytest.raises(DocumentError, match="DESK001 is already used by"):
        policies(desk=HEAD + RULE, child=child + RULE)


def test_two_policies_do_not_mean_two_rules_by_one_id() -> None:
    both = policies(a=HEAD.replace("desk", "a", 1) + RULE, b=HEAD.replace("desk", "b", 1) + RULE)
    with pytest.raises(DocumentError, match="DESK001 is already used by"):
        rules_of(both, {})
    base, heir = policies(
        desk=HEAD + RULE,
        child=HEAD.replace("desk", "child", 1) + "extends: [desk.yaml]\n",
    )
    assert "DESK001" in rules_of([base, heir], {})


def test_they_can_be_waived() -> None:
    rules = rules_of(policies(desk=HEAD + RULE), {})
    text = (
        "apiVersion: gatepolicy/v1\nkind: Waivers\nwaivers:\n"
        "  - {id: W-1, rule: DESK001, accounts: [mm], owner: x, created: 2026-11-01,\n"
        "     expires: 2026-12-01, justification: Talked about on Monday.}\n"
    )
    (waiver,) = load_waivers(["w.yaml"], rules, read=lambda _: text.encode())
    assert waiver.terms.rule == "bot-withdraws"


def test_without_the_library_it_is_said_what_to_install() -> None:
    def missing() -> Any:
        raise ModuleNotFoundError

    with pytest.raises(ExpressionError, match="need CEL") as caught:
        compile_expression("true", library=missing)
    assert caught.value.fix == "pip install cel-expr-python"


def test_a_program_that_cannot_be_placed() -> None:
    with pytest.raises(ExpressionError, match=r"column|not a valid CEL"):
        compile_expression("(" * 5_000)


def test_the_example_of_the_documents() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (policy,) = load_policies(["own.yaml"], read=lambda _: block.encode())
    assert [one.rule.info.id for one in policy.custom] == ["DESK001", "DESK002"]


# Laws

_CONDITIONS = st.recursive(
    st.sampled_from(["permission.withdraw", "ip.restricted", "key.active", "true", "false"]),
    lambda parts: st.one_of(
        parts.map(lambda a: f"!({a})"),
        st.tuples(parts, st.sampled_from(["&&", "||"]), parts).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
        st.tuples(parts, parts, parts).map(lambda t: f"({t[0]}) ? ({t[1]}) : ({t[2]})"),
    ),
    max_leaves=6,
)
_KNOWN = st.dictionaries(
    st.sampled_from(["permission.withdraw", "ip.restricted", "key.active"]), st.booleans()
)


@settings(deadline=None)
@given(condition=_CONDITIONS, known=_KNOWN, more=_KNOWN)
def test_more_facts_never_flip_a_verdict(condition: str, known: Any, more: Any) -> None:
    expression = compile_expression(condition)
    subject = Subject("mm", "okx", {}, "", Location("a.yaml", 3, 5))

    def truth(values: dict[str, bool]) -> bool | None:
        facts = {n: Fact(v, Provenance(Grade.OBSERVED, "", "")) for n, v in values.items()}
        return expression.judge(facts, frozenset(Grade), subject, NOW).truth

    before = truth(known)
    if before is not None:
        assert truth({**more, **known}) is before


def test_a_grade_that_the_policy_does_not_accept_is_no_fact() -> None:
    expression = compile_expression("ip.restricted")
    subject = Subject("mm", "okx", {}, "", Location("a.yaml", 3, 5))
    fact = Fact(value=True, provenance=Provenance(Grade.STRUCTURAL, "", "", "x"))
    accepted = frozenset({Grade.OBSERVED})
    assert expression.judge({"ip.restricted": fact}, accepted, subject, NOW).truth is None
    observed = replace(fact, provenance=Provenance(Grade.OBSERVED, "", ""))
    assert expression.judge({"ip.restricted": observed}, accepted, subject, NOW).truth is True


def test_addresses_that_were_not_read_are_a_doubt_of_their_own() -> None:
    left_out = doubt_of("ip.shared_across", ("desk:mm", "desk~otc (okx-otc)"), NOW)
    assert left_out == Unknown(Reason.NOT_SELECTED, "the addresses of some accounts were not read")
    assert doubt_of("ip.shared_across", ("desk:mm", "desk=otc (okx-otc)"), NOW) is None
