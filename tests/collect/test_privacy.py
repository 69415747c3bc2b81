"""What an answer repeats of an account's credentials is read by nobody and shown to nobody."""

import base64
import html
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatepolicy.collect.redact import MARK, REPEATED, Privacy, Redactor
from gatepolicy.correlate.collected import Listed, ListedKey
from gatepolicy.exchanges.answers import Answer, NoAnswer
from gatepolicy.model.facts import (
    Access,
    Fact,
    Facts,
    FactValue,
    Grade,
    Grant,
    Provenance,
    Reason,
    Unknown,
)
from gatepolicy.model.secret import Secret

KEY = "public-half-of-nobody-0123456789"
SECRET = "Planted0Secret9Of8Nobody7"
PASSPHRASE = "PlantedPass1234"
PRIVACY = Privacy(
    {
        "apiKey": Secret(KEY),
        "secret": Secret(SECRET),
        "password": Secret(PASSPHRASE),
        "uid": Secret("12"),
    }
)


def interpreted(body: Any) -> Any:
    answer = PRIVACY.answer(Answer(200, json.dumps(body).encode()))
    assert isinstance(answer, Answer)
    assert answer.status == 200
    return json.loads(answer.body)


def test_a_credential_is_marked_before_anything_is_read() -> None:
    body = {"label": f"of {SECRET}!", "perms": ["read", PASSPHRASE, "withdraw"], "ok": True, "n": 1}
    assert interpreted(body) == {
        "label": f"of {MARK}!",
        "perms": ["read", MARK, "withdraw"],
        "ok": True,
        "n": 1,
    }


def test_the_public_half_stays_to_find_the_own_row() -> None:
    answer = Answer(200, json.dumps({"apiKey": KEY, "uid": "12", "part": KEY[:20]}).encode())
    assert PRIVACY.answer(answer) is answer


def test_pieces_over_neighbouring_values_are_marked() -> None:
    body = {"a": "Planted", "b": [{"c": "Pass"}, "1234 and more"], "d": "Planted"}
    assert interpreted(body) == {"a": MARK, "b": [{"c": MARK}, f"{MARK} and more"], "d": "Planted"}


def test_a_long_piece_is_marked_wherever_it_stands() -> None:
    body = {"a": f"x{SECRET[:12]}y", "b": 1, "c": SECRET[12:], "d": SECRET[:11]}
    assert interpreted(body) == {"a": f"x{MARK}y", "b": 1, "c": MARK, "d": SECRET[:11]}


def test_a_short_piece_is_marked_unless_it_is_a_word() -> None:
    # Half of the passphrase; the other half could be a word that stands there by itself.
    body = {"a": "ss1234", "b": "x", "c": "dPass1234", "d": "y", "e": "PlantedPas"}
    assert interpreted(body) == {"a": "ss1234", "b": "x", "c": MARK, "d": "y", "e": "PlantedPas"}


def test_what_a_secret_has_in_common_with_the_public_half_is_no_piece_of_it() -> None:
    privacy = Privacy({"apiKey": Secret("desk-of-nobody-1"), "secret": Secret("desk-of-nobody-2")})
    shared = Answer(200, b'{"label": "desk-of-nobody-", "apiKey": "desk-of-nobody-1"}')
    assert privacy.answer(shared) is shared
    whole = privacy.answer(Answer(200, b'{"label": "desk-of-nobody-2"}'))
    assert isinstance(whole, Answer)
    assert json.loads(whole.body) == {"label": MARK}


def test_a_number_that_holds_a_credential_becomes_a_text() -> None:
    privacy = Privacy({"password": Secret("123456789")})
    answer = privacy.answer(Answer(200, b'{"code": 91234567890, "ratio": 0.5}'))
    assert isinstance(answer, Answer)
    assert json.loads(answer.body) == {"code": MARK.join(("9", "0")), "ratio": 0.5}


def test_an_answer_with_a_credential_as_a_name_is_none() -> None:
    body = json.dumps({f"enable-{SECRET}": True, SECRET: 1, "y": [{f"enable-{SECRET}": 1}]})
    answer = PRIVACY.answer(Answer(200, body.encode()))
    assert answer == NoAnswer(Reason.UNEXPECTED_ANSWER, "an answer contained a credential")


def test_what_is_not_json_is_left_to_be_refused() -> None:
    page = Answer(403, f"<html>{SECRET}</html>".encode())
    assert PRIVACY.answer(page) is page
    nothing = NoAnswer(Reason.TIMEOUT)
    assert PRIVACY.answer(nothing) is nothing


def test_what_was_marked_is_not_sent() -> None:
    assert PRIVACY.unsendable({"uid": 7, "name": "bot"}) is None
    refused = PRIVACY.unsendable({"uid": f"x{MARK}"})
    assert refused is not None
    assert refused.reason is Reason.UNEXPECTED_ANSWER


def fact(value: FactValue, pointer: str = "/a") -> Fact:
    return Fact(value, Provenance(Grade.OBSERVED, "call", pointer))


@pytest.mark.parametrize(
    "repeating",
    [
        fact(f"bot {MARK}"),
        fact(f"bot {SECRET}"),
        fact(f"bot {KEY}"),
        fact(("a", MARK)),
        fact((Grant("spot", Access.GRANTED), Grant(MARK, Access.GRANTED))),
        fact(value=True, pointer=f"/{MARK}"),
    ],
)
def test_a_fact_that_was_read_from_a_credential_is_unknown(repeating: Fact) -> None:
    good = fact("bot-12")
    facts = PRIVACY.facts(Facts({"key.name": repeating, "ip.restricted": good}, {}))
    assert facts == Facts({"ip.restricted": good}, {"key.name": REPEATED})


