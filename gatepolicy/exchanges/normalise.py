"""From an exchange's answers to facts: the narrow waist. Pure, and sound for any bytes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, TypeGuard

from gatepolicy.exchanges.answers import ABSENT, Answers, resolve
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.grants import UNRECOGNISED, granted, permission_facts, with_doubts
from gatepolicy.exchanges.interpret import Failure, Parsed, interpret
from gatepolicy.exchanges.readers import admits_strangers
from gatepolicy.exchanges.sources import Malformed, NoRow, Row, Rows, agreed, from_sources, own_row
from gatepolicy.model.facts import (
    FACTS,
    Capability,
    Fact,
    Facts,
    Grade,
    Provenance,
    Reason,
    Unknown,
    could_not_be_read,
)

Found: TypeAlias = Mapping[str, Fact | Unknown]


def hold_together(found: Found) -> Found:
    """The same facts, none of which another one belies.

    An allowlist that admits strangers restricts nothing, whatever a flag or a rule of the exchange
    says: the key works from anywhere. And an allowlist that is there and cannot be read may do so:
    then neither a flag nor a rule proves the key restricted.

    Args:
        found: Every fact, or why it is unknown.
    """
    restricted, allowlist = found.get("ip.restricted"), found.get("ip.allowlist")
    if isinstance(allowlist, Fact) and admits_strangers(allowlist.value):
        if restricted is None or _may_be_belied(restricted):
            return {**found, "ip.restricted": Fact(value=False, provenance=allowlist.provenance)}
    elif _is_unreadable(allowlist) and _claims_restriction(restricted):
        return {**found, "ip.restricted": allowlist}
    return found


def at_moment(facts: Facts, now: datetime) -> Facts:
    """The same facts, none of which another one belies at a moment.

    A key that expired is not active, whatever a flag says.

    Args:
        facts: Of one key.
        now: By a clock that is right. UTC.
    """
    expires, active = facts.known.get("key.expires_at"), facts.known.get("key.active")
    if expires is None or active is None or active.value is not True:
        return facts
    if isinstance(expires.value, datetime) and expires.value <= now:
        return facts.learn("key.active", Fact(value=False, provenance=expires.provenance))
    return facts


def _may_be_belied(restricted: Fact | Unknown) -> bool:
    """Whether it claims a restriction, or leaves it open and is not unreadable itself."""
    if isinstance(restricted, Fact):
        return restricted.value is True
    return not could_not_be_read(restricted.reason)


def _claims_restriction(fact: Fact | Unknown | None) -> bool:
    return isinstance(fact, Fact) and fact.value is True


def _is_unreadable(fact: Fact | Unknown | None) -> TypeGuard[Unknown]:
    return isinstance(fact, Unknown) and fact.reason is Reason.UNEXPECTED_ANSWER


Outcomes: TypeAlias = "Mapping[str, Parsed | Failure]"
"""Id of a call to what its answer is."""

_UNTOLD = Unknown(Reason.NOT_DISCLOSED, "the answer does not disclose it")
_UNRECOGNISABLE = Unknown(
    Reason.UNEXPECTED_ANSWER, "the answer has nothing that the documents describe"
)
_ERROR_IN_ROW = Unknown(Reason.UNEXPECTED_ANSWER, "the row of this key contains an error code")
_PERMISSION_FACTS = (
    *(capability.fact for capability in Capability),
    "permissions.native",
    "permissions.unrecognised",
)


def normalise(exchange: Exchange, answers: Answers, api_key: str | None) -> Facts:
    """Every fact that answers prove, and a reason for every other.

    Args:
        exchange: Whose answers they are.
        answers: Id of each call to what came back; every call of the exchange has one, and every
            call of an alternative that was asked.
        api_key: The calling key, to find its row in lists of keys.
    """
    outcomes = _interpreted(exchange, answers)
    view = described_by(exchange, outcomes)
    if view is not exchange and all(call.id in answers for call in view.calls):
        return facts_of(view, _interpreted(view, answers), api_key)
    return facts_of(exchange, outcomes, api_key)


def described_by(exchange: Exchange, outcomes: Outcomes) -> Exchange:
    """What describes the calling key: the exchange, or the alternative that a refusal names.

    An alternative takes the exchange's place only where no call of the exchange was answered: what
    an answer says about a key is never left out.

    Args:
        exchange: Whose calls they are.
        outcomes: Id of each of its calls to what its answer is.
    """
    if any(isinstance(outcome, Parsed) for outcome in outcomes.values()):
        return exchange
    named = {one.ask_instead for one in outcomes.values() if isinstance(one, Failure)}
    views = (other.view for other in exchange.alternatives if other.id in named)
    return next(views, exchange)


def _interpreted(exchange: Exchange, answers: Answers) -> Outcomes:
    return {call.id: interpret(exchange, answers[call.id], call.id) for call in exchange.calls}


def facts_of(exchange: Exchange, outcomes: Outcomes, api_key: str | None) -> Facts:
    """As ``normalise``, of answers that were interpreted before.

    Args:
        exchange: Whose answers they are.
        outcomes: Id of each call to what its answer is; every call of the catalog has one.
        api_key: The calling key, to find its row in lists of keys.
    """
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome, Failure)]
    if len(failures) == len(outcomes):
        return _all_refused(outcomes, failures[0])
    return _facts_of_rows(exchange, _rows(exchange, outcomes, api_key), _refusals(outcomes))


def facts_of_row(view: Exchange, row: Row, details: "Rows | None" = None) -> Facts:
    """Every fact that one row of a list of keys proves about its key.

    Args:
        view: How rows tell facts: the view of a listing, whose first call is the list.
        row: The row.
        details: Id of every other call of the view to what it answered about the same key.
    """
    return _facts_of_rows(view, {view.calls[0].id: row, **(details or {})}, {})


def _facts_of_rows(
    exchange: Exchange, answered: Rows, proofs: Mapping[str, Sequence[Fact]]
) -> Facts:
    rows = {call: _recognised(exchange, call, row) for call, row in answered.items()}
    by_words = _of_permissions(exchange, rows)
    by_facts = _disclosed(exchange, rows, proofs, by_words)
    disclosed = {
        **with_doubts(exchange.permissions, by_words, by_facts),
        **by_facts,
        **exchange.not_disclosed,
    }
    known: dict[str, Fact] = {}
    unknown: dict[str, Unknown] = {}
    for name, found in hold_together(with_structural(disclosed, exchange.structural)).items():
        if isinstance(found, Fact):
            known[name] = found
        else:
            unknown[name] = found
    return Facts(known, unknown)


def with_structural(
    disclosed: Mapping[str, Fact | Unknown], structural: Mapping[str, Fact]
) -> Mapping[str, Fact | Unknown]:
    """All facts, with what the exchange's own rules make so of every key that exists.

    A rule proves nothing about a key that no answer has shown, and it does not overrule an answer:
    it is one more place that has to agree.

    Args:
        disclosed: What answers prove, and why the rest is unknown.
        structural: What the rules say.
    """
    shown = any(
        isinstance(found, Fact) and found.provenance.grade is Grade.OBSERVED
        for found in disclosed.values()
    )
    otherwise = _UNTOLD if shown else _first_failure(disclosed)
    facts = {name: disclosed.get(name, otherwise) for name in FACTS}
    for name, rule in structural.items() if shown else ():
        found = disclosed.get(name)
        # A permission that nobody knows cannot mean what the exchange lets no key do.
        places = [rule] if found is None or found == UNRECOGNISED else [rule, found]
        facts[name] = agreed(name, places) or _UNTOLD
    return facts


def _first_failure(disclosed: Mapping[str, Fact | Unknown]) -> Unknown:
    """Why no answer showed the key."""
    reasons = [found for found in disclosed.values() if isinstance(found, Unknown)]
    unread = (why for why in reasons if could_not_be_read(why.reason))
    return next(unread, Unknown(Reason.UNEXPECTED_ANSWER, "no answer showed that the key exists"))


def _all_refused(outcomes: Outcomes, first: Failure) -> Facts:
    """What refusals prove; every other fact has the reason of the first call."""
    refusals = {name: proofs[0] for name, proofs in _refusals(outcomes).items()}
    proved = {name: refusals[name] for name in FACTS if name in refusals}
    why = Unknown(first.reason, first.detail)
    return Facts(proved, {name: why for name in FACTS if name not in proved})


def _refusals(outcomes: Outcomes) -> Mapping[str, Sequence[Fact]]:
    """What refusals prove, by fact."""
    proofs: dict[str, list[Fact]] = {}
    for call, outcome in outcomes.items():
        if isinstance(outcome, Failure) and _counts(outcome, outcomes):
            for name, value in outcome.proves.items():
                proofs.setdefault(name, []).append(Fact(value, Provenance(Grade.REFUSAL, call, "")))
    return proofs


def _counts(refusal: Failure, outcomes: Outcomes) -> bool:
    """Whether the call succeeded without which a refusal may be one of the whole key."""
    return not refusal.beside or isinstance(outcomes.get(refusal.beside), Parsed)


def _rows(exchange: Exchange, outcomes: Outcomes, api_key: str | None) -> Rows:
    return {call: _row(outcome, exchange, call, api_key) for call, outcome in outcomes.items()}


def _recognised(exchange: Exchange, call: str, row: Row | Unknown) -> Row | Unknown:
    """The row, if it holds anything that the documents name.

    What may be absent is absent from an answer of the documented shape only: nothing is absent from
    ``null``, or from an answer that stands in a wrapper.
    """
    places = _places(exchange, call)
    if isinstance(row, Unknown) or not places:
        return row
    holds = any(resolve(row.value, place) is not ABSENT for place in places)
    return row if holds else _UNRECOGNISABLE


def _places(exchange: Exchange, call: str) -> set[str]:
    """JSON Pointers to everything that is read of a row."""
    sources = (source for sources in exchange.facts.values() for source in sources)
    places = {
        pointer
        for source in sources
        if source.call == call
        for pointer in (source.pointer, source.other_pointer)
        if pointer
    }
    permissions = exchange.permissions
    if permissions.words and permissions.call == call:
        places |= {permissions.pointer}
    return places


def _row(
    outcome: Parsed | Failure, exchange: Exchange, call: str, api_key: str | None
) -> Row | Unknown:
    if isinstance(outcome, Failure):
        return Unknown(outcome.reason, outcome.detail)
    row = own_row(outcome.value, exchange.own_keys.get(call), api_key)
    if isinstance(row, NoRow):
        return Unknown(Reason.UNEXPECTED_ANSWER, row.detail)
    return _ERROR_IN_ROW if _is_error(exchange, row) else row


def _is_error(exchange: Exchange, row: Row) -> bool:
    """Whether an entry of a list is an error: without a mark of success its code alone tells."""
    is_entry = row.pointer != "" and not exchange.success.pointer
    return is_entry and resolve(row.value, exchange.error_code) is not ABSENT


def _of_permissions(exchange: Exchange, rows: Rows) -> Mapping[str, Fact | Unknown]:
    permissions = exchange.permissions
    if not permissions.words:
        return {}
    row = rows[permissions.call]
    if isinstance(row, Unknown):
        return dict.fromkeys(_PERMISSION_FACTS, row)
    words = granted(permissions, row)
    if isinstance(words, Malformed):
        why = Unknown(Reason.UNEXPECTED_ANSWER, f"permissions: {words.detail}")
        return dict.fromkeys(_PERMISSION_FACTS, why)
    return permission_facts(permissions, words)


def _of_words(
    exchange: Exchange, by_words: Mapping[str, Fact | Unknown], name: str
) -> Sequence[Fact | Unknown]:
    """What the words say about a fact; nothing about what none of them is known to be about."""
    permissions = exchange.permissions
    about = {c.fact for word in permissions.words.values() for c in word.may_grant()}
    about |= {capability.fact for capability in permissions.wordless}
    is_capability = name in {capability.fact for capability in Capability}
    is_silent = name not in by_words or (is_capability and name not in about)
    return () if is_silent else (by_words[name],)


def _disclosed(
    exchange: Exchange,
    rows: Rows,
    proofs: Mapping[str, Sequence[Fact]],
    by_words: Mapping[str, Fact | Unknown],
) -> Mapping[str, Fact | Unknown]:
    """Every fact with places of its own in the answers, which agree with what the words say."""
    return {
        name: from_sources(
            sources, rows, (*_of_words(exchange, by_words, name), *proofs.get(name, ()))
        )
        or _UNTOLD
        for name, sources in exchange.facts.items()
    }
