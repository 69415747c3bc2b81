import re
from collections.abc import Iterable
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepolicy.reports.clean import clean
from gatepolicy.reports.text_layout import (
    Span,
    Tone,
    cut,
    labelled,
    line,
    pad,
    paint,
    paragraph,
    width_of,
    wrap,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, (naïve) 東京 →", "plain text, (naïve) 東京 →"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\tb\nc\x7f", "a\\x09b\\x0ac\\x7f"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("\u200bhidden", "\\u200bhidden"),
        ("lone\ud800", "lone\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("##[set-output name=gate]pass", "\\x23#[set-output name=gate]pass"),
        ("###[x] ##vso[y]", "\\x23\\x23#[x] \\x23#vso[y]"),
        ("::error file=a::b", "\\x3a:error file=a::b"),
        ("::add-mask::x", "\\x3a:add-mask\\x3a:x"),
        ("2001:db8::1/128 ::/0 ::ffff:203.0.113.9", "2001:db8::1/128 ::/0 ::ffff:203.0.113.9"),
    ],
)
def test_clean_shows_what_does_not_print(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text())
def test_clean_text_prints_and_is_clean_already(text: str) -> None:
    assert clean(text).isprintable()
    assert clean(clean(text)) == clean(text)


GITHUB = ["add-mask", "debug", "echo", "endgroup", "error", "group", "notice", "save-state",
          "set-output", "stop-commands", "warning"]  # fmt: skip


def commands_in(lines: Iterable[str]) -> list[str]:
    """What a runner would take for a command, as actions/runner (ActionCommand.cs) reads lines."""
    found = []
    for text in lines:
        name, colons, _ = text.lstrip().removeprefix("::").partition("::")
        if text.lstrip().startswith("::") and colons and name.split(" ")[0].lower() in GITHUB:
            found.append(text)
        if re.search(r"##\[|##vso\[|##teamcity\[", text):
            found.append(text)
    return found


hostile = st.lists(
    st.sampled_from(
        [":", "::", "#", "##", "[", "]", " ", "\u200b", "\n", "vso[", "x", "é", *GITHUB]
    )
).map("".join)


@given(hostile, st.integers(4, 40), st.integers(0, 8))
@example("x::error::y", 9, 8)
@example("aaa ::error::y", 9, 8)
def test_no_line_is_a_command_to_a_ci_runner(text: str, width: int, indent: int) -> None:
    lines = [
        *paragraph(text, width + indent, indent=indent),
        (Span(text),),
        (Span("  "), Span(text)),
    ]
    assert not commands_in(paint(lines, colour=False))
    assert not commands_in(paint(lines, colour=True))
    assert not commands_in([cut(text, width)])


def test_what_a_runner_takes_for_a_command() -> None:
    assert len(commands_in([" ::error file=a::b", "a ##[group]b", "##vso[x]", "::ADD-MASK::"])) == 4
    assert not commands_in(["::/0", "2001:db8::1", "x::error::", "# [x]"])


def test_width_counts_columns_of_a_terminal() -> None:
    assert width_of("gate") == 4
    assert width_of("東京") == 4
    assert width_of("e\u0301") == 1


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("market", 6, "market"), ("market-making", 7, "market…"), ("東京市場", 6, "東京…"),
     ("東京市場", 4, "東…")],
)  # fmt: skip
def test_cut(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected


def test_pad_fills_columns_not_characters() -> None:
    assert pad("東", 4) == "東  "
    assert pad("abcd", 2) == "abcd"


@given(st.text(), st.integers(4, 30))
def test_wrapped_lines_fit_and_lose_no_word(text: str, width: int) -> None:
    lines = list(wrap(text, width))
    assert all(width_of(part) <= width for part in lines)
    words = [clean(word) for word in text.split()]
    assert "".join(lines).replace(" ", "") == "".join(words).replace(" ", "")


def test_wrap_breaks_a_long_word_and_joins_lines() -> None:
    assert list(wrap("one\ntwo abcdefghij", 7)) == ["one two", "abcdefg", "hij"]
    assert list(wrap("", 7)) == [""]


def test_wrap_ends_when_a_character_is_wider_than_the_line() -> None:
    assert list(wrap("東京", 1)) == ["東", "京"]


@pytest.mark.parametrize("word", ["a", "東", "\u0301", "\u200b", "a ", "\u0301 ", "a東\u0301"])
def test_a_text_of_400_000_characters_is_wrapped_in_a_moment(word: str) -> None:
    seconds = []
    for length in (50_000, 400_000):
        text = word * (length // len(word))
        before = process_time()
        lines = list(wrap(text, 70))
        seconds.append(process_time() - before)
        assert sum(map(len, lines)) >= len(text.replace(" ", ""))
    # Eight times the text in about eight times the time: it was quadratic.
    assert seconds[1] < 30 * max(seconds[0], 0.01)


def test_marks_that_take_no_column_stay_with_their_character() -> None:
    assert list(wrap("ab\u0301c", 2)) == ["ab\u0301", "c"]


def test_paragraph_is_indented() -> None:
    text = "".join(paint(paragraph("one two three", 9, indent=2), colour=False))
    assert text == "  one two\n  three\n"


def test_labelled_stands_behind_its_label() -> None:
    text = "".join(paint(labelled("fix", "one two three", 22), colour=False))
    assert text == "    fix       one two\n              three\n"


def test_labelled_says_nothing_without_a_text() -> None:
    assert list(labelled("seen", "", 80)) == []


def test_colour_only_when_asked_and_reset_after_each_piece() -> None:
    lines = [(Span("bad", Tone.BAD), Span(" plain")), line("quiet  ", Tone.QUIET)]
    assert list(paint(lines, colour=True)) == [
        "\x1b[1;31mbad\x1b[0m plain\n",
        "\x1b[2mquiet  \x1b[0m\n",
    ]
    assert list(paint(lines, colour=False)) == ["bad plain\n", "quiet\n"]


def test_a_painted_text_cannot_bring_its_own_escape_sequence() -> None:
    assert list(paint([line("\x1b[2J", Tone.GOOD)], colour=True)) == ["\x1b[32m\\x1b[2J\x1b[0m\n"]
