"""What the scan of the demonstration must find, and whether it did."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatepolicy.exchanges.catalog import Discloses, disclosure, load_exchange
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import Capability, Reason
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import Outcome
from gatepolicy.simulator.demo_accounts import DemoAccount


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
    "gate-auditor": Clean(),
    # A list masks the key: that no other account has the same one is not proved.
    "gate-audited": Proved(),
    "gate-auditor/key-0009": Violates("undeclared-key"),
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


def expected_elsewhere(accounts: Iterable[DemoAccount]) -> Mapping[str, Expected]:
    """What the scan must find on the other exchanges, by what their APIs disclose.

    Args:
        accounts: Safe ones, and others with a key that can withdraw.
    """
    return {
        account.account_id: _of_withdrawing_key(load_exchange(account.key.exchange))
        if account.wrong
        else _of_safe_key(load_exchange(account.key.exchange))
        for account in accounts
    }


def _of_safe_key(exchange: Exchange) -> Expected:
    withdraw = exchange.structural.get(Capability.WITHDRAW.fact)
    if withdraw is not None and withdraw.value is True:
        return Violates("withdrawal-enabled")
    binding = exchange.structural.get("ip.restricted")
    if binding is not None and binding.value is False:
        return Violates("ip-unbound")
    # A word whose absence is a sign and no proof leaves a safe key unknown.
    proves = _tells_withdrawals(exchange) in (Discloses.OBSERVED, Discloses.STRUCTURAL)
    return Proved() if proves else Unproved(Reason.NOT_DISCLOSED)


def _of_withdrawing_key(exchange: Exchange) -> Expected:
    sources = exchange.facts.get(Capability.WITHDRAW.fact, ())
    # Some answers can only tell that a key may not.
    says_no_only = bool(sources) and all(
        source.reader == "nothing" and not any(meaning.means for meaning in source.meanings)
        for source in sources
    )
    untold = says_no_only or _tells_withdrawals(exchange) is Discloses.NOT_DISCLOSED
    return Unproved(Reason.NOT_DISCLOSED) if untold else Violates("withdrawal-enabled")


def _tells_withdrawals(exchange: Exchange) -> Discloses:
    return disclosure(exchange)[Capability.WITHDRAW.fact].how


def surprises(scan: Scan, all_expected: Mapping[str, Expected]) -> Iterator[str]:
    """One line for everything that did not come out as expected."""
    results = {result.evidence.subject.id: result for result in scan.accounts}
    for account in sorted(all_expected.keys() ^ results.keys()):
        yield f"{account}: expected and scanned accounts differ"
    for account, expected in all_expected.items():
        if account in results and not _as_expected(results[account], expected):
            yield f"{account}: expected {expected}"


def _as_expected(result: AccountResult, expected: Expected) -> bool:
    match expected:
        case Clean():
            return not any(verdict.blocks or verdict.incomplete for verdict in result.verdicts)
        case Proved():
            proofs = [v for v in result.verdicts if v.name == "withdrawal-enabled"]
            proved = bool(proofs) and all(v.outcome is Outcome.PASS for v in proofs)
            return proved and not any(verdict.blocks for verdict in result.verdicts)
        case Violates(rule):
            return any(
                verdict.name == rule and verdict.outcome is Outcome.FAIL
                for verdict in result.verdicts
            )
        case Unproved(reason):
            withdrawal = [v for v in result.verdicts if v.name == "withdrawal-enabled"]
            return bool(withdrawal) and all(v.reason is reason for v in withdrawal)
