"""The catalog, which takes a second to load: once for all tests of a process."""

from collections.abc import Mapping
from typing import Final

from gatepolicy.exchanges.catalog import load_catalog
from gatepolicy.exchanges.exchange import Exchange

CATALOG: Final[Mapping[str, Exchange]] = load_catalog()
