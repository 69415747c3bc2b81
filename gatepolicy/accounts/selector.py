"""Which accounts something is about, and what fits none of them."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from string import ascii_letters, digits
from typing import Any, Protocol

from gatepolicy.documents.schema import did_you_mean
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


_SHOWN = 5


class Chosen(Protocol):
    """What a policy, a waiver or an attestation is about."""

    @property
    def accounts(self) -> Sequence[str]:
        """Globs over account ids."""

    @property
    def exchanges(self) -> Set[str]:
        """Ids of exchanges."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels that an account must carry."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that fits no account."""

    key: str
    """``accounts``, ``exchanges`` or ``labels``; empty where each fits some account, but no account
    is all of it."""
    what: str
    """What is wrong."""
    fix: str
    """What to do."""


def misfits(chosen: Chosen, subjects: Sequence[Subject]) -> Iterator[Misfit]:
    """What fits no account of an inventory.

    That one of several exchanges has no account is no slip: files are shared.

    Args:
        chosen: What an entry says.
        subjects: Every account of the inventory.
    """
    found = [
        *(misfit_of_glob(glob, subjects) for glob in chosen.accounts),
        _misfit_of_exchanges(chosen.exchanges, subjects),
        *(misfit_of_label(key, value, subjects) for key, value in chosen.labels.items()),
    ]
    wrong = [misfit for misfit in found if misfit is not None]
    yield from wrong
    if not wrong and not any(_is_all_of(chosen, subject) for subject in subjects):
        yield Misfit("", "no account matches all of these", "correct accounts, exchanges or labels")


def misfit_of_glob(glob: str, subjects: Sequence[Subject]) -> Misfit | None:
    """That no account id matches this; ``None`` where one has."""
    ids = [subject.declared_id for subject in subjects]
    if any(_fits(glob, account) for account in ids):
        return None
    what = f"no account id matches {glob}"
    return Misfit("accounts", what, did_you_mean(glob, ids, f"the inventory has {some(ids)}"))


def _fits(glob: str, account: str) -> bool:
    # A key that was found beside an account has an id of its own, which no inventory holds.
    return fnmatchcase(account, glob) or glob.startswith(f"{account}/")


def misfit_of_label(key: str, value: str, subjects: Sequence[Subject]) -> Misfit | None:
    """That no account has such a label; ``None`` where one has."""
    if any(subject.labels.get(key) == value for subject in subjects):
        return None
    values = sorted({s.labels[key] for s in subjects if key in s.labels})
    if values:
        fix = did_you_mean(value, values, f"the inventory has {key}: {some(values)}")
        return Misfit("labels", f"no account has the label {key}={value}", fix)
    keys = sorted({key for subject in subjects for key in subject.labels})
    fix = did_you_mean(key, keys, f"its labels are {some(keys)}" if keys else "it has no labels")
    return Misfit("labels", f"no account has a label {key}", fix)


def _misfit_of_exchanges(exchanges: Set[str], subjects: Sequence[Subject]) -> Misfit | None:
    there = sorted({subject.exchange for subject in subjects})
    if not exchanges or not exchanges.isdisjoint(there):
        return None
    what = f"no account is on {' or '.join(sorted(exchanges))}"
    return Misfit("exchanges", what, f"the inventory has accounts on {some(there)}")


def _is_all_of(chosen: Chosen, subject: Subject) -> bool:
    return (
        (not chosen.exchanges or subject.exchange in chosen.exchanges)
        and (not chosen.accounts or any(_fits(g, subject.declared_id) for g in chosen.accounts))
        and all(subject.labels.get(key) == value for key, value in chosen.labels.items())
    )


def some(texts: Sequence[str]) -> str:
    """The first few of many texts, in words."""
    shown = ", ".join(texts[:_SHOWN])
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return f"{shown}{more}" or "none"
