"""Egresses of a project, and the parts of an inventory that are collected apart. Pure.

A part is the accounts of one egress, or one shard of the accounts, or both: each machine reads its
part with the secrets that it needs for it, and no others.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from gatepolicy.accounts.account import Account
from gatepolicy.documents.schema import did_you_mean
from gatepolicy.errors import UsageError
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Network

WITHOUT = "none"
"""Stands for the accounts that name no egress: they can be read from anywhere."""
MOST_SHARDS = 1000
_SHARD = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Egress:
    """An egress that a project declares: a place from which exchanges are asked."""

    name: str
    """How accounts and commands name it."""
    addresses: tuple[Network, ...]
    """Of what leaves there; empty when the project does not say."""
    labels: Mapping[str, str]
    """Accounts that carry them all use this egress; empty for those that name it themselves."""
    location: Location
    """Where it is declared."""

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether an account with these labels uses it."""
        return bool(self.labels) and self.labels.items() <= labels.items()


Egresses = Mapping[str, Egress]
"""Every egress of a project, by name."""
NO_EGRESSES: Egresses = {}
"""No egress is declared."""


@dataclass(frozen=True, slots=True)
class Mistaken:
    """Why nobody can tell which egress an account uses."""

    what: str
    """What is wrong."""
    fix: str
    """What to do."""


def egress_of(written: object, labels: Mapping[str, str], declared: Egresses) -> str | Mistaken:
    """The name of the egress that an account uses; empty when it may be read from anywhere.

    Args:
        written: What the account says under ``egress``: a name, a list of networks, or nothing.
        labels: Of the account.
        declared: By the project.
    """
    if isinstance(written, str):
        return written if written in declared else _undeclared(written, declared)
    fitting = [one.name for one in declared.values() if one.fits(labels)]
    if len(fitting) > 1:
        what = f"its labels fit two egresses of the project, {fitting[0]} and {fitting[1]}"
        return Mistaken(what, f"name one of them: egress: {fitting[0]}")
    return fitting[0] if fitting else ""


def _undeclared(name: str, declared: Egresses) -> Mistaken:
    known = f"the project declares {', '.join(declared)}" if declared else _NONE_DECLARED
    return Mistaken(f"undeclared egress {name}", did_you_mean(name, declared, known))


_NONE_DECLARED = "declare it under egresses in gatepolicy.yaml"


def digest_with(inventory: bytes, declared: Egresses) -> str:
    """What tells whether two machines have the same inventory: its bytes, and the egresses.

    Args:
        inventory: The file.
        declared: By the project.
    """
    digest = sha256(inventory)
    if declared:
        digest.update(
            json.dumps(
                [
                    [one.name, [str(network) for network in one.addresses], dict(one.labels)]
                    for _, one in sorted(declared.items())
                ],
                sort_keys=True,
            ).encode()
        )
    return digest.hexdigest()


def shard_of(exchange: str, account: str, of: int) -> int:
    """The shard of an account: the same on every machine, whatever else the inventory holds.

    Args:
        exchange: Id of its exchange.
        account: Its id.
        of: How many shards there are, at least one.

    Returns: From 1 on.
    """
    digest = sha256(f"{exchange}\0{account}".encode()).digest()
    return int.from_bytes(digest[:8]) % of + 1


@dataclass(frozen=True, slots=True)
class Part:
    """Which accounts of an inventory one collection reads."""

    egress: str = ""
    """Name of the egress; ``none`` for the accounts without one; empty for all."""
    shard: int = 1
    """Number of the shard among these, from 1 on."""
    of: int = 1
    """How many shards there are."""

    def __str__(self) -> str:
        """Such as ``egress tokyo, shard 2/3``."""
        egress = f"egress {self.egress}" if self.egress else ""
        shard = f"shard {self.shard}/{self.of}" if self.of > 1 or not self.egress else ""
        return ", ".join(filter(None, (egress, shard)))

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole inventory."""
        return not self.egress and self.of == 1


WHOLE = Part()
"""All accounts."""


def shard_from(text: str) -> tuple[int, int] | None:
    """Number and count of shards from a text such as ``3/10``; ``None`` when it is none."""
    found = _SHARD.fullmatch(text)
    if found is None:
        return None
    shard, of = int(found[1]), int(found[2])
    return (shard, of) if shard <= of <= MOST_SHARDS else None


@dataclass(frozen=True, slots=True)
class Division:
    """Which accounts are read together: an audited one with its auditor."""

    asked: Mapping[str, Account] = field(repr=False)
    """Id of an account, to the account whose key is asked about it: mostly its own."""

    @classmethod
    def of(cls, accounts: Iterable[Account]) -> "Division":
        """The division of an inventory."""
        by_id = {account.subject.id: account for account in accounts}
        return cls({name: by_id.get(one.audited_by, one) for name, one in by_id.items()})

    def part_of(self, account: str, among: Part) -> Part:
        """The part that reads an account.

        Args:
            account: Its id.
            among: A part. Its count of shards is that of its own egress alone.
        """
        asked = self.asked[account]
        egress = (asked.egress_name or WITHOUT) if among.egress else ""
        if egress != among.egress:
            return Part(egress)
        return Part(egress, shard_of(asked.subject.exchange, asked.subject.id, among.of), among.of)

    def takes(self, part: Part) -> Callable[[Subject], bool]:
        """Tells of an account whether a part reads it."""
        return lambda subject: self.part_of(subject.id, part) == part

    def egresses(self) -> Iterator[str]:
        """The egress of each account as ``--egress`` names it, in the order of the inventory."""
        return ((one.egress_name or WITHOUT) for one in self.asked.values())


def refuse_unknown_egress(name: str, declared: Egresses, division: Division) -> None:
    """Refuse an egress that is not declared, or that no account uses.

    Raises:
        UsageError: Surely a slip, never a collection of nothing.
    """
    if name and name != WITHOUT and name not in declared:
        wrong = _undeclared(name, declared)
        raise UsageError(f"--egress {name}: {wrong.what}", hint=wrong.fix)
    used = dict.fromkeys(division.egresses())
    if name and name not in used:
        hint = f"accounts use {', '.join(used)}" if used else "the inventory has no account"
        raise UsageError(f"--egress {name}: no account uses it", hint=hint)
