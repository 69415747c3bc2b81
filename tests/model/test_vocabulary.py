"""The vocabulary is whole."""

from gatepolicy.model.facts import DESCRIPTION, FACTS, HINT, Capability, FactKind, Facts, Reason
from gatepolicy.model.scan import MEANING, ExitCode


def test_every_capability_has_a_fact_and_a_description() -> None:
    for capability in Capability:
        assert FACTS[capability.fact].kind is FactKind.BOOL
        assert DESCRIPTION[capability] in FACTS[capability.fact].meaning


def test_every_reason_has_a_hint_and_every_exit_code_a_meaning() -> None:
    assert list(HINT) == list(Reason)
    assert list(MEANING) == list(ExitCode)


def test_nothing_known_is_everything_unknown() -> None:
    facts = Facts.nothing(Reason.UNREACHABLE, "nobody listens")
    assert not facts.known
    assert list(facts.unknown) == list(FACTS)
    assert {why.reason for why in facts.unknown.values()} == {Reason.UNREACHABLE}
