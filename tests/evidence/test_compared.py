"""Evidence of several files is compared as one scan would have been, and never passes for more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.accounts.account import Account, fingerprint
from gatepolicy.correlate.collected import Collected, Listed, ListedKey, Target
from gatepolicy.correlate.keys import Declared, keep
from gatepolicy.errors import DocumentError
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason, Unknown
from gatepolicy.model.secret import Secret
from gatepolicy.scanning.compared import EvidenceFile, compare_evidence
from gatepolicy.scanning.evidence import (
    CollectedFile,
    dump_evidence,
    parse_evidence,
    uncompared,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GATE = load_exchange("gate")
PEPPER = b"pepper"
ONE = "onekey-0123456789abcdefone1"
TWO = "twokey-0123456789abcdeftwo2"
MAIN = "mainkey-0123456789abcdefmain"


def account(name: str, *egress: str, line: int = 1, key: str = "", **more: object) -> Account:
    subject = Subject(name, "gate", {"desk": name[0]}, "", Location("a.yaml", line, 5))
    plain = Account(subject, {}, {}, None, None, sandbox=False, timeout=30.0)
    networks = tuple(map(ip_network, egress))
    return replace(plain, key=key, egress=networks, **more)  # type: ignore[arg-type]


def facts() -> Facts:
    exists = Fact(value=True, provenance=Provenance(Grade.OBSERVED, "main_keys", ""))
    return Facts.nothing(Reason.NOT_DISCLOSED).learn("key.exists", exists)


def row(shown: str, mask: str = "*") -> ListedKey:
    return ListedKey("account_keys", shown, mask, facts())


Pair = tuple[Target, Collected]


def read(who: Account, key: str | None = None, *rows: ListedKey) -> Pair:
    listed = Listed(rows, None) if rows else None
    target = Target(who, GATE, None, asks=not who.audited_by, lists=listed is not None)
    evidence = Evidence(who.subject, NOW, facts(), ())
    return target, Collected(evidence, Secret(key) if key else None, listed)


def collection(
    *pairs: Pair, others: Sequence[Declared] = (), selected: int | None = None
) -> CollectedFile:
    """A file, as it comes back once it was written."""
    targets = [target for target, _ in pairs]
    collected = {position: found for position, (_, found) in enumerate(pairs)}
    kept = keep(targets, collected, others, PEPPER, selected=selected)
    narrowed = ("--account x",) if others else ()
    check = fingerprint("gatepolicy", pepper=PEPPER)
    file = CollectedFile(
        NOW, "a.yaml", kept, ("a warning",), fingerprint_check=check, narrowed_by=narrowed
    )
    text = "".join(dump_evidence(file))
    assert not any(key[:10] in text for key in (ONE, TWO, MAIN))
    return parse_evidence(text, "e.json")


def compared(*files: CollectedFile) -> EvidenceFile:
    return compare_evidence({f"{number}.json": one for number, one in enumerate(files, start=1)})


def told(evidence: EvidenceFile, account: str, name: str) -> object:
    found = next(one for one in evidence.accounts if one.subject.id == account)
    known = found.facts.known.get(name)
    return known.value if known is not None else found.facts.unknown[name]


def reason(evidence: EvidenceFile, account: str, name: str) -> Reason:
    why = told(evidence, account, name)
    assert isinstance(why, Unknown)
    return why.reason


def refused(*files: CollectedFile) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        compared(*files)
    return [str(problem) for problem in raised.value.problems]


def test_a_key_that_accounts_of_two_files_share_is_found() -> None:
    one, two = collection(read(account("a"), ONE)), collection(read(account("b"), ONE))
    assert told(compared(one), "a", "key.shared_with") == ()
    both = compared(one, two)
    assert told(both, "a", "key.shared_with") == ("b",)
    assert told(both, "b", "key.shared_with") == ("a",)
    assert (both.files, both.inventories) == ({"a": "1.json", "b": "2.json"}, ("a.yaml",))
    assert both.warnings == ("a warning", "a warning")
    apart = compared(one, collection(read(account("b"), TWO)))
    assert told(apart, "a", "key.shared_with") == told(apart, "b", "key.shared_with") == ()


def test_addresses_of_two_files_are_compared() -> None:
    both = compared(
        collection(read(account("a", "203.0.113.5"), ONE)),
        collection(read(account("b", "203.0.113.0/28"), TWO)),
    )
    assert told(both, "a", "ip.shared_across") == ("desk:a", "desk=b (b)")
    assert told(both, "b", "ip.shared_across") == ("desk:b", "desk=a (a)")


def test_what_is_known_of_a_key_in_part_was_compared_with_the_keys_of_its_own_file_alone() -> None:
    vague = read(account("b", key="twokey-0123*****"))
    together = compared(collection(read(account("a"), ONE), vague))
    assert told(together, "a", "key.shared_with") == ()
    apart = compared(collection(read(account("a"), ONE)), collection(vague))
    assert reason(apart, "a", "key.shared_with") is Reason.NOT_DISCLOSED
    # What its own file knows of the other one's key, is known in both.
    knowing = collection(vague, others=[Declared(account("a"), Secret(ONE))])
    assert (
        told(compared(collection(read(account("a"), ONE)), knowing), "a", "key.shared_with") == ()
    )


def test_what_one_file_left_out_another_one_has() -> None:
    one = collection(read(account("a"), ONE), others=[Declared(account("b"), None)])
    two = collection(read(account("b"), TWO), others=[Declared(account("a"), None)])
    alone = compared(one)
    assert reason(alone, "a", "key.shared_with") is Reason.NOT_SELECTED
    assert alone.narrowed_by == ("--account x",)
    both = compared(one, two)
    assert told(both, "a", "key.shared_with") == ()
    assert both.narrowed_by == ()
    # Of the third one, nobody knows.
    third = Declared(account("c"), None)
    three = compared(one, collection(read(account("b"), TWO), others=[third]))
    assert reason(three, "a", "key.shared_with") is Reason.NOT_SELECTED
    assert three.narrowed_by == ("--account x",)
    # Unless one of the files knows its key.
    known = [Declared(account("a"), None), Declared(account("c"), Secret(MAIN))]
    for files in (
        (
            collection(read(account("b"), TWO), others=[third]),
            collection(read(account("a"), ONE), others=known[1:]),
        ),
        (
            collection(read(account("b"), TWO), others=known),
            collection(read(account("a"), ONE), others=[third]),
        ),
    ):
        assert told(compared(*files), "a", "key.shared_with") == ()


MASTER = account("main", discover=True)


@pytest.mark.parametrize(
    ("shown", "other", "declared"),
    [
        (ONE, read(account("b"), ONE), None),
        (ONE, read(account("b", key=fingerprint(ONE, pepper=PEPPER))), None),
        (ONE, read(account("b"), TWO), False),
        ("onekey-01*****", read(account("b"), ONE), Reason.NOT_DISCLOSED),
        (ONE, read(account("b", key="twokey-01****")), Reason.NOT_DISCLOSED),
        (ONE, read(account("b")), Reason.BAD_CREDENTIALS_CONFIG),
    ],
)
def test_a_listed_key_may_be_declared_in_another_file(
    shown: str, other: Pair, declared: object
) -> None:
    both = compared(collection(read(MASTER, MAIN, row(shown))), collection(other))
    found = [one for one in both.accounts if one.subject.found_by]
    if declared is None:
        assert found == []
        return
    [key] = found
    fact = key.facts.known.get("key.declared")
    assert (fact.value if fact else key.facts.unknown["key.declared"].reason) == declared
    if declared is Reason.NOT_DISCLOSED:
        detail = "b stands in other evidence, and this may be its key"
        assert key.facts.unknown["key.declared"].detail == detail


def test_masked_keys_of_two_files_are_never_taken_for_one() -> None:
    masters = [account("main", discover=True), account("other", discover=True)]
    files = [
        collection(
            read(who, who.subject.id * 8, row("somekey-0123*****"), row("somekey-0123*****"))
        )
        for who in masters
    ]
    found = [one.subject.id for one in compared(*files).accounts if one.subject.found_by]
    assert found == ["main/key-0123", "other/key-0123"]


def test_an_auditor_that_was_read_for_others_alone_is_no_account_of_the_scan() -> None:
    bots = [account(name, key=f"{name}botkey-01*****", audited_by="main") for name in "ab"]
    rows = [row(f"{name}botkey-0123456789") for name in "abc"]
    files = [collection(read(bot), read(MASTER, MAIN, *rows), selected=1) for bot in bots]
    assert [one.subject.id for one in compared(files[0]).accounts] == ["a"]
    both = compared(*files)
    assert [one.subject.id for one in both.accounts] == ["a", "b"]
    assert told(both, "a", "key.exists") is told(both, "b", "key.exists") is True
    # Where it is selected, too, it discovers, and only once.
    others = [Declared(bot, None) for bot in bots]
    whole = compared(*files, collection(read(MASTER, MAIN, *rows), others=others))
    assert [one.subject.id for one in whole.accounts][:3] == ["a", "b", "main"]
    assert [one.subject.found_by for one in whole.accounts].count("main") == 1


def test_facts_of_which_nothing_is_to_be_compared_stand() -> None:
    evidence = Evidence(account("s").subject, NOW, facts(), ())
    file = CollectedFile(NOW, "s.yaml", uncompared([evidence]))
    assert compared(file).accounts == (evidence,)
    # With others, nobody knows whether its key is theirs.
    check = fingerprint("gatepolicy", pepper=PEPPER)
    both = compared(replace(file, fingerprint_check=check), collection(read(account("a"), ONE)))
    assert both.accounts[0] == evidence
    assert reason(both, "a", "key.shared_with") is Reason.NOT_DISCLOSED
    audited = read(account("b", audited_by="s", key=ONE))
    together = collection(audited)
    mixed = replace(together.read, accounts=(*together.read.accounts, *file.read.accounts))
    detail = Unknown(Reason.NOT_DISCLOSED, "s lists no keys")
    assert told(compared(replace(together, read=mixed)), "b", "key.name") == detail


def test_evidence_of_several_files_is_as_old_as_the_oldest() -> None:
    one, two = collection(read(account("a"), ONE)), collection(read(account("b"), ONE))
    early = NOW - timedelta(days=1)
    assert compared(one, replace(two, collected_at=early)).collected_at == early


def test_an_account_is_in_one_file_only() -> None:
    one = collection(read(account("a"), ONE))
    assert refused(one, one) == [
        "2.json:1:1: accounts: the account a is in 1.json, too;"
        " evaluate only the newer evidence of it"
    ]


def test_one_id_is_one_account() -> None:
    one = collection(read(account("a"), ONE), others=[Declared(account("b"), None)])
    two = collection(read(account("b", line=7), ONE))
    assert refused(one, two) == [
        "2.json:1:1: accounts: 1.json has another account b, or declares it differently;"
        " collect both with the same inventory"
    ]


@pytest.mark.parametrize("check", ["", "0" * 32])
def test_fingerprints_of_other_keys_are_not_compared(check: str) -> None:
    one, two = collection(read(account("a"), ONE)), collection(read(account("b"), ONE))
    [problem] = refused(one, replace(two, fingerprint_check=check))
    assert problem == (
        "2.json:1:1: fingerprint_check: its fingerprints have another key than those of 1.json;"
        " collect both with the same inventory or GATEPOLICY_FINGERPRINT_KEY"
    )


def test_catalogs_of_two_versions_are_not_compared() -> None:
    one, two = collection(read(account("a"), ONE)), collection(read(account("b"), ONE))
    [problem] = refused(replace(one, version="1.0"), replace(two, version="1.1"))
    assert problem == (
        "2.json:1:1: tool.version: collected by gatepolicy 1.1, and 1.json by 1.0;"
        " collect both with the same version"
    )


KEYS = (ONE, TWO, MAIN)
SHOWN = (*KEYS, *(f"{key[:10]}*****" for key in KEYS), "******")


DRAWN = st.fixed_dictionaries(
    {
        "key": st.sampled_from(KEYS),
        "is_read": st.booleans(),
        "named": st.sampled_from(("", "in part", "by its fingerprint")),
        "egress": st.sampled_from(((), ("203.0.113.5",), ("203.0.113.0/28",))),
        "rows": st.lists(st.sampled_from(SHOWN), max_size=3),
    }
)


def drawn(name: str, of: dict[str, Any]) -> Pair:
    key = of["key"]
    named = {"in part": f"{key[:10]}*****", "by its fingerprint": fingerprint(key, pepper=PEPPER)}
    who = account(name, *of["egress"], key=named.get(of["named"], ""), discover=bool(of["rows"]))
    return read(who, key if of["is_read"] else None, *map(row, of["rows"]))


def known_elsewhere(pair: Pair, *, knows: bool) -> Declared:
    target, collected = pair
    return Declared(target.account, collected.api_key if knows else None)


def shared(entries: object) -> set[str]:
    """Who works from the same addresses; without ids, since keys may be found in one of both."""
    assert isinstance(entries, tuple | Unknown)
    return set() if isinstance(entries, Unknown) else {str(one).split()[0] for one in entries}


def undeclared(evidence: EvidenceFile) -> list[Evidence]:
    facts = [(one, one.facts.known.get("key.declared")) for one in evidence.accounts]
    return [one for one, fact in facts if fact is not None and fact.value is False]


@settings(max_examples=60)
@given(st.lists(DRAWN, min_size=4, max_size=4), st.integers(0, 4), st.booleans())
def test_evidence_that_was_collected_apart_passes_no_more_than_together(
    accounts: list[dict[str, Any]], cut: int, knows: bool
) -> None:
    read_pairs = [drawn(name, of) for name, of in zip("abcd", accounts, strict=True)]
    parts = [part for part in (read_pairs[:cut], read_pairs[cut:]) if part]
    files = [
        collection(
            *part,
            others=[known_elsewhere(one, knows=knows) for one in read_pairs if one not in part],
        )
        for part in parts
    ]
    whole, apart = compared(collection(*read_pairs)), compared(*files)
    for name in "abcd":
        assert shared(told(whole, name, "ip.shared_across")) <= shared(
            told(apart, name, "ip.shared_across")
        )
        if told(apart, name, "key.shared_with") == ():
            assert told(whole, name, "key.shared_with") == ()
    found = [one for one in apart.accounts if one.subject.found_by]
    assert len(undeclared(whole)) <= len(found)
