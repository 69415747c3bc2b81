"""Accounts that must be apart, and the addresses that they work from."""

from collections.abc import Sequence
from ipaddress import ip_network
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.correlate.addresses import Addressed, addresses_of, shared_across
from gatepolicy.evaluate.predicates import PREDICATES
from gatepolicy.model.facts import Fact, Facts, Grade, Network, Provenance, Reason, Unknown

OBSERVED = Provenance(Grade.OBSERVED, "call", "")
UNTOLD = Unknown(Reason.NOT_DISCLOSED, "not told")


def nets(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def at(name: str, desk: str, *texts: str) -> Addressed:
    return Addressed(name, {"desk": desk} if desk else {}, nets(*texts))


def shared(*accounts: Addressed) -> list[tuple[str, ...] | Unknown]:
    """What is told of others; each account's own labels stand there, too."""
    told = []
    for account, found in zip(accounts, shared_across(accounts), strict=True):
        if not isinstance(found, Unknown):
            own = {f"{label}:{value}" for label, value in account.labels.items()}
            assert own <= set(found)
            found = tuple(entry for entry in found if entry not in own)
        told.append(found)
    return told


def test_desks_with_a_common_address_are_told_from_each_other() -> None:
    found = shared(
        at("mm-1", "mm", "203.0.113.5"),
        at("mm-2", "mm", "203.0.113.5", "203.0.113.6"),
        at("otc-1", "otc", "203.0.113.6"),
        at("vault", "vault", "203.0.113.9"),
    )
    assert found == [(), ("desk=otc (otc-1)",), ("desk=mm (mm-2)",), ()]


def test_a_range_holds_its_addresses() -> None:
    found = shared(
        at("a", "x", "203.0.113.0/28"), at("b", "y", "203.0.113.15"), at("c", "z", "203.0.113.16")
    )
    assert found == [("desk=y (b)",), ("desk=x (a)",), ()]


def test_a_range_holds_its_first_address() -> None:
    found = shared(at("a", "x", "203.0.113.0/24"), at("b", "y", "203.0.113.0"))
    assert found == [("desk=y (b)",), ("desk=x (a)",)]


def test_an_account_without_the_label_that_was_left_out() -> None:
    other = Addressed("b", {}, nets("203.0.113.6"), is_left_out=True)
    assert shared(at("a", "x", "203.0.113.5"), other)[0] == ("desk~none (b)",)
    assert shared(at("a", "x", "203.0.113.6"), other)[0] == ("desk?none (b)", "desk~none (b)")


def test_versions_of_addresses_are_apart() -> None:
    assert shared(at("a", "x", "2001:db8::/32"), at("b", "y", "203.0.113.5")) == [(), ()]
    assert shared(at("a", "x", "2001:db8::/32"), at("b", "y", "2001:db8::5"))[0] == ("desk=y (b)",)


def test_nobody_knows_the_desk_of_an_account_without_the_label() -> None:
    auditor = at("auditor", "", "203.0.113.5")
    assert shared(auditor, at("b", "y", "203.0.113.5")) == [(), ("desk?none (auditor)",)]
    assert shared(auditor, at("b", "y", "203.0.113.6")) == [(), ()]
    unknown = Addressed("auditor", {}, UNTOLD)
    assert shared(unknown, at("b", "y", "203.0.113.6")) == [UNTOLD, ("desk?none (auditor)",)]


def test_an_account_that_was_not_asked_may_work_from_anywhere() -> None:
    other = Addressed("b", {"desk": "y"}, nets("203.0.113.6"), is_left_out=True)
    assert shared(at("a", "x", "203.0.113.5"), other)[0] == ("desk~y (b)",)
    assert shared(at("a", "x", "203.0.113.6"), other)[0] == ("desk=y (b)", "desk~y (b)")


def test_an_account_of_which_nobody_knows_leaves_its_neighbours_open() -> None:
    unknown = Addressed("kraken", {"desk": "otc"}, UNTOLD)
    found = shared(at("a", "mm", "203.0.113.5"), at("b", "otc", "203.0.113.6"), unknown)
    assert found == [("desk?otc (kraken)",), (), UNTOLD]


def test_a_key_that_works_from_everywhere_has_no_address_of_its_own() -> None:
    # That it is unbound is a finding by itself, and the clause fails for it.
    assert addresses_of(known("0.0.0.0/0", "::/0"), ()) == ()
    assert addresses_of(known("0.0.0.0/0"), nets("203.0.113.5")) == nets("203.0.113.5")
    found = shared(Addressed("a", {"desk": "x"}, ()), at("b", "y", "203.0.113.5"))
    assert found == [(), ()]


def known(*texts: str) -> Facts:
    return Facts({"ip.allowlist": Fact(nets(*texts), OBSERVED)}, {})


def test_what_the_exchange_tells_comes_before_what_the_inventory_declares() -> None:
    assert addresses_of(known("203.0.113.5"), nets("203.0.113.6")) == nets("203.0.113.5")
    hidden = Facts({}, {"ip.allowlist": UNTOLD})
    assert addresses_of(hidden, nets("203.0.113.6")) == nets("203.0.113.6")
    nothing = addresses_of(hidden, ())
    assert nothing == Unknown(Reason.NOT_DISCLOSED, "not told; the inventory has no egress")
    untold = Unknown(Reason.NOT_DISCLOSED, "the inventory has no egress")
    assert addresses_of(Facts({}, {}), ()) == untold


places = st.sampled_from(
    [
        "203.0.113.5",
        "203.0.113.6",
        "203.0.113.4/30",
        "203.0.113.0/24",
        "2001:db8::1",
        "2001:db8::/64",
    ]
)
accounts = st.lists(
    st.tuples(st.sampled_from("xyz"), st.none() | st.lists(places, max_size=3, unique=True)),
    max_size=6,
)


def addressed(drawn: Sequence[tuple[str, list[str] | None]]) -> list[Addressed]:
    return [
        Addressed(str(n), {"desk": desk}, UNTOLD if texts is None else nets(*texts))
        for n, (desk, texts) in enumerate(drawn)
    ]


def overlap(one: Network, other: Network) -> bool:
    if one.version != other.version:
        return False
    first, last = int(one.network_address), int(one.broadcast_address)
    return first <= int(other.broadcast_address) and int(other.network_address) <= last


@given(accounts)
def test_it_finds_what_comparing_every_pair_finds(
    drawn: list[tuple[str, list[str] | None]],
) -> None:
    firm = addressed(drawn)
    for one, found in zip(firm, shared_across(firm), strict=True):
        if isinstance(one.addresses, Unknown):
            assert found is UNTOLD
            continue
        mine = one.addresses
        pairs = [
            other.labels["desk"]
            for other in firm
            if not isinstance(other.addresses, Unknown)
            and other.labels["desk"] != one.labels["desk"]
            and any(overlap(a, b) for a, b in product(mine, other.addresses))
        ]
        assert isinstance(found, tuple)
        assert {e.split("=")[1].split()[0] for e in found if "=" in e} == set(pairs)


@given(accounts, st.lists(places, min_size=1, max_size=2, unique=True))
def test_knowing_more_never_turns_a_verdict_over(
    drawn: list[tuple[str, list[str] | None]], learnt: list[str]
) -> None:
    before = addressed(drawn)
    after = addressed([(desk, learnt if texts is None else texts) for desk, texts in drawn])
    judge = PREDICATES["apart_by"]
    from datetime import UTC, datetime

    now = datetime(2026, 1, 1, tzinfo=UTC)
    for was, is_now in zip(shared_across(before), shared_across(after), strict=True):
        if isinstance(was, Unknown) or isinstance(is_now, Unknown):
            continue
        verdict = judge(was, ("desk",), now)
        if verdict is not None:
            assert judge(is_now, ("desk",), now) is verdict
