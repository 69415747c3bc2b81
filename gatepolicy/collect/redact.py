"""Answers and texts without the credentials that they repeat.

An answer loses them twice: before anybody interprets it, so that nothing that is read from it can
hold one, and again before it becomes evidence, where the keys of others go as well.
"""

import base64
import copy
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, TypeAlias
from urllib.parse import quote, quote_plus, unquote

from gatepolicy.correlate.collected import Listed
from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.answers import Answer, NoAnswer, NotJson, RawAnswer, parse
from gatepolicy.exchanges.exchange import Sent
from gatepolicy.exchanges.interpret import PUBLIC_CREDENTIALS, Failure
from gatepolicy.model.facts import Fact, Facts, Grant, Reason, Unknown
from gatepolicy.model.secret import Secret

_Span: TypeAlias = tuple[int, int]

_SHORTEST_FORM = 6
"""Characters. A shorter form of a credential, unlike the credential itself, is ordinary text."""
_SHORTEST_LOOSE = 8
"""The same for what is compared by letters and digits alone."""
_SHORTEST_CUT = 12
"""A shorter credential is not looked for in pieces."""
_LONGEST_PIECE = 12
_SHORTEST_PIECE = 7
"""A piece is half of a credential, within these. One below twelve characters could be a word: it
counts only with letters and digits in it."""
_ROUNDS = 3
"""How often one encoding within another is taken off."""

