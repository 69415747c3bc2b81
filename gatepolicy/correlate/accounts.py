"""Compare all accounts: audited keys, undeclared keys, shared keys and addresses. Pure.

Keys are compared here and go no further: what leaves has fingerprints and the last characters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from gatepolicy.accounts.account import Account
from gatepolicy.correlate.addresses import Addressed, addresses_of, shared_across
from gatepolicy.correlate.collected import Collected, Listed, Target
from gatepolicy.correlate.keys import (
    INVENTORY,
    Declared,
    KnownKey,
    Sharing,
    facts_of_listed,
    found_keys,
    last_shown,
    numbered,
    observed,
)
from gatepolicy.model.evidence import Evidence, largest_skew
from gatepolicy.model.facts import Fact, Facts, Network, Reason, Unknown


@dataclass(frozen=True, slots=True)
class Correlated:
    """Every account after all were compared."""

    evidence: Sequence[Evidence]
    """Of each target, in their order."""
    found: Sequence[Evidence]
    """Keys that the inventory does not name."""


def correlate(
    targets: Sequence[Target],
    collected: Mapping[int, Collected],
    others: Sequence[Declared],
    pepper: bytes,
    *,
    unasked: Sequence[Account] = (),
) -> Correlated:
    """Compare every account with every other.

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
    keys = [KnownKey.of(declared, pepper) for declared in (*here, *others)]
    lists = {
        target.account.subject.id: _listed(collected[position])
        for position, target in enumerate(targets)
    }
    skews = {one.evidence.subject.id: one.evidence.clock_skew for one in collected.values()}
    sharing = _sharing(keys, others, unasked, pepper)
    evidence = [
        _compared(target, collected[position], keys[position], sharing, lists, skews, pepper)
        for position, target in enumerate(targets)
    ]
    found = list(found_keys(targets, collected, evidence, keys, pepper))
    egress = [*(target.account.egress for target in targets), *[()] * len(found)]
    of_all = _with_shared_addresses([*evidence, *found], egress, unasked)
    return Correlated(tuple(of_all[: len(targets)]), tuple(of_all[len(targets) :]))


def _sharing(
    keys: Sequence[KnownKey],
    others: Sequence[Declared],
    unasked: Sequence[Account],
    pepper: bytes,
) -> Sharing:
    known = {declared.account.subject.id for declared in others}
    beside = [Declared(one, None) for one in unasked if one.subject.id not in known]
    return Sharing.of(
        [*keys, *(KnownKey.of(declared, pepper) for declared in beside)],
        left_out={one.subject.id for one in unasked},
    )


def _with_shared_addresses(
    evidence: Sequence[Evidence], egress: Sequence[tuple[Network, ...]], others: Sequence[Account]
) -> list[Evidence]:
    """The evidence, with what the addresses of all accounts tell about each."""
    known = [
        Addressed(one.subject.id, one.subject.labels, addresses_of(one.facts, declared))
        for one, declared in zip(evidence, egress, strict=True)
    ]
    beside = [
        Addressed(
            other.subject.id,
            other.subject.labels,
            addresses_of(Facts(), other.egress),
            is_left_out=True,
        )
        for other in others
    ]
    shared = list(shared_across([*known, *beside]))[: len(evidence)]
    return [
        replace(one, facts=one.facts.learn("ip.shared_across", _inventory_fact(found)))
        for one, found in zip(evidence, shared, strict=True)
    ]


def _inventory_fact(found: tuple[str, ...] | Unknown) -> Fact | Unknown:
    return found if isinstance(found, Unknown) else Fact(found, INVENTORY)


def _compared(
    target: Target,
    collected: Collected,
    key: KnownKey,
    sharing: "Sharing",
    lists: Mapping[str, Listed | None],
    skews: Mapping[str, timedelta | None],
    pepper: bytes,
) -> Evidence:
    account = target.account
    facts = collected.evidence.facts
    if account.audited_by and target.unusable is None:
        listed = lists.get(account.audited_by)
        facts = _facts_of_audited(target, key, listed, facts, pepper)
    compared: dict[str, Fact | Unknown] = {
        "key.declared": _declared(target, collected),
        "account.sandbox": _sandbox(target, facts),
        "account.keys": _account_keys(collected.listed, facts),
    }
    if key.fingerprint:
        compared["key.fingerprint"] = Fact(key.fingerprint, INVENTORY)
        compared["key.shared_with"] = sharing.of_key(key)
    skew = largest_skew((collected.evidence.clock_skew, skews.get(account.audited_by)))
    return replace(collected.evidence, facts=facts.learn_all(compared), clock_skew=skew)


