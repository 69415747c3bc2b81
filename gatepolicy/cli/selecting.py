"""What a scan is narrowed to, and what decides its exit code, from the options of a command."""

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePath

from gatepolicy.cli.inputs import Given
from gatepolicy.drift.compare import compare
from gatepolicy.drift.load import load_snapshot
from gatepolicy.drift.snapshot import Snapshot, snapshot_of
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import Scan, ScanSettings
from gatepolicy.model.severity import Severity
from gatepolicy.plan import Selection
from gatepolicy.rules.catalog import find_rule, rule_hint
from gatepolicy.rules.rule import Rule
from gatepolicy.scan import Waiving
from gatepolicy.waivers.load import load_waivers


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
    key, _, value = text.partition("=")
    if not key or not value:
        raise UsageError(f"--label {text} is not of the form KEY=VALUE", hint="such as desk=mm")
    return key, value


def baseline(given: Given) -> Snapshot | None:
    """The earlier scan to compare with.

    Raises:
        UsageError: An option about it stands alone, or needs more than evidence.
        DocumentError: The file is neither a report nor evidence.
    """
    file = given["baseline_file"]
    if file is None:
        if given["fail_on_new"] or given["baseline_hides"]:
            raise UsageError(
                "--fail-on-new and --baseline-hides need an earlier report",
                hint="name it: --baseline report.json",
            )
        return None
    snapshot = load_snapshot(file)
    if given["fail_on_new"] and snapshot.judged is None:
        raise UsageError(
            f"--fail-on-new: {file} is evidence, and tells no findings",
            hint="name a report that was written with -o json=FILE",
        )
    return snapshot


def since(scan: Scan, baseline: Snapshot | None) -> Scan:
    """The scan, with what differs from an earlier one."""
    if baseline is None:
        return scan
    return replace(scan, drift=compare(baseline, snapshot_of(scan)))


def scan_settings(given: Given, rules: Mapping[str, Rule]) -> ScanSettings:
    """What decides the exit code.

    Args:
        given: The options of a command.
        rules: By id.

    Raises:
        UsageError: There is no such rule.
    """
    hides = set()
    for text in given["baseline_hides"]:
        rule = find_rule(rules, text)
        if rule is None:
            raise UsageError(
                f"--baseline-hides: there is no rule {text}", hint=rule_hint(rules, text)
            )
        hides.add(rule.info.name)
    return ScanSettings(
        fail_on=Severity(given["fail_on"]),
        exit_zero=given["exit_zero"],
        allow_incomplete=given["allow_incomplete"],
        allow_empty=given["allow_empty"],
        fail_on_new=given["fail_on_new"],
        baseline_hides=frozenset(hides),
    )


def waiving(given: Given, rules: Mapping[str, Rule]) -> Waiving:
    """What is accepted.

    Args:
        given: The options of a command.
        rules: By id.

    Raises:
        DocumentError: With the problems of all files of waivers.
    """
    # NOTE: read even where nothing is to be waived: a broken file is told in every scan.
    waivers = load_waivers(given["waiver_files"], rules)
    return Waiving(() if given["no_waivers"] else waivers, given["expiring_within"])


def sarif_scope(given: Given, inventory_file: str) -> str:
    """A name for what is scanned: another inventory or another selection has another one.

    Code scanning closes the alerts of a scope that a later upload does not hold. A scan that was
    narrowed must not close the alerts of everything that it left out.
    """
    path = PurePath(inventory_file)
    name = path.name if path.is_absolute() else path.as_posix()
    narrowed = [list(given[option]) for option in ("accounts", "labels", "rules", "skip_rules")]
    if not any(narrowed):
        return name
    return f"{name}-{sha256(json.dumps(narrowed).encode()).hexdigest()[:8]}"
