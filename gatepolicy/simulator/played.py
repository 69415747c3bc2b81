"""Playing a profile: from a request to its answer. Pure but for the nonces that were seen."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gatepolicy.simulator.answers import Answer, Asked
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import PlayedCall, Profile
from gatepolicy.simulator.schemes.parts import part
from gatepolicy.simulator.schemes.table import SCHEMES
from gatepolicy.simulator.templates import Scene, fill, words_of

_LONGEST_NONCE = 40


class PlayedExchange:
    """One exchange with its keys."""

    def __init__(self, profile: Profile, keys: Sequence[SimulatedKey]) -> None:
        """Take the keys that the exchange knows.

        Raises:
            ValueError: A key refuses its caller, and the documents do not tell how.
        """
        if "ip_refused" not in profile.errors and not all(key.admits_caller() for key in keys):
            raise ValueError(f"{profile.id} documents no answer to an address that is refused")
        self._profile = profile
        self._keys = {key.api_key: key for key in keys}
        self._nonces: dict[str, int] = {}

    def declares(self, method: str, path: str) -> bool:
        """Whether the profile has a call of this method and path."""
        return any((call.method, call.path) == (method, path) for call in self._profile.calls)

    def key_of(self, asked: Asked) -> SimulatedKey | None:
        """The key that a request names; ``None`` when the exchange does not know it."""
        presented = SCHEMES[self._profile.auth["scheme"]].presented(asked, self._profile.auth)
        return self._keys.get(presented)

    def answer(self, asked: Asked) -> Answer:
        """What the exchange answers."""
        call = next(
            (c for c in self._profile.calls if c.takes(asked.method, asked.path, asked.text())),
            None,
        )
        if call is None:
            return self.error("not_found", asked, None)
        key = self.key_of(asked)
        refusal = self._refusal(call, asked, key)
        if refusal is not None or key is None:
            return self.error(refusal or "unknown_key", asked, key)
        family = self._family(key)
        about = part(asked, call.about) if call.about else key.api_key
        named = [other for other in family if other.api_key == about]
        if not named:
            return self.error("no_such_key", asked, key)
        rows = [self._described(call, other, asked) for other in family]
        extra = {
            "path": asked.path,
            "key_object": self._described(call, named[0], asked),
            "key_objects": rows,
            "other_objects": rows[:-1],
        }
        return _json(200, fill(call.document, Scene(key, _now(asked), extra)))

    def error(self, name: str, asked: Asked, key: SimulatedKey | None) -> Answer:
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
        filled = fill(said["body"], Scene(described, _now(asked), {"path": asked.path}))
        answer = _json(said["status"], filled)
        return Answer(answer.status, answer.body, headers)

    def _refusal(self, call: PlayedCall, asked: Asked, key: SimulatedKey | None) -> str | None:
        auth = self._profile.auth
        scheme = SCHEMES[auth["scheme"]]
        if not scheme.presented(asked, auth):
            return "no_key"
        if key is None:
            return "unknown_key"
        refused = scheme.refusal(asked, auth, key)
        if refused is not None:
            return refused
        if "nonce" in auth and not self._grows(key, part(asked, auth["nonce"])):
            return "nonce"
        if not key.admits_caller():
            return "ip_refused"
        if key.expires_at is not None and key.expires_at <= _now(asked) and self._tells_ends():
            return "expired"
        if call.needs and not call.needs & {*words_of(key), *key.permissions}:
            return "permission"
        return None

    def _tells_ends(self) -> bool:
        return "expired" in self._profile.errors

    def _grows(self, key: SimulatedKey, nonce: str) -> bool:
        if not (nonce.isascii() and nonce.isdigit() and len(nonce) <= _LONGEST_NONCE):
            return False
        if int(nonce) <= self._nonces.get(key.api_key, 0):
            return False
        self._nonces[key.api_key] = int(nonce)
        return True

    def _family(self, key: SimulatedKey) -> Sequence[SimulatedKey]:
        """All keys of the account, the key itself last."""
        others = [
            other
            for other in self._keys.values()
            if other is not key and key.account and other.account == key.account
        ]
        return [*others, key]

    def _described(self, call: PlayedCall, key: SimulatedKey, asked: Asked) -> object:
        filled = fill(call.described, Scene(key, _now(asked), {"path": asked.path}))
        return key.patched(filled) if isinstance(filled, dict) else filled


def _now(asked: Asked) -> datetime:
    return datetime.fromtimestamp(asked.now, UTC)


def _json(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body, separators=(",", ":")).encode())
