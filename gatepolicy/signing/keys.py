"""Ed25519 keys in PEM files: made, read, and refused where others could use them."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gatepolicy.errors import SigningError
from gatepolicy.model.secret import Secret

PASSPHRASE = "GATEPOLICY_KEY_PASSPHRASE"
"""The variable with the passphrase of a private key."""
_MAKE = "gatepolicy keygen FILE makes a pair"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new pair, as PEM texts."""

    private: Secret
    """PKCS #8, encrypted where a passphrase was given."""
    public: str
    """SubjectPublicKeyInfo."""


def new_key_pair(
    passphrase: Secret | None,
    generate: Callable[[], Ed25519PrivateKey] = Ed25519PrivateKey.generate,
) -> KeyPair:
    """A new pair.

    Args:
        passphrase: Encrypts the private key; ``None`` leaves it as it is.
        generate: Makes the key, at random.
    """
    key = generate()
    encryption = (
        serialization.BestAvailableEncryption(passphrase.reveal().encode())
        if passphrase
        else serialization.NoEncryption()
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(Secret(private.decode()), public.decode())


def load_private_key(file: str, passphrase: Secret | None) -> Ed25519PrivateKey:
    """The private key of a PEM file.

    Args:
        file: As the user named it.
        passphrase: Of an encrypted key.

    Raises:
        SigningError: There is none, others can read it, or it is of another kind.
    """
    data = _read(file)
    if stat.S_IMODE(Path(file).stat().st_mode) & 0o077:
        raise SigningError(f"others can read the private key {file}", hint=f"chmod 600 {file}")
    try:
        key = serialization.load_pem_private_key(
            data, passphrase.reveal().encode() if passphrase else None
        )
    except TypeError:
        if passphrase is None:
            what = f"the private key {file} is encrypted"
            raise SigningError(what, hint=f"set {PASSPHRASE} to its passphrase") from None
        what = f"the private key {file} is not encrypted, and {PASSPHRASE} is set"
        raise SigningError(what, hint="unset it") from None
    except (ValueError, UnsupportedAlgorithm):
        what = f"{file} is no private key in PEM, or the passphrase is wrong"
        raise SigningError(what, hint=_MAKE) from None
    return key if isinstance(key, Ed25519PrivateKey) else _refuse(file)


def load_public_key(file: str) -> Ed25519PublicKey:
    """The public key of a PEM file.

    Raises:
        SigningError: There is none, or it is of another kind.
    """
    try:
        key = serialization.load_pem_public_key(_read(file))
    except (ValueError, UnsupportedAlgorithm):
        hint = "name the public key, such as signing.pub.pem"
        raise SigningError(f"{file} is no public key in PEM", hint=hint) from None
    return key if isinstance(key, Ed25519PublicKey) else _refuse(file)


def _refuse(file: str) -> NoReturn:
    raise SigningError(f"{file} is no Ed25519 key", hint=_MAKE)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no file"
        raise SigningError(f"cannot read the key {file}: {why}", hint=_MAKE) from None
