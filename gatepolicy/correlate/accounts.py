"""Compare all accounts: audited keys, undeclared keys, shared keys and addresses. Pure.

What is compared was kept by ``correlate/keys.py``, in a scan as in evidence: both have the same
answers.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import timedelta

from gatepolicy.accounts.account import may_be_same
from gatepolicy.correlate.addresses import Addressed, addresses_of, shared_across
from gatepolicy.correlate.keys import (
    INVENTORY,
    AccountTraits,
    KeyTraits,
    LeftOut,
    ListedKeys,
    ListedTraits,
    Uncompared,
    Uncorrelated,
    numbered,
    observed,
)
from gatepolicy.model.evidence import Evidence, Subject, largest_skew
from gatepolicy.model.facts import FACTS, Fact, Facts, Grade, Provenance, Reason, Unknown

_SHOWN_NAMES = 3
NO_LIST = Unknown(
    Reason.NOT_DISCLOSED,
    "only a key that lists the others shows how many there are (discover: true)",
)
"""Why nobody knows how many keys an account has that asks for no list."""


@dataclass(frozen=True, slots=True)
class Correlated:
    """Every account after all were compared."""

    evidence: Sequence[Evidence]
    """Of the selected accounts, in their order; then of the auditors that they need."""
    selected: int
    """How many of them are selected accounts."""
    all_found: Sequence[Evidence]
    """Keys that the inventory does not name, also those that only such an auditor lists."""
    left_out: Sequence[str]
    """Ids of accounts that no collection read."""

    @property
    def found(self) -> Sequence[Evidence]:
        """Keys that the inventory does not name. An auditor that is asked for others alone
        discovers nothing of its own.
        """
        ids = {one.subject.id for one in self.evidence[: self.selected]}
        return tuple(one for one in self.all_found if one.subject.found_by in ids)

    @property
    def accounts(self) -> Sequence[Evidence]:
        """The selected accounts, and the keys that were found."""
        return (*self.evidence[: self.selected], *self.found)


def correlate(collections: Sequence[Uncorrelated], *, by_place: bool = False) -> Correlated:
    """Compare every account with every other.

    Args:
        collections: All that was read, with fingerprints of one key. No account is selected in two
            of them.
        by_place: Whether all are of one inventory: then its order is theirs, too.
    """
    inventory = _Inventory.of([_Collection.of(one) for one in collections], by_place=by_place)
    evidence = [inventory.compared(one) for one in inventory.read]
    found = list(_found_keys(inventory, evidence))
    of_all = _with_shared_addresses(inventory, [*evidence, *found])
    count = len(evidence)
    selected = sum(one.account.is_selected for one in inventory.read)
    return Correlated(
        tuple(of_all[:count]),
        selected,
        tuple(of_all[count:]),
        [one.subject.id for one in inventory.left_out],
    )


_NOTHING = KeyTraits()


@dataclass(frozen=True, slots=True)
class _Collection:
    """One collection: what was kept of its keys was compared with each other."""

    accounts: Mapping[str, Uncompared]
    """By id."""
    left_out: Sequence[LeftOut]
    """As they were kept."""
    fingerprints: Mapping[str, Set[str]]
    """Exchange to the fingerprints of its whole keys."""
    known: Set[str]
    """Ids of the accounts of whose keys anything is known."""
    fitting: Mapping[tuple[str, str], Sequence[ListedTraits]]
    """Account and another one, to those keys in the lists of the first that the second's may be."""

    @classmethod
    def of(cls, read: Uncorrelated) -> "_Collection":
        accounts = {one.evidence.subject.id: one for one in read.accounts}
        keys = [(one.evidence.subject, _key_of(one)) for one in read.accounts]
        keys += [(one.subject, one.key) for one in read.left_out]
        fingerprints: dict[str, set[str]] = defaultdict(set)
        for subject, key in keys:
            if key.is_whole:
                fingerprints[subject.exchange].add(key.fingerprint)
        known = {subject.id for subject, key in keys if key.is_known}
        fitting: dict[tuple[str, str], list[ListedTraits]] = defaultdict(list)
        for auditor, one in accounts.items():
            listed = one.traits.listed if one.traits is not None else None
            for row in listed.keys if listed is not None else ():
                for account in row.fits:
                    fitting[auditor, account].append(row)
        return cls(accounts, read.left_out, fingerprints, known, fitting)

    def listed_by(self, auditor: str) -> ListedKeys | None:
        """The lists of an account; of one that could not be read, they are missing for its
        reason.
        """
        account = self.accounts.get(auditor)
        if account is None or account.traits is None:
            return None
        listed, why = account.traits.listed, account.evidence.unread
        return listed if listed is not None or why is None else ListedKeys((), why, why)

    def skew_of(self, account: str) -> timedelta | None:
        found = self.accounts.get(account)
        return found.evidence.clock_skew if found is not None else None


