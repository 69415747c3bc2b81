"""What somebody probably meant by a name that is not known. Pure."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like another one, in any case; empty when none is."""
    by_folded: dict[str, str] = {}
    for one in known:
        by_folded.setdefault(one.casefold(), one)
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return by_folded[found[0]] if found else ""


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A hint about a name that is not known.

    Args:
        name: As somebody wrote it.
        known: All names that there are.
        otherwise: The hint where none of them is like it.
    """
    near = nearest(name, known)
    return f"did you mean {near}?" if near else otherwise
