"""``gatepolicy history``: scans that were kept, and what became of their findings."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gatepolicy.cli import inputs, keeping, options
from gatepolicy.cli.given import (
    HistoryExportOptions,
    HistoryFindingsOptions,
    HistoryListOptions,
    HistoryPlace,
    HistoryPruneOptions,
    HistoryRenameOptions,
    HistoryShowOptions,
    typed,
)
from gatepolicy.cli.output import destination, refuse_existing, refuse_overwriting
from gatepolicy.errors import HistoryError, UsageError
from gatepolicy.model.encoding import Json, encode_time
from gatepolicy.model.scan import MEANING, ExitCode
from gatepolicy.model.trend import TimeToFix
from gatepolicy.model.verdicts import Severity
from gatepolicy.reports.clean import clean
from gatepolicy.reports.text_layout import pad, width_of
from gatepolicy.rules.rule import duration_in_words

if TYPE_CHECKING:
    from gatepolicy.history.findings import Tracked
    from gatepolicy.history.queries import (
        NeverProved,
        NeverRead,
        StoredScan,
        Undisclosed,
        WaiverUse,
    )
    from gatepolicy.history.store import Store

    _OfInventory = NeverProved | NeverRead | StoredScan | Undisclosed | WaiverUse

F = TypeVar("F", bound=Callable[..., Any])


@click.group("history")
@click.pass_context
def command(context: click.Context) -> None:
    """Show scans that were kept, and what became of their findings.

    'gatepolicy scan --history FILE' keeps each scan in a file or a PostgreSQL database.
    """
    # What a project file sets holds for each of the commands.
    group = context.command
    assert isinstance(group, click.Group)
    context.default_map = dict.fromkeys(group.commands, context.default_map or {})


def _query(function: F) -> F:
    """The options of each command that answers a question."""
    for decorate in (
        click.option(
            "-o",
            "--output",
            "form",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="Output format.",
        ),
        click.option(
            "-i",
            "--inventory",
            metavar="NAME",
            help="Only scans of this inventory.  [default: all]",
        ),
        options.history_place,
    ):
        function = decorate(function)
    return function


_newest = click.option(
    "-n", "newest", type=click.IntRange(1), default=30, show_default=True, help="Newest scans only."
)


@command.command("list")
@_query
@_newest
@typed(HistoryListOptions)
def list_scans(given: HistoryListOptions) -> ExitCode:
    """List scans, the newest last."""
    store = _store(given)
    from gatepolicy.history import queries

    scans = queries.scans(
        store, inventory=keeping.which(given, given.inventory), newest=given.newest
    )
    if given.form == "json":
        return _print_json(_plains(scans))
    head = ["scan", "started (UTC)", "exit", "accounts", "unread", "violations", "unknown"]
    rows = [
        [*_head(one), *_numbers(one.accounts, one.unread, _violations(one), one.unknown)]
        for one in scans
    ]
    names = [[f"{scan.inventory}{_remark(scan)}"] for scan in scans]
    table = [row + name for row, name in zip(rows, names, strict=True)]
    return _print([*_table([*head, "inventory"], table), *_empty(scans, "no scans yet")])


@command.command("show")
@click.argument("scan", metavar="SCAN")
@click.option("--report", is_flag=True, help="Print its JSON report, as it was written.")
@options.history_place
@typed(HistoryShowOptions)
def show_scan(given: HistoryShowOptions) -> ExitCode:
    """Show one scan: SCAN is an id, or last."""
    store = _store(given)
    from gatepolicy.history import queries
    from gatepolicy.history.store import load_report_text

    if given.report:
        click.echo(load_report_text(store, given.scan, keeping.which(given)), nl=False)
        return ExitCode.OK
    newest = queries.scans(store, inventory=keeping.which(given), newest=1)
    number = newest[0].id if given.scan == keeping.LAST and newest else _id(given.scan)
    scan = queries.scan_of(store, number)
    if scan is None:
        hint = "'gatepolicy history list' shows all scans"
        raise HistoryError(f"{store.where.name}: no scan {given.scan}", hint=hint)
    return _print(_details(scan))


@command.command("findings")
@_query
@click.option(
    "--unknowns", is_flag=True, help="Also what was never proved to fail, but is unknown or waived."
)
@click.option("--fixed", is_flag=True, help="Those that were fixed, instead of the open ones.")
@typed(HistoryFindingsOptions)
def list_findings(given: HistoryFindingsOptions) -> ExitCode:
    """List violations by severity and age, time to fix, and waivers.

    A finding is fixed when the same question is proved to pass. An account that could not be read,
    or a policy that does not ask any more, fixes nothing.
    """
    store = _store(given)
    from gatepolicy.history import queries

    chosen = keeping.which(given, given.inventory)
    fixed = queries.findings(store, inventory=chosen, fixed=True)
    found_in = fixed if given.fixed else queries.findings(store, inventory=chosen)
    named = [(i, one) for i, one in found_in if given.unknowns or one.violated_at is not None]
    shown = [one for _, one in named]
    times = list(queries.times_to_fix([one for _, one in fixed]))
    waivers = queries.waivers_used(store, chosen)
    if given.form == "json":
        found = [{"inventory": inventory, **_members(one)} for inventory, one in named]
        return _print_json(
            {"findings": found, "time_to_fix": _plains(times), "waivers": _plains(waivers)}
        )
    lines = _fixed(shown) if given.fixed else _open(shown, inputs.now())
    return _print([*lines, *_times(times), *_waivers(waivers)])


@command.command("trend")
@_query
@_newest
@typed(HistoryListOptions)
def trend(given: HistoryListOptions) -> ExitCode:
    """Show counts over time, and what was never or is no longer known."""
    store = _store(given)
    from gatepolicy.history import queries

    chosen = keeping.which(given, given.inventory)
    scans = queries.scans(store, inventory=chosen, newest=given.newest)
    unread = queries.never_read(store, chosen)
    unproved = queries.never_proved(store, chosen)
    lost = queries.no_longer_disclosed(store, chosen)
    if given.form == "json":
        return _print_json(
            {
                "scans": _plains(scans),
                "never_read": _plains(unread),
                "never_proved": _plains(unproved),
                "no_longer_disclosed": _plains(lost),
            }
        )
    lines = [*_counts(scans), *_empty(scans, "no scans yet"), ""]
    return _print([*lines, *_unread(unread), *_unproved(unproved), *_undisclosed(lost)])


@command.command("export")
@click.argument("file", metavar="FILE")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@options.whole_history
@typed(HistoryExportOptions)
def export(given: HistoryExportOptions) -> ExitCode:
    """Write an SQLite file for Datasette, and metadata.yaml beside it.

    The reports themselves are left out: 'gatepolicy history show SCAN --report' prints one.
    """
    where = keeping.named_place(given)
    store = keeping.open_store(where, create=False)
    from gatepolicy.history.export import metadata, write_database

    file = Path(given.file)
    beside = file.parent / "metadata.yaml"
    if not file.parent.is_dir():
        raise UsageError(f"no such folder: {file.parent}", hint=f"create {file.parent} first")
    refuse_existing([file, beside], force=given.force)
    for path in (file, beside):
        destination(str(path), "", f"export {path}")
        refuse_overwriting(str(path), f"export {path}", [where.file], force=given.force)
    # Beside its place, so that it is there as a whole or not at all; for its owner only.
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".gatepolicy-") as folder:
        made = Path(folder, "export.db")
        made.touch(0o600)
        write_database(store, made)
        made.replace(file)
    beside.write_text(metadata(file.stem), encoding="utf-8")
    return _print([f"wrote {file} and {beside}", f"open them: datasette {file} -m {beside}"])


@command.command("rename")
@click.argument("old", metavar="INVENTORY")
@click.argument("new", metavar="NAME")
@options.whole_history
@typed(HistoryRenameOptions)
def rename_inventory(given: HistoryRenameOptions) -> ExitCode:
    """Give INVENTORY another name, under which its scans and findings go on.

    Such as when a second project begins to use the history, and the first one gets a name:
    'gatepolicy history rename accounts.yaml treasury:accounts.yaml'. From then on, its scans need
    '--history-project treasury'.
    """
    if not given.new.strip():
        raise UsageError("the new name is empty", hint="such as treasury:accounts.yaml")
    store = _store(given)
    from gatepolicy.history.naming import rename

    rename(store, given.old, given.new)
    return _print([f"renamed {clean(given.old)} to {clean(given.new)}"])


@command.command("prune")
@options.history_keep
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@options.history_place
@typed(HistoryPruneOptions)
def prune_scans(given: HistoryPruneOptions) -> ExitCode:
    """Remove scans and fixed findings that are older than --keep.

    The newest scan of each inventory and all findings that are not fixed are kept.
    """
    if given.keep is None:
        hint = "such as --keep 400d, or history: {keep: 400d} in the project file"
        raise UsageError("how long are scans kept?", hint=hint)
    store = _store(given)
    from gatepolicy.history.retention import prune

    chosen = keeping.which(given)
    pruned = prune(store, given.keep, inputs.now(), inventory=chosen, only_count=given.dry_run)
    done = "would be removed" if given.dry_run else "removed"
    age = duration_in_words(given.keep)
    return _print(
        [f"{done}, being older than {age}: scans {pruned.scans}, fixed findings {pruned.findings}"]
    )


def _store(given: HistoryPlace) -> "Store":
    return keeping.open_store(keeping.named_place(given), create=False)


def _id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        hint = "write an id, as 'gatepolicy history list' shows it, or last"
        raise UsageError(f"{text} is no id of a scan", hint=hint)
    return int(text)


def _details(scan: "StoredScan") -> Iterator[str]:
    code = ExitCode(scan.exit_code)
    counts = ", ".join(f"{n} {level.value}" for level, n in scan.violations.items() if n)
    for name, text in (
        ("scan", f"{scan.id}{_remark(scan)}"),
        ("inventory", scan.inventory),
        ("started", encode_time(scan.started_at)),
        ("finished", encode_time(scan.finished_at)),
        ("gatepolicy", scan.version),
        ("exit code", f"{scan.exit_code}: {MEANING[code]}"),
        ("accounts", f"{scan.accounts}, {scan.unread} of them unread"),
        ("violations", f"{_violations(scan)}" + (f" ({counts})" if counts else "")),
        ("unknown", f"{scan.unknown}, {scan.blocking_unknowns} of them blocking"),
        ("waived", str(scan.waived)),
        ("passed", str(scan.passed)),
        ("SHA-256", scan.digest),
    ):
        yield f"{name:<12}{clean(text)}"


def _open(found: Sequence["Tracked"], now: datetime) -> Iterator[str]:
    asked = [one for one in found if one.gone is None]
    yield from _section(
        f"Open ({len(asked)})",
        [*_WHAT, "age", "verdict", "last seen"],
        [[*_what(one), *_age(one, now), _day(one.last_seen)] for one in asked],
    )
    rest = [one for one in found if one.gone is not None]
    yield from _section(
        f"Not found the last time, but not fixed ({len(rest)})",
        [*_WHAT, "last seen", "why"],
        [[*_what(one), _day(one.last_seen), one.gone.value if one.gone else ""] for one in rest],
    )
    if not found:
        yield from ("no open violations", "")


def _fixed(found: Sequence["Tracked"]) -> Iterator[str]:
    yield from _section(
        f"Fixed ({len(found)})",
        [*_WHAT, "first seen", "fixed"],
        [[*_what(one), _day(one.first_seen), _day(one.fixed_at)] for one in found],
    )
    if not found:
        yield from ("nothing was fixed", "")


def _times(times: Sequence[TimeToFix]) -> Iterator[str]:
    yield from _section(
        "Time to fix",
        ["severity", "fixed", "mean", "median"],
        [[t.severity.value, str(t.fixed), _days(t.mean), _days(t.middle)] for t in times],
    )


def _waivers(uses: Sequence["WaiverUse"]) -> Iterator[str]:
    rows = [
        [w.waiver, *_numbers(w.findings, w.scans), _day(w.first_used), _day(w.last_used)]
        for w in uses
    ]
    head = ["waiver", "findings", "scans", "first used", "last used"]
    yield from _section("Waivers used", *_with_inventory(head, rows, uses))


def _counts(scans: Sequence["StoredScan"]) -> Iterator[str]:
    head = ["scan", "started (UTC)", "exit", *(level.value for level in Severity)]
    rows = [
        [*_head(one), *_numbers(*one.violations.values(), one.unknown, one.unread)] for one in scans
    ]
    yield from _table(*_with_inventory([*head, "unknown", "unread"], rows, scans))


def _unread(accounts: Sequence["NeverRead"]) -> Iterator[str]:
    rows = [[a.account, a.exchange, a.reason, _day(a.since)] for a in accounts]
    head = ["account", "exchange", "reason", "since"]
    yield from _section("Accounts that no scan could read", *_with_inventory(head, rows, accounts))


def _unproved(rules: Sequence["NeverProved"]) -> Iterator[str]:
    rows = [[r.rule, r.exchange, str(r.accounts), r.reason] for r in rules]
    head = ["rule", "exchange", "accounts", "reason"]
    title = "Rules that no scan proved or disproved, of accounts that were read"
    yield from _section(title, *_with_inventory(head, rows, rules))


def _undisclosed(facts: Sequence["Undisclosed"]) -> Iterator[str]:
    rows = [[f.fact, f.exchange, str(f.accounts), f.reason, _day(f.last_read)] for f in facts]
    head = ["fact", "exchange", "accounts", "reason", "last read"]
    title = "Facts that an earlier scan read, and the newest did not"
    yield from _section(title, *_with_inventory(head, rows, facts))


def _with_inventory(
    head: list[str], rows: list[list[str]], found: "Sequence[_OfInventory]"
) -> tuple[list[str], list[list[str]]]:
    """The same table, with the inventories as its last column."""
    full = [[*row, one.inventory] for row, one in zip(rows, found, strict=True)]
    return [*head, "inventory"], full


_WHAT = ("severity", "rule", "account", "exchange", "policy")


def _what(one: "Tracked") -> list[str]:
    finding = one.finding
    subject = f" ({finding.subject})" if finding.subject else ""
    rule = f"{finding.name}{subject}"
    return [finding.severity, rule, finding.account, finding.exchange, finding.policy]


def _age(one: "Tracked", now: datetime) -> list[str]:
    return [_days(now - (one.violated_at or one.first_seen)), one.finding.outcome.value]


def _days(time: timedelta) -> str:
    return f"{time / timedelta(days=1):.1f} d"


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d}" if time else ""


def _violations(scan: "StoredScan") -> int:
    return sum(scan.violations.values())


def _head(scan: "StoredScan") -> list[str]:
    return [str(scan.id), f"{scan.started_at:%Y-%m-%d %H:%M}", str(scan.exit_code)]


def _numbers(*numbers: int) -> list[str]:
    return [str(number) for number in numbers]


def _remark(scan: "StoredScan") -> str:
    narrowed = " (narrowed)" if scan.is_narrowed else ""
    return f"{narrowed} (interrupted by {scan.interrupted_by})" if scan.interrupted_by else narrowed


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table below its title; nothing where there are no rows."""
    if rows:
        yield from (title, *(f"  {line}" for line in _table(head, rows)), "")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    cells = [[clean(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width_of(row[column]) for row in cells) for column in range(len(head))]
    for row in cells if rows else ():
        yield "  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _empty(found: Sequence[object], text: str) -> Iterator[str]:
    if not found:
        yield text


def _print(lines: Iterable[str]) -> ExitCode:
    for line in lines:
        click.echo(line)
    return ExitCode.OK


def _print_json(value: Json) -> ExitCode:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
    return ExitCode.OK


def _plain(value: object) -> Json:
    """A value of the history as JSON; times in UTC, durations in seconds."""
    match value:
        case Enum():
            return str(value.value)
        case datetime():
            return encode_time(value)
        case timedelta():
            return value.total_seconds()
        case dict():
            return {str(key.value): _plain(one) for key, one in value.items()}
        case None | bool() | int() | str():
            return value
        case _:
            return _members(value)


def _plains(values: Iterable[object]) -> list[Json]:
    return [_plain(value) for value in values]


def _members(value: object) -> dict[str, Json]:
    assert is_dataclass(value)
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
