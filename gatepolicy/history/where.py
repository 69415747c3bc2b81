"""Where a history is: a file, or a PostgreSQL database; and whose scans in it are meant.

Imports no database library.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from gatepolicy.errors import UsageError
from gatepolicy.model.secret import Secret

_SERVER = re.compile(
    r"postgres(?:ql)?(?:\+psycopg)?://(?P<rest>(?:[^:@/?#]*(?::(?P<password>[^@/?#]*))?@)?"
    r"[^@/?#]*(?:/[^@/?#]*)?(?:\?(?P<query>[^#@]*))?)"
)
_SECRET_OPTIONS = ("password", "sslpassword")
_FILE_URL = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Where:
    """A place of a history. It prints without a password."""

    file: str = ""
    """The SQLite file; empty for a server."""
    server: Secret | None = None
    """The URL of a PostgreSQL database, for the driver psycopg; ``None`` for a file."""
    passwords: tuple[Secret, ...] = ()
    """Every password that the URL holds, as it is written and as it is meant."""

    @property
    def name(self) -> str:
        """For people: the file; of a server nothing that could be a credential."""
        return self.file or "the PostgreSQL database"

    def without_passwords(self, text: str) -> str:
        """A text of the database, in which no password stands."""
        for password in self.passwords:
            text = text.replace(password.reveal(), "***")
        return text


@dataclass(frozen=True, slots=True)
class OfProject:
    """Every inventory of one project, where an inventory may stand in a question."""

    project: str
    """Its name."""

    @property
    def prefix(self) -> str:
        """What the names of its inventories begin with in the history."""
        return f"{self.project}:"


Which = str | OfProject | None
"""One inventory by its name in the history, all of a project, or all there are."""


def name_in_history(inventory: str, project: str) -> str:
    """What an inventory is called in a history.

    Args:
        inventory: Its own name.
        project: The name of the project that shares the history with others; empty where it is the
            only one.
    """
    return f"{OfProject(project).prefix}{inventory}" if project else inventory


def parse_where(text: str, option: str = "--history") -> Where:
    """A place from a path or a URL.

    Args:
        text: A path, ``sqlite:///PATH``, or ``postgresql://USER@HOST/DATABASE``.
        option: What names it.

    Raises:
        UsageError: It is neither. The text is not repeated: it may hold a password.
    """
    if text.startswith(_FILE_URL):
        text = text.removeprefix(_FILE_URL)
    if "://" not in text:
        if not text or text == ":memory:" or "\0" in text:
            raise UsageError(f"{option}: not a file", hint="such as .gatepolicy/history.db")
        return Where(file=text)
    found = _SERVER.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{option}: not a path and not a valid URL of a PostgreSQL database",
            hint="such as postgresql://gatepolicy@db.example.com/gatepolicy; in a password, write"
            " @ as %40, / as %2F, : as %3A, ? as %3F and # as %23",
        )
    written = [found["password"] or ""]
    query = found["query"] or ""
    written += [pair.partition("=")[2] for pair in query.split("&") if _is_secret(pair)]
    meant = [value for name, value in parse_qsl(query) if name in _SECRET_OPTIONS]
    passwords = dict.fromkeys((*written, *meant, *map(unquote, written)))
    return Where(
        server=Secret(f"postgresql+psycopg://{found['rest']}"),
        passwords=tuple(Secret(password) for password in passwords if password),
    )


def _is_secret(pair: str) -> bool:
    return pair.partition("=")[0] in _SECRET_OPTIONS