def _declared(target: Target, collected: Collected) -> Fact | Unknown:
    """That the key is declared; for an account that discovers, only with all its lists read."""
    if target.account.discover:
        first = next(iter(collected.evidence.facts.unknown.values()), None)
        if collected.listed is None:
            return first or Unknown(Reason.NOT_DISCLOSED, "no list of keys could be read")
        if collected.listed.missing is not None:
            return collected.listed.missing
    return Fact(value=True, provenance=INVENTORY)


def _sandbox(target: Target, facts: Facts) -> Fact | Unknown:
    """Whether the account is on a sandbox; at any other host, unknown."""
    account, exchange = target.account, target.exchange
    if account.sandbox or account.base_url is None:
        return Fact(account.sandbox, INVENTORY)
    host = urlsplit(account.base_url).hostname or ""
    if exchange is not None and host in exchange.hosts - exchange.sandbox_hosts:
        return Fact(value=False, provenance=INVENTORY)
    if exchange is not None and host in exchange.sandbox_hosts - exchange.hosts:
        return Fact(value=True, provenance=INVENTORY)
    return facts.unknown.get("key.exists") or Unknown(
        Reason.NOT_DISCLOSED, f"it is read at {host} (base_url), not at the exchange itself"
    )


def _account_keys(listed: Listed | None, facts: Facts) -> Fact | Unknown:
    """All keys of the account, as far as anything is shown of each."""
    if "key.exists" in facts.unknown:
        # Nothing was disclosed at all: for the same reason, nothing was listed.
        return facts.unknown["key.exists"]
    if listed is None:
        detail = "only a key that lists the others shows how many there are (discover: true)"
        return Unknown(Reason.NOT_DISCLOSED, detail)
    if isinstance(listed.of_account, Unknown):
        return listed.of_account
    names = numbered([last_shown(one) or "key" for one in listed.of_account])
    listing = listed.of_account[0].listing if listed.of_account else ""
    return observed(listing, value=tuple(sorted(names)))


def _listed(collected: Collected) -> Listed | None:
    """The lists of an account; of one that could not be read, they are missing for its reason."""
    unread = collected.evidence.unread
    if collected.listed is not None or unread is None:
        return collected.listed
    return Listed((), unread)


def _facts_of_audited(
    target: Target, key: KnownKey, listed: Listed | None, own: Facts, pepper: bytes
) -> Facts:
    """The facts of an account that another one lists."""
    auditor = target.account.audited_by
    if listed is None:
        return own if target.asks else _nothing(Reason.NOT_DISCLOSED, f"{auditor} lists no keys")
    if not key.is_known:
        return own
    fitting = [one for one in listed.keys if key.fits(one, pepper)]
    if len(fitting) == 1:
        found = fitting[0]
        exists = observed(found.listing, value=True)
        facts = own if target.asks else facts_of_listed(found, auditor)
        return facts.learn("key.exists", exists)
    if fitting:
        detail = f"{auditor} lists {len(fitting)} keys that match it"
        return own if target.asks else _nothing(Reason.UNEXPECTED_ANSWER, detail)
    if listed.missing is not None:
        why = replace(listed.missing, detail=f"{auditor}: {listed.missing.detail}")
        return own if target.asks else Facts.nothing(why.reason, why.detail)
    if not all(key.compares(one) for one in listed.keys):
        detail = f"{auditor} shows too little of its keys to identify this one"
        return own if target.asks else _nothing(Reason.NOT_DISCLOSED, detail)
    gone = observed(_first_listing(target), value=False)
    if target.asks:
        # An answer to the key itself proves more than a list in which it cannot be found.
        return own if "key.exists" in own.known else own.learn("key.exists", gone)
    return _nothing(Reason.BAD_KEY, f"{auditor} lists no such key").learn("key.exists", gone)


def _first_listing(target: Target) -> str:
    listings = target.exchange.listings if target.exchange else ()
    return listings[0].id if listings else ""


def _nothing(reason: Reason, detail: str) -> Facts:
    return Facts.nothing(reason, detail)
