"""How far a permission word reaches, by hand."""

import pytest

from gatepolicy.exchanges.exchange import Word
from gatepolicy.model.facts import Access, Capability

READ, SPOT, CONVERT = Capability.READ, Capability.TRADE_SPOT, Capability.CONVERT
TRADE = Word("trade", "Trade", frozenset({READ, SPOT}), frozenset({CONVERT}), "not said")
PAY = Word("pay", "Pay", frozenset({Capability.WITHDRAW}), frozenset(), "")


@pytest.mark.parametrize("access", [Access.READ_WRITE, Access.GRANTED, Access.UNKNOWN])
def test_a_word_that_may_write_reaches_as_far_as_it_can(access: Access) -> None:
    assert TRADE.surely_grants(access) == {READ, SPOT}
    assert TRADE.may_grant(access) == {READ, SPOT, CONVERT}
    assert PAY.surely_grants(access) == PAY.may_grant(access) == {Capability.WITHDRAW}


def test_a_word_for_reading_only_grants_no_more_than_reading() -> None:
    assert TRADE.surely_grants(Access.READ_ONLY) == TRADE.may_grant(Access.READ_ONLY) == {READ}
    assert PAY.surely_grants(Access.READ_ONLY) == PAY.may_grant(Access.READ_ONLY) == frozenset()


def test_what_a_word_may_grant_if_nothing_is_said_about_its_reach() -> None:
    assert TRADE.may_grant() == {READ, SPOT, CONVERT}
