"""Egresses: which one an account uses, and the parts in which an inventory is collected."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.accounts.account import Account, Inventory
from gatepolicy.accounts.egress import (
    NO_EGRESSES,
    Division,
    Egresses,
    Part,
    shard_from,
    shard_of,
)
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.errors import DocumentError
from gatepolicy.scanning.project import load_project

HEAD = "apiVersion: gatepolicy/v1\nkind: Inventory\naccounts:\n"
PROJECT = """\
apiVersion: gatepolicy/v1
kind: Project
egresses:
  tokyo:
    addresses: [203.0.113.0/29, 203.0.113.8/29]
    labels: {site: tokyo}
  night: {labels: {desk: night}}
  london: {addresses: [198.51.100.7]}
"""


def egresses(text: str = PROJECT) -> Egresses:
    return load_project("gatepolicy.yaml", read=lambda _: text.encode()).egresses


def project_problems(lines: str) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        egresses(PROJECT[: PROJECT.index("  tokyo")] + lines)
    return [str(problem) for problem in raised.value.problems]


def account(name: str, more: str) -> str:
    return (
        f"  - id: {name}\n    exchange: gate\n"
        f"    credentials: {{apiKey: env:KEY, secret: env:SECRET}}\n    {more}\n"
    )


def load(*accounts: str, declared: Egresses | None = None) -> Inventory:
    text = HEAD + "".join(accounts)
    known = egresses() if declared is None else declared
    return load_inventory("accounts.yaml", read=lambda _: text.encode(), egresses=known)


def problems(*accounts: str, declared: Egresses | None = None) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        load(*accounts, declared=declared)
    return [str(problem) for problem in raised.value.problems]


def addresses(of: Account) -> list[str]:
    return [str(network) for network in of.egress]


def test_an_account_uses_the_egress_that_it_names_or_that_its_labels_fit() -> None:
    by_name, by_label, with_own, without = load(
        account("a", "egress: london"),
        account("b", "labels: {site: tokyo, desk: mm}"),
        account("c", "labels: {site: tokyo}\n    egress: [192.0.2.1]"),
        account("d", "labels: {site: osaka}"),
    ).accounts
    assert (by_name.egress_name, addresses(by_name)) == ("london", ["198.51.100.7/32"])
    assert (by_label.egress_name, addresses(by_label)) == ("tokyo", ["203.0.113.0/28"])
    # What bots trade from is said by the account; it is read from Tokyo all the same.
    assert (with_own.egress_name, addresses(with_own)) == ("tokyo", ["192.0.2.1/32"])
    assert (without.egress_name, addresses(without)) == ("", [])


def test_an_egress_without_addresses_says_nothing_of_them() -> None:
    [night] = load(account("a", "egress: night")).accounts
    assert (night.egress_name, night.egress) == ("night", ())


def test_an_undeclared_egress_is_refused() -> None:
    assert problems(account("a", "egress: tokio")) == [
        "accounts.yaml:7:13: accounts[0].egress: undeclared egress tokio; did you mean tokyo?"
    ]
    [far] = problems(account("a", "egress: sydney"))
    assert far.endswith("undeclared egress sydney; the project declares tokyo, night, london")
    [none] = problems(account("a", "egress: tokyo"), declared=NO_EGRESSES)
    assert none.endswith("undeclared egress tokyo; declare it under egresses in gatepolicy.yaml")
    [wrong] = problems(account("a", "egress: 203.0.113.7"))
    assert "not the name of an egress; write one of the project, such as tokyo, or a list" in wrong


def test_labels_of_two_egresses_are_refused_unless_the_account_names_one() -> None:
    both = "labels: {site: tokyo, desk: night}"
    assert problems(account("a", both)) == [
        "accounts.yaml:7:13: accounts[0].labels: its labels fit two egresses of the project, tokyo"
        " and night; name one of them: egress: tokyo"
    ]
    [named] = load(account("a", f"{both}\n    egress: night")).accounts
    assert named.egress_name == "night"


def test_an_audited_account_that_is_asked_itself_has_the_egress_of_its_auditor() -> None:
    auditor = account("main", "egress: tokyo")
    asked = account("sub", "audited_by: main\n    egress: london")
    assert problems(auditor, asked) == [
        "accounts.yaml:11:17: accounts[1].audited_by: its auditor main has another egress, and both"
        " are read together; give both the same egress, or leave out all credentials but apiKey"
    ]
    assert load(auditor, account("sub", "audited_by: main")).accounts
    bare = (
        "  - {id: sub, exchange: gate, key: 0123456789abcdef, audited_by: main, egress: london}\n"
    )
    accounts = load(auditor, bare).accounts
    parts = Division.of(accounts)
    assert parts.part_of("sub", Part("tokyo")) == Part("tokyo")
    # It is London's addresses all the same that its bots trade from.
    assert addresses(accounts[1]) == ["198.51.100.7/32"]


def test_mistakes_in_a_project_are_refused() -> None:
    assert project_problems("  none: {addresses: [203.0.113.7]}\n") == [
        "gatepolicy.yaml:4:3: egresses.none: none stands for the accounts that name no egress;"
        " choose another name"
    ]
    [wrong] = project_problems("  tokyo: {addresses: [203.0.113.300]}\n")
    assert wrong.startswith("gatepolicy.yaml:4:23: egresses.tokyo.addresses[0]: ")
    [all_of_it] = project_problems("  tokyo: {addresses: [0.0.0.0/0]}\n")
    assert all_of_it.startswith("gatepolicy.yaml:4:22: egresses.tokyo.addresses: ")
    assert project_problems("  Tokyo!: {}\n")


def test_a_digest_is_of_the_inventory_and_of_the_egresses() -> None:
    text = account("a", "egress: london")
    digest = load(text).digest
    assert len(digest) == 64
    assert load(text).digest == digest
    assert load(account("b", "egress: london")).digest != digest
    moved = egresses(PROJECT.replace("198.51.100.7", "198.51.100.8"))
    assert load(text, declared=moved).digest != digest


def test_shards_are_the_same_on_every_machine() -> None:
    # The first 16 digits of: printf 'gate\0a' | sha256sum; that number modulo 10, and one.
    digests = (0x5EF9BCAD31DB807B, 0x46B8EF59B5EBD193, 0x1C6871B9F8EA6FCE)
    by_hand = [digest % 10 + 1 for digest in digests]
    assert [shard_of("gate", name, 10) for name in "abc"] == by_hand == [4, 10, 5]
    assert shard_of("gate", "a", 1) == 1


@pytest.mark.parametrize(
    ("text", "shard"),
    [
        ("3/10", (3, 10)), ("1/1", (1, 1)), ("1000/1000", (1000, 1000)), ("0/3", None),
        ("4/3", None), ("1/1001", None), ("3", None), ("3/10 ", None), ("03/10", None),
    ],
)  # fmt: skip
def test_what_a_shard_is(text: str, shard: tuple[int, int] | None) -> None:
    assert shard_from(text) == shard


def test_a_part_in_words() -> None:
    parts = (Part("tokyo"), Part("tokyo", 2, 3), Part("", 2, 3), Part())
    assert [str(part) for part in parts] == [
        "egress tokyo", "egress tokyo, shard 2/3", "shard 2/3", "shard 1/1",
    ]  # fmt: skip
    assert [part.is_whole for part in parts] == [False, False, False, True]


NAMES = st.lists(st.integers(0, 999), min_size=1, max_size=12, unique=True)
USES = ("egress: tokyo", "egress: london", "labels: {desk: mm}", "audited_by: FIRST")


@settings(max_examples=40)
@given(NAMES, st.data(), st.integers(1, 5))
def test_every_account_is_in_exactly_one_part(
    numbers: Sequence[int], data: st.DataObject, of: int
) -> None:
    uses = [data.draw(st.sampled_from(USES[: 3 if i == 0 else 4])) for i in range(len(numbers))]
    texts = [
        account(f"n{number}", use.replace("FIRST", f"n{numbers[0]}"))
        for number, use in zip(numbers, uses, strict=True)
    ]
    accounts = load(*texts).accounts
    by_shard = [Part("", shard, of) for shard in range(1, of + 1)]
    by_both = [
        *(Part("tokyo", shard, of) for shard in range(1, of + 1)), Part("london"), Part("none"),
    ]  # fmt: skip
    for parts in (by_shard, by_both):
        division = Division.of(accounts)
        for one in accounts:
            takers = [part for part in parts if division.takes(part)(one.subject)]
            assert len(takers) == 1
            # Whatever part looks at it, it knows at least the egress of the one that takes it.
            assert division.part_of(one.subject.id, parts[0]).egress == takers[0].egress
            # The same in any other order, and without the accounts that it does not name.
            shuffled = Division.of(data.draw(st.permutations(accounts)))
            assert shuffled.takes(takers[0])(one.subject)
            audited = [other for other in accounts if other.subject.id == one.audited_by]
            assert Division.of([one, *audited]).takes(takers[0])(one.subject)
            assert all(division.takes(takers[0])(auditor.subject) for auditor in audited)
