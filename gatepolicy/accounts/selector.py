"""Which accounts an entry of a file is about. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from string import ascii_letters, digits
from typing import Any

from gatepolicy.model.evidence import Subject


@dataclass(frozen=True, slots=True)
class Selector:
    """All that is said must fit; what is empty does not narrow it."""

    accounts: tuple[str, ...] = ()
    """Globs over account ids."""
    exchanges: frozenset[str] = frozenset()
    """Ids of exchanges."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that an account must carry."""

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> "Selector":
        """From the ``accounts``, ``exchanges`` and ``labels`` of an entry."""
        return cls(
            accounts=tuple(node.get("accounts", ())),
            exchanges=frozenset(node.get("exchanges", ())),
            labels=dict(node.get("labels", {})),
        )

    def names(self, subject: Subject) -> bool:
        """Whether an account is meant; a key that it lists is meant with it."""
        by_id = any(fnmatchcase(subject.declared_id, glob) for glob in self.accounts)
        return (by_id or not self.accounts) and self._fits(subject)

    def names_key(self, subject: Subject) -> bool:
        """Whether the very key is meant, by somebody who knew of it.

        A key that a scan found beside an account did not exist for whoever wrote the entry, unless
        its own id stands there: neither a glob nor a label speaks of it.
        """
        if not subject.found_by:
            return self.names(subject)
        return subject.id in self.accounts and self._fits(subject)

    def _fits(self, subject: Subject) -> bool:
        return (not self.exchanges or subject.exchange in self.exchanges) and all(
            subject.labels.get(key) == value for key, value in self.labels.items()
        )


_PROBES = tuple(f"{first}{rest}" for first in ascii_letters + digits for rest in ("", "-1", "_b.c"))
"""Ids that have nothing in common."""


def names_everything(selector: Selector) -> bool:
    """Whether whatever an account is called, it is meant: ``*`` and other ways to write that."""
    if selector.exchanges or selector.labels:
        return False
    globs = selector.accounts
    return all(any(fnmatchcase(probe, glob) for glob in globs) for probe in _PROBES)
