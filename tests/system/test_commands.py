"""Whole commands, as users run them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.exchanges.catalog import known_exchanges
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.inventory import environment, inventory_yaml
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.synthetic import simulated_exchanges
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
OKX, GATE, BYBIT, KUCOIN = ExchangeId.OKX, ExchangeId.GATE, ExchangeId.BYBIT, ExchangeId.KUCOIN
GATEPOLICY = str(Path(sys.executable).with_name("gatepolicy"))


def violating(clean: Clean) -> list[SimulatedKey]:
    """A clean key of each exchange, and one of everything that goes wrong."""
    okx = replace(clean(OKX), permissions=("read_only", "withdraw"), api_key="okx-withdrawing-key")
    return [
        *(clean(exchange) for exchange in ExchangeId),
        okx,
        replace(clean(GATE), api_key="another-key-of-gate", permissions={"spot": "read-write"}),
        replace(clean(BYBIT), api_key="unbound-key", allowed_ips=()),
        replace(clean(KUCOIN), api_key="broken-key", faults=(Fault(kind=FaultKind.HTML),)),
    ]


def test_collect_and_evaluate_give_the_report_of_scan(firm: Any, clean: Clean) -> None:
    firm.keys = violating(clean)
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        policy = ("-p", "policy.yaml")
        scanned = firm.run("scan", *policy, "--attempts", "1", "-o", "json=scan.json")
        collected = firm.run("collect", "--attempts", "1", "-o", "evidence.json")
    evaluated = firm.run("evaluate", "evidence.json", *policy, "-o", "json=evaluated.json")
    assert (scanned.code, collected.code, evaluated.code) == (1, 0, 1)
    first, second = firm.read("scan.json"), firm.read("evaluated.json")
    assert first["evidence_collected_at"] is None
    assert second["evidence_collected_at"] >= second["started_at"]
    for name in ("started_at", "finished_at", "evidence_collected_at"):
        first.pop(name)
        second.pop(name)
    for report in (first, second):
        for account in report["accounts"]:
            account.pop("collected_at", None)
    assert second == first


def test_evaluating_needs_no_secret_and_no_network(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        firm.run("collect", "-o", "evidence.json")
    ended = subprocess.run(
        [GATEPOLICY, "evaluate", "evidence.json", "-p", "policy.yaml"],
        cwd=firm.folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0
    assert "1 account: 1 pass" in ended.stdout


def test_the_plan_tells_every_request_and_sends_none(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(exchange) for exchange in ExchangeId]
    firm.inventory = lambda text: text.replace("exchange: kucoin", "exchange: moonex").replace(
        '      password: "env:SIM_OKX_00004_PASSPHRASE"\n', ""
    )
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        ended = firm.run("scan", "--plan", "-p", "policy.yaml")
        assert simulator.request_count == 0
        url = simulator.url
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"gate-00001  GET {url}/api/v4/account/main_keys  via direct",
        f"gate-00001  GET {url}/api/v4/account/detail  via direct",
        f"binance-00002  GET {url}/sapi/v1/account/apiRestrictions  via direct",
        f"bybit-00003  GET {url}/v5/user/query-api  via direct",
        "okx-00004  nothing: the inventory names no password for this account; OKX needs apiKey,"
        " secret, password",
        "kucoin-00005  nothing: unknown exchange moonex",
    ]
    assert ended.err == (
        "4 requests to 5 accounts; nothing was sent\n"
        "expected duration: under 1 s (4 calls of about 0.25 s, 64 at a time)\n"
    )


def test_the_plan_tells_how_long_a_scan_takes_and_why(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX), clean(GATE)]
    firm.prepare("http://127.0.0.1:9")
    ended = firm.run("scan", "--plan", "-p", "policy.yaml", "--max-rate", "0.01")
    # Gate needs two calls: two turns of 100 s.
    assert ended.err.splitlines()[1] == (
        "expected duration: 3 min 20 s (gate at http://127.0.0.1:9 via direct:"
        " 2 calls at 0.01 per second)"
    )


def test_no_secret_is_in_any_output(firm: Any, clean: Clean) -> None:
    """Some of these answers echo the key and what was signed (OKX 50110, Bybit 10004)."""
    firm.keys = [
        *violating(clean),
        replace(clean(OKX), api_key="refused-okx-key", caller_ip="198.51.100.99"),
        replace(clean(BYBIT), api_key="misspelt-secret", given_secret="wrong-secret-for-bybit"),
        replace(clean(GATE), api_key="resetting-key", faults=(Fault(kind=FaultKind.RESET),)),
    ]
    outputs = ["-o", "json=r.json", "-o", "sarif=r.sarif", "-o", "text=r.txt", "-vv"]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        told = [firm.run("scan", "-p", "policy.yaml", "--attempts", "1", *outputs)]
        told.append(firm.run("scan", "-p", "policy.yaml", "--attempts", "1", "-vv"))
        told.append(firm.run("collect", "--attempts", "1", "-o", "evidence.json"))
        told.append(firm.run("scan", "--plan", "-p", "policy.yaml"))
    texts = [text for ended in told for text in (ended.out, ended.err)]
    texts += [(firm.folder / name).read_text(encoding="utf-8") for name in firm.written()]
    assert len(texts) == 12
    for planted in environment(firm.keys).values():
        assert not [text for text in texts if planted in text], planted


def test_a_missing_credential_spoils_its_account_only(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX), clean(KUCOIN)]
    firm.inventory = lambda text: text.replace("SIM_OKX_00001_SECRET", "NOT_SET")
    report = firm.report()
    first, second = report["accounts"]
    assert set(first["unknown"].values()) == {"bad_credentials_config"}
    assert first["unknown_details"]["permission.withdraw"] == (
        "secret: the environment variable NOT_SET is not set"
    )
    assert second["facts"]["permission.withdraw"]["value"] is False


def test_a_file_that_others_can_read_is_warned_of(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    secret = firm.folder / "okx-secret"
    secret.write_text(firm.keys[0].secret + "\n", encoding="utf-8")
    secret.chmod(0o644)
    firm.inventory = lambda text: text.replace("env:SIM_OKX_00001_SECRET", "file:okx-secret")
    ended = firm.scan()
    assert ended.code == 0
    assert (
        "warning: others can read the file named at accounts.yaml:8:15; chmod 600 it\n" in ended.err
    )


def test_reports_go_where_they_are_sent(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    ended = firm.scan("-o", "json", "-o", "text=report.txt")
    assert json.loads(ended.out)["exit_code"] == 0
    assert "Summary" in (firm.folder / "report.txt").read_text(encoding="utf-8")
    assert ended.err == ""
    assert "\x1b" not in ended.out


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (["-o", "pdf"], "unknown report format pdf"),
        (["-o", "json="], "the path is empty"),
        (["-o", "json", "-o", "text"], "two reports would go to standard output"),
        (["-o", "json=x", "-o", "sarif=x"], "two reports would go to x"),
        (["-o", "json=no-folder/x.json"], "no such folder: no-folder"),
        (["--label", "desk"], "--label desk is not of the form KEY=VALUE"),
    ],
)
def test_slips_in_options(firm: Any, clean: Clean, output: list[str], error: str) -> None:
    firm.keys = [clean(OKX)]
    ended = firm.scan(*output)
    assert ended.code == 2
    assert error in ended.err
    assert "hint: " in ended.err


def test_the_environment_sets_options(firm: Any, clean: Clean) -> None:
    firm.keys = [replace(clean(OKX), permissions=("read_only", "withdraw"))]
    firm.monkeypatch.setenv("GATEPOLICY_EXIT_ZERO", "1")
    firm.monkeypatch.setenv("GATEPOLICY_OUTPUT", "json=of-environment.json")
    assert firm.scan("-q").code == 0
    assert firm.read("of-environment.json")["exit_code"] == 0


def test_without_a_policy_the_baseline_is_asked(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(BYBIT)]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        ended = firm.run("scan")
    assert "policies  baseline" in ended.out
    assert ended.code == 0


def test_an_account_is_chosen_by_glob_and_label(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX), clean(KUCOIN)]
    report = firm.report("--account", "kucoin-*", "--label", "desk=mm")
    assert [account["id"] for account in report["accounts"]] == ["kucoin-00002"]


def test_check_tells_every_problem_of_every_file(firm: Any) -> None:
    (firm.folder / "policy.yaml").write_text("kind: Policy\n", encoding="utf-8")
    (firm.folder / "accounts.yaml").write_text("", encoding="utf-8")
    ended = firm.run("check", "-p", "policy.yaml", "-p", "missing.yaml")
    assert ended.code == 2
    told = ended.err.splitlines()
    assert {line.split(":")[0] for line in told} == {
        "policy.yaml", "missing.yaml", "accounts.yaml", "error",
    }  # fmt: skip
    assert ended.out == ""


def test_check_says_what_it_checked(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    firm.prepare("http://127.0.0.1:1")
    ended = firm.run("check", "-p", "policy.yaml", "--catalog")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "ok  policy.yaml",
        "ok  accounts.yaml (1 account)",
        f"ok  exchange catalog ({len(known_exchanges())} exchanges); nothing was sent",
    ]
    assert firm.run("check", "-q").out == ""


def test_a_demonstration_comes_out_as_expected(firm: Any) -> None:
    ended = firm.run("demo", "--out", "shown")
    assert ended.code == 0
    assert "All 25 synthetic accounts gave the expected verdicts." in ended.out
    assert "would exit with 1" in ended.out
    assert {path.name for path in (firm.folder / "shown").iterdir()} == {
        "accounts.yaml", "desk.yaml", "gate-market-making.yaml", "keys.yaml", "report.html",
        "report.json", "report.sarif",
    }  # fmt: skip
    assert max(len(line) for line in ended.out.splitlines()) <= 80


def test_the_whole_map_comes_out_as_expected(firm: Any) -> None:
    ended = firm.run("demo", "--all", "--out", "shown")
    assert ended.code == 0, ended.err
    assert "synthetic accounts gave the expected verdicts." in ended.out
    text = (firm.folder / "shown" / "report.json").read_text(encoding="utf-8")
    scanned = {account["exchange"] for account in json.loads(text)["accounts"]}
    assert scanned == set(simulated_exchanges())
    assert "not a real" not in text


def test_a_narrowed_scan_closes_no_alert_of_what_it_left_out(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX), clean(KUCOIN)]

    def scope(*arguments: str) -> str:
        firm.scan("-o", "sarif=r.sarif", *arguments)
        name: str = firm.read("r.sarif")["runs"][0]["automationDetails"]["id"]
        return name

    whole = scope()
    assert whole == "gatepolicy/accounts.yaml/"
    assert scope("-q") == whole
    narrowed = {scope("--account", "okx-*"), scope("--rule", "GP001"), scope("-l", "desk=mm")}
    assert len({whole, *narrowed}) == 4
    assert scope("--account", "okx-*") in narrowed
    assert scope("--account", "okx-*", "--sarif-scope", "desk") == "gatepolicy/desk/"


def test_a_closed_standard_output_is_told(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        ended = subprocess.run(
            ["/bin/sh", "-c", f"exec {GATEPOLICY} scan -p policy.yaml >&-"],
            cwd=firm.folder,
            env={**os.environ, **environment(firm.keys)},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: cannot write standard output")


def test_names_of_files_cannot_move_the_cursor(firm: Any) -> None:
    ended = firm.run("check", "-p", "\x1b[2Jpolicy.yaml")
    assert ended.code == 2
    assert "\x1b" not in ended.err
    assert "\\x1b[2Jpolicy.yaml" in ended.err


def test_an_unforeseen_defect_shows_no_value(firm: Any, clean: Clean) -> None:
    """The environment is what a defect could quote; its lines are told, its values are not."""
    firm.keys = [clean(OKX)]
    text = inventory_yaml(firm.keys, "http://127.0.0.1:1")
    (firm.folder / "accounts.yaml").write_text(text, encoding="utf-8")
    ended = firm.run("scan", "-p", str(firm.folder))
    assert ended.code == 2
    assert not re.search(r"Traceback", ended.err)


def test_proxies_of_the_environment_have_no_effect(
    firm: Any, clean: Clean, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    firm.keys = [clean(OKX)]
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        scanned = firm.run("scan", "-p", "policy.yaml", "-o", "json=report.json")
    assert scanned.code == 0, scanned.out
    assert [account["unread"] for account in firm.read("report.json")["accounts"]] == [None]
