"""Answers and texts without the credentials that they repeat.

An answer loses them twice: before anybody interprets it, so that nothing that is read from it can
hold one, and again before it becomes evidence, where the keys of others go as well.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gatepolicy.collect.repeated import Redactor, names_of
from gatepolicy.collect.secret import Secret
from gatepolicy.collect.target import Listed
from gatepolicy.documents.values import JSONValue
from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer
from gatepolicy.exchanges.exchange import Sent
from gatepolicy.exchanges.interpret import Failure
from gatepolicy.exchanges.params import PUBLIC_CREDENTIALS
from gatepolicy.exchanges.strict_json import NotJson, parse
from gatepolicy.model.facts import Fact, Facts, Grant, Unknown
from gatepolicy.model.reasons import Reason

MASK = "***"
MARK = "\ufdd0"
"""Stands for a credential in an answer that is being interpreted: no character, so no text of a
catalog has it, and no answer should."""
REPEATED = Unknown(Reason.UNEXPECTED_ANSWER, "an answer repeated a credential")
_LONGEST = 4000
"""Characters of an answer that evidence keeps."""
_SECRET_NAME = re.compile(r"secret|token|pass|sign", re.I)
_KEY_NAME = re.compile(r"key", re.I)
_PERSONAL_NAME = re.compile(r"client_?id|account_?uid|ii?ban|e-?mail|phone|funds|deposit", re.I)
"""Names of what is about other keys or about the owner: account numbers, balances."""
_JSON_BEGINS = ("{", "[", '"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Privacy:
    """What of one account's credentials may stand where."""

    def __init__(self, credentials: Mapping[str, Secret]) -> None:
        """Prepare for one account.

        Args:
            credentials: ccxt name to credential.
        """
        hidden = [one for name, one in credentials.items() if name not in PUBLIC_CREDENTIALS]
        api_key = [one for name, one in credentials.items() if name == "apiKey"]
        self._hidden = Redactor(hidden, left=api_key)
        self._shown = self._hidden.knowing(api_key)
        self._everything = self._shown.knowing(credentials.values())
        self._details: dict[str, str] = {}

    def evidence(self, body: bytes) -> str:
        """What evidence keeps of an answer."""
        return redact_answer(body, self._everything)

    def answer(self, raw: RawAnswer) -> RawAnswer:
        """An answer as it may be interpreted: with ``MARK`` in the place of every credential.

        The public half of a key stays: it is how a list's row of that key is found. What is no
        JSON stays as well, because nothing is read from it. An answer with a credential in the
        place of a name is none: nobody knows what its other names mean.

        Args:
            raw: As received.
        """
        if not isinstance(raw, Answer):
            return raw
        value = parse(raw.body)
        if isinstance(value, NotJson):
            return raw
        masked = self._hidden.values(value, MARK)
        if masked is value:
            return raw
        text = json.dumps(masked, ensure_ascii=False)
        if any(MARK in name for name in names_of(masked)):
            return NoAnswer(REPEATED.reason, REPEATED.detail)
        return replace(raw, body=text.encode())

    def unsendable(self, params: Mapping[str, Sent]) -> Failure | None:
        """Why a call cannot be sent with what earlier answers told, or ``None``."""
        if any(MARK in str(value) for value in params.values()):
            return Failure(REPEATED.reason, REPEATED.detail)
        return None

    def facts(self, facts: Facts) -> Facts:
        """Facts of which none was read from a credential; and no reason quotes one."""
        told: dict[str, Fact | Unknown] = {
            name: REPEATED
            for name, fact in facts.known.items()
            if any(MARK in text or self._shown.finds(text) for text in _texts_of(fact))
        }
        for name, why in facts.unknown.items():
            shown = self._why(why)
            if shown is not why:
                told[name] = shown
        return facts.learn_all(told) if told else facts

    def listed(self, listed: Listed) -> Listed:
        """A list of keys; one that shows a credential in the place of a key is not complete."""
        keys = tuple(
            replace(one, facts=self.facts(one.facts))
            for one in listed.keys
            if MARK not in one.shown
        )
        missing = self._why(listed.missing) if listed.missing else None
        of_account = listed.of_account
        if isinstance(of_account, Unknown):
            return Listed(keys, missing, self._why(of_account))
        if any(MARK in one.shown for one in listed.keys):
            return Listed(keys, missing or REPEATED, REPEATED)
        shown = {(one.listing, one.shown): one for one in keys}
        return Listed(keys, missing, tuple(shown[one.listing, one.shown] for one in of_account))

    def _why(self, why: Unknown) -> Unknown:
        # Remembered: most facts are unknown for the same reason.
        detail = self._details.get(why.detail)
        if detail is None:
            detail = self._details[why.detail] = self._shown.text(why.detail, MASK)
        return why if detail == why.detail else replace(why, detail=detail)


def _texts_of(fact: Fact) -> Iterator[str]:
    yield fact.provenance.pointer
    match fact.value:
        case str() as text:
            yield text
        case tuple() as entries:
            for entry in entries:
                if isinstance(entry, str | Grant):
                    yield entry if isinstance(entry, str) else entry.word
        case _:
            pass


def redact_answer(body: bytes, redactor: Redactor) -> str:
    """What evidence keeps of an answer.

    Values under names that speak of keys or secrets are masked whatever they are: lists of keys
    name the keys of others. So are values about the owner, with all that they hold. Of a body that
    begins like JSON and is none, nothing can be masked by its name, so nothing is kept.

    Args:
        body: As received.
        redactor: Knows the secrets of the account.
    """
    text = body.decode("utf-8", "replace")
    try:
        value = redactor.values(json.loads(text), MASK)
        masked = json.dumps(_masked(value), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        if text.lstrip("\ufeff \t\r\n").startswith(_JSON_BEGINS):
            return f"(not kept: {len(body)} bytes of broken JSON)"
        masked = text
    clean = _CONTROL.sub(" ", redactor.text(masked, MASK))
    return clean if len(clean) <= _LONGEST else clean[:_LONGEST] + "…"


def _masked(value: JSONValue) -> Any:
    match value:
        case dict():
            return {name: _masked_field(name, inner) for name, inner in value.items()}
        case list():
            return [_masked(inner) for inner in value]
        case _:
            return value


def _masked_field(name: str, value: Any) -> Any:
    if _PERSONAL_NAME.fullmatch(name):
        return value if value in (None, "") else MASK
    if _SECRET_NAME.search(name):
        return _hidden(value)
    return _hidden_keys(value) if _KEY_NAME.search(name) else _masked(value)


def _hidden(value: Any) -> Any:
    """With every text and number masked, however deep."""
    match value:
        case dict():
            return {name: _hidden(inner) for name, inner in value.items()}
        case list():
            return [_hidden(inner) for inner in value]
        case bool() | None | "":
            return value
        case _:
            return MASK


def _hidden_keys(value: Any) -> Any:
    """A key, or a list of keys, masked; what counts or describes keys is not."""
    match value:
        case list():
            return [_hidden_keys(inner) for inner in value]
        case str():
            return _hidden(value)
        case _:
            return _masked(value)
