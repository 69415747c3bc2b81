"""The file of a journal: opened for one run alone, appended to, and brought to the disk."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepolicy.collect.run import Reusable, Targets
from gatepolicy.correlate.collected import Collected
from gatepolicy.correlate.keys import Uncompared, Uncorrelated, keep_alone
from gatepolicy.documents.load import read_text
from gatepolicy.errors import LockedError, ReportError, UsageError
from gatepolicy.exchanges.interpret import TRANSIENT
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.evidence import Evidence, Subject
from gatepolicy.model.facts import Reason
from gatepolicy.model.scan import Interruption
from gatepolicy.reports.write import Destination
from gatepolicy.scanning.evidence import CLOCKS_DIFFER
from gatepolicy.scanning.journal import (
    Expected,
    Header,
    Journal,
    LineKind,
    Role,
    account_line,
    end_line,
    expected_line,
    header_line,
    left_out_line,
    parse_journal,
    resumed_line,
    whole_lines,
)

REUSED_FOR = timedelta(days=1)
"""What was read longer ago is read again when a journal is resumed; so is what seems to be from the
future, since nobody knows its age."""
_LINES_AT_RISK = 64
_SECONDS_AT_RISK = 1.0
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_ALWAYS_AGAIN = frozenset(
    {
        Reason.BAD_CREDENTIALS_CONFIG,
        Reason.NOT_ALLOWED,
        Reason.INTERRUPTED,
        Reason.INTERNAL_ERROR,
        Reason.REQUEST_REFUSED,
        Reason.CLOCK_SKEW,
    }
)
"""Reasons that lie on this side: whoever resumes may have mended them."""
_AGAIN_ON_REQUEST = TRANSIENT | {Reason.TLS_ERROR, Reason.LIMIT_REACHED, Reason.GEO_BLOCKED}


@dataclass(frozen=True, slots=True)
class World:
    """What a journal needs of its surroundings."""

    clock: Callable[[], float]
    """Monotonic seconds."""
    sync: Callable[[int], None] = os.fsync
    """Brings an open file to the disk."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first lines of a journal."""

    header: Header
    """With what accounts are read."""
    expected: Sequence[Expected]
    """All accounts of the inventory."""

    @classmethod
    def of(
        cls, header: Header, targets: Targets, read_by: Callable[[Subject], str] = lambda _: ""
    ) -> "Beginning":
        """The beginning of a journal about some targets.

        Args:
            header: The first line.
            targets: What is read.
            read_by: Tells of an account that is left out which part of the inventory reads it.
        """
        roles = [Role.SELECTED] * targets.selected + [Role.AUDITOR] * len(targets.asked)
        asked = (target.account.subject for target in targets.asked)
        left_out = (account.subject for account in targets.unasked)
        return cls(
            header,
            [
                *(Expected(subject, role) for subject, role in zip(asked, roles, strict=False)),
                *(Expected(subject, Role.LEFT_OUT, read_by(subject)) for subject in left_out),
            ],
        )

    @property
    def selected(self) -> int:
        """How many accounts are of the scan."""
        return sum(one.role is Role.SELECTED for one in self.expected)

    def text(self) -> str:
        """All lines."""
        return "".join([header_line(self.header), *map(expected_line, self.expected)])


