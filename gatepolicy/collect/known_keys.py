"""Keys of the inventory as far as they are known, and which of them are the same. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from gatepolicy.accounts.account import Account
from gatepolicy.accounts.fingerprint import fingerprint, is_fingerprint, may_be_same
from gatepolicy.collect.secret import Secret
from gatepolicy.collect.target import ListedKey
from gatepolicy.collect.witness import INVENTORY
from gatepolicy.exchanges.rows import FEWEST_SHOWN, same_key
from gatepolicy.model.facts import Fact, Unknown
from gatepolicy.model.reasons import Reason

MASK = "*"
"""Hides, in what an inventory says of a key."""
_SHOWN_NAMES = 3
_LAST = 4


@dataclass(frozen=True, slots=True)
class Declared:
    """An account of the inventory, with what is known of its key."""

    account: Account
    """The account."""
    api_key: Secret | None
    """The public half of its key; ``None`` when it could not be read."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """How an account's key is known: whole, by what is shown of it, by its fingerprint, or not."""

    account: Account
    whole: str
    shown: str
    fingerprint: str

    @staticmethod
    def of(declared: Declared, pepper: bytes) -> "KnownKey":
        """What is known of an account's key; fingerprints are made with ``pepper``."""
        said = declared.account.key
        whole = declared.api_key.reveal() if declared.api_key else ""
        if not whole and said and MASK not in said and not is_fingerprint(said):
            whole = said
        print_ = fingerprint(whole, pepper=pepper) if whole else ""
        return KnownKey(
            account=declared.account,
            whole=whole,
            shown=said if MASK in said else "",
            fingerprint=print_ or (said if is_fingerprint(said) else ""),
        )

    @property
    def is_known(self) -> bool:
        """Whether anything at all is known of it."""
        return bool(self.whole or self.shown or self.fingerprint)

    def may_be(self, other: "KnownKey") -> bool:
        """Whether what little is known of this key leaves it open that it is another, known one."""
        if self.fingerprint:
            return may_be_same(self.fingerprint, other.fingerprint)
        if not self.shown or not other.whole:
            return True
        return same_key(self.shown, other.whole, MASK)

    def compares(self, listed: ListedKey) -> bool:
        """Whether enough is known of both keys to tell one from the other."""
        if not listed.mask or listed.mask not in listed.shown:
            if self.fingerprint and not self.whole:
                # Another key of fingerprints gives another hash of the same key.
                return not may_be_same(self.fingerprint, listed.shown[-_LAST:])
            return bool(self.whole) or _enough(self.shown, MASK)
        return _enough(listed.shown, listed.mask) and (
            bool(self.whole) or _enough(self.shown, MASK)
        )

    def fits(self, listed: ListedKey, pepper: bytes) -> bool:
        """Whether a listed key may be this one, by all that is shown of both."""
        masked = bool(listed.mask) and listed.mask in listed.shown
        if self.whole:
            return same_key(listed.shown, self.whole, listed.mask)
        if masked:
            # Hardly anything shown would fit the keys of others, too.
            return _enough(self.shown, MASK) and _unmasked(self.shown, MASK) == _unmasked(
                listed.shown, listed.mask
            )
        if self.shown:
            return same_key(self.shown, listed.shown, MASK)
        return bool(self.fingerprint) and self.fingerprint == fingerprint(
            listed.shown, pepper=pepper
        )


def _enough(shown: str, mask: str) -> bool:
    return len("".join(_unmasked(shown, mask))) >= FEWEST_SHOWN


def _unmasked(shown: str, mask: str) -> tuple[str, str]:
    head, _, rest = shown.partition(mask)
    return head, rest.lstrip(mask)


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who has which key, and of whose key too little is known to tell."""

    accounts: Mapping[str, Sequence[str]]
    """Fingerprint to the accounts that have it."""
    vague: Mapping[str, Sequence[KnownKey]]
    """Exchange to the keys of which nobody knows the whole, nor the fingerprint."""
    left_out: Set[str] = frozenset()
    """Ids of the accounts that were left out of the scan."""

    @classmethod
    def of(cls, keys: Sequence[KnownKey], *, left_out: Set[str] = frozenset()) -> "Sharing":
        """Compare all keys of an inventory."""
        accounts: dict[str, list[str]] = defaultdict(list)
        vague: dict[str, list[KnownKey]] = defaultdict(list)
        for key in keys:
            if key.fingerprint:
                accounts[key.fingerprint].append(key.account.subject.id)
            if not key.whole:
                vague[key.account.subject.exchange].append(key)
        return cls(accounts, vague, left_out)

    def of_key(self, key: KnownKey) -> Fact | Unknown:
        """The other accounts with this key; that there is none is known when all keys are."""
        subject = key.account.subject
        others = [other for other in self.accounts[key.fingerprint] if other != subject.id]
        doubtful = [
            other.account.subject.id
            for other in self.vague.get(subject.exchange, ())
            if other is not key and other.may_be(key)
        ]
        if others or not doubtful:
            return Fact(tuple(sorted(others)), INVENTORY)
        return Unknown(
            Reason.NOT_SELECTED if set(doubtful) <= self.left_out else Reason.NOT_DISCLOSED,
            f"the same key may be that of {_some(doubtful)}, which was not read",
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_NAMES} others" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(names[:_SHOWN_NAMES]) + more
