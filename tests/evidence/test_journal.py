"""A journal, cut anywhere, tells what was read, and never proves more than the whole one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.accounts.account import Account, fingerprint
from gatepolicy.accounts.egress import Part
from gatepolicy.correlate.collected import Collected, Listed, ListedKey, Target
from gatepolicy.correlate.keys import Declared, Uncompared, keep, keep_alone
from gatepolicy.drift.load import parse_snapshot
from gatepolicy.errors import DocumentError
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, FactValue, Grade, Provenance, Reason
from gatepolicy.model.scan import Interruption
from gatepolicy.model.secret import Secret
from gatepolicy.scanning.compared import compare_evidence
from gatepolicy.scanning.evidence import CollectedFile
from gatepolicy.scanning.journal import (
    Expected,
    Header,
    LineKind,
    Role,
    account_line,
    end_line,
    expected_line,
    header_line,
    left_out_line,
    load_collected,
    parse_journal,
    resumed_line,
)

GATE = load_exchange("gate")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PEPPER = b"pepper"
CHECK = fingerprint("gatepolicy", pepper=PEPPER)
ONE, TWO = "onekey-0123456789abcdefone1", "twokey-0123456789abcdeftwo2"
MAIN, FOUND = "mainkey-0123456789abcdefmain", "foundkey-0123456789abcdfound"
HEADER = Header(NOW, "a.yaml", "0" * 64, "1" * 64, "", CHECK)
CUT = "the journal ends before the account was read"


def account(name: str, **more: object) -> Account:
    subject = Subject(name, "gate", {"desk": name}, "Ünal", Location("a.yaml", 4, 5))
    plain = Account(subject, {}, {}, None, None, sandbox=False, timeout=30.0)
    return replace(plain, **more)  # type: ignore[arg-type]


def facts() -> Facts:
    exists = Fact(value=True, provenance=Provenance(Grade.OBSERVED, "main_keys", ""))
    withdraw = Fact(value=False, provenance=Provenance(Grade.OBSERVED, "main_keys", ""))
    nothing = Facts.nothing(Reason.NOT_DISCLOSED)
    return nothing.learn("key.exists", exists).learn("permission.withdraw", withdraw)


Pair = tuple[Target, Collected]


def read(who: Account, key: str | None, *rows: str) -> Pair:
    listed = Listed(tuple(ListedKey("account_keys", r, "*", facts()) for r in rows), None)
    target = Target(who, GATE, None, lists=bool(rows))
    evidence = Evidence(who.subject, NOW, facts(), ())
    return target, Collected(evidence, Secret(key) if key else None, listed if rows else None)


PAIRS = (
    read(account("one"), ONE),
    read(account("two", key="twokey-0123*****"), None),
    read(account("main", discover=True), MAIN, ONE, FOUND),
    read(account("unknown"), None),
)
LEFT_OUT = account("other")
NAMES = ("one", "two", "main", "unknown")


def lines(pairs: Sequence[Pair] = PAIRS, end: str | None = None) -> list[str]:
    """A journal as a run writes it."""
    targets = [target for target, _ in pairs]
    collected = {position: found for position, (_, found) in enumerate(pairs)}
    alone = [keep_alone(target, found.api_key, PEPPER) for target, found in pairs]
    kept = keep(targets, collected, [Declared(LEFT_OUT, None)], PEPPER)
    subjects = [target.account.subject for target in targets]
    return [
        header_line(HEADER),
        *(expected_line(Expected(subject, Role.SELECTED)) for subject in subjects),
        expected_line(Expected(LEFT_OUT.subject, Role.LEFT_OUT)),
        *(
            account_line(
                Uncompared(found.evidence, traits), LineKind.ALONE if traits else LineKind.WAITING
            )
            for (_, found), traits in zip(pairs, alone, strict=True)
        ),
        *(
            account_line(one, LineKind.COMPARED)
            for one, traits in zip(kept.accounts, alone, strict=True)
            if traits is None
        ),
        *map(left_out_line, kept.left_out),
        end or end_line(["a warning"], None),
    ]


WHOLE = "".join(lines())


def known(file: CollectedFile) -> dict[tuple[str, str], FactValue]:
    """What is proved of each account, once all are compared."""
    return {
        (one.subject.id, name): fact.value
        for one in compare_evidence({"j": file}).accounts
        for name, fact in one.facts.known.items()
    }


def test_a_whole_journal_is_evidence() -> None:
    file = parse_journal(WHOLE, "j").evidence()
    targets = [target for target, _ in PAIRS]
    collected = {position: found for position, (_, found) in enumerate(PAIRS)}
    assert file.read == keep(targets, collected, [Declared(LEFT_OUT, None)], PEPPER)
    assert (file.collected_at, file.inventory, file.fingerprint_check) == (NOW, "a.yaml", CHECK)
    assert file.warnings == ("a warning",)
    assert known(file)["main/key-ound", "key.exists"] is True


def test_no_line_holds_a_key() -> None:
    assert not any(key[:12] in WHOLE for key in (ONE, TWO, MAIN, FOUND))


@given(st.integers(min_value=0, max_value=len(WHOLE.encode())))
@settings(max_examples=60)
def test_a_journal_that_was_cut_proves_no_more_than_the_whole_one(size: int) -> None:
    content = WHOLE.encode()[:size]
    try:
        file = load_collected("j", read=lambda _: content)
    except DocumentError:
        # No header: then nothing can be told, nor be taken for evidence.
        assert size < len(lines()[0].encode())
        return
    whole = known(parse_journal(WHOLE, "j").evidence())
    found = known(file)
    assert found.items() <= whole.items()
    written = content[: content.rfind(b"\n") + 1].decode()
    for name in {one.evidence.subject.id for one in file.read.accounts}:
        has_answer = any(
            f'{{"{line_kind}": {{"id": "{name}"' in written for line_kind in ("account", "compared")
        )
        assert ((name, "permission.withdraw") in found) is has_answer


def test_of_what_was_not_read_nothing_is_known() -> None:
    cut = "".join(lines()[:7])
    file = parse_journal(cut, "j").evidence()
    assert [one.evidence.subject.id for one in file.read.accounts] == list(NAMES)
    first, *others = (one.evidence for one in file.read.accounts)
    assert first.unread is None
    for one in others:
        assert not one.facts.known
        assert {why.reason for why in one.facts.unknown.values()} == {Reason.INTERRUPTED}
        assert one.facts.unknown["key.exists"].detail == CUT
    assert file.warnings == (
        "the journal j has no answers of 3 of 4 accounts: scan again with --resume",
    )
    # The accounts that were not read may have the same key.
    (shared,) = (
        one.facts.unknown["key.shared_with"]
        for one in compare_evidence({"j": file}).accounts
        if one.subject.id == "one"
    )
    assert shared.reason is Reason.NOT_DISCLOSED


def test_what_waits_for_others_was_not_read_yet() -> None:
    waiting = [line for line in lines() if '{"compared"' not in line]
    journal = parse_journal("".join(waiting), "j")
    assert list(journal.missing) == ["two", "main"]


def test_what_took_all_accounts_is_void_once_a_journal_is_resumed() -> None:
    journal = parse_journal(WHOLE + resumed_line(NOW), "j")
    assert list(journal.missing) == ["two", "main"]
    assert (journal.end, journal.left_out) == (None, {})
    again = parse_journal(WHOLE + resumed_line(NOW) + "".join(lines()[6:]), "j")
    assert again.evidence() == parse_journal(WHOLE, "j").evidence()


def test_a_later_line_replaces_an_earlier_one() -> None:
    _, first = PAIRS[0]
    later = replace(first.evidence, facts=Facts.nothing(Reason.TIMEOUT))
    line = account_line(Uncompared(later, None), LineKind.ALONE)
    (one, *_) = parse_journal(WHOLE + line, "j").evidence().read.accounts
    assert one.evidence == later


def test_an_interruption_is_kept() -> None:
    journal = parse_journal("".join(lines(end=end_line([], Interruption.SIGTERM))), "j")
    assert journal.end == {"warnings": [], "interrupted_by": "SIGTERM"}


def test_a_part_of_an_inventory_stays_one() -> None:
    part = Part("tokyo", 2, 3)
    header = header_line(replace(HEADER, parts=(part,)))
    other = Expected(LEFT_OUT.subject, Role.LEFT_OUT, "egress london")
    text = "".join([header, *lines()[1:5], expected_line(other), *lines()[6:]])
    for content in (text, text[: text.index('{"account"')]):
        file = parse_journal(content, "j").evidence()
        assert file.parts == (part,)
        assert [one.read_by for one in file.read.left_out] == ["egress london"]
        assert (file.inventory_digest, file.catalog_digest) == ("0" * 64, "1" * 64)


def test_drift_reads_journals() -> None:
    names = {name for _, name in parse_snapshot(WHOLE, "j").accounts}
    assert names == {*NAMES, "main/key-ound"}


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_what_an_account_says_for_itself_does_not_change_among_others(number: int) -> None:
    target, found = PAIRS[number]
    alone = keep_alone(target, found.api_key, PEPPER)
    targets = [one for one, _ in PAIRS]
    collected = {position: one for position, (_, one) in enumerate(PAIRS)}
    among = keep(targets, collected, [], PEPPER).accounts[number].traits
    assert alone in (None, among)
    assert (alone is None) is (target.account.subject.id in ("two", "main"))


def edited(number: int, text: str) -> str:
    changed = lines()
    changed[number] = text
    return "".join(changed)


def without(line: str, name: str) -> str:
    data = json.loads(line)
    (inner,) = data.values()
    del inner[name]
    return f"{json.dumps(data)}\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (edited(0, lines()[1]), 1, "the first line is not the header of a journal"),
        (edited(3, "{\n"), 4, "not JSON"),
        (edited(3, "[]\n"), 4, "not a line of a journal"),
        (edited(3, '{"something": {}}\n'), 4, "not a line of a journal"),
        (edited(3, lines()[0]), 4, "a second header"),
        (edited(1, without(lines()[1], "role")), 2, "not a line of a journal"),
        (edited(3, lines()[2]), 9, "did not announce"),
        (edited(1, lines()[1].replace('"gate"', '"okx"')), 7, "did not announce"),
        (edited(1, lines()[1].replace("selected", "left_out")), 7, "did not announce"),
        (edited(0, lines()[0].replace("-03-01T", "-02-30T")), 1, "not a valid timestamp"),
        (WHOLE + resumed_line(NOW).replace("-03-01T", "-02-30T"), 15, "not a valid timestamp"),
        (edited(6, without(lines()[6], "facts")), 1, "facts"),
    ],
)
def test_what_is_no_journal_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(DocumentError) as raised:
        parse_journal(text, "j").evidence()
    (first, *_) = raised.value.problems
    assert what in str(first)
    assert (first.location.file, first.location.line) == ("j", line)


def test_an_empty_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"")
    with pytest.raises(DocumentError):
        load_collected(str(tmp_path / "j"))
    with pytest.raises(DocumentError):
        parse_journal("", "j")