class JournalFile:
    """A journal that one run appends to.

    What cannot be written ends no scan: it is remembered, and nothing more is written.
    """

    def __init__(self, descriptor: int, name: str, pepper: bytes, world: World) -> None:
        """Use ``create`` or ``resume``."""
        self._descriptor = descriptor
        self._name = name
        self._pepper = pepper
        self._world = world
        self._waiting: set[str] = set()
        self._unsynced = 0
        self._synced_at = world.clock()
        self._error: OSError | None = None
        self.reusable: Mapping[str, Reusable] = {}
        """What was read before, by account."""
        self.note = ""
        """A line about it, for people; empty when this is the first run."""

    @classmethod
    def create(
        cls, place: Destination, beginning: Beginning, pepper: bytes, world: World
    ) -> "JournalFile":
        """A new journal.

        Args:
            place: Where; there must be no file.
            beginning: Its first lines.
            pepper: Key of the fingerprints.
            world: Clock and disk.

        Raises:
            UsageError: There is a file, or none can be made.
        """
        try:
            folder = place.opened()
            try:
                descriptor = _created(folder, place.name, beginning.text().encode(), world)
            finally:
                os.close(folder)
        except FileExistsError:
            what = f"--journal {place.path}: this file already exists"
            hint = f"go on with it: --resume {place.path}; or choose another file"
            raise UsageError(what, hint=hint) from None
        except OSError as error:
            what = f"--journal {place.path}: cannot create this file ({error.strerror})"
            raise UsageError(what, hint="choose another file") from None
        return cls(descriptor, place.path, pepper, world)

    @classmethod
    def resume(
        cls,
        place: Destination,
        beginning: Beginning,
        pepper: bytes,
        world: World,
        *,
        retries: bool,
    ) -> "JournalFile":
        """A journal that another run left.

        Args:
            place: Where it is.
            beginning: What its first lines have to be, but for the time.
            pepper: Key of the fingerprints.
            world: Clock and disk.
            retries: Whether accounts are read again that could not be read for a passing reason.

        Raises:
            UsageError: There is none, or the rest would be read with something else.
            DocumentError: It is no journal.
            LockedError: Another run appends to it.
        """
        with contextlib.ExitStack() as stack:
            descriptor = _reopened(place)
            stack.callback(os.close, descriptor)
            now = beginning.header.collected_at
            content = whole_lines(_content(descriptor))
            journal = parse_journal(read_text(place.path, read=lambda _: content), place.path)
            _refuse_another(journal, beginning)
            os.ftruncate(descriptor, len(content))
            file = cls(descriptor, place.path, pepper, world)
            file.reusable = _reusable(journal, now, retries=retries)
            file.note = _note(place.path, file.reusable, beginning.selected)
            file._append([resumed_line(now)])
            stack.pop_all()
        return file

    def keep(self, targets: Targets, position: int, collected: Collected) -> None:
        """Append an account that was read."""
        target = targets.asked[position]
        traits = keep_alone(target, collected.api_key, self._pepper)
        selected = position < targets.selected
        account = Uncompared(collected.evidence, traits, is_selected=selected)
        if traits is None:
            self._waiting.add(target.account.subject.id)
        self._append(
            [account_line(account, LineKind.WAITING if traits is None else LineKind.ALONE)]
        )

    def finish(
        self, read: Uncorrelated, warnings: Sequence[str], interrupted_by: Interruption | None
    ) -> None:
        """Append what took all accounts, and the end.

        Args:
            read: Everything that the run read.
            warnings: One line each, for people.
            interrupted_by: The signal that ended it early, if one did.
        """
        self._append(self._last_lines(read, warnings, interrupted_by))
        self._sync()

    def refuse_missing_lines(self) -> None:
        """Say that something is missing in it, if so.

        Raises:
            ReportError: It could not be written.
        """
        if self._error is not None:
            what = f"the journal {self._name} could not be written: {self._error.strerror}"
            raise ReportError(what, hint="free some space, then scan again with --resume")

    def close(self) -> None:
        """End here. Nothing happens to a journal that is closed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _last_lines(
        self, read: Uncorrelated, warnings: Sequence[str], interrupted_by: Interruption | None
    ) -> Iterator[str]:
        for account in read.accounts:
            if account.evidence.subject.id in self._waiting:
                yield account_line(account, LineKind.COMPARED)
        yield from map(left_out_line, read.left_out)
        yield end_line(warnings, interrupted_by)

    def _append(self, lines: Iterable[str]) -> None:
        if self._error is not None:
            return
        try:
            for line in lines:
                _write(self._descriptor, line.encode())
                self._unsynced += 1
        except OSError as error:
            self._error = error
        late = self._world.clock() - self._synced_at >= _SECONDS_AT_RISK
        if late or self._unsynced >= _LINES_AT_RISK:
            self._sync()

    def _sync(self) -> None:
        self._unsynced, self._synced_at = 0, self._world.clock()
        if self._error is None:
            try:
                self._world.sync(self._descriptor)
            except OSError as error:
                self._error = error


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _created(folder: int, name: str, content: bytes, world: World) -> int:
    """A file with a beginning that nobody ever sees in part, locked.

    Raises:
        FileExistsError: There is one.
        OSError: It cannot be written.
    """
    temporary = f".gatepolicy-{os.getpid()}-{secrets.token_hex(8)}.tmp"
    descriptor = os.open(temporary, _NEW, 0o600, dir_fd=folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _write(descriptor, content)
        world.sync(descriptor)
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError:
        os.close(descriptor)
        raise
    finally:
        os.unlink(temporary, dir_fd=folder)
    with contextlib.suppress(OSError):
        world.sync(folder)
    return descriptor


def _reopened(place: Destination) -> int:
    try:
        folder = place.opened()
        try:
            descriptor = os.open(place.name, _OLD, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        what = f"--resume {place.path}: cannot open this journal ({error.strerror})"
        raise UsageError(what, hint="begin a new one: --journal FILE") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        what = f"another scan writes the journal {place.path}"
        raise LockedError(what, hint="let it end, then try again") from None
    return descriptor


def _content(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()


def _refuse_another(journal: Journal, beginning: Beginning) -> None:
    """Refuse to read the rest with something else.

    Raises:
        UsageError: With the first difference.
    """
    before, now = journal.header, beginning.header
    expected = {one.subject.id: (one.role, one.read_by) for one in beginning.expected}
    differences = {
        "another inventory": before.inventory_digest != now.inventory_digest,
        "another catalog of exchanges": before.catalog_digest != now.catalog_digest,
        f"gatepolicy {before.version}": before.version != now.version,
        "another key of fingerprints": before.fingerprint_check != now.fingerprint_check,
        "another selection of accounts": (before.narrowed_by, before.parts)
        != (tuple(now.narrowed_by), tuple(now.parts))
        or expected != {name: (one.role, one.read_by) for name, one in journal.expected.items()},
    }
    for what, differs in differences.items():
        if differs:
            raise UsageError(
                f"--resume {journal.file}: this journal was begun with {what}",
                hint="begin a new one: --journal FILE",
            )


def _reusable(journal: Journal, now: datetime, *, retries: bool) -> dict[str, Reusable]:
    """What needs not be read again."""
    again = _ALWAYS_AGAIN | (_AGAIN_ON_REQUEST if retries else frozenset())
    alone = {
        name for name, (line_kind, _) in journal.accounts.items() if line_kind is LineKind.ALONE
    }
    return {
        one.evidence.subject.id: Reusable(one.evidence, one.traits.key.fingerprint)
        for one in journal.evidence().read.accounts
        if one.evidence.subject.id in alone
        and one.traits is not None
        and -CLOCKS_DIFFER <= now - one.evidence.collected_at <= REUSED_FOR
        and not _is_read_again(one.evidence, again)
    }


def _is_read_again(evidence: Evidence, reasons: frozenset[Reason]) -> bool:
    return evidence.unread is not None and evidence.unread.reason in reasons


def _note(name: str, reusable: Mapping[str, Reusable], selected: int) -> str:
    if not reusable:
        return f"resumed {name}: no account of it can be used"
    oldest = min(one.evidence.collected_at for one in reusable.values())
    return (
        f"resumed {name}: {len(reusable):,} of {selected:,} accounts were read before,"
        f" the first on {encode_time(oldest)}"
    )
