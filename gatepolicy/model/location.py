"""A place in a file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where something was written."""

    file: str
    """The file as the user named it."""
    line: int
    """1-based."""
    column: int
    """1-based, counted in Unicode code points."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
