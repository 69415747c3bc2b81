"""Parts of an inventory, collected apart and in any order, are judged as the whole, or unknown."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.accounts.account import Account, fingerprint
from gatepolicy.accounts.egress import Division, Part
from gatepolicy.correlate.collected import Collected, Listed, ListedKey, Target
from gatepolicy.correlate.keys import Declared, keep
from gatepolicy.errors import DocumentError
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import FACTS, Fact, Facts, Grade, Network, Provenance, Reason, Unknown
from gatepolicy.model.secret import Secret
from gatepolicy.scanning.compared import (
    EvidenceFile,
    compare_evidence,
    merge_evidence,
    missing_accounts,
)
from gatepolicy.scanning.evidence import CollectedFile, dump_evidence, parse_evidence

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GATE = load_exchange("gate")
PEPPER = b"pepper"
CHECK = fingerprint("gatepolicy", pepper=PEPPER)
KEYS = tuple(f"{name}key-0123456789abcdef{name}" for name in ("one1", "two2", "six6"))
MASKED = tuple(f"{key[:11]}*****" for key in KEYS)
NAMES = "abcde"
ACCOUNT = {
    "key": st.sampled_from(KEYS),
    "egress_name": st.sampled_from(("", "tokyo", "london")),
    "egress": st.sampled_from(((), ("203.0.113.5",), ("203.0.113.0/28",))),
}
WHOLE = st.fixed_dictionaries(
    {
        **ACCOUNT,
        "is_read": st.just(value=True),
        "rows": st.lists(st.sampled_from(KEYS), max_size=2),
    }
)
MASKING = st.fixed_dictionaries(
    {
        **ACCOUNT,
        "is_read": st.booleans(),
        "rows": st.lists(st.sampled_from((*KEYS, *MASKED)), max_size=2),
    }
)
DIVISIONS = (
    (Part("", 1, 3), Part("", 2, 3), Part("", 3, 3)),
    (Part("tokyo", 1, 2), Part("tokyo", 2, 2), Part("london"), Part("none")),
)
Pair = tuple[Target, Collected]


def facts() -> Facts:
    exists = Fact(value=True, provenance=Provenance(Grade.OBSERVED, "main_keys", ""))
    return Facts.nothing(Reason.NOT_DISCLOSED).learn("key.exists", exists)


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


def read(position: int, of: dict[str, Any]) -> Pair:
    name, rows = NAMES[position], of["rows"]
    subject = Subject(name, "gate", {"desk": name}, "", Location("a.yaml", position + 1, 5))
    account = replace(
        Account(subject, {}, {}, None, None, sandbox=False, timeout=30.0),
        egress=networks(of["egress"]),
        egress_name=of["egress_name"],
        discover=bool(rows),
    )
    listed = [ListedKey("account_keys", shown, "*", facts()) for shown in rows]
    target = Target(account, GATE, None, asks=True, lists=bool(rows))
    key = Secret(of["key"]) if of["is_read"] else None
    evidence = Evidence(subject, NOW, facts(), ())
    return target, Collected(evidence, key, Listed(tuple(listed), None) if rows else None)


def collected(pairs: Sequence[Pair], part: Part) -> CollectedFile:
    """What one part reads."""
    division = Division.of([target.account for target, _ in pairs])
    takes = division.takes(part)
    mine = [pair for pair in pairs if takes(pair[0].account.subject)]
    others = [Declared(pair[0].account, None) for pair in pairs if pair not in mine]
    kept = keep(
        [target for target, _ in mine], {i: one for i, (_, one) in enumerate(mine)}, others, PEPPER
    )
    left_out = [
        replace(one, read_by=str(division.part_of(one.subject.id, part))) for one in kept.left_out
    ]
    return CollectedFile(
        NOW, "a.yaml", replace(kept, left_out=left_out), fingerprint_check=CHECK,
        parts=() if part.is_whole else (part,), inventory_digest="1" * 64, catalog_digest="2" * 64,
    )  # fmt: skip


def again(file: CollectedFile) -> CollectedFile:
    return parse_evidence("".join(dump_evidence(file)), "e.json")


def named(files: Sequence[CollectedFile]) -> dict[str, CollectedFile]:
    return {f"{number}.json": one for number, one in enumerate(files, start=1)}


def compared(*files: CollectedFile) -> EvidenceFile:
    return compare_evidence(named(files))


def merged(*files: CollectedFile) -> CollectedFile:
    return merge_evidence(named(files))


@settings(max_examples=40)
@given(st.lists(WHOLE, min_size=1, max_size=5), st.sampled_from(DIVISIONS), st.randoms())
def test_parts_are_judged_as_the_whole(
    accounts: list[dict[str, Any]], parts: Sequence[Part], random: Any
) -> None:
    pairs = [read(position, of) for position, of in enumerate(accounts)]
    whole = compared(collected(pairs, Part()))
    files = [collected(pairs, part) for part in parts]
    assert list(compared(*files).accounts) == list(whole.accounts)
    random.shuffle(files)
    assert list(compared(*files).accounts) == list(whole.accounts)
    assert list(compared(merged(*files)).accounts) == list(whole.accounts)
    # In two steps as well, and in any order: the file is the same.
    assert merged(merged(*files[:2]), *files[2:]) == merged(*files)
    assert not missing_accounts(files)


@settings(max_examples=40)
@given(
    st.lists(MASKING, min_size=1, max_size=5),
    st.sampled_from(DIVISIONS),
    st.sets(st.integers(0, 3), min_size=1),
)
def test_what_a_missing_part_would_say_is_unknown(
    accounts: list[dict[str, Any]], parts: Sequence[Part], there: set[int]
) -> None:
    pairs = [read(position, of) for position, of in enumerate(accounts)]
    whole = compared(collected(pairs, Part()))
    files = [collected(pairs, part) for i, part in enumerate(parts) if i in there]
    if not files:
        return
    found = compared(*files)
    assert list(compared(merged(*files)).accounts) == list(found.accounts)
    declared = [one for one in found.accounts if not one.subject.found_by]
    assert [one.subject.id for one in declared] == list(NAMES[: len(pairs)])
    read_ids = {one.evidence.subject.id for file in files for one in file.read.accounts}
    for one in declared:
        if one.subject.id not in read_ids:
            assert one.facts.known == {}
            assert {why.reason for why in one.facts.unknown.values()} == {Reason.NOT_COLLECTED}
            assert set(found.files) == set(NAMES[: len(pairs)])
    by_id = {one.subject.id: one for one in whole.accounts}
    for one in declared:
        # Nobody shares a key or an address of a part less than in the whole.
        for name in ("key.shared_with", "ip.shared_across"):
            known = one.facts.known.get(name)
            if known is not None and known.value == ():
                fact = by_id[one.subject.id].facts.known[name]
                assert fact.value == ()
    assert found.narrowed_by == ()


PLAIN = {"key": KEYS[0], "egress_name": "", "egress": (), "is_read": True, "rows": []}


def shards(*accounts: dict[str, Any]) -> list[CollectedFile]:
    pairs = [read(position, {**PLAIN, **of}) for position, of in enumerate(accounts)]
    return [again(collected(pairs, part)) for part in DIVISIONS[0]]


FIVE = [{"key": KEYS[position % 3]} for position in range(5)]


def test_each_missing_part_is_named_once() -> None:
    # Of five accounts of Gate, a and e are in the first of three shards, b in the second ...
    files = shards(*FIVE)
    counts = [len(file.read.accounts) for file in files]
    assert sum(counts) == 5
    alone = compared(files[0])
    [second, third] = alone.warnings
    assert second.startswith("shard 2/3 is missing: ")
    assert third.startswith("shard 3/3 is missing: ")
    assert third.endswith("collect the missing part, and evaluate all parts together")
    assert compared(*files).warnings == ()


def test_the_part_that_would_read_an_account_is_known_best_by_its_own_egress() -> None:
    pairs = [read(position, {**PLAIN, "egress_name": "tokyo"}) for position in range(5)]
    one = collected(pairs, Part("tokyo", 1, 2))
    rest = collected(pairs, Part("none"))
    for files in ((one, rest), (rest, one)):
        why = {other.read_by for other in missing_accounts(files).values()}
        assert why == {"egress tokyo, shard 2/2"}
    assert {other.read_by for other in missing_accounts([rest]).values()} == {"egress tokyo"}


def test_parts_of_two_machines_may_name_the_inventory_by_two_paths() -> None:
    files = shards(*FIVE)
    whole = compared(*files)

    def elsewhere(file: CollectedFile) -> CollectedFile:
        text = "".join(dump_evidence(file))
        return parse_evidence(text.replace('"a.yaml"', '"/srv/a.yaml"'), "e.json")

    assert compared(files[0], *map(elsewhere, files[1:])) == whole
    assert merged(files[0], *map(elsewhere, files[1:])) == merged(*files)
    [first] = compared(*map(elsewhere, files)).inventories
    assert first == "/srv/a.yaml"


def test_a_part_is_judged_beside_the_evidence_of_another_inventory() -> None:
    part, *_ = shards(*FIVE)
    subject = Subject("z", "gate", {"desk": "z"}, "", Location("z.yaml", 1, 5))
    account = Account(subject, {}, {}, None, None, sandbox=False, timeout=30.0)
    target = Target(account, GATE, None, asks=True, lists=False)
    kept = keep(
        [target], {0: Collected(Evidence(subject, NOW, facts(), ()), None, None)}, [], PEPPER
    )
    other = CollectedFile(NOW, "z.yaml", kept, fingerprint_check=CHECK)
    found = compared(part, other)
    assert [one.subject.id for one in found.accounts if "key.exists" in one.facts.known] == [
        *(one.evidence.subject.id for one in part.read.accounts), "z",
    ]  # fmt: skip
    assert len(found.accounts) == 6
    with pytest.raises(DocumentError, match="so it is no part"):
        merged(part, other)


def test_an_account_that_was_collected_again_is_not_missing() -> None:
    pairs = [read(position, {**PLAIN, **of}) for position, of in enumerate(FIVE)]
    first, *_ = (collected(pairs, part) for part in DIVISIONS[0])
    ids = {one.evidence.subject.id for one in first.read.accounts}
    rest = [pair for pair in pairs if pair[0].account.subject.id not in ids]
    kept = keep([t for t, _ in rest], {i: one for i, (_, one) in enumerate(rest)}, [], PEPPER)
    again_read = CollectedFile(NOW, "a.yaml", kept, fingerprint_check=CHECK, narrowed_by=("--x",))
    found = compared(first, again_read)
    assert all("key.exists" in one.facts.known for one in found.accounts)
    assert found.narrowed_by == ()


def test_what_was_merged_is_as_old_as_its_oldest_part() -> None:
    one, two, three = shards(*FIVE)
    early = NOW - timedelta(days=1)
    assert again(merged(three, one, two)) == merged(one, two, three)
    assert merged(one, replace(two, collected_at=early), three).collected_at == early


def test_parts_of_a_file_are_checked() -> None:
    one, two, _ = shards(*FIVE)
    both = merge_evidence(named([one, two]))
    text = "".join(dump_evidence(both))
    for wrong, message in (
        (text.replace('"part": 1', '"part": 2'), "].part: there are only 2 parts"),
        (text.replace('"shard": 2', '"shard": 4'), "parts[1].shard: there are only 3 shards"),
    ):
        with pytest.raises(DocumentError, match=message.replace("[", r"\[").replace("]", r"\]")):
            parse_evidence(wrong, "e.json")
    kept, twice = both.read.left_out, both.read.left_out[0]
    doubled = replace(both, read=replace(both.read, left_out=[*kept, twice]))
    with pytest.raises(DocumentError, match="duplicate id"):
        again(doubled)


def test_nothing_is_known_of_an_account_that_is_missing() -> None:
    files = shards(*FIVE)
    found = compared(files[0], files[1])
    missing = [one for one in found.accounts if one.unread is not None]
    assert missing
    assert all(
        one.unread == Unknown(Reason.NOT_COLLECTED, "shard 3/3 is missing") for one in missing
    )
    assert all(set(one.facts.unknown) == set(FACTS) for one in missing)