def _key_of(account: Uncompared) -> KeyTraits:
    return account.traits.key if account.traits is not None else _NOTHING


@dataclass(frozen=True, slots=True)
class _Key:
    """What is known of the key of one account."""

    subject: Subject
    traits: KeyTraits
    collection: _Collection

    def may_be(self, other: "_Key") -> bool:
        """Whether what little is known of this key leaves it open that it is another, known one."""
        mine, theirs = self.traits, other.traits.fingerprint
        if mine.fingerprint:
            return may_be_same(mine.fingerprint, theirs)
        if mine.may_be is None or theirs in mine.may_be:
            return True
        # With what stands in other evidence, it was never compared.
        return theirs not in self.collection.fingerprints.get(self.subject.exchange, ())

    def is_compared(self, row: ListedTraits, collection: _Collection) -> bool:
        """Whether it is known of this key and a listed one whether they may be the same.

        Args:
            row: The listed key.
            collection: Where it was listed.
        """
        by_fingerprint = row.is_whole and bool(self.traits.fingerprint)
        return by_fingerprint or self.subject.id in collection.known


@dataclass(frozen=True, slots=True)
class _Read:
    """An account that was read."""

    account: Uncompared
    key: _Key


@dataclass(frozen=True, slots=True)
class _Inventory:
    """All accounts of all collections, each once."""

    read: Sequence[_Read]
    """The selected ones first."""
    left_out: Sequence[LeftOut]
    """Those that no collection read."""
    sharing: "_Sharing"
    """Who has which key."""
    by_exchange: Mapping[str, Sequence[_Key]]
    """All keys."""

    @classmethod
    def of(cls, collections: Sequence[_Collection], *, by_place: bool) -> "_Inventory":
        read = _each_once(collections)
        if by_place:
            read = dict(sorted(read.items(), key=_place))
        left_out: dict[str, tuple[LeftOut, _Key]] = {}
        for collection in collections:
            for one in collection.left_out:
                before = left_out.get(one.subject.id)
                is_better = before is None or (one.key.is_whole and not before[0].key.is_whole)
                if one.subject.id not in read and is_better:
                    left_out[one.subject.id] = one, _Key(one.subject, one.key, collection)
        keys = [*(one.key for one in read.values()), *(key for _, key in left_out.values())]
        by_exchange: dict[str, list[_Key]] = defaultdict(list)
        for key in keys:
            by_exchange[key.subject.exchange].append(key)
        others = [one for one, _ in left_out.values()]
        missing = {one.subject.id for one in others}
        return cls(tuple(read.values()), others, _Sharing.of(keys, missing), by_exchange)

    def compared(self, one: _Read) -> Evidence:
        """What is known of an account once all were read, but for its addresses."""
        evidence, traits = one.account.evidence, one.account.traits
        if traits is None:
            return evidence
        facts = evidence.facts
        if traits.audited_by and traits.is_usable:
            facts = _facts_of_audited(one, traits)
        compared: dict[str, Fact | Unknown] = {
            "key.declared": _declared(traits, evidence.facts),
            "account.sandbox": _sandbox(traits.sandbox, facts),
            "account.keys": _account_keys(traits.listed, facts),
        }
        if traits.key.fingerprint:
            compared["key.fingerprint"] = Fact(traits.key.fingerprint, INVENTORY)
            compared["key.shared_with"] = self.sharing.of_key(one.key)
        skew = one.key.collection.skew_of(traits.audited_by)
        return replace(
            evidence,
            facts=facts.learn_all(compared),
            clock_skew=largest_skew((evidence.clock_skew, skew)),
        )


