"""What a scan is narrowed to, and what decides its exit code, from the options of a command."""

from gatepolicy.cli.inputs import Given
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ScanSettings
from gatepolicy.model.severity import Severity
from gatepolicy.plan import Selection


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
