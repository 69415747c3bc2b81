"""What people hear of beside the report: once for all accounts that it keeps from being read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gatepolicy.collect.target import Collected, Target
from gatepolicy.model.reasons import HINT

if TYPE_CHECKING:
    from gatepolicy.model.facts import Unknown


def warnings_of(targets: Sequence[Target], collected: Mapping[int, Collected]) -> Iterator[str]:
    """One line each: of single accounts in their order, then what several have in common.

    Args:
        targets: What was asked.
        collected: By position among the targets.
    """
    groups: dict[tuple[str, Unknown], list[str]] = {}
    for position, target in enumerate(targets):
        found = collected[position]
        yield from found.warnings
        if found.trouble is not None:
            key = (target.account.subject.exchange, found.trouble)
            groups.setdefault(key, []).append(target.account.subject.id)
    for (exchange, why), accounts in groups.items():
        yield f"{exchange}: {_named(accounts)}: {why.detail}; {HINT[why.reason]}"


def _named(accounts: Sequence[str]) -> str:
    others = len(accounts) - 1
    return f"{accounts[0]}{f' and {others:,} more' if others else ''}"
