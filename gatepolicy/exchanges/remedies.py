"""Where people change the keys of an exchange, whether or not it can be asked about them."""

from collections.abc import Mapping
from typing import Protocol


class Remedies(Protocol):
    """What is told about fixing keys on one exchange."""

    @property
    def id(self) -> str:
        """As inventories and policies name it."""

    @property
    def title(self) -> str:
        """As people name it."""

    @property
    def menu(self) -> str:
        """The path of the web page where keys are edited; empty when nobody wrote it down."""

    @property
    def fixes(self) -> Mapping[str, str]:
        """Rule name to the fix on this exchange."""
