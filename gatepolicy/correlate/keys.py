"""What may be kept of keys, and is enough to compare their accounts later. Pure.

Whole keys, and what lists show of masked ones, are compared here and go no further: what leaves has
fingerprints, the last characters, and which account a listed key may be that of.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gatepolicy.accounts.account import Account, fingerprint, is_fingerprint, may_be_same
from gatepolicy.correlate.collected import Collected, Listed, ListedKey, Target
from gatepolicy.exchanges.sources import FEWEST_SHOWN, same_key
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
from gatepolicy.model.secret import Secret

INVENTORY = Provenance(Grade.STRUCTURAL, "", "", "computed from what the inventory says")
"""Of what is known without asking anybody."""
MASK = "*"
"""Hides, in what an inventory says of a key."""
_LAST = 4
_FEWEST_FOR_A_NAME = 10
"""Of a key of which fewer characters are shown, four would be too many to repeat."""


def observed(call: str, *, value: FactValue) -> Fact:
    """A fact that an answer to a call as a whole proves."""
    return Fact(value, Provenance(Grade.OBSERVED, call, ""))


@dataclass(frozen=True, slots=True)
class KeyTraits:
    """What may be kept of an account's key."""

    fingerprint: str = ""
    """Empty where neither the key nor its fingerprint is known."""
    is_whole: bool = False
    """Whether the fingerprint was computed from the key itself."""
    is_known: bool = False
    """Whether anything at all is known of the key, such as its first characters."""
    may_be: frozenset[str] | None = None
    """Of a key that is known in part: the fingerprints of those whole keys of its exchange, among
    all of this collection, that it may be. ``None`` for any."""


@dataclass(frozen=True, slots=True)
class ListedTraits:
    """What may be kept of one key of a list."""

    listing: str
    """Id of the listing."""
    of_account: bool
    """Whether that list holds the account's own keys."""
    identity: str
    """The fingerprint of a key that is shown whole; else a number, the same for all rows of this
    collection that show the same."""
    is_whole: bool
    """Whether it is shown whole."""
    last: str
    """The last characters, where enough is shown; else empty."""
    facts: Facts
    """What the row proves."""
    fits: frozenset[str]
    """Ids of the accounts of this collection whose key it may be, by all that is shown of both."""


@dataclass(frozen=True, slots=True)
class ListedKeys:
    """What may be kept of all that an account's key could list."""

    keys: tuple[ListedTraits, ...]
    """In the order of the answers."""
    missing: Unknown | None
    """Why something is missing; ``None`` when every list was read to its end."""
    of_account: Fact | Unknown
    """All keys of the account itself, or why they are not known."""


@dataclass(frozen=True, slots=True)
class AccountTraits:
    """What comparing an account takes, beside what its own key discloses."""

    key: KeyTraits
    """Its key."""
    egress: tuple[Network, ...]
    """The addresses that the inventory declares; may be empty."""
    sandbox: bool | str
    """Whether the account is on a sandbox; the host, where it is read elsewhere than at the
    exchange and so nobody knows."""
    is_usable: bool
    """Whether anything could be sent for it."""
    is_checked: bool
    """Whether its own key was used, and not only its auditor's."""
    audited_by: str
    """Id of the account whose key lists this one; empty when none does."""
    discover: bool
    """Whether its key lists the account's other keys."""
    listing: str
    """Id of its exchange's first listing; empty when there is none."""
    is_distinct: bool
    """Whether its auditor lists no key that may be its own, and so much is known of each of them
    that none is."""
    listed: ListedKeys | None
    """Other keys, where they were asked for."""


@dataclass(frozen=True, slots=True)
class Uncompared:
    """One account as it was read, before it is compared with others."""

    evidence: Evidence
    """What its own key discloses."""
    traits: AccountTraits | None = None
    """``None`` where nothing is to be compared: what its facts say, stands."""
    is_selected: bool = True
    """Whether it is an account of the scan; else it was read for what it lists, alone."""
    part: int = 0
    """Which of the parts of its file read it, from 0 on."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An account of the inventory that was not read."""

    subject: Subject
    """Which one."""
    key: KeyTraits
    """What is known of its key all the same."""
    egress: tuple[Network, ...]
    """The addresses that the inventory declares; may be empty."""
    part: int = 0
    """Which of the parts of its file left it out, from 0 on."""
    read_by: str = ""
    """The part that reads it, as far as this one can tell; empty where a user left it out."""


@dataclass(frozen=True, slots=True)
class Uncorrelated:
    """All that one collection read."""

    accounts: Sequence[Uncompared]
    """The selected ones, in the order of the inventory; then the auditors that they need."""
    left_out: Sequence[LeftOut] = ()
    """All other accounts of the inventory."""


@dataclass(frozen=True, slots=True)
class Declared:
    """An account of the inventory, with what is known of its key."""

    account: Account
    """The account."""
    api_key: Secret | None
    """The public half of its key; ``None`` when it could not be read."""


