"""What only all accounts together tell: audited keys, keys that nobody declared, shared keys. Pure.

Keys are compared here and go no further: what leaves has fingerprints and the last characters.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from gatepolicy.accounts.account import Account
from gatepolicy.accounts.fingerprint import fingerprint, is_fingerprint, may_be_same
from gatepolicy.collect.egress import Addressed, addresses_of, shared_across
from gatepolicy.collect.secret import Secret
from gatepolicy.collect.target import Collected, Listed, ListedKey, Target
from gatepolicy.exchanges.rows import FEWEST_SHOWN, same_key
from gatepolicy.model.evidence import Evidence, Subject
from gatepolicy.model.facts import (
    Fact,
    Facts,
    FactValue,
    Grade,
    Network,
    Provenance,
    Unknown,
)
from gatepolicy.model.reasons import Reason

_MASK = "*"
_SHOWN_NAMES = 3
_LAST = 4
_OF_THE_MASTER = ("account.sandbox",)
"""What is so of an account is so of the keys that it lists."""
_INVENTORY = Provenance(Grade.STRUCTURAL, "", "", "computed from what the inventory says")


@dataclass(frozen=True, slots=True)
class Declared:
    """An account of the inventory, with what is known of its key."""

    account: Account
    """The account."""
    api_key: Secret | None
    """The public half of its key; ``None`` when it could not be read."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of collecting."""

    evidence: Mapping[int, Evidence]
    """Position of a target to its evidence, as far as it changed."""
    found: Sequence[Evidence]
    """Keys that the inventory does not name."""


def settle(
    targets: Sequence[Target],
    collected: Mapping[int, Collected],
    others: Sequence[Declared],
    pepper: bytes,
    *,
    unasked: Sequence[Account] = (),
) -> Settled:
    """Compare everything with everything.

    Args:
        targets: What was collected.
        collected: By position among the targets.
        others: Accounts of the inventory that were not collected: their keys are declared, too.
        pepper: Key of the fingerprints.
        unasked: Every account of the inventory that was not collected.
    """
    here = [
        Declared(target.account, collected[position].api_key)
        for position, target in enumerate(targets)
    ]
    keys = [_Key.of(declared, pepper) for declared in (*here, *others)]
    lists = {
        target.account.subject.id: collected[position].listed
        for position, target in enumerate(targets)
    }
    known = {declared.account.subject.id for declared in others}
    beside = [Declared(one, None) for one in unasked if one.subject.id not in known]
    sharing = _Sharing.of([*keys, *(_Key.of(declared, pepper) for declared in beside)])
    evidence = [
        _settled(target, collected[position], keys[position], sharing, lists, pepper)
        for position, target in enumerate(targets)
    ]
    found = list(_found(targets, collected, keys, pepper))
    egress = [target.account.egress for target in targets] + [()] * len(found)
    apart = _apart([*evidence, *found], egress, unasked)
    return Settled(dict(enumerate(apart[: len(targets)])), tuple(apart[len(targets) :]))


def _apart(
    evidence: Sequence[Evidence], egress: Sequence[tuple[Network, ...]], others: Sequence[Account]
) -> list[Evidence]:
    """The evidence, with what the addresses of all accounts tell about each."""
    known = [
        Addressed(one.subject.id, one.subject.labels, addresses_of(one.facts, declared))
        for one, declared in zip(evidence, egress, strict=True)
    ]
    unasked = Facts.nothing(Reason.NOT_DISCLOSED, "the account was not asked")
    beside = [
        Addressed(
            other.subject.id,
            other.subject.labels,
            addresses_of(unasked, other.egress),
            maybe_more=True,
        )
        for other in others
    ]
    shared = list(shared_across([*known, *beside]))[: len(evidence)]
    return [
        replace(one, facts=one.facts.learn("ip.shared_across", _inventory_fact(found)))
        for one, found in zip(evidence, shared, strict=True)
    ]


def _inventory_fact(found: tuple[str, ...] | Unknown) -> Fact | Unknown:
    return found if isinstance(found, Unknown) else Fact(found, _INVENTORY)


