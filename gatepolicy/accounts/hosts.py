"""Names and addresses of hosts. Pure."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_LOCALHOST = "localhost"


def host_of(written: str) -> str | None:
    """A host as it is compared, in small letters; ``None`` when it is none.

    Args:
        written: A name, or an address with or without brackets; no scheme, port or path.
    """
    # NOTE: senders have rules of their own for letters beyond ASCII.
    text = (written if written.isascii() else "").strip().lower().removesuffix(".")
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return text if _NAME.fullmatch(text) else None


def host_in(url: str) -> str:
    """The host of a URL with scheme and host, as it is compared; empty when it has none."""
    return host_of(urlsplit(url).hostname or "") or ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == _LOCALHOST:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