def keep(
    targets: Sequence[Target],
    collected: Mapping[int, Collected],
    others: Sequence[Declared],
    pepper: bytes,
    *,
    selected: int | None = None,
) -> Uncorrelated:
    """What may be kept of all accounts.

    Args:
        targets: What was collected; the selected accounts first.
        collected: By position among the targets.
        others: Every account of the inventory that was not collected.
        pepper: Key of the fingerprints.
        selected: How many of the targets are selected accounts; all, unless given.
    """
    here = [
        Declared(target.account, collected[position].api_key)
        for position, target in enumerate(targets)
    ]
    keeper = _Keeper.of([*here, *others], pepper)
    lists = {
        target.account.subject.id: keeper.list_of(target, collected[position].listed)
        for position, target in enumerate(targets)
    }
    return Uncorrelated(
        tuple(
            Uncompared(
                collected[position].evidence,
                keeper.of_account(target, lists),
                is_selected=selected is None or position < selected,
            )
            for position, target in enumerate(targets)
        ),
        tuple(keeper.left_out(other.account) for other in others),
    )


def keep_alone(target: Target, api_key: Secret | None, pepper: bytes) -> AccountTraits | None:
    """What may be kept of an account, whatever the keys of others are.

    Args:
        target: What was collected.
        api_key: The public half of its key; ``None`` when it could not be read.
        pepper: Key of the fingerprints.

    Returns: The same as ``keep`` finds among all accounts; ``None`` where that depends on others:
        the account lists keys, or another one lists it, or only a part of its key is known.
    """
    declared = Declared(target.account, api_key)
    key = _Key.of(declared, pepper)
    if target.lists or target.account.audited_by or (key.shown and not key.fingerprint):
        return None
    lists = {target.account.subject.id: _NO_LIST}
    return _Keeper.of([declared], pepper).of_account(target, lists)


def key_fingerprint(declared: Declared, pepper: bytes) -> str:
    """The fingerprint of an account's key; empty where neither is known."""
    return _Key.of(declared, pepper).fingerprint


@dataclass(frozen=True, slots=True)
class _Key:
    """How an account's key is known: whole, by what is shown of it, by its fingerprint, or not."""

    account: Account
    whole: str
    shown: str
    fingerprint: str

    @staticmethod
    def of(declared: Declared, pepper: bytes) -> "_Key":
        """What is known of an account's key; fingerprints are made with ``pepper``."""
        said = declared.account.key
        whole = declared.api_key.reveal() if declared.api_key else ""
        if not whole and said and MASK not in said and not is_fingerprint(said):
            whole = said
        print_ = fingerprint(whole, pepper=pepper) if whole else ""
        return _Key(
            account=declared.account,
            whole=whole,
            shown=said if MASK in said else "",
            fingerprint=print_ or (said if is_fingerprint(said) else ""),
        )

    @property
    def is_known(self) -> bool:
        return bool(self.whole or self.shown or self.fingerprint)

    def compares(self, listed: ListedKey) -> bool:
        """Whether enough is known of both keys to tell one from the other."""
        if not _hides(listed):
            if self.fingerprint and not self.whole:
                # Another key of fingerprints gives another hash of the same key.
                return not may_be_same(self.fingerprint, listed.shown[-_LAST:])
            return bool(self.whole) or _enough(self.shown, MASK)
        mine, theirs = _unmasked(self.shown, MASK), _unmasked(listed.shown, listed.mask)
        return _enough(listed.shown, listed.mask) and (
            bool(self.whole) or (_enough(self.shown, MASK) and not _may_agree(mine, theirs))
        )

    def fits(self, listed: ListedKey) -> bool:
        """Whether a listed key may be this one, by what is shown of both, not by fingerprint."""
        if self.whole:
            return same_key(listed.shown, self.whole, listed.mask)
        if _hides(listed):
            # Hardly anything shown would fit the keys of others, too.
            return _enough(self.shown, MASK) and _unmasked(self.shown, MASK) == _unmasked(
                listed.shown, listed.mask
            )
        return same_key(self.shown, listed.shown, MASK)


def _hides(one: ListedKey) -> bool:
    return bool(one.mask) and one.mask in one.shown


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
class _Keys:
    """All keys of one exchange: those that fit a whole one are found without trying them all."""

    all: list[_Key] = field(default_factory=list)
    in_part: list[_Key] = field(default_factory=list)
    """Of which only a part is known."""
    by_fingerprint: dict[str, list[_Key]] = field(default_factory=lambda: defaultdict(list))

    def add(self, key: _Key) -> None:
        self.all.append(key)
        if key.fingerprint:
            self.by_fingerprint[key.fingerprint].append(key)
        elif key.shown:
            self.in_part.append(key)

    def fitting(self, listed: ListedKey, identity: str) -> list[_Key]:
        """Those that a listed key may be; its identity is its fingerprint where it is whole."""
        if _hides(listed):
            return [key for key in self.all if key.fits(listed)]
        same = self.by_fingerprint.get(identity, [])
        return [*same, *(key for key in self.in_part if key.fits(listed))]


