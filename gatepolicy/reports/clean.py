"""Text that came from outside, made safe to look at.

Names, labels and answers come from exchanges and files. A control character among them could
move a terminal's cursor, change its colours or title, or hide a finding; a mark of direction
could make a name read backwards. And the log of a CI job is read by its runner, which takes some
lines for commands: ``::error::…`` at the start of a line on GitHub, ``##[…]`` and ``##vso[…]``
anywhere in it on GitHub and Azure, ``##teamcity[…]`` on TeamCity.
"""

import re

_COMMAND = re.compile(r":(?=:[0-9A-Fa-f]*[G-Zg-z_-])|#(?=#)")
"""What such a command begins with, wherever it stands: a line may be wrapped there. Addresses of
IPv6 have two colons as well, and no letter behind them but hexadecimal digits."""


def clean(text: str) -> str:
    r"""The text with everything that does not print shown as an escape such as ``\x1b``.

    That is every control, formatting, surrogate and unassigned character, marks of direction and
    invisible ones included, and every space but the plain one. The beginnings of commands to CI
    runners are broken by such an escape. What is clean stays as it is.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escape(char) for char in text)
    if "::" in text or "##" in text:
        return _COMMAND.sub(lambda start: _escape(start[0]), text)
    return text


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
