"""What the commands that ask exchanges share: how to ask, and progress.

Apart from the other options, because it imports the edge: commands that ask nobody start without.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TextIO

import click

from gatepolicy.cli import inputs
from gatepolicy.cli.given import CollectOptions, ScanOptions
from gatepolicy.collect.run import CollectSettings
from gatepolicy.collect.secrets import SecretSources
from gatepolicy.reports.clean import clean


def in_words(seconds: float) -> str:
    """A duration such as ``under 1 s``, ``8 s``, ``3 min 20 s`` or ``2 h 5 min``.

    Args:
        seconds: Not negative; rounded to whole ones, and to minutes from an hour on.
    """
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _pair(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    return _pair(minutes // 60, "h", minutes % 60, "min")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def collect_settings(given: ScanOptions | CollectOptions, *, keep_answers: bool) -> CollectSettings:
    """How accounts are asked."""
    return CollectSettings(
        jobs=given.jobs,
        max_rate=given.max_rate,
        attempts=given.attempts,
        pepper=inputs.fingerprint_key(given.inventory_file),
        keep_answers=keep_answers,
        sources=secret_sources(given.inventory_file, tells=given.show_references),
    )


def secret_sources(inventory_file: str, *, tells: bool) -> SecretSources:
    """Where credentials are read from.

    Args:
        inventory_file: The file with the references.
        tells: Whether a line on standard error tells of every reference that is read.
    """
    sources = SecretSources.real(inventory_file)
    return replace(sources, tell=_tell) if tells else sources


def _tell(line: str) -> None:
    click.echo(f"reference: {clean(line)}", err=True)


class Progress:
    """Counts accounts that are done."""

    def __init__(self, total: int, stream: TextIO | None, *, quiet: bool) -> None:
        """Show nothing yet.

        Args:
            total: How many there will be.
            stream: Where to show it; only a terminal is written to. ``None`` when the caller
                closed it.
            quiet: Show nothing at all.
        """
        self._total = total
        self._stream = stream if not quiet and stream is not None and stream.isatty() else None
        self._step = max(1, total // 100)
        self._done = 0

    def advance(self, left: Callable[[], float]) -> None:
        """One more is done.

        Args:
            left: The seconds that the others take, at least.
        """
        self._done += 1
        if self._stream and (self._done % self._step == 0 or self._done == self._total):
            seconds = left()
            rest = f", at least {in_words(seconds)} left" if seconds >= 1 else ""
            self._stream.write(f"\r\x1b[2Kread {self._done} of {self._total} accounts{rest}")
            self._stream.flush()

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self._stream and self._done:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
