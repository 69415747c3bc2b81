"""Whoever edits files of a project leads a scan nowhere that nobody allowed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.accounts.account import (
    Account,
    AgeReference,
    CredentialReference,
    EnvReference,
    ExecReference,
    FileReference,
    KeyringReference,
    StoreKind,
    StoreReference,
    SystemdReference,
    Trust,
)
from gatepolicy.collect.run import make_targets, planned_requests
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import Reason, Unknown

GATE = load_exchange("gate")
HERE = Location("accounts.yaml", 4, 3)
KEYS: Mapping[str, CredentialReference] = {
    "apiKey": EnvReference("KEY"),
    "secret": EnvReference("SECRET"),
}


def account(name: str = "mm", exchange: str = "gate", **fields: Any) -> Account:
    values: dict[str, Any] = {
        "credentials": KEYS,
        "credential_locations": {},
        "base_url": None,
        "proxy": None,
        "sandbox": False,
        "timeout": 30.0,
    }
    return Account(Subject(name, exchange, {}, "", HERE), **{**values, **fields})


def refusal(trust: Trust, inventory: str = "accounts.yaml", **fields: Any) -> str:
    found = trust.refusal(account(**fields), GATE, inventory)
    assert found is None or found.reason is Reason.NOT_ALLOWED
    return found.detail if found else ""


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.gateio.ws",
        "https://API.GateIO.ws.:443",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
    ],
)
def test_hosts_of_the_catalog_and_this_machine_are_allowed(base_url: str) -> None:
    assert refusal(Trust(), base_url=base_url) == ""


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://evil.example.com", "evil.example.com"),
        ("https://api.gateio.ws.example.com", "api.gateio.ws.example.com"),
        ("https://api.okx.com", "api.okx.com"),  # of another exchange
        ("https://api-testnet.gateapi.io", "api-testnet.gateapi.io"),  # of the sandbox
        ("https://api.gateio.ws@evil.example.com", "evil.example.com"),
        ("https://127.0.0.1.example.com", "127.0.0.1.example.com"),
        ("https://0.0.0.0", "0.0.0.0"),
        ("https://[2001:db8::1]:443", "2001:db8::1"),
    ],
)
def test_other_hosts_are_refused(base_url: str, host: str) -> None:
    assert refusal(Trust(), base_url=base_url) == (
        f"base_url leads to {host}, which is no host of {GATE.title} and not allowed"
    )
    assert refusal(Trust(frozenset({host})), base_url=base_url) == ""


def test_a_host_that_cannot_be_compared_is_refused_whatever_is_allowed() -> None:
    told = "the host of base_url is not a plain host name or address (a-z, 0-9, - and .)"
    assert refusal(Trust(), base_url="https://bücher.example") == told
    assert refusal(Trust(frozenset({""})), base_url="https://bücher.example") == told


def test_the_sandbox_has_hosts_of_its_own() -> None:
    testnet = "https://api-testnet.gateapi.io"
    assert refusal(Trust(), base_url=testnet, sandbox=True) == ""
    assert "not allowed" in refusal(Trust(), base_url="https://api.gateio.ws", sandbox=True)


def test_a_proxy_is_this_machine_or_allowed() -> None:
    told = "proxy leads to proxy.example.com, which is not this machine and not allowed"
    assert refusal(Trust(), proxy="http://proxy.example.com:3128") == told
    assert "not allowed" in refusal(Trust(), proxy="http://api.gateio.ws:3128")
    assert refusal(Trust(), proxy="http://127.0.0.1:3128") == ""
    allowed = Trust(frozenset({"proxy.example.com"}))
    assert refusal(allowed, proxy="http://Proxy.Example.com:3128") == ""
    # Neither address speaks for the other.
    assert "base_url" in refusal(
        allowed, proxy="http://proxy.example.com:1", base_url="https://evil.example.com"
    )


def credentials(reference: CredentialReference) -> Mapping[str, CredentialReference]:
    return {**KEYS, "secret": reference}


def test_trusted_files_may_name_commands_and_files(tmp_path: Path) -> None:
    for reference in (ExecReference(("pass", "gate")), FileReference("/etc/gate.secret")):
        assert refusal(Trust(), credentials=credentials(reference)) == ""


def test_untrusted_files_run_no_command(tmp_path: Path) -> None:
    told = refusal(Trust(references_below="."), credentials=credentials(ExecReference(("pass",))))
    assert told == "secret: untrusted files may not run commands (exec)"


def test_untrusted_files_may_name_what_lies_elsewhere_than_in_files() -> None:
    for reference in (EnvReference("SECRET"), KeyringReference("gate", "mm")):
        assert refusal(Trust(references_below="."), credentials=credentials(reference)) == ""


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (
            StoreReference(StoreKind.VAULT, "secret/okx", "secret"),
            "choose what is read from a secret store (vault)",
        ),
        (
            StoreReference(StoreKind.AZURE_KEY_VAULT, "okx"),
            "choose what is read from a secret store (azure-kv)",
        ),
        (SystemdReference("okx"), "choose which credential of the service is read (systemd)"),
        (AgeReference("key", "okx"), "choose what is decrypted (age)"),
        (FileReference("../key", "/okx"), "refer to files outside the project"),
    ],
)
def test_untrusted_files_choose_no_secret_of_the_scanner(
    reference: CredentialReference, told: str
) -> None:
    found = refusal(Trust(references_below="."), credentials=credentials(reference))
    assert found == f"secret: untrusted files may not {told}"
    assert refusal(Trust(), credentials=credentials(reference)) == ""


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "../key", "out/../../key", "link", "folder/key", ".git/config"]
)
def test_untrusted_files_name_no_file_outside(tmp_path: Path, path: str) -> None:
    project = tmp_path / "project"
    (project / "out").mkdir(parents=True)
    (tmp_path / "key").write_text("k")
    (project / "link").symlink_to(tmp_path / "key")
    (project / "folder").symlink_to(tmp_path)
    inventory = str(project / "accounts.yaml")
    trust = Trust(references_below=str(project))
    told = refusal(trust, inventory, credentials=credentials(FileReference(path)))
    assert told == "secret: untrusted files may not refer to files outside the project"
    for fine in ("secrets/key", "out/../key"):
        assert refusal(trust, inventory, credentials=credentials(FileReference(fine))) == ""


def test_references_count_for_an_exchange_that_nobody_knows() -> None:
    one = account(exchange="moonex", credentials=credentials(ExecReference(("pass",))))
    refused = Trust(references_below=".").refusal(one, None, "accounts.yaml")
    assert isinstance(refused, Unknown)
    unsent = account(exchange="moonex", base_url="https://evil.example.com")
    assert Trust().refusal(unsent, None, "accounts.yaml") is None


def test_the_refusal_is_of_one_account() -> None:
    accounts = [account("bad", base_url="https://evil.example.com"), account("good")]
    targets = make_targets(accounts, lambda _: True, {"gate": GATE}, {})
    assert [target.unusable and target.unusable.reason for target in targets.asked] == [
        Reason.NOT_ALLOWED,
        None,
    ]
    assert {request.account for request in planned_requests(targets.asked)} == {"good"}


@pytest.mark.parametrize("reference", [ExecReference(("pass",)), FileReference("/etc/hostname")])
def test_a_refused_account_beside_a_discovery_is_not_read_either(
    reference: CredentialReference,
) -> None:
    """A discovery reads the public ids of accounts that are not asked, also by commands."""
    accounts = [
        account("master", discover=True),
        account("other", credentials={**KEYS, "apiKey": reference}),
    ]

    def others(trust: Trust) -> list[Mapping[str, CredentialReference]]:
        targets = make_targets(
            accounts,
            lambda subject: subject.id == "master",
            {"gate": GATE},
            {},
            trust,
            inventory="accounts.yaml",
        )
        return [other.credentials for other in targets.others]

    assert others(Trust()) == [{**KEYS, "apiKey": reference}]
    # It stays among them, as one whose key is not known: a listed key may be its own.
    assert others(Trust(references_below=".")) == [{}]
