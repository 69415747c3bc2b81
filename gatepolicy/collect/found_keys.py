"""Keys that a list holds and the inventory does not name. Pure.

Keys are compared here and go no further: what leaves has fingerprints and the last characters.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from gatepolicy.accounts.fingerprint import fingerprint
from gatepolicy.collect.known_keys import KnownKey
from gatepolicy.collect.target import Collected, ListedKey, Target
from gatepolicy.collect.witness import INVENTORY, observed, told_by
from gatepolicy.model.evidence import Evidence, Subject
from gatepolicy.model.facts import Fact, Facts, Unknown
from gatepolicy.model.reasons import Reason

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
        masters: The settled evidence of the targets.
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
        facts = told_by(one, master.subject.id)
        facts = facts.learn("key.exists", observed(one.listing, value=True))
        facts = facts.learn("key.declared", _undeclared(one, doubts))
        for fact in _OF_THE_ACCOUNT if one.listing in own_lists else _OF_THE_MASTER:
            facts = facts.learn(fact, master.facts.known.get(fact) or master.facts.unknown[fact])
        fingerprinted = _fingerprinted(facts, one, pepper)
        yield Evidence(subject, master.collected_at, fingerprinted, (), master.clock_skew)


def _undeclared(one: ListedKey, doubts: _Doubts) -> Fact | Unknown:
    if one.shown in doubts.look_alikes:
        return Unknown(
            Reason.UNEXPECTED_ANSWER, "more listed keys than declared ones look like this one"
        )
    if not doubts.unread:
        return observed(one.listing, value=False)
    names = ", ".join(doubts.unread)
    return Unknown(
        Reason.BAD_CREDENTIALS_CONFIG, f"the key of {names} could not be read; this may be it"
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
