"""What documents are made of once they are read."""

from typing import TypeAlias

JSONValue: TypeAlias = bool | int | float | str | list["JSONValue"] | dict[str, "JSONValue"] | None
DataPath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root of a document to a value."""


def show_path(path: DataPath) -> str:
    """A path as people write it, such as ``accounts[3].credentials.apiKey``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
