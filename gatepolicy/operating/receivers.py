"""To whom news goes: services by their URLs, as apprise knows them (https://appriseit.com/services/).

apprise is imported when a receiver is named, and not before. Its URLs hold tokens and passwords: a
receiver is only ever called by its number and its scheme.
"""

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatepolicy.errors import UsageError
from gatepolicy.model.secret import Secret
from gatepolicy.operating.message import Message

if TYPE_CHECKING:
    from apprise import Apprise

_PAUSES = (2.0, 10.0)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)")
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Receiver:
    """A service that takes messages."""

    name: str
    """What it is called in warnings: nothing of its URL but the scheme."""
    send: Callable[[Message], bool]
    """Sends a message. Whether the service took it."""


def urls_of(given: Sequence[Secret], file: str | None) -> Sequence[Secret]:
    """All URLs, those of a file after the others.

    Args:
        given: Those that were named.
        file: A file with a URL on each line; empty lines and those that begin with # do not count.

    Raises:
        UsageError: The file cannot be read, or is none.
    """
    if file is None:
        return given
    try:
        with Path(file).open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("utf-8")
    except OSError as error:
        what = f"--notify-file {file}: cannot read it ({error.strerror})"
        raise UsageError(what, hint="check the path and who may read it") from None
    except UnicodeDecodeError:
        what = f"--notify-file {file}: it is not a text in UTF-8"
        raise UsageError(what, hint="write one URL on each line") from None
    lines = [line.strip() for line in text.splitlines()]
    return (*given, *(Secret(line) for line in lines if line and not line.startswith("#")))


def receivers_of(urls: Sequence[Secret]) -> Sequence[Receiver]:
    """The services behind URLs.

    Raises:
        UsageError: apprise is not installed, or does not know one of them.
    """
    if not urls:
        return ()
    try:
        import apprise
    except ImportError as error:
        what = f"notifications need apprise; {error.name} is not installed"
        raise UsageError(what, hint="pip install apprise") from None
    found = []
    with _silence():
        for number, url in enumerate(urls, 1):
            service = apprise.Apprise()
            if not service.add(url.reveal()):
                what = f"notification URL {number} is not one that apprise knows"
                hint = "such as mailto://, slack:// or json://: https://appriseit.com/services/"
                raise UsageError(what, hint=hint)
            found.append(Receiver(_name(number, url), _sender(service)))
    return found


def _name(number: int, url: Secret) -> str:
    scheme = _SCHEME.match(url.reveal())
    return f"receiver {number}{f' ({scheme[0].lower()})' if scheme else ''}"


def _sender(service: "Apprise") -> Callable[[Message], bool]:
    def send(message: Message) -> bool:
        from apprise import NotifyFormat, NotifyType

        with _silence():
            # NOTE: it answers with a value of its own, which is false when a service refused.
            return bool(
                service.notify(
                    title=message.title,
                    body=message.body,
                    notify_type=NotifyType(message.mood.value),
                    body_format=NotifyFormat.TEXT,
                )
            )

    return send


@contextmanager
def _silence() -> Iterator[None]:
    """No log and no warning of a library goes anywhere: it may hold a URL."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def send(
    message: Message,
    receivers: Sequence[Receiver],
    *,
    sleep: Callable[[float], None],
    warn: Callable[[str], None],
    pauses: Sequence[float] = _PAUSES,
) -> frozenset[str]:
    """Send a message to each receiver; one that does not take it is tried again, then reported.

    Args:
        message: What to send.
        receivers: To whom.
        sleep: Waits so many seconds.
        warn: Takes a line for people.
        pauses: Seconds before each further attempt.

    Returns: The names of those that took it.
    """
    left = list(receivers)
    for pause in (0.0, *pauses):
        if left and pause:
            sleep(pause)
        left = [receiver for receiver in left if not receiver.send(message)]
    for receiver in left:
        warn(f"{receiver.name} did not take the notification after {len(pauses) + 1} attempts")
    return frozenset(one.name for one in receivers) - {one.name for one in left}
