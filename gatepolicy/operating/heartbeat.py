"""A heartbeat: a URL is called when a scan starts and when it ends.

As healthchecks.io has it (https://healthchecks.io/docs/http_api/): ``URL/start``, then ``URL`` for
exit code 0 and ``URL/CODE`` for any other. Whoever knows the URL can call it, so it is a secret.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit, urlunsplit

from gatepolicy import __version__
from gatepolicy.model.scan import ExitCode
from gatepolicy.model.secret import Secret

_TIMEOUT_SECONDS = 10.0
_PAUSES = (1.0, 4.0)
_START = "start"
Send = Callable[[str], str]
"""Calls a URL. Returns why that failed, without the URL; empty when it did not."""


def is_callable_url(url: str) -> bool:
    """Whether it has a form that can be called."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
    except ValueError:
        return False


def url_at_start(url: str) -> str:
    """What is called when a scan starts."""
    return _below(url, _START)


def url_at_end(url: str, code: ExitCode) -> str:
    """What is called when a scan ends: the URL itself for 0, and for nothing else."""
    return url if code is ExitCode.OK else _below(url, str(code.value))


def _below(url: str, step: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{step}"))


def beat(
    url: Secret | None,
    of: Callable[[str], str],
    *,
    send: Send,
    sleep: Callable[[float], None],
    warn: Callable[[str], None],
    pauses: Sequence[float] = _PAUSES,
) -> None:
    """Call the URL; a failure is tried again, then reported, and changes nothing.

    Args:
        url: The URL; ``None`` for no heartbeat.
        of: From the URL to the one of this moment.
        send: Calls it.
        sleep: Waits so many seconds.
        warn: Takes a line for people.
        pauses: Seconds before each further attempt.
    """
    if url is None:
        return
    why = send(of(url.reveal()))
    for pause in pauses:
        if not why:
            return
        sleep(pause)
        why = send(of(url.reveal()))
    if why:
        warn(f"the heartbeat was not received: {why}")


def call(url: str, *, timeout: float = _TIMEOUT_SECONDS) -> str:
    """Call a URL. Proxies of the environment are used.

    Args:
        url: With http or https.
        timeout: Seconds.

    Returns: Why it failed, without the URL; empty when it did not.
    """
    agent = {"User-Agent": f"gatepolicy/{__version__}"}
    request = urllib.request.Request(url, headers=agent)  # noqa: S310 - is_callable_url
    try:
        with urllib.request.urlopen(request, timeout=timeout):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"HTTP status {error.code}"
    except urllib.error.URLError as error:
        return _why(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _why(error)


def _why(reason: object) -> str:
    """The kind of an error. Its text is not reported: it may hold the URL."""
    number = getattr(reason, "strerror", None)
    return str(number) if isinstance(reason, OSError) and number else type(reason).__name__