@dataclass(frozen=True, slots=True)
class _Key:
    """How an account's key is known: whole, by what is shown of it, by its fingerprint, or not."""

    account: Account
    whole: str
    shown: str
    fingerprint: str

    @staticmethod
    def of(declared: Declared, pepper: bytes) -> "_Key":
        said = declared.account.key
        whole = declared.api_key.reveal() if declared.api_key else ""
        if not whole and said and _MASK not in said and not is_fingerprint(said):
            whole = said
        print_ = fingerprint(whole, pepper=pepper) if whole else ""
        return _Key(
            account=declared.account,
            whole=whole,
            shown=said if _MASK in said else "",
            fingerprint=print_ or (said if is_fingerprint(said) else ""),
        )

    @property
    def is_known(self) -> bool:
        return bool(self.whole or self.shown or self.fingerprint)

    def may_be(self, other: "_Key") -> bool:
        """Whether what little is known of this key leaves it open that it is another, known one."""
        if self.fingerprint:
            return may_be_same(self.fingerprint, other.fingerprint)
        if not self.shown or not other.whole:
            return True
        return same_key(self.shown, other.whole, _MASK)

    def compares(self, listed: ListedKey) -> bool:
        """Whether enough is known of both keys to tell one from the other."""
        if not listed.mask or listed.mask not in listed.shown:
            if self.fingerprint and not self.whole:
                # Another key of fingerprints gives another hash of the same key.
                return not may_be_same(self.fingerprint, listed.shown[-_LAST:])
            return bool(self.whole) or _enough(self.shown, _MASK)
        return _enough(listed.shown, listed.mask) and (
            bool(self.whole) or _enough(self.shown, _MASK)
        )

    def fits(self, listed: ListedKey, pepper: bytes) -> bool:
        masked = bool(listed.mask) and listed.mask in listed.shown
        if self.whole:
            return same_key(listed.shown, self.whole, listed.mask)
        if masked:
            # Hardly anything shown would fit the keys of others, too.
            return _enough(self.shown, _MASK) and _unmasked(self.shown, _MASK) == _unmasked(
                listed.shown, listed.mask
            )
        if self.shown:
            return same_key(self.shown, listed.shown, _MASK)
        return bool(self.fingerprint) and self.fingerprint == fingerprint(
            listed.shown, pepper=pepper
        )


def _enough(shown: str, mask: str) -> bool:
    return len("".join(_unmasked(shown, mask))) >= FEWEST_SHOWN


def _unmasked(shown: str, mask: str) -> tuple[str, str]:
    head, _, rest = shown.partition(mask)
    return head, rest.lstrip(mask)


@dataclass(frozen=True, slots=True)
class _Sharing:
    """Who has which key, and of whose key too little is known to tell."""

    accounts: Mapping[str, Sequence[str]]
    """Fingerprint to the accounts that have it."""
    vague: Mapping[str, Sequence[_Key]]
    """Exchange to the keys of which nobody knows the whole, nor the fingerprint."""

    @classmethod
    def of(cls, keys: Sequence[_Key]) -> "_Sharing":
        accounts: dict[str, list[str]] = defaultdict(list)
        vague: dict[str, list[_Key]] = defaultdict(list)
        for key in keys:
            if key.fingerprint:
                accounts[key.fingerprint].append(key.account.subject.id)
            if not key.whole:
                vague[key.account.subject.exchange].append(key)
        return cls(accounts, vague)

    def of_key(self, key: _Key) -> Fact | Unknown:
        """The other accounts with this key; that there is none is known when all keys are."""
        subject = key.account.subject
        others = [other for other in self.accounts[key.fingerprint] if other != subject.id]
        doubtful = [
            other.account.subject.id
            for other in self.vague.get(subject.exchange, ())
            if other is not key and other.may_be(key)
        ]
        if others or not doubtful:
            return Fact(tuple(sorted(others)), _INVENTORY)
        return Unknown(
            Reason.NOT_DISCLOSED,
            f"the same key may be that of {_some(doubtful)}, which was not read",
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_NAMES} others" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(names[:_SHOWN_NAMES]) + more


