"""One finished scan that shows every kind of verdict; all report tests share it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import ip_network

from gatepolicy.model.evidence import CallRecord, Evidence, Location, Subject
from gatepolicy.model.facts import (
    FACTS,
    HINT,
    Access,
    Fact,
    Facts,
    FactValue,
    Grade,
    Grant,
    Never,
    Provenance,
    Reason,
    Unknown,
)
from gatepolicy.model.scan import (
    AccountResult,
    Override,
    PolicyInfo,
    PolicySource,
    Scan,
    ScanSettings,
)
from gatepolicy.model.verdicts import (
    OnUnknown,
    Outcome,
    PostureLine,
    RuleInfo,
    Severity,
    Verdict,
    Waived,
    WaiverInfo,
    WaiverState,
    WaiverTerms,
)

STARTED = datetime(2026, 11, 23, 16, 0, 0, tzinfo=UTC)
COLLECTED = datetime(2026, 11, 23, 16, 0, 1, 250000, tzinfo=UTC)
FINISHED = datetime(2026, 11, 23, 16, 0, 2, tzinfo=UTC)
HOSTILE_NAME = "bot\x1b[31m\x07[click](https://evil.example) {0}\u202egnp.exe\r\nFAKE: all pass"
POLICIES = "policies/baseline.yaml"

WITHDRAW = RuleInfo(
    id="GP001",
    name="withdrawal-enabled",
    title="The key can withdraw funds",
    severity=Severity.CRITICAL,
    why="Whoever gets hold of a key that can withdraw can empty the account, and nobody can call "
    "the funds back.",
    fix={
        "default": "Edit the key and remove the withdrawal permission.",
        "gate": "profile icon → API Management → edit the key: untick Withdraw.",
    },
    references=("https://example.com/keys",),
    tags=("security", "permissions", "funds"),
    facts=("permission.{item}",),
    posture=PostureLine.FUNDS,
)
NOT_ALLOWED = RuleInfo(
    id="GP004",
    name="permission-not-allowed",
    title="The key has a permission that the policy does not allow",
    severity=Severity.HIGH,
    why="Everything beyond what a key needs is of use to a thief only.",
    fix={"default": "Edit the key and remove the permission."},
    references=(),
    tags=("permissions",),
    posture=PostureLine.PERMISSIONS,
)
UNBOUND = RuleInfo(
    id="GP010",
    name="ip-unbound",
    title="The key has no IP allowlist",
    severity=Severity.HIGH,
    why="A key that is bound to no address works from anywhere.",
    fix={"default": "Edit the key and turn IP binding on."},
    references=("docs/gate.md",),
    tags=("network",),
    facts=("ip.restricted",),
    posture=PostureLine.ADDRESSES,
)
TOO_OLD = RuleInfo(
    id="GP020",
    name="key-too-old",
    title="The key is too old",
    severity=Severity.MEDIUM,
    why="",
    fix={"default": "Make a new key, move the bots to it, then delete the old one."},
    references=(),
    tags=(),
    posture=PostureLine.HYGIENE,
)
BAD_NAME = RuleInfo(
    id="GP025",
    name="key-name-mismatch",
    title="The name of the key is not of the agreed form",
    severity=Severity.LOW,
    why="The name tells which key belongs to which bot.",
    fix={"default": "Edit the key's name."},
    references=(),
    tags=("hygiene",),
    posture=PostureLine.HYGIENE,
)
NO_ACCOUNTS = RuleInfo(
    id="GP031",
    name="policy-without-accounts",
    title="The policy covers no account",
    severity=Severity.MEDIUM,
    why="A policy that covers no account checks nothing.",
    fix={"default": "Correct the policy's applies_to, or delete the policy."},
    references=(),
    tags=("coverage",),
)
RULES = (WITHDRAW, NOT_ALLOWED, UNBOUND, TOO_OLD, BAD_NAME, NO_ACCOUNTS)


def verdict(
    rule: RuleInfo,
    outcome: Outcome,
    expected: str,
    seen: str = "",
    *,
    subject: str = "",
    reason: Reason | None = None,
    on_unknown: OnUnknown = OnUnknown.INCOMPLETE,
    policy: str = "baseline",
    line: int = 9,
) -> Verdict:
    """A verdict of a rule, with the rule's own severity."""
    return Verdict(
        rule=rule.id,
        name=rule.name,
        outcome=outcome,
        severity=rule.severity,
        subject=subject,
        expected=expected,
        seen=seen,
        reason=reason,
        needed=HINT[reason] if reason else "",
        on_unknown=on_unknown,
        policy=policy,
        location=Location(POLICIES, line, 3),
    )


