"""Keys of the inventory and keys that lists show: which are the same, shared or undeclared. Pure.

Keys are compared here and go no further: what leaves has fingerprints and the last characters.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from gatepolicy.accounts.account import Account, fingerprint, is_fingerprint, may_be_same
from gatepolicy.correlate.collected import Collected, ListedKey, Target
from gatepolicy.exchanges.sources import FEWEST_SHOWN, same_key
from gatepolicy.model.evidence import Evidence, Subject
from gatepolicy.model.facts import Fact, Facts, FactValue, Grade, Provenance, Reason, Unknown
from gatepolicy.model.secret import Secret

INVENTORY = Provenance(Grade.STRUCTURAL, "", "", "computed from what the inventory says")
"""Of what is known without asking anybody."""


def observed(call: str, *, value: FactValue) -> Fact:
    """A fact that an answer to a call as a whole proves."""
    return Fact(value, Provenance(Grade.OBSERVED, call, ""))


def facts_of_listed(found: ListedKey, auditor: str) -> Facts:
    """What a list discloses of a key, and that the auditor listed it."""
    known = {
        name: replace(fact, provenance=_listed_by(fact.provenance, auditor))
        for name, fact in found.facts.known.items()
    }
    return Facts(known, found.facts.unknown)


def _listed_by(provenance: Provenance, auditor: str) -> Provenance:
    if provenance.grade is Grade.STRUCTURAL:
        return provenance
    return replace(provenance, reference=f"listed by {auditor}")


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
        mine, theirs = _unmasked(self.shown, MASK), _unmasked(listed.shown, listed.mask)
        return _enough(listed.shown, listed.mask) and (
            bool(self.whole) or (_enough(self.shown, MASK) and not _may_agree(mine, theirs))
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


def _may_agree(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether one key may begin and end as both say: one may show more of it than the other."""
    (head, tail), (others_head, others_tail) = one, other
    return (head.startswith(others_head) or others_head.startswith(head)) and (
        tail.endswith(others_tail) or others_tail.endswith(tail)
    )


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which accounts have which key, and whose key is not known well enough to compare."""

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
    rest = len(names) - _SHOWN_NAMES
    more = f" and {rest} {'other' if rest == 1 else 'others'}" if rest > 0 else ""
    return ", ".join(names[:_SHOWN_NAMES]) + more


_OF_THE_MASTER = ("account.sandbox",)
"""What is so of an account is so of all keys that it lists."""
_OF_THE_ACCOUNT = (*_OF_THE_MASTER, "account.keys")
"""What is so of an account is so of its own keys."""


def found_keys(
    targets: Sequence[Target],
    collected: Mapping[int, Collected],
    masters: Sequence[Evidence],
    keys: Sequence[KnownKey],
    pepper: bytes,
) -> Iterator[Evidence]:
    """Every listed key that the inventory does not name, once.

    Args:
        targets: What was collected.
        collected: By position among the targets.
        masters: The compared evidence of the targets.
        keys: Of every account, those of the targets first.
        pepper: Key of the fingerprints.
    """
    seen: set[tuple[str, str]] = set()
    for position, target in enumerate(targets):
        listed = collected[position].listed
        if not target.account.discover or listed is None:
            continue
        exchange = target.account.subject.exchange
        same = [key for key in keys if key.account.subject.exchange == exchange]
        unread = [key.account.subject.id for key in same if not key.is_known]
        fresh = []
        fitting = _fitting(listed.keys, same, pepper)
        unclear = _look_alikes(listed.keys, fitting)
        for one, fits in zip(listed.keys, fitting, strict=True):
            declared = bool(fits) and one.shown not in unclear
            if (exchange, one.shown) in seen or declared:
                continue
            if last_shown(one):
                # Too little is shown of some keys to tell one from another.
                seen.add((exchange, one.shown))
            fresh.append(one)
        doubts = _Doubts(unread, unclear)
        yield from _subjects(target, masters[position], fresh, doubts, pepper)


@dataclass(frozen=True, slots=True)
class _Doubts:
    """Why listed keys may be declared, though none is known to be."""

    unread: Sequence[str]
    """Accounts whose keys could not be read."""
    look_alikes: Set[str]
    """What is shown of listed keys that look like fewer declared ones."""


def _fitting(
    listed: Sequence[ListedKey], declared: Sequence[KnownKey], pepper: bytes
) -> Sequence[Set[int]]:
    """Which declared keys fit each listed one."""
    return [
        frozenset(i for i, key in enumerate(declared) if key.fits(one, pepper)) for one in listed
    ]


def _look_alikes(listed: Sequence[ListedKey], fitting: Sequence[Set[int]]) -> Set[str]:
    """What is shown of listed keys, hidden in part, that look like fewer declared ones."""
    rows: dict[int, set[int]] = defaultdict(set)
    for position, keys in enumerate(fitting):
        for key in keys:
            rows[key].add(position)
    unclear: set[str] = set()
    for one, keys in zip(listed, fitting, strict=True):
        alike = set().union(*(rows[key] for key in keys))
        shown = {listed[row].shown for row in alike}
        # Rows that show the same key whole are one key, listed more than once.
        count = len(alike) if any(_hides(listed[row]) for row in alike) else len(shown)
        if count > len(set().union(*(fitting[row] for row in alike))):
            unclear.add(one.shown)
    return unclear


def _hides(one: ListedKey) -> bool:
    return bool(one.mask) and one.mask in one.shown


def _subjects(
    target: Target,
    master: Evidence,
    fresh: Sequence[ListedKey],
    doubts: _Doubts,
    pepper: bytes,
) -> Iterator[Evidence]:
    listings = target.exchange.listings if target.exchange else ()
    own_lists = {listing.id for listing in listings if listing.of_account}
    names = numbered([_name_of(target.account.subject.id, one) for one in fresh])
    for one, name in zip(fresh, names, strict=True):
        subject = Subject(
            id=name,
            exchange=master.subject.exchange,
            labels=master.subject.labels,
            owner=master.subject.owner,
            location=master.subject.location,
            found_by=master.subject.id,
        )
        facts = facts_of_listed(one, master.subject.id)
        facts = facts.learn("key.exists", observed(one.listing, value=True))
        facts = facts.learn("key.declared", _undeclared(one, doubts))
        for fact in _OF_THE_ACCOUNT if one.listing in own_lists else _OF_THE_MASTER:
            facts = facts.learn(fact, master.facts.known.get(fact) or master.facts.unknown[fact])
        fingerprinted = _fingerprinted(facts, one, pepper)
        yield Evidence(subject, master.collected_at, fingerprinted, (), master.clock_skew)


def _undeclared(one: ListedKey, doubts: _Doubts) -> Fact | Unknown:
    if one.shown in doubts.look_alikes:
        return Unknown(Reason.UNEXPECTED_ANSWER, "several listed keys look like this one")
    if not doubts.unread:
        return observed(one.listing, value=False)
    names = ", ".join(doubts.unread)
    return Unknown(
        Reason.BAD_CREDENTIALS_CONFIG, f"the key of {names} could not be read, so this may be it"
    )


def _fingerprinted(facts: Facts, one: ListedKey, pepper: bytes) -> Facts:
    if _hides(one):
        return facts
    facts = facts.learn("key.fingerprint", Fact(fingerprint(one.shown, pepper=pepper), INVENTORY))
    return facts.learn("key.shared_with", Fact((), INVENTORY))


def _name_of(master: str, one: ListedKey) -> str:
    """A name for a found key: the last characters that are shown of it."""
    last = last_shown(one)
    return f"{master}/key-{last}" if last else f"{master}/key"


def last_shown(one: ListedKey) -> str:
    """The last four characters that are shown; none of a key of which hardly more is shown."""
    visible = [c for c in one.shown if c != one.mask and c.isascii() and c.isalnum()]
    return "".join(visible[-4:]) if len(visible) >= 10 else ""


def numbered(names: Sequence[str]) -> list[str]:
    """Names, each made its own by a number where it stands a second time."""
    seen: dict[str, int] = defaultdict(int)
    own = []
    for name in names:
        seen[name] += 1
        own.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return own
