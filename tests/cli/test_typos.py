"""A name, a glob or a label that fits nothing is a mistake, and is told at once."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

HEAD = "apiVersion: gatepolicy/v1\nkind: "
INVENTORY = f"""{HEAD}Inventory
accounts:
  - {{id: mm-okx, exchange: okx, labels: {{desk: mm}}, credentials: {{apiKey: env:K, secret: env:S,
     password: env:P}}}}
  - {{id: otc-gate, exchange: gate, labels: {{desk: otc}}, credentials: {{apiKey: env:K,
     secret: env:S}}}}
"""
POLICY = f"""{HEAD}Policy
metadata: {{name: desk, title: The desk}}
key: {{max_age: 90d}}
"""
WAIVER = """\
  - id: {id}
    rule: key-too-old
    owner: desk@example.com
    justification: Kept for the yearly audit.
    created: {created}
    expires: {expires}
    {chosen}
"""
SAID = (
    "--rule", "GP020", "--owner", "desk@example.com",
    "--justification", "Kept for the yearly audit.", "--expires", "30",
)  # fmt: skip
ATTEST = ("attest", "--control", "review", "--by", "Ada Example")


@pytest.fixture
def firm(run: Run, tmp_path: Path) -> Path:
    del run
    (tmp_path / "accounts.yaml").write_text(INVENTORY)
    (tmp_path / "p.yaml").write_text(POLICY)
    return tmp_path


def waivers(*chosen: str, created: str = "2026-11-01", expires: str = "2027-01-01") -> str:
    entries = (
        WAIVER.format(id=f"W-{n}", chosen=text, created=created, expires=expires)
        for n, text in enumerate(chosen)
    )
    return f"{HEAD}Waivers\nwaivers:\n{''.join(entries)}"


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("exchanges: [okx, binanse]", "p.yaml:4:31: applies_to.exchanges[1]: unknown exchange"
         " binanse; did you mean binance?"),
        ("accounts: [mm-*, otc-gaet]", "p.yaml:4:14: applies_to.accounts: no account id matches"
         " otc-gaet; did you mean otc-gate?"),
        ("labels: {desk: nm}", "p.yaml:4:14: applies_to.labels: no account has the label desk=nm;"
         " the inventory has desk: mm, otc"),
        ("labels: {dsek: mm}", "p.yaml:4:14: applies_to.labels: no account has a label dsek;"
         " did you mean desk?"),
        ("exchanges: [kraken]", "p.yaml:4:14: applies_to.exchanges: no account is on kraken; the"
         " inventory has accounts on gate, okx"),
        ("exchanges: [okx], labels: {desk: otc}", "p.yaml:3:18: applies_to: no account matches all"
         " of these; correct accounts, exchanges or labels"),
    ],
)  # fmt: skip
def test_a_policy_for_nobody(run: Run, firm: Path, chosen: str, told: str) -> None:
    (firm / "p.yaml").write_text(POLICY.replace("key:", f"applies_to: {{{chosen}}}\nkey:"))
    ended = run("check", "-p", "p.yaml")
    assert ended.code == 2
    assert told in ended.err.splitlines()


def test_an_exchange_of_a_shared_policy_may_have_no_account(run: Run, firm: Path) -> None:
    chosen = "applies_to: {exchanges: [okx, kraken, bitmart]}\nkey:"
    (firm / "p.yaml").write_text(POLICY.replace("key:", chosen))
    assert run("check", "-p", "p.yaml").code == 0


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (
            "accounts: [mm-nope]",
            "accounts: no account id matches mm-nope; did you mean mm-okx?",
        ),
        ("exchanges: [kraken]", "exchanges: no account is on kraken;"),
        (
            "exchanges: [binanse]",
            "exchanges[0]: unknown exchange binanse; did you mean binance",
        ),
        ("labels: {desk: x}", "labels: no account has the label desk=x; the inventory has"),
    ],
)
@pytest.mark.parametrize("kind", ["waivers", "attestations"])
def test_an_entry_for_nobody(run: Run, firm: Path, kind: str, chosen: str, told: str) -> None:
    said = f"{HEAD}Attestations\nattestations:\n  - control: review\n    by: Ada\n    {chosen}\n"
    text = waivers(chosen) if kind == "waivers" else f"{said}    date: 2026-11-01\n"
    (firm / "f.yaml").write_text(text)
    ended = run("check", "-p", "p.yaml", f"--{kind}", "f.yaml")
    assert ended.code == 2
    assert told in ended.err
    assert ended.err.startswith("f.yaml:")


def test_keys_that_were_found_beside_an_account_are_somebody(run: Run, firm: Path) -> None:
    (firm / "w.yaml").write_text(waivers("accounts: [otc-gate/key-15a3]"))
    assert run("check", "-p", "p.yaml", "-w", "w.yaml").code == 0


@pytest.mark.parametrize("globs", ["['*']", "['**']", "['?*']", "['[A-Za-m]*', '[n-z0-9]*']"])
def test_there_is_no_waiver_of_everything(run: Run, firm: Path, globs: str) -> None:
    (firm / "w.yaml").write_text(waivers(f"accounts: {globs}"))
    for command in ("check", "scan"):
        ended = run(command, "-p", "p.yaml", "-w", "w.yaml")
        assert ended.code == 2
        assert (
            "accounts: this covers every account; list the accounts that have the finding"
            in ended.err
        )
    (firm / "w.yaml").write_text(waivers(f"{{}}\n    accounts: {globs}".replace("{}\n    ", "")))
    narrowed = f"accounts: {globs}\n    labels: {{desk: mm}}"
    (firm / "w.yaml").write_text(waivers(narrowed))
    assert run("check", "-p", "p.yaml", "-w", "w.yaml").code == 0


def test_the_same_waiver_twice(run: Run, firm: Path) -> None:
    (firm / "w.yaml").write_text(waivers("accounts: [mm-okx]", "accounts: [mm-okx]"))
    ended = run("check", "-p", "p.yaml", "-w", "w.yaml")
    assert ended.code == 2
    assert ": W-1: W-0 (w.yaml:4:5) waives the same; delete one, or start this one" in ended.err
    # One after the other, they renew it; and others waive something else.
    then = waivers("accounts: [mm-okx]", created="2026-01-01", expires="2026-10-31")
    now = waivers("accounts: [mm-okx]", "accounts: [mm-*]", "accounts: [mm-okx]\n    subject: x")
    (firm / "w.yaml").write_text(then)
    (firm / "v.yaml").write_text(now.replace("W-", "V-"))
    assert run("check", "-p", "p.yaml", "-w", "w.yaml", "-w", "v.yaml").code == 0


def test_waive_writes_nothing_for_nobody_and_nothing_twice(run: Run, firm: Path) -> None:
    ended = run("waive", *SAID, "--account", "mm-nope")
    assert ended.code == 2
    assert ended.err == (
        "error: waivers.yaml: the new entry: no account id matches mm-nope in accounts.yaml\n"
        "hint: did you mean mm-okx?\n"
    )
    assert not (firm / "waivers.yaml").exists()
    assert run("waive", *SAID, "--account", "*").code == 2
    assert run("waive", *SAID, "--account", "mm-okx").code == 0
    again = run("waive", *SAID, "--account", "mm-okx")
    assert again.code == 2
    assert "the new entry: W-1 (waivers.yaml:4:5) waives the same" in again.err
    assert run("waive", *SAID, "--account", "mm-okx", "--subject", "x").code == 0


def test_attest_writes_nothing_for_nobody(run: Run, firm: Path) -> None:
    ended = run(*ATTEST, "--account", "mm-ok?x")
    assert ended.code == 2
    assert "no account id matches mm-ok?x in accounts.yaml\nhint: did you mean" in ended.err
    assert not (firm / "attestations.yaml").exists()
    assert run(*ATTEST, "--account", "mm-*").code == 0


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", " JavaScript:alert(1)", "java\tscript:alert(1)", "data:text/html,x",
        "vbscript:x", "file:///etc/passwd", "ftp://x/y", "https:", "http:///x", "https://[::1",
        "https://ada:pw@tickets.example.com/1", "\u200bjavascript:alert(1)",
    ],
)  # fmt: skip
def test_a_link_that_is_none(run: Run, firm: Path, link: str) -> None:
    ended = run(*ATTEST, "--account", "mm-okx", "--evidence", link)
    assert ended.code == 2
    assert "the new entry: evidence: a URL" in ended.err
    assert run("waive", *SAID, "--account", "mm-okx", "--ticket", link).code == 2
    assert sorted(path.name for path in firm.iterdir()) == ["accounts.yaml", "p.yaml"]


@pytest.mark.parametrize(
    "link",
    ["https://tickets.example.com/AUDIT-7?a=b:c", "AUDIT-7", "proofs/2026-11 okx.png", "a b: c"],
)
def test_a_link_or_a_plain_text(run: Run, firm: Path, link: str) -> None:
    del firm
    ended = run(*ATTEST, "--account", "mm-okx", "--evidence", link.replace("a b: c", "see #12"))
    assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("exchange",), "there is no command exchange; did you mean exchanges?"),
        (("scna",), "there is no command scna; did you mean scan?"),
        (("zzzz",), "there is no command zzzz; 'gatepolicy --help' lists all commands"),
        (("explain", "ip-unbond"), "hint: did you mean ip-unbound?"),
        (("explain", "GP999"), "hint: 'gatepolicy explain' lists all rules"),
        (("exchanges", "Binance"), "hint: did you mean binance?"),
        (("explain", "--account", "mm-okkx"), "hint: did you mean mm-okx?"),
        (("scan", "--rule", "key-to-old"), "hint: did you mean key-too-old?"),
        (("scan", "--account", "mm-ok"), "hint: did you mean mm-okx?"),
        (("scan", "-l", "desk="), "--label desk= is not of the form KEY=VALUE"),
        (("scan", "-l", "desk=nm"), "--label desk=nm: no account has the label desk=nm"),
        (("collect", "-l", "dsek=mm"), "--label dsek=mm: no account has a label dsek"),
        (("collect", "--account", "x"), "hint: the inventory has mm-okx, otc-gate"),
        (("scan", "-p", "baseline", "-p", "baseline"), "the policy baseline is named twice\n"),
        (("check", "-p", "p.yaml", "-p", "./p.yaml"), "./p.yaml is named twice, also as p.yaml"),
        (("scan", "-p", "basline"), "hint: did you mean baseline?"),
        (("waive", "--rule", "key-to-old", "--account", "mm-okx"), "did you mean key-too-old?"),
    ],
)  # fmt: skip
def test_what_was_probably_meant(
    run: Run, firm: Path, arguments: tuple[str, ...], told: str
) -> None:
    del firm
    ended = run(*arguments)
    assert ended.code == 2
    assert told in ended.err
    assert "site-packages" not in ended.err


def test_an_inventory_tells_all_its_mistakes_at_once(run: Run, firm: Path) -> None:
    (firm / "accounts.yaml").write_text(f"""{HEAD}Inventory
accounts:
  - id: a
    exchange: Binance
    sandbox: yes
    timeout: 0s
    proxy: http://user:pass@proxy:3128
    egress: [203.0.113.1/28]
    credentials: {{apiKey: env:1K, secret: 7}}
  - 7
  - {{id: b, exchange: 7, base_url: ftp, credentials: {{apiKey: env:1K}}}}
""")
    ended = run("check", "-p", "p.yaml")
    assert ended.code == 2
    lines = [line.partition(": ")[2] for line in ended.err.splitlines()[:-1]]
    assert [line.partition(": ")[0] for line in lines] == [
        "accounts[0].exchange", "accounts[0].sandbox", "accounts[0].timeout", "accounts[0].proxy",
        "accounts[0].egress[0]", "accounts[0].credentials.secret", "accounts[1]",
        "accounts[2].exchange", "accounts[2].base_url", "accounts[2].credentials.apiKey",
    ]  # fmt: skip
    assert lines[0].endswith("; did you mean binance?")
