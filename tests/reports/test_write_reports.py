"""Several reports at once: one that cannot be written holds back no other; who may read them."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepolicy.errors import ReportError, ReportsError
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.write import (
    Destination,
    PendingFile,
    Report,
    write_document,
    write_report,
    write_reports,
)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def reports_in(folder: Path, *paths: str) -> list[Report]:
    return [Report([path], Destination(str(folder / path))) for path in paths]


@pytest.mark.parametrize("order", [("bad", "a", "b"), ("a", "bad", "b"), ("a", "b", "bad")])
def test_one_that_cannot_be_written_holds_back_no_other(
    tmp_path: Path, order: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad").mkdir()
    stream = Report(["text"], Destination("-"))
    with pytest.raises(ReportError, match="bad: it is a folder"):
        write_reports([*reports_in(tmp_path, *order), stream])
    assert names(tmp_path) == ["a", "b", "bad"]
    assert (tmp_path / "a").read_text() == "a"
    assert capsys.readouterr().out == "text"


def test_each_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ReportsError) as caught:
        write_reports(reports_in(tmp_path, "bad", "good", "file/x", "no/x"))
    told = [str(error) for error in caught.value.errors]
    assert [text.rpartition(": ")[2] for text in told] == [
        "it is a folder",
        "Not a directory",
        str(tmp_path / "no"),
    ]
    assert caught.value.exit_code is ExitCode.USAGE
    assert (tmp_path / "good").read_text() == "good"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_device_holds_back_no_other(tmp_path: Path) -> None:
    full = Report(["x" * 100_000], Destination("/dev/full"))
    with pytest.raises(ReportError, match="No space left on device"):
        write_reports([full, *reports_in(tmp_path, "a")])
    assert names(tmp_path) == ["a"]


def test_a_disk_that_is_full_for_one_is_left_to_the_others(tmp_path: Path) -> None:
    """What does not fit is removed before the next is written, and not at the end."""
    seen: list[list[str]] = []

    def sync(_: int) -> None:
        seen.append(names(tmp_path))
        if len(seen) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ReportError, match="large: No space left on device"):
        write_reports(reports_in(tmp_path, "large", "small"), sync=sync)
    assert [len(one) for one in seen] == [1, 1]
    assert names(tmp_path) == ["small"]


def test_no_file_is_put_in_place_before_all_are_written(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "half"
        raise RuntimeError("a defect while rendering")

    (tmp_path / "a").write_text("old")
    last = Report(broken(), Destination(str(tmp_path / "b")))
    with pytest.raises(RuntimeError):
        write_reports([*reports_in(tmp_path, "a"), last])
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_place_that_is_taken_meanwhile_holds_back_no_other(tmp_path: Path) -> None:
    def sync(_: int) -> None:
        (tmp_path / "a").mkdir(exist_ok=True)

    with pytest.raises(ReportError, match=r"cannot write .*/a: "):
        write_reports(reports_in(tmp_path, "a", "b"), sync=sync)
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "b").read_text() == "b"


@pytest.mark.usefixtures("umask")
def test_a_new_report_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_report(["x"], str(tmp_path / "report.json"))
    assert mode_of(tmp_path / "report.json") == 0o600


@pytest.mark.usefixtures("umask")
def test_the_umask_may_say_less(tmp_path: Path) -> None:
    os.umask(0o277)
    write_report(["x"], str(tmp_path / "report.json"))
    assert mode_of(tmp_path / "report.json") == 0o400


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_who_may_read_a_file_that_is_there_is_up_to_its_owner(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "report.json"
    file.touch(mode)
    write_report(["x"], str(file))
    assert mode_of(file) == mode


@pytest.mark.usefixtures("umask")
def test_a_new_document_is_for_everybody_that_the_umask_lets(tmp_path: Path) -> None:
    write_document(["x"], str(tmp_path / "policy.yaml"))
    assert mode_of(tmp_path / "policy.yaml") == 0o644


def within(folder: Path, below: str) -> Report:
    return Report(["new"], Destination(below, str(folder), below))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "out" / "deep").mkdir(parents=True)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("precious")
    return folder


@pytest.mark.parametrize("below", ["report.json", "out/report.json", "out/deep/report.json"])
def test_a_file_below_the_project_is_written(project: Path, below: str) -> None:
    write_reports([within(project, below)])
    write_reports([within(project, below)])
    assert (project / below).read_text() == "new"


@pytest.mark.parametrize(
    ("link", "below"),
    [("report.json", "report.json"), ("link", "link/file"), ("out/l", "out/l/file")],
)
def test_no_link_on_the_way_of_a_file_below_the_project_is_followed(
    project: Path, link: str, below: str
) -> None:
    victim = project.parent / "victim"
    (project / link).symlink_to(victim / "file" if link == below else victim)
    with pytest.raises(ReportError, match="cannot write"):
        write_reports([within(project, below)])
    assert (victim / "file").read_text() == "precious"
    assert names(victim) == ["file"]


def test_a_link_that_appears_meanwhile_is_replaced_and_not_followed(project: Path) -> None:
    victim = project.parent / "victim" / "file"

    def sync(_: int) -> None:
        (project / "report.json").symlink_to(victim)

    write_reports([within(project, "report.json")], sync=sync)
    assert victim.read_text() == "precious"
    assert not (project / "report.json").is_symlink()


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(project: Path) -> None:
    def sync(_: int) -> None:
        (project / "out").rename(project / "away")
        (project / "out").symlink_to(project.parent / "victim")

    write_reports([within(project, "out/file")], sync=sync)
    assert (project.parent / "victim" / "file").read_text() == "precious"
    assert (project / "away" / "file").read_text() == "new"


def test_a_pipe_below_the_project_is_not_written_to(project: Path) -> None:
    os.mkfifo(project / "pipe")
    with pytest.raises(ReportError, match="pipe: it is no regular file"):
        write_reports([within(project, "pipe")])


def test_no_descriptor_is_left_open(project: Path) -> None:
    (project / "link").symlink_to(project.parent / "victim")
    open_before = len(list(Path("/dev/fd").iterdir()))
    for below in ("out/deep/report.json", "link/file", "no/file", "report.json/x"):
        try:
            write_reports([within(project, below)])
        except ReportError:
            continue
    assert len(list(Path("/dev/fd").iterdir())) == open_before


WRITE = (
    "import sys\n"
    "from gatepolicy.reports.write import write_report\n"
    "write_report(['report\\n'], sys.argv[1])\n"
)


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"])
@pytest.mark.parametrize("mode", ["a", "w"])
def test_an_open_file_is_written_to_and_not_replaced(tmp_path: Path, path: str, mode: str) -> None:
    """As in ``gatepolicy scan -o text=/dev/stdout >> scan.log``."""
    if path.startswith("/proc") and not Path("/proc/self/fd").is_dir():
        pytest.skip("no such folder here")
    log = tmp_path / "scan.log"
    log.write_text("before\n")
    with log.open(mode) as stream:
        subprocess.run([sys.executable, "-c", WRITE, path], stdout=stream, check=True)
    assert log.read_text() == ("before\nreport\n" if mode == "a" else "report\n")
    assert names(tmp_path) == ["scan.log"]


def test_a_pipe_is_written_to() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WRITE, "/dev/stdout"], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "report\n"


def leftover(process: int, digits: str = "0123456789abcdef") -> str:
    return f".gatepolicy-{process}-{digits}.tmp"


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path, dead: int) -> None:
    (tmp_path / leftover(dead)).write_text("half")
    write_report(["x"], str(tmp_path / "report.json"))
    assert names(tmp_path) == ["report.json"]


def test_a_run_that_is_killed_leaves_what_the_next_removes(tmp_path: Path) -> None:
    killed = (
        "import os, signal, sys\n"
        "from gatepolicy.reports.write import write_report\n"
        "def chunks():\n"
        "    yield 'half'\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_report(chunks(), sys.argv[1])\n"
    )
    path = str(tmp_path / "report.json")
    assert subprocess.run([sys.executable, "-c", killed, path], check=False).returncode == -9
    (left,) = names(tmp_path)
    assert left.startswith(".gatepolicy-")
    write_report(["x"], path)
    assert names(tmp_path) == ["report.json"]


def test_nothing_else_is_removed(tmp_path: Path, dead: int) -> None:
    kept = [
        leftover(os.getpid(), "fedcba9876543210"),  # of a run that goes on
        leftover(1),
        f"x{leftover(dead)}",
        f"{leftover(dead)}.bak",
        leftover(dead, "0123"),
        ".gatepolicy-0123456789abcdef.tmp",
        "report.tmp",
    ]
    for name in kept:
        (tmp_path / name).touch()
    (tmp_path / leftover(dead, "a" * 16)).mkdir()
    (tmp_path / leftover(dead, "b" * 16)).symlink_to("report.tmp")
    os.mkfifo(tmp_path / leftover(dead, "c" * 16))
    before = names(tmp_path)
    write_report(["x"], str(tmp_path / "report.json"))
    assert names(tmp_path) == sorted([*before, "report.json"])


def test_what_another_run_is_writing_is_not_removed(tmp_path: Path, dead: int) -> None:
    """Its process may run in another container, where it has another number."""
    staged = PendingFile.begin(Destination(str(tmp_path / "other")), None, is_private=True)
    (own,) = names(tmp_path)
    foreign = leftover(dead)
    (tmp_path / own).rename(tmp_path / foreign)
    write_report(["x"], str(tmp_path / "report.json"))
    assert names(tmp_path) == sorted([foreign, "report.json"])
    staged.close()
    write_report(["x"], str(tmp_path / "report.json"))
    assert names(tmp_path) == ["report.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
def test_what_belongs_to_others_is_not_removed(tmp_path: Path, dead: int) -> None:
    file = tmp_path / leftover(dead)
    file.touch()
    os.chown(file, 65534, 65534)
    write_report(["x"], str(tmp_path / "report.json"))
    assert names(tmp_path) == [leftover(dead), "report.json"]
