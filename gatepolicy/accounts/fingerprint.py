"""A name for a key that does not give the key away. Pure."""

import hashlib
import hmac


def fingerprint(api_key: str, *, pepper: bytes) -> str:
    """HMAC-SHA-256 of a key, the first 128 bits in hexadecimal.

    Args:
        api_key: The public half of a key. Exchanges' keys are long and random.
        pepper: Kept by the firm; without it, nobody can test a guess.
    """
    return hmac.new(pepper, api_key.encode(), hashlib.sha256).hexdigest()[:32]
