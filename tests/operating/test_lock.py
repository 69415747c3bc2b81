"""One at a time, whoever was killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatepolicy.errors import LockedError, UsageError
from gatepolicy.model.scan import ExitCode
from gatepolicy.operating.lock import Holder, Patience, held, make_folder

SINCE = datetime(2026, 11, 23, 4, 17, tzinfo=UTC)
OWN = Holder(4242, "scanner.example.com", SINCE)
OTHER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from gatepolicy.operating.lock import Holder, Patience, held
import os
patience = Patience(0.0, time.monotonic, time.sleep, print)
with held(Path(sys.argv[1]), "a scan", Holder(os.getpid(), "other", datetime.now(UTC)), patience):
    print("held", flush=True)
    sys.stdin.read()
"""


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[str] = []
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, seconds: float) -> Patience:
        return Patience(seconds, lambda: self.now, self.sleep, self.told.append)


@contextmanager
def other(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_is_taken_and_released(tmp_path: Path) -> None:
    path = tmp_path / "scan.lock"
    for _ in range(2):
        with held(path, "a scan", OWN, Clock().patience(0)):
            told = path.read_text(encoding="utf-8")
            assert '"pid": 4242' in told
            assert '"host": "scanner.example.com"' in told
        assert path.read_text(encoding="utf-8") == ""
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_one_hears_who_holds_it(tmp_path: Path) -> None:
    path, clock = tmp_path / "scan.lock", Clock()
    with held(path, "a scan", OWN, clock.patience(0)):
        with pytest.raises(LockedError) as caught, held(path, "a scan", OWN, clock.patience(0)):
            raise AssertionError("two at once")
        assert str(caught.value) == (
            "a scan is running already: process 4242 on scanner.example.com,"
            " since 2026-11-23T04:17:00Z"
        )
        assert caught.value.exit_code is ExitCode.LOCKED
        assert "--wait" in caught.value.hint
    assert (clock.slept, clock.told) == ([], [])


def test_it_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    path, clock = tmp_path / "scan.lock", Clock()
    with (
        held(path, "a scan", OWN, clock.patience(0)),
        pytest.raises(LockedError),
        held(path, "a scan", OWN, clock.patience(2.5)),
    ):
        raise AssertionError("two at once")
    assert clock.slept == [1.0, 1.0, 0.5]
    [told] = clock.told
    assert told.startswith("waiting for a scan: process 4242")


def test_it_goes_on_once_the_other_one_ends(tmp_path: Path) -> None:
    path, clock = tmp_path / "scan.lock", Clock()
    with other(path) as process:

        def sleep(seconds: float) -> None:
            clock.sleep(seconds)
            process.communicate()

        with held(path, "a scan", OWN, replace(clock.patience(60), sleep=sleep)):
            assert clock.slept == [1.0]
    assert f"process {process.pid} on other" in clock.told[0]


def test_a_process_that_was_killed_blocks_nobody(tmp_path: Path) -> None:
    path, clock = tmp_path / "scan.lock", Clock()
    with other(path) as process:
        with pytest.raises(LockedError), held(path, "a scan", OWN, clock.patience(0)):
            raise AssertionError("two at once")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert path.read_text(encoding="utf-8") != ""
        with held(path, "a scan", OWN, clock.patience(0)):
            assert '"pid": 4242' in path.read_text(encoding="utf-8")
    assert clock.slept == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": "x", "host": "a", "since": "b"}'])
def test_a_holder_that_is_not_told(tmp_path: Path, text: str) -> None:
    path, clock = tmp_path / "scan.lock", Clock()
    with held(path, "a scan", OWN, clock.patience(0)):
        path.write_text(text, encoding="utf-8")
        with (
            pytest.raises(LockedError, match="by another process"),
            held(path, "a scan", OWN, clock.patience(0)),
        ):
            raise AssertionError("two at once")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "scan.lock").symlink_to(tmp_path / "victim")
    with (
        pytest.raises(UsageError, match="cannot lock"),
        held(tmp_path / "scan.lock", "a scan", OWN, Clock().patience(0)),
    ):
        raise AssertionError("held")
    assert not (tmp_path / "victim").exists()


def test_the_folder_is_for_its_owner_and_no_part_of_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / ".gatepolicy"
    make_folder(folder)
    make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / ".gitignore").read_text(encoding="utf-8").splitlines()[-1] == "*"
    with pytest.raises(UsageError, match="cannot make the folder"):
        make_folder(tmp_path / "missing" / "folder")
