"""What only several accounts together can tell, from the key to the verdict."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread

Clean = Callable[[ExchangeId], SimulatedKey]
OKX, GATE, KUCOIN, BYBIT = ExchangeId.OKX, ExchangeId.GATE, ExchangeId.KUCOIN, ExchangeId.BYBIT

HEAD = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: firm, title: The firm}
"""


def on_desk(key: SimulatedKey, name: str, desk: str, *ips: str) -> SimulatedKey:
    ips = ips or key.allowed_ips
    return replace(
        key, account_id=name, labels={"desk": desk}, allowed_ips=ips, caller_ip=ips[0].split("/")[0]
    )


def verdicts(report: Any, rule: str) -> dict[str, str]:
    return {
        account["id"]: verdict["verdict"]
        for account in report["accounts"]
        for verdict in account["verdicts"]
        if verdict["name"] == rule
    }


def seen(report: Any, account: str) -> str:
    found = next(one for one in report["accounts"] if one["id"] == account)
    return str(found["verdicts"][0]["seen"] or found["verdicts"][0]["needed"])


def test_two_desks_share_no_address(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "ip_binding: {separate_by: [desk]}\n"
    firm.keys = [
        on_desk(clean(OKX), "mm-okx", "mm", "203.0.113.10"),
        on_desk(clean(GATE), "mm-gate", "mm", "203.0.113.10"),
        on_desk(clean(BYBIT), "otc-bybit", "otc", "203.0.113.10", "203.0.113.20"),
        on_desk(clean(KUCOIN), "vault-kucoin", "vault", "203.0.113.30"),
    ]
    # KuCoin masks addresses: until the inventory says from where the vault works, nobody knows.
    report = firm.report()
    assert verdicts(report, "address-shared") == {
        "mm-okx": "fail", "mm-gate": "fail", "otc-bybit": "fail", "vault-kucoin": "unknown",
    }  # fmt: skip
    assert seen(report, "mm-okx") == "the same address is used by desk=otc (otc-bybit)"

    firm.keys = [key for key in firm.keys if key.account_id != "otc-bybit"]
    report = firm.report()
    assert set(verdicts(report, "address-shared").values()) == {"unknown"}
    assert "desk=vault (vault-kucoin)" in seen(report, "mm-okx")
    assert report["exit_code"] == 3

    entry = '  - id: "vault-kucoin"\n'
    firm.inventory = lambda text: text.replace(entry, f"{entry}    egress: [203.0.113.30]\n")
    report = firm.report()
    assert set(verdicts(report, "address-shared").values()) == {"pass"}
    assert report["exit_code"] == 0

    firm.inventory = lambda text: text.replace(entry, f"{entry}    egress: [203.0.113.0/27]\n")
    assert set(verdicts(firm.report(), "address-shared").values()) == {"fail"}


def test_an_unbound_key_shares_every_address(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "ip_binding: {separate_by: [desk]}\n"
    unbound = replace(on_desk(clean(BYBIT), "otc", "otc"), allowed_ips=())
    firm.keys = [on_desk(clean(OKX), "mm", "mm"), unbound]
    assert verdicts(firm.report(), "address-shared") == {"mm": "pass", "otc": "fail"}


def test_a_narrowed_scan_does_not_forget_the_other_desk(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "ip_binding: {separate_by: [desk]}\n"
    firm.keys = [on_desk(clean(OKX), "mm", "mm"), on_desk(clean(GATE), "otc", "otc")]
    # What the other desk works from was not read: that is no pass, and is said once.
    report = firm.report("--account", "mm")
    assert verdicts(report, "address-shared") == {}
    assert report["narrowed"]["comparisons_left_out"] == ["address-shared"]
    assert report["exit_code"] == 4
    # What the inventory itself says of it is a finding.
    entry = '  - id: "otc"\n'
    egress = firm.keys[0].allowed_ips[0]
    firm.inventory = lambda text: text.replace(entry, f"{entry}    egress: [{egress}]\n")
    assert verdicts(firm.report("--account", "mm"), "address-shared") == {"mm": "fail"}


def test_an_account_has_so_many_keys_at_most(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "account: {max_keys: 2}\n"
    first = replace(clean(GATE), account="firm", account_id="one", discovers=True)
    more = [
        replace(first, api_key=f"{n}" * 12 + "rest", secret=f"not-a-secret-{n}", account_id=f"k{n}")
        for n in "abc"
    ]
    firm.keys = [first, *(replace(key, discovers=False) for key in more[:1])]
    report = firm.report()
    assert verdicts(report, "too-many-keys") == {"one": "pass", "ka": "unknown"}
    firm.keys = [first, *(replace(key, discovers=False) for key in more)]
    report = firm.report()
    assert verdicts(report, "too-many-keys")["one"] == "fail"
    assert seen(report, "one").startswith("the account has 4 keys: ")
    # A key that is found there is one of them.
    firm.keys = [first, replace(more[0], discovers=False)]
    firm.inventory = lambda text: text.partition('  - id: "ka"')[0]
    found = verdicts(firm.report(), "too-many-keys")
    assert set(found.values()) == {"pass"}
    assert len(found) == 2


def test_an_account_that_cannot_list_has_an_unknown_number_of_keys(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "account: {max_keys: 2}\n"
    # OKX lists keys of sub-accounts, and never those of the account itself.
    firm.keys = [replace(clean(OKX), account_id="okx", discovers=True)]
    assert verdicts(firm.report(), "too-many-keys") == {"okx": "unknown"}


def test_a_production_account_is_no_sandbox(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "account: {production: true}\n"
    firm.keys = [replace(clean(OKX), account_id="real"), replace(clean(BYBIT), account_id="test")]
    entry = '  - id: "test"\n'
    firm.inventory = lambda text: text.replace(entry, f"{entry}    sandbox: true\n")
    # What is asked elsewhere than at the exchange, here at the simulator, may be anything.
    report = firm.report()
    assert verdicts(report, "sandbox-account") == {"real": "unknown", "test": "fail"}
    assert seen(report, "real").startswith("it is read at 127.0.0.1 (base_url)")


def test_one_key_pays_and_another_one_trades(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "permissions: {separate_duties: true}\n"
    both = replace(clean(OKX), account_id="both", permissions=("read_only", "trade", "withdraw"))
    payer = replace(
        clean(OKX),
        account_id="payer",
        api_key="another-key",
        permissions=("read_only", "withdraw"),
    )
    firm.keys = [both, payer, replace(clean(BYBIT), account_id="bot")]
    assert verdicts(firm.report(), "duties-not-separated") == {
        "both": "fail", "payer": "pass", "bot": "pass",
    }  # fmt: skip


def test_a_narrowed_scan_compares_keys_with_those_that_it_does_not_ask(
    firm: Any, clean: Clean
) -> None:
    firm.policy = HEAD + "key: {unique: true}\n"
    firm.keys = [
        replace(clean(OKX), account_id="one"),
        replace(clean(OKX), account_id="two", api_key="another-key"),
        replace(clean(GATE), account_id="elsewhere"),
    ]
    assert verdicts(firm.report(), "shared-key") == {
        "one": "pass", "two": "pass", "elsewhere": "pass",
    }  # fmt: skip
    report = firm.report("--account", "one")
    assert verdicts(report, "shared-key") == {"one": "pass"}
    assert report["exit_code"] == 0
    # Where the other key cannot be read, nothing is compared, and that is said once.
    firm.inventory = lambda text: text.replace("env:SIM_TWO_KEY", "env:NOT_SET")
    narrowed = ("--account", "one", "--account", "elsewhere")
    report = firm.report(*narrowed)
    # Keys of other exchanges are other keys.
    assert verdicts(report, "shared-key") == {"elsewhere": "pass"}
    assert report["narrowed"]["comparisons_left_out"] == ["shared-key"]
    assert report["exit_code"] == 0
    told = "not compared, because that needs accounts that were not read: shared-key."
    for form in ("text", "sarif", "frameworks"):
        assert " ".join(firm.scan("-o", form, *narrowed).out.split()).count(told) == 1


def test_a_narrowed_scan_still_finds_a_key_that_is_shared(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "key: {unique: true}\n"
    firm.keys = [
        replace(clean(OKX), account_id="one"),
        replace(clean(OKX), account_id="two", api_key="another-key"),
        replace(clean(OKX), account_id="three", api_key="a-third-key"),
    ]
    firm.inventory = lambda text: text.replace("env:SIM_TWO_KEY", "env:SIM_ONE_KEY").replace(
        "env:SIM_THREE_KEY", "env:NOT_SET"
    )
    report = firm.report("--account", "one")
    assert verdicts(report, "shared-key") == {"one": "fail"}
    assert seen(report, "one") == "the same key is used by two"
    assert report["exit_code"] == 1


def test_evidence_of_some_accounts_leaves_the_same_out(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "key: {unique: true, exists: true}\n"
    firm.keys = [
        replace(clean(OKX), account_id="one"),
        replace(clean(OKX), account_id="two", api_key="another-key"),
    ]
    firm.inventory = lambda text: text.replace("env:SIM_TWO_KEY", "env:NOT_SET")
    with SimulatorThread(Simulator(firm.keys)) as simulator:
        firm.prepare(simulator.url)
        firm.run("collect", "-o", "e.json", "--account", "one")
    ended = firm.run("evaluate", "e.json", "-p", "policy.yaml", "-o", "json=r.json")
    assert ended.code == 0
    report = firm.read("r.json")
    assert report["narrowed"]["comparisons_left_out"] == ["shared-key"]
    # Whoever edits the narrowing out of the evidence gains nothing.
    text = (firm.folder / "e.json").read_text(encoding="utf-8")
    whole = text.replace('"narrowed_by"', '"x"').replace('["--account one"]', "[]")
    whole = whole.replace('"x": [],', "").replace('"x":[],', "")
    (firm.folder / "e.json").write_text(whole, encoding="utf-8")
    assert firm.run("evaluate", "e.json", "-p", "policy.yaml").code == 3


def test_a_key_that_cannot_be_read_may_be_the_same(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "key: {unique: true}\n"
    firm.keys = [
        replace(clean(OKX), account_id="one"),
        replace(clean(OKX), account_id="two", api_key="another-key"),
    ]
    firm.inventory = lambda text: text.replace("env:SIM_TWO_KEY", "env:NOT_SET")
    assert verdicts(firm.report(), "shared-key") == {"one": "unknown", "two": "unknown"}


def test_a_label_that_an_account_does_not_have_proves_nothing(firm: Any, clean: Clean) -> None:
    firm.policy = HEAD + "ip_binding: {separate_by: [dsk]}\n"
    firm.keys = [on_desk(clean(OKX), "mm", "mm"), on_desk(clean(GATE), "otc", "otc")]
    report = firm.report()
    assert set(verdicts(report, "address-shared").values()) == {"unknown"}
    assert seen(report, "mm").startswith("the account has no label dsk")
