"""Files as text: whatever is wrong with a file is told with its name and place."""

import os
from pathlib import Path

import pytest

from gatepolicy.documents.load import MAX_BYTES, decode, problem, read_text
from gatepolicy.errors import DocumentError


def refused(file: str) -> str:
    with pytest.raises(DocumentError) as caught:
        read_text(file)
    return str(caught.value)


def refused_bytes(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        decode(data, "a.yaml")
    return str(caught.value)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes("Zürich: 🔑\n".encode())
    assert read_text(str(file)) == "Zürich: 🔑\n"


def test_reading_is_an_argument() -> None:
    asked: list[Path] = []

    def read(path: Path) -> bytes:
        asked.append(path)
        return b"x"

    assert read_text("somewhere/a.yaml", read=read) == "x"
    assert asked == [Path("somewhere/a.yaml")]


def test_a_missing_file() -> None:
    assert refused("gone.yaml") == "gone.yaml:1:1: no such file; check the path"


def test_a_folder(tmp_path: Path) -> None:
    assert refused(str(tmp_path)) == f"{tmp_path}:1:1: this is a folder; choose a file in it"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.touch(mode=0)
    assert refused(str(file)) == (f"{file}:1:1: permission denied; check its permissions")


def test_a_refused_read() -> None:
    def read(path: Path) -> bytes:
        raise PermissionError(13, "denied", path)

    with pytest.raises(DocumentError, match=r"^a.yaml:1:1: permission denied; check its"):
        read_text("a.yaml", read=read)


def test_a_name_that_no_file_can_have() -> None:
    assert refused("a\0b") == "a\0b:1:1: the file cannot be read (ValueError)"


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.touch()
    assert refused(f"{file}/b") == f"{file}/b:1:1: the file cannot be read (NotADirectoryError)"


def test_a_huge_file() -> None:
    with pytest.raises(DocumentError, match=r"^a.yaml:1:1: the file is larger than 67108864 bytes"):
        read_text("a.yaml", read=lambda _: bytes(MAX_BYTES + 1))


def test_a_byte_order_mark_is_no_text() -> None:
    assert decode(b"\xef\xbb\xbfa: 1", "a.yaml") == "a: 1"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"caf\xe9", "1:4"),
        (b"\xef\xbb\xbfcaf\xe9", "1:4"),
        (b"a: 1\nb: \xc3", "2:4"),
        ("\u00fc: \u00fc\n\u00fc\u00fc".encode() + b"\xff", "2:3"),
        ("a: 1".encode("utf-16"), "1:1"),
        (b"\xed\xa0\x80", "1:1"),
    ],
)
def test_what_is_not_utf_8(data: bytes, place: str) -> None:
    assert refused_bytes(data) == f"a.yaml:{place}: not UTF-8 text; save the file as UTF-8"


@pytest.mark.parametrize(
    ("text", "place", "character"),
    [
        ("a: \0", "1:4", "U+0000"),
        ("a: 1\nb: \x1b[31m", "2:4", "U+001B"),
        ("\u00fc\x7f", "1:2", "U+007F"),
        ("a\x85b\x80", "1:4", "U+0080"),
        ("a: \ufeff", "1:4", "U+FEFF"),
        ("\ufffe", "1:1", "U+FFFE"),
    ],
)
def test_control_characters(text: str, place: str, character: str) -> None:
    assert refused_bytes(text.encode()) == (
        f"a.yaml:{place}: the control character {character} is not allowed in text; remove it"
    )


def test_line_breaks_and_tabs_are_text() -> None:
    assert decode(b"a\tb\r\nc\n", "a.yaml") == "a\tb\r\nc\n"


def test_a_problem_of_a_whole_file() -> None:
    assert str(problem("a.yaml", "it is odd", "")) == "a.yaml:1:1: it is odd"
