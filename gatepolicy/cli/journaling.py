"""The journal of a scan: where it is, and what it must not be."""

import time
from collections.abc import Iterable, Sequence
from hashlib import sha256

from gatepolicy.cli import inputs, settings
from gatepolicy.cli.given import CollectOptions, ScanOptions
from gatepolicy.cli.output import destination
from gatepolicy.cli.output import refuse_overwriting as refuse_output
from gatepolicy.collect.run import Targets
from gatepolicy.documents.load import read_bytes
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import catalog_digest
from gatepolicy.scanning.journal import Header
from gatepolicy.scanning.journal_file import JournalFile, World


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
    given: ScanOptions | CollectOptions, targets: Targets, narrowed_by: Sequence[str]
) -> JournalFile | None:
    """The journal, ready to be appended to; ``None`` without one.

    Args:
        given: The options.
        targets: What is read.
        narrowed_by: The options that left accounts of the inventory out.

    Raises:
        GatepolicyError: As of ``JournalFile.create`` and ``JournalFile.resume``.
    """
    if not files(given):
        return None
    inventory, option = given.inventory_file, _option(given)
    header = Header(
        collected_at=inputs.now(),
        inventory=inventory,
        inventory_digest=sha256(read_bytes(inventory)).hexdigest(),
        catalog_digest=catalog_digest(),
        salt=inputs.fingerprint_salt(inventory),
        fingerprint_check=inputs.fingerprint_check(inventory),
        narrowed_by=narrowed_by,
    )
    pepper, world = inputs.fingerprint_key(inventory), World(time.monotonic)
    within = settings.output_folder(given, "journal_file")
    place = destination(files(given)[0], within, option)
    if given.journal_file:
        return JournalFile.create(place, header, targets, pepper, world)
    return JournalFile.resume(place, header, targets, pepper, world, retries=given.retries)


def _option(given: ScanOptions | CollectOptions) -> str:
    return (
        f"--journal {given.journal_file}"
        if given.journal_file
        else f"--resume {given.resumed_file}"
    )