@dataclass(frozen=True, slots=True)
class _Keeper:
    """All keys of one collection, and what was made of them so far."""

    keys: Mapping[str, _Key]
    """By account."""
    by_exchange: Mapping[str, _Keys]
    """The same."""
    pepper: bytes
    """Key of the fingerprints."""
    numbers: dict[tuple[str, str], str] = field(default_factory=dict)
    """What is shown of masked keys, with their exchange, to a number."""

    @classmethod
    def of(cls, declared: Sequence[Declared], pepper: bytes) -> "_Keeper":
        keys = [_Key.of(one, pepper) for one in declared]
        by_exchange: dict[str, _Keys] = defaultdict(_Keys)
        for key in keys:
            by_exchange[key.account.subject.exchange].add(key)
        return cls({key.account.subject.id: key for key in keys}, by_exchange, pepper)

    def of_account(self, target: Target, lists: Mapping[str, "_List"]) -> AccountTraits:
        account, exchange = target.account, target.exchange
        key = self.keys[account.subject.id]
        others = lists.get(account.audited_by, _NO_LIST)
        return AccountTraits(
            key=self._of_key(key),
            egress=account.egress,
            sandbox=_sandbox(target),
            is_usable=target.unusable is None,
            is_checked=target.asks,
            audited_by=account.audited_by,
            discover=account.discover,
            listing=exchange.listings[0].id if exchange and exchange.listings else "",
            is_distinct=account.subject.id not in others.fitted
            and all(key.compares(one) for one in others.shown),
            listed=lists[account.subject.id].kept,
        )

    def left_out(self, account: Account) -> LeftOut:
        key = self._of_key(self.keys[account.subject.id])
        return LeftOut(account.subject, key, account.egress)

    def _of_key(self, key: _Key) -> KeyTraits:
        may_be = None
        if key.shown and not key.fingerprint:
            whole = [one for one in self.by_exchange[key.account.subject.exchange].all if one.whole]
            fitting = [one for one in whole if same_key(key.shown, one.whole, MASK)]
            if len(fitting) < len(whole):
                may_be = frozenset(one.fingerprint for one in fitting)
        return KeyTraits(key.fingerprint, bool(key.whole), key.is_known, may_be)

    def list_of(self, target: Target, listed: Listed | None) -> "_List":
        """What the key of an account could list."""
        if listed is None:
            return _NO_LIST
        listings = target.exchange.listings if target.exchange else ()
        own = {listing.id for listing in listings if listing.of_account}
        exchange = target.account.subject.exchange
        keys = tuple(self._row(one, exchange, one.listing in own) for one in listed.keys)
        kept = ListedKeys(keys, listed.missing, _of_account(listed.of_account))
        return _List(listed.keys, kept, frozenset[str]().union(*(row.fits for row in keys)))

    def _row(self, one: ListedKey, exchange: str, of_account: bool) -> ListedTraits:  # noqa: FBT001
        if _hides(one):
            identity = self.numbers.setdefault((exchange, one.shown), f"#{len(self.numbers) + 1}")
        else:
            identity = fingerprint(one.shown, pepper=self.pepper)
        fitting = self.by_exchange[exchange].fitting(one, identity)
        return ListedTraits(
            listing=one.listing,
            of_account=of_account,
            identity=identity,
            is_whole=not _hides(one),
            last=_last_shown(one),
            facts=one.facts,
            fits=frozenset(key.account.subject.id for key in fitting),
        )


@dataclass(frozen=True, slots=True)
class _List:
    """What an account's key could list."""

    shown: Sequence[ListedKey]
    """The keys as they are shown."""
    kept: ListedKeys | None
    """What may be kept of them; ``None`` where no list was asked for."""
    fitted: Set[str]
    """Ids of the accounts whose keys they may be."""


_NO_LIST = _List((), None, frozenset())


def _sandbox(target: Target) -> bool | str:
    account, exchange = target.account, target.exchange
    if account.sandbox or account.base_url is None:
        return account.sandbox
    host = urlsplit(account.base_url).hostname or ""
    if exchange is not None and host in exchange.hosts - exchange.sandbox_hosts:
        return False
    if exchange is not None and host in exchange.sandbox_hosts - exchange.hosts:
        return True
    return host


def _of_account(keys: Sequence[ListedKey] | Unknown) -> Fact | Unknown:
    """The names of all keys of the account itself, as far as anything is shown of each."""
    if isinstance(keys, Unknown):
        return keys
    names = numbered([_last_shown(one) or "key" for one in keys])
    return observed(keys[0].listing if keys else "", value=tuple(sorted(names)))


def _last_shown(one: ListedKey) -> str:
    """The last four characters that are shown; none of a key of which hardly more is shown."""
    visible = [c for c in one.shown if c != one.mask and c.isascii() and c.isalnum()]
    return "".join(visible[-_LAST:]) if len(visible) >= _FEWEST_FOR_A_NAME else ""


def numbered(names: Sequence[str]) -> list[str]:
    """Names, each made its own by a number where it stands a second time."""
    seen: dict[str, int] = defaultdict(int)
    own = []
    for name in names:
        seen[name] += 1
        own.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return own
