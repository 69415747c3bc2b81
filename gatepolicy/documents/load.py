"""Files become checked documents: bytes, text, YAML or JSON, then the schema."""

import codecs
import contextlib
import json
import math
import re
from collections.abc import Callable, Iterable
from os.path import abspath, realpath
from pathlib import Path, PurePath
from typing import NoReturn
from urllib.parse import urlsplit

from gatepolicy.documents.document import Document, JSONValue
from gatepolicy.documents.schema import Schema, validate
from gatepolicy.documents.yaml_tree import MAX_DEPTH, parse_yaml
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.evidence import Location

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
    return decode(read_bytes(file, read=read), file)


def read_bytes(file: str, *, read: Read = Path.read_bytes) -> bytes:
    """The bytes of a file.

    Args:
        file: As the user named it.
        read: Reads them.

    Raises:
        DocumentError: There is no such file, or it cannot be read.
    """
    try:
        data = read(Path(file))
    except FileNotFoundError:
        raise problem(file, "no such file", "check the path") from None
    except IsADirectoryError:
        raise problem(file, "this is a folder", "choose a file in it") from None
    except PermissionError:
        raise problem(file, "permission denied", "check its permissions") from None
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
        what = f"the control character U+{ord(odd.group()):04X} is not allowed in text"
        raise DocumentError([Problem(_place(file, text[: odd.start()]), "", what, "remove it")])
    return text


def _place(file: str, before: str) -> Location:
    return Location(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def problem(file: str, what: str, fix: str) -> DocumentError:
    """An error about a file as a whole."""
    return DocumentError([Problem(Location(file, 1, 1), "", what, fix)])


_REPOSITORY = ".git"


def relative_below(path: str, folder: str) -> str | None:
    """A path relative to a folder, by name alone; ``None`` when it is not below it.

    Args:
        path: Of a file, there or not; relative to the working directory.
        folder: The folder, by any of its names.
    """
    # NOTE: not Path.resolve, which follows links: this is about names.
    file = PurePath(abspath(path))  # noqa: PTH100
    for base in (abspath(folder), realpath(folder)):  # noqa: PTH100
        if file.is_relative_to(base) and file != PurePath(base):
            return str(file.relative_to(base))
    return None


def link_below(folder: str, relative: str) -> str | None:
    """The first symbolic link on the way from a folder to a file in it; ``None`` when none is."""
    place = Path(folder)
    for part in PurePath(relative).parts:
        place /= part
        if place.is_symlink():
            return str(place)
    return None


def is_really_below(path: str, folder: str) -> bool:
    """Whether a file lies in a folder when every symbolic link is followed.

    What lies in the folder of the version control does not: it may hold credentials.
    """
    file, base = PurePath(realpath(path)), PurePath(realpath(folder))
    return file.is_relative_to(base) and not is_of_repository(str(file.relative_to(base)))


def is_of_repository(relative: str) -> bool:
    """Whether a path leads into the folder of the version control."""
    return any(part.lower() == _REPOSITORY for part in PurePath(relative).parts)


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
        what = f"a URL that begins with {found[1]}: is not allowed"
        return what, "write an https URL, a file or a ticket such as AUDIT-7"
    place = _netloc(bare)
    if not place:
        return "a URL without a host", "write it like https://tickets.example.com/AUDIT-7"
    if "@" in place:
        return "a URL with a user name or password", "remove everything before the @"
    return None


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


API_VERSION = "gatepolicy/v1"
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


Reword = Callable[[Document, Iterable[Problem]], Iterable[Problem]]
"""Says better than the schema what is wrong."""


def load_document(
    file: str,
    *,
    schema: Schema,
    kind: str,
    read: Read = Path.read_bytes,
    reword: Reword | None = None,
) -> Document:
    """A YAML document of one kind.

    Raises:
        DocumentError: With all its problems.
    """
    document = parse_yaml(read_text(file, read=read), file)
    _refuse_other_kinds(document, kind)
    problems = validate(document, schema)
    if problems:
        raise DocumentError(tuple(reword(document, problems) if reword else problems))
    return document


def _refuse_other_kinds(document: Document, kind: str) -> None:
    data = document.data
    if not isinstance(data, dict):
        what = f"a mapping with kind: {kind} was expected"
        raise DocumentError([Problem(document.at(()), "", what, "see 'gatepolicy schema'")])
    for key, expected in (("apiVersion", API_VERSION), ("kind", kind)):
        if key not in data:
            what = f"{key} is missing"
            raise DocumentError([Problem(document.at(()), key, what, f"add {key}: {expected}")])
        if data[key] != expected:
            found = data[key] if isinstance(data[key], str) and len(str(data[key])) < 40 else "…"
            what = f"this is {key} {found}, {expected} was expected"
            raise DocumentError([Problem(document.at((key,)), key, what, "choose another file")])


def load_json(data: str | bytes, file: str) -> JSONValue:
    """Strict JSON: no duplicate keys, no NaN or infinity, no bottomless nesting, only characters.

    Raises:
        DocumentError: It is none.
    """
    text = decode(data, file) if isinstance(data, bytes) else data
    try:
        value: JSONValue = json.loads(
            text,
            object_pairs_hook=_without_duplicates(file),
            parse_constant=_no_constant(file),
            parse_float=_finite(file),
        )
    except json.JSONDecodeError as error:
        raise problem(file, f"not JSON ({error.msg})", f"see line {error.lineno}") from None
    except ValueError:
        raise problem(file, "a number has too many digits", "") from None
    except RecursionError:
        raise problem(file, "nested too deeply", "") from None
    if _deeper_than(value, MAX_DEPTH):
        raise problem(file, f"nested more than {MAX_DEPTH} levels deep", "")
    if _HALF_CHARACTER.search(text) and not _is_encodable(value):
        raise problem(file, "unpaired surrogate", "")
    return value


def _without_duplicates(
    file: str,
) -> Callable[[list[tuple[str, JSONValue]]], dict[str, JSONValue]]:
    def build(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
        entries = dict(pairs)
        if len(entries) != len(pairs):
            raise problem(file, "duplicate key in an object", "remove one")
        return entries

    return build


def _no_constant(file: str) -> Callable[[str], NoReturn]:
    def refuse(constant: str) -> NoReturn:
        raise problem(file, f"{constant} is not valid JSON", "")

    return refuse


def _finite(file: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise problem(file, "a number is too large", "")
        return number

    return read


def _is_encodable(value: JSONValue) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _deeper_than(value: JSONValue, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [item for parent in level for item in _parts(parent)]
    return any(isinstance(item, dict | list) for item in level)


def _parts(value: JSONValue) -> Iterable[JSONValue]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()
