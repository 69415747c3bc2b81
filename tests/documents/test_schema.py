"""Problems that schemas find, in plain words and never with a value in them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.documents.schema import load_schema, validate
from gatepolicy.documents.yaml_tree import parse_yaml

SCHEMA = load_schema(
    json.dumps(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "minLength": 2, "maxLength": 5, "examples": ["desk"]},
                "word": {"type": "string", "pattern": "^[a-z]+$"},
                "version": {"const": "v1"},
                "level": {"enum": ["critical", "high", "low"]},
                "many": {"enum": list("abcdefghij")},
                "size": {"type": "integer", "minimum": 1, "maximum": 9},
                "between": {"exclusiveMinimum": 1, "exclusiveMaximum": 9},
                "flag": {"type": ["boolean", "null"]},
                "list": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": True},
                "table": {"type": "object", "minProperties": 1, "maxProperties": 2},
                "inner": {"$ref": "#/$defs/inner"},
                "items": {"type": "array", "items": {"$ref": "#/$defs/inner"}},
                "either": {
                    "anyOf": [{"type": "string", "minLength": 2}, {"$ref": "#/$defs/inner"}],
                    "examples": ["ab"],
                },
                "one": {"oneOf": [{"type": "string"}, {"type": "integer", "minimum": 3}]},
                "unclear": {"anyOf": [{"minLength": 3}, {"pattern": "^x"}], "examples": ["xyz"]},
                "twice": {"oneOf": [{"type": "string"}, {"type": "string"}]},
                "never": {"not": {}},
                "joined": {
                    "$ref": "#/$defs/open",
                    "allOf": [True, {"properties": {"colour": {}}}],
                    "unevaluatedProperties": False,
                },
                "closed": {"type": "object", "unevaluatedProperties": False},
                "needy": {"type": "object", "required": ["a", "b"]},
                "ways": {
                    "anyOf": [{"required": ["code"]}, {"required": ["where", "words"]}],
                },
                "branch": {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
            },
            "$defs": {
                "open": {"properties": {"width": {}}},
                "inner": {
                    "type": "object",
                    "properties": {"width": {"$ref": "#/$defs/width"}, "height": {}},
                    "additionalProperties": False,
                },
                "width": {"type": "integer", "examples": [7]},
            },
        }
    )
)


def problems(text: str) -> list[str]:
    return [str(problem) for problem in validate(parse_yaml(text, "a.yaml"), SCHEMA)]


@pytest.mark.parametrize(
    "text",
    [
        "{name: desk, word: abc, version: v1, level: low, size: 9, flag: }",
        "{list: [1, 2], table: {a: 1}, inner: {width: 1, height: x}}",
        "{either: ab, one: 3, unclear: x, joined: {width: 1, colour: 2}, closed: {}}",
        "{either: {width: 1}, one: a, needy: {a: 1, b: 2}, branch: {c: 1}}",
    ],
)
def test_what_fits_has_no_problems(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nmae: desk", "1:1: nmae: unknown key; did you mean name?"),
        (
            "qqqq: 1",
            "1:1: qqqq: unknown key; one of between, branch, closed, either, flag, inner, items,"
            " joined …",
        ),
        ("inner: {widht: 1}", "1:9: inner.widht: unknown key; did you mean width?"),
        ("inner: {qqqq: 1}", "1:9: inner.qqqq: unknown key; one of height, width"),
        ("items: [{}, {hight: 1}]", "1:14: items[1].hight: unknown key; did you mean height?"),
        ("joined: {widht: 1}", "1:10: joined.widht: unknown key; did you mean width?"),
        ("joined: {color: 1}", "1:10: joined.color: unknown key; did you mean colour?"),
        ("closed: {a: 1}", "1:10: closed.a: unknown key"),
        ("either: {widht: 1}", "1:10: either.widht: unknown key; did you mean width?"),
        ("name: a", '1:7: name: empty or too short; for example "desk"'),
        ("name: abcdef", '1:7: name: too long; for example "desk"'),
        ("name: 7", '1:7: name: expected a string, found a number; for example "desk"'),
        ("name: 7.5", '1:7: name: expected a string, found a number; for example "desk"'),
        ("name: true", '1:7: name: expected a string, found a boolean; for example "desk"'),
        ("name:", '1:6: name: expected a string, found null; for example "desk"'),
        ("name: []", '1:7: name: expected a string, found a list; for example "desk"'),
        ("name: {}", '1:7: name: expected a string, found a mapping; for example "desk"'),
        ("size: 1.5", "1:7: size: expected an integer, found a number"),
        ("flag: 0", "1:7: flag: expected a boolean or null, found a number"),
        ("list: x", "1:7: list: expected a list, found a string"),
        ("table: x", "1:8: table: expected a mapping, found a string"),
        ("inner: {width: x}", "1:16: inner.width: expected an integer, found a string;"
         " for example 7"),
        ("word: A", "1:7: word: does not match the expected pattern"),
        ("version: v2", "1:10: version: not one of the allowed values; write v1"),
        ("level: hihg", "1:8: level: not one of the allowed values; did you mean high?"),
        ("level: 12", "1:8: level: not one of the allowed values; one of critical, high, low"),
        (
            "many: zzz",
            "1:7: many: not one of the allowed values; one of a, b, c, d, e, f, g, h …",
        ),
        ("size: 0", "1:7: size: less than 1"),
        ("size: 10", "1:7: size: more than 9"),
        ("between: 1", "1:10: between: not more than 1"),
        ("between: 9", "1:10: between: not less than 9"),
        ("list: []", "1:7: list: empty or too short"),
        ("list: [1, 2, 3]", "1:7: list: too long"),
        ("list: [1, 1]", "1:7: list: duplicate entry"),
        ("table: {}", "1:8: table: empty or too short"),
        ("table: {a: 1, b: 2, c: 3}", "1:8: table: too long"),
        ("either: a", "1:9: either: empty or too short"),
        ("either: 3", '1:9: either: a number is not allowed here; for example "ab"'),
        ("one: 2", "1:6: one: less than 3"),
        ("one: []", "1:6: one: a list is not allowed here"),
        ("unclear: ab", '1:10: unclear: a string is not allowed here; for example "xyz"'),
        ("twice: a", "1:8: twice: not allowed here (oneOf)"),
        ("never: 1", "1:8: never: not allowed here (not)"),
        ("branch: {a: 1}", "1:9: branch: b is missing; add it"),
        # Where one of several ways was begun, that one was meant.
        ("ways: {words: x}", "1:7: ways: where is missing; add it"),
        ("ways: {}", "1:7: ways: needs code, or where and words; add it"),
        ("ways: {other: x}", "1:7: ways: needs code, or where and words; add it"),
    ],
)  # fmt: skip
def test_one_problem(text: str, expected: str) -> None:
    assert problems(text) == [f"a.yaml:{expected}"]


def test_everything_that_is_missing_is_told() -> None:
    assert problems("needy: {}") == [
        "a.yaml:1:8: needy: a is missing; add it",
        "a.yaml:1:8: needy: b is missing; add it",
    ]


def test_all_problems_in_the_order_of_the_document() -> None:
    text = "size: 0\nlevel: x\nnmae: desk\ninner: {widht: 1, width: x}\nword: '1'\n"
    assert [problem.split(":")[1] for problem in problems(text)] == ["1", "2", "3", "4", "4", "5"]


def test_a_broken_schema_is_a_defect() -> None:
    with pytest.raises(ValueError, match="nothing"):
        load_schema('{"type": "nothing"}')


SECRET = "Hunter2Hunter2"


@given(st.sampled_from(sorted(SCHEMA.document["properties"])), st.integers(0, 3))
def test_no_problem_repeats_a_value(key: str, shape: int) -> None:
    value = [f"{SECRET}", f"[{SECRET}]", f"{{a: {SECRET}}}", f"{{width: {SECRET}}}"][shape]
    assert SECRET not in "".join(problems(f"{key}: {value}"))
