import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.model.encoding import Json
from gatepolicy.reports.json_report import json_document

values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


def text_of(members: dict[str, Json], levels: int) -> str:
    return "".join(json_document(members, levels=levels))


@given(st.dictionaries(st.text(max_size=3), values, max_size=4), st.integers(0, 5))
def test_text_says_exactly_the_value(members: dict[str, Json], levels: int) -> None:
    assert json.loads(text_of(members, levels)) == members


@given(st.dictionaries(st.text(), st.text(), max_size=4))
def test_no_character_of_the_text_is_unprintable_but_line_breaks(members: dict[str, Json]) -> None:
    assert text_of(members, 1).replace("\n", "").isprintable()


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert json.loads(text_of({"name": "a\ud800b"}, 1)) == {"name": "a\ufffdb"}


def test_an_unprintable_character_is_escaped_and_kept() -> None:
    text = text_of({"name": "\x7f\x9b\u202e\U000e0001東"}, 1)
    assert '"\\u007f\\u009b\\u202e\\udb40\\udc01東"' in text
    assert json.loads(text) == {"name": "\x7f\x9b\u202e\U000e0001東"}


def test_outer_levels_have_a_line_for_each_entry_and_plain_ones_share_a_line() -> None:
    members: dict[str, Json] = {
        "plain": {"a": 1, "b": "x"},
        "deep": [{"c": [1, 2], "d": {"e": {"f": None}}}],
        "empty": [],
    }
    assert text_of(members, 3) == (
        '{\n  "plain": {"a": 1, "b": "x"},\n  "deep": [\n    {\n      "c": [1, 2],\n'
        '      "d": {"e": {"f": null}}\n    }\n  ],\n  "empty": []\n}\n'
    )


def test_an_iterator_is_written_while_it_is_made() -> None:
    made: list[int] = []

    def items() -> Iterator[Json]:
        for number in range(3):
            made.append(number)
            yield {"number": number}

    pieces = json_document({"items": items()}, levels=1)
    written = next(pieces) + next(pieces)
    assert '{"number": 0}' in written
    assert made == [0]
    assert json.loads(written + "".join(pieces)) == {"items": [{"number": n} for n in range(3)]}


def test_an_empty_iterator_is_an_empty_list() -> None:
    assert "".join(json_document({"items": iter(())}, levels=1)) == '{\n  "items": []\n}\n'


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        text_of({"number": float("nan")}, 1)
