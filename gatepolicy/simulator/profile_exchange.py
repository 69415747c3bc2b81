"""Playing a profile: from a request to its answer. Pure but for the nonces that were seen."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, assert_never

from gatepolicy.simulator.account_keys import (
    Rows,
    keys_of_account,
    keys_with_subaccounts,
    subaccount_keys,
    subaccounts,
)
from gatepolicy.simulator.answers import Answer, Request
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import CallTemplate, Profile
from gatepolicy.simulator.rendering import STAND_IN, Variant, written
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.table import SCHEMES
from gatepolicy.simulator.templates import TemplateContext, fill, owner_of, words_of

_LONGEST_NONCE = 40
_WHOLE = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")


class ProfileExchange:
    """One exchange with its keys."""

    def __init__(self, profile: Profile, keys: Sequence[SimulatedKey]) -> None:
        """Take the keys that the exchange knows.

        Raises:
            ValueError: Two keys are the same; or a key refuses its caller, and the documents do not
                tell how.
        """
        if len({key.api_key for key in keys}) < len(keys):
            raise ValueError(f"two simulated keys of {profile.id} are the same")
        if "ip_refused" not in profile.errors and not all(key.admits_caller() for key in keys):
            raise ValueError(f"{profile.id} documents no answer to an address that is refused")
        self._profile = profile
        self._keys = {key.api_key: key for key in keys}
        self._owned = {owner_of(key): key for key in keys}
        self._used: set[tuple[str, str]] = set()
        self._nonces: dict[str, Decimal] = {}

    def declares(self, method: str, path: str) -> bool:
        """Whether the profile has a call of this method and path."""
        return any(c.method == method and c.has_path(path) for c in self._profile.calls)

    def takes(self, request: Request) -> bool:
        """Whether a request is a call of the profile."""
        return self._call(request) is not None

    def key_of(self, request: Request) -> SimulatedKey | None:
        """The key that a request names, or one of its owner's; ``None`` when the exchange does not
        know it.
        """
        call = self._call(request)
        presented = SCHEMES[self._profile.auth["scheme"]].presented(request, self._profile.auth)
        return (self._owned if call and call.of_owner else self._keys).get(presented)

    def answer(self, request: Request, variant: Variant = Variant.PLAIN) -> Answer:
        """What the exchange answers.

        Args:
            request: The request.
            variant: How what describes the key is written, in an answer that is no refusal.
        """
        call = self._call(request)
        if call is None:
            return self.error("not_found", request, None)
        key = self.key_of(request)
        refusal = self._refusal(call, request, key)
        if refusal is not None or key is None:
            return self.error(refusal or "unknown_key", request, key)
        auth = self._profile.auth
        more = SCHEMES[auth["scheme"]].variables(request, auth, key)
        said = answer_to(call, request, key, tuple(self._keys.values()), variant, more)
        return said or self.error("no_such_key", request, key)

    def _call(self, request: Request) -> CallTemplate | None:
        return next((call for call in self._profile.calls if call.takes(request)), None)

    def error(self, name: str, request: Request, key: SimulatedKey | None) -> Answer:
        """One of the documented errors.

        Raises:
            KeyError: The documents tell no such error.
        """
        said: Mapping[str, Any] = self._profile.errors[name]
        headers = tuple((header, str(value)) for header, value in said.get("headers", {}).items())
        if "text" in said:
            body = str(said["text"]).encode()
            return Answer(said["status"], body, headers, content_type="text/plain")
        described = key or next(iter(self._keys.values()))
        filled = fill(said["body"], TemplateContext(described, _now(request), _of_request(request)))
        answer = _json(said["status"], filled)
        return Answer(answer.status, answer.body, headers)

    def _refusal(
        self, call: CallTemplate, request: Request, key: SimulatedKey | None
    ) -> str | None:
        auth = self._profile.auth
        scheme = SCHEMES[auth["scheme"]]
        if not scheme.presented(request, auth):
            return "no_key"
        if key is None:
            return "unknown_key"
        refused = scheme.refusal(request, auth, key)
        if refused is not None:
            return refused
        if "nonce" in auth and not self._accepts(key, part(request, auth["nonce"])):
            return "nonce"
        if not key.admits_caller():
            return "ip_refused"
        if (
            key.expires_at is not None
            and key.expires_at <= _now(request)
            and self._documents_expiry()
        ):
            return "expired"
        return _refused_words(call, key)

    def _documents_expiry(self) -> bool:
        return "expired" in self._profile.errors

    def _accepts(self, key: SimulatedKey, nonce: str) -> bool:
        fresh = self._profile.auth.get("nonces") == "fresh"
        return self._is_fresh(key, nonce) if fresh else self._grows(key, nonce)

    def _is_fresh(self, key: SimulatedKey, nonce: str) -> bool:
        used = (key.api_key, nonce)
        if not nonce or used in self._used:
            return False
        self._used.add(used)
        return True

    def _grows(self, key: SimulatedKey, nonce: str) -> bool:
        form = _DECIMAL if self._profile.auth["nonce"].get("decimals") else _WHOLE
        if len(nonce) > _LONGEST_NONCE or not form.fullmatch(nonce):
            return False
        number = Decimal(nonce)
        if number <= self._nonces.get(key.api_key, Decimal(0)):
            return False
        self._nonces[key.api_key] = number
        return True


def _refused_words(call: CallTemplate, key: SimulatedKey) -> str | None:
    """The error of a key whose words are not those that a call is for."""
    words = {*words_of(key), *key.permissions}
    other = next((error for error, of in call.refuses.items() if of & words), None)
    if other is None and call.needs and not call.needs & words:
        return "permission"
    return other


def answer_to(
    call: CallTemplate,
    request: Request,
    key: SimulatedKey,
    keys: Sequence[SimulatedKey],
    variant: Variant = Variant.PLAIN,
    more: Mapping[str, object] = MappingProxyType({}),
) -> Answer | None:
    """What a call answers to a key that it does not refuse.

    ``None`` where a request names another key that is not of the same account.

    Args:
        call: The call.
        request: The request.
        key: The calling key.
        keys: All keys that the exchange knows.
        variant: How what describes the calling key is written.
        more: Variables of the document's template beyond the usual ones.
    """
    about = _about(call, request, key, keys)
    if about is None:
        return None
    described = _described(call, about, request)
    rows = list(_rows(call, request, key, keys))
    extra = {**_of_request(request), **more, "key_object": STAND_IN, "key_objects": rows}
    document = fill(call.document, TemplateContext(key, _now(request), extra))
    if not call.described:
        # Nothing describes the key but the document itself.
        document, described = STAND_IN, document
    return Answer(200, written(document, described, variant), tuple(call.headers.items()))


def _about(
    call: CallTemplate, request: Request, key: SimulatedKey, keys: Sequence[SimulatedKey]
) -> SimulatedKey | None:
    """The key that is described: the calling one, or the one that the request names."""
    if not call.about:
        return key
    name = part(request, call.about)
    return next((one for one in keys_with_subaccounts(key, keys) if one.api_key == name), None)


def _rows(
    call: CallTemplate, request: Request, key: SimulatedKey, keys: Sequence[SimulatedKey]
) -> Iterator[object]:
    match call.rows:
        case Rows.KEYS:
            *others, _ = keys_of_account(key, keys)
            yield from (_described(call, one, request) for one in others)
            yield STAND_IN
        case Rows.SUBACCOUNTS:
            yield from (_described(call, one, request) for one in subaccounts(key, keys))
        case Rows.SUBACCOUNT_KEYS:
            named = subaccount_keys(key, keys, call.subaccount_of(request))
            yield from (_described(call, one, request) for one in named)
        case _:
            assert_never(call.rows)


def _of_request(request: Request) -> Mapping[str, object]:
    """Variables of a template that come from the request."""
    numbered = request.json_fields().get("id")
    return {"path": request.path} | ({} if numbered is None else {"request_id": numbered})


def _described(call: CallTemplate, key: SimulatedKey, request: Request) -> object:
    filled = fill(call.described, TemplateContext(key, _now(request), {"path": request.path}))
    return key.patched(filled) if isinstance(filled, dict) else filled


def _now(request: Request) -> datetime:
    return datetime.fromtimestamp(request.now, UTC)


def _json(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body, separators=(",", ":")).encode())
