"""Evidence comes back as it was, and what was changed by hand is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.correlate.keys import (
    AccountTraits,
    KeyTraits,
    LeftOut,
    ListedKeys,
    ListedTraits,
    Uncompared,
    Uncorrelated,
    observed,
)
from gatepolicy.errors import DocumentError
from gatepolicy.model.facts import FACTS, FactKind, Reason, Unknown
from gatepolicy.rules.catalog import load_rules, named_rule
from gatepolicy.scanning.compared import EvidenceFile, stale_evidence
from gatepolicy.scanning.evidence import (
    CollectedFile,
    dump_evidence,
    load_evidence,
    parse_evidence,
    refuse_future,
)
from tests.reports.example_scan import example_scan
from tests.reports.strategies import clean_texts, evidences, facts, subjects, times, values

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)


KEY = KeyTraits("0f1e2d3c4b5a69788796a5b4c3d2e1f0:x7Qa", is_whole=True, is_known=True)
PRINTS = tuple(f"{digit}" * 32 for digit in "0aF".lower())


def example() -> CollectedFile:
    first, *others = (result.evidence for result in example_scan().accounts)
    why = Unknown(Reason.PERMISSION_DENIED, "keys could not all be listed")
    row = ListedTraits(
        "subaccounts", False, "#1", False, "x7Qa", first.facts, frozenset({"a", "b"})
    )
    traits = AccountTraits(
        key=replace(KEY, may_be=frozenset(PRINTS)),
        egress=(ip_network("203.0.113.7/32"),),
        sandbox="127.0.0.1",
        is_usable=True,
        is_checked=True,
        audited_by="",
        discover=True,
        listing="subaccounts",
        is_distinct=True,
        listed=ListedKeys((row,), why, observed("subaccounts", value=("key", "x7Qa"))),
    )
    accounts = (Uncompared(first, traits), *map(Uncompared, others))
    left_out = LeftOut(replace(first.subject, id="left-out"), KeyTraits(), ())
    read = Uncorrelated(accounts, (left_out,))
    return CollectedFile(NOW, "accounts.yaml", read, ("a warning",))


def seen_evidence() -> EvidenceFile:
    accounts = tuple(result.evidence for result in example_scan().accounts)
    return EvidenceFile({}, NOW, ("accounts.yaml",), accounts)


def dumped(evidence: CollectedFile) -> str:
    return "".join(dump_evidence(evidence))


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        parse_evidence(text, "evidence.json")
    return [str(problem) for problem in raised.value.problems]


def changed(change: Callable[[Any], None]) -> list[str]:
    data = json.loads(dumped(example()))
    change(data)
    return problems(json.dumps(data))


prints = st.sampled_from(("", *PRINTS, KEY.fingerprint))
names = st.lists(clean_texts, max_size=2).map(frozenset)
whys = st.builds(Unknown, st.sampled_from(Reason), clean_texts)
egress = values(FactKind.NETWORKS, clean_texts)
keys = st.builds(
    KeyTraits, prints, st.booleans(), st.booleans(), st.none() | st.frozensets(prints, max_size=2)
)
rows = st.builds(
    ListedTraits,
    listing=clean_texts,
    of_account=st.booleans(),
    identity=st.sampled_from((*PRINTS, "#1", "#23")),
    is_whole=st.booleans(),
    last=st.sampled_from(("", "x7Qa")),
    facts=facts(clean_texts),
    fits=names,
)
own_keys = st.builds(
    lambda call, shown: observed(call, value=tuple(shown)),
    clean_texts,
    st.lists(clean_texts, max_size=2),
)
listed = st.builds(
    ListedKeys, st.lists(rows, max_size=2).map(tuple), st.none() | whys, own_keys | whys
)
traits = st.builds(
    AccountTraits,
    key=keys,
    egress=egress,
    sandbox=st.booleans() | clean_texts,
    is_usable=st.booleans(),
    is_checked=st.booleans(),
    audited_by=clean_texts,
    discover=st.booleans(),
    listing=clean_texts,
    is_distinct=st.booleans(),
    listed=st.none() | listed,
)
accounts = st.builds(
    Uncompared, evidences(clean_texts), st.none() | traits, is_selected=st.booleans()
)
left_out = st.builds(LeftOut, subjects(clean_texts), keys, egress)


@settings(max_examples=30, deadline=None)
@given(
    times,
    clean_texts,
    st.lists(accounts, max_size=3, unique_by=lambda one: one.evidence.subject.id),
    st.none() | left_out,
    st.lists(clean_texts, max_size=2).map(tuple),
    st.sampled_from(("", PRINTS[0])),
)
def test_it_comes_back_as_it_was(
    collected_at: datetime,
    inventory: str,
    read: list[Uncompared],
    other: LeftOut | None,
    warnings: tuple[str, ...],
    check: str,
) -> None:
    ids = [one.evidence.subject.id for one in read]
    others = () if other is None or other.subject.id in ids else (other,)
    evidence = CollectedFile(
        collected_at,
        inventory,
        Uncorrelated(tuple(read), others),
        warnings,
        fingerprint_check=check,
        version="1.2.3",
    )
    assert parse_evidence(dumped(evidence), "evidence.json") == evidence


def test_it_is_read_from_a_file() -> None:
    data = dumped(example()).encode()
    assert load_evidence("evidence.json", read=lambda _: data) == example()


def drop(name: str) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        del data["accounts"][0]["facts"][name]

    return change


def put(path: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        *steps, last = path.split("/")
        for step in steps:
            data = data[int(step) if step.isdigit() else step]
        data[int(last) if last.isdigit() else last] = value

    return change


WITHDRAW = "accounts/0/facts/permission.withdraw"
COMPARISON = "accounts/0/comparison"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop("permission.withdraw"), "the fact permission.withdraw is neither known nor unknown"),
        (
            put("accounts/0/unknown/permission.withdraw", "timeout"),
            "the fact permission.withdraw is both known and unknown",
        ),
        (put(f"{WITHDRAW}/value", "false"), "accounts[0].facts.permission.withdraw.value"),
        (put(f"{WITHDRAW}/value", 0), "accounts[0].facts.permission.withdraw.value"),
        (put("accounts/0/facts/key.name/value", True), "accounts[0].facts.key.name.value"),
        (put("accounts/0/facts/key.created_at/value", "soon"), "accounts[0].facts.key.created_at"),
        (
            put("accounts/0/facts/key.created_at/value", "2026-02-30T00:00:00Z"),
            "not a value of type time",
        ),
        (
            put("accounts/0/facts/key.created_at/value", "2026-02-03T00:00:00.000000Z"),
            "not a value of type time",
        ),
        (
            put("accounts/0/facts/ip.allowlist/value", ["203.0.113.5/24"]),
            "not a value of type networks",
        ),
        (put("accounts/0/facts/ip.allowlist/value", [""]), "accounts[0].facts.ip.allowlist"),
        (
            put("accounts/0/facts/permissions.native/value", ["spot"]),
            "accounts[0].facts.permissions.native.value[0]: expected a mapping",
        ),
        (put(f"{WITHDRAW}/grade", "certain"), "grade"),
        (put("accounts/0/unknown_details/key.name", "x"), "not an unknown fact"),
        (put("accounts/0/unknown/key.expires_at", "because"), "not one of the allowed values"),
        (put("accounts/1/id", "mm-gate"), "accounts[1].id: duplicate id"),
        (put("collected_at", "2026-13-01T00:00:00Z"), "collected_at: not a valid timestamp"),
        (put("accounts/0/collected_at", "2026-02-30T00:00:00Z"), "accounts[0].collected_at"),
        (put("schema_version", "3.0"), "schema_version"),
        (put("schema_version", "2.1"), "schema_version"),
        (put("schema_version", 2.0), "schema_version"),
        (
            put("schema_version", "1.0"),
            "this evidence was written by an older gatepolicy, which compared accounts too early;"
            " collect the evidence again",
        ),
        (put(f"{COMPARISON}/egress", ["203.0.113.5/24"]), "accounts[0].comparison.egress"),
        (put("left_out/0/egress", ["203.0.113.5/024"]), "left_out[0].egress"),
        (put("left_out/0/id", "mm-gate"), "left_out[0].id: duplicate id"),
        (
            put(f"{COMPARISON}/key/may_be", [PRINTS[2], PRINTS[0]]),
            "accounts[0].comparison.key.may_be: not in alphabetical order",
        ),
        (
            put(f"{COMPARISON}/listed/keys/0/fits", ["a", "a"]),
            "accounts[0].comparison.listed.keys[0].fits: not in alphabetical order",
        ),
        (
            put(f"{COMPARISON}/listed/keys/0/facts/key.name", None),
            "accounts[0].comparison.listed.keys[0]",
        ),
        (put(f"{COMPARISON}/listed/keys/0/last", "12345"), "last"),
        (put("accounts/0/found_by", "mm-okx"), "accounts[0].found_by"),
        (put("kind", "Report"), "kind"),
        (put("accounts/0/password", "x"), "accounts[0].password: unknown key"),
        (put("accounts/0/facts/permission.fly", {}), "permission.fly"),
        (put("accounts/0/location/line", 0), "accounts[0].location.line"),
        (put("accounts/0/location/line", 10**400), "accounts[0].location.line"),
        (put("accounts/0/location/line", 1e300), "accounts[0].location.line"),
        (put("accounts/0/location/column", 2**31), "accounts[0].location.column"),
        (put("accounts/1/calls/0/status", -1), "accounts[1].calls[0].status"),
        (put("accounts/1/calls/0/status", True), "accounts[1].calls[0].status"),
        (put("accounts/1/calls/0/attempts", 2**64), "accounts[1].calls[0].attempts"),
        (put("accounts/1/calls/0/attempts", 1.5), "accounts[1].calls[0].attempts"),
        (put("collected_at", "0000-01-01T00:00:00Z"), "collected_at: not a valid timestamp"),
        (
            put("collected_at", "2026-11-23T16:00:00+02:00"),
            "collected_at: does not match the expected",
        ),
        (put("accounts", None), "accounts"),
    ],
)
def test_what_was_changed_by_hand_is_refused(change: Callable[[Any], None], told: str) -> None:
    assert told in "\n".join(changed(change))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "1", '{"a":1,"a":2}', '{"a":NaN}', "[" * 100_000, "9" * 5000],
    ids=range(9),
)
def test_what_is_no_evidence_is_refused(text: str) -> None:
    assert problems(text)[0].startswith("evidence.json:")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"attempts": 1', '"attempts": NaN', "NaN is not valid JSON"),
        ('"attempts": 1', '"attempts": -Infinity', "-Infinity is not valid JSON"),
        ('"attempts": 1', '"attempts": 1e400', "a number is too large"),
        ('"attempts": 1', f'"attempts": {"9" * 5000}', "a number has too many digits"),
        (
            '"permission.withdraw": {"value": true',
            '"permission.withdraw": {}, "permission.withdraw": {"value": false',
            "duplicate key in an object",
        ),
        ('"unknown": {', '"unknown": {}, "unknown": {', "duplicate key in an object"),
    ],
)
def test_what_json_leaves_open_is_refused(old: str, new: str, told: str) -> None:
    text = dumped(example())
    assert old in text
    assert told in "\n".join(problems(text.replace(old, new, 1)))


def test_every_problem_is_told_at_once() -> None:
    def change(data: Any) -> None:
        drop("permission.withdraw")(data)
        put("accounts/1/id", "mm-gate")(data)
        put("accounts/0/facts/ip.allowlist/value", ["203.0.113.5/24"])(data)

    assert len(changed(change)) == 3


def test_a_number_that_is_whole_but_written_with_a_point_is_read_as_whole() -> None:
    data = json.loads(dumped(example()))
    data["accounts"][0]["location"]["line"] = 3.0
    read = parse_evidence(json.dumps(data), "evidence.json")
    assert repr(read.read.accounts[0].evidence.subject.location.line) == "3"


def test_a_half_character_in_a_name_is_refused() -> None:
    assert problems('{"kind":"\\ud800"}')[0].startswith("evidence.json:")


def outcome(data: bytes) -> CollectedFile | None:
    """Evidence, or nothing when it is refused; any other exception is a defect."""
    try:
        return load_evidence("evidence.json", read=lambda _: data)
    except DocumentError:
        return None


@settings(max_examples=80, deadline=None)
@given(st.binary())
def test_no_bytes_are_anything_but_a_problem(data: bytes) -> None:
    assert outcome(data) is None


DUMPED = dumped(example()).encode()


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(DUMPED)), st.integers(0, 8), st.binary(max_size=8))
def test_whatever_bytes_are_exchanged_what_is_read_is_written_alike(
    start: int, length: int, new: bytes
) -> None:
    read = outcome(DUMPED[:start] + new + DUMPED[start + length :])
    if read is not None:
        assert parse_evidence(dumped(read), "evidence.json") == read


def places(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in JSON data but the whole."""
    keys: list[Any] = list(node) if isinstance(node, dict) else []
    if isinstance(node, list):
        keys = list(range(len(node)))
    return [place for key in keys for place in ((*path, key), *places(node[key], (*path, key)))]


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(places(json.loads(DUMPED))), JSON_VALUES)
def test_whatever_value_is_exchanged_is_read_as_itself_or_refused(
    path: tuple[str | int, ...], value: Any
) -> None:
    data = json.loads(DUMPED)
    node = data
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    read = outcome(json.dumps(data).encode())
    if read is not None:
        assert json.loads(dumped(read)) == data


