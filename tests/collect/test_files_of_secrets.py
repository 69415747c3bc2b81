"""Values in files, credentials of systemd, and files that age encrypted."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gatepolicy.accounts.inventory import reference_of
from gatepolicy.collect.local import CredentialFile, read_file
from gatepolicy.collect.secrets import Resolved, SecretSources, resolve_all
from tests.collect.references import (
    HERE,
    account_with,
    error_of,
    resolved,
    value_of,
    with_environment,
    without,
)

PLANTED = "Planted0Secret9Of8Nobody7"
CONFIG = f'{{"exchange": {{"key": "key-of-nobody", "secret": "{PLANTED}"}}}}\n'


@pytest.fixture
def sources(tmp_path: Path) -> SecretSources:
    return SecretSources.real(str(tmp_path / "accounts.yaml"))


def write(folder: Path, name: str, data: str | bytes, mode: int = 0o600) -> Path:
    file = folder / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    file.chmod(mode)
    return file


def test_a_value_in_the_configuration_of_a_bot(sources: SecretSources, tmp_path: Path) -> None:
    write(tmp_path, "config.json", CONFIG)
    assert value_of("file:config.json#/exchange/secret", sources) == PLANTED
    # A key may hold the mark, too: only the first one ends the path.
    write(tmp_path, "odd.json", '{"a#/b": "x"}')
    assert value_of("file:odd.json#/a#~1b", sources) == "x"


def test_a_file_with_a_mark_in_its_name(sources: SecretSources, tmp_path: Path) -> None:
    write(tmp_path, "okx#1", PLANTED)
    assert value_of("file:okx#1", sources) == PLANTED
    assert error_of("file:config.json#secret", sources) == (
        f"secret: the file named at {HERE} cannot be read (No such file or directory);"
        " a value in a file is written file:PATH#/POINTER"
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "No such file or directory"),
        ("{", "it is not valid JSON"),
        ("{}", "it holds no such value"),
        (b"\xff\xfe", "it is not text"),
        ("x" * (1024 * 1024 + 1), "it is too large for a credential"),
    ],
)
def test_files_without_the_value(
    sources: SecretSources, tmp_path: Path, data: str | bytes | None, told: str
) -> None:
    if data is not None:
        write(tmp_path, "config.json", data)
    assert error_of("file:config.json#/exchange/secret", sources) == (
        f"secret: the file named at {HERE} cannot be read: {told}"
    )


def test_a_document_is_read_once_and_warned_of_once(sources: SecretSources, tmp_path: Path) -> None:
    write(tmp_path, "config.json", CONFIG, 0o644)
    reads: list[Path] = []

    def read(path: Path, most: int) -> CredentialFile:
        reads.append(path)
        return read_file(path, most)

    async def work() -> list[object]:
        account = account_with(
            {
                "apiKey": reference_of("file:config.json#/exchange/key"),
                "secret": reference_of("file:config.json#/exchange/secret"),
            }
        )
        here = replace(sources, read=read).for_one_scan()
        return [await resolve_all(account, here) for _ in range(3)]

    found = asyncio.run(work())
    assert reads == [tmp_path / "config.json"]
    warnings = [line for one in found if isinstance(one, Resolved) for line in one.warnings]
    assert warnings == [f"others can read the file named at {HERE}; chmod 600 it"]


def test_a_credential_of_the_service(sources: SecretSources, tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    write(folder, "okx-secret", f"{PLANTED}\n", 0o400)
    service = with_environment(sources, CREDENTIALS_DIRECTORY=str(folder))
    assert value_of("systemd:okx-secret", service) == PLANTED
    assert error_of("systemd:okx-none", service) == (
        "secret: the systemd credential okx-none cannot be read (No such file or directory)"
    )
    assert error_of(f"systemd:{PLANTED}", service) == (
        f"secret: the systemd credential named at {HERE} cannot be read (No such file or directory)"
    )
    assert error_of("systemd:okx-secret", with_environment(sources)) == (
        "secret: the systemd credential okx-secret cannot be read: CREDENTIALS_DIRECTORY is not"
        " set: run it as a service with LoadCredential="
    )


Encrypt = Callable[..., Path]


@pytest.fixture
def age(sources: SecretSources, tmp_path: Path) -> tuple[SecretSources, Encrypt]:
    """Sources with an identity, and what encrypts for it."""
    pyrage = pytest.importorskip("pyrage", reason="pyrage is not installed")
    identity = pyrage.x25519.Identity.generate()
    keys = write(tmp_path, "keys.txt", f"# created: today\n# of nobody\n{identity}\n")

    def encrypt(name: str, text: str, *, armored: bool = False) -> Path:
        sealed = pyrage.encrypt(text.encode(), [identity.to_public()], armored=armored)
        return write(tmp_path, name, sealed, 0o644)

    return with_environment(sources, GATEPOLICY_AGE_IDENTITY_FILE=str(keys)), encrypt


@pytest.mark.parametrize("armored", [False, True])
def test_a_file_of_age(age: tuple[SecretSources, Encrypt], armored: bool) -> None:
    sources, encrypt = age
    encrypt("desk.yaml.age", f"okx:\n  secret: {PLANTED}\ngate: x\n", armored=armored)
    encrypt("desk.env.age", f"OKX_SECRET={PLANTED}\n", armored=armored)
    encrypt("okx.age", f"{PLANTED}\n", armored=armored)
    assert value_of("age:desk.yaml.age#/okx/secret", sources) == PLANTED
    assert value_of("age:desk.yaml.age#gate", sources) == "x"
    assert value_of("age:desk.env.age#OKX_SECRET", sources) == PLANTED
    found = resolved({"secret": "age:okx.age"}, sources)
    assert isinstance(found, Resolved)
    assert found.secrets["secret"].reveal() == PLANTED
    # What is encrypted may lie where others read it.
    assert found.warnings == ()


def test_an_ssh_key_is_an_identity(sources: SecretSources, tmp_path: Path) -> None:
    pyrage = pytest.importorskip("pyrage", reason="pyrage is not installed")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    recipient = pyrage.ssh.Recipient.from_str(public.decode())
    write(tmp_path, "okx.age", pyrage.encrypt(PLANTED.encode(), [recipient]))
    file = write(tmp_path, "id", private)
    ssh = with_environment(sources, GATEPOLICY_AGE_IDENTITY_FILE=str(file))
    assert value_of("age:okx.age", ssh) == PLANTED


NO_IDENTITY = "the file of GATEPOLICY_AGE_IDENTITY_FILE cannot be read, or holds no age identity"
NOT_FOR_US = "no identity of GATEPOLICY_AGE_IDENTITY_FILE decrypts it, or it is not an age file"


def test_files_of_age_that_nobody_can_read(
    age: tuple[SecretSources, Encrypt], tmp_path: Path
) -> None:
    sources, encrypt = age
    title = f"secret: the age file named at {HERE} cannot be read:"
    encrypt("desk.json.age", f'{{"okx": "{PLANTED}"}}')
    assert error_of("age:desk.json.age#none", sources) == f"{title} it holds no such value"
    assert error_of("age:none.age", sources) == f"{title} No such file or directory"
    write(tmp_path, "plain.age", PLANTED)
    assert error_of("age:plain.age", sources) == f"{title} {NOT_FOR_US}"
    write(tmp_path, "huge.age", b"x" * (1024 * 1024 + 1))
    assert error_of("age:huge.age", sources) == f"{title} it is too large for credentials"

    def of_keys(text: str) -> str:
        keys = write(tmp_path, "others.txt", text)
        other = with_environment(sources, GATEPOLICY_AGE_IDENTITY_FILE=str(keys))
        return error_of("age:desk.json.age#okx", other)

    pyrage = sys.modules["pyrage"]
    assert of_keys(str(pyrage.x25519.Identity.generate())) == f"{title} {NOT_FOR_US}"
    assert of_keys("# nothing\n") == f"{title} {NO_IDENTITY}"
    assert of_keys(PLANTED) == f"{title} {NO_IDENTITY}"
    assert of_keys(f"-----BEGIN {PLANTED}") == f"{title} {NO_IDENTITY}"
    nowhere = with_environment(sources, GATEPOLICY_AGE_IDENTITY_FILE=str(tmp_path / "none"))
    assert error_of("age:desk.json.age#okx", nowhere) == f"{title} {NO_IDENTITY}"
    assert error_of("age:desk.json.age#okx", with_environment(sources)) == (
        f"{title} GATEPOLICY_AGE_IDENTITY_FILE is not set"
    )


def test_age_without_its_package() -> None:
    told = without(
        "pyrage",
        "from gatepolicy.collect.age import decrypted\n"
        "from gatepolicy.collect.local import CredentialError\n"
        "try:\n"
        "    decrypted(b'x', 'keys.txt', lambda path: b'')\n"
        "except CredentialError as error:\n"
        "    print(error)\n",
    )
    assert told == "the pyrage package is not installed; pip install pyrage"
