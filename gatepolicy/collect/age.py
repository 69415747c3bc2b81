"""Files that age encrypted, by the package ``pyrage``, which is an extra."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from gatepolicy.collect.local import CredentialError
from gatepolicy.collect.stores import extra

IDENTITY_FILE = "GATEPOLICY_AGE_IDENTITY_FILE"
"""The variable that names the file of the private keys; no inventory does."""


def decrypted(data: bytes, identity_file: str, read: Callable[[Path], bytes]) -> bytes:
    """What a file holds.

    Args:
        data: The encrypted file, binary or armored.
        identity_file: Of age identities (``AGE-SECRET-KEY-1...``, one a line), or one SSH key.
        read: Reads it.

    Raises:
        CredentialError: It cannot be decrypted.
    """
    (pyrage,) = extra("pyrage", "pyrage")
    if not identity_file:
        raise CredentialError(f"{IDENTITY_FILE} is not set")
    try:
        identities = _identities(pyrage, read(Path(identity_file)))
    except (OSError, ValueError, pyrage.IdentityError):
        what = f"the file of {IDENTITY_FILE} cannot be read, or holds no age identity"
        raise CredentialError(what) from None
    try:
        plain: bytes = pyrage.decrypt(data, identities)
    except pyrage.DecryptError:
        what = f"no identity of {IDENTITY_FILE} decrypts it, or it is not an age file"
        raise CredentialError(what) from None
    return plain


def _identities(pyrage: ModuleType, data: bytes) -> list[Any]:
    if data.startswith(b"-----BEGIN"):
        return [pyrage.ssh.Identity.from_buffer(data)]
    lines = (line.strip() for line in data.decode().splitlines())
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise ValueError(IDENTITY_FILE)
    return [pyrage.x25519.Identity.from_str(key) for key in keys]
