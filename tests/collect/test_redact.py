"""Answers lose every secret before they become evidence."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.collect.redact import Redactor, redact_answer
from gatepolicy.model.secret import Secret

KEY = "planted/key+of=nobody"


def redacted(body: bytes | str, *secrets: str) -> str:
    data = body.encode() if isinstance(body, str) else body
    return redact_answer(data, Redactor([Secret(secret) for secret in secrets or (KEY,)]))


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        quote(KEY, safe=""),
        quote_plus(KEY),
        json.dumps(KEY)[1:-1],
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
    ],
)
def test_every_form_of_a_secret_is_masked(form: str) -> None:
    text = redacted(json.dumps({"msg": f"Your key {form} is wrong"}))
    assert json.loads(text) == {"msg": "Your key *** is wrong"}


def test_a_pair_of_basic_authentication_is_masked() -> None:
    pair = base64.b64encode(b"planted-key:planted-secret").decode()
    text = redacted(json.dumps({"msg": f"Basic {pair}"}), "planted-key", "planted-secret")
    assert json.loads(text) == {"msg": "Basic ***"}


def test_escapes_hide_no_secret() -> None:
    hidden = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    assert json.loads(redacted(f'{{"msg":"{hidden}"}}')) == {"msg": "***"}


def test_keys_of_others_are_masked_by_their_names() -> None:
    body = {
        "key": "52fd0035f665*****",
        "rows": [{"apiKey": "of another", "secretKey": "x", "passphrase": "y", "name": "bot"}],
        "perms": [{"name": "spot", "read_only": False}],
        "keyCount": 2,
        "token": "",
    }
    assert json.loads(redacted(json.dumps(body))) == {
        "key": "***",
        "rows": [{"apiKey": "***", "secretKey": "***", "passphrase": "***", "name": "bot"}],
        "perms": [{"name": "spot", "read_only": False}],
        "keyCount": 2,
        "token": "",
    }


def test_the_longest_secret_is_masked_first() -> None:
    assert redacted("abcdef abc", "abc", "abcdef") == "*** ***"


def test_what_is_no_json_stays_a_text_without_controls() -> None:
    assert redacted(f"<html>\x1b[31m{KEY}\x00\xff\u202e</html>") == "<html> [31m*** ÿ </html>"
    assert redacted(b"\xff\xfe") == "\ufffd\ufffd"
    assert redacted("[" * 100_000) == "(not kept: 100000 bytes of broken JSON)"


def test_long_answers_are_cut_after_they_were_redacted() -> None:
    text = redacted("x" * 3990 + KEY)
    assert text == "x" * 3990 + "***"
    assert redacted("x" * 5000) == "x" * 4000 + "…"


def test_without_secrets_nothing_is_masked() -> None:
    assert redact_answer(b"plain", Redactor([])) == "plain"


secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=30)
texts = st.text(max_size=20)


@given(secret=secrets, before=texts, after=texts, data=st.data())
def test_no_planted_secret_survives(
    secret: str, before: str, after: str, data: st.DataObject
) -> None:
    bodies: list[Any] = [
        before + secret + after,
        json.dumps({before: [after, {"msg": secret + after}]}),
        json.dumps([before + secret], ensure_ascii=False),
        json.dumps({secret: before}),
        f"https://x.example/?key={quote(secret)}&x={quote_plus(secret)}",
    ]
    body = data.draw(st.sampled_from(bodies))
    assert secret not in redacted(body.encode("utf-8", "replace"), secret)


OF_ANOTHER = "a-secret-of-another-key"


@pytest.mark.parametrize(
    "body",
    [
        '{"rows": [{"client_secret": "a-secret-of-another-key", "client',
        ' \ufeff{"secretKey": "a-secret-of-another-key"',
        '"a-secret-of-another-key',
        '{"secretKey": ["a-secret-of-another-key"]}',
        '{"secretKey": {"v": "a-secret-of-another-key", "w": [["a-secret-of-another-key"]]}}',
        '{"tokens": ["a-secret-of-another-key"], "passphrases": {"a": "a-secret-of-another-key"}}',
        '{"api_keys": ["a-secret-of-another-key", ["a-secret-of-another-key"]]}',
        '{"client_id": "a-secret-of-another-key"}',
    ],
)
def test_secrets_of_other_keys_are_never_kept(body: str) -> None:
    # Deribit and XT answer with the secrets of other keys, which no Redactor knows.
    assert OF_ANOTHER not in redacted(body)


def test_a_secret_that_is_a_number_is_one() -> None:
    assert redacted('{"secret": 123456789, "signed": true}') == '{"secret":"***","signed":true}'
