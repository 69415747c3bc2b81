"""Why something is unknown: an enumerated set, each with a hint."""

from enum import StrEnum


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
    Reason.UNEXPECTED_ANSWER: "the exchange answered something undocumented: look at the evidence",
    Reason.NOT_DISCLOSED: "check it by hand on the exchange's web page",
    Reason.UNSUPPORTED_EXCHANGE: "gatepolicy has no catalog entry for this exchange",
    Reason.BAD_CREDENTIALS_CONFIG: "check the credential references of this account",
    Reason.TLS_ERROR: "the server's certificate was not accepted: check the proxy and base_url",
    Reason.NOT_COVERED: "write a policy that applies, or correct applies_to",
    Reason.REQUEST_REFUSED: "the installed ccxt does not match the catalog: update one of them",
    Reason.LIMIT_REACHED: "raise the account's timeout, or list fewer keys with one account",
    Reason.INTERRUPTED: "the scan was interrupted: scan again",
    Reason.INTERNAL_ERROR: "please report this defect with its reference",
    Reason.NOT_SELECTED: "scan all accounts, without --account and --label",
    Reason.STALE_EVIDENCE: "collect the evidence again",
    Reason.NOT_ALLOWED: "nothing was read or sent; if you trust it, allow the host with"
    " --allow-host HOST, or the reference by a scan without --untrusted",
}
