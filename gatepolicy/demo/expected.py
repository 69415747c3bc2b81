"""What the demonstration stages, and whether the scan found exactly that."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.disclosure import Discloses, disclosure
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
    unknown; where no answer tells anything about withdrawing, every key does.
    """
    expected: dict[str, Expected] = {}
    for exchange in exchanges:
        how = disclosure(load_exchange(exchange))[Capability.WITHDRAW.fact].how
        safe, sinful = _OF_KEYS.get(how, (Proved(), Violates("withdrawal-enabled")))
        expected |= {f"{exchange}-safe": safe, f"{exchange}-withdraw": sinful}
    return expected


_UNTOLD = Unproved(Reason.NOT_DISCLOSED)
_OF_KEYS: Mapping[Discloses, tuple[Expected, Expected]] = {
    Discloses.INFERRED: (_UNTOLD, Violates("withdrawal-enabled")),
    Discloses.NOT_DISCLOSED: (_UNTOLD, _UNTOLD),
}
"""How withdrawing is disclosed to what a safe key and a key that withdraws must come to."""


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