def _settled(
    target: Target,
    collected: Collected,
    key: _Key,
    sharing: "_Sharing",
    lists: Mapping[str, Listed | None],
    pepper: bytes,
) -> Evidence:
    account = target.account
    facts = collected.evidence.facts
    if account.audited_by and target.unusable is None:
        listed = lists.get(account.audited_by)
        facts = _audited(target, key, listed, facts, pepper)
    told: dict[str, Fact | Unknown] = {
        "key.declared": _declared(target, collected),
        "account.sandbox": _sandbox(target, facts),
        "account.keys": _account_keys(collected.listed, facts),
    }
    if key.fingerprint:
        told["key.fingerprint"] = Fact(key.fingerprint, _INVENTORY)
        told["key.shared_with"] = sharing.of_key(key)
    return replace(collected.evidence, facts=facts.learn_all(told))


def _declared(target: Target, collected: Collected) -> Fact | Unknown:
    """That the key is declared; for an account that discovers, only with all its lists read."""
    if target.account.discover:
        first = next(iter(collected.evidence.facts.unknown.values()), None)
        if collected.listed is None:
            return first or Unknown(Reason.NOT_DISCLOSED, "no list of keys could be asked for")
        if collected.listed.missing is not None:
            return collected.listed.missing
    return Fact(value=True, provenance=_INVENTORY)


def _sandbox(target: Target, facts: Facts) -> Fact | Unknown:
    """Whether the account is on a sandbox; elsewhere than at the exchange, nobody knows."""
    account, exchange = target.account, target.exchange
    if account.sandbox or account.base_url is None:
        return Fact(account.sandbox, _INVENTORY)
    host = urlsplit(account.base_url).hostname or ""
    if exchange is not None and host in exchange.hosts - exchange.sandbox_hosts:
        return Fact(value=False, provenance=_INVENTORY)
    if exchange is not None and host in exchange.sandbox_hosts - exchange.hosts:
        return Fact(value=True, provenance=_INVENTORY)
    return facts.unknown.get("key.exists") or Unknown(
        Reason.NOT_DISCLOSED, f"it is asked at {host} (base_url), and not at the exchange itself"
    )


def _account_keys(listed: Listed | None, facts: Facts) -> Fact | Unknown:
    """All keys of the account, as far as anything is shown of each."""
    if "key.exists" in facts.unknown:
        # Nothing was told at all: for the same reason, nothing was listed.
        return facts.unknown["key.exists"]
    if listed is None:
        detail = "only a key that lists the others tells how many there are (discover: true)"
        return Unknown(Reason.NOT_DISCLOSED, detail)
    if isinstance(listed.of_account, Unknown):
        return listed.of_account
    names = numbered([_last_shown(one) or "key" for one in listed.of_account])
    witness = listed.of_account[0].listing if listed.of_account else ""
    return _observed(witness, value=tuple(sorted(names)))


def _audited(target: Target, key: _Key, listed: Listed | None, own: Facts, pepper: bytes) -> Facts:
    """The facts of an account that another one lists."""
    auditor = target.account.audited_by
    if listed is None:
        return own if target.asks else _nothing(Reason.NOT_DISCLOSED, f"{auditor} lists no keys")
    if not key.is_known:
        return own
    fitting = [one for one in listed.keys if key.fits(one, pepper)]
    if len(fitting) == 1:
        found = fitting[0]
        exists = _observed(found.listing, value=True)
        facts = own if target.asks else _told_by(found, auditor)
        return facts.learn("key.exists", exists)
    if fitting:
        detail = f"{auditor} lists {len(fitting)} keys that look like it"
        return own if target.asks else _nothing(Reason.UNEXPECTED_ANSWER, detail)
    if listed.missing is not None:
        why = replace(listed.missing, detail=f"{auditor}: {listed.missing.detail}")
        return own if target.asks else Facts.nothing(why.reason, why.detail)
    if not all(key.compares(one) for one in listed.keys):
        detail = f"{auditor} shows too little of its keys to tell whether this is one of them"
        return own if target.asks else _nothing(Reason.NOT_DISCLOSED, detail)
    gone = _observed(_first_listing(target), value=False)
    if target.asks:
        # An answer to the key itself proves more than a list in which it cannot be found.
        return own if "key.exists" in own.known else own.learn("key.exists", gone)
    return _nothing(Reason.NOT_DISCLOSED, f"{auditor} lists no such key").learn("key.exists", gone)


