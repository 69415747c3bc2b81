"""Conditions that could take any amount of memory or time are refused; the others take little."""

import subprocess
import sys
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Fact, FactValue, Grade, Provenance
from gatepolicy.rules.expressions import (
    MOST_ENTRIES,
    MOST_INPUT,
    TOO_LARGE,
    ExpressionError,
    Judged,
    compile_expression,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NINE = "['a']" + ".map(x, x+x+x+x+x+x+x+x+x+x)" * 9 + " != []"
TEXTS = " + ".join(["account.id"] * 22) + " == ''"


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (NINE, "it joins texts within a loop"),
        ("[1].map(x, [x, x]).map(x, [x, x]) == []", "it makes lists or maps of their entries"),
        ("[1].map(x, {'a': x}) == []", "it makes lists or maps of their entries"),
        ("ip.allowlist.map(x, dyn(x) + dyn(x)) == []", "it joins lists"),
        ("(ip.allowlist + ip.allowlist).all(x, x != '')", "it joins lists"),
        ("ip.allowlist.all(x, (x + x) != '')", "it joins texts within a loop"),
        ("ip.allowlist.exists_one(x, bytes(x) == b'a')", "it converts texts within a loop"),
        ("ip.allowlist.all(x, ip.allowlist.map(y, y) == [])", "it makes a list within a loop"),
        ("ip.allowlist.map(x, ip.allowlist.filter(y, true)) == []", "it makes a list within"),
        ("ip.allowlist.filter(x, size(x + x) > 2) == []", "it joins texts within a loop"),
        ("ip.allowlist.map(x, (x + x) == '', x) == []", "it joins texts within a loop"),
        ("{'a': ip.allowlist.map(x, x + x)} == {'a': []}", "it joins texts within a loop"),
        ("{'a': ip.allowlist + []} == {}", "it joins lists"),
        ("ip.allowlist.map(x, x + x)[0] == ''", "it joins texts within a loop"),
        ("ip.allowlist.all(x, x.matches('(.{0,300}){3}x'))", "its regular expression"),
        ("ip.allowlist.all(x, x.matches('.{1,100}'))", "its regular expression"),
        ("ip.allowlist.all(x, x.matches('('))", "its regular expression"),
        ("ip.allowlist.all(x, x.matches(account.id))", "its regular expression"),
        (TEXTS, "it joins more than 20 texts"),
    ],
)
def test_what_could_grow_is_refused(condition: str, why: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(condition)
    assert str(refused.value).startswith(f"it could take any amount of memory or time: {why}")
    assert refused.value.fix


@pytest.mark.parametrize(
    "condition",
    [
        "ip.allowlist.all(x, size(x) + 1 > 2)",
        "key.name.startsWith(account.labels.desk + '-')",
        "permissions.native.all(w, w in ['spot', 'account'] && permissions.native[w] != 'unknown')",
        "ip.allowlist.all(x, ip.allowlist.exists(y, x == y))",
        "size(ip.allowlist.filter(x, x.startsWith('203.'))) < 3",
        "ip.allowlist.map(x, size(x) > 3, size(x)) == [14]",
        "ip.allowlist.map(x, x == 'a' ? x : key.name) == []",
        "ip.allowlist.all(x, x.matches('^203[.]'))",
        "key.name.matches(account.labels.form)",
        "key.name.matches('(.{0,300}){3}x')",
        "now - key.created_at < duration('24h') + duration('1h')",
        "ip.allowlist.filter(x, [x, x] == [x]) == []",
        "{'a': 1}.a == 1 && [key.active][0] && !(1.5 > 2.5)",
    ],
)
def test_what_compares_counts_and_chooses_is_not(condition: str) -> None:
    assert compile_expression(condition).text == condition


def judged(condition: str, **facts: FactValue) -> Judged:
    observed = Provenance(Grade.OBSERVED, "", "", "")
    known = {name.replace("__", "."): Fact(value, observed) for name, value in facts.items()}
    subject = Subject("a", "okx", {"desk": "mm"}, "", Location("a.yaml", 1, 1))
    return compile_expression(condition).judge(known, frozenset(Grade), subject, NOW)


def test_what_is_too_much_for_a_condition_is_unknown() -> None:
    networks = tuple(ip_network((0x0A000000 + index, 32)) for index in range(MOST_ENTRIES + 1))
    condition = "ip.allowlist.all(x, x != '')"
    assert judged(condition, ip__allowlist=networks[1:]).truth is True
    assert judged(condition, ip__allowlist=networks).gave_up == TOO_LARGE
    assert judged("key.name != ''", key__name="x" * MOST_INPUT).truth is True
    assert judged("key.name != ''", key__name="x" * (MOST_INPUT + 1)).gave_up == TOO_LARGE


SCRIPT = """
import resource, sys
from ipaddress import ip_network
from tests.rules.test_growth import judged
networks = tuple(ip_network((0x0A000000 + index, 32)) for index in range(2_000))
for condition in sys.argv[1:]:
    judged(condition, ip__allowlist=networks, key__name="x" * 50_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
WORST = [
    "ip.allowlist" + ".filter(x, x != '')" * 5 + " == []",
    "ip.allowlist.map(x, ip.allowlist)" + ".map(x, x)" * 4 + " == []",
    "ip.allowlist.all(x, ip.allowlist.all(y, x.matches('^.{1,20}$')))",
    "size(" + " + ".join(["key.name"] * 21) + ") > 0",
    "ip.allowlist.all(x, ip.allowlist.all(y, [x, y, x, y, x, y] != [key.name]))",
]


def test_the_worst_that_is_not_refused_takes_bounded_memory() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *WORST],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(ended.stdout) < 1_500
