"""Where proofs and discussions are kept: addresses that are safe to open, or plain text. Pure."""

import re
from urllib.parse import urlsplit

_IGNORED = re.compile(r"[\s\x00-\x20\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]+")
"""What a browser skips before and within the scheme of an address, and a bit more."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def wrong_link(text: str) -> tuple[str, str] | None:
    """What is wrong with a link, and what to do; ``None`` where nothing is.

    Reports hold it, and people click on it: ``javascript:`` and its kin would run.

    Args:
        text: An address (http or https), the path of a file, or any other text such as a ticket's.
    """
    bare = _IGNORED.sub("", text)
    found = _SCHEME.match(bare)
    if found is None:
        return None
    if found[1].lower() not in ("http", "https"):
        what = f"an address that begins with {found[1]}: is not allowed"
        return what, "write an https address, a file or a ticket such as AUDIT-7"
    place = _netloc(bare)
    if not place:
        return "an address without a host", "write it like https://tickets.example.com/AUDIT-7"
    if "@" in place:
        return "an address with a name or a password in it", "remove what stands before the @"
    return None


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
