"""Where a path leads: by its name, by the links on its way, and in truth."""

from pathlib import Path

import pytest

from gatepolicy.documents.load import (
    is_of_repository,
    is_really_below,
    link_below,
    relative_below,
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a file, and links: to the outside, within, and of a whole folder."""
    folder = tmp_path / "project"
    (folder / "out").mkdir(parents=True)
    (folder / ".git").mkdir()
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "key").write_text("k")
    (folder / "inside").symlink_to("out/report.json")
    (folder / "outside").symlink_to("../victim/key")
    (folder / "folder").symlink_to("../victim")
    (folder / "config").symlink_to(".git/config")
    return folder


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("report.json", "report.json"),
        ("out/../report.json", "report.json"),
        ("out/report.json", "out/report.json"),
        ("folder/x", "folder/x"),
        ("../project/x", "x"),
        (".", None),
        ("..", None),
        ("../victim/x", None),
        ("../project-2/x", None),
        ("../../../../../../../../etc/hostname", None),
    ],
)
def test_below_by_name(project: Path, path: str, below: str | None) -> None:
    assert relative_below(f"{project}/{path}", str(project)) == below


def test_a_folder_that_is_a_link_is_known_by_both_of_its_names(project: Path) -> None:
    link = project.parent / "link"
    link.symlink_to(project)
    assert relative_below(str(project / "x"), str(link)) == "x"
    assert relative_below(str(link / "x"), str(link)) == "x"


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("out/report.json", None),
        ("no/such/file", None),
        ("inside", "inside"),
        ("outside", "outside"),
        ("folder/key", "folder"),
    ],
)
def test_the_link_on_the_way(project: Path, path: str, link: str | None) -> None:
    assert link_below(str(project), path) == (link and str(project / link))


@pytest.mark.parametrize("path", ["out/report.json", "inside", "new", "folder/../project/new"])
def test_in_truth_below(project: Path, path: str) -> None:
    assert is_really_below(str(project / path), str(project))


@pytest.mark.parametrize(
    "path",
    [
        "outside",
        "folder/key",
        "folder/../victim/key",
        "out/../../victim/key",
        "/etc/hostname",
        ".git/config",
        "config",
        "out/.GIT/config",
    ],
)
def test_in_truth_elsewhere(project: Path, path: str) -> None:
    assert not is_really_below(str(project / path), str(project))


def test_a_folder_of_the_version_control() -> None:
    assert is_of_repository("a/.Git/b")
    assert not is_of_repository("a/.github/b")
