"""References lead to credentials, or to a reason; never to an output."""

import asyncio
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gatepolicy.accounts.account import (
    Account,
    CredentialReference,
    EnvReference,
    ExecReference,
    FileReference,
    KeyringReference,
)
from gatepolicy.collect.secret import Secret
from gatepolicy.collect.secrets import (
    CommandOutput,
    CredentialError,
    Resolved,
    SecretSources,
    resolve_all,
    run_command,
)
from gatepolicy.model.evidence import Subject
from gatepolicy.model.location import Location

PLANTED = "planted-secret-of-nobody"


def account(credentials: Mapping[str, CredentialReference]) -> Account:
    subject = Subject("okx-mm", "okx", {}, "", Location("accounts.yaml", 4, 5))
    return Account(subject, credentials, {}, None, None, sandbox=False, timeout=30.0)


def resolve(
    reference: CredentialReference, sources: SecretSources, name: str = "secret"
) -> Resolved | CredentialError:
    return asyncio.run(resolve_all(account({name: reference}), sources))


def value(resolved: Resolved | CredentialError, name: str = "secret") -> str:
    assert isinstance(resolved, Resolved), resolved
    return resolved.secrets[name].reveal()


def error(resolved: Resolved | CredentialError) -> str:
    assert isinstance(resolved, CredentialError)
    assert PLANTED not in repr(resolved)
    return str(resolved)


@pytest.fixture
def sources(tmp_path: Path) -> SecretSources:
    return SecretSources.real(str(tmp_path / "accounts.yaml"))


def test_a_secret_prints_as_stars() -> None:
    secret = Secret(PLANTED)
    assert f"{secret} {secret!r} {secret!s} {secret:>5}" == "*** *** ***   ***"
    assert PLANTED not in repr({"secret": secret})
    assert secret.reveal() == PLANTED
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(secret)
    assert not hasattr(secret, "__dict__")


def test_an_environment_variable(sources: SecretSources) -> None:
    env = replace(sources, environ={"OKX": PLANTED, "BLANK": " "})
    assert value(resolve(EnvReference("OKX"), env)) == PLANTED
    assert error(resolve(EnvReference("MISSING"), env)) == (
        "secret: the environment variable MISSING is not set"
    )
    assert error(resolve(EnvReference("BLANK"), env)) == (
        "secret: the reference leads to an empty text"
    )
    assert PLANTED not in repr(env)


def write(folder: Path, name: str, data: bytes, mode: int = 0o600) -> None:
    (folder / name).write_bytes(data)
    (folder / name).chmod(mode)


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_a_file_beside_the_inventory(sources: SecretSources, tmp_path: Path, ending: bytes) -> None:
    write(tmp_path, "okx", PLANTED.encode() + ending)
    resolved = resolve(FileReference("okx"), sources)
    assert value(resolved) == PLANTED
    assert isinstance(resolved, Resolved)
    assert resolved.warnings == ()


PEM = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----"


def test_a_pem_key_keeps_its_lines(sources: SecretSources, tmp_path: Path) -> None:
    write(tmp_path, "key.pem", PEM.encode() + b"\n")
    assert value(resolve(FileReference("key.pem"), sources)) == PEM
    env = replace(sources, environ={"PEM": PEM})
    assert value(resolve(EnvReference("PEM"), env)) == PEM


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_warned_of(
    sources: SecretSources, tmp_path: Path, mode: int
) -> None:
    write(tmp_path, "okx", PLANTED.encode(), mode)
    resolved = resolve(FileReference("okx"), sources)
    assert isinstance(resolved, Resolved)
    assert resolved.warnings == ("others can read the file okx; chmod 600 okx",)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (None, "secret: the file okx cannot be read (No such file or directory)"),
        (b"", "secret: the reference leads to an empty text"),
        (b" \n", "secret: the reference leads to an empty text"),
        (b"\xff\xfe", "secret: the file okx holds no text"),
        (b"x" * 65_537, "secret: the file okx holds more than a credential"),
        (b"planted\x00", "secret: line breaks or control characters in a credential of one line"),
    ],
)
def test_files_that_hold_no_credential(
    sources: SecretSources, tmp_path: Path, data: bytes | None, what: str
) -> None:
    if data is not None:
        write(tmp_path, "okx", data)
    assert error(resolve(FileReference("okx"), sources)) == what


