"""A name for a key that does not give the key away. Pure."""

import hashlib
import hmac
import re
from pathlib import PurePath

_LAST = 4
_LONG_ENOUGH = 16
"""Of a shorter key, four characters would give away too much."""
_FINGERPRINT = re.compile(r"[0-9a-f]{32}(:[!-~]{4})?")


def fingerprint(api_key: str, *, pepper: bytes) -> str:
    """HMAC-SHA-256 of a key, the first 128 bits in hexadecimal, and the key's last characters.

    Args:
        api_key: The public half of a key. Exchanges' keys are long and random.
        pepper: Kept by the firm; without it, nobody can test a guess. Or the salt of an inventory.
    """
    digest = hmac.new(pepper, api_key.encode(), hashlib.sha256).hexdigest()[:32]
    return f"{digest}:{api_key[-_LAST:]}" if len(api_key) >= _LONG_ENOUGH else digest


def is_fingerprint(text: str) -> bool:
    """Whether a text is of the form that ``fingerprint`` gives."""
    return _FINGERPRINT.fullmatch(text) is not None


def may_be_same(declared: str, other: str) -> bool:
    """Whether a fingerprint leaves it open that it is of the same key as another one.

    Different hashes may be of one key under two keys of fingerprints; the last characters tell.

    Args:
        declared: A fingerprint.
        other: A fingerprint, or the last characters of a key.
    """
    mine, others = declared.partition(":")[2], other.rpartition(":")[2]
    return not mine or not others or len(others) > _LAST or mine == others


def salt_of(inventory_file: str) -> bytes:
    """The key of fingerprints where the firm has none of its own, from the name of the file alone.

    It is the same wherever the inventory lies, so that scans of two machines can be compared. It is
    no secret, and inventories of the same name have the same one.
    """
    return hashlib.sha256(
        b"gatepolicy inventory\0" + PurePath(inventory_file).name.encode()
    ).digest()
