"""Invented keys of exchanges that are played from profiles: the same number makes the same key."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from gatepolicy.simulator.clean import BOUND_IPS
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import Profile


def invented_key(profile: Profile, number: int, now: datetime) -> SimulatedKey:
    """A key against which nothing can be said: bound, young, spot trading and reading only.

    Args:
        profile: Of the exchange where it was made.
        number: Makes the key unique within its exchange.
        now: The time of the scan; the key is thirty days old then.
    """
    made = {
        name: _KINDS[kind](f"{profile.id}-{name}-{number}")
        for name, kind in profile.credentials.items()
    }
    created = now - timedelta(days=30)
    named_by = "apiKey" if "apiKey" in made else next(iter(made))
    return SimulatedKey(
        exchange=profile.id,
        api_key=made.pop(named_by),
        secret=made.pop("secret", ""),
        passphrase=made.pop("password", ""),
        named_by=named_by,
        more_credentials=made,
        name=f"ICG-MM {number}",
        created_at=created,
        expires_at=created + timedelta(days=profile.lasts) if profile.lasts else None,
        permissions=tuple(profile.permissions["safe"]),
        allowed_ips=BOUND_IPS,
        labels={"desk": "mm"},
    )


def _digest(seed: str) -> bytes:
    return sha256(f"not a real credential: {seed}".encode()).digest()


def _text(seed: str) -> str:
    return f"sim{_digest(seed).hex()[:29]}"


def _base64(seed: str) -> str:
    return base64.b64encode(_digest(seed) + _digest(seed)[:16]).decode()


def _es256_pem(seed: str) -> str:
    # Loaded here: nothing else of the simulator needs it.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    number = int.from_bytes(_digest(seed)) >> 1
    private = ec.derive_private_key(number, ec.SECP256R1())
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def _coinbase_key_name(seed: str) -> str:
    letters = _digest(seed).hex()
    return f"organizations/{letters[:8]}/apiKeys/{letters[8:40]}"


_KINDS: Mapping[str, Callable[[str], str]] = {
    "text": _text,
    "text32": _text,
    "base64": _base64,
    "hex": lambda seed: _digest(seed).hex(),
    "es256_pem": _es256_pem,
    "coinbase_key_name": _coinbase_key_name,
    "gemini_account_key": lambda seed: f"account-{_text(seed)}",
}
"""Kind in a profile to how such a credential is invented."""
