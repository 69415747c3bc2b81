"""Which waivers name which accounts, as quickly for many as for few."""

from datetime import date
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.accounts.account import Selector
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.verdicts import WaiverTerms
from gatepolicy.waivers.apply import naming_waivers
from gatepolicy.waivers.waiver import Waiver

PLACE = Location("w.yaml", 4, 5)
IDS = ["a", "ab", "a/k", "b", "b1", "b[1]", "a*"]
NAMES = ["a", "ab", "a*", "?b", "a/k", "*", "[ab]", "b[1]", "b[[]1]", "*k", "nobody", ""]


def waiver(number: int, selector: Selector, rule: str = "key-idle") -> Waiver:
    day = date(2026, 11, 1)
    terms = WaiverTerms(f"W-{number}", rule, "desk", "because", "", "", day, day, PLACE)
    return Waiver(terms, selector, "", only_unknown=False)


subjects = st.builds(
    Subject,
    id=st.sampled_from(IDS),
    exchange=st.sampled_from(["okx", "gate"]),
    labels=st.sampled_from([{}, {"desk": "mm"}]),
    owner=st.just(""),
    location=st.just(PLACE),
    found_by=st.sampled_from(["", "", "a", "b"]),
)
selectors = st.builds(
    Selector,
    accounts=st.lists(st.sampled_from(NAMES), max_size=3).map(tuple),
    exchanges=st.sampled_from([frozenset(), frozenset({"okx"})]),
    labels=st.sampled_from([{}, {"desk": "mm"}]),
)


def test_a_waiver_names_an_account_and_not_the_keys_that_were_found_beside_it() -> None:
    one = waiver(1, Selector(accounts=("a*",)))
    account = Subject("ab", "okx", {}, "", PLACE)
    found = Subject("ab/key", "okx", {}, "", PLACE, found_by="ab")
    assert (one.names(account), one.names(found)) == (True, False)


@given(st.lists(subjects, max_size=5), st.lists(selectors, max_size=5))
def test_it_is_what_each_waiver_says_of_each_account(
    accounts: list[Subject], chosen: list[Selector]
) -> None:
    waivers = [waiver(number, selector) for number, selector in enumerate(chosen)]
    expected = [[one for one in waivers if one.names(account)] for account in accounts]
    assert naming_waivers(accounts, waivers) == expected


@pytest.mark.parametrize("name", ["mm-{}", "mm-{}-*", "*-{}"])
def test_a_hundred_thousand_waivers_are_found_quickly(name: str) -> None:
    accounts = [Subject(f"mm-{n}", "okx", {}, "", PLACE) for n in range(300)]
    count = 100_000 if name == "mm-{}" else 1_000
    waivers = [waiver(n, Selector((name.format(n),))) for n in range(count)]
    before = process_time()
    naming = naming_waivers(accounts, waivers)
    assert process_time() - before < 10
    assert sum(map(len, naming)) == (0 if name == "mm-{}-*" else 300)


def test_a_waiver_of_a_hundred_thousand_accounts_is_no_other() -> None:
    accounts = [Subject(f"mm-{n}", "okx", {}, "", PLACE) for n in range(300)]
    names = tuple(f"mm-{n}" for n in range(100_000))
    before = process_time()
    assert all(naming_waivers(accounts, [waiver(1, Selector(names))]))
    assert process_time() - before < 5
