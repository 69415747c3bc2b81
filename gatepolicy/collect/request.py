"""A signed request on its way to the guard."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What ccxt would send. All but the method may hold a secret."""

    method: str
    """HTTP method, in capitals."""
    url: str = field(repr=False)
    """With the query, which may hold the key and the signature."""
    headers: Mapping[str, str] = field(repr=False)
    """With the key, the signature and the passphrase."""
    body: bytes | None = field(repr=False)
    """``None`` for every read that gatepolicy knows."""
