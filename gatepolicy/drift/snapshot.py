"""An earlier or a later scan, as far as two of them can be compared."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from gatepolicy.model.drift import Finding
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import Facts
from gatepolicy.model.scan import Scan


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a scan."""

    exchange: str
    """Id of the exchange."""
    id: str
    """Id of the account."""
    labels: Mapping[str, str]
    """As the inventory says them."""
    owner: str
    """As the inventory says it; may be empty."""
    facts: Facts
    """What was proved about its key."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be compared."""

    file: str
    """Where it was read from; empty for the scan that runs."""
    accounts: Mapping[tuple[str, str], Account]
    """By exchange and id."""
    judged: Sequence[Finding] | None
    """Every verdict; ``None`` for evidence, which nobody has judged."""
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Id of a rule, to the facts that it asks about; a rule of which nobody knows is not in it."""
    narrowed_by: Sequence[Sequence[str]] = ()
    """The options that narrowed it, such as ``--account mm-*``: of the command that collected, and
    of the one that judged. All of them hold."""
    left_out: Set[str] = frozenset()
    """Names of rules that it was told not to ask, or could not ask without the other accounts."""


def snapshot_of(scan: Scan) -> Snapshot:
    """A scan that just ended."""
    narrowing = scan.narrowing
    return Snapshot(
        file="",
        accounts=accounts_of([account.evidence for account in scan.accounts]),
        judged=scan.as_findings(),
        asked={rule.id: rule.facts for rule in scan.rules},
        narrowed_by=(narrowing.options, narrowing.evidence_options),
        left_out={*narrowing.rules, *narrowing.comparisons},
    )


def accounts_of(evidence: Sequence[Evidence]) -> dict[tuple[str, str], Account]:
    """Accounts by exchange and id."""
    accounts = [
        Account(e.subject.exchange, e.subject.id, e.subject.labels, e.subject.owner, e.facts)
        for e in evidence
    ]
    return {(account.exchange, account.id): account for account in accounts}