def _first_listing(target: Target) -> str:
    listings = target.exchange.listings if target.exchange else ()
    return listings[0].id if listings else ""


def _nothing(reason: Reason, detail: str) -> Facts:
    return Facts.nothing(reason, detail)


def _observed(call: str, *, value: FactValue) -> Fact:
    return Fact(value, Provenance(Grade.OBSERVED, call, ""))


def _told_by(found: ListedKey, auditor: str) -> Facts:
    """What a list tells, with the auditor as its witness."""
    known = {
        name: replace(fact, provenance=_witnessed(fact.provenance, auditor))
        for name, fact in found.facts.known.items()
    }
    return Facts(known, found.facts.unknown)


def _witnessed(provenance: Provenance, auditor: str) -> Provenance:
    if provenance.grade is Grade.STRUCTURAL:
        return provenance
    return replace(provenance, reference=f"listed by {auditor}")


def _found(
    targets: Sequence[Target],
    collected: Mapping[int, Collected],
    keys: Sequence[_Key],
    pepper: bytes,
) -> Iterator[Evidence]:
    """Every listed key that the inventory does not name, once."""
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
            if _last_shown(one):
                # Too little is shown of some keys to tell one from another.
                seen.add((exchange, one.shown))
            fresh.append(one)
        doubts = _Doubts(unread, unclear)
        yield from _subjects(target, collected[position].evidence, fresh, doubts, pepper)


@dataclass(frozen=True, slots=True)
class _Doubts:
    """Why listed keys may be declared, though none is known to be."""

    unread: Sequence[str]
    """Accounts whose keys could not be read."""
    look_alikes: Set[str]
    """What is shown of listed keys that look like fewer declared ones."""


def _fitting(
    listed: Sequence[ListedKey], declared: Sequence[_Key], pepper: bytes
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
    names = numbered([_name(target.account.subject.id, one) for one in fresh])
    for one, name in zip(fresh, names, strict=True):
        subject = Subject(
            id=name,
            exchange=master.subject.exchange,
            labels=master.subject.labels,
            owner=master.subject.owner,
            location=master.subject.location,
            found_by=master.subject.id,
        )
        facts = _told_by(one, master.subject.id)
        facts = facts.learn("key.exists", _observed(one.listing, value=True))
        facts = facts.learn("key.declared", _undeclared(one, doubts))
        for name in _OF_THE_MASTER:
            facts = facts.learn(name, master.facts.known.get(name) or master.facts.unknown[name])
        yield Evidence(subject, master.collected_at, _fingerprinted(facts, one, pepper), ())


def _undeclared(one: ListedKey, doubts: _Doubts) -> Fact | Unknown:
    if one.shown in doubts.look_alikes:
        return Unknown(
            Reason.UNEXPECTED_ANSWER, "more listed keys than declared ones look like this one"
        )
    if not doubts.unread:
        return _observed(one.listing, value=False)
    names = ", ".join(doubts.unread)
    return Unknown(
        Reason.BAD_CREDENTIALS_CONFIG, f"the key of {names} could not be read; this may be it"
    )


def _fingerprinted(facts: Facts, one: ListedKey, pepper: bytes) -> Facts:
    if _hides(one):
        return facts
    facts = facts.learn("key.fingerprint", Fact(fingerprint(one.shown, pepper=pepper), _INVENTORY))
    return facts.learn("key.shared_with", Fact((), _INVENTORY))


def _name(master: str, one: ListedKey) -> str:
    """A name for a found key: the last characters that are shown of it."""
    last = _last_shown(one)
    return f"{master}/key-{last}" if last else f"{master}/key"


def _last_shown(one: ListedKey) -> str:
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