def test_other_facts_are_left_alone() -> None:
    facts = Facts(
        {"key.name": fact("bot-12"), "x": fact((Grant("a", Access.GRANTED),)), "y": fact(())},
        {"z": Unknown(Reason.BAD_KEY, "HTTP 400")},
    )
    assert PRIVACY.facts(facts) is facts


def test_a_reason_quotes_no_credential() -> None:
    facts = Facts({}, {"a": Unknown(Reason.BAD_KEY, f"error code {KEY}, which nobody knows")})
    assert PRIVACY.facts(facts).unknown["a"] == Unknown(
        Reason.BAD_KEY, "error code ***, which nobody knows"
    )


def listed_key(shown: str, name: str) -> ListedKey:
    return ListedKey("list", shown, "", Facts({"key.name": fact(name)}, {}))


def test_lists_are_as_private() -> None:
    keys = (listed_key("of another", SECRET), listed_key("of a third", "bot"))
    missing = Unknown(Reason.BAD_KEY, KEY)
    listed = PRIVACY.listed(Listed(keys, missing, keys[1:]))
    assert listed.keys[0].facts.unknown == {"key.name": REPEATED}
    assert listed.keys[1] == keys[1]
    assert listed.missing == Unknown(Reason.BAD_KEY, "***")
    assert listed.of_account == keys[1:]
    assert PRIVACY.listed(Listed((), None, missing)).of_account == Unknown(Reason.BAD_KEY, "***")


def test_a_list_that_shows_a_credential_as_a_key_is_not_complete() -> None:
    keys = (listed_key(MARK, "bot"), listed_key("of a third", "bot"))
    listed = PRIVACY.listed(Listed(keys, None, keys))
    assert listed == Listed(keys[1:], REPEATED, REPEATED)


FORMS: list[Callable[[str], str]] = [
    str,
    lambda secret: secret[::-1],
    lambda secret: quote(secret, safe=""),
    lambda secret: quote_plus(quote(secret, safe="")),
    lambda secret: json.dumps(json.dumps(secret)),
    lambda secret: "".join(f"\\u{ord(char):04X}" for char in secret),
    lambda secret: "".join(f"\\x{ord(char):02x}" for char in secret),
    lambda secret: html.escape(secret),
    lambda secret: "".join(f"&#{ord(char)};" for char in secret),
    lambda secret: secret.encode().hex(),
    lambda secret: secret.encode().hex(" ").upper(),
    lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: base64.b64encode(f"a{secret}bc".encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(f"ab{secret}".encode()).decode(),
    lambda secret: base64.b32encode(secret.encode()).decode().lower(),
    lambda secret: base64.b32encode(f"abc{secret}".encode()).decode(),
    lambda secret: " ".join(secret),
]

secrets = st.text(st.sampled_from('ABCdefXYZ0123456789+/=-_%&"\\'), min_size=12, max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(secret=secrets, form=st.sampled_from(FORMS), before=json_values, after=json_values)
def test_no_copy_survives_in_any_place(
    secret: str, form: Callable[[str], str], before: Any, after: Any
) -> None:
    assume(sum(char.isalnum() for char in secret) >= 8)
    copy = form(secret)
    redactor = Redactor([Secret(secret)])
    value = {"a": before, "b": [{"c": f"left {copy} right"}], "d": after}
    masked: Any = redactor.values(value, MARK)
    assert MARK in masked["b"][0]["c"]
    assert copy not in json.dumps(masked["b"], ensure_ascii=False)
    assert redactor.finds(copy)
    assert copy not in redactor.text(f"left {copy} right", "***")
    # Neighbours stay what they were unless they look like a part of it.
    assert list(masked) == ["a", "b", "d"]


@given(secret=secrets, cut=st.integers(1, 11))
def test_no_cut_saves_a_copy(secret: str, cut: int) -> None:
    masked: Any = Redactor([Secret(secret)]).values([secret[:cut], secret[cut:]], MARK)
    left = "".join(masked).replace(MARK, "")
    assume(sum(char.isalnum() for char in secret) >= 8)
    assert sum(char.isalnum() for char in left) == 0


@given(json_values)
def test_an_answer_without_a_credential_is_the_same(value: Any) -> None:
    redactor = Redactor([Secret("a-credential-that-no-answer-holds-0")])
    assert redactor.values(value, MARK) is value


def test_a_redactor_of_nothing_finds_nothing() -> None:
    assert not Redactor([]).finds("anything")
    assert Redactor([Secret("")]).text("any text", "***") == "any text"


def test_names_that_become_the_same_are_told_apart() -> None:
    value: Any = {SECRET: 1, quote(f"%{SECRET}"): 2, "***": 3}
    masked: Any = Redactor([Secret(SECRET)]).values(value, "***")
    assert sorted(masked.values()) == [1, 2, 3]


def test_a_huge_answer_is_searched_in_a_moment() -> None:
    rows: list[Any] = [f"203.0.113.{number % 256}" for number in range(140_000)]
    redactor = Redactor([Secret(SECRET), Secret(PASSPHRASE), Secret("x" * 1700)], [Secret(KEY)])
    began = time.process_time()
    assert redactor.values({"rows": rows}, MARK) == {"rows": rows}
    assert time.process_time() - began < 5
    began = time.process_time()
    redactor.values({"rows": [*rows, SECRET, "%41"]}, MARK)
    assert time.process_time() - began < 10
