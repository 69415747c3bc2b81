"""Rules that ask about the account: no verdict of one account is ever told of another one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity
from gatepolicy.policies.policy import Control
from gatepolicy.rules.expressions import compile_expression
from gatepolicy.rules.rule import AllOf
from gatepolicy.scanning.plan import PlannedAccount
from gatepolicy.scanning.scan import Evaluator

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PLACE = Location("a.yaml", 3, 5)
SUBJECTS = [
    Subject("mm", "okx", {"desk": "mm"}, "mm@example.com", PLACE),
    Subject("vault", "okx", {"desk": "vault"}, "vault@example.com", PLACE),
    Subject("mm-2", "gate", {"desk": "mm"}, "", PLACE),
    Subject("bare", "gate", {}, "vault@example.com", PLACE),
]
FACTS = Facts(
    {
        "permission.withdraw": Fact(value=True, provenance=Provenance(Grade.OBSERVED, "c", "/x")),
        "key.name": Fact("vault", Provenance(Grade.OBSERVED, "c", "/x")),
    }
)


def control(condition: str) -> Control:
    return Control(
        rule="DESK001",
        name="outside",
        subject="",
        severity=Severity.HIGH,
        condition=AllOf(()),
        expected=condition,
        on_unknown=OnUnknown.BLOCK,
        accepted=frozenset(Grade),
        policy="desk",
        location=PLACE,
        expression=compile_expression(condition),
    )


def outcomes(controls: tuple[Control, ...], subjects: list[Subject]) -> dict[str, list[Outcome]]:
    """Judged one beside the other, in this order."""
    evaluator = Evaluator(now=NOW)
    judged = [
        evaluator.judge(PlannedAccount(one, controls, ()), Evidence(one, NOW, FACTS, ()))
        for one in subjects
    ]
    return {r.evidence.subject.id: [v.outcome for v in r.verdicts] for r in judged}


@pytest.mark.parametrize(
    "condition",
    [
        "account.labels.desk == 'vault'",
        "account . labels . desk == 'vault'",
        "account.\n  labels.desk == 'vault'",
        "account // who\n  .labels['desk'] == 'vault'",
        ".account.labels.desk == 'vault'",
        "''' it's ''' != '' && account.labels.desk == 'vault'",
        '"""a"b""" != "" && account.labels.desk == "vault"',
        "r'\\d\"' != '' && account.labels.desk == 'vault'",
        "['desk'].exists(l, account\t.\tlabels[l] == 'vault')",
    ],
)
def test_an_account_is_recognised_however_it_is_written(condition: str) -> None:
    beside = outcomes((control(condition),), SUBJECTS)
    assert beside["mm"] == beside["mm-2"] == [Outcome.FAIL]
    assert beside["vault"] == [Outcome.PASS]
    assert beside["bare"] == [Outcome.UNKNOWN]


# Laws

_GAP = st.sampled_from(["", " ", "\n", "\t", "\r\n  ", "// account.id\n", "  // it's \" ''' \n"])
_CONDITIONS = st.sampled_from(
    [
        ["account", ".", "owner", "==", "'vault@example.com'"],
        ["account", ".", "id", "==", "'vault'"],
        [".", "account", ".", "exchange", "==", "'okx'"],
        ["account", ".", "labels", ".", "desk", "==", "'vault'"],
        ["account", ".", "labels", "[", "key", ".", "name", "]", "==", "'x'"],
        ["'desk'", " in ", "account", ".", "labels"],
        ["has", "(", "account", ".", "labels", ".", "desk", ")"],
        ["!", "permission", ".", "withdraw", "||", "account", ".", "id", "!=", "key", ".", "name"],
        ["[", "account", ".", "id", "]", ".", "exists", "(", "x", ",", "x", "!=", "'mm'", ")"],
        ["permission", ".", "withdraw"],
    ]
)
_TEXTS = st.sampled_from(["", "'''it's''' != '' &&", "'\\'account' != '' &&", 'r"\\\'" != "" &&'])


@st.composite
def _written(draw: st.DrawFn) -> str:
    spaced = "".join(f"{token}{draw(_GAP)}" for token in draw(_CONDITIONS))
    return f"{draw(_TEXTS)}{draw(_GAP)}{spaced}"


@settings(deadline=None)
@given(conditions=st.lists(_written(), min_size=1, max_size=3), order=st.permutations(SUBJECTS))
def test_an_account_is_judged_beside_others_as_alone(
    conditions: list[str], order: list[Subject]
) -> None:
    controls = tuple(control(condition) for condition in conditions)
    alone = {k: v for one in SUBJECTS for k, v in outcomes(controls, [one]).items()}
    assert outcomes(controls, order) == alone
