"""What the demonstration stages, and whether the scan found exactly that."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.capabilities import Capability
from gatepolicy.model.reasons import Reason
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Clean:
    """Nothing can be said against the account."""


@dataclass(frozen=True, slots=True)
class Violates:
    """The account fails a rule."""

    rule: str
    """Name of the rule."""


@dataclass(frozen=True, slots=True)
class Unproved:
    """Nothing can be proved about withdrawing, for one reason."""

    reason: Reason
    """The reason."""


@dataclass(frozen=True, slots=True)
class Proved:
    """That the key cannot withdraw is proved, and nothing is violated."""


Expected = Clean | Violates | Unproved | Proved

EXPECTED: Mapping[str, Expected] = {
    "gate-mm": Clean(),
    "gate-withdraw": Violates("withdrawal-enabled"),
    "gate-guide": Unproved(Reason.PERMISSION_DENIED),
    "gate-foreign-ip": Violates("ip-outside-allowlist"),
    "gate-pairs": Violates("trading-pairs-restricted"),
    "gate-idle": Violates("key-idle"),
    "binance-mm": Clean(),
    "binance-withdraw": Violates("withdrawal-enabled"),
    "binance-unbound": Violates("ip-unbound"),
    "bybit-mm": Clean(),
    "bybit-unbound": Violates("ip-unbound"),
    "bybit-expiring": Violates("key-expiring"),
    "bybit-expired": Unproved(Reason.KEY_EXPIRED),
    "bybit-refused": Unproved(Reason.IP_REFUSED),
    "okx-mm": Clean(),
    "okx-withdraw": Violates("withdrawal-enabled"),
    "okx-wide-range": Violates("ip-range-too-wide"),
    "okx-wrong-secret": Unproved(Reason.BAD_SIGNATURE),
    "kucoin-mm": Clean(),
    "kucoin-old": Violates("key-too-old"),
    "kucoin-quantum": Violates("permission-unrecognised"),
    "kucoin-read-only": Violates("permission-missing"),
}
"""Account id to what the scan must find."""


def expected_of_map(exchanges: Iterable[str]) -> Mapping[str, Expected]:
    """What the scan must find on exchanges that are played from profiles.

    Where the catalog says that an answer without the word is a sign and no proof, a safe key stays
    unknown; where all keys of an exchange are alike, there is no second one.
    """
    loaded = [load_exchange(exchange) for exchange in exchanges]
    safe = {f"{exchange.id}-safe": _of_safe_key(exchange) for exchange in loaded}
    sinful = {
        f"{exchange.id}-withdraw": _of_key_that_withdraws(exchange)
        for exchange in loaded
        if Capability.WITHDRAW.fact not in exchange.structural
    }
    return {**safe, **sinful}


def _of_safe_key(exchange: Exchange) -> Expected:
    withdraw = exchange.structural.get(Capability.WITHDRAW.fact)
    if withdraw is not None and withdraw.value is True:
        return Violates("withdrawal-enabled")
    bound = exchange.structural.get("ip.restricted")
    if bound is not None and bound.value is False:
        return Violates("ip-unbound")
    if Capability.WITHDRAW in exchange.permissions.inferred_absence:
        return Unproved(Reason.NOT_DISCLOSED)
    return _of_what_is_told(exchange, Proved())


def _of_key_that_withdraws(exchange: Exchange) -> Expected:
    return _of_what_is_told(exchange, Violates("withdrawal-enabled"))


def _of_what_is_told(exchange: Exchange, expected: Expected) -> Expected:
    silent = Capability.WITHDRAW.fact in exchange.not_disclosed
    return Unproved(Reason.NOT_DISCLOSED) if silent else expected


def surprises(scan: Scan, staged: Mapping[str, Expected]) -> Iterator[str]:
    """One line for everything that did not come out as staged."""
    results = {result.evidence.subject.id: result for result in scan.accounts}
    for account in sorted(staged.keys() ^ results.keys()):
        yield f"{account}: staged and scanned accounts differ"
    for account, expected in staged.items():
        if account in results and not _as_staged(results[account], expected):
            yield f"{account}: expected {expected}"


def _as_staged(result: AccountResult, expected: Expected) -> bool:
    match expected:
        case Clean():
            return not any(verdict.violates or verdict.incomplete for verdict in result.verdicts)
        case Proved():
            proofs = [v for v in result.verdicts if v.name == "withdrawal-enabled"]
            proved = bool(proofs) and all(v.outcome is Outcome.PASS for v in proofs)
            return proved and not any(verdict.violates for verdict in result.verdicts)
        case Violates(rule):
            return any(
                verdict.name == rule and verdict.outcome is Outcome.FAIL
                for verdict in result.verdicts
            )
        case Unproved(reason):
            withdrawal = [v for v in result.verdicts if v.name == "withdrawal-enabled"]
            return bool(withdrawal) and all(v.reason is reason for v in withdrawal)
