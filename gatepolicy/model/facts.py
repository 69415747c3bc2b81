"""Facts: the narrow waist between exchanges and rules, with the reasons for what is not known.

A fact is a name with a value and a source. What was not disclosed is absent and has a reason
instead; nothing is ever assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network


class Reason(StrEnum):
    """Why a fact was not proved."""

    BAD_KEY = "bad_key"
    BAD_SIGNATURE = "bad_signature"
    PERMISSION_DENIED = "permission_denied"
    IP_REFUSED = "ip_refused"
    KEY_EXPIRED = "key_expired"
    CLOCK_SKEW = "clock_skew"
    RATE_LIMITED = "rate_limited"
    LOCKED_OUT = "locked_out"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    MAINTENANCE = "maintenance"
    GEO_BLOCKED = "geo_blocked"
    UNEXPECTED_ANSWER = "unexpected_answer"
    NOT_DISCLOSED = "not_disclosed"
    UNSUPPORTED_EXCHANGE = "unsupported_exchange"
    BAD_CREDENTIALS_CONFIG = "bad_credentials_config"
    TLS_ERROR = "tls_error"
    NOT_COVERED = "not_covered"
    REQUEST_REFUSED = "request_refused"
    LIMIT_REACHED = "limit_reached"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internal_error"
    NOT_SELECTED = "not_selected"
    """Only accounts that a narrowed scan left out could tell."""
    STALE_EVIDENCE = "stale_evidence"
    NOT_COLLECTED = "not_collected"
    """The inventory was collected in parts, and the one with this account is missing."""
    NOT_ALLOWED = "not_allowed"
    """A file leads to a host, a command or a file that nobody allowed; nothing was sent."""


NOTHING_TO_READ = frozenset({Reason.NOT_DISCLOSED, Reason.UNSUPPORTED_EXCHANGE, Reason.NOT_COVERED})
"""The exchange does not disclose it, or gatepolicy cannot ask, or no policy does: asking again
changes nothing. Every other reason means *could not be read*, and no policy softens that."""


def could_not_be_read(reason: Reason) -> bool:
    """Whether something was asked for and not read, as opposed to not disclosed."""
    return reason not in NOTHING_TO_READ


HINT: dict[Reason, str] = {
    Reason.BAD_KEY: "check that the key exists, is enabled and belongs to this exchange and site",
    Reason.BAD_SIGNATURE: "check the secret (and the passphrase) that the inventory refers to",
    Reason.PERMISSION_DENIED: "give the key the read permission that this call needs",
    Reason.IP_REFUSED: "scan from an address that the key allows",
    Reason.KEY_EXPIRED: "the exchange says that the key has expired: replace or delete it",
    Reason.CLOCK_SKEW: "set this machine's clock (NTP) and scan again",
    Reason.RATE_LIMITED: "scan later, or lower --jobs or --max-rate",
    Reason.LOCKED_OUT: "the exchange has locked the key or the account: wait, or ask its support",
    Reason.UNREACHABLE: "check the network path, the proxy and base_url, then scan again",
    Reason.TIMEOUT: "scan again, or raise the account's timeout",
    Reason.MAINTENANCE: "the exchange is in maintenance: scan again later",
    Reason.GEO_BLOCKED: "the exchange refuses this region: scan from an allowed egress",
    Reason.UNEXPECTED_ANSWER: "the answer is undocumented: see the evidence",
    Reason.NOT_DISCLOSED: "check it by hand on the exchange's web page",
    Reason.UNSUPPORTED_EXCHANGE: "gatepolicy has no catalog entry for this exchange",
    Reason.BAD_CREDENTIALS_CONFIG: "check the credential references of this account",
    Reason.TLS_ERROR: "the server's certificate was rejected: check the proxy and base_url",
    Reason.NOT_COVERED: "write a policy that applies, or correct applies_to",
    Reason.REQUEST_REFUSED: "the installed ccxt does not match the catalog: update one of them",
    Reason.LIMIT_REACHED: "raise the account's timeout, or list fewer keys with one account",
    Reason.INTERRUPTED: "the scan was interrupted: scan again",
    Reason.INTERNAL_ERROR: "please report this defect with its reference",
    Reason.NOT_SELECTED: "scan all accounts, without --account and --label",
    Reason.STALE_EVIDENCE: "collect the evidence again",
    Reason.NOT_COLLECTED: "collect the missing part, and evaluate all parts together",
    Reason.NOT_ALLOWED: "nothing was read or sent; if you trust it, allow the host with"
    " --allow-host HOST, or the reference by a scan without --untrusted",
}


class Capability(StrEnum):
    """A thing that a key can do. Each has a fact ``permission.<capability>``."""

    READ = "read"
    TRADE_SPOT = "trade.spot"
    TRADE_MARGIN = "trade.margin"
    TRADE_FUTURES = "trade.futures"
    TRADE_OPTIONS = "trade.options"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"
    CONVERT = "convert"
    EARN = "earn"
    LOAN = "loan"
    COPY_TRADING = "copy_trading"
    P2P = "p2p"
    CUSTODY = "custody"
    MANAGE = "manage"

    @property
    def fact(self) -> str:
        """The name of the fact that says whether a key has this capability."""
        return f"permission.{self.value}"


DESCRIPTION: dict[Capability, str] = {
    Capability.READ: "read balances, orders and settings",
    Capability.TRADE_SPOT: "place and cancel spot orders",
    Capability.TRADE_MARGIN: "borrow, repay and trade on margin",
    Capability.TRADE_FUTURES: "trade perpetual and delivery contracts",
    Capability.TRADE_OPTIONS: "trade options",
    Capability.WITHDRAW: "send funds out of the exchange",
    Capability.TRANSFER: "move funds between own wallets, sub-accounts or users",
    Capability.CONVERT: "convert one coin to another outside the order book",
    Capability.EARN: "subscribe to and redeem earning products",
    Capability.LOAN: "take and repay loans",
    Capability.COPY_TRADING: "lead or follow copy trading",
    Capability.P2P: "trade or pay person to person",
    Capability.CUSTODY: "act in custody services",
    Capability.MANAGE: "manage keys, sub-accounts or addresses",
}


class Grade(StrEnum):
    """How strong the proof of a fact is."""

    OBSERVED = "observed"
    """An answer of the exchange says so."""
    REFUSAL = "refusal"
    """An error of the exchange proves it."""
    STRUCTURAL = "structural"
    """The exchange's own documented rules make it so."""
    ATTESTED = "attested"
    """A named person said so on a date."""
    INFERRED = "inferred"
    """The answer does not contradict it, but the documents do not promise that it would.
    Counts as unknown unless a policy accepts this grade."""
    APPARENT = "apparent"
    """An answer plainly shows it, in a form that no document describes. It can fail a rule, and
    never passes one, whatever a policy accepts."""


