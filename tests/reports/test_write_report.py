"""A report is written wholly or not at all."""

import errno
import io
import os
import resource
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from gatepolicy.errors import ClosedPipeError, ReportError
from gatepolicy.reports.clean import PLAIN_MARKS
from gatepolicy.reports.write import write_report

OLD = "the report of yesterday\n"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    file = tmp_path / "report.json"
    file.write_text(OLD, encoding="utf-8")
    return file


def broken() -> Iterator[str]:
    yield "half a "
    raise RuntimeError("a defect while rendering")


def only(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_is_replaced(target: Path) -> None:
    target.chmod(0o600)
    write_report(iter(["a ", "✓\n"]), str(target))
    assert target.read_bytes() == "a ✓\n".encode()
    assert target.stat().st_mode & 0o777 == 0o600
    assert only(target.parent) == {"report.json"}


def test_who_may_not_read_the_old_report_may_never_read_the_new_one(target: Path) -> None:
    target.chmod(0o600)
    modes: list[int] = []

    def chunks() -> Iterator[str]:
        modes.extend(path.stat().st_mode & 0o777 for path in target.parent.iterdir())
        yield "new"

    write_report(chunks(), str(target))
    assert modes == [0o600, 0o600]


def test_a_new_file_is_made(tmp_path: Path) -> None:
    write_report(["x"], str(tmp_path / "new.json"))
    assert (tmp_path / "new.json").read_text(encoding="utf-8") == "x"


def test_a_link_stays_a_link(target: Path) -> None:
    link = target.with_name("latest.json")
    link.symlink_to(target.name)
    write_report(["new"], str(link))
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"


def test_a_full_disk_keeps_the_old_report(target: Path) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ReportError, match="No space left on device") as raised:
        write_report(["new"], str(target), sync=full)
    assert "the previous file is unchanged" in raised.value.hint
    assert target.read_text(encoding="utf-8") == OLD
    assert only(target.parent) == {"report.json"}


def test_a_defect_while_rendering_keeps_the_old_report(target: Path) -> None:
    with pytest.raises(RuntimeError):
        write_report(broken(), str(target))
    assert target.read_text(encoding="utf-8") == OLD
    assert only(target.parent) == {"report.json"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "no" / "report.json")
    with pytest.raises(ReportError, match="no such folder") as raised:
        write_report(["x"], path)
    assert raised.value.hint == f"create {tmp_path / 'no'} first"


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="it is a folder") as raised:
        write_report(["x"], str(tmp_path))
    assert raised.value.hint == "choose a file in it"


def test_a_file_in_the_place_of_a_folder(target: Path) -> None:
    with pytest.raises(ReportError, match="Not a directory"):
        write_report(["x"], str(target / "report.json"))
    assert target.read_text(encoding="utf-8") == OLD


def test_a_name_that_no_disk_takes(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="File name too long"):
        write_report(["x"], str(tmp_path / ("x" * 300)))


def test_a_link_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    link = tmp_path / "latest.json"
    link.symlink_to(tmp_path / "no" / "report.json")
    with pytest.raises(ReportError, match=f"no such folder: {tmp_path / 'no'}$"):
        write_report(["x"], str(link))


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="nothing that root cannot write to")
def test_a_folder_that_may_not_be_written_to() -> None:
    with pytest.raises(ReportError, match="Permission denied") as raised:
        write_report(["x"], "/sys/kernel/report.json")
    assert "choose another path" in raised.value.hint


@pytest.fixture
def small_disk() -> Iterator[int]:
    """Files of this process end at so many bytes, as on a disk with so much room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_while_writing_keeps_the_old_report(
    target: Path, small_disk: int
) -> None:
    with pytest.raises(ReportError, match="File too large"):
        write_report(("x" * 1000 for _ in range(small_disk)), str(target))
    assert target.read_text(encoding="utf-8") == OLD
    assert only(target.parent) == {"report.json"}


def test_the_old_report_is_there_until_the_new_one_is_whole(target: Path) -> None:
    seen: list[str] = []

    def look(_: int) -> None:
        seen.append(target.read_text(encoding="utf-8"))
        temporary = only(target.parent) - {"report.json"}
        seen.extend((target.parent / name).read_text(encoding="utf-8") for name in temporary)

    write_report(["new"], str(target), sync=look)
    assert seen == [OLD, "new"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_device_that_is_full() -> None:
    with pytest.raises(ReportError, match="No space left on device") as raised:
        write_report(["x" * 100_000], "/dev/full")
    assert "the output may be incomplete" in raised.value.hint


def test_a_device_is_written_to() -> None:
    write_report(["x"], os.devnull)
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("path", [None, "-"])
def test_standard_output(path: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    write_report(["a ", "b\n"], path)
    assert capsys.readouterr().out == "a b\n"


def test_what_a_stream_cannot_encode_is_replaced() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    write_report(["✓ pass\n✗ FAIL\n? unknown\n… müller → §\n"], stream=stream)
    # No mark looks like the one of an unknown.
    assert raw.getvalue() == b"+ pass\nx FAIL\n? unknown\n~ m_ller > S\n"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", PLAIN_MARKS)


def test_a_standard_output_that_was_closed() -> None:
    with (
        redirect_stdout(None),
        pytest.raises(ReportError, match="cannot write standard output: it is closed"),
    ):
        write_report(["x"])


def test_a_pipe_that_nobody_reads() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        with pytest.raises(ClosedPipeError, match="standard output was closed"):
            write_report(["x"], stream=pipe)
        os.dup2(os.open(os.devnull, os.O_WRONLY), pipe.fileno())
