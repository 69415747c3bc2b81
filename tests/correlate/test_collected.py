"""What is found out about an account that could not be read: the same reason for everything."""

from datetime import UTC, datetime

from gatepolicy.accounts.account import Account
from gatepolicy.correlate.collected import NO_LIST, Collected, Listed, Target, unread
from gatepolicy.model.evidence import CallRecord, Evidence, Location, Subject
from gatepolicy.model.facts import Facts, Reason, Unknown
from gatepolicy.model.secret import Secret

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SUBJECT = Subject("main", "gate", {}, "", Location("a.yaml", 4, 5))
ACCOUNT = Account(SUBJECT, {}, {}, None, None, sandbox=False, timeout=30.0)
WHY = Unknown(Reason.TIMEOUT, "no answer within 30 s")


def test_an_account_that_could_not_be_read() -> None:
    nothing = Evidence(SUBJECT, NOW, Facts.nothing(Reason.TIMEOUT, "no answer within 30 s"), ())
    assert unread(Target(ACCOUNT, None, None), WHY, NOW) == Collected(nothing, None)


def test_what_it_would_have_listed_is_missing_for_the_same_reason() -> None:
    found = unread(Target(ACCOUNT, None, None, lists=True), WHY, NOW)
    assert found.listed == Listed((), WHY, WHY)


def test_its_key_and_what_was_sent_are_kept() -> None:
    call = CallRecord("key", "GET", "https://api.example.com/key", None, "timeout", 3, "")
    key = Secret("masterkey-0123")
    found = unread(Target(ACCOUNT, None, None), WHY, NOW, api_key=key, calls=[call])
    assert found.api_key is key
    assert found.evidence.calls == (call,)


def test_an_account_whose_own_keys_no_list_contains() -> None:
    assert Listed((), None).of_account == NO_LIST
