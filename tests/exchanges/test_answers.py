"""Places in answers, and how deeply an answer may be nested."""

from typing import Any

import pytest

from gatepolicy.exchanges.answers import ABSENT, MAX_DEPTH, NotJson, join, parse, resolve


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ((), ""),
        (("a",), "/a"),
        (("a", 0, "b"), "/a/0/b"),
        (("a/b~c/d~",), "/a~1b~0c~1d~0"),
        (("~1",), "/~01"),
    ],
)
def test_a_pointer_goes_its_steps(parts: tuple[str | int, ...], pointer: str) -> None:
    assert join(*parts) == pointer
    found: Any = "here"
    for part in reversed(parts):
        found = [found] if isinstance(part, int) else {part: found}
    assert resolve(found, pointer) == "here"


@pytest.mark.parametrize("step", ["00", "01", "-1", "+0", " 0", "1_0", "٠", "-", "", "1", "0" * 10])
def test_what_is_no_place_in_a_list(step: str) -> None:
    assert resolve(["first"], f"/{step}") is ABSENT


def test_a_text_is_no_list() -> None:
    assert resolve("abc", "/0") is ABSENT


def test_an_answer_is_nested_at_most_so_deeply() -> None:
    for opening, closing, inner in ((b"[", b"]", b""), (b'{"a":', b"}", b"1")):
        deepest = opening * MAX_DEPTH + inner + closing * MAX_DEPTH
        assert not isinstance(parse(deepest), NotJson)
        assert parse(opening + deepest + closing) == NotJson("nested too deeply")
