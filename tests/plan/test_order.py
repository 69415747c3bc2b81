"""The law: the order of policies, accounts and files never changes the result."""

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.accounts.account import Selector
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence, Location, Subject
from gatepolicy.model.facts import Fact, Facts, Grade, Provenance, Reason
from gatepolicy.model.scan import Scan, ScanSettings
from gatepolicy.model.verdicts import WaiverTerms
from gatepolicy.policies.load import load_policies
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.plan import Selection, make_plan
from gatepolicy.scanning.scan import Waiving, evaluate_evidence, finish
from gatepolicy.waivers.waiver import Waiver

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HEAD = "apiVersion: gatepolicy/v1\nkind: Policy\nmetadata: {name: NAME, title: T}\n"
TEXTS = {
    "base.yaml": HEAD.replace("NAME", "base") + "permissions: {forbid: [withdraw]}\n",
    "desk.yaml": HEAD.replace("NAME", "desk")
    + "extends: [base.yaml]\nip_binding: {required: true}\napplies_to: {labels: {desk: mm}}\n"
    + "waivers: {max_days: 20}\n",
    "strict.yaml": HEAD.replace("NAME", "strict")
    + "permissions: {forbid: [withdraw, transfer]}\nwaivers: {forbid: [transfer-enabled]}\n",
    "lonely.yaml": HEAD.replace("NAME", "lonely")
    + "permissions: {forbid: [earn]}\napplies_to: {labels: {desk: nobody}}\n",
}
EXCHANGES = {"okx": load_exchange("okx")}
RULES = load_rules()


def evidence(name: str, withdraws: bool | None) -> Evidence:
    subject = Subject(name, "okx", {"desk": name[:2]}, "", Location("a.yaml", 3, 5))
    facts = Facts.nothing(Reason.TIMEOUT)
    if withdraws is not None:
        proof = Provenance(Grade.OBSERVED, "config", "/x")
        for fact in ("permission.withdraw", "permission.transfer", "ip.restricted"):
            facts = facts.learn(fact, Fact(withdraws, proof))
    return Evidence(subject, NOW, facts, ())


ACCOUNTS = [evidence("mm-1", True), evidence("mm-2", False), evidence("va-1", None)]


def waiver(id_: str, rule: str, glob: str, days: int) -> Waiver:
    terms = WaiverTerms(
        id_, rule, "desk", "because", "", "", date(2026, 11, 20),
        date(2026, 11, 20 + days), Location("w.yaml", 4, 5),
    )  # fmt: skip
    return Waiver(terms, Selector((glob,)), "", only_unknown=False)


WAIVERS = [
    waiver("W-1", "withdrawal-enabled", "mm-1", 5),
    waiver("W-2", "withdrawal-enabled", "*", 9),
    waiver("W-3", "transfer-enabled", "mm-*", 5),
    waiver("W-4", "ip-unbound", "nobody", 5),
    waiver("W-5", "withdrawal-enabled", "mm-1", 5),
]


def scan(files: list[str], accounts: list[Evidence], waivers: list[Waiver]) -> Scan:
    policies = load_policies(files, read=lambda path: TEXTS[path.name].encode())
    subjects = [account.subject for account in accounts]
    plan = make_plan(subjects, policies, EXCHANGES, RULES, Selection())
    results = evaluate_evidence(plan, {a.subject.id: a for a in accounts}, now=NOW)
    return finish(
        plan,
        results,
        started_at=NOW,
        finished_at=NOW,
        settings=ScanSettings(),
        warnings=(),
        waiving=Waiving(waivers),
    )


def told(one: Scan) -> Any:
    return (
        one.exit_code,
        {(s.id if s else "", repr(verdict)) for s, verdict in one.judged()},
        {repr(waiver) for waiver in one.waivers},
        {policy.name for policy in one.policies},
    )


EXPECTED = told(scan(list(TEXTS), ACCOUNTS, WAIVERS))


@settings(deadline=None)
@given(
    files=st.permutations(list(TEXTS)),
    accounts=st.permutations(ACCOUNTS),
    waivers=st.permutations(WAIVERS),
)
def test_the_order_of_everything_changes_nothing(
    files: list[str], accounts: list[Evidence], waivers: list[Waiver]
) -> None:
    assert told(scan(files, accounts, waivers)) == EXPECTED
