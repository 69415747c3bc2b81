"""Whole scans whose credentials lie in stores: the verdict is proved, and no output holds a secret.

Google's and Azure's stores are not here: their libraries cannot be led to a server of a test by the
environment, so tests/collect/test_clouds.py gives them one.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatepolicy.simulator.inventory import environment
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from tests.servers import ROOT_TOKEN, moto, openbao

Clean = Callable[[ExchangeId], SimulatedKey]
NAMES = ("apiKey", "secret", "password")
FORMATS = (
    "text", "json=r.json", "sarif=r.sarif", "html=r.html", "markdown=r.md", "junit=r.xml",
    "csv=r.csv",
)  # fmt: skip
VARIABLES = (
    "VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_ROLE_ID", "VAULT_ROLE",
    "VAULT_AUTH_METHOD", "BAO_ADDR", "BAO_TOKEN", "AWS_PROFILE", "CREDENTIALS_DIRECTORY",
    "GATEPOLICY_AGE_IDENTITY_FILE", "GATEPOLICY_UNTRUSTED", "GATEPOLICY_SHOW_REFERENCES",
)  # fmt: skip


@dataclass
class Kept:
    """Where the credentials of the account are kept."""

    references: Mapping[str, str]
    """ccxt name to reference."""
    tokens: tuple[str, ...] = ()
    """What opens the store."""


Keep = Callable[[Any, Mapping[str, str]], Kept]


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("hvac", reason="hvac is not installed")
    with openbao(tmp_path_factory.mktemp("openbao")) as url:
        yield url


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("boto3", reason="boto3 is not installed")
    with moto(tmp_path_factory.mktemp("moto")) as url:
        yield url


def in_file(firm: Any, credentials: Mapping[str, str]) -> Kept:
    file = firm.folder / "bot.json"
    file.write_text(json.dumps({"exchange": dict(credentials)}))
    file.chmod(0o600)
    return Kept({name: f"file:bot.json#/exchange/{name}" for name in NAMES})


def in_service(firm: Any, credentials: Mapping[str, str]) -> Kept:
    folder = firm.folder / "credentials"
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        (folder / f"okx-{name.lower()}").write_text(credentials[name])
        (folder / f"okx-{name.lower()}").chmod(0o400)
    firm.monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return Kept({name: f"systemd:okx-{name.lower()}" for name in NAMES})


def in_age(firm: Any, credentials: Mapping[str, str]) -> Kept:
    pyrage = pytest.importorskip("pyrage", reason="pyrage is not installed")
    identity = pyrage.x25519.Identity.generate()
    keys = firm.folder.parent / "keys.txt"
    keys.write_text(f"{identity}\n")
    keys.chmod(0o600)
    text = json.dumps({"okx": dict(credentials)}).encode()
    (firm.folder / "desk.json.age").write_bytes(pyrage.encrypt(text, [identity.to_public()]))
    firm.monkeypatch.setenv("GATEPOLICY_AGE_IDENTITY_FILE", str(keys))
    return Kept({name: f"age:desk.json.age#/okx/{name}" for name in NAMES}, (str(identity),))


def in_vault(firm: Any, credentials: Mapping[str, str]) -> Kept:
    hvac = pytest.importorskip("hvac", reason="hvac is not installed")
    client = hvac.Client(url=firm.bao, token=ROOT_TOKEN)
    client.secrets.kv.v2.create_or_update_secret(
        "trading/okx", dict(credentials), mount_point="secret"
    )
    firm.monkeypatch.setenv("VAULT_ADDR", firm.bao)
    firm.monkeypatch.setenv("VAULT_TOKEN", ROOT_TOKEN)
    return Kept({name: f"vault:secret/trading/okx#{name}" for name in NAMES}, (ROOT_TOKEN,))


ACCESS = "access-key-of-nobody-Planted1Word7"


def in_aws(firm: Any, credentials: Mapping[str, str]) -> Kept:
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    for name, value in {
        "AWS_ENDPOINT_URL": firm.aws,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": ACCESS,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": "none",
        "AWS_SHARED_CREDENTIALS_FILE": "none",
    }.items():
        firm.monkeypatch.setenv(name, value)
    manager, ssm = boto3.client("secretsmanager"), boto3.client("ssm")
    manager.delete_secret(SecretId="trading/okx", ForceDeleteWithoutRecovery=True)
    manager.create_secret(Name="trading/okx", SecretString=json.dumps(dict(credentials)))
    ssm.put_parameter(
        Name="/trading/okx/secret", Value=credentials["secret"], Type="SecureString", Overwrite=True
    )
    references = {name: f"aws-sm:trading/okx#{name}" for name in NAMES}
    return Kept({**references, "secret": "aws-ssm:/trading/okx/secret"}, (ACCESS,))


@pytest.fixture(params=["file", "systemd", "age", "vault", "aws"])
def keep(request: pytest.FixtureRequest, one: Any) -> Keep:
    """Keeps the credentials of an account in a store."""
    if request.param == "vault":
        one.bao = request.getfixturevalue("bao")
    if request.param == "aws":
        one.aws = request.getfixturevalue("aws")
    return {
        "file": in_file,
        "systemd": in_service,
        "age": in_age,
        "vault": in_vault,
        "aws": in_aws,
    }[request.param]


@pytest.fixture
def one(firm: Any, clean: Clean, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A firm with one account."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    firm.keys = [clean(ExchangeId.OKX)]
    firm.folder = firm.folder / "project"
    firm.folder.mkdir()
    return firm


def credentials_of(firm: Any) -> dict[str, str]:
    found = dict(zip(NAMES, environment(firm.keys).values(), strict=True))
    (key,) = firm.keys
    assert found == {"apiKey": key.api_key, "secret": key.secret, "password": key.passphrase}
    return found


def kept_in(firm: Any, keep: Keep) -> Kept:
    """Keep the credentials, and refer to them from the inventory."""
    kept = keep(firm, credentials_of(firm))

    def edited(text: str) -> str:
        lines = text.splitlines()
        for place, line in enumerate(lines):
            name, _, reference = line.strip().partition(": ")
            if reference.startswith('"env:') and name in NAMES:
                lines[place] = f"      {name}: {json.dumps(kept.references[name])}"
        return "\n".join(lines) + "\n"

    firm.inventory = edited
    return kept


def outputs(firm: Any, *texts: str) -> str:
    """Everything that was printed or written."""
    names = [output.partition("=")[2] for output in FORMATS]
    files = [firm.folder / name for name in (*names, "evidence.json") if name]
    return "\n".join([*texts, *(file.read_text() for file in files if file.exists())])


def test_a_key_in_a_store_is_read_and_not_shown(one: Any, keep: Keep) -> None:
    kept = kept_in(one, keep)
    options = [word for output in FORMATS for word in ("-o", output)]
    ended = one.scan("--show-references", *options)
    assert ended.code == 0, ended.out + ended.err
    (account,) = one.read("r.json")["accounts"]
    assert account["facts"]["permission.withdraw"]["value"] is False
    with SimulatorThread(Simulator(one.keys)) as simulator:
        one.prepare(simulator.url)
        collected = one.run("collect", "-o", "evidence.json", "--show-references")
    checked = one.run("check", "-p", "policy.yaml", "--secrets", "--show-references")
    assert (collected.code, checked.code) == (0, 0)
    assert "ok  3 credential references; no exchange was asked\n" in checked.out
    for said in (ended.err, collected.err, checked.err):
        told = [line for line in said.splitlines() if line.startswith("reference: ")]
        assert len(told) == 3
        assert all(line.endswith(" was read") for line in told)
    shown = outputs(one, ended.out, ended.err, collected.err, checked.out, checked.err)
    secrets = (*(credentials_of(one)[name] for name in ("secret", "password")), *kept.tokens)
    assert [secret for secret in secrets if secret in shown] == []


def test_a_credential_that_is_not_there_is_told_with_its_place(one: Any, keep: Keep) -> None:
    kept = kept_in(one, keep)
    reference = kept.references["password"]
    missing = reference.replace("password", "passwrod")
    edited = one.inventory
    one.inventory = lambda text: edited(text).replace(reference, missing)
    options = [word for output in FORMATS for word in ("-o", output)]
    ended = one.scan(*options)
    assert ended.code == 1  # the policy blocks on what is not proved
    (account,) = one.read("r.json")["accounts"]
    assert set(account["unknown"].values()) == {"bad_credentials_config"}
    checked = one.run("check", "-p", "policy.yaml", "--secrets")
    assert checked.code == 2
    (line, *_) = checked.err.splitlines()
    kind = reference.partition(":")[0]
    assert line.startswith(f"accounts.yaml:9:17: okx-00001: password: {kind}:")
    assert " cannot be read" in line
    shown = outputs(one, ended.out, ended.err, checked.out, checked.err)
    secrets = (*(credentials_of(one)[name] for name in ("secret", "password")), *kept.tokens)
    assert [secret for secret in secrets if secret in shown] == []


def test_every_missing_credential_is_told_at_once(one: Any) -> None:
    one.prepare("http://127.0.0.1:9")
    for name in environment(one.keys):
        one.monkeypatch.delenv(name)
    checked = one.run("check", "-p", "policy.yaml", "--secrets")
    assert checked.code == 2
    told = checked.err.splitlines()
    assert [line.partition(": okx-00001: ")[2].partition(":")[0] for line in told[:-1]] == [*NAMES]
    assert (
        "env:SIM_OKX_00001_SECRET: the environment variable SIM_OKX_00001_SECRET is not set"
        in (told[1])
    )
    assert one.run("check", "-p", "policy.yaml").code == 0


def test_a_file_that_others_can_read_is_a_note(one: Any) -> None:
    kept_in(one, in_file)
    one.prepare("http://127.0.0.1:9")
    (one.folder / "bot.json").chmod(0o644)
    checked = one.run("check", "-p", "policy.yaml", "--secrets")
    assert checked.code == 0
    assert "note  others can read the file named at accounts.yaml:7:15; chmod 600 it" in checked.out


REFUSED = {
    "vault:secret/trading/okx#secret": "choose what is read from a secret store (vault)",
    "aws-sm:trading/okx#secret": "choose what is read from a secret store (aws-sm)",
    "gcp-sm:okx": "choose what is read from a secret store (gcp-sm)",
    "systemd:okx-secret": "choose which credential of the service is read (systemd)",
    "age:desk.json.age#okx": "choose what is decrypted (age)",
    "file:../bot.json#/exchange/secret": "refer to files outside the project",
}


@pytest.mark.parametrize("reference", REFUSED)
def test_an_untrusted_inventory_chooses_no_secret(one: Any, reference: str) -> None:
    edited = '"env:SIM_OKX_00001_SECRET"'
    one.inventory = lambda text: text.replace(edited, json.dumps(reference))
    told = f"okx-00001: secret: untrusted files may not {REFUSED[reference]}"
    ended = one.scan("-o", "json=r.json", "--untrusted", "--show-references")
    assert "reference: " not in ended.err
    (account,) = one.read("r.json")["accounts"]
    assert set(account["unknown"].values()) == {"not_allowed"}
    checked = one.run("check", "-p", "policy.yaml", "--secrets", "--untrusted", "--show-references")
    assert checked.code == 2
    assert told in checked.err
    assert "reference: " not in checked.err


def test_an_untrusted_inventory_may_refer_into_files_within(one: Any) -> None:
    kept_in(one, in_file)
    assert one.scan("--untrusted").code == 0


def test_a_scan_imports_no_library_of_a_store_that_it_does_not_use(one: Any) -> None:
    one.prepare("http://127.0.0.1:9")
    script = (
        "import sys\nfrom gatepolicy.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as ended:\n    print(ended.code)\n"
        "stores = {'hvac', 'requests', 'boto3', 'botocore', 'google.auth', 'azure', 'pyrage',"
        " 'dotenv', 'gatepolicy.collect.vault', 'gatepolicy.collect.clouds'}\n"
        "print(sorted(stores & sys.modules.keys()))\n"
    )
    arguments = ["check", "-p", "policy.yaml", "--secrets"]
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True, text=True, check=True, cwd=one.folder,
    )  # fmt: skip
    assert ended.stdout.splitlines()[-2:] == ["0", "[]"]


def test_the_folder_of_a_project_is_where_paths_begin(one: Any) -> None:
    kept_in(one, in_age)
    assert one.scan().code == 0
    assert Path(one.folder, "desk.json.age").exists()
    refused = one.scan("-o", "json=desk.json.age")
    assert refused.code == 2
    assert "desk.json.age" in refused.err