def _each_once(collections: Sequence[_Collection]) -> dict[str, _Read]:
    """Accounts by id: where it was selected before where it was read for its lists alone."""
    read: dict[str, _Read] = {}
    for is_selected in (True, False):
        for collection in collections:
            for name, one in collection.accounts.items():
                if one.is_selected is is_selected:
                    key = _Key(one.evidence.subject, _key_of(one), collection)
                    read.setdefault(name, _Read(one, key))
    return read


def _place(read: tuple[str, _Read]) -> tuple[bool, int, int]:
    account = read[1].account
    location = account.evidence.subject.location
    return not account.is_selected, location.line, location.column


def _declared(traits: AccountTraits, own: Facts) -> Fact | Unknown:
    """That the key is declared; for an account that discovers, only with all its lists read."""
    if traits.discover:
        first = next((own.unknown[name] for name in FACTS if name in own.unknown), None)
        if traits.listed is None:
            return first or Unknown(Reason.NOT_DISCLOSED, "no list of keys could be read")
        if traits.listed.missing is not None:
            return traits.listed.missing
    return Fact(value=True, provenance=INVENTORY)


def _sandbox(declared: bool | str, facts: Facts) -> Fact | Unknown:  # noqa: FBT001 - a value
    """Whether the account is on a sandbox; at any other host, unknown."""
    if isinstance(declared, bool):
        return Fact(declared, INVENTORY)
    return facts.unknown.get("key.exists") or Unknown(
        Reason.NOT_DISCLOSED, f"it is read at {declared} (base_url), not at the exchange itself"
    )


def _account_keys(listed: ListedKeys | None, facts: Facts) -> Fact | Unknown:
    """All keys of the account, as far as anything is shown of each."""
    if "key.exists" in facts.unknown:
        # Nothing was disclosed at all: for the same reason, nothing was listed.
        return facts.unknown["key.exists"]
    return NO_LIST if listed is None else listed.of_account


def _facts_of_audited(one: _Read, traits: AccountTraits) -> Facts:
    """The facts of an account that another one lists."""
    own, is_checked, auditor = one.account.evidence.facts, traits.is_checked, traits.audited_by
    listed = one.key.collection.listed_by(auditor)
    if listed is None:
        return (
            own if is_checked else Facts.nothing(Reason.NOT_DISCLOSED, f"{auditor} lists no keys")
        )
    if not traits.key.is_known:
        return own
    fitting = one.key.collection.fitting.get((auditor, one.key.subject.id), ())
    if len(fitting) == 1:
        exists = observed(fitting[0].listing, value=True)
        facts = own if is_checked else _facts_of_listed(fitting[0], auditor)
        return facts.learn("key.exists", exists)
    if fitting:
        detail = f"{auditor} lists {len(fitting)} keys that match it"
        return own if is_checked else Facts.nothing(Reason.UNEXPECTED_ANSWER, detail)
    if listed.missing is not None:
        why = listed.missing
        return own if is_checked else Facts.nothing(why.reason, f"{auditor}: {why.detail}")
    if not traits.is_distinct:
        detail = f"{auditor} shows too little of its keys to identify this one"
        return own if is_checked else Facts.nothing(Reason.NOT_DISCLOSED, detail)
    gone = observed(traits.listing, value=False)
    if is_checked:
        # An answer to the key itself proves more than a list in which it cannot be found.
        return own if "key.exists" in own.known else own.learn("key.exists", gone)
    return Facts.nothing(Reason.BAD_KEY, f"{auditor} lists no such key").learn("key.exists", gone)


