"""What plain scalars mean: the core schema of YAML 1.2.2, section 10.3.2, without its octals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.documents.yaml_tree import plain_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("90", 90),
        ("-7", -7),
        ("+7", 7),
        ("999999999999999999", 999999999999999999),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
    ],
)
def test_words_and_numbers(text: str, value: object) -> None:
    read = plain_scalar(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "no", "yes", "on", "off", "y", "n", "True", "FALSE", "Null", "NULL",
        "2026-01-01", "2026-01-01T00:00:00Z", "12:30", "1:30:00",
        "010", "0o10", "0x1F", "0b1", "1_000", "00", "-", "+", ".", "1.", ".5", "1e", "1e999",
        ".inf", "-.inf", ".nan", "9999999999999999999", "1.1234567890123456789",
        "203.0.113.0/28", "90d", " 1", "1 ",
    ],
)  # fmt: skip
def test_everything_else_is_a_text(text: str) -> None:
    assert plain_scalar(text) == text


@given(st.text())
def test_a_value_is_a_text_or_short(text: str) -> None:
    value = plain_scalar(text)
    assert value == text or len(text) < 60