@settings(max_examples=80, deadline=None)
@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_file_holds_is_evidence_or_a_problem(text: str) -> None:
    assert problems(text)


def test_every_fact_of_the_vocabulary_is_in_the_schema() -> None:
    data = json.loads(dumped(example()))
    for account in data["accounts"]:
        assert account["facts"].keys() | account["unknown"].keys() == FACTS.keys()


def test_what_narrowed_the_collection_comes_back() -> None:
    narrowed = replace(example(), narrowed_by=("--account mm-*", "--label desk=mm"))
    assert parse_evidence(dumped(narrowed), "evidence.json") == narrowed
    assert "narrowed_by" not in dumped(example())


def test_evidence_is_as_old_as_its_oldest_account() -> None:
    evidence = replace(seen_evidence(), collected_at=NOW + timedelta(days=30))
    assert evidence.oldest == min(one.collected_at for one in evidence.accounts)
    assert replace(evidence, accounts=()).oldest == NOW + timedelta(days=30)
    assert list(evidence.age_warnings(evidence.oldest + timedelta(days=7, hours=23))) == []
    (warning,) = evidence.age_warnings(evidence.oldest + timedelta(days=2000))
    assert "is 2,000 days old" in warning


def test_the_clocks_of_two_machines_may_differ_by_five_minutes() -> None:
    evidence = replace(example(), collected_at=NOW + timedelta(minutes=5))
    refuse_future(evidence, "e.json", NOW)
    with pytest.raises(DocumentError) as raised:
        refuse_future(evidence, "e.json", NOW - timedelta(seconds=1))
    assert raised.value.problems[0].path == "collected_at"


