"""A program that checks keys: the same decision as the command, and nothing else of the process."""

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import gatepolicy
from gatepolicy.api import _Request, _Work
from gatepolicy.cli import options
from gatepolicy.cli.main import main
from gatepolicy.errors import DocumentError, InternalError, UsageError
from gatepolicy.simulator.clean import clean_key
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.fleet import unbound, with_withdraw, wrong_secret
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

NOW = datetime.now(UTC)
PROJECT = "apiVersion: gatepolicy/v1\nkind: Project\npolicies: [policy.yaml]\n"
POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
permissions: {forbid: [withdraw]}
ip_binding: {required: true}
key: {max_age: 400d}
on_unknown: {default: incomplete, withdraw: block, ip_binding: block}
"""
PAGE = Path(__file__).parents[2] / "docs" / "python.md"
SAFE = clean_key(ExchangeId.BINANCE, 1, NOW)
OPEN = unbound(clean_key(ExchangeId.BINANCE, 2, NOW), NOW)
WITHDRAWING = with_withdraw(clean_key(ExchangeId.BINANCE, 3, NOW), NOW)
REFUSED = wrong_secret(clean_key(ExchangeId.BINANCE, 4, NOW), NOW)
ON_GATE = clean_key(ExchangeId.GATE, 1, NOW)
"""No answer of Gate proves that a key cannot withdraw."""


Firm = Callable[..., Simulator]


@pytest.fixture
def firm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Firm]:
    """Opens a firm in the working directory: its keys, and the exchange that they are of."""
    monkeypatch.chdir(tmp_path)
    opened: list[SimulatorThread] = []

    def open_firm(*keys: SimulatedKey, project: str = PROJECT, policy: str = POLICY) -> Simulator:
        thread = SimulatorThread(Simulator(keys))
        simulator = thread.__enter__()
        opened.append(thread)
        Path("accounts.yaml").write_text(inventory_yaml(keys, simulator.url), encoding="utf-8")
        Path("policy.yaml").write_text(policy, encoding="utf-8")
        Path("gatepolicy.yaml").write_text(project, encoding="utf-8")
        for name, value in environment(keys).items():
            monkeypatch.setenv(name, value)
        return simulator

    yield open_firm
    for thread in opened:
        thread.__exit__(None, None, None)


def code_of_command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["scan", "-q", "-o", "json=command.json", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_safe_key_passes(firm: Firm) -> None:
    simulator = firm(SAFE)
    result = gatepolicy.scan("gatepolicy.yaml")
    assert (result.passed, result.exit_code, result.violations, result.unknowns) == (
        True,
        0,
        (),
        (),
    )
    assert result
    assert result.meaning == "everything selected was evaluated, nothing at or above fail_on"
    assert simulator.requests
    assert not simulator.forbidden_requests


def test_a_violation_does_not_pass_and_says_what_to_do(firm: Firm) -> None:
    firm(SAFE, OPEN)
    result = gatepolicy.scan(Path("gatepolicy.yaml"), account="binance-00002")
    assert (result.passed, bool(result), result.exit_code) == (False, False, 1)
    (finding,) = result.violations
    assert (finding.account, finding.exchange) == ("binance-00002", "binance")
    assert (finding.rule, finding.name, finding.severity) == ("GP010", "ip-unbound", "high")
    assert (finding.reason, finding.needed, finding.blocks) == ("", "", True)
    assert finding.policy == "desk"
    assert "API Management" in finding.fix
    assert str(finding).startswith("binance-00002: high GP010 ip-unbound: ")
    assert result.unknowns == ()


def test_only_what_is_selected_counts(firm: Firm) -> None:
    firm(SAFE, OPEN)
    assert gatepolicy.scan("gatepolicy.yaml", account="binance-00001").passed
    assert gatepolicy.scan("gatepolicy.yaml", account=["*-00001"]).passed
    assert not gatepolicy.scan("gatepolicy.yaml", account=["*-00001", "*-00002"]).passed
    assert not gatepolicy.scan("gatepolicy.yaml").passed


def test_what_is_not_proved_does_not_pass(firm: Firm) -> None:
    firm(ON_GATE)
    result = gatepolicy.scan("gatepolicy.yaml")
    assert (result.passed, result.violations) == (False, ())
    assert result.exit_code == 1
    blocking = [finding for finding in result.unknowns if finding.blocks]
    assert [finding.name for finding in blocking] == ["withdrawal-enabled"]
    assert "unknown (" in str(blocking[0])


def test_a_key_that_cannot_be_read_does_not_pass(firm: Firm) -> None:
    firm(REFUSED, policy=POLICY.replace("withdraw: block, ip_binding: block", "withdraw: warn"))
    result = gatepolicy.scan("gatepolicy.yaml")
    assert result.exit_code == 4
    assert not result.passed
    assert {finding.reason for finding in result.unknowns} == {"bad_signature"}


Case = tuple[tuple[SimulatedKey, ...], tuple[str, str]]
UNCHANGED = ("", "")
CASES: dict[str, Case] = {
    "safe": ((SAFE,), UNCHANGED),
    "open": ((OPEN,), UNCHANGED),
    "withdrawing": ((SAFE, WITHDRAWING), UNCHANGED),
    "refused": ((REFUSED,), UNCHANGED),
    "refused and safe": ((SAFE, REFUSED), UNCHANGED),
    "gate": ((ON_GATE,), UNCHANGED),
    "no policy": ((SAFE,), ("metadata", "applies_to: {exchanges: [okx]}\nmetadata")),
    "warned": ((ON_GATE,), ("withdraw: block", "withdraw: warn")),
    "incomplete": ((ON_GATE,), ("withdraw: block", "withdraw: incomplete")),
}
"""Keys, and what their policy says in place of another text."""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("fail_on", ["info", "critical"])
def test_it_decides_as_the_command_does(firm: Firm, name: str, fail_on: str) -> None:
    keys, change = CASES[name]
    firm(*keys, policy=POLICY.replace(*change))
    result = gatepolicy.scan("gatepolicy.yaml", fail_on="info" if fail_on == "info" else "critical")
    assert result.exit_code == code_of_command("--fail-on", fail_on)
    assert result.passed == (result.exit_code == 0)
    command = json.loads(Path("command.json").read_text(encoding="utf-8"))
    own = json.loads(result.report("json"))
    assert verdicts(own) == verdicts(command)


def test_the_cases_have_every_exit_code_of_a_scan(firm: Firm) -> None:
    found = set()
    for keys, change in CASES.values():
        firm(*keys, policy=POLICY.replace(*change))
        found.add(gatepolicy.scan("gatepolicy.yaml").exit_code)
    assert found == {0, 1, 3, 4}


def verdicts(report: dict[str, list[dict[str, object]]]) -> list[object]:
    return [account["verdicts"] for account in report["accounts"]]


def test_no_variable_softens_it(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    firm(OPEN)
    for name in ("EXIT_ZERO", "ALLOW_INCOMPLETE", "ALLOW_EMPTY"):
        monkeypatch.setenv(f"GATEPOLICY_{name}", "1")
    monkeypatch.setenv("GATEPOLICY_FAIL_ON", "critical")
    monkeypatch.setenv("GATEPOLICY_POLICY", "baseline")
    assert gatepolicy.scan("gatepolicy.yaml").exit_code == 1


def test_the_report_says_that_the_program_softened(firm: Firm) -> None:
    firm(OPEN)
    result = gatepolicy.scan("gatepolicy.yaml", fail_on="critical")
    assert result.passed
    assert [finding.severity for finding in result.violations] == ["high"]
    assert "--fail-on critical (fail_on, by the program)" in result.report()


def test_nothing_is_written(firm: Firm) -> None:
    firm(SAFE, project=PROJECT + "outputs: [json=out.json]\nhistory: history.db\n")
    before = sorted(Path().iterdir())
    assert gatepolicy.scan("gatepolicy.yaml").passed
    assert sorted(Path().iterdir()) == before


def test_waivers_of_the_project_apply(firm: Firm) -> None:
    waiver = (
        "apiVersion: gatepolicy/v1\nkind: Waivers\nwaivers:\n"
        "  - id: W-1\n    rule: ip-unbound\n    accounts: [binance-00002]\n"
        "    owner: desk@example.com\n    justification: Moves to the new network this week.\n"
        f"    created: {NOW:%Y-%m-%d}\n    expires: {NOW:%Y-%m-%d}\n"
    )
    firm(OPEN, project=PROJECT + "waivers: [waivers.yaml]\n")
    Path("waivers.yaml").write_text(waiver.replace("00002", "00001"), encoding="utf-8")
    assert gatepolicy.scan("gatepolicy.yaml").passed


def test_a_narrowed_scan_has_a_scope_of_its_own_in_code_scanning(firm: Firm) -> None:
    firm(SAFE, OPEN)
    ids = []
    for account in (None, "*-00001", "*-00002"):
        sarif = json.loads(gatepolicy.scan("gatepolicy.yaml", account=account).report("sarif"))
        ids.append(sarif["runs"][0]["automationDetails"]["id"])
    assert len(set(ids)) == 3
    assert "accounts.yaml/" in ids[0]


def test_rates_of_the_project_are_kept_and_the_usual_ones_are_those_of_the_command() -> None:
    @options.edge
    def command() -> None:
        """Nothing."""

    usual = {option.name: option.default for option in command.__click_params__}  # type: ignore[attr-defined]
    source = (Path(gatepolicy.__file__).parent / "api.py").read_text(encoding="utf-8")
    assert f"else {usual['jobs']}," in source
    assert f"else {usual['attempts']}," in source


@pytest.mark.parametrize("account", ["nobody", "", [], [""], [None], 7, b"bot"])
def test_an_account_that_is_none_is_an_error(firm: Firm, account: str) -> None:
    simulator = firm(SAFE)
    with pytest.raises(UsageError):
        gatepolicy.scan("gatepolicy.yaml", account=account)
    assert simulator.requests == ()


def test_what_else_is_no_argument(firm: Firm) -> None:
    firm(SAFE)
    with pytest.raises(UsageError, match="unknown severity serious"):
        gatepolicy.scan("gatepolicy.yaml", fail_on="serious")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is not a host"):
        gatepolicy.scan("gatepolicy.yaml", allow_hosts=["https://proxy.example.com/"])
    with pytest.raises(UsageError, match="unknown report format pdf"):
        gatepolicy.scan("gatepolicy.yaml").report("pdf")


def test_a_host_needs_leave(firm: Firm) -> None:
    simulator = firm(SAFE)
    text = Path("accounts.yaml").read_text(encoding="utf-8")
    elsewhere = text.replace(simulator.url, "https://elsewhere.invalid")
    Path("accounts.yaml").write_text(elsewhere, encoding="utf-8")
    result = gatepolicy.scan("gatepolicy.yaml")
    assert {finding.reason for finding in result.unknowns} == {"not_allowed"}
    allowed = gatepolicy.scan("gatepolicy.yaml", allow_hosts=["elsewhere.invalid"])
    assert {finding.reason for finding in allowed.unknowns} == {"unreachable"}
    assert not result.passed
    assert not allowed.passed


def test_files_with_problems_are_told_with_places(firm: Firm) -> None:
    firm(SAFE, policy="apiVersion: gatepolicy/v1\nkind: Policy\n")
    with pytest.raises(gatepolicy.GatepolicyError) as caught:
        gatepolicy.scan("gatepolicy.yaml")
    assert isinstance(caught.value, DocumentError)
    assert "policy.yaml:1:1" in str(caught.value)
    with pytest.raises(DocumentError, match=r"missing\.yaml"):
        gatepolicy.scan("missing.yaml")


def test_an_error_shows_its_hint_in_a_traceback(firm: Firm) -> None:
    firm(SAFE)
    with pytest.raises(UsageError) as caught:
        gatepolicy.scan("gatepolicy.yaml", account="binance-0001")
    assert caught.value.__notes__ == [f"hint: {caught.value.hint}"]


def test_no_text_of_an_unforeseen_error_gets_out(firm: Firm) -> None:
    firm(SAFE)
    hostile: Sequence[str] = _Hostile()
    with pytest.raises(InternalError) as caught:
        gatepolicy.scan("gatepolicy.yaml", allow_hosts=hostile)
    assert "RuntimeError at __iter__ in " in str(caught.value)
    assert "topsecret" not in str(caught.value)
    assert caught.value.__suppress_context__


class _Hostile(list[str]):
    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("topsecret")


def test_a_running_loop_is_not_blocked(firm: Firm) -> None:
    firm(SAFE)

    async def program() -> tuple[bool, int]:
        with pytest.raises(UsageError) as caught:
            gatepolicy.scan("gatepolicy.yaml")
        assert "scan_async" in caught.value.hint
        turns = 0

        async def work() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.01)
                turns += 1

        other = asyncio.create_task(work())
        result = await gatepolicy.scan_async("gatepolicy.yaml", account="binance-00001")
        other.cancel()
        return result.passed, turns

    passed, turns = asyncio.run(program())
    assert passed
    assert turns > 1


def test_a_cancelled_scan_ends_soon(firm: Firm) -> None:
    firm(replace(SAFE, faults=(Fault(kind=FaultKind.LATENCY, seconds=20),)))

    async def program() -> None:
        scan = asyncio.create_task(gatepolicy.scan_async("gatepolicy.yaml"))
        # The exchange keeps it waiting once it has imported all it needs.
        await asyncio.sleep(4)
        assert not scan.done()
        scan.cancel()
        await scan

    begun = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(program())
    while any(thread.name.startswith("gatepolicy") for thread in threading.enumerate()):
        time.sleep(0.02)
    assert time.monotonic() - begun < 15


def test_what_is_stopped_before_it_begins_sends_nothing(firm: Firm) -> None:
    simulator = firm(SAFE)
    work = _Work(_Request("gatepolicy.yaml", None, "info", ()))
    work.stop()
    with pytest.raises(asyncio.CancelledError):
        work.future.result(timeout=30)
    assert simulator.requests == ()
    work.stop()


def test_signals_and_logs_stay_those_of_the_program(firm: Firm) -> None:
    firm(SAFE)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    root = logging.getLogger().handlers[:]
    assert gatepolicy.scan("gatepolicy.yaml").passed
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert logging.getLogger().handlers == root


def test_it_is_callable_from_any_thread(firm: Firm) -> None:
    firm(SAFE)
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(gatepolicy.scan("gatepolicy.yaml").passed))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True, True]


def example() -> str:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return str(blocks[0])


def test_the_example_of_the_page_is_short() -> None:
    assert len([line for line in example().splitlines() if line]) <= 10


@pytest.mark.parametrize(("key", "code"), [(SAFE, 0), (OPEN, 1)], ids=["safe", "open"])
def test_the_example_of_the_page_runs(firm: Firm, key: SimulatedKey, code: int) -> None:
    firm(key)
    text = Path("accounts.yaml").read_text(encoding="utf-8")
    Path("accounts.yaml").write_text(text.replace("binance-00001", "bot", 1), encoding="utf-8")
    Path("bot.py").write_text(example() + "print('trading')\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "bot.py"],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ("trading\n" if code == 0 else "")
    assert ended.stderr == "" or ended.stderr.startswith("bot: high GP010 ip-unbound: ")


def test_a_bot_that_uses_ccxt_keeps_its_ccxt(firm: Firm) -> None:
    firm(SAFE)
    script = (
        "import ccxt, gatepolicy, sys\n"
        "before = ccxt.NetworkError\n"
        "assert gatepolicy.scan('gatepolicy.yaml').passed\n"
        "assert sys.modules['ccxt'] is ccxt\n"
        "import ccxt.async_support as other\n"
        "assert other.NetworkError is before\n"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_the_import_alone_takes_nothing() -> None:
    script = (
        "import sys; before = set(sys.modules); import gatepolicy; print(gatepolicy.__version__);"
        "print(sorted(set(sys.modules) - before))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines() == [gatepolicy.__version__, "['gatepolicy']"]


def test_only_what_is_public_is_there() -> None:
    assert {name for name in gatepolicy.__all__ if not hasattr(gatepolicy, name)} == set()
    with pytest.raises(AttributeError, match="no attribute 'scam'"):
        gatepolicy.scam  # type: ignore[attr-defined]  # noqa: B018
    assert gatepolicy.GatepolicyError is gatepolicy.errors.GatepolicyError
