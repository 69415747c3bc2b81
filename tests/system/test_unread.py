"""What could not be read is never a pass, whatever a policy softens."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

Clean = Callable[[ExchangeId], SimulatedKey]

CREDENTIALS = {
    "bithumb": ["apiKey", "secret"],
    "delta": ["apiKey", "secret"],
    "lighter": ["accountId", "apiKey"],
    "okx": ["apiKey", "secret", "password"],
    "upbit": ["apiKey", "secret"],
    "woofipro": ["accountId", "apiKey", "secret"],
}
CLAUSES = {
    "withdraw": "permissions: {forbid: [withdraw]}",
    "separate duties": "permissions: {separate_duties: true}",
    "require": "permissions: {require: [read]}",
    "binding": "ip_binding: {required: true}",
    "age": "key: {max_age: 90d}",
    "unique": "key: {unique: true}",
    "attested": "account: {two_factor: {attested_within: 90d}}",
}
ATTESTATIONS = """\
apiVersion: gatepolicy/v1
kind: Attestations
attestations:
  - {control: two_factor, accounts: ["*-mm"], by: ops@example.com, date: 2026-11-20}
"""


def softened(clause: str) -> str:
    return (
        "apiVersion: gatepolicy/v1\nkind: Policy\nmetadata: {name: soft, title: Soft}\n"
        f"{clause}\non_unknown: {{default: warn}}\n"
    )


def prepare(firm: Any, exchange: str, clause: str) -> None:
    """An account on a port on which nobody listens, and a policy that warns about everything."""
    names = ", ".join(f"{name}: env:X" for name in CREDENTIALS[exchange])
    inventory = (
        "apiVersion: gatepolicy/v1\nkind: Inventory\naccounts:\n"
        f"  - id: {exchange}-mm\n    exchange: {exchange}\n    base_url: http://127.0.0.1:1\n"
        f"    credentials: {{{names}}}\n"
    )
    firm.monkeypatch.setenv("X", "aW52ZW50ZWQtc2VjcmV0LTEyMzQ1Njc4")
    for name, text in (
        ("accounts.yaml", inventory),
        ("p.yaml", softened(clause)),
        ("attestations.yaml", ATTESTATIONS),
    ):
        (firm.folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=CLAUSES)
@pytest.mark.parametrize("exchange", CREDENTIALS)
def test_a_dead_port_is_never_a_pass(firm: Any, exchange: str, clause: str) -> None:
    """Rules of the exchange, attestations and comparisons of keys prove nothing about a key that
    nobody has seen."""
    prepare(firm, exchange, clause)
    ended = firm.run(
        "scan", "-q", "-p", "p.yaml", "--attestations", "attestations.yaml", "--attempts", "1",
        "-o", "json=r.json", "-o", "sarif=r.sarif", "-o", "text",
    )  # fmt: skip
    assert ended.code == 4
    assert "1 account could not be read" in ended.out
    assert "everything selected was evaluated" not in ended.out
    report = firm.read("r.json")
    assert report["accounts"][0]["unread"]["reason"] in ("unreachable", "bad_credentials_config")
    assert report["summary"]["accounts"]["unread"] == 1
    sarif = firm.read("r.sarif")
    assert sarif["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_collecting_without_any_answer_is_no_success(firm: Any) -> None:
    prepare(firm, "okx", CLAUSES["withdraw"])
    assert firm.run("collect", "-q", "-o", "e.json", "--attempts", "1").code == 4
    assert firm.run("evaluate", "-q", "e.json", "-p", "p.yaml").code == 4


FAULTS = [
    Fault(kind=FaultKind.RESET),
    Fault(kind=FaultKind.HTML, status=403),
    Fault(kind=FaultKind.HTML, status=200),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind} {fault.status}")
def test_one_account_of_several_that_could_not_be_read_is_incomplete(
    firm: Any, clean: Clean, fault: Fault
) -> None:
    okx, kucoin = clean(ExchangeId.OKX), clean(ExchangeId.KUCOIN)
    firm.keys = [okx, replace(kucoin, faults=(fault,))]
    firm.policy = softened(CLAUSES["withdraw"])
    ended = firm.scan("-q", "--attempts", "1")
    assert ended.code == 3
    firm.keys = [okx, kucoin]
    assert firm.scan("-q").code == 0
