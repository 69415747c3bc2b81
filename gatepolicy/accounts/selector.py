"""Which accounts an entry of a file is about. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
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
        """Whether an account is meant."""
        return (
            (not self.accounts or any(fnmatchcase(subject.declared_id, g) for g in self.accounts))
            and (not self.exchanges or subject.exchange in self.exchanges)
            and all(subject.labels.get(key) == value for key, value in self.labels.items())
        )
