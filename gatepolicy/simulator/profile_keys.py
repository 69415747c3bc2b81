"""Synthetic keys of exchanges that have a profile: the same number gives the same key."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from gatepolicy.simulator.clean import BOUND_IPS
from gatepolicy.simulator.keys import WALLET, SimulatedKey
from gatepolicy.simulator.profile import Profile
from gatepolicy.simulator.schemes.encoded import base58_text
from gatepolicy.simulator.schemes.wallet import wallet_of


def profile_key(profile: Profile, number: int, now: datetime) -> SimulatedKey:
    """A key against which nothing can be said: bound, young, spot trading and reading only.

    Args:
        profile: Of the exchange where it was created.
        number: Makes the key unique within its exchange.
        now: The time of the scan; the key is thirty days old then.
    """
    credentials = {
        name: _KINDS[kind](_seed(profile, name, kind, number))
        for name, kind in profile.credentials.items()
    }
    created_at = now - timedelta(days=30)
    named_by, api_key, secret = _named(credentials)
    return SimulatedKey(
        exchange=profile.id,
        api_key=api_key,
        secret=secret,
        passphrase=credentials.pop("password", ""),
        named_by=named_by,
        more_credentials=credentials,
        name=f"ICG-MM {number}",
        created_at=created_at,
        expires_at=created_at + timedelta(days=profile.lasts) if profile.lasts else None,
        permissions=tuple(profile.permissions["safe"]),
        allowed_ips=BOUND_IPS,
        labels={"desk": "mm"},
    )


def _named(credentials: dict[str, str]) -> tuple[str, str, str]:
    """What names a key, with its name and its secret; they leave the credentials."""
    if "privateKey" in credentials:
        private_key = credentials.pop("privateKey")
        return WALLET, wallet_of(private_key), private_key
    named_by = "apiKey" if "apiKey" in credentials else next(iter(credentials))
    return named_by, credentials.pop(named_by), credentials.pop("secret", "")


def _seed(profile: Profile, name: str, kind: str, number: int) -> str:
    # Both halves of a pair grow from one seed.
    part = "pair" if kind in _HALVES else name
    return f"{profile.id}-{part}-{number}"


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


def _ed25519_seed(seed: str) -> bytes:
    # Clients that read base58 as a number lose leading zeros.
    return b"\1" + _digest(seed)[1:]


def _ed25519_public(seed: str) -> str:
    # Loaded here: nothing else of the simulator needs it.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(_ed25519_seed(seed))
    return f"ed25519:{base58_text(private.public_key().public_bytes_raw())}"


def _ed25519_secret(seed: str) -> str:
    return f"ed25519:{base58_text(_ed25519_seed(seed))}"


def _ed25519_base64(seed: str) -> str:
    # Loaded here: nothing else of the simulator needs it.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(_digest(seed))
    both = private.private_bytes_raw() + private.public_key().public_bytes_raw()
    return base64.b64encode(both).decode()


def _coinbase_key_name(seed: str) -> str:
    letters = _digest(seed).hex()
    return f"organizations/{letters[:8]}/apiKeys/{letters[8:40]}"


_KINDS: Mapping[str, Callable[[str], str]] = {
    "text": _text,
    "text32": _text,
    "base64": _base64,
    "hex": lambda seed: _digest(seed).hex(),
    "es256_pem": _es256_pem,
    "ed25519_base64": _ed25519_base64,
    "coinbase_key_name": _coinbase_key_name,
    "coinbase_key_id": lambda seed: str(UUID(bytes=_digest(seed)[:16], version=4)),
    "gemini_account_key": lambda seed: f"account-{_text(seed)}",
    "ed25519_public": _ed25519_public,
    "ed25519_secret": _ed25519_secret,
    "evm_hash": lambda seed: f"0x{_digest(seed).hex()}",
    "account_number": lambda seed: str(int.from_bytes(_digest(seed)[:2])),
    "hex40": lambda seed: (_digest(seed) + _digest(seed)[:8]).hex(),
    # In capitals, as wallets show some letters and exchanges do not.
    "evm_private_key": lambda seed: f"0x{_digest(seed).hex()}",
    "evm_address": lambda seed: f"0x{_digest(seed).hex()[:40].upper()}",
}
"""Kind in a profile to how such a credential is generated."""

_HALVES = frozenset({"ed25519_public", "ed25519_secret"})
"""Kinds that are the two halves of one pair."""
