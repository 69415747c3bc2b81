"""From the options of a command to values.

Commands receive their options as one mapping, ``given``; each function here takes what it needs.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gatepolicy.resources import policies_directory

Given = Mapping[str, Any]


def policy_files(given: Given) -> Sequence[str]:
    """The named policy files, or the shipped baseline."""
    return given["policy_files"] or [str(policies_directory() / "baseline.yaml")]


def now() -> datetime:
    """The clock of the command line; everything below takes its time as an argument."""
    return datetime.now(UTC)
