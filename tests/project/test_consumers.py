"""docs/consumers.md: every row says how it was tried, by a file that exists, or that it was not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "consumers.md").read_text(encoding="utf-8")
COLUMNS = ["consumer", "how it was tried", "version", "result"]
NAMED_FILE = re.compile(r"`((?:tests|\.ci|docs|policies|deploy)/[\w./-]+)`")
NAMED_TARGET = re.compile(r"`make (\w+)`")
TABLE = re.compile(r"^(\|.*\|)\n\|[-|]+\|\n((?:\|.*\|\n)+)", re.MULTILINE)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(text: str) -> list[list[dict[str, str]]]:
    """Every table, as rows by the names of the columns."""
    return [
        [dict(zip(cells(head), cells(line), strict=True)) for line in body.splitlines()]
        for head, body in TABLE.findall(text)
    ]


ROWS = [row for table in tables(TEXT) for row in table]


def mistakes(row: dict[str, str]) -> list[str]:
    """What is wrong with a row."""
    tried = row["how it was tried"]
    files = NAMED_FILE.findall(tried)
    targets = NAMED_TARGET.findall(tried)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = [f"there is no {name}" for name in files if not (ROOT / name).exists()]
    found += [f"there is no make {name}" for name in targets if f"\n{name}: " not in makefile]
    if "not tried" not in tried:
        if not files and not targets and "by hand" not in tried:
            found.append("does not say how it was tried")
        if not row["result"]:
            found.append("has no result")
    elif not files and row["version"]:
        found.append("has a version, and was not tried")
    return found


def test_every_section_has_a_table_with_its_columns() -> None:
    assert len(tables(TEXT)) == TEXT.count("\n## ")
    assert all(set(COLUMNS) <= row.keys() for row in ROWS)
    assert len(ROWS) > 30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["consumer"])
def test_a_row_was_tried_or_says_that_it_was_not(row: dict[str, str]) -> None:
    assert mistakes(row) == []


@pytest.mark.parametrize(
    ("tried", "version", "result", "wrong"),
    [
        ("`tests/project/test_consumers.py`", "1", "works", []),
        ("not tried", "", "", []),
        ("by hand, once", "", "read a key", []),
        ("`make sarif`", "1", "no finding", []),
        ("`tests/nowhere.py`", "1", "works", ["there is no tests/nowhere.py"]),
        ("`make nothing`", "1", "works", ["there is no make nothing"]),
        ("it works", "1", "works", ["does not say how it was tried"]),
        ("`make sarif`", "1", "", ["has no result"]),
        ("not tried", "2", "", ["has a version, and was not tried"]),
    ],
)
def test_mistakes_of_a_row_are_found(
    tried: str, version: str, result: str, wrong: list[str]
) -> None:
    row = dict(zip(COLUMNS, ("x", tried, version, result), strict=True))
    assert mistakes(row) == wrong


def test_versions_of_sdks_are_those_that_are_pinned() -> None:
    pins = (ROOT / ".ci" / "sdks-constraints.txt").read_text(encoding="utf-8")
    sdks = [row for row in ROWS if "test_sdk_clients.py" in row["how it was tried"]]
    assert len(sdks) == 14
    for row in sdks:
        assert f"\n{row['consumer']}=={row['version']} " in f"\n{pins}"
