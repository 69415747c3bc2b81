"""The tightest policy that a key meets today, for review. Pure.

What is not known becomes a comment: nothing is asked that cannot be answered, and nobody is to
think that it was.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network

from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import Access, Capability, FactValue, Grade, Grant
from gatepolicy.policies.compile import beyond_words

_AGES = (30, 90, 180, 365)


def learnt_policy(evidence: Evidence, exchange: Exchange, now: datetime) -> str:
    """The text of a policy; empty where nothing is known that one could ask.

    Args:
        evidence: What was collected about the account.
        exchange: The catalog's entry.
        now: Ages are counted from here. UTC.
    """
    subject = evidence.subject
    known = {
        name: fact.value
        for name, fact in evidence.facts.known.items()
        if fact.provenance.grade not in (Grade.INFERRED, Grade.APPARENT)
    }
    name = f"{subject.id}-as-it-is".lower().replace("_", "-").replace(".", "-")
    head = (
        f"# The strictest policy that {subject.id} meets on {now.date()}. Review it before you keep"
        " it:\n# it describes the key as it is, not as it should be.\n"
        "apiVersion: gatepolicy/v1\nkind: Policy\n"
        f"metadata:\n  name: {name}\n  title: {_quoted(f'{subject.id} as it is')}\n"
        f"applies_to: {{exchanges: [{subject.exchange}], accounts: [{_quoted(subject.id)}]}}\n"
    )
    parts = [
        _section("permissions", _permissions(known)),
        _section("ip_binding", _binding(known)),
        _section("key", _key(known, now)),
        _words(known, exchange),
    ]
    return "".join((head, *parts, *_unknown(evidence, known))) if any(parts) else ""


Known = dict[str, FactValue]


def _section(name: str, lines: Iterator[str]) -> str:
    body = "".join(f"  {line}\n" for line in lines)
    return f"{name}:\n{body}" if body else ""


def _permissions(known: Known) -> Iterator[str]:
    can = [c.value for c in Capability if known.get(c.fact) is True]
    cannot = [c.value for c in Capability if known.get(c.fact) is False]
    if cannot:
        yield f"forbid: [{', '.join(cannot)}]"
    if can:
        yield f"require: [{', '.join(can)}]"


def _binding(known: Known) -> Iterator[str]:
    if known.get("ip.restricted") is not True:
        return
    yield "required: true"
    networks = _networks(known.get("ip.allowlist"))
    if networks:
        yield f"within: [{', '.join(_quoted(str(network)) for network in networks)}]"
        yield f"at_most: {len(networks)}"


def _networks(value: FactValue | None) -> Sequence[IPv4Network | IPv6Network]:
    items = value if isinstance(value, tuple) else ()
    return [item for item in items if isinstance(item, IPv4Network | IPv6Network)]


def _key(known: Known, now: datetime) -> Iterator[str]:
    for clause, fact in (("max_age", "key.created_at"), ("max_idle", "key.last_used_at")):
        moment = known.get(fact)
        if isinstance(moment, datetime) and moment <= now:
            days = (now - moment) // timedelta(days=1) + 1
            limit = next((age for age in _AGES if age >= days), days)
            yield f"{clause}: {limit}d"
    if isinstance(known.get("key.expires_at"), datetime):
        yield "must_expire: true"
    if str(known.get("key.name", "")).strip():
        yield "name: '\\S'"
    if known.get("key.trading_pairs") == ():
        yield "trading_pairs: none"
    # The clause asks as well whether the key has expired.
    expires_at = known.get("key.expires_at")
    has_ended = isinstance(expires_at, datetime) and expires_at <= now
    if known.get("key.active") is True and expires_at is not None and not has_ended:
        yield "active: true"
    if known.get("key.exists") is True:
        yield "exists: true"
    if known.get("key.declared") is True:
        yield "declared: true"
    if known.get("key.shared_with") == ():
        yield "unique: true"


def _words(known: Known, exchange: Exchange) -> str:
    """The exchange's own words, where they are all that the key has."""
    value = known.get("permissions.native")
    grants = [item for item in value if isinstance(item, Grant)] if isinstance(value, tuple) else []
    is_whole = known.get("permissions.unrecognised") == () and all(
        grant.word in exchange.words and grant.access is not Access.UNKNOWN for grant in grants
    )
    if not grants or not is_whole:
        return ""
    # A list of words asks for some capabilities as well: what is not known cannot be asked.
    if any(known.get(beyond.fact) is not False for beyond in beyond_words(exchange, grants)):
        return ""
    splits = any(grant.access in (Access.READ_ONLY, Access.READ_WRITE) for grant in grants)
    allow = (
        "{" + ", ".join(f"{_quoted(g.word)}: {g.access.value}" for g in grants) + "}"
        if splits
        else "[" + ", ".join(_quoted(grant.word) for grant in grants) + "]"
    )
    return f"exchanges:\n  {exchange.id}:\n    permissions:\n      allow: {allow}\n"


def _unknown(evidence: Evidence, known: Known) -> Iterator[str]:
    reasons = {name: why.reason.value for name, why in evidence.facts.unknown.items()}
    inferred = {name: "only inferred" for name in evidence.facts.known if name not in known}
    whys = {**reasons, **inferred}
    if whys:
        yield "# Unknown, and so not required:\n"
    for name, why in whys.items():
        yield f"#   {name}: {why}\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