def test_evidence_is_stale_when_it_is_older_than_allowed_by_however_little() -> None:
    (one, *_) = seen_evidence().accounts
    accounts = [replace(one, subject=replace(one.subject, id=f"mm-{n}")) for n in range(7)]
    rule = named_rule(load_rules(), "evidence-too-old")
    week = timedelta(days=7)

    def told(late: timedelta, count: int) -> list[str]:
        as_of = one.collected_at + week + late
        files = {f"mm-{n}": f"{n}.json" for n in range(7)}
        verdicts = list(stale_evidence(accounts[:count], files, rule, as_of=as_of, max_age=week))
        assert [verdict.location.file for verdict in verdicts] == ["0.json"] * len(verdicts)
        return [verdict.seen.partition(";")[0] for verdict in verdicts]

    assert told(timedelta(0), 7) == []
    just = timedelta(microseconds=1)
    assert told(just, 1) == ["1 of 1 accounts were read longer ago: mm-0"]
    assert told(just, 7) == [
        "7 of 7 accounts were read longer ago: mm-0, mm-1, mm-2, mm-3, mm-4 and 2 more"
    ]


def test_stale_evidence_is_told_of_the_file_that_has_the_oldest() -> None:
    (one, *_) = seen_evidence().accounts
    old = replace(one, subject=replace(one.subject, id="old"))
    young = replace(
        one,
        subject=replace(one.subject, id="young"),
        collected_at=one.collected_at + timedelta(days=1),
    )
    rule = named_rule(load_rules(), "evidence-too-old")
    as_of, files = one.collected_at + timedelta(days=30), {"old": "1.json", "young": "2.json"}
    [verdict] = stale_evidence([young, old], files, rule, as_of=as_of, max_age=timedelta(days=7))
    assert verdict.location.file == "1.json"
    assert "30 days ago" in verdict.seen
