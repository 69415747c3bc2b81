"""What only all accounts together tell: audited, undeclared, dead and shared keys."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gatepolicy.accounts.account import Account, fingerprint
from gatepolicy.correlate.accounts import Correlated, correlate
from gatepolicy.correlate.collected import Collected, Listed, ListedKey, Target
from gatepolicy.correlate.keys import Declared
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, FactValue, Grade, Provenance, Reason, Unknown
from gatepolicy.model.secret import Secret

GATE = load_exchange("gate")
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
