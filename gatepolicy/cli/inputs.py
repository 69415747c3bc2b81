"""From the options of a command to values.

Commands receive their options as one mapping, ``given``; each function here takes what it needs.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gatepolicy.collect.run import CollectSettings
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ScanSettings
from gatepolicy.model.severity import Severity
from gatepolicy.plan import Selection
from gatepolicy.resources import policies_directory

Given = Mapping[str, Any]


def policy_files(given: Given) -> Sequence[str]:
    """The named policy files, or the shipped baseline."""
    return given["policy_files"] or [str(policies_directory() / "baseline.yaml")]


def selection(given: Given) -> Selection:
    """What a scan is narrowed to.

    Raises:
        UsageError: A label is not of the form ``key=value``.
    """
    return Selection(
        accounts=given["accounts"],
        labels=dict(_label(text) for text in given["labels"]),
        rules=given.get("rules", ()),
        skip_rules=given.get("skip_rules", ()),
    )


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"--label {text} is not of the form KEY=VALUE", hint="such as desk=mm")
    return key, value


def scan_settings(given: Given) -> ScanSettings:
    """What decides the exit code."""
    return ScanSettings(
        fail_on=Severity(given["fail_on"]),
        exit_zero=given["exit_zero"],
        allow_incomplete=given["allow_incomplete"],
        allow_empty=given["allow_empty"],
    )


def collect_settings(given: Given, *, keep_answers: bool) -> CollectSettings:
    """How accounts are asked."""
    return CollectSettings(
        jobs=given["jobs"],
        max_rate=given["max_rate"],
        attempts=given["attempts"],
        pepper=os.environ.get("GATEPOLICY_FINGERPRINT_KEY", "").encode(),
        keep_answers=keep_answers,
        sources=SecretSources.real(given["inventory_file"]),
    )


def now() -> datetime:
    """The clock of the command line; everything below takes its time as an argument."""
    return datetime.now(UTC)
