"""Text that came from outside, made safe to look at.

Names, labels and answers come from exchanges and files. A control character among them could
move a terminal's cursor, change its colours or title, or hide a finding; a mark of direction
could make a name read backwards.
"""


def clean(text: str) -> str:
    r"""The text with everything that does not print shown as an escape such as ``\x1b``.

    That is every control, formatting, surrogate and unassigned character, marks of direction and
    invisible ones included, and every space but the plain one.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