_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([\"\\/]))")
_ENCODED = re.compile(r"[%\\&]")


class Redactor:
    """Knows some credentials, and takes them out of texts."""

    def __init__(
        self,
        secrets: Iterable[Secret],
        public: Iterable[Secret] = (),
        *,
        left: Iterable[Secret] = (),
    ) -> None:
        """Prepare for the credentials of one account.

        Args:
            secrets: Their usual encodings are taken out too, pairs as in basic authentication, and
                pieces.
            public: Credentials of which parts may be shown, as exchanges do with the public half
                of a key: only whole ones are taken out.
            left: Credentials that stay. What a secret has in common with them, or with a public
                one, is no piece of a secret.
        """
        hidden = _texts(secrets)
        known = "\n".join([*_texts(public), *_texts(left)])
        self._whole: tuple[str, ...] = ()
        self._forms: tuple[str, ...] = ()
        self._loose: tuple[str, ...] = ()
        self._pieces = tuple(_Pieces.of(one, known) for one in hidden if len(one) >= _SHORTEST_CUT)
        self._add([*hidden, *_texts(public)])

    def knowing(self, public: Iterable[Secret]) -> "Redactor":
        """The same one, which takes out these as well, as whole ones."""
        more = copy.copy(self)
        more._add(_texts(public))
        return more

    def _add(self, secrets: Iterable[str]) -> None:
        fresh = [secret for secret in dict.fromkeys(secrets) if secret not in self._whole]
        pairs = [(one, other) for one in fresh for other in (*self._whole, *fresh)]
        forms = {form for secret in fresh for form in _forms(secret)}
        forms |= {_basic(*pair) for one, other in pairs for pair in ((one, other), (other, one))}
        loose = {form for secret in fresh for form in _loose_forms(secret)}
        self._whole += tuple(fresh)
        self._forms += tuple(forms.difference(self._forms))
        self._loose += tuple(loose.difference(self._loose))

    def finds(self, text: str) -> bool:
        """Whether a text holds a credential in any form."""
        return bool(self._spans(text)) or self._is_hidden_in(text)

    def text(self, text: str, mask: str) -> str:
        """A text with a mask in the place of every credential.

        One that stands there under several encodings takes the whole text with it.
        """
        masked = _replaced(text, self._spans(text), mask)
        return mask if self._is_hidden_in(masked) else masked

    def values(self, value: JSONValue, mask: str) -> JSONValue:
        """JSON with a mask in every text, number and name that holds a credential or a part of one.

        A credential that is cut in pieces over neighbouring values is found as well.

        Returns:
            The same object when it holds none.
        """
        texts: list[str] = []
        names: list[str] = []
        _gather(value, texts, names)
        left, left_names = self._masked(texts, mask), self._masked(names, mask)
        return _Rebuilder(left, left_names).of(value) if left or left_names else value

    def _masked(self, parts: Sequence[str], mask: str) -> dict[int, str]:
        """Position of a text to what is left of it, for those that held something."""
        joined = "\n".join(parts)
        spans = self._spans(joined)
        encoded = _ENCODED.search(joined) is not None
        if not spans and not encoded:
            return {}
        changed: dict[int, str] = {}
        starts = accumulate((len(part) + 1 for part in parts), initial=0)
        for position, (start, part) in enumerate(zip(starts, parts, strict=False)):
            left = _replaced(part, _within(spans, start, start + len(part)), mask)
            left = mask if encoded and self._is_hidden_in(left) else left
            if left != part:
                changed[position] = left
        return changed

    def _spans(self, text: str) -> list[_Span]:
        """Where credentials stand, in order, none touching another."""
        spans = [span for form in self._forms for span in _occurrences(form, text)]
        plain = _SEPARATORS.sub("", text).lower()
        if any(loose in plain for loose in self._loose):
            places = [place for place, char in enumerate(text) if char.isascii() and char.isalnum()]
            spans += [
                (places[start], places[end - 1] + 1)
                for loose in self._loose
                for start, end in _occurrences(loose, plain)
            ]
        spans += [span for pieces in self._pieces for span in pieces.spans(text)]
        return _merged(spans)

    def _is_hidden_in(self, text: str) -> bool:
        """Whether a credential stands there once escapes are taken off."""
        if _ENCODED.search(text) is None:
            return False
        return any(self._spans(one) for decode in _DECODERS for one in _decoded(text, decode))


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A credential that may be cut in pieces."""

    secret: str
    shortest: int
    """Characters of a piece."""
    blocks: Sequence[tuple[int, str]]
    """Places and texts of short parts: every piece holds one of them whole."""
    known: str
    """What is no secret."""

    @staticmethod
    def of(secret: str, known: str) -> "_Pieces":
        shortest = max(_SHORTEST_PIECE, min(_LONGEST_PIECE, len(secret) // 2))
        size = (shortest + 1) // 2
        starts = range(0, len(secret) - size + 1, size)
        blocks = [(start, secret[start : start + size]) for start in starts]
        return _Pieces(secret, shortest, blocks, known)

    def spans(self, text: str) -> Iterator[_Span]:
        for place, block in self.blocks:
            for start, _ in _occurrences(block, text):
                first, last = self._extended(text, start, place)
                if last - first >= self.shortest and self._counts(text[first:last]):
                    yield first, last

    def _counts(self, run: str) -> bool:
        if run in self.known:
            return False
        if len(run) >= _LONGEST_PIECE:
            return True
        return any(char.isdigit() for char in run) and any(char.isalpha() for char in run)

    def _extended(self, text: str, start: int, place: int) -> _Span:
        """How far the text agrees with the credential, on both sides of a place in both."""
        before = 0
        while (
            min(start, place) > before
            and text[start - before - 1] == self.secret[place - before - 1]
        ):
            before += 1
        after = 0
        longest = min(len(text) - start, len(self.secret) - place)
        while after < longest and text[start + after] == self.secret[place + after]:
            after += 1
        return start - before, start + after


def _texts(secrets: Iterable[Secret]) -> list[str]:
    return [secret.reveal() for secret in secrets if secret.reveal()]


def _forms(secret: str) -> Iterator[str]:
    """A credential as it may stand in URLs, headers and JSON."""
    yield secret
    data = secret.encode()
    derived = (
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        base64.b32encode(data).decode().rstrip("="),
        data.hex(),
        data.hex().upper(),
        secret[::-1],
        *_inner_forms(data, base64.b64encode, 3),
        *_inner_forms(data, base64.urlsafe_b64encode, 3),
        *_inner_forms(data, base64.b32encode, 5),
    )
    yield from (form for form in derived if len(form) >= _SHORTEST_FORM)


def _inner_forms(data: bytes, encode: Callable[[bytes], bytes], group: int) -> Iterator[str]:
    """What is the same wherever the data stands in something longer that is encoded as a whole.

    Args:
        data: A credential.
        encode: base64 or base32 (RFC 4648).
        group: So many bytes are encoded together.
    """
    bits = 6 if group == 3 else 5
    for before in range(group):
        encoded = encode(bytes(before) + data).decode()
        first = -(-8 * before // bits)
        yield encoded[first : 8 * (before + len(data)) // bits]


def _loose_forms(secret: str) -> Iterator[str]:
    """Letters and digits of a credential, for copies with separators or in another case."""
    data = secret.encode()
    encodings = (base64.b64encode(data), base64.b32encode(data))
    for form in (secret, secret[::-1], data.hex(), *(one.decode() for one in encodings)):
        plain = _SEPARATORS.sub("", form).lower()
        if len(plain) >= _SHORTEST_LOOSE:
            yield plain


def _basic(user: str, password: str) -> str:
    """A pair of secrets as HTTP basic authentication writes it (RFC 7617)."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _unescape(text: str) -> str:
    def char(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else match[3]

    return _ESCAPE.sub(char, text)


_DECODERS = (unquote, _unescape, html.unescape)


def _decoded(text: str, decode: Callable[[str], str]) -> Iterator[str]:
    """The text without one layer of an encoding, then without one more, and so on."""
    for _ in range(_ROUNDS):
        plain = decode(text)
        if plain == text:
            return
        yield plain
        text = plain


def _occurrences(needle: str, text: str) -> Iterator[_Span]:
    start = text.find(needle)
    while start >= 0:
        yield start, start + len(needle)
        start = text.find(needle, start + 1)


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _within(spans: Iterable[_Span], first: int, last: int) -> list[_Span]:
    """The parts of spans that lie within a range, counted from its beginning."""
    return [
        (max(start, first) - first, min(end, last) - first)
        for start, end in spans
        if start < last and end > first
    ]


def _replaced(text: str, spans: Iterable[_Span], mask: str) -> str:
    parts, done = [], 0
    for start, end in spans:
        parts += [text[done:start], mask]
        done = end
    return "".join([*parts, text[done:]])


def names_of(value: JSONValue) -> list[str]:
    """Every name of an object's entries, in the order of the document."""
    found: list[str] = []
    _gather(value, [], found)
    return found


def _gather(value: JSONValue, texts: list[str], names: list[str]) -> None:
    match value:
        case dict():
            for name, inner in value.items():
                names.append(name)
                _gather(inner, texts, names)
        case list():
            for inner in value:
                _gather(inner, texts, names)
        case str():
            texts.append(value)
        case int() | float() if not isinstance(value, bool):
            texts.append(str(value))
        case _:
            pass


class _Rebuilder:
    """Puts changed texts and names where ``_gather`` found them."""

    def __init__(self, texts: dict[int, str], names: dict[int, str]) -> None:
        self._texts = texts
        self._names = names
        self._text = -1
        self._name = -1

    def of(self, value: JSONValue) -> JSONValue:
        match value:
            case dict():
                return self._of_object(value)
            case list():
                return [self.of(inner) for inner in value]
            case str() | int() | float() if not isinstance(value, bool):
                self._text += 1
                return self._texts.get(self._text, value)
            case _:
                return value

    def _of_object(self, value: dict[str, JSONValue]) -> JSONValue:
        rebuilt: dict[str, JSONValue] = {}
        for name, inner in value.items():
            self._name += 1
            shown = self._names.get(self._name, name)
            while shown in rebuilt:
                shown += "'"
            rebuilt[shown] = self.of(inner)
        return rebuilt


MASK = "***"
MARK = "\ufdd0"
"""Stands for a credential in an answer that is being interpreted: no character, so no text of a
catalog has it, and no answer should."""
REPEATED = Unknown(Reason.UNEXPECTED_ANSWER, "an answer contained a credential")
_LONGEST = 4000
"""Characters of an answer that evidence keeps."""
_SECRET_NAME = re.compile(r"secret|token|pass|sign", re.I)
_KEY_NAME = re.compile(r"key", re.I)
_PERSONAL_NAME = re.compile(
    r"client_?id|account_?uid|ii?ban|e-?mail|phone|funds|balances|deposit", re.I
)
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
        """Why a call cannot be sent with what earlier answers said, or ``None``."""
        if any(MARK in str(value) for value in params.values()):
            return Failure(REPEATED.reason, REPEATED.detail)
        return None

    def facts(self, facts: Facts) -> Facts:
        """Facts of which none was read from a credential; and no reason quotes one."""
        masked: dict[str, Fact | Unknown] = {
            name: REPEATED
            for name, fact in facts.known.items()
            if any(MARK in text or self._shown.finds(text) for text in _texts_of(fact))
        }
        for name, why in facts.unknown.items():
            shown = self._why(why)
            if shown is not why:
                masked[name] = shown
        return facts.learn_all(masked) if masked else facts

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
