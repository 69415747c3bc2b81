"""YAML with positions: data as YAML 1.2 says, and everything dubious refused with its place."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.documents.document import JSONValue
from gatepolicy.documents.yaml_tree import MAX_ALIASES, MAX_DEPTH, MAX_PROBLEMS, parse_yaml
from gatepolicy.errors import DocumentError


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        parse_yaml(text, "a.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1", {"a": 1}),
        ("a: no", {"a": "no"}),
        ("a: '1'", {"a": "1"}),
        ('a: "true"', {"a": "true"}),
        ("a: |\n  1\n", {"a": "1\n"}),
        ("a: >-\n  1\n", {"a": "1"}),
        ("a:", {"a": None}),
        ("a: ''", {"a": ""}),
        ("1: x\ntrue: y\n~: z", {"1": "x", "true": "y", "~": "z"}),
        ("? a\n: b", {"a": "b"}),
        ("'': x", {"": "x"}),
        ("? \n: x", {"": "x"}),
        ("- [1, [2]]\n- {}\n- []", [[1, [2]], {}, []]),
        ("text", "text"),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x 7\nb: [*x, *x]", {"a": 7, "b": [7, 7]}),
        ("- &x 1\n- &x 2\n- *x", [1, 2, 2]),
        ("&x a: 1", {"a": 1}),
        ("'<<': 1", {"<<": 1}),
        ("a: <<", {"a": "<<"}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_data(text: str, data: JSONValue) -> None:
    assert parse_yaml(text, "a.yaml").data == data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: the file is empty; add the content"),
        ("# only a comment\n", "1:1: the file is empty; add the content"),
        ("---\n", "1:1: the document is empty; add the content"),
        ("~", "1:1: the document is empty; add the content"),
        ("a: 1\nb: 2\na: 3", "3:1: a: duplicate key; first defined on line 1"),
        ("x: {a: 1, a: 1}", "1:11: x.a: duplicate key; first defined on line 1"),
        (
            "x:\n  - k: 1\n  - k: 1\n    j: 2\n    k: 3",
            "5:5: x[1].k: duplicate key; first defined on line 3",
        ),
        ("1: x\n'1': y", "2:1: 1: duplicate key; first defined on line 1"),
        ("a: 1\n---\nb: 2", "2:1: a second document starts here; keep one document per file"),
        ("a: 1\n---\n", "2:1: a second document starts here; keep one document per file"),
        (
            "x: {k: &k {a: 1}, <<: *k}",
            "1:19: x.<<: merge keys are not part of YAML 1.2; write the entries out",
        ),
        (
            "a: !!python/object/apply:os.system [id]",
            "1:4: a tag is not allowed; remove it; quote the value if it is a string that starts"
            " with !",
        ),
        (
            "!!str a: 1",
            "1:1: a tag is not allowed; remove it; quote the value if it is a string that starts"
            " with !",
        ),
        (
            "!!map {}",
            "1:1: a tag is not allowed; remove it; quote the value if it is a string that starts"
            " with !",
        ),
        (
            "a: *x",
            "1:4: undefined alias; quote the value if it is a string that starts with *",
        ),
        (
            "a: &x [*x]",
            "1:8: undefined alias; quote the value if it is a string that starts with *",
        ),
        ("[a, b]: 1", "1:1: a key must be a string; quote it if it starts with {, [ or *"),
        ("? {a: b}\n: 1", "1:3: a key must be a string; quote it if it starts with {, [ or *"),
        ("a: &x k\n*x : 1", "2:1: a key must be a string; quote it if it starts with {, [ or *"),
        ("a:\n\tb: 1", "2:1: tabs are not allowed here; indent with spaces"),
        ("\ta: 1", "1:1: tabs are not allowed here; indent with spaces"),
        ("a: x\n\tb: 1", "2:1: tabs are not allowed here; indent with spaces"),
        ("a: @x", "1:4: a plain value cannot start with this character; quote the value"),
        ("a: `x`", "1:4: a plain value cannot start with this character; quote the value"),
        (
            "a: b: c",
            "1:5: mapping values are not allowed in this context; check quotes, brackets and"
            " indentation",
        ),
        (
            "a: 'x",
            "1:6: found unexpected end of stream; check quotes, brackets and indentation",
        ),
        ("a: \x01", "1:1: a character that is not allowed in text; remove it"),
    ],
)
def test_refused(text: str, expected: str) -> None:
    assert problems(text) == [f"a.yaml:{expected}"]


@pytest.mark.parametrize("text", ["secret: *Hunter2", "secret: !Hunter2", "secret: !Hunter2 x"])
def test_a_secret_that_looks_like_syntax_is_not_repeated(text: str) -> None:
    assert "Hunter2" not in "".join(problems(text))


def test_all_problems_at_once_in_order() -> None:
    text = "a: 1\na: 2\nb: !x y\nc: {<<: 1, d: 1, d: 2}\ne: [\n"
    assert [line.split(":")[1] for line in problems(text)] == ["2", "3", "4", "4", "6"]


def test_no_more_problems_than_anybody_reads() -> None:
    assert len(problems("a: 1\n" * 1000)) == MAX_PROBLEMS


@pytest.mark.parametrize("bracket", ["[", "{a: "])
def test_a_hundred_thousand_brackets(bracket: str) -> None:
    # NOTE: from 6.0.4 on, PyYAML itself refuses what is deep enough.
    (told,) = problems(bracket * 100_000)
    assert re.fullmatch(r"a\.yaml:1:\d+: (nested|exceeded maximum nesting) .*", told)


def test_the_deepest_nesting() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    data = parse_yaml(text, "a.yaml").data
    for _ in range(MAX_DEPTH - 1):
        assert isinstance(data, list)
        (data,) = data
    assert data == []


def nested(levels: int, core: str) -> str:
    return "[" * levels + core + "]" * levels


def test_aliases_do_not_hide_depth() -> None:
    parse_yaml(f"- &a {nested(60, '1')}\n- {nested(3, '*a')}", "a.yaml")
    assert problems(f"- &a {nested(60, '1')}\n- {nested(4, '*a')}") == [
        "a.yaml:2:7: nested more than 64 levels deep; no gatepolicy file needs this"
    ]


def test_aliases_of_aliases_do_not_hide_depth() -> None:
    text = f"- &a {nested(30, '1')}\n- &b {nested(30, '*a')}\n- {nested(4, '*b')}"
    assert problems(text) == [
        "a.yaml:3:7: nested more than 64 levels deep; no gatepolicy file needs this"
    ]


def test_an_alias_bomb() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 10):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    (problem,) = problems("\n".join(lines))
    assert problem.endswith(": more than 3000000 values; split the file, use fewer aliases")


def test_too_many_aliases() -> None:
    text = f"- &a 1\n- [{', '.join(['*a'] * MAX_ALIASES)}]"
    parse_yaml(text, "a.yaml")
    assert problems(f"{text}\n- *a") == ["a.yaml:3:3: more than 1000 aliases; write the values out"]


characters = st.characters(
    exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"
)
texts = st.text(characters | st.sampled_from("\n\t\r\0"), max_size=50)
leaves = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | texts
documents: st.SearchStrategy[JSONValue] = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20
)


@given(st.dictionaries(texts, documents))
def test_json_is_yaml(data: dict[str, JSONValue]) -> None:
    assert parse_yaml(json.dumps(data, ensure_ascii=False), "a.yaml").data == data