def observed(value: FactValue, pointer: str) -> Fact:
    """A fact that an answer shows."""
    return Fact(value, Provenance(Grade.OBSERVED, "account_detail", pointer))


def account(
    subject: Subject,
    facts: Facts,
    verdicts: Sequence[Verdict],
    calls: Sequence[CallRecord] = (),
) -> AccountResult:
    """One account of the scan."""
    return AccountResult(Evidence(subject, COLLECTED, facts, calls), verdicts)


def subject(name: str, exchange: str, line: int, owner: str = "", **labels: str) -> Subject:
    """An account of the inventory."""
    return Subject(name, exchange, labels, owner, Location("conf/accounts.yaml", line, 5))


def rest_unknown(known: dict[str, Fact]) -> Facts:
    """These facts, and all others not disclosed."""
    others = {name: Unknown(Reason.NOT_DISCLOSED) for name in FACTS if name not in known}
    return Facts(known, others)


def failing() -> AccountResult:
    """Fails twice, with an unknown that the policy only warns about, and a hostile key name."""
    facts = rest_unknown(
        {
            "permission.read": observed(True, "/perms/0"),
            "permission.withdraw": observed(True, "/perms/1"),
            "permissions.native": observed(
                (Grant("spot", Access.READ_WRITE), Grant("withdraw", Access.GRANTED)), "/perms"
            ),
            "ip.restricted": Fact(
                False, Provenance(Grade.STRUCTURAL, "", "", "https://example.com/api#ip")
            ),
            "ip.allowlist": observed(
                (ip_network("203.0.113.0/28"), ip_network("2001:db8::/32")), ""
            ),
            "key.name": observed(HOSTILE_NAME, "/name"),
            "key.created_at": observed(datetime(2026, 1, 5, 9, 30, tzinfo=UTC), "/created"),
            "key.last_used_at": observed(Never.NEVER, "/used"),
        }
    )
    return account(
        subject("mm-gate", "gate", 3, "treasury", desk="mm", region="eu"),
        facts,
        (
            verdict(WITHDRAW, Outcome.FAIL, "the key cannot withdraw funds", "it can",
                    subject="withdraw"),
            verdict(WITHDRAW, Outcome.FAIL, "the key cannot withdraw funds", "it can",
                    subject="withdraw", policy="desk", line=21),
            verdict(NOT_ALLOWED, Outcome.PASS, "the key cannot trade options",
                    "it cannot", subject="trade.options"),
            verdict(UNBOUND, Outcome.PASS, "only listed addresses may use the key",
                    "only listed addresses may"),
            verdict(BAD_NAME, Outcome.FAIL, "the key's name matches ^MM ",
                    f"the name is {HOSTILE_NAME}"),
            verdict(TOO_OLD, Outcome.UNKNOWN, "the key is at most 90d old",
                    reason=Reason.NOT_DISCLOSED, on_unknown=OnUnknown.WARN),
        ),
    )  # fmt: skip


def refused() -> AccountResult:
    """Nothing is proved but that addresses are restricted."""
    detail = "the exchange answered 40018"
    facts = Facts(
        {"ip.restricted": Fact(True, Provenance(Grade.REFUSAL, "account_detail", ""))},
        {name: Unknown(Reason.IP_REFUSED, detail) for name in FACTS if name != "ip.restricted"},
    )
    why = Reason.IP_REFUSED
    return account(
        subject("東京-okx-市場", "okx", 17),
        facts,
        (
            verdict(WITHDRAW, Outcome.UNKNOWN, "the key cannot withdraw funds",
                    subject="withdraw", reason=why, on_unknown=OnUnknown.BLOCK),
            verdict(NOT_ALLOWED, Outcome.UNKNOWN, "the key cannot trade options",
                    subject="trade.options", reason=why),
            verdict(NOT_ALLOWED, Outcome.UNKNOWN, "the key cannot take and repay loans",
                    subject="loan", reason=why),
            verdict(UNBOUND, Outcome.PASS, "only listed addresses may use the key",
                    "only listed addresses may"),
            verdict(TOO_OLD, Outcome.UNKNOWN, "the key is at most 90d old", reason=why),
        ),
        (CallRecord("account_detail", "GET", "https://api.example.com/v5/account", 401,
                    "ip_refused", 1, '{"code":"40018"}'),),
    )  # fmt: skip


