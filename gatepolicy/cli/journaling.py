"""The journal of a scan: where it is, and what it must not be."""

import time
from collections.abc import Callable, Iterable, Sequence

from gatepolicy.accounts.account import Inventory
from gatepolicy.accounts.egress import Division, Part
from gatepolicy.cli import inputs, settings
from gatepolicy.cli.given import CollectOptions, ScanOptions
from gatepolicy.cli.output import destination
from gatepolicy.cli.output import refuse_overwriting as refuse_output
from gatepolicy.collect.run import Targets
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import catalog_digest
from gatepolicy.model.evidence import Subject
from gatepolicy.scanning.journal import Header
from gatepolicy.scanning.journal_file import Beginning, JournalFile, World


def files(given: ScanOptions | CollectOptions) -> Sequence[str]:
    """The journal, where there is one."""
    return [one for one in (given.journal_file, given.resumed_file) if one]


def refuse_overwriting(given: ScanOptions | CollectOptions, sources: Iterable[str]) -> None:
    """Refuse a journal that is a file which is read.

    Raises:
        UsageError: It is; or there are two journals, or the options do not fit each other.
    """
    if given.journal_file and given.resumed_file:
        hint = "--resume appends to the journal that it goes on with"
        raise UsageError("--journal and --resume exclude each other", hint=hint)
    if given.retries and not given.resumed_file:
        raise UsageError("--retry-unread: there is no journal", hint="add --resume FILE")
    read = list(sources)
    for name in files(given):
        refuse_output(name, _option(given), read)


def opened(
    given: ScanOptions | CollectOptions,
    inventory: Inventory,
    targets: Targets,
    narrowed_by: Sequence[str],
    part: Part | None = None,
) -> JournalFile | None:
    """The journal, ready to be appended to; ``None`` without one.

    Args:
        given: The options.
        inventory: All accounts.
        targets: What is read.
        narrowed_by: The options that left accounts of the inventory out.
        part: The part of the inventory that is read; ``None`` for all of it.

    Raises:
        GatepolicyError: As of ``JournalFile.create`` and ``JournalFile.resume``.
    """
    if not files(given):
        return None
    name = inventory.file
    header = Header(
        collected_at=inputs.now(),
        inventory=name,
        inventory_digest=inventory.digest,
        catalog_digest=catalog_digest(),
        salt=inputs.fingerprint_salt(name),
        fingerprint_check=inputs.fingerprint_check(name),
        narrowed_by=narrowed_by,
        parts=() if part is None else (part,),
    )
    beginning = Beginning.of(header, targets, _read_by(inventory, part))
    pepper, world = inputs.fingerprint_key(name), World(time.monotonic)
    within = settings.output_folder(given, "journal_file")
    place = destination(files(given)[0], within, _option(given))
    if given.journal_file:
        return JournalFile.create(place, beginning, pepper, world)
    return JournalFile.resume(place, beginning, pepper, world, retries=given.retries)


def _read_by(inventory: Inventory, part: Part | None) -> Callable[[Subject], str]:
    if part is None:
        return lambda _: ""
    division = Division.of(inventory.accounts)
    return lambda subject: str(division.part_of(subject.id, part))


def _option(given: ScanOptions | CollectOptions) -> str:
    return (
        f"--journal {given.journal_file}"
        if given.journal_file
        else f"--resume {given.resumed_file}"
    )
