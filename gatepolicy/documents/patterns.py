r"""Regular expressions of files, matched with texts of exchanges in time that grows with the text.

Python's own expressions backtrack: ``^(a+)+$`` on a key's name of 30 characters takes minutes. RE2
does not, and refuses what cannot be done without (lookarounds, back references). Globs are matched
by ``fnmatch``, whose ``*`` never gives back what it took: a test holds it to that.
"""

from functools import lru_cache
from typing import Any

import re2

_MEMORY = 1 << 20
"""Bytes for an expression and its automaton."""
MOST_STEPS = 2_000
"""Length of a compiled expression: each may be tried at every byte of a text."""
_SYNTAX = (
    "use the syntax of RE2, without lookarounds and back references;"
    " see https://github.com/google/re2/wiki/Syntax"
)


_SHORTER = "write a shorter one"


class PatternError(Exception):
    """An expression that cannot be used."""

    def __init__(self, what: str, fix: str) -> None:
        """Keep why, and what to do."""
        super().__init__(what)
        self.fix = fix


def check_pattern(pattern: str) -> None:
    """Refuse an expression that could not be matched.

    Raises:
        PatternError: It is none of RE2, or too large.
    """
    _compiled(pattern)


def steps_of(pattern: str) -> int:
    """Length of an expression when it is compiled: how much each byte of a text may take.

    Raises:
        PatternError: It is none of RE2, or too large.
    """
    steps: int = _compiled(pattern).programsize
    return steps


def contains(pattern: str, text: str) -> bool:
    """Whether an expression is found anywhere in a text.

    What does not print, such as a space without width, counts as a space: a name of such characters
    alone is as good as none.

    Raises:
        PatternError: The expression is none of RE2, or too large.
    """
    visible = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return _compiled(pattern).search(visible) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise _refused(error) from None
    except UnicodeEncodeError:
        raise PatternError("it contains an unpaired surrogate", "remove it") from None
    if compiled.programsize > MOST_STEPS:
        raise PatternError("it is too large", _SHORTER)
    return compiled


def _refused(error: Exception) -> PatternError:
    (said,) = error.args
    what = said.decode("utf-8", "replace")
    return PatternError(
        what, _SHORTER if "too large" in what or "repetition size" in what else _SYNTAX
    )
