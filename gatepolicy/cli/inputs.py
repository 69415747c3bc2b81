"""From the options of a command to files, inventories, evidence and times."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING

from click.core import ParameterSource

from gatepolicy.accounts.account import Inventory, Selector, fingerprint, misfits, salt_of
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.cli import settings
from gatepolicy.cli.given import InventoryOptions, OptionalInventoryOptions, PolicyOptions
from gatepolicy.documents.load import is_there
from gatepolicy.errors import UsageError
from gatepolicy.policies.parents import UnknownParent, policy_file
from gatepolicy.resources import shipped_policies
from gatepolicy.scanning.project import is_of_others

if TYPE_CHECKING:
    from gatepolicy.scanning.compared import EvidenceFile
    from gatepolicy.scanning.evidence import CollectedFile

_INVENTORY = "accounts.yaml"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_CHECKED_TEXT = "gatepolicy"
_FIRST_YEAR = 2009
"""Before, there was no coin, no exchange and no key."""


def policy_files(given: PolicyOptions) -> Sequence[str]:
    """The named policies, or the shipped baseline.

    Raises:
        UsageError: A name without a path or a suffix is none of a shipped policy; or one of them is
            named twice.
    """
    named = given.policy_files or ["baseline"]
    files = [_policy_file(name) for name in named]
    first: dict[str, str] = {}
    for name, file in zip(named, map(normpath, files), strict=True):
        if file in first:
            also = "" if first[file] == name else f", also as {first[file]}"
            raise UsageError(f"the policy {name} is named twice{also}", hint="list it once")
        first[file] = name
    return files


def _policy_file(named: str) -> str:
    if named not in shipped_policies() and (Path(named).suffix or is_there(named)):
        return named
    try:
        return policy_file(named)
    except UnknownParent as error:
        raise UsageError(f"-p {named}: {error}", hint=error.fix) from None


def inventory_file(given: OptionalInventoryOptions) -> str | None:
    """The named inventory, or the usual one where it exists, for commands that can do without.

    Raises:
        UsageError: Nobody named it, and it belongs to another user.
    """
    named = given.inventory_file
    if named or not is_there(_INVENTORY):
        return named
    _refuse_of_others(_INVENTORY)
    return _INVENTORY


def scanned_inventory(given: InventoryOptions) -> str:
    """The named inventory, or the usual one.

    Raises:
        UsageError: Nobody named it, and it belongs to another user.
    """
    file = given.inventory_file
    if settings.source_of("inventory_file") is ParameterSource.DEFAULT and is_there(file):
        _refuse_of_others(file)
    return file


def _refuse_of_others(file: str) -> None:
    if is_of_others(Path(file)):
        raise UsageError(
            f"the inventory {file} belongs to another user",
            hint=f"if you trust it, pass it: -i {file}",
        )


def inventory(given: OptionalInventoryOptions) -> Inventory | None:
    """The inventory, for commands that can do without.

    Raises:
        DocumentError: It has problems.
    """
    file = inventory_file(given)
    return None if file is None else load_inventory(file, egresses=settings.egresses())


def refuse_entry_for_nobody(file: str, selector: Selector, accounts: Inventory | None) -> None:
    """Refuse a new entry of a file that is about no account.

    Args:
        file: Where it would stand.
        selector: Whom it is about.
        accounts: All there are; without an inventory, nobody knows.

    Raises:
        UsageError: No account fits.
    """
    if accounts is None:
        return
    subjects = [account.subject for account in accounts.accounts]
    for misfit in misfits(selector, subjects):
        what = f"{file}: the new entry: {misfit.what} in {accounts.file}"
        raise UsageError(what, hint=misfit.fix)


def now() -> datetime:
    """The clock of the command line; everything below takes its time as an argument."""
    return datetime.now(UTC)


def moment(text: str | None) -> datetime:
    """The time that a user names, or now. A day is meant from its beginning in UTC.

    Raises:
        UsageError: It is not a valid date or timestamp, has no time zone, or is before 2009.
    """
    if text is None:
        return now()
    try:
        named = datetime.fromisoformat(text) if text.isascii() else None
        is_day = named is not None and _DAY.fullmatch(text) is not None
        named = named.replace(tzinfo=UTC) if named is not None and is_day else named
        moment = named.astimezone(UTC) if named is not None and named.tzinfo is not None else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        hint = "write it like 2026-11-01, 2026-11-01T08:00:00Z or 2026-11-01T10:00:00+02:00"
        raise UsageError(
            f"--as-of {text}: not a valid date, nor a timestamp with a time zone", hint=hint
        )
    if moment.year < _FIRST_YEAR:
        raise UsageError(f"--as-of {text}: before the year {_FIRST_YEAR}", hint="correct the year")
    return moment


def evidence(*files: str) -> "EvidenceFile":
    """Evidence that is to be judged, with the accounts of all files compared.

    Raises:
        UsageError: A file is named twice.
        DocumentError: One is none, nobody can have collected it yet, or they do not fit each other.
    """
    from gatepolicy.scanning.compared import compare_evidence

    return compare_evidence(evidence_files(*files))


def evidence_files(*files: str) -> "dict[str, CollectedFile]":
    """Evidence by the name of its file, with the accounts of none compared.

    Raises:
        UsageError: A file is named twice.
        DocumentError: One is none, or nobody can have collected it yet.
    """
    from gatepolicy.scanning.evidence import refuse_future
    from gatepolicy.scanning.journal import load_collected

    loaded = {}
    for file in files:
        if file in loaded:
            raise UsageError(f"the evidence {file} is named twice", hint="list it once")
        loaded[file] = load_collected(file)
        refuse_future(loaded[file], file, now())
    return loaded


def fingerprint_key(inventory_file: str) -> bytes:
    """The key of fingerprints: the firm's own, or the salt of the inventory."""
    return _own_key() or salt_of(inventory_file)


def fingerprint_salt(inventory_file: str) -> str:
    """The salt of fingerprints, in hexadecimal; empty when the firm keeps a key of its own."""
    return "" if _own_key() else salt_of(inventory_file).hex()


def fingerprint_check(inventory_file: str) -> str:
    """What tells whether two files of evidence have fingerprints of the same key."""
    return fingerprint(_CHECKED_TEXT, pepper=fingerprint_key(inventory_file))


def _own_key() -> bytes:
    return os.environ.get("GATEPOLICY_FINGERPRINT_KEY", "").encode()
