"""Where keys and values stand."""

from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.documents.document import DataPath, Document, pack, show_path, unpack
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.model.evidence import Location

TEXT = """\
# a comment
name: desk
list:
  - one
  - {a: 1, "b":  two}
deep:
    deeper:
        deepest: >-
          folded
          text
ünï: x
"""


def document(text: str = TEXT) -> Document:
    return parse_yaml(text, "a.yaml")


def value_at(*path: str | int) -> tuple[int, int]:
    place = document().at(path)
    return place.line, place.column


def key_at(*path: str | int) -> tuple[int, int]:
    place = document().key_at(path)
    return place.line, place.column


def test_places_of_values() -> None:
    assert value_at() == (2, 1)
    assert value_at("name") == (2, 7)
    assert value_at("list") == (4, 3)
    assert value_at("list", 0) == (4, 5)
    assert value_at("list", 1) == (5, 5)
    assert value_at("list", 1, "b") == (5, 18)
    assert value_at("deep", "deeper", "deepest") == (8, 18)


def test_places_of_keys() -> None:
    assert key_at("name") == (2, 1)
    assert key_at("list", 1, "a") == (5, 6)
    assert key_at("list", 1, "b") == (5, 12)
    assert key_at("deep", "deeper", "deepest") == (8, 9)


def test_columns_count_characters() -> None:
    assert key_at("ünï") == (11, 1)
    assert value_at("ünï") == (11, 6)


def test_the_key_of_an_item_or_of_the_root_is_the_value() -> None:
    assert key_at("list", 1) == (5, 5)
    assert key_at() == (2, 1)


def test_what_is_not_there_stands_where_its_nearest_ancestor_stands() -> None:
    assert value_at("deep", "missing", "more") == (7, 5)
    assert key_at("deep", "missing") == (7, 5)
    assert key_at("gone", "missing") == (2, 1)
    assert value_at("list", 9) == (4, 3)
    assert value_at("list", -1) == (4, 3)
    assert value_at("list", "0") == (4, 3)
    assert value_at("name", "x") == (2, 7)


def test_a_location_names_the_file() -> None:
    assert document().at(("name",)) == Location("a.yaml", 2, 7)


def test_an_alias_stands_where_it_is_written_and_its_parts_at_the_anchor() -> None:
    aliased = document("a: &x {k: v}\nb: *x\n")
    assert aliased.data == {"a": {"k": "v"}, "b": {"k": "v"}}
    assert str(aliased.at(("b",))) == "a.yaml:2:4"
    assert str(aliased.at(("b", "k"))) == "a.yaml:1:11"


def test_a_very_long_line_has_a_last_column() -> None:
    assert unpack(pack(3, 10_000_000)) == (3, 1_048_575)


@given(st.integers(0, 10**9), st.integers(0, 1_048_575))
def test_places_are_kept(line: int, column: int) -> None:
    assert unpack(pack(line, column)) == (line, column)


def test_paths_as_people_write_them() -> None:
    paths: list[tuple[DataPath, str]] = [
        ((), ""),
        (("accounts", 3, "credentials", "apiKey"), "accounts[3].credentials.apiKey"),
        ((0, "a"), "[0].a"),
        (("a", 0, 1), "a[0][1]"),
    ]
    assert [show_path(path) for path, _ in paths] == [text for _, text in paths]
