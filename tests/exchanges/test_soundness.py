"""Laws that hold for any bytes that an exchange could send."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.facts import FACTS, Access, Capability, Facts, Grade, Grant, Reason
from tests.whole_catalog import CATALOG

# Thousands of like answers: measuring their coverage would double their time, and tell nothing.
pytestmark = pytest.mark.no_cover
DOCUMENTED = Path(__file__).with_name("documented")
KEY = "c5dcfbf1f3a7not0a0real0key"
every_exchange = pytest.mark.parametrize("exchange", CATALOG.values(), ids=CATALOG.keys())

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**14),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "0", "*", KEY, "200000", "withdraw", "Transfer", "read_only", "::/0"]),
    st.text(max_size=8),
)


def names_of(exchange: Exchange) -> st.SearchStrategy[str]:
    """Names that mean something to this exchange, so that answers come near to documented ones."""
    words = list(exchange.permissions.words)
    parts = [part for word in words for part in word.split(".")]
    pointers = [s.pointer for sources in exchange.facts.values() for s in sources]
    steps = [step for pointer in pointers for step in pointer.split("/") if step]
    more = ["data", "result", "apiKey", "key", "perms", "name", "read_only", "readOnly", "perm"]
    more += ["permission", "permissions", "code", "retCode", "label", "message", "msg"]
    return st.sampled_from(sorted({*parts, *words, *steps, *more})) | st.text(max_size=5)


def bodies(exchange: Exchange) -> st.SearchStrategy[bytes]:
    names = names_of(exchange)
    documents = st.recursive(
        scalars | names,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=25,
    )
    return st.binary(max_size=40) | documents.map(lambda d: json.dumps(d).encode())


def answers(exchange: Exchange) -> st.SearchStrategy[dict[str, RawAnswer]]:
    one = st.one_of(
        st.builds(
            Answer, st.sampled_from([200, 200, 200, 400, 401, 403, 429, 500]), bodies(exchange)
        ),
        st.builds(NoAnswer, st.sampled_from(Reason)),
    )
    return st.fixed_dictionaries({call.id: one for call in exchange.calls})


def assert_well_formed(facts: Facts) -> None:
    assert facts.known.keys() | facts.unknown.keys() == FACTS.keys()
    assert not facts.known.keys() & facts.unknown.keys()
    for fact in facts.known.values():
        assert fact.provenance.call or fact.provenance.grade is Grade.STRUCTURAL


@every_exchange
@settings(max_examples=20)
@given(data=st.data())
def test_whatever_an_exchange_sends_becomes_facts_or_reasons(
    exchange: Exchange, data: st.DataObject
) -> None:
    facts = normalise(exchange, data.draw(answers(exchange)), KEY)
    assert_well_formed(facts)


def documented(exchange: Exchange) -> dict[str, Any]:
    """What each call answers in a documented success."""
    return _documented(exchange.id)


@cache
def _documented(exchange_id: str) -> dict[str, Any]:
    exchange = CATALOG[exchange_id]
    for path in sorted(DOCUMENTED.glob("*.yaml")):
        case = yaml.safe_load(path.read_text(encoding="utf-8"))
        if case["exchange"] in same_as(exchange) and "_error_" not in path.stem:
            return {call: json.loads(told["body"]) for call, told in case["answers"].items()}
    raise AssertionError(f"no documented success of {exchange.id}")


def same_as(exchange: Exchange) -> set[str]:
    """Ids of the exchanges that answer in the same way."""
    return {
        other.id
        for other in CATALOG.values()
        if other.calls == exchange.calls and other.permissions == exchange.permissions
    }


def mutated(draw: st.DrawFn, value: Any, exchange: Exchange) -> Any:
    """The same document with one place put to something else, or taken away."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(value)))
        changed = mutated(draw, value[name], exchange)
        rest = {other: kept for other, kept in value.items() if other != name}
        return rest if changed is ... else {**rest, name: changed}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        index = draw(st.integers(0, len(value) - 1))
        changed = mutated(draw, value[index], exchange)
        return [*value[:index], *([] if changed is ... else [changed]), *value[index + 1 :]]
    return draw(st.just(...) | scalars | st.lists(scalars, max_size=2))


@st.composite
def mutated_answers(draw: st.DrawFn, exchange: Exchange) -> dict[str, RawAnswer]:
    whole = documented(exchange)
    call = draw(st.sampled_from(sorted(whole)))
    changed = mutated(draw, whole[call], exchange)
    whole = {**whole, call: None if changed is ... else changed}
    return {name: Answer(200, json.dumps(body).encode()) for name, body in whole.items()}


@every_exchange
@settings(max_examples=20)
@given(data=st.data())
def test_no_damage_to_an_answer_turns_an_absence_into_a_proof_of_more(
    exchange: Exchange, data: st.DataObject
) -> None:
    """A false is proved only by a well-formed list without any word that could mean it."""
    facts = normalise(exchange, data.draw(mutated_answers(exchange)), KEY)
    assert_well_formed(facts)
    for capability in Capability:
        fact = facts.known.get(capability.fact)
        if fact is None or fact.value is True or fact.provenance.grade is Grade.STRUCTURAL:
            continue
        worded = exchange.permissions.words.values()
        if capability.fact in exchange.facts and not any(
            capability in word.grants | word.unclear for word in worded
        ):
            assert fact.provenance.call in {s.call for s in exchange.facts[capability.fact]}
            continue
        native = facts.known["permissions.native"].value
        assert isinstance(native, tuple)
        assert facts.known["permissions.unrecognised"].value == ()
        for grant in native:
            assert isinstance(grant, Grant)
            word = exchange.permissions.words[grant.word]
            if grant.access is Access.READ_ONLY:
                assert capability is not Capability.READ or capability not in word.grants
            else:
                assert capability not in word.grants | word.unclear
    bound = facts.known.get("ip.restricted")
    if bound is not None and bound.provenance.grade is Grade.OBSERVED:
        assert bound.provenance.call in {s.call for s in exchange.facts["ip.restricted"]}


@every_exchange
@given(reason=st.sampled_from(Reason))
def test_without_answers_nothing_is_known(exchange: Exchange, reason: Reason) -> None:
    facts = normalise(exchange, {call.id: NoAnswer(reason) for call in exchange.calls}, KEY)
    assert facts.known == {}
    assert {why.reason for why in facts.unknown.values()} == {reason}
