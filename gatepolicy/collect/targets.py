"""What collecting asks of each account, and which requests that sends. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from gatepolicy.accounts.account import Account, EnvReference, FileReference
from gatepolicy.collect.collector import route_of, url_of
from gatepolicy.collect.queues import calls_of
from gatepolicy.collect.target import Target
from gatepolicy.collect.trust import Trust
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.others import Other
from gatepolicy.model.evidence import Subject
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


@dataclass(frozen=True, slots=True)
class Targets:
    """Everything that is collected."""

    asked: Sequence[Target]
    """The selected accounts, in the order of the inventory; then the auditors that they need."""
    selected: int
    """How many of them are selected accounts."""
    others: Sequence[Account]
    """Accounts that are not asked, and whose public key ids are read to compare them: where a
    discovery must know whether a key is theirs, or where reading them starts nothing."""
    unasked: Sequence[Account] = ()
    """All accounts of the inventory that are not asked. Nothing else that they refer to is read."""


def make_targets(
    accounts: Sequence[Account],
    takes: Callable[[Subject], bool],
    exchanges: Mapping[str, Exchange],
    known_others: Mapping[str, Other],
    trust: Trust = Trust(),  # noqa: B008 - frozen
    *,
    inventory: str = "",
) -> Targets:
    """Join accounts with what is known about their exchanges.

    Args:
        accounts: Of the inventory.
        takes: Whether an account is selected.
        exchanges: Catalog entries by id.
        known_others: Exchanges without one, by id.
        trust: What files may lead to.
        inventory: The file of the accounts.
    """
    refused = {
        account.subject.id: trust.refusal(
            account, exchanges.get(account.subject.exchange), inventory
        )
        for account in accounts
    }
    selected = [account for account in accounts if takes(account.subject)]
    wanted = {account.audited_by for account in selected if account.audited_by}
    ids = {account.subject.id for account in selected}
    auditors = [a for a in accounts if a.subject.id in wanted and a.subject.id not in ids]
    taken = ids | {account.subject.id for account in auditors}
    unasked = [account for account in accounts if account.subject.id not in taken]
    return Targets(
        asked=[
            _target(account, exchanges, wanted, known_others, refused[account.subject.id])
            for account in (*selected, *auditors)
        ],
        selected=len(selected),
        others=list(_compared(unasked, selected, refused)),
        unasked=unasked,
    )


def _compared(
    unasked: Sequence[Account],
    selected: Sequence[Account],
    refused: Mapping[str, Unknown | None],
) -> Iterator[Account]:
    """The accounts whose keys are compared with those of the selected ones.

    What may not be read is compared as what could not be: any listed key may be that one.
    """
    discovering = {account.subject.exchange for account in selected if account.discover}
    compared = {account.subject.exchange for account in selected}
    for account in unasked:
        exchange = account.subject.exchange
        if exchange in discovering or (exchange in compared and _is_read_at_rest(account)):
            is_refused = refused[account.subject.id] is not None
            yield replace(account, credentials={}) if is_refused else account


def _is_read_at_rest(account: Account) -> bool:
    """Whether its public key id stands somewhere: to read it starts no command, and asks nobody."""
    return isinstance(account.credentials.get("apiKey"), EnvReference | FileReference)


def _target(
    account: Account,
    exchanges: Mapping[str, Exchange],
    auditors: Set[str],
    others: Mapping[str, Other],
    refusal: Unknown | None,
) -> Target:
    exchange = exchanges.get(account.subject.exchange)
    audits = account.subject.id in auditors
    return Target(
        account=account,
        exchange=exchange,
        unusable=refusal or _unusable(account, exchange, others),
        asks=exchange is None or not _missing(account, exchange),
        lists=audits or account.discover,
    )


def _missing(account: Account, exchange: Exchange) -> list[str]:
    return [name for name in exchange.credentials if name not in account.credentials]


def _unusable(
    account: Account, exchange: Exchange | None, others: Mapping[str, Other]
) -> Unknown | None:
    if exchange is None:
        other = others.get(account.subject.exchange)
        return Unknown(Reason.UNSUPPORTED_EXCHANGE, other.told if other else "")
    missing = _missing(account, exchange)
    if missing and not account.audited_by:
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
        if target.exchange is not None
        for call in calls_of(target)
    ]