class Access(StrEnum):
    """How far a granted word reaches."""

    READ_ONLY = "read-only"
    READ_WRITE = "read-write"
    GRANTED = "granted"
    """Granted, by an exchange that does not split reading from writing for this word."""
    UNKNOWN = "unknown"
    """The answer does not tell whether the word is granted, or how far."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One of the exchange's own permission words."""

    word: str
    """As the exchange writes it."""
    access: Access
    """How far it reaches."""


class Never(StrEnum):
    """The value of a time that will not come."""

    NEVER = "never"


Network = IPv4Network | IPv6Network
FactValue = (
    bool | str | datetime | Never | tuple[str, ...] | tuple[Network, ...] | tuple[Grant, ...]
)


class FactKind(StrEnum):
    """The type of a fact's value."""

    BOOL = "bool"
    TEXT = "text"
    TIME = "time"
    """An aware UTC datetime, or ``Never.NEVER``."""
    TEXTS = "texts"
    NETWORKS = "networks"
    GRANTS = "grants"


@dataclass(frozen=True, slots=True)
class FactDefinition:
    """What a fact means."""

    kind: FactKind
    """The type of its value."""
    meaning: str
    """One line for people."""


FACTS: dict[str, FactDefinition] = {
    **{
        capability.fact: FactDefinition(FactKind.BOOL, f"the key can {DESCRIPTION[capability]}")
        for capability in Capability
    },
    "permissions.native": FactDefinition(
        FactKind.GRANTS, "granted permissions, as the exchange names them"
    ),
    "permissions.unrecognised": FactDefinition(
        FactKind.TEXTS, "granted permissions that the catalog does not know"
    ),
    "ip.restricted": FactDefinition(FactKind.BOOL, "only listed addresses may use the key"),
    "ip.allowlist": FactDefinition(FactKind.NETWORKS, "the networks that may use the key"),
    "key.name": FactDefinition(FactKind.TEXT, "the label of the key"),
    "key.created_at": FactDefinition(FactKind.TIME, "when the key was created"),
    "key.expires_at": FactDefinition(FactKind.TIME, "when the key expires"),
    "key.last_used_at": FactDefinition(FactKind.TIME, "when the key was last used"),
    "key.active": FactDefinition(FactKind.BOOL, "the key is enabled"),
    "key.subaccount": FactDefinition(FactKind.BOOL, "the key belongs to a sub-account"),
    "key.trading_pairs": FactDefinition(
        FactKind.TEXTS, "the only pairs that the key may trade; empty means all"
    ),
    "key.fingerprint": FactDefinition(FactKind.TEXT, "keyed hash and last characters of the key"),
    "key.exists": FactDefinition(FactKind.BOOL, "the exchange still has the key"),
    "key.declared": FactDefinition(FactKind.BOOL, "the inventory lists the key"),
    "key.shared_with": FactDefinition(
        FactKind.TEXTS, "other accounts of the inventory with the same key"
    ),
    "ip.shared_across": FactDefinition(
        FactKind.TEXTS, "different labels of accounts that use the same address"
    ),
    "account.sandbox": FactDefinition(FactKind.BOOL, "the account is on the exchange's sandbox"),
    "account.keys": FactDefinition(
        FactKind.TEXTS, "all keys of the account, by their last characters"
    ),
}
"""Every fact, in the order in which reports list them."""

