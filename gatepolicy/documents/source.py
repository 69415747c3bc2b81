"""Files as text: what cannot be text is a problem with a place, never a crash."""

import codecs
import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.location import Location

MAX_BYTES = 64 * 1024 * 1024
_HEAD = 64 * 1024
_DOCUMENT = re.compile(rb"^[\"']?apiVersion[\"']?\s*:\s*[\"']?gatepolicy/", re.MULTILINE)
Read = Callable[[Path], bytes]
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


def is_there(path: str | Path) -> bool:
    """Whether there is anything at a path; what cannot be looked at is not there."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def is_folder(path: str | Path) -> bool:
    """Whether a folder is at a path; what cannot be looked at is none."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def is_document(path: str | Path) -> bool:
    """Whether a file is a document of a project, such as a policy, as people write them."""
    head = b""
    with contextlib.suppress(OSError, ValueError):
        if Path(path).is_file():
            with Path(path).open("rb") as file:
                head = file.read(_HEAD)
    return _DOCUMENT.search(head) is not None


def read_text(file: str, *, read: Read = Path.read_bytes) -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Args:
        file: As the user named it.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: There is no such file, or it is no text.
    """
    return decode(_read_bytes(file, read), file)


def _read_bytes(file: str, read: Read) -> bytes:
    try:
        data = read(Path(file))
    except FileNotFoundError:
        raise problem(file, "there is no such file", "check the path") from None
    except IsADirectoryError:
        raise problem(file, "this is a folder", "name a file in it") from None
    except PermissionError:
        raise problem(file, "the file may not be read", "check its permissions") from None
    except (OSError, ValueError) as error:
        raise problem(file, f"the file cannot be read ({type(error).__name__})", "") from None
    if len(data) > MAX_BYTES:
        raise problem(file, f"the file is larger than {MAX_BYTES} bytes", "split it")
    return data


def decode(data: bytes, file: str) -> str:
    """The text of UTF-8 bytes, without a byte order mark.

    Raises:
        DocumentError: They are not UTF-8, or hold control characters.
    """
    without_mark = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = without_mark.decode()
    except UnicodeDecodeError as error:
        before = without_mark[: error.start].decode()
        raise DocumentError(
            [Problem(_place(file, before), "", "not UTF-8 text", "save the file as UTF-8")]
        ) from None
    odd = _FORBIDDEN.search(text)
    if odd is not None:
        what = f"the control character U+{ord(odd.group()):04X} does not belong into text"
        raise DocumentError([Problem(_place(file, text[: odd.start()]), "", what, "remove it")])
    return text


def _place(file: str, before: str) -> Location:
    return Location(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def problem(file: str, what: str, fix: str) -> DocumentError:
    """An error about a file as a whole."""
    return DocumentError([Problem(Location(file, 1, 1), "", what, fix)])
