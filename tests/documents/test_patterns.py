"""Patterns and globs take time that grows with the text, whoever wrote the two."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.documents.patterns import MOST_STEPS, PatternError, check_pattern, contains

LONG = "a" * 50_000 + "!"


def seconds(work: Callable[[], object]) -> float:
    before = process_time()
    work()
    return process_time() - before


@pytest.mark.parametrize("pattern", ["^(([A-Za-z0-9 -])+)+$", "^(a+)+$", "(a*)*b", "(a|aa)+$"])
def test_what_python_would_take_for_ever_takes_no_time(pattern: str) -> None:
    assert contains(pattern, LONG) is False
    assert seconds(lambda: contains(pattern, LONG)) < 0.5


def test_the_largest_pattern_takes_bounded_time() -> None:
    pattern = "(.{0,150}){1}x"
    check_pattern(pattern)
    assert seconds(lambda: contains(pattern, LONG)) < 5
    with pytest.raises(PatternError):
        check_pattern("a" * MOST_STEPS)


@pytest.mark.parametrize(
    "glob",
    ["*a" * 30 + "b", "*" * 200 + "b", "*" + "a?" * 200 + "b", ("*" + "[ab]" * 50) * 3 + "c"],
)
def test_globs_never_go_back(glob: str) -> None:
    assert seconds(lambda: fnmatchcase(LONG[:-1], glob)) < 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ICG", True),
        ("ä", True),
        ("交易", True),
        ("", False),
        ("  ", False),
        ("\N{NO-BREAK SPACE}", False),
        ("\N{IDEOGRAPHIC SPACE}", False),
        ("\N{ZERO WIDTH SPACE}", False),
        ("\N{ZERO WIDTH NO-BREAK SPACE}", False),
        ("\ud800", False),
        ("\x00\x1b", False),
    ],
)
def test_what_does_not_print_is_no_name(text: str, found: bool) -> None:
    assert contains(r"\S", text) is found


def test_the_end_is_the_end_of_the_text() -> None:
    assert contains("^ICG$", "ICG") is True
    assert contains("^ICG$", "ICG\nmore") is False
    assert contains("^ICG$", "ICG\n") is False


@given(st.text(max_size=8), st.text(max_size=20))
def test_any_two_texts_match_or_not_or_are_refused(pattern: str, text: str) -> None:
    found: object
    try:
        found = contains(pattern, text)
    except PatternError as error:
        found = error.fix
    assert found is False or found


def test_half_a_character_is_no_pattern() -> None:
    with pytest.raises(PatternError, match="unpaired surrogate"):
        check_pattern("\ud800")
