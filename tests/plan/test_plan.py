"""Planning: who is asked what, and what is told when nobody is."""

import pytest

from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Reason
from gatepolicy.model.verdicts import Outcome
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.plan import Plan, Selection, make_plan

RULES = load_rules()
EXCHANGES = {name: load_exchange(name) for name in ("okx", "gate")}


def subject(name: str, exchange: str = "okx", **labels: str) -> Subject:
    return Subject(name, exchange, labels, "", Location("accounts.yaml", len(name), 5))


def policy(name: str, text: str) -> Policy:
    head = f"apiVersion: gatepolicy/v1\nkind: Policy\nmetadata: {{name: {name}, title: T}}\n"
    (loaded,) = load_policies([f"{name}.yaml"], read=lambda _: (head + text).encode())
    return loaded


NEVER_WITHDRAW = policy("never-withdraw", "permissions: {forbid: [withdraw]}\n")
BOUND = policy("bound", "ip_binding: {required: true}\napplies_to: {labels: {desk: mm}}\n")
ACCOUNTS = [subject("okx-1", desk="mm"), subject("okx-2"), subject("gate-1", "gate", desk="mm")]


def plan(*policies: Policy, **selection: object) -> Plan:
    return make_plan(ACCOUNTS, policies, EXCHANGES, RULES, Selection(**selection))  # type: ignore[arg-type]


def asked(made: Plan) -> dict[str, set[str]]:
    return {q.subject.id: {control.name for control in q.controls} for q in made.accounts}


def test_every_policy_that_applies_asks() -> None:
    assert asked(plan(NEVER_WITHDRAW, BOUND)) == {
        "okx-1": {"withdrawal-enabled", "permission-unrecognised", "ip-unbound"},
        "okx-2": {"withdrawal-enabled", "permission-unrecognised"},
        "gate-1": {"withdrawal-enabled", "permission-unrecognised", "ip-unbound"},
    }


def test_questions_stand_in_the_order_of_the_inventory() -> None:
    assert [q.subject.id for q in plan(BOUND).accounts] == ["okx-1", "okx-2", "gate-1"]


def test_an_account_without_a_policy_is_told() -> None:
    made = plan(BOUND)
    (verdict,) = made.accounts[1].given
    assert verdict.name == "account-without-policy"
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason is Reason.NOT_COVERED
    assert verdict.incomplete
    assert verdict.location == ACCOUNTS[1].location
    assert made.accounts[0].given == ()


def test_a_policy_without_accounts_is_told() -> None:
    lonely = policy("lonely", "applies_to: {accounts: [nobody-*]}\nip_binding: {required: true}\n")
    (verdict,) = plan(NEVER_WITHDRAW, lonely).general
    assert verdict.name == "policy-without-accounts"
    assert verdict.subject == "lonely"
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.location.file == "lonely.yaml"


def test_deselecting_rules_silences_no_gap() -> None:
    lonely = policy("lonely", "applies_to: {accounts: [nobody-*]}\nip_binding: {required: true}\n")
    made = plan(lonely, rules=["GP010"], skip_rules=["policy-without-*"])
    assert [verdict.name for verdict in made.general] == ["policy-without-accounts"]
    assert all(question.given for question in made.accounts)


def test_policies_tell_how_many_accounts_of_the_whole_inventory_they_cover() -> None:
    made = plan(NEVER_WITHDRAW, BOUND, accounts=["okx-2"])
    assert [(info.name, info.accounts) for info in made.policies] == [
        ("never-withdraw", 3),
        ("bound", 2),
    ]
    assert [question.subject.id for question in made.accounts] == ["okx-2"]
    assert made.general == ()


def test_selectors_narrow_together() -> None:
    assert set(asked(plan(BOUND, accounts=["okx-*"], labels={"desk": "mm"}))) == {"okx-1"}
    assert set(asked(plan(BOUND, accounts=["okx-1", "gate-*"]))) == {"okx-1", "gate-1"}
    # Each fits some account, and none is both.
    assert asked(plan(BOUND, accounts=["okx-2"], labels={"desk": "mm"})) == {}


def test_rules_are_selected_by_id_and_by_name() -> None:
    assert asked(plan(NEVER_WITHDRAW, rules=["GP001"]))["okx-1"] == {"withdrawal-enabled"}
    assert asked(plan(NEVER_WITHDRAW, rules=["*-unrecognised"]))["okx-1"] == {
        "permission-unrecognised"
    }
    assert asked(plan(NEVER_WITHDRAW, skip_rules=["withdrawal-*"]))["okx-1"] == {
        "permission-unrecognised"
    }
    assert asked(plan(NEVER_WITHDRAW, skip_rules=["*"]))["okx-1"] == set()


@pytest.mark.parametrize(
    ("selection", "what"),
    [
        ({"accounts": ["okx-1", "kraken-*"]}, "--account kraken-*: no account"),
        ({"labels": {"desk": "mn"}}, "--label desk=mn: no account has the label desk=mn"),
        ({"labels": {"dsek": "mm"}}, "--label dsek=mm: no account has a label dsek"),
        ({"rules": ["GP999"]}, "no rule id or name matches GP999"),
        ({"skip_rules": ["gp001"]}, "no rule id or name matches gp001"),
    ],
)
def test_a_selector_that_matches_nothing_is_a_slip(selection: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError) as raised:
        plan(BOUND, **selection)
    assert str(raised.value).startswith(what)
    assert raised.value.hint


def test_hints_name_a_few_accounts() -> None:
    many = [subject(f"okx-{number}") for number in range(9)]
    with pytest.raises(UsageError) as raised:
        make_plan(many, [BOUND], EXCHANGES, RULES, Selection(accounts=["x"]))
    assert raised.value.hint.endswith("okx-3, okx-4 and 4 more")


def test_an_exchange_that_the_catalog_does_not_know_is_asked_all_the_same() -> None:
    stranger = [subject("a", "moonex", desk="mm")]
    made = make_plan(stranger, [NEVER_WITHDRAW, BOUND], {}, RULES, Selection())
    assert {control.name for control in made.accounts[0].controls} == {
        "withdrawal-enabled",
        "permission-unrecognised",
        "ip-unbound",
    }


def test_a_part_of_a_policy_that_fits_no_account_is_told() -> None:
    typo = policy(
        "typo", "ip_binding: {required: true}\napplies_to: {accounts: ['okx-*', 'gaet-1']}\n"
    )
    (verdict,) = plan(typo).general
    assert (verdict.rule, verdict.outcome, verdict.incomplete) == ("GP031", Outcome.UNKNOWN, True)
    assert verdict.subject == "typo: gaet-1"
    assert verdict.seen == "no account id matches gaet-1; did you mean gate-1?"
    assert str(verdict.location) == "typo.yaml:5:14"


def test_of_accounts_that_nobody_collected_nothing_is_said() -> None:
    nobody = policy("n", "ip_binding: {required: true}\napplies_to: {accounts: [kraken-1]}\n")
    both = (ACCOUNTS, [nobody, NEVER_WITHDRAW], EXCHANGES, RULES, Selection())
    assert [verdict.rule for verdict in make_plan(*both).general] == ["GP031"]
    assert make_plan(*both, is_whole=False).general == ()
