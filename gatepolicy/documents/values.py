"""What documents are made of once they are read."""

from typing import TypeAlias

JSONValue: TypeAlias = "bool | int | float | str | list[JSONValue] | dict[str, JSONValue] | None"
Path: TypeAlias = tuple[str | int, ...]
DataPath: TypeAlias = Path


def show_path(path: Path) -> str:
    """A path as people write it, such as ``accounts[3].credentials.apiKey``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
