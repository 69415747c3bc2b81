"""What a scan is narrowed to, and what decides its exit code, from the options of a command.

What compares two scans is imported when a baseline is named, and not before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from gatepolicy.accounts.account import Inventory
from gatepolicy.accounts.egress import Division, Part, refuse_unknown_egress
from gatepolicy.cli import settings
from gatepolicy.cli.given import (
    AccountSelection,
    CollectOptions,
    EvidenceAgeOptions,
    HistoryOfProject,
    ReportingOptions,
    RuleSelection,
)
from gatepolicy.cli.keeping import LAST, History
from gatepolicy.documents.load import is_there
from gatepolicy.errors import DocumentError, HistoryError, UsageError
from gatepolicy.model.scan import USUAL_EVIDENCE_AGE, Scan, ScanSettings
from gatepolicy.model.verdicts import Severity
from gatepolicy.rules.catalog import find_rule, rule_hint
from gatepolicy.rules.rule import Rule
from gatepolicy.scanning.plan import Selection, scope_of
from gatepolicy.scanning.scan import Waiving
from gatepolicy.waivers.waiver import load_waivers

if TYPE_CHECKING:
    from gatepolicy.drift.changes import Snapshot


def selection(given: AccountSelection) -> Selection:
    """What a scan is narrowed to.

    Raises:
        UsageError: A label is not of the form ``key=value``.
    """
    chosen = Selection(given.accounts, dict(_label(text) for text in given.labels))
    if isinstance(given, RuleSelection):
        return replace(chosen, rules=given.rules, skip_rules=given.skip_rules)
    return chosen


def part(given: CollectOptions, inventory: Inventory) -> Part | None:
    """The part of an inventory that is read; ``None`` for all of it.

    Raises:
        UsageError: No account uses the egress; or the part is narrowed as well, and so what it
            left out could not be told from what is missing.
    """
    part = Part(given.egress, *given.shard)
    if part.is_whole:
        return None
    if given.accounts or given.labels:
        what = "--egress and --shard cannot be combined with --account and --label"
        raise UsageError(what, hint="collect the whole part, and narrow its evaluation")
    division = Division.of(inventory.accounts)
    refuse_unknown_egress(part.egress, settings.egresses(), division)
    return part


def _label(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if not key or not value:
        raise UsageError(f"--label {text} is not of the form KEY=VALUE", hint="such as desk=mm")
    return key, value


@dataclass(frozen=True, slots=True)
class Baseline:
    """The earlier scan that was named, as far as there is one."""

    snapshot: "Snapshot | None" = None
    """To compare with; ``None`` where there is nothing to compare with."""
    warning: str = ""
    """Why there is nothing, one line for people; empty where none was named."""
    is_broken: bool = False
    """Whether there is a file, and it cannot be read."""


def baseline(given: ReportingOptions, history: History, series: str) -> Baseline:
    """The earlier scan to compare with.

    Args:
        given: The options of a command.
        history: Where ``last`` is looked for.
        series: Name of the inventory.

    A file that cannot be read does not stop a scan: that is a warning in its reports, and an exit
    code after it.

    Raises:
        UsageError: An option about it stands alone, is contradicted, or needs more than evidence;
            or there is no file that must be there.
    """
    file = given.baseline_file or given.baseline_if_exists
    if file is None:
        if given.fail_on_new or given.baseline_hides:
            raise UsageError(
                "--fail-on-new and --baseline-hides need an earlier report",
                hint="name it: --baseline report.json",
            )
        return Baseline()
    if given.baseline_file and given.baseline_if_exists:
        what = "--baseline and --baseline-if-exists cannot be combined"
        raise UsageError(what, hint="name one of them")
    if file == LAST:
        return _last(history, series, must_exist=bool(given.baseline_file))
    if not is_there(file):
        return _missing(file, must_exist=bool(given.baseline_file))
    return _loaded(file, fails_on_new=given.fail_on_new)


def _last(history: History, series: str, *, must_exist: bool) -> Baseline:
    try:
        snapshot = history.last(series)
    except (HistoryError, DocumentError) as error:
        what = error.problems[0] if isinstance(error, DocumentError) else error
        warning = f"the baseline could not be read, so nothing was compared: {what}"
        return Baseline(warning=warning, is_broken=True)
    if snapshot is not None:
        return Baseline(snapshot)
    if must_exist:
        hint = f"for a first run use --baseline-if-exists {LAST}"
        raise UsageError(f"--baseline {LAST}: the history has no scan of {series}", hint=hint)
    return Baseline(warning=f"no baseline yet: the history has no scan of {series}")


def _missing(file: str, *, must_exist: bool) -> Baseline:
    if must_exist:
        hint = "check the path; for a first run use --baseline-if-exists"
        raise UsageError(f"--baseline {file}: no such file", hint=hint)
    return Baseline(warning=f"no baseline yet: {file} does not exist; nothing was compared")


def _loaded(file: str, *, fails_on_new: bool) -> Baseline:
    from gatepolicy.drift.load import load_snapshot

    try:
        snapshot = load_snapshot(file)
    except DocumentError as error:
        warning = f"the baseline could not be read, so nothing was compared: {error.problems[0]}"
        return Baseline(warning=warning, is_broken=True)
    if fails_on_new and snapshot.judged is None:
        raise UsageError(
            f"--fail-on-new: {file} is evidence, which has no findings",
            hint="name a report that was written with -o json=FILE",
        )
    return Baseline(snapshot)


def since(scan: Scan, baseline: Baseline) -> Scan:
    """The scan, with what differs from an earlier one, or why nothing was compared."""
    if baseline.snapshot is not None:
        from gatepolicy.drift.changes import snapshot_of
        from gatepolicy.drift.compare import compare

        return replace(scan, drift=compare(baseline.snapshot, snapshot_of(scan)))
    if not baseline.warning:
        return scan
    return replace(
        scan,
        warnings=(*scan.warnings, baseline.warning),
        has_broken_baseline=baseline.is_broken,
    )


def scan_settings(given: ReportingOptions, rules: Mapping[str, Rule]) -> ScanSettings:
    """What decides the exit code.

    Args:
        given: The options of a command.
        rules: By id.

    Raises:
        UsageError: There is no such rule, or the files are untrusted and the environment softens.
    """
    hides = set()
    for text in given.baseline_hides:
        rule = find_rule(rules, text)
        if rule is None:
            raise UsageError(f"--baseline-hides: unknown rule {text}", hint=rule_hint(rules, text))
        hides.add(rule.info.name)
    decides = ScanSettings(
        fail_on=Severity(given.fail_on),
        exit_zero=given.exit_zero,
        allow_incomplete=given.allow_incomplete,
        allow_empty=given.allow_empty,
        fail_on_new=given.fail_on_new,
        baseline_hides=frozenset(hides),
        max_evidence_age=(
            given.max_evidence_age if isinstance(given, EvidenceAgeOptions) else USUAL_EVIDENCE_AGE
        ),
        origins=settings.origins(),
    )
    settings.refuse_softening(given, decides)
    return decides


def waiving(given: ReportingOptions, rules: Mapping[str, Rule]) -> Waiving:
    """What is accepted.

    Args:
        given: The options of a command.
        rules: By id.

    Raises:
        DocumentError: With the problems of all files of waivers.
    """
    # NOTE: read even where nothing is to be waived: a broken file is reported in every scan.
    waivers = load_waivers(given.waiver_files, rules, read=settings.reader(given))
    return Waiving(() if given.no_waivers else waivers, given.expiring_within)


def inventory_name(inventory_file: str) -> str:
    """What an inventory is called where the folder that it lies in does not matter."""
    path = PurePath(inventory_file)
    return path.name if path.is_absolute() else path.as_posix()


def inventory_names(inventory_files: Iterable[str]) -> str:
    """The name of an inventory; of several, their names."""
    return ", ".join(dict.fromkeys(map(inventory_name, inventory_files)))


def series(given: HistoryOfProject, *inventory_files: str) -> str:
    """What an inventory is called in the history: its scans are compared with each other."""
    name = inventory_names(inventory_files)
    if not given.history_project:
        return name
    from gatepolicy.history.where import name_in_history

    return name_in_history(name, given.history_project)


def sarif_scope(given: RuleSelection, *inventory_files: str) -> str:
    """A name for what is scanned."""
    narrowed = (given.accounts, given.labels, given.rules, given.skip_rules)
    return scope_of(inventory_names(inventory_files), *narrowed)
