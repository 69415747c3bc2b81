"""What to say about a name that is no exchange."""

import difflib

from gatepolicy.exchanges.catalog import known_exchanges
from gatepolicy.exchanges.others import load_others


def hint_about(name: str) -> str:
    """The nearest exchange, in the catalog or outside it; else how to see them all."""
    near = difflib.get_close_matches(name, [*known_exchanges(), *load_others()], n=1)
    return f"did you mean {near[0]}?" if near else "'gatepolicy exchanges' lists all exchanges"
