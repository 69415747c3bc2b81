"""The false passes of other scanners: each was a real defect somewhere, none may be ours.

Each test is named for the defect, with the tool where users met it.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey

TODAY = datetime.now(UTC).date()
WAIVER = """\
apiVersion: gatepolicy/v1
kind: Waivers
waivers:
  - id: RISK-1
    rule: permission-not-allowed
    accounts: ["okx-*"]
    owner: desk@example.com
    justification: More words than the guide names.
    created: {created}
    expires: {expires}
"""

Clean = Callable[[ExchangeId], SimulatedKey]
OKX, KUCOIN, BINANCE, GATE, BYBIT = (
    ExchangeId.OKX,
    ExchangeId.KUCOIN,
    ExchangeId.BINANCE,
    ExchangeId.GATE,
    ExchangeId.BYBIT,
)


def verdicts(report: Any, rule: str) -> set[str]:
    return {
        verdict["verdict"]
        for account in report["accounts"]
        for verdict in account["verdicts"]
        if verdict["name"] == rule
    }


def test_a_clean_key_passes_so_that_the_others_prove_something(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(exchange) for exchange in (OKX, KUCOIN, BINANCE, BYBIT)]
    assert firm.scan("-q").code == 0


def test_denied_read_reported_as_pass_prowler_12872(firm: Any, clean: Clean) -> None:
    firm.keys = [replace(clean(GATE), permissions={"spot": "read-write"})]
    report = firm.report()
    assert verdicts(report, "withdrawal-enabled") == {"unknown"}
    assert report["exit_code"] == 1
    assert report["accounts"][0]["unknown"]["permission.withdraw"] == "permission_denied"


def test_exception_in_a_check_makes_no_finding_prowler_execute(firm: Any, clean: Clean) -> None:
    firm.keys = [replace(clean(OKX), faults=(Fault(kind=FaultKind.RESET),))]
    report = firm.report()
    assert verdicts(report, "withdrawal-enabled") == {"unknown"}
    assert report["exit_code"] == 1


def test_forbidden_taken_for_absent_kubescape_3069(firm: Any, clean: Clean) -> None:
    firm.keys = [replace(clean(OKX), faults=(Fault(kind=FaultKind.HTML, status=403),))]
    assert verdicts(firm.report(), "ip-unbound") == {"unknown"}


def test_zero_rules_are_full_marks_kubescape_3199(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    assert firm.scan("--skip-rule", "*").code == 4


def test_wrong_namespace_runs_no_test_conftest_181_298(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    firm.policy = firm.policy.replace(
        "permissions:", "applies_to: {accounts: [nobody]}\npermissions:"
    )
    ended = firm.scan()
    assert ended.code == 4
    assert "policy-without-accounts" in ended.out or "no account" in ended.out


@pytest.mark.parametrize(
    "selector",
    [("--account", "nobody"), ("--rule", "no-such-rule"), ("--skip-rule", "no-such-rule")],
)
def test_selector_that_matches_nothing_atlantis_1550(
    firm: Any, clean: Clean, selector: tuple[str, str]
) -> None:
    firm.keys = [clean(OKX)]
    assert firm.scan(*selector).code == 2


def test_what_matches_nothing_evaluates_nothing(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX), replace(clean(GATE), labels={"desk": "otc"})]
    # A label that no account has is a slip; one that the named account does not have is no scan.
    assert firm.scan("--label", "desk=nobody").code == 2
    assert firm.scan("--label", "desk=otc", "--account", "okx-*").code == 4


@pytest.mark.parametrize("text", ["", "# only a comment\n", "{}\n", "null\n"])
def test_empty_policy_file_c7n_949(firm: Any, clean: Clean, text: str) -> None:
    firm.keys = [clean(OKX)]
    firm.policy = text
    ended = firm.scan()
    assert ended.code == 2
    assert "policy.yaml:1:1" in ended.err


def test_policy_that_asks_nothing_is_refused(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    firm.policy = firm.policy[: firm.policy.index("permissions:")]
    assert firm.scan().code == 2


def test_account_that_is_denied_ends_with_zero_c7n_org_2656(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(KUCOIN), replace(clean(OKX), given_secret="wrong-secret-of-this-key")]
    assert firm.scan().code == 1


def test_parse_error_ends_with_zero_checkov_35_5248(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    firm.policy += "permissions: [\n"
    ended = firm.scan()
    assert ended.code == 2
    assert "policy.yaml:" in ended.err


def test_unsupported_exchange_is_all_false_quantalyze(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    firm.inventory = lambda text: text.replace("exchange: okx", "exchange: bitmart")
    report = firm.report()
    assert {"pass"}.isdisjoint(
        verdict["verdict"] for account in report["accounts"] for verdict in account["verdicts"]
    )
    assert set(report["accounts"][0]["unknown"].values()) == {"unsupported_exchange"}
    assert report["exit_code"] == 1


def test_not_disclosed_is_skipped_octobot(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    firm.policy += "key: {max_age: 90d}\n"
    report = firm.report()
    assert verdicts(report, "key-too-old") == {"unknown"}
    assert report["exit_code"] == 3


def test_unknown_permission_is_ignored_alunajs(firm: Any, clean: Clean) -> None:
    firm.keys = [replace(clean(KUCOIN), permissions=("General", "Quantum"))]
    report = firm.report()
    assert verdicts(report, "permission-unrecognised") == {"fail"}
    assert verdicts(report, "withdrawal-enabled") == {"unknown"}


def test_account_flag_is_read_as_key_flag_alunajs(firm: Any, clean: Clean) -> None:
    account_level = {"canWithdraw": False, "enableWithdrawals": None}
    firm.keys = [replace(clean(BINANCE), answer_patch=account_level)]
    assert verdicts(firm.report(), "withdrawal-enabled") == {"unknown"}


@pytest.mark.parametrize("text", ["false", "False", "", "0"])
def test_text_is_taken_for_a_boolean(firm: Any, clean: Clean, text: str) -> None:
    firm.keys = [replace(clean(BINANCE), answer_patch={"enableWithdrawals": text})]
    assert verdicts(firm.report(), "withdrawal-enabled") == {"unknown"}


def test_duplicate_keys_hide_the_first_value(firm: Any, clean: Clean) -> None:
    withdrawing = replace(clean(OKX), permissions=("read_only", "withdraw"))
    firm.keys = [replace(withdrawing, faults=(Fault(kind=FaultKind.DUPLICATE_KEYS),))]
    assert verdicts(firm.report(), "withdrawal-enabled") == {"unknown"}


@pytest.mark.parametrize("ips", [["*"], ["0.0.0.0/0"], ["::/0"], [""], ["203.0.113.10", "*"]])
def test_a_wildcard_counts_as_a_binding(firm: Any, clean: Clean, ips: list[str]) -> None:
    firm.keys = [replace(clean(BYBIT), answer_patch={"ips": ips})]
    assert "pass" not in verdicts(firm.report(), "ip-unbound")


@pytest.mark.parametrize("extra", [[], ["-o", "json=r.json"], ["-o", "sarif=r.sarif"]])
def test_exit_code_depends_on_the_format_zizmor_625(
    firm: Any, clean: Clean, extra: list[str]
) -> None:
    firm.keys = [replace(clean(OKX), permissions=("read_only", "withdraw"))]
    assert firm.scan(*extra).code == 1


def test_errors_are_suppressed_by_default_semgrep_ci(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX), replace(clean(KUCOIN), faults=(Fault(kind=FaultKind.HTML),))]
    assert firm.scan().code == 1


def test_threshold_does_not_apply_in_the_default_mode_kubescape_2408(
    firm: Any, clean: Clean
) -> None:
    firm.keys = [replace(clean(OKX), permissions=("read_only", "withdraw"))]
    assert firm.scan("--fail-on", "critical").code == 1
    firm.policy += "severity: {GP001: low}\n"
    assert firm.scan("--fail-on", "high").code == 0


def test_ruleset_is_dropped_silently_trailofbits_250(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    ended = firm.scan("-p", "not-there.yaml")
    assert ended.code == 2
    assert "not-there.yaml" in ended.err


def test_missing_result_closes_the_alert_in_sarif(firm: Any, clean: Clean) -> None:
    def fingerprints() -> set[str]:
        firm.scan("-o", "sarif=report.sarif")
        sarif = json.loads((firm.folder / "report.sarif").read_text(encoding="utf-8"))
        return {
            result["partialFingerprints"]["primaryLocationLineHash"]
            for result in sarif["runs"][0]["results"]
            if result["ruleId"] == "GP001"
        }

    withdrawing = replace(clean(OKX), permissions=("read_only", "withdraw"))
    firm.keys = [withdrawing]
    failing = fingerprints()
    firm.keys = [replace(withdrawing, faults=(Fault(kind=FaultKind.RESET),))]
    assert len(failing) == 1
    assert fingerprints() == failing


def test_account_without_any_policy_is_no_pass(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX), clean(KUCOIN)]
    firm.policy = firm.policy.replace(
        "permissions:", "applies_to: {exchanges: [okx]}\npermissions:"
    )
    report = firm.report()
    assert verdicts(report, "account-without-policy") == {"unknown"}
    assert report["exit_code"] == 3


def test_empty_inventory_is_no_clean_scan(firm: Any, clean: Clean) -> None:
    firm.keys = [clean(OKX)]
    firm.inventory = lambda text: text[: text.index("accounts:")] + "accounts: []\n"
    assert firm.scan().code == 2


def test_words_hide_no_withdrawal_behind_a_milder_rule(firm: Any, clean: Clean) -> None:
    firm.keys = [replace(clean(OKX), permissions=("read_only", "trade", "withdraw"))]
    head = firm.policy[: firm.policy.index("permissions:")]
    firm.policy = f"{head}exchanges: {{okx: {{permissions: {{allow: [read_only, trade]}}}}}}\n"
    waiver = WAIVER.format(created=TODAY, expires=TODAY + timedelta(days=30))
    (firm.folder / "waivers.yaml").write_text(waiver, encoding="utf-8")
    assert firm.scan("--fail-on", "critical").code == 1
    report = firm.report("-w", "waivers.yaml", "--fail-on", "critical")
    assert report["exit_code"] == 1
    assert verdicts(report, "permission-not-allowed") == {"waived"}
    assert verdicts(report, "withdrawal-enabled") == {"fail"}
