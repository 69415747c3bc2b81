"""What one place of an answer says about a fact, and where it says so."""

from dataclasses import replace

import pytest

from gatepolicy.documents.document import JSONValue
from gatepolicy.exchanges.exchange import Documented, FactSource, Meaning, When
from gatepolicy.exchanges.readers import UNDOCUMENTED
from gatepolicy.exchanges.sources import Row, from_sources
from gatepolicy.model.facts import Fact, FactValue, Grade, Provenance, Reason, Unknown

FLAG = FactSource("key", "/on", "flag", fact="ip.restricted")
ABSENT = "/0/on is missing from the answer"


def read(source: FactSource, value: JSONValue) -> Fact | Unknown | None:
    return from_sources([source], {"key": Row(value, "/0")}, ())


def observed(value: FactValue, pointer: str = "/0/on") -> Fact:
    return Fact(value, Provenance(Grade.OBSERVED, "key", pointer))


def shown(value: FactValue, why: str = UNDOCUMENTED) -> Fact:
    return Fact(value, Provenance(Grade.APPARENT, "key", "/0/on", why))


def odd(detail: str) -> Unknown:
    return Unknown(Reason.UNEXPECTED_ANSWER, detail)


def test_a_documented_value_is_told_with_its_place() -> None:
    assert read(FLAG, {"on": True}) == observed(True)
    assert read(FLAG, {"on": 7}) == odd("/0/on: not a boolean")
    assert read(FLAG, {}) == odd(ABSENT)
    assert read(replace(FLAG, optional=True), {}) is None


def test_a_value_with_a_meaning_of_its_own() -> None:
    meant = replace(FLAG, meanings=(Meaning("SOME", True), Meaning("ALL", False, apparent=True)))
    assert read(meant, {"on": "SOME"}) == observed(True)
    assert read(meant, {"on": "ALL"}) == shown(False)


def test_what_it_means_that_a_value_is_missing() -> None:
    missing = replace(FLAG, missing=False)
    assert read(missing, {}) == observed(False, "/0")
    assert read(missing, {"on": True}) == observed(True)


def test_a_value_in_an_undocumented_form_may_show_a_danger() -> None:
    assert read(FLAG, {"on": "off"}) == shown(False)
    assert read(FLAG, {"on": "on"}) == odd("/0/on: not a boolean")


def test_what_is_hidden_shows_nothing() -> None:
    masked = FactSource("key", "/ip", "comma_addresses", fact="ip.allowlist")
    hidden = Unknown(Reason.NOT_DISCLOSED, "/0/ip: the exchange hides parts of the addresses")
    assert read(masked, {"ip": "203.**.154"}) == hidden


SAYS = When("/kind", Documented(values=("a",)), Documented(values=("b",)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"kind": "a", "on": True}, observed(True)),
        ({"kind": "b", "on": True}, None),
        ({"kind": "c", "on": False}, odd("/0/kind has an undocumented value")),
        ({"on": False}, odd("/0/kind is missing from the answer")),
    ],
)
def test_a_condition_decides_whether_a_place_counts(
    value: JSONValue, expected: Fact | Unknown | None
) -> None:
    assert read(replace(FLAG, when=(SAYS,)), value) == expected


def test_a_condition_about_the_place_itself_may_leave_a_danger_to_see() -> None:
    own = When("/on", Documented(values=(True,)), Documented())
    itself = replace(FLAG, when=(own,))
    assert read(itself, {"on": True}) == observed(True)
    assert read(itself, {"on": "off"}) == shown(False)
    assert read(itself, {"on": "perhaps"}) == odd("/0/on has an undocumented value")
