"""Bytes and JSON that travel as text, for schemes that sign them in that form."""

import base64
import json
from collections.abc import Mapping
from string import ascii_lowercase, ascii_uppercase, digits

_BASE58 = "".join(
    letter for letter in digits + ascii_uppercase + ascii_lowercase if letter not in "0OIl"
)
"""Bitcoin's alphabet: without what looks like something else."""


def base64_bytes(text: str) -> bytes:
    """What a base64 text holds, in either alphabet and with or without padding.

    Empty for a text that is no base64.
    """
    usual = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(usual + "=" * (-len(usual) % 4), validate=True)
    except ValueError:
        return b""


def base64_object(text: str) -> Mapping[str, object]:
    """The JSON object that a base64 text holds; empty for anything else."""
    try:
        value = json.loads(base64_bytes(text))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def base58_bytes(text: str) -> bytes:
    """What a base58 text holds; empty for a text that is no base58."""
    if not text or not set(text) <= set(_BASE58):
        return b""
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    # Each leading 1 is a leading zero byte.
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def base58_text(data: bytes) -> str:
    """Bytes as a base58 text."""
    number, letters = int.from_bytes(data), ""
    while number:
        number, rest = divmod(number, 58)
        letters = _BASE58[rest] + letters
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + letters


def bearer_token(authorization: str) -> tuple[str, str, str]:
    """Header, claims and signature of the JWT in an ``Authorization`` header, all still encoded.

    Empty texts for a header that holds no JWT.
    """
    bearer, _, token = authorization.partition(" ")
    pieces = token.split(".")
    if bearer != "Bearer" or len(pieces) != 3:
        return "", "", ""
    return pieces[0], pieces[1], pieces[2]
