"""What to say about a name that is no exchange."""

from gatepolicy.documents.nearest import did_you_mean
from gatepolicy.exchanges.catalog import known_exchanges
from gatepolicy.exchanges.others import load_others


def hint_about(name: str) -> str:
    """The nearest exchange, in the catalog or outside it; else how to see them all."""
    everywhere = [*known_exchanges(), *load_others()]
    return did_you_mean(name, everywhere, "'gatepolicy exchanges' lists all exchanges")


def is_exchange(name: str) -> bool:
    """Whether there is an exchange of that id, in the catalog or outside it."""
    # NOTE: the catalog comes first: most names stand there, and the other file need not be read.
    return name in known_exchanges() or name in load_others()


def unknown_exchange(name: str) -> tuple[str, str] | None:
    """That there is no exchange of that id, and what to do; ``None`` where there is one."""
    return None if is_exchange(name) else (f"there is no exchange {name}", hint_about(name))
