"""What a request looks like to an exchange, and what an exchange answers."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

TIME_MARK = b'"@@time@@"'
"""Stands for the server's clock in a body that is rendered before it is asked for."""
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as far as exchanges look at it."""

    method: str
    """In upper case, as sent."""
    path: str
    """Undecoded, without the query."""
    query: str
    """Undecoded, without the question mark."""
    headers: Mapping[str, str]
    """Looked up without regard to case."""
    body: bytes
    """Empty for every call that the simulator knows."""
    now: float
    """The server's clock: Unix time in seconds."""

    def target(self) -> str:
        """Path and query as they were sent."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json_fields(self) -> Mapping[str, object]:
        """The fields of the body, where it is a JSON object; none for any other body."""
        try:
            found = json.loads(self.text())
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def now_ms(self) -> int:
        """The server's clock: Unix time in milliseconds."""
        return int(self.now * 1000)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    """The HTTP status."""
    body: bytes = b""
    """The body; ``TIME_MARK`` in it becomes the server's time in milliseconds."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers beyond the usual ones."""
    content_type: str = "application/json"
    """The media type of the body."""


def json_answer(status: int, body: object, *headers: tuple[str, str]) -> Answer:
    """An answer whose body is the compact JSON of ``body``."""
    return Answer(status, json.dumps(body, separators=(",", ":")).encode(), headers)


def hex_hmac(algorithm: str, secret: str, message: str) -> str:
    """The keyed hash of a message, in lower-case hexadecimal."""
    return hmac.digest(_raw(secret), _raw(message), algorithm).hex()


def base64_hmac(secret: str, message: str) -> str:
    """The HMAC-SHA256 of a message, in base64."""
    return base64.b64encode(hmac.digest(_raw(secret), _raw(message), "sha256")).decode()


def hex_sha512(message: bytes) -> str:
    """The SHA-512 of a message, in lower-case hexadecimal."""
    return hashlib.sha512(message).hexdigest()


def same(left: str, right: str) -> bool:
    """Whether two texts are equal, in constant time."""
    return hmac.compare_digest(_raw(left), _raw(right))


def whole_number(text: str) -> int | None:
    """The number that a text of ASCII digits means; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def is_decimal(text: str) -> bool:
    """Whether a text is ASCII digits, with or without a fraction."""
    return _DECIMAL.fullmatch(text) is not None


def _raw(text: str) -> bytes:
    # Bytes that are no UTF-8 arrive as surrogates; they must fail a check, not the server.
    return text.encode(errors="surrogatepass")
