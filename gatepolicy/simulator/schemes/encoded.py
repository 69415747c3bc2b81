"""JSON that travels as base64, for schemes that sign it in that form."""

import base64
import json
from collections.abc import Mapping


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


def bearer_token(authorization: str) -> tuple[str, str, str]:
    """Header, claims and signature of the JWT in an ``Authorization`` header, all still encoded.

    Empty texts for a header that holds no JWT.
    """
    bearer, _, token = authorization.partition(" ")
    pieces = token.split(".")
    if bearer != "Bearer" or len(pieces) != 3:
        return "", "", ""
    return pieces[0], pieces[1], pieces[2]
