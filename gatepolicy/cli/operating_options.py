"""Options of a scan that nobody watches. None of them can be set by a project file."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from gatepolicy.model.secret import Secret
from gatepolicy.operating.heartbeat import is_callable_url

F = TypeVar("F", bound=Callable[..., Any])
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Pause(click.ParamType[timedelta]):
    """A whole number of seconds, minutes or hours, such as ``10m``."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The time; it may be none."""
        found = re.fullmatch(r"([0-9]{1,5})([smh])", str(value))
        if found is None:
            what = f"{value!r} is not a duration; write a whole number with s, m or h, such as 10m"
            self.fail(what, param, ctx)
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


class SecretText(click.ParamType[Secret]):
    """A text that nothing prints."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Secret:
        """The text."""
        del param, ctx
        return value if isinstance(value, Secret) else Secret(str(value))


class SecretUrl(SecretText):
    """A URL that nothing prints."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Secret:
        """The URL, with http or https."""
        url = super().convert(value, param, ctx)
        if not is_callable_url(url.reveal()):
            self.fail("not a URL that begins with https:// or http://", param, ctx)
        return url


def operating(function: F) -> F:
    """All of them."""
    for decorate in reversed((*_ONE_AT_A_TIME, *_TOLD)):
        function = decorate(function)
    return function


_ONE_AT_A_TIME = (
    click.option(
        "--lock",
        is_flag=True,
        envvar="GATEPOLICY_LOCK",
        help="One scan of this inventory at a time: a second one exits with 6.",
    ),
    click.option(
        "--wait",
        type=Pause(),
        envvar="GATEPOLICY_WAIT",
        metavar="DURATION",
        help="With a lock, wait up to this long for the other scan to end, such as 30m.",
    ),
    click.option(
        "--jitter",
        type=Pause(),
        envvar="GATEPOLICY_JITTER",
        metavar="DURATION",
        help="Start after a random delay of up to this long, such as 10m.",
    ),
    click.option(
        "--state",
        "state_folder",
        envvar="GATEPOLICY_STATE",
        metavar="FOLDER",
        help="Folder of the lock and of what receivers were told."
        "  [default: .gatepolicy beside the inventory]",
    ),
)
_TOLD = (
    click.option(
        "--only-changes",
        is_flag=True,
        envvar="GATEPOLICY_ONLY_CHANGES",
        help="Print nothing if nothing changed since the baseline, or the last scan of the history."
        " Files are written, and the exit code is the same.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        envvar="GATEPOLICY_LOG_FORMAT",
        help="Standard error as text, or as JSON lines: 'gatepolicy schema log'.",
    ),
    click.option(
        "--heartbeat",
        type=SecretUrl(),
        envvar="GATEPOLICY_HEARTBEAT",
        metavar="URL",
        help="Call URL/start when the scan starts, and URL or URL/EXITCODE when it ends.",
    ),
    click.option(
        "--notify",
        "notify_urls",
        type=SecretText(),
        multiple=True,
        envvar="GATEPOLICY_NOTIFY",
        metavar="URL",
        help="Tell this service, by its apprise URL, what is new, worse, fixed or about to expire;"
        " repeatable.",
    ),
    click.option(
        "--notify-file",
        envvar="GATEPOLICY_NOTIFY_FILE",
        metavar="FILE",
        help="File with such URLs, one on each line.",
    ),
    click.option(
        "--notify-when",
        type=click.Choice(["changes", "always"]),
        default="changes",
        show_default=True,
        envvar="GATEPOLICY_NOTIFY_WHEN",
        help="Tell changes only, or a digest after every scan.",
    ),
)
