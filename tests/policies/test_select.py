"""Which accounts a policy is about."""

import pytest

from gatepolicy.model.evidence import Location, Subject
from gatepolicy.policies.compile import applies
from tests.policies.example_exchange import policy_of

ACCOUNT = Subject(
    id="gate-mm-3",
    exchange="gate",
    labels={"desk": "mm", "stage": "live"},
    owner="",
    location=Location("accounts.yaml", 4, 5),
)
ASKS = "ip_binding: {required: true}\n"


def covers(text: str) -> bool:
    return applies(policy_of(text), ACCOUNT)


@pytest.mark.parametrize(
    "chosen",
    [
        "exchanges: [gate]",
        "exchanges: [okx, gate]",
        "accounts: [gate-mm-3]",
        "accounts: ['gate-*']",
        "accounts: ['okx-*', '*-mm-?']",
        "labels: {desk: mm}",
        "labels: {desk: mm, stage: live}",
        "exchanges: [gate], accounts: ['*'], labels: {desk: mm}",
    ],
)
def test_covered(chosen: str) -> None:
    assert covers(f"{ASKS}applies_to: {{{chosen}}}")


@pytest.mark.parametrize(
    "chosen",
    [
        "exchanges: [okx]",
        "accounts: [gate-mm]",
        "accounts: ['GATE-*']",
        "accounts: ['gate-mm-??']",
        "labels: {desk: otc}",
        "labels: {desk: mm, stage: test}",
        "labels: {owner: mm}",
        "exchanges: [gate], accounts: ['okx-*'], labels: {desk: mm}",
    ],
)
def test_not_covered(chosen: str) -> None:
    assert not covers(f"{ASKS}applies_to: {{{chosen}}}")


def test_without_applies_to_every_account_is_covered() -> None:
    assert covers(ASKS)


def test_a_policy_that_asks_nothing_on_an_exchange_does_not_cover_it() -> None:
    assert not covers(f"{ASKS}exchanges: {{gate: {{ip_binding: {{required: false}}}}}}")
    assert covers(f"{ASKS}exchanges: {{okx: {{ip_binding: {{required: false}}}}}}")


def test_words_of_an_exchange_are_a_question() -> None:
    text = "exchanges: {gate: {permissions: {allow: [spot]}}}"
    assert covers(text)
    assert not covers(text.replace("gate", "okx").replace("spot", "trade"))
