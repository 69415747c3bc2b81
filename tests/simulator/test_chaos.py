"""``make chaos`` in small: it finds nothing, and it would find what it looks for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gatepolicy.model.facts import Reason
from gatepolicy.simulator.fleet import fleet
from gatepolicy.simulator.inventory import environment
from tests.bench import chaos

BLIND = chaos.Trouble("blind", frozenset({Reason.TIMEOUT}))
HARMLESS = chaos.Trouble("harmless", frozenset(), blinds=False)
FACT = {"value": False, "grade": "observed"}


def account(verdict: str, reason: str | None = None, *, unknown: str = "") -> Any:
    return {
        "verdicts": [{"name": "withdrawal-enabled", "verdict": verdict, "reason": reason}],
        "facts": {} if unknown else {"permission.withdraw": FACT},
        "unknown": {"permission.withdraw": unknown} if unknown else {},
    }


WELL = account("pass")
TIMED_OUT = account("unknown", "timeout", unknown="timeout")


def test_accounts_that_meet_every_fault_are_unknown_and_nothing_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = chaos.main(["--count", "40", "--share", "0.7", "--seed", "3"])
    shown = capsys.readouterr().out
    assert code == 0, shown
    assert shown.startswith("40 accounts, of which 28 meet a fault each\n")
    assert "  undeclared requests, redirects followed, untrusted servers: 0\n" in shown
    # A fault that no account met would be "-".
    assert " - " not in shown


def test_the_right_reason_is_the_one_that_the_fault_gives() -> None:
    assert chaos.differing(WELL, TIMED_OUT, BLIND) == []
    assert chaos.differing(WELL, WELL, BLIND) == ["nothing is unknown"]
    assert chaos.differing(WELL, WELL, HARMLESS) == []
    refused = account("unknown", "bad_key", unknown="bad_key")
    assert chaos.differing(WELL, refused, BLIND) == [
        "permission.withdraw bad_key",
        "withdrawal-enabled bad_key",
    ]
    assert len(chaos.differing(WELL, TIMED_OUT, HARMLESS)) == 2
    assert chaos.differing(WELL, account("fail"), BLIND) == ["withdrawal-enabled fail"]


def test_a_pass_that_no_answer_proves_is_false() -> None:
    assert chaos.false_passes(WELL, WELL, HARMLESS) == []
    assert chaos.false_passes(WELL, TIMED_OUT, BLIND) == []
    assert chaos.false_passes(WELL, WELL, BLIND) == ["withdrawal-enabled", "permission.withdraw"]
    assert chaos.false_passes(account("fail"), WELL, HARMLESS) == ["withdrawal-enabled"]


def test_what_a_fault_leaves_must_be_as_undisturbed() -> None:
    keeps = frozenset({"withdrawal-enabled", "permission.withdraw"})
    kept = chaos.Trouble("kept", frozenset(), keeps=keeps)
    assert chaos.false_passes(WELL, WELL, kept) == []
    other = {**WELL, "facts": {"permission.withdraw": {**FACT, "value": True}}}
    assert chaos.false_passes(WELL, other, kept) == ["permission.withdraw"]
    assert chaos.false_passes(account("unknown", "timeout"), WELL, kept) == ["withdrawal-enabled"]


@pytest.mark.parametrize("grade", ["apparent", "structural"])
def test_what_no_answer_proves_is_no_pass(grade: str) -> None:
    shown = {**TIMED_OUT, "facts": {"permission.withdraw": {**FACT, "grade": grade}}}
    assert chaos.false_passes(WELL, shown, BLIND) == []


def test_every_planted_secret_is_one_that_is_looked_for() -> None:
    keys = fleet(200, 1, datetime.now(UTC))
    usable = [key for key in keys if key.given_secret is None]
    text = " ".join(environment(usable).values())
    planted = {word for key in usable for word in (key.api_key, key.secret, key.passphrase)} - {""}
    assert set(chaos._PLANTED.findall(f'"{text}"')) == planted


@pytest.mark.parametrize(
    "row",
    [
        chaos.Row(100, 100, 98),
        chaos.Row(100, 99, 100),
        chaos.Row(100, 100, 100, 1),
        chaos.Row(100, 100, 100, 0, 1),
    ],
)
def test_an_aim_that_is_missed_is_not_well(row: chaos.Row) -> None:
    assert not row.is_well()
    assert chaos.Row(100, 100, 99).is_well()
