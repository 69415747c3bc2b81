"""Placeholders of rules."""

from datetime import timedelta
from ipaddress import ip_network

import pytest

from gatepolicy.rules.rule import (
    AllOf,
    AnyOf,
    Argument,
    Ask,
    Condition,
    Each,
    duration_in_words,
    fill_condition,
    fill_text,
    in_words,
)
from gatepolicy.rules.rule import Test as Check


def test_an_item_becomes_part_of_the_fact() -> None:
    template = Check("permission.{item}", "is", argument=False)
    assert fill_condition(template, "earn", None) == Check("permission.earn", "is", argument=False)


@pytest.mark.parametrize("value", [7, "x", True, timedelta(1), (ip_network("203.0.113.0/28"),)])
def test_a_value_keeps_its_type(value: Argument) -> None:
    filled = fill_condition(Check("f", "p", "{value}"), "", value)
    assert filled == Check("f", "p", value)


@pytest.mark.parametrize("argument", [None, 0, False, "value", "a {value}"])
def test_other_arguments_stay(argument: Argument) -> None:
    assert fill_condition(Check("f", "p", argument), "", 7) == Check("f", "p", argument)


def test_parts_are_filled_at_any_depth() -> None:
    def nested(argument: Argument) -> Condition:
        return AllOf((Check("a", "p"), AnyOf((Check("b", "p", argument), Check("c", "p")))))

    assert fill_condition(nested("{value}"), "", 7) == nested(7)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (timedelta(days=90), "90 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=48), "2 days"),
        ((ip_network("203.0.113.0/28"), ip_network("198.51.100.7")),
         "203.0.113.0/28, 198.51.100.7/32"),
        (("BTC_USDT", "ETH_USDT"), "BTC_USDT, ETH_USDT"),
        (28, "28"),
        ("^ICG-", "^ICG-"),
    ],
)  # fmt: skip
def test_values_in_words(value: Argument, words: str) -> None:
    assert in_words(value) == words


def test_texts_are_filled() -> None:
    assert fill_text("{what}: at most {value}", "age", timedelta(days=2)) == "age: at most 2 days"


def test_a_duration_of_days() -> None:
    assert duration_in_words(timedelta(weeks=2)) == "14 days"


@pytest.mark.parametrize(
    ("only", "besides", "taken"),
    [
        ((), (), ["a", "b"]),
        (("a",), (), ["a"]),
        ((), ("a",), ["b"]),
        (("a", "b"), ("a",), ["b"]),
    ],
)
def test_which_items_are_taken(
    only: tuple[str, ...], besides: tuple[str, ...], taken: list[str]
) -> None:
    ask = Ask(("x.y",), Each.ITEM, frozenset(only), frozenset(besides), Check("f", "p"), "good")
    assert [item for item in ("a", "b") if ask.takes(item)] == taken
