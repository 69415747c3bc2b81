"""What only all accounts together tell: audited, undeclared, dead and shared keys."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from gatepolicy.accounts.account import Account, fingerprint
from gatepolicy.correlate.accounts import Correlated
from gatepolicy.correlate.accounts import correlate as correlate_all
from gatepolicy.correlate.collected import Collected, Listed, ListedKey, Target
from gatepolicy.correlate.keys import INVENTORY, Declared, keep
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, FactValue, Grade, Provenance, Reason, Unknown
from gatepolicy.model.secret import Secret

GATE = load_exchange("gate")
KRAKEN = load_exchange("kraken")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PEPPER = b"pepper"
MASTER = "masterkey-0123456789abcdef"
BOT = "botkey-0123456789abcdefbot7"
OTHER = "otherkey-0123456789abcd9999"
SHARED = "key.shared_with"
REFUSED = Unknown(Reason.PERMISSION_DENIED, "keys could not all be listed")


def account(name: str, *, key: str = "", audited_by: str = "", discover: bool = False) -> Account:
    subject = Subject(name, "gate", {"desk": "mm"}, "desk@example.com", Location("a.yaml", 4, 5))
    plain = Account(subject, {}, {}, None, None, sandbox=False, timeout=30.0)
    return replace(plain, key=key, audited_by=audited_by, discover=discover)


def fact(value: FactValue, call: str = "main_keys") -> Fact:
    return Fact(value, Provenance(Grade.OBSERVED, call, ""))


def facts(**known: FactValue) -> Facts:
    learnt = Facts.nothing(Reason.NOT_DISCLOSED)
    for name, value in known.items():
        learnt = learnt.learn(name.replace("__", "."), fact(value))
    return learnt


def row(shown: str, mask: str = "*", **known: FactValue) -> ListedKey:
    return ListedKey("account_keys", shown, mask, facts(**known))


def asked(
    who: Account, key: str | None, listed: Listed | None = None, own: Facts | None = None
) -> tuple[Target, Collected]:
    target = Target(who, GATE, None, asks=not who.audited_by, lists=listed is not None)
    evidence = Evidence(who.subject, NOW, own or facts(key__exists=True), ())
    return target, Collected(evidence, Secret(key) if key else None, listed)


def correlate(
    targets: Sequence[Target],
    collected: Mapping[int, Collected],
    others: Sequence[Declared],
    pepper: bytes,
    *,
    unasked: Sequence[Account] = (),
) -> Correlated:
    known = {other.account.subject.id: other for other in others}
    left_out = {one.subject.id: Declared(one, None) for one in unasked} | known
    return correlate_all([keep(targets, collected, list(left_out.values()), pepper)])


def compared(*pairs: tuple[Target, Collected], others: tuple[Declared, ...] = ()) -> Correlated:
    targets = [target for target, _ in pairs]
    return correlate(targets, {i: found for i, (_, found) in enumerate(pairs)}, others, PEPPER)


def master(*rows: ListedKey, missing: Unknown | None = None) -> tuple[Target, Collected]:
    return asked(account("main", discover=True), MASTER, Listed(rows, missing))


def bot(key: str = "botkey-01234*****", api_key: str | None = None) -> tuple[Target, Collected]:
    return asked(account("bot", key=key, audited_by="main"), api_key, own=facts())


def value(found: Correlated, position: int, name: str) -> object:
    known = found.evidence[position].facts.known.get(name)
    return known.value if known else found.evidence[position].facts.unknown[name].reason


def told(found: Correlated, position: int, name: str) -> Fact | Unknown:
    known = found.evidence[position].facts
    return known.known.get(name) or known.unknown[name]


def observed(call: str, *, value: FactValue) -> Fact:
    return Fact(value, Provenance(Grade.OBSERVED, call, ""))


@pytest.mark.parametrize(
    "key", ["botkey-01234*****", BOT, fingerprint(BOT, pepper=PEPPER), "botkey-*****bot7"]
)
def test_an_auditor_tells_about_a_key_however_it_is_named(key: str) -> None:
    found = compared(master(row(MASTER), row(BOT, permission__withdraw=True)), bot(key))
    assert value(found, 1, "permission.withdraw") is True
    assert value(found, 1, "key.exists") is True
    source = found.evidence[1].facts.known["permission.withdraw"].provenance
    assert (source.grade, source.reference) == (Grade.OBSERVED, "listed by main")
    assert found.found == ()


def test_a_masked_row_fits_the_key_that_it_hides() -> None:
    found = compared(master(row("botkey-0123*****", key__name="b")), bot(BOT))
    assert value(found, 1, "key.name") == "b"


def test_a_masked_row_does_not_fit_a_fingerprint() -> None:
    found = compared(
        master(row("botkey-0123*****", key__name="b")), bot(fingerprint(BOT, pepper=PEPPER))
    )
    assert value(found, 1, "key.name") is Reason.NOT_DISCLOSED


def test_two_rows_that_look_like_the_key_prove_nothing() -> None:
    rows = (row("botkey-0123*****", key__name="a"), row("botkey-01*****", key__name="b"))
    found = compared(master(*rows), bot(BOT))
    assert value(found, 1, "key.name") is Reason.UNEXPECTED_ANSWER
    assert value(found, 1, "key.exists") is Reason.UNEXPECTED_ANSWER


def test_a_mask_alone_fits_no_key() -> None:
    found = compared(master(row("******", permission__withdraw=False)), bot("******"))
    assert value(found, 1, "permission.withdraw") is Reason.NOT_DISCLOSED
    assert value(found, 1, "key.exists") is Reason.NOT_DISCLOSED


def test_a_row_that_hides_its_key_may_be_the_missing_one() -> None:
    found = compared(master(row("******")), bot(BOT))
    assert value(found, 1, "key.exists") is Reason.NOT_DISCLOSED


def test_a_key_that_a_whole_list_lacks_is_gone() -> None:
    found = compared(master(row(MASTER)), bot())
    assert value(found, 1, "key.exists") is False
    assert value(found, 1, "permission.withdraw") is Reason.BAD_KEY


def test_a_key_that_half_a_list_lacks_may_be_there() -> None:
    found = compared(master(row(MASTER), missing=REFUSED), bot())
    assert value(found, 1, "key.exists") is Reason.PERMISSION_DENIED
    assert value(found, 1, "permission.withdraw") is Reason.PERMISSION_DENIED


def test_what_an_auditor_that_could_not_be_read_would_tell_could_not_be_read_either() -> None:
    unread = asked(account("main", discover=True), MASTER, None, own=Facts.nothing(Reason.TIMEOUT))
    found = compared(unread, bot())
    assert value(found, 1, "permission.withdraw") is Reason.TIMEOUT
    assert found.evidence[1].unread is not None


def test_a_key_of_which_nothing_is_known_is_found_in_no_list() -> None:
    found = compared(master(row(MASTER), row(BOT, permission__withdraw=True)), bot(key=""))
    assert value(found, 1, "key.exists") is Reason.NOT_DISCLOSED
    assert value(found, 1, "permission.withdraw") is Reason.NOT_DISCLOSED


def test_an_auditor_that_could_not_list_proves_nothing() -> None:
    silent = asked(account("main", discover=True), MASTER, None, own=facts())
    found = compared(silent, bot())
    assert value(found, 1, "key.exists") is Reason.NOT_DISCLOSED
    assert value(found, 0, "key.declared") is Reason.NOT_DISCLOSED


def test_a_key_that_answers_itself_is_not_gone_whatever_lists_say() -> None:
    target, collected = bot(BOT, BOT)
    own = facts(key__exists=True, key__name="own")
    evidence = replace(collected.evidence, facts=own)
    pair = (replace(target, asks=True), replace(collected, evidence=evidence))
    found = compared(master(row(MASTER)), pair)
    assert value(found, 1, "key.exists") is True
    assert value(found, 1, "key.name") == "own"


def test_an_undeclared_key_becomes_a_subject() -> None:
    found = compared(master(row(MASTER), row(OTHER, permission__withdraw=True)))
    [key] = found.found
    assert key.subject.id == "main/key-9999"
    assert key.subject.found_by == key.subject.declared_id == "main"
    assert key.subject.labels == {"desk": "mm"}
    known = {name: one.value for name, one in key.facts.known.items()}
    assert known["key.declared"] is False
    assert known["permission.withdraw"] is True
    assert known["key.fingerprint"] == fingerprint(OTHER, pepper=PEPPER)
    assert value(found, 0, "key.declared") is True
    assert OTHER not in repr(found)


def test_keys_of_accounts_that_were_not_asked_are_declared() -> None:
    other = Declared(account("other"), Secret(OTHER))
    assert compared(master(row(MASTER), row(OTHER)), others=(other,)).found == ()


def test_of_two_keys_that_look_like_a_declared_one_neither_is_known_to_be_declared() -> None:
    rows = (row("botkey-0123*****"), row("botkey-01*****"), row("otherkey-0123*****"))
    others = tuple(
        Declared(account(name), Secret(key)) for name, key in {"b": BOT, "o": OTHER}.items()
    )
    found = compared(master(row(MASTER), *rows), others=others).found
    assert [key.subject.id for key in found] == ["main/key-0123", "main/key"]
    for key in found:
        why = key.facts.unknown["key.declared"]
        assert why.reason is Reason.UNEXPECTED_ANSWER
        assert "botkey" not in why.detail
    # Two declared keys of which the same is shown are two.
    twin = Declared(account("twin"), Secret(BOT.replace("bot7", "bot8")))
    assert compared(master(*rows[:2]), others=(*others, twin)).found == ()
    # A row that stands in two lists is one key.
    assert compared(master(row(BOT), row(BOT)), others=others).found == ()


def test_a_key_that_could_not_be_read_may_be_any_of_them() -> None:
    [key] = compared(master(row(OTHER)), others=(Declared(account("lost"), None),)).found
    why = key.facts.unknown["key.declared"]
    assert why.reason is Reason.BAD_CREDENTIALS_CONFIG
    assert "lost" in why.detail


def test_a_list_that_broke_off_leaves_the_master_unknown() -> None:
    found = compared(master(row(MASTER), missing=REFUSED))
    assert value(found, 0, "key.declared") is Reason.PERMISSION_DENIED


def test_found_keys_stand_once_and_under_names_of_their_own() -> None:
    twin = "twinkey-aaaaaaaaaaaaaaa9999"
    rows = (row(OTHER), row(OTHER), row(twin), row("******"), row("******"))
    ids = [key.subject.id for key in compared(master(*rows)).found]
    assert ids == ["main/key-9999", "main/key-9999-2", "main/key", "main/key-2"]


def test_an_auditor_alone_discovers_nothing() -> None:
    auditor = asked(account("main"), MASTER, Listed((row(MASTER), row(OTHER)), None))
    assert compared(auditor).found == ()


def test_one_key_of_two_accounts_is_told_of_both() -> None:
    found = compared(asked(account("a"), BOT), asked(account("b"), BOT), asked(account("c"), OTHER))
    assert value(found, 0, "key.shared_with") == ("b",)
    assert value(found, 1, "key.shared_with") == ("a",)
    assert value(found, 2, "key.shared_with") == ()


def test_a_key_that_nobody_could_read_shares_nothing_that_is_known() -> None:
    found = compared(asked(account("a"), None, own=facts()))
    assert value(found, 0, "key.shared_with") is Reason.NOT_DISCLOSED
    assert value(found, 0, "key.fingerprint") is Reason.NOT_DISCLOSED


def test_a_fingerprint_under_another_key_of_fingerprints_proves_nothing() -> None:
    other = fingerprint(BOT, pepper=b"another key of fingerprints")
    found = compared(master(row(MASTER), row(BOT)), bot(other))
    assert value(found, 1, "key.exists") is Reason.NOT_DISCLOSED
    # Keys that end differently are other keys, whatever the hash.
    gone = fingerprint("some-other-key-0000", pepper=b"another key of fingerprints")
    assert value(compared(master(row(MASTER), row(BOT)), bot(gone)), 1, "key.exists") is False


def test_a_key_known_by_a_fingerprint_alone_may_be_the_same() -> None:
    other = fingerprint(MASTER, pepper=b"another key of fingerprints")
    found = compared(asked(account("a"), MASTER), bot(other))
    assert value(found, 0, "key.shared_with") is Reason.NOT_DISCLOSED


@pytest.mark.parametrize(
    ("base_url", "sandbox"),
    [
        (None, False),
        ("https://api.gateio.ws", False),
        ("https://api-testnet.gateapi.io", True),
        ("https://api.example.com", Reason.NOT_DISCLOSED),
        ("http://127.0.0.1:8080", Reason.NOT_DISCLOSED),
    ],
)
def test_what_is_asked_elsewhere_may_be_a_sandbox(base_url: str | None, sandbox: object) -> None:
    who = replace(account("a"), base_url=base_url)
    assert value(compared(asked(who, MASTER)), 0, "account.sandbox") == sandbox


def test_what_a_narrowed_scan_left_out_is_told_apart_from_what_could_not_be_read() -> None:
    one, unread, left_out = asked(account("a"), MASTER), asked(account("b"), None), account("c")

    def shared(*pairs: tuple[Target, Collected]) -> object:
        targets = [target for target, _ in pairs]
        collected = {i: found for i, (_, found) in enumerate(pairs)}
        return value(correlate(targets, collected, (), PEPPER, unasked=[left_out]), 0, SHARED)

    assert shared(one) is Reason.NOT_SELECTED
    # One that was selected, and cannot be read, is no matter of the selection.
    assert shared(one, unread) is Reason.NOT_DISCLOSED


def test_the_key_id_of_an_account_that_is_left_out_is_compared() -> None:
    targets, collected = [asked(account("a"), MASTER)[0]], {0: asked(account("a"), MASTER)[1]}
    same = Declared(account("c"), Secret(MASTER))
    found = correlate(targets, collected, [same], PEPPER, unasked=[same.account])
    assert value(found, 0, SHARED) == ("c",)
    other = Declared(account("c"), Secret(OTHER))
    found = correlate(targets, collected, [other], PEPPER, unasked=[other.account])
    assert value(found, 0, SHARED) == ()


def test_what_is_told_of_an_undeclared_key() -> None:
    hidden = row(OTHER, permission__withdraw=True)
    facts_of_row = hidden.facts.learn("key.name", REFUSED)
    facts_of_row = facts_of_row.learn("key.active", Fact(value=True, provenance=INVENTORY))
    target, collected = master(replace(hidden, listing="sub_account_keys", facts=facts_of_row))
    ahead = replace(collected.evidence, clock_skew=timedelta(hours=1))
    [key] = compared((target, replace(collected, evidence=ahead))).found
    listed = Provenance(Grade.OBSERVED, "main_keys", "", "listed by main")
    assert key == Evidence(
        subject=Subject(
            id="main/key-9999",
            exchange="gate",
            labels={"desk": "mm"},
            owner="desk@example.com",
            location=Location("a.yaml", 4, 5),
            found_by="main",
        ),
        collected_at=NOW,
        facts=Facts.nothing(Reason.NOT_DISCLOSED).learn_all(
            {
                "permission.withdraw": Fact(value=True, provenance=listed),
                "key.name": REFUSED,
                "key.active": Fact(value=True, provenance=INVENTORY),
                "key.exists": observed("sub_account_keys", value=True),
                "key.declared": observed("sub_account_keys", value=False),
                "key.fingerprint": Fact(fingerprint(OTHER, pepper=PEPPER), INVENTORY),
                "key.shared_with": Fact((), INVENTORY),
                "account.sandbox": Fact(value=False, provenance=INVENTORY),
                "ip.shared_across": Unknown(Reason.NOT_DISCLOSED, "the inventory has no egress"),
            }
        ),
        calls=(),
        clock_skew=timedelta(hours=1),
    )


def test_of_a_key_of_the_account_itself_all_keys_of_the_account_are_told_too() -> None:
    rows = (row(MASTER), row(OTHER), row("******"))
    target, collected = asked(account("main", discover=True), MASTER, Listed(rows, None, rows))
    found = compared((target, collected))
    names = observed("account_keys", value=("9999", "cdef", "key"))
    assert told(found, 0, "account.keys") == names
    assert [key.facts.known["account.keys"] for key in found.found] == [names, names]
    # A key of which hardly anything is shown has no fingerprint.
    assert "key.fingerprint" in found.found[0].facts.known
    assert "key.fingerprint" not in found.found[1].facts.known


def test_how_many_keys_an_account_has_is_not_always_known() -> None:
    def keys(listed: Listed | None, own: Facts | None = None) -> Fact | Unknown:
        who = account("main", discover=True)
        return told(compared(asked(who, MASTER, listed, own)), 0, "account.keys")

    one = row(MASTER)
    assert keys(Listed((one,), None, (one,))) == observed("account_keys", value=("cdef",))
    assert keys(Listed((), None, ())) == observed("", value=())
    assert keys(Listed((one,), None, REFUSED)) == REFUSED
    detail = "only a key that lists the others shows how many there are (discover: true)"
    assert keys(None) == Unknown(Reason.NOT_DISCLOSED, detail)
    unread = Facts.nothing(Reason.TIMEOUT, "no answer")
    assert keys(Listed((one,), None, (one,)), unread) == Unknown(Reason.TIMEOUT, "no answer")


@pytest.mark.parametrize(
    ("shown", "mask", "name"),
    [
        ("otherkey-0123456789-a-b-", "*", "main/key-89ab"),
        ("otherkey-0123456789éa", "*", "main/key-789a"),
        ("otherkey01234xxxxx", "x", "main/key-1234"),
    ],
)
def test_a_found_key_is_called_by_the_last_letters_and_digits(
    shown: str, mask: str, name: str
) -> None:
    [key] = compared(master(row(shown, mask))).found
    assert key.subject.id == name


def test_what_is_told_of_the_key_that_an_account_declares() -> None:
    found = compared(asked(account("a"), MASTER), asked(account("b"), MASTER))
    assert told(found, 0, "key.fingerprint") == Fact(fingerprint(MASTER, pepper=PEPPER), INVENTORY)
    assert told(found, 0, "key.shared_with") == Fact(("b",), INVENTORY)
    assert told(found, 0, "key.declared") == Fact(value=True, provenance=INVENTORY)
    assert told(found, 0, "account.sandbox") == Fact(value=False, provenance=INVENTORY)


@pytest.mark.parametrize(
    ("base_url", "sandbox"),
    [("https://api.gateio.ws", False), ("https://api-testnet.gateapi.io", True)],
)
def test_that_an_account_is_on_a_sandbox_is_told_by_the_inventory(
    base_url: str, sandbox: bool
) -> None:
    found = compared(asked(replace(account("a"), base_url=base_url), MASTER))
    assert told(found, 0, "account.sandbox") == Fact(sandbox, INVENTORY)


def test_elsewhere_than_at_the_exchange_nobody_knows_whether_it_is_a_sandbox() -> None:
    who = replace(account("a"), base_url="http://127.0.0.1:8080/v4")
    detail = "it is read at 127.0.0.1 (base_url), not at the exchange itself"
    found = compared(asked(who, MASTER))
    assert told(found, 0, "account.sandbox") == Unknown(Reason.NOT_DISCLOSED, detail)
    # What was not read at all is unknown for that reason.
    unread = Facts.nothing(Reason.TIMEOUT, "no answer")
    found = compared(asked(who, MASTER, own=unread))
    assert told(found, 0, "account.sandbox") == Unknown(Reason.TIMEOUT, "no answer")


def test_every_account_that_discovers_is_asked_for_its_keys() -> None:
    auditor = asked(account("auditor"), BOT, Listed((row(BOT),), None))
    silent = asked(account("silent", discover=True), "silentkey-0123456", None)
    found = compared(auditor, silent, master(row(MASTER), row(OTHER))).found
    assert [key.subject.id for key in found] == ["main/key-9999"]


def test_that_a_key_is_gone_needs_no_list_in_the_catalog() -> None:
    target, collected = bot(BOT)
    found = compared(master(row(MASTER)), (replace(target, exchange=KRAKEN), collected))
    assert told(found, 1, "key.exists") == observed("", value=False)


def test_without_any_list_nobody_knows_whether_all_keys_are_declared() -> None:
    who = account("main", discover=True)
    known = Facts({"key.exists": fact(value=True)}, {})
    why = told(compared(asked(who, MASTER, None, known)), 0, "key.declared")
    assert why == Unknown(Reason.NOT_DISCLOSED, "no list of keys could be read")
    refused = known.learn("key.name", REFUSED)
    assert told(compared(asked(who, MASTER, None, refused)), 0, "key.declared") == REFUSED


NO_LISTS = asked(account("main"), MASTER, None)
"""An auditor that lists nothing."""


@pytest.mark.parametrize(
    ("auditor", "exists", "others"),
    [
        (NO_LISTS, "main lists no keys", "main lists no keys"),
        (
            master(row("botkey-0123*****"), row("botkey-01*****")),
            "main lists 2 keys that match it",
            "main lists 2 keys that match it",
        ),
        (
            master(row(MASTER), missing=REFUSED),
            "main: keys could not all be listed",
            "main: keys could not all be listed",
        ),
        (
            master(row("******")),
            "main shows too little of its keys to identify this one",
            "main shows too little of its keys to identify this one",
        ),
        (master(row(MASTER)), False, "main lists no such key"),
        (master(row("otherkey-01*****")), False, "main lists no such key"),
    ],
)
def test_why_an_auditor_does_not_tell_about_a_key(
    auditor: tuple[Target, Collected], exists: object, others: str
) -> None:
    found = compared(auditor, bot(BOT))
    assert told(found, 1, "key.name").detail == others  # type: ignore[union-attr]
    why = told(found, 1, "key.exists")
    if exists is False:
        assert why == observed("account_keys", value=False)
    else:
        assert isinstance(why, Unknown)
        assert why.detail == exists


@pytest.mark.parametrize(
    ("auditor", "exists"),
    [
        (NO_LISTS, Reason.NOT_DISCLOSED),
        (master(row(BOT, key__name="listed")), True),
        (master(row("botkey-0123*****"), row("botkey-01*****")), Reason.NOT_DISCLOSED),
        (master(row(MASTER), missing=REFUSED), Reason.NOT_DISCLOSED),
        (master(row("******")), Reason.NOT_DISCLOSED),
        (master(row(MASTER)), False),
    ],
)
def test_of_a_key_that_is_asked_itself_a_list_tells_only_whether_it_exists(
    auditor: tuple[Target, Collected], exists: object
) -> None:
    target, collected = bot(BOT, BOT)
    own = replace(collected.evidence, facts=facts(key__name="own"))
    found = compared(auditor, (replace(target, asks=True), replace(collected, evidence=own)))
    assert value(found, 1, "key.name") == "own"
    assert value(found, 1, "key.exists") == exists


def test_that_a_key_exists_is_told_by_the_list_that_has_it() -> None:
    found = compared(master(replace(row(BOT), listing="sub_account_keys")), bot(BOT))
    assert told(found, 1, "key.exists") == observed("sub_account_keys", value=True)


def test_an_account_that_cannot_be_used_is_not_looked_up() -> None:
    target, collected = bot(BOT)
    why = Unknown(Reason.BAD_CREDENTIALS_CONFIG, "no such variable")
    unread = replace(collected.evidence, facts=Facts.nothing(why.reason, why.detail))
    pair = replace(target, unusable=why), replace(collected, evidence=unread)
    found = compared(master(row(BOT, key__name="listed")), pair)
    assert told(found, 1, "key.name") == why


@pytest.mark.parametrize(
    ("own", "auditors", "expected"),
    [(None, None, None), (None, 2, 2), (1, None, 1), (1, -2, -2), (3, 2, 3)],
)
def test_the_clock_of_the_auditor_counts_too(
    own: int | None, auditors: int | None, expected: int | None
) -> None:
    def skewed(pair: tuple[Target, Collected], hours: int | None) -> tuple[Target, Collected]:
        skew = None if hours is None else timedelta(hours=hours)
        evidence = replace(pair[1].evidence, clock_skew=skew)
        return pair[0], replace(pair[1], evidence=evidence)

    found = compared(skewed(master(row(BOT)), auditors), skewed(bot(BOT), own))
    assert found.evidence[1].clock_skew == (None if expected is None else timedelta(hours=expected))
    # Who has no auditor has no clock but its own.
    alone = compared(skewed(asked(account("a"), MASTER), own))
    assert alone.evidence[0].clock_skew == (None if own is None else timedelta(hours=own))


@pytest.mark.parametrize(
    ("declared", "shown", "mask", "exists"),
    [
        # Six characters are enough, however many are hidden, and by whatever.
        ("botk****t7", "botk••t7", "•", True),
        ("bot****t7", "bot••t7", "•", Reason.NOT_DISCLOSED),
        ("botkey-0123***", "botkey-0123*****", "*", True),
        ("botkey-***bot7", "botkey-*****bot7", "*", True),
        # One shows more than the other: they may be the same key, and may be two.
        ("botkey-0123***", "botkey-012345***", "*", Reason.NOT_DISCLOSED),
        ("botkey-012345***", "botkey-0123***", "*", Reason.NOT_DISCLOSED),
        ("botkey-***bot7", "botkey-***t7", "*", Reason.NOT_DISCLOSED),
        ("botkey-***t7", "botkey-***bot7", "*", Reason.NOT_DISCLOSED),
        ("botkey-0123***", "botkey-***bot7", "*", Reason.NOT_DISCLOSED),
        # These are two keys.
        ("botkey-0123***", "otherkey-0123***", "*", False),
        ("botkey-***bot7", "botkey-***bot8", "*", False),
    ],
)
def test_a_key_of_which_both_sides_hide_a_part(
    declared: str, shown: str, mask: str, exists: object
) -> None:
    assert value(compared(master(row(shown, mask)), bot(declared)), 1, "key.exists") == exists


def test_a_list_without_a_mask_shows_every_key_whole() -> None:
    found = compared(master(row(MASTER, ""), row(BOT, "", key__name="b")), bot())
    assert value(found, 1, "key.name") == "b"


def test_two_rows_that_hide_their_keys_alike_are_not_one_declared_key() -> None:
    rows = (row("botkey-0123*****"), row("botkey-0123*****"))
    other = Declared(account("bot"), Secret(BOT))
    found = compared(master(row(MASTER), *rows), others=(other,)).found
    why = Unknown(Reason.UNEXPECTED_ANSWER, "several listed keys look like this one")
    assert [key.facts.unknown["key.declared"] for key in found] == [why]


def test_whose_keys_could_not_be_read_is_told() -> None:
    lost = (Declared(account("lost-1"), None), Declared(account("lost-2"), None))
    [key] = compared(master(row(OTHER)), others=lost).found
    detail = "the key of lost-1, lost-2 could not be read, so this may be it"
    assert key.facts.unknown["key.declared"] == Unknown(Reason.BAD_CREDENTIALS_CONFIG, detail)


@pytest.mark.parametrize(
    ("names", "told_names"),
    [
        ("b", "b"),
        ("bcd", "b, c, d"),
        ("bcde", "b, c, d and 1 other"),
        ("bcdef", "b, c, d and 2 others"),
    ],
)
def test_of_whose_keys_too_little_is_known_is_told(names: str, told_names: str) -> None:
    lost = [asked(account(name), None) for name in names]
    found = compared(asked(account("a"), MASTER), *lost)
    detail = f"the same key may be that of {told_names}, which was not read"
    assert told(found, 0, SHARED) == Unknown(Reason.NOT_DISCLOSED, detail)


@pytest.mark.parametrize(
    ("mine", "other", "shared"),
    [
        (MASTER, "masterkey-01*****", Reason.NOT_DISCLOSED),
        (MASTER, "otherkey-01*****", ()),
        (fingerprint(MASTER, pepper=PEPPER), "", Reason.NOT_DISCLOSED),
        (fingerprint(MASTER, pepper=PEPPER), "masterkey-01*****", Reason.NOT_DISCLOSED),
        (fingerprint(MASTER, pepper=PEPPER), fingerprint(OTHER, pepper=PEPPER), ()),
        (fingerprint(MASTER, pepper=PEPPER), fingerprint(MASTER, pepper=PEPPER), ("b",)),
        (MASTER, MASTER, ("b",)),
    ],
)
def test_what_little_is_known_of_a_key_may_rule_out_that_it_is_shared(
    mine: str, other: str, shared: object
) -> None:
    found = compared(asked(account("a", key=mine), None), asked(account("b", key=other), None))
    assert value(found, 0, SHARED) == shared


def test_a_key_that_only_its_fingerprint_names_is_not_shared_with_itself() -> None:
    mine = account("a", key=fingerprint(MASTER, pepper=PEPPER))
    assert value(compared(asked(mine, None)), 0, SHARED) == ()


def test_a_key_that_the_inventory_says_of_an_account_that_was_left_out_is_compared() -> None:
    target, collected = asked(account("a"), MASTER)
    other = account("c", key=MASTER)
    found = correlate([target], {0: collected}, (), PEPPER, unasked=[other])
    assert value(found, 0, SHARED) == ("c",)


def at(name: str, desk: str, *egress: str) -> Account:
    plain = account(name)
    networks = tuple(map(ip_network, egress))
    return replace(plain, subject=replace(plain.subject, labels={"desk": desk}), egress=networks)


def test_desks_that_work_from_one_address_are_told_of_each_other() -> None:
    pairs = [
        asked(at("a", "mm", "203.0.113.5"), MASTER),
        asked(at("b", "otc", "203.0.113.5"), BOT),
        asked(at("c", "otc"), OTHER),
    ]
    left_out = [at("d", "vault", "203.0.113.5"), at("e", "loans")]
    targets = [target for target, _ in pairs]
    collected = {i: found for i, (_, found) in enumerate(pairs)}
    found = correlate(targets, collected, (), PEPPER, unasked=left_out)
    entries = (
        "desk:mm",
        "desk=otc (b)",
        "desk=vault (d)",
        "desk?otc (c)",
        "desk~loans (e)",
        "desk~vault (d)",
    )
    assert told(found, 0, "ip.shared_across") == Fact(entries, INVENTORY)
    unknown = Unknown(Reason.NOT_DISCLOSED, "the inventory has no egress")
    assert told(found, 2, "ip.shared_across") == unknown
