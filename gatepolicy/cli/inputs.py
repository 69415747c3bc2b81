"""From the options of a command to values.

Commands receive their options as one mapping, ``given``; each function here takes what it needs.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gatepolicy.accounts.fingerprint import salt_of
from gatepolicy.resources import policies_directory

Given = Mapping[str, Any]


def policy_files(given: Given) -> Sequence[str]:
    """The named policy files, or the shipped baseline."""
    return given["policy_files"] or [str(policies_directory() / "baseline.yaml")]


def now() -> datetime:
    """The clock of the command line; everything below takes its time as an argument."""
    return datetime.now(UTC)


def fingerprint_key(inventory_file: str) -> bytes:
    """The key of fingerprints: the firm's own, or the salt of the inventory."""
    return _own_key() or salt_of(inventory_file)


def fingerprint_salt(inventory_file: str) -> str:
    """The salt of fingerprints, in hexadecimal; empty when the firm keeps a key of its own."""
    return "" if _own_key() else salt_of(inventory_file).hex()


def _own_key() -> bytes:
    return os.environ.get("GATEPOLICY_FINGERPRINT_KEY", "").encode()
