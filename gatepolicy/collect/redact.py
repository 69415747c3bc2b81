"""Answers without secrets, before they become evidence."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Any
from urllib.parse import quote, quote_plus

from gatepolicy.collect.secret import Secret

MASK = "***"
_LONGEST = 4000
"""Characters of an answer that evidence keeps."""
_SECRET_NAME = re.compile(r"secret|token|pass|sign", re.I)
_KEY_NAME = re.compile(r"key", re.I)
_PERSONAL_NAME = re.compile(r"client_?id|account_?uid|ii?ban|e-?mail|phone|funds|deposit", re.I)
"""Names of what is about other keys or about the owner: account numbers, balances."""
_JSON_BEGINS = ("{", "[", '"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Redactor:
    """Knows some secrets, and takes them out of texts."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        """Prepare for the secrets of one account.

        Args:
            secrets: Their usual encodings are taken out too, and pairs as in basic authentication.
        """
        whole = [secret.reveal() for secret in secrets]
        forms = {form for secret in whole for form in _forms(secret) if form}
        forms |= {_basic(user, password) for user, password in permutations(whole, 2)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = (
            re.compile("|".join(re.escape(form) for form in longest_first))
            if longest_first
            else None
        )

    def text(self, text: str) -> str:
        """A text with a mask in the place of every secret."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)


def _forms(secret: str) -> Iterator[str]:
    """A secret as it may stand in URLs, headers and JSON."""
    data = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield base64.b64encode(data).decode()
    yield base64.urlsafe_b64encode(data).decode().rstrip("=")
    yield data.hex()
    yield data.hex().upper()


def _basic(user: str, password: str) -> str:
    """A pair of secrets as HTTP basic authentication writes it (RFC 7617)."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def redact_answer(body: bytes, redactor: Redactor) -> str:
    """What evidence keeps of an answer.

    Values under names that speak of keys or secrets are masked whatever they are: lists of keys
    name the keys of others. So are values about the owner, with all that they hold. Of a body that
    begins like JSON and is none, nothing can be masked by its name, so nothing is kept.

    Args:
        body: As received.
        redactor: Knows the secrets of the account.
    """
    text = redactor.text(body.decode("utf-8", "replace"))
    try:
        masked = json.dumps(_masked(json.loads(text)), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        if text.lstrip("\ufeff \t\r\n").startswith(_JSON_BEGINS):
            return f"(not kept: {len(body)} bytes of broken JSON)"
        masked = text
    # Again after decoding: escapes can hide a secret from the first look.
    clean = _CONTROL.sub(" ", redactor.text(masked))
    return clean if len(clean) <= _LONGEST else clean[:_LONGEST] + "…"


def _masked(value: Any) -> Any:
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
