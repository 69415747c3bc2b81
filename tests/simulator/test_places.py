"""Where something stands in a request."""

import pytest

from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.schemes.parts import part

ASKED = Request("GET", "/x", "", {"Authorization": "Moon key:12:abc"}, b"", 0.0)
HEADER = {"header": "Authorization"}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, "Moon key:12:abc"),
        ({"after": "Moon "}, "key:12:abc"),
        ({"after": "Moon ", "item": "0"}, "key"),
        ({"after": "Moon ", "item": "2"}, "abc"),
        ({"after": "Moon ", "item": "3"}, ""),
        ({"after": "Sun "}, ""),
    ],
)
def test_a_part_of_a_header(more: dict[str, str], found: str) -> None:
    assert part(ASKED, {**HEADER, **more}) == found