def test_a_folder_is_no_file(sources: SecretSources, tmp_path: Path) -> None:
    (tmp_path / "okx").mkdir()
    assert error(resolve(FileReference("okx"), sources)) == (
        "secret: the file okx cannot be read (Is a directory)"
    )


@pytest.mark.parametrize("name", ["apiKey", "password"])
def test_a_line_break_would_forge_a_header(sources: SecretSources, name: str) -> None:
    env = replace(sources, environ={"K": f"{PLANTED}\nX-Other: 1"})
    assert error(resolve(EnvReference("K"), env, name)) == (
        f"{name}: line breaks or control characters in a credential of one line"
    )


def test_a_keyring(sources: SecretSources) -> None:
    kept = {("gatepolicy/desk", "okx"): PLANTED}
    ring = replace(sources, keyring=lambda service, user: kept.get((service, user)))
    assert value(resolve(KeyringReference("gatepolicy/desk", "okx"), ring)) == PLANTED
    assert error(resolve(KeyringReference("gatepolicy", "okx"), ring)) == (
        "secret: the keyring has nothing for gatepolicy/okx"
    )


def test_a_keyring_that_cannot_be_asked(sources: SecretSources) -> None:
    def refuse(service: str, user: str) -> str | None:
        raise CredentialError(f"nobody asks for {service} of {user}")

    ring = replace(sources, keyring=refuse)
    assert error(resolve(KeyringReference("s", "u"), ring)) == "secret: nobody asks for s of u"


def test_the_real_keyring(
    sources: SecretSources, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keyring = pytest.importorskip("keyring")
    plain = pytest.importorskip("keyrings.alt.file").PlaintextKeyring()
    plain.file_path = str(tmp_path / "ring.cfg")
    before = keyring.get_keyring()
    keyring.set_keyring(plain)
    try:
        keyring.set_password("gatepolicy", "okx", PLANTED)
        assert value(resolve(KeyringReference("gatepolicy", "okx"), sources)) == PLANTED
    finally:
        keyring.set_keyring(before)


def python(script: str) -> ExecReference:
    return ExecReference((sys.executable, "-c", script))


def test_a_command(sources: SecretSources) -> None:
    assert value(resolve(python(f"print('{PLANTED}')"), sources)) == PLANTED


def test_a_command_gets_no_input_and_no_shell(sources: SecretSources) -> None:
    script = "import sys; print(repr(sys.stdin.read()), sys.argv[1:])"
    reference = ExecReference((sys.executable, "-c", script, "$HOME; echo x"))
    assert value(resolve(reference, sources)) == "'' ['$HOME; echo x']"


def test_what_a_command_says_to_people_is_not_told(
    sources: SecretSources, capfd: pytest.CaptureFixture[str]
) -> None:
    script = f"import sys; print('{PLANTED}', file=sys.stderr); sys.exit(3)"
    assert error(resolve(python(script), sources)) == (
        f"secret: the command {sys.executable} ended with code 3"
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("pass", "the reference leads to an empty text"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "holds no text"),
        ("print('x' * 70000)", "holds more than a credential"),
    ],
)
def test_commands_that_print_no_credential(sources: SecretSources, script: str, what: str) -> None:
    assert what in error(resolve(python(script), sources))


def test_a_command_that_is_not_there(sources: SecretSources) -> None:
    assert error(resolve(ExecReference(("no-such-command",)), sources)) == (
        "secret: the command no-such-command cannot be started (No such file or directory)"
    )


def test_a_command_that_does_not_end(sources: SecretSources) -> None:
    async def run(argv: Sequence[str]) -> CommandOutput:
        return CommandOutput(None, b"")

    assert error(resolve(ExecReference(("op", "read")), replace(sources, run=run))) == (
        "secret: the command op did not end within 30 s"
    )


def test_a_cancelled_command_is_ended_with_its_scan(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = "import os, sys, time; print(os.getpid(), file=open(sys.argv[1], 'w')); time.sleep(60)"

    async def cancel_once_it_runs() -> None:
        task = asyncio.create_task(run_command([sys.executable, "-c", script, str(note)]))
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if note.exists() and note.read_text():
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_once_it_runs())
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_the_first_error_stops_the_account(sources: SecretSources) -> None:
    references = {"apiKey": EnvReference("A"), "secret": EnvReference("B")}
    resolved = asyncio.run(resolve_all(account(references), replace(sources, environ={})))
    assert error(resolved) == "apiKey: the environment variable A is not set"
