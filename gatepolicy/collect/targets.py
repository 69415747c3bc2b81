"""What collecting asks of each account, and which requests that sends. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gatepolicy.accounts.account import Account
from gatepolicy.collect.collector import Target, route_of, url_of
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.others import Other
from gatepolicy.model.facts import Unknown
from gatepolicy.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request that a scan would send."""

    account: str
    """Id of the account."""
    method: str
    """HTTP method."""
    url: str
    """Scheme, host and path."""
    egress: str
    """The proxy, or ``direct``."""
    permission: str
    """What the exchange demands of the key for it; may be empty."""


def make_targets(
    accounts: Iterable[Account],
    exchanges: Mapping[str, Exchange],
    others: Mapping[str, Other],
) -> list[Target]:
    """Join accounts with what is known about their exchanges.

    Args:
        accounts: Of the inventory.
        exchanges: Catalog entries by id.
        others: Exchanges without one, by id.
    """
    return [
        Target(account, exchange, _unusable(account, exchange, others))
        for account in accounts
        for exchange in [exchanges.get(account.subject.exchange)]
    ]


def _unusable(
    account: Account, exchange: Exchange | None, others: Mapping[str, Other]
) -> Unknown | None:
    if exchange is None:
        other = others.get(account.subject.exchange)
        return Unknown(Reason.UNSUPPORTED_EXCHANGE, other.told if other else "")
    missing = [name for name in exchange.credentials if name not in account.credentials]
    if missing:
        return Unknown(
            Reason.BAD_CREDENTIALS_CONFIG,
            f"the inventory names no {' and no '.join(missing)} for this account;"
            f" {exchange.title} needs {', '.join(exchange.credentials)}",
        )
    if account.sandbox and not exchange.sandbox_hosts:
        return Unknown(
            Reason.BAD_CREDENTIALS_CONFIG,
            f"the sandbox of {exchange.title} does not answer what a key can do",
        )
    return None


def planned_requests(targets: Sequence[Target]) -> list[PlannedRequest]:
    """Every request that collecting these targets would send, first attempts only."""
    return [
        PlannedRequest(
            account=target.account.subject.id,
            method=call.http_method,
            url=url_of(call, route_of(target.account, target.exchange)),
            egress=target.account.proxy or "direct",
            permission=call.permission,
        )
        for target in targets
        if target.exchange is not None and target.unusable is None
        for call in target.exchange.calls
    ]
