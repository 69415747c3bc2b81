"""Reports look as they did when somebody last read them."""

import pytest

from tests.reports.golden import FOLDER, GOLDEN, rendered


@pytest.mark.parametrize("name", GOLDEN)
def test_a_report_is_as_it_was_read(name: str) -> None:
    assert rendered(name) == (FOLDER / name).read_bytes().decode()


def test_no_file_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(GOLDEN)
