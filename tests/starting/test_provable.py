"""What ``init`` writes can be met: by answers where they disclose enough, else by attestation."""

from datetime import UTC, datetime

import pytest

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange, load_others
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason, Unknown
from gatepolicy.model.verdicts import OnUnknown, Outcome, Verdict
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policy
from gatepolicy.policies.policy import Control
from gatepolicy.resources import policies_directory, shipped_policies
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.project import load_project
from gatepolicy.starting.begin import new_project
from gatepolicy.starting.project import Choice
from gatepolicy.starting.synthetic import failing, meeting
from gatepolicy.starting.undisclosed import best_facts

NOW = datetime(2026, 11, 1, 4, 17, tzinfo=UTC)
RULES = load_rules()
CATALOG = known_exchanges()
OTHERS = load_others()
OF_WORDS = "permission-not-allowed"
"""Asked once for each word of the exchange: a key that fails has only one of them."""


def chosen(exchange: str) -> Choice:
    guide = f"{exchange}-market-making"
    parent = guide if guide in shipped_policies() else "baseline"
    entry = load_exchange(exchange) if exchange in CATALOG else OTHERS[exchange]
    return Choice(entry, parent)


def controls_of(choice: Choice) -> tuple[Control, ...]:
    files = new_project([choice], ["203.0.113.0/28"], RULES, NOW, ())
    names = load_project("g.yaml", read=lambda _: files["gatepolicy.yaml"].encode()).names
    own = f"policies/{choice.id}.yaml"
    policy = load_policy(
        own,
        names=names,
        read=lambda path: files[own].encode() if str(path) == own else path.read_bytes(),
    )
    return compile_policy(policy, choice.id, choice.entry, RULES)


def holding_back(verdicts: tuple[Verdict, ...]) -> list[str]:
    """Rules that keep a scan from being green."""
    return [v.name for v in verdicts if v.blocks or v.incomplete]


@pytest.mark.parametrize("exchange", [*CATALOG, *OTHERS])
def test_a_good_key_passes_and_only_with_an_attestation_where_one_is_needed(exchange: str) -> None:
    choice = chosen(exchange)
    controls = controls_of(choice)
    facts = best_facts(controls, choice.entry, NOW)
    assert holding_back(evaluate(controls, facts, NOW)) == []
    softened = [
        v.name
        for v in evaluate(controls, facts, NOW)
        if v.outcome is Outcome.UNKNOWN and v.name in ("withdrawal-enabled", "ip-unbound")
    ]
    forgotten = facts.learn("attested.settings", Unknown(Reason.NOT_DISCLOSED))
    needed = holding_back(evaluate(controls, forgotten, NOW))
    assert needed == (["settings-unattested"] if "attested.settings" in facts.known else [])
    assert needed or not softened


@pytest.mark.parametrize("exchange", CATALOG)
def test_what_is_disclosed_still_fails_whatever_is_attested(exchange: str) -> None:
    choice = chosen(exchange)
    controls = controls_of(choice)
    bad = failing(controls, NOW)
    facts = best_facts(controls, choice.entry, NOW)
    for name in ("permission.withdraw", "ip.restricted"):
        if name in bad and name in facts.known:
            observed = Fact(bad[name], Provenance(Grade.OBSERVED, "", "", "a test"))
            assert holding_back(evaluate(controls, facts.learn(name, observed), NOW))


@pytest.mark.parametrize("name", shipped_policies())
def test_synthetic_keys_meet_and_fail_every_control_of_a_shipped_policy(name: str) -> None:
    exchange = name.removesuffix("-market-making")
    entry = load_exchange(exchange) if exchange in CATALOG else None
    policy = load_policy(str(policies_directory() / f"{name}.yaml"))
    controls = compile_policy(policy, exchange, entry, RULES)
    for make, outcome in ((meeting, Outcome.PASS), (failing, Outcome.FAIL)):
        facts = Facts.nothing(Reason.NOT_DISCLOSED).learn_all(
            {
                fact: Fact(value, Provenance(Grade.OBSERVED, "", "", "a test"))
                for fact, value in make(controls, NOW).items()
            }
        )
        found = {v.name: v.outcome for v in evaluate(controls, facts, NOW)}
        assert [n for n, o in found.items() if o is not outcome and n != OF_WORDS] == []


def test_what_cannot_be_softened_stays() -> None:
    """A warning for what is not disclosed is none for what could not be read."""
    choice = chosen("luno")
    controls = controls_of(choice)
    verdicts = evaluate(controls, Facts.nothing(Reason.BAD_KEY), NOW)
    withdraw = next(v for v in verdicts if v.name == "withdrawal-enabled")
    assert (withdraw.outcome, withdraw.on_unknown) == (Outcome.UNKNOWN, OnUnknown.INCOMPLETE)
