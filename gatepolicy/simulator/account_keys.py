"""Keys of one account and of its sub-accounts, as lists tell of them. Pure."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import sha256

from gatepolicy.simulator.keys import SimulatedKey


class Rows(StrEnum):
    """What the rows of an answer are."""

    KEYS = "keys"
    """The keys of the caller's own account, the calling one last."""
    SUBACCOUNTS = "subaccounts"
    """The sub-accounts of the caller's account, each described by one of its keys."""
    SUBACCOUNT_KEYS = "subaccount_keys"
    """The keys of the sub-account that the request names, by its name or number; of the account
    itself, where the number is its own."""


def user_number(key: SimulatedKey) -> int:
    """The number of the account, or of the sub-account, that a key belongs to: invented."""
    account = key.account or key.api_key
    whole = f"{account}/{key.subaccount}" if key.subaccount else account
    return 10_000_000 + int.from_bytes(sha256(whole.encode()).digest()[:3])


def keys_of_account(key: SimulatedKey, keys: Sequence[SimulatedKey]) -> Sequence[SimulatedKey]:
    """The keys of the same account, or sub-account, the key itself last."""
    same = [
        other
        for other in keys
        if other is not key
        and key.account
        and (other.account, other.subaccount) == (key.account, key.subaccount)
    ]
    return [*same, key]


def keys_with_subaccounts(
    key: SimulatedKey, keys: Sequence[SimulatedKey]
) -> Sequence[SimulatedKey]:
    """The keys of the account; for a key of the main account, those of its sub-accounts, too."""
    return [*keys_of_account(key, keys), *_of_subaccounts(key, keys)]


def subaccounts(key: SimulatedKey, keys: Sequence[SimulatedKey]) -> Sequence[SimulatedKey]:
    """One key of each sub-account of the account, by the names of the sub-accounts."""
    first = {other.subaccount: other for other in reversed([*_of_subaccounts(key, keys)])}
    return [first[name] for name in sorted(first)]


def subaccount_keys(
    key: SimulatedKey, keys: Sequence[SimulatedKey], subaccount_of: str
) -> Sequence[SimulatedKey]:
    """The keys of the account, or sub-account, that has a number; or of the named sub-account."""
    return [
        other
        for other in keys_with_subaccounts(key, keys)
        if subaccount_of and subaccount_of in (other.subaccount, str(user_number(other)))
    ]


def _of_subaccounts(key: SimulatedKey, keys: Sequence[SimulatedKey]) -> Iterator[SimulatedKey]:
    # A key of a sub-account sees no other sub-account.
    if key.account and not key.subaccount:
        yield from (o for o in keys if o.subaccount and o.account == key.account)
