"""What the commands about signatures share. The libraries are imported when a command runs."""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from gatepolicy.cli.given import ReportOfScanOptions
from gatepolicy.errors import SigningError, UsageError
from gatepolicy.model.secret import Secret
from gatepolicy.model.sign_offs import SignOffs

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


def shown_sign_offs(
    given: ReportOfScanOptions, report: tuple[str, bytes], now: datetime
) -> SignOffs | None:
    """The sign-offs that a report shows; ``None`` where none are named.

    Args:
        given: The options of the command.
        report: Name and content of the JSON report that is rendered.
        now: The time. UTC.

    Raises:
        UsageError: Keys are named, and no sign-offs; or no report shows them.
        SigningError: A key cannot be used, or the library is missing.
        RefusedError: A signature does not hold, or they are about another report.
    """
    if not given.sign_off_file:
        if given.keys or given.reviewer_keys:
            hint = "name the signed report: --sign-off report.intoto.jsonl"
            raise UsageError("--key and --reviewer-key verify sign-offs", hint=hint)
        return None
    require_library()
    from gatepolicy.signing.check import read_file, shown_sign_offs
    from gatepolicy.signing.keys import load_public_key

    signers, reviewers = (
        {file: load_public_key(file) for file in files}
        for files in (given.keys, given.reviewer_keys)
    )
    envelope = (given.sign_off_file, read_file(given.sign_off_file))
    return shown_sign_offs(envelope, report, signers, reviewers, now)


def public_keys(files: Iterable[str]) -> "list[Ed25519PublicKey]":
    """Public keys from their files.

    Raises:
        SigningError: One of them is none.
    """
    from gatepolicy.signing.keys import load_public_key

    return [load_public_key(file) for file in files]
