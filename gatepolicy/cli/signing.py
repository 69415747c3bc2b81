"""What the commands about signatures share. The libraries are imported when a command runs."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gatepolicy.errors import SigningError
from gatepolicy.model.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SUFFIX = ".intoto.jsonl"
"""Of a file of envelopes, as in-toto names it."""


def require_library() -> None:
    """Say what is missing.

    Raises:
        SigningError: The library for signatures is not installed.
    """
    try:
        import securesystemslib.signer  # noqa: F401
    except ImportError:
        what = "signatures need securesystemslib, which is not installed"
        raise SigningError(what, hint="pip install 'securesystemslib[crypto]'") from None


def passphrase() -> Secret | None:
    """Of a private key; ``None`` where it has none."""
    given = os.environ.get("GATEPOLICY_KEY_PASSPHRASE", "")
    return Secret(given) if given else None


def public_keys(files: Iterable[str]) -> "list[Ed25519PublicKey]":
    """Public keys from their files.

    Raises:
        SigningError: One of them is none.
    """
    from gatepolicy.signing.keys import load_public_key

    return [load_public_key(file) for file in files]
