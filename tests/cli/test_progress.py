"""Progress tells on a terminal how much is done, and how long the rest takes."""

import io

import pytest

from gatepolicy.cli.edge import Progress, in_words


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.9, "under 1 s"),
        (8.4, "8 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3599, "59 min 59 s"),
        (3599.6, "1 h"),
        (7500, "2 h 5 min"),
        (100_000, "27 h 47 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_what_is_left_is_told() -> None:
    terminal = Terminal()
    progress = Progress(2, terminal, quiet=False)
    progress.advance(lambda: 200.0)
    progress.advance(lambda: 0.0)
    progress.clear()
    assert terminal.getvalue() == (
        "\r\x1b[2Kread 1 of 2 accounts, at least 3 min 20 s left"
        "\r\x1b[2Kread 2 of 2 accounts"
        "\r\x1b[2K"
    )


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_nothing_is_told_anywhere_else(stream: io.StringIO | None) -> None:
    progress = Progress(2, stream, quiet=False)
    progress.advance(lambda: 200.0)
    progress.clear()
    assert stream is None or stream.getvalue() == ""


def test_nothing_is_told_when_all_shall_be_quiet() -> None:
    terminal = Terminal()
    progress = Progress(1, terminal, quiet=True)
    progress.advance(lambda: 200.0)
    progress.clear()
    assert terminal.getvalue() == ""