def _facts_of_listed(row: ListedTraits, auditor: str) -> Facts:
    """What a list discloses of a key, and that the auditor listed it."""
    known = {
        name: replace(fact, provenance=_listed_by(fact.provenance, auditor))
        for name, fact in row.facts.known.items()
    }
    return Facts(known, row.facts.unknown)


def _listed_by(provenance: Provenance, auditor: str) -> Provenance:
    if provenance.grade is Grade.STRUCTURAL:
        return provenance
    return replace(provenance, reference=f"listed by {auditor}")


@dataclass(frozen=True, slots=True)
class _Sharing:
    """Which accounts have which key, and whose key is not known well enough to compare."""

    accounts: Mapping[str, Sequence[str]]
    """Fingerprint to the accounts that have it."""
    vague: Mapping[str, Sequence[_Key]]
    """Exchange to the keys of which nobody knows the whole."""
    left_out: Set[str]
    """Ids of the accounts that were left out of the scan."""

    @classmethod
    def of(cls, keys: Sequence[_Key], left_out: Set[str]) -> "_Sharing":
        """Compare all keys of an inventory."""
        accounts: dict[str, list[str]] = defaultdict(list)
        vague: dict[str, list[_Key]] = defaultdict(list)
        for key in keys:
            if key.traits.fingerprint:
                accounts[key.traits.fingerprint].append(key.subject.id)
            if not key.traits.is_whole:
                vague[key.subject.exchange].append(key)
        return cls(accounts, vague, left_out)

    def of_key(self, key: _Key) -> Fact | Unknown:
        """The other accounts with this key; that there is none is known when all keys are."""
        others = [one for one in self.accounts[key.traits.fingerprint] if one != key.subject.id]
        doubtful = [
            other.subject.id
            for other in self.vague.get(key.subject.exchange, ())
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


def _found_keys(inventory: _Inventory, masters: Sequence[Evidence]) -> Iterator[Evidence]:
    """Every listed key that no inventory names, once.

    Args:
        inventory: All accounts.
        masters: The compared evidence of those that were read.
    """
    seen: set[tuple[object, ...]] = set()
    for one, master in zip(inventory.read, masters, strict=True):
        traits = one.account.traits
        if traits is None or not traits.discover or traits.listed is None:
            continue
        declared, listed = inventory.by_exchange[master.subject.exchange], traits.listed.keys
        fitting = _fitting(listed, declared)
        unclear = _look_alikes(listed, fitting)
        fresh = []
        for row, fits in zip(listed, fitting, strict=True):
            # What is shown of a masked key is the same number within one collection only.
            source = None if row.is_whole else id(one.key.collection)
            shown = master.subject.exchange, source, row.identity
            if shown in seen or (fits and row.identity not in unclear):
                continue
            if row.last:
                # Too little is shown of some keys to tell one from another.
                seen.add(shown)
            fresh.append(row)
        doubts = _Doubts(declared, one.key.collection, unclear)
        yield from _subjects(master, fresh, doubts)


@dataclass(frozen=True, slots=True)
class _Doubts:
    """Why listed keys may be declared, though none is known to be."""

    declared: Sequence[_Key]
    """All keys of the exchange."""
    collection: _Collection
    """Where the keys were listed."""
    look_alikes: Set[str]
    """Identities of listed keys that look like fewer declared ones."""

    def about(self, row: ListedTraits) -> Unknown | None:
        """Why nobody knows whether a key is declared, if so."""
        if row.identity in self.look_alikes:
            return Unknown(Reason.UNEXPECTED_ANSWER, "several listed keys look like this one")
        unread = [key.subject.id for key in self.declared if not key.traits.is_known]
        if unread:
            names = ", ".join(unread)
            detail = f"the key of {names} could not be read, so this may be it"
            return Unknown(Reason.BAD_CREDENTIALS_CONFIG, detail)
        apart = [k.subject.id for k in self.declared if not k.is_compared(row, self.collection)]
        if apart:
            detail = f"{_some(apart)} stands in other evidence, and this may be its key"
            return Unknown(Reason.NOT_DISCLOSED, detail)
        return None


def _fitting(listed: Sequence[ListedTraits], declared: Sequence[_Key]) -> Sequence[Set[int]]:
    """Which declared keys fit each listed one."""
    by_id = {key.subject.id: position for position, key in enumerate(declared)}
    by_fingerprint: dict[str, set[int]] = defaultdict(set)
    for position, key in enumerate(declared):
        by_fingerprint[key.traits.fingerprint].add(position)
    return [
        {by_id[name] for name in row.fits if name in by_id}
        | (by_fingerprint.get(row.identity, set()) if row.is_whole else set())
        for row in listed
    ]


def _look_alikes(listed: Sequence[ListedTraits], fitting: Sequence[Set[int]]) -> Set[str]:
    """Listed keys, hidden in part, that look like fewer declared ones."""
    rows: dict[int, set[int]] = defaultdict(set)
    for position, keys in enumerate(fitting):
        for key in keys:
            rows[key].add(position)
    unclear: set[str] = set()
    for one, keys in zip(listed, fitting, strict=True):
        alike = set().union(*(rows[key] for key in keys))
        shown = {listed[row].identity for row in alike}
        # Rows that show the same key whole are one key, listed more than once.
        count = len(shown) if all(listed[row].is_whole for row in alike) else len(alike)
        if count > len(set().union(*(fitting[row] for row in alike))):
            unclear.add(one.identity)
    return unclear


def _subjects(
    master: Evidence, fresh: Sequence[ListedTraits], doubts: _Doubts
) -> Iterator[Evidence]:
    names = numbered([_name_of(master.subject.id, row) for row in fresh])
    for row, name in zip(fresh, names, strict=True):
        subject = replace(master.subject, id=name, found_by=master.subject.id)
        learnt = {
            "key.exists": observed(row.listing, value=True),
            "key.declared": doubts.about(row) or observed(row.listing, value=False),
        }
        for fact in _OF_THE_ACCOUNT if row.of_account else _OF_THE_MASTER:
            learnt[fact] = master.facts.known.get(fact) or master.facts.unknown[fact]
        if row.is_whole:
            learnt["key.fingerprint"] = Fact(row.identity, INVENTORY)
            learnt["key.shared_with"] = Fact((), INVENTORY)
        facts = _facts_of_listed(row, master.subject.id).learn_all(learnt)
        yield Evidence(subject, master.collected_at, facts, (), master.clock_skew)


def _name_of(master: str, row: ListedTraits) -> str:
    """A name for a found key: the last characters that are shown of it."""
    return f"{master}/key-{row.last}" if row.last else f"{master}/key"


def _with_shared_addresses(inventory: _Inventory, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The evidence of all accounts and keys, with what the addresses of all tell about each."""
    traits = [one.account.traits for one in inventory.read]
    egress = [one.egress if one is not None else () for one in traits]
    egress += [()] * (len(evidence) - len(egress))
    known = [
        Addressed(one.subject.id, one.subject.labels, addresses_of(one.facts, declared))
        for one, declared in zip(evidence, egress, strict=True)
    ]
    beside = [
        Addressed(
            one.subject.id,
            one.subject.labels,
            addresses_of(Facts(), one.egress),
            is_left_out=True,
        )
        for one in inventory.left_out
    ]
    stands = {id(one.account.evidence) for one in inventory.read if one.account.traits is None}
    return [
        one if id(one) in stands else _with_addresses(one, shared)
        for one, shared in zip(evidence, shared_across([*known, *beside]), strict=False)
    ]


def _with_addresses(evidence: Evidence, shared: tuple[str, ...] | Unknown) -> Evidence:
    fact = shared if isinstance(shared, Unknown) else Fact(shared, INVENTORY)
    return replace(evidence, facts=evidence.facts.learn("ip.shared_across", fact))