ACCEPTED = WaiverTerms(
    id="RISK-7",
    rule="withdrawal-enabled",
    owner="custody@example.com",
    justification="The vault sweeps to cold storage \x1b[2Jonce a day.",
    ticket="https://tickets.example.com/RISK-7",
    approved_by="risk@example.com",
    created=date(2026, 9, 1),
    expires=date(2026, 11, 15),
    location=Location("conf/waivers.yaml", 4, 5),
)


def waived() -> AccountResult:
    """One waived fail, and a second fail of a rule that failed before on another exchange."""
    return account(
        subject("vault-bybit", "bybit", 24, "custody"),
        rest_unknown({"permission.withdraw": observed(True, "/perms/Wallet")}),
        (
            replace(
                verdict(WITHDRAW, Outcome.WAIVED, "the key cannot withdraw funds", "it can",
                        subject="withdraw"),
                waived=Waived(Outcome.FAIL, ACCEPTED),
            ),
            verdict(NOT_ALLOWED, Outcome.FAIL, "the key cannot take and repay loans", "it can",
                    subject="loan"),
            verdict(UNBOUND, Outcome.PASS, "only listed addresses may use the key",
                    "only listed addresses may"),
        ),
    )  # fmt: skip


def passing(name: str = "clean-binance", line: int = 30) -> AccountResult:
    """Nothing to say about it."""
    return account(
        subject(name, "binance", line),
        rest_unknown({"permission.withdraw": observed(False, "/enableWithdrawals")}),
        (
            verdict(WITHDRAW, Outcome.PASS, "the key cannot withdraw funds", "it cannot",
                    subject="withdraw"),
            verdict(BAD_NAME, Outcome.NOT_APPLICABLE, "the key's name matches ^MM "),
        ),
    )  # fmt: skip


def silent() -> AccountResult:
    """Passes, but for what its exchange never discloses."""
    untold = verdict(TOO_OLD, Outcome.UNKNOWN, "the key is at most 90d old",
                     reason=Reason.NOT_DISCLOSED, on_unknown=OnUnknown.WARN)  # fmt: skip
    account = passing("quiet-kucoin", 36)
    where = subject("quiet-kucoin", "kucoin", 36)
    return AccountResult(
        replace(account.evidence, subject=where),
        (*account.verdicts, replace(untold, is_verifiable=False)),
    )


def lonely_policy() -> Verdict:
    """A verdict about the scan itself."""
    return verdict(
        NO_ACCOUNTS,
        Outcome.UNKNOWN,
        "the policy applies to at least one account",
        "it applies to none",
        subject="options-desk",
        reason=Reason.NOT_COVERED,
        policy="options-desk",
        line=40,
    )


FIRM = PolicySource("firm", "policies/firm.yaml", "ef" * 32)
LONGER = Override(
    clause="key.max_age",
    because="the venue\x1b[2J makes keys for a year only",
    policy="options-desk",
    location=Location(POLICIES, 44, 5),
)


def scan_of(
    *accounts: AccountResult,
    general: Sequence[Verdict] = (),
    warnings: Sequence[str] = (),
    settings: ScanSettings | None = None,
) -> Scan:
    """A scan of these accounts."""
    return Scan(
        started_at=STARTED,
        finished_at=FINISHED,
        settings=settings or ScanSettings(),
        rules=RULES,
        policies=(
            PolicyInfo("baseline", "What every key must hold to", POLICIES, "ab" * 32, 4),
            PolicyInfo("options-desk", "The options desk", POLICIES, "cd" * 32, 0),
        ),
        accounts=accounts,
        general=general,
        warnings=warnings,
    )


def example_scan() -> Scan:
    """Every kind of verdict at once."""
    scan = scan_of(
        failing(),
        refused(),
        waived(),
        passing(),
        silent(),
        general=(lonely_policy(),),
        warnings=("others can read the file secrets/\x1b]0;owned\x07okx",),
    )
    baseline, desk = scan.policies
    return replace(
        scan,
        policies=(baseline, replace(desk, extends=(FIRM,), overrides=(LONGER,))),
        waivers=(WaiverInfo(ACCEPTED, WaiverState.EXPIRING, 1, 1),),
    )