ATTESTED_FACTS: dict[str, FactDefinition] = {
    "attested.two_factor": FactDefinition(
        FactKind.TIME, "when two-factor authentication was last confirmed"
    ),
    "attested.secret_storage": FactDefinition(
        FactKind.TIME, "when the storage of the secret was last confirmed"
    ),
    "attested.settings": FactDefinition(
        FactKind.TIME, "when the key's settings were last compared on the exchange's web page"
    ),
    "attested.review": FactDefinition(
        FactKind.TIME, "when the key and its purpose were last reviewed"
    ),
}
"""Facts that no API tells and a person says. They are no evidence: each scan reads them anew."""

OF_THE_SCAN = frozenset(
    {
        "key.fingerprint",
        "key.exists",
        "key.declared",
        "key.shared_with",
        "ip.shared_across",
        "account.sandbox",
        "account.keys",
    }
)
"""Facts that no catalog entry tells: the scan learns them from the inventory and from the fact
that answers come at all."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a fact comes from."""

    grade: Grade
    """How strong the proof is."""
    call: str
    """The catalog's name of the call, or empty for a structural fact."""
    pointer: str
    """JSON Pointer into that call's answer; may be empty."""
    reference: str = ""
    """The document that makes the fact so, for structural and inferred facts; what is undocumented
    about the answer, for apparent ones."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A known fact."""

    value: FactValue
    """Typed as ``FACTS[name].kind`` says."""
    provenance: Provenance
    """Where it comes from."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a fact is not known."""

    reason: Reason
    """From the enumerated set."""
    detail: str = ""
    """One line for people: what was seen, what would be needed. Never holds a secret."""


CLOCK_IS_WRONG = Unknown(Reason.CLOCK_SKEW, "the clocks of this machine and the exchange differ")
"""Why an age is not known though the moment is."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known, and not known, about one key. Every fact stands in exactly one."""

    known: Mapping[str, Fact] = field(default_factory=dict)
    """Name to fact."""
    unknown: Mapping[str, Unknown] = field(default_factory=dict)
    """Name to reason."""

    def learn(self, name: str, what: Fact | Unknown) -> "Facts":
        """These facts, with one of them known, or unknown, as given."""
        return self.learn_all({name: what})

    def learn_all(self, learnt: "Mapping[str, Fact | Unknown]") -> "Facts":
        """These facts, with some of them known, or unknown, as given."""
        known = {name: fact for name, fact in self.known.items() if name not in learnt}
        unknown = {name: why for name, why in self.unknown.items() if name not in learnt}
        for name, what in learnt.items():
            if isinstance(what, Fact):
                known[name] = what
            else:
                unknown[name] = what
        return Facts(known, unknown)

    def without_moments(self, why: Unknown) -> "Facts":
        """These facts, without any moment: for when nobody can tell how long ago it was."""
        moments = (n for n, fact in self.known.items() if isinstance(fact.value, datetime))
        return self.learn_all(dict.fromkeys(moments, why))

    @staticmethod
    def nothing(reason: Reason, detail: str = "") -> "Facts":
        """Facts about a key of which nothing could be learnt, for one reason."""
        return Facts({}, dict.fromkeys(FACTS, Unknown(reason, detail)))
