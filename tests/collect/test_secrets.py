"""References lead to credentials, or to a reason; never to an output."""

import asyncio
import os
import pickle
import resource
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import fields, replace
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
from gatepolicy.collect.local import CredentialError, read_file, run_command
from gatepolicy.collect.secrets import Resolved, SecretSources, resolve_all
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.secret import Secret

PLANTED = "planted-secret-of-nobody"


HERE = "accounts.yaml:7:15"


def account(credentials: Mapping[str, CredentialReference], timeout: float = 30.0) -> Account:
    subject = Subject("okx-mm", "okx", {}, "", Location("accounts.yaml", 4, 5))
    places = {name: Location("accounts.yaml", 7, 15) for name in credentials}
    return Account(subject, credentials, places, None, None, sandbox=False, timeout=timeout)


def resolve(
    reference: CredentialReference,
    sources: SecretSources,
    name: str = "secret",
    *,
    timeout: float = 30.0,
) -> Resolved | CredentialError:
    return asyncio.run(resolve_all(account({name: reference}, timeout), sources))


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
    assert error(resolve(EnvReference("BLANK"), env)) == ("secret: the reference is empty")
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
    assert resolved.warnings == (f"others can read the file named at {HERE}; chmod 600 it",)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (None, f"secret: the file named at {HERE} cannot be read (No such file or directory)"),
        (b"", "secret: the reference is empty"),
        (b" \n", "secret: the reference is empty"),
        (b"\xff\xfe", f"secret: the file named at {HERE} is not text"),
        (b"x" * 65_537, f"secret: the file named at {HERE} is too large for a credential"),
        (b"planted\x00", "secret: line breaks or control characters in a single-line credential"),
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
        f"secret: the file named at {HERE} cannot be read (Is a directory)"
    )


@pytest.mark.parametrize("name", ["apiKey", "password"])
def test_a_line_break_would_forge_a_header(sources: SecretSources, name: str) -> None:
    env = replace(sources, environ={"K": f"{PLANTED}\nX-Other: 1"})
    assert error(resolve(EnvReference("K"), env, name)) == (
        f"{name}: line breaks or control characters in a single-line credential"
    )


def test_a_keyring(sources: SecretSources) -> None:
    kept = {("gatepolicy/desk", "okx"): PLANTED}
    ring = replace(sources, keyring=lambda service, user: kept.get((service, user)))
    assert value(resolve(KeyringReference("gatepolicy/desk", "okx"), ring)) == PLANTED
    assert error(resolve(KeyringReference("gatepolicy", "okx"), ring)) == (
        f"secret: the keyring entry named at {HERE} does not exist"
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
        f"secret: the command at {HERE} ended with code 3"
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("pass", "the reference is empty"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "is not text"),
        ("print('x' * 70000)", "is too large for a credential"),
    ],
)
def test_commands_that_print_no_credential(sources: SecretSources, script: str, what: str) -> None:
    assert what in error(resolve(python(script), sources))


def test_a_command_that_is_not_there(sources: SecretSources) -> None:
    assert error(resolve(ExecReference(("no-such-command",)), sources)) == (
        f"secret: the command at {HERE} cannot be started (No such file or directory)"
    )


def test_a_command_that_cannot_be_named(sources: SecretSources) -> None:
    told = error(resolve(ExecReference(("op\0", "read")), sources))
    assert told == f"secret: the command at {HERE} cannot be started (ValueError)"


SLEEPER = """
import os, subprocess, sys, time
child = [sys.executable, "-c", "import time; time.sleep(600)"]
grandchild = subprocess.Popen(child, stdout=None if sys.argv[2] == "holds" else subprocess.DEVNULL)
with open(sys.argv[1], "w") as note:
    print(os.getpid(), grandchild.pid, file=note)
if sys.argv[3] == "sleeps":
    time.sleep(600)
print("from-the-command")
"""


def sleeper(note: Path, pipe: str, parent: str) -> ExecReference:
    return ExecReference((sys.executable, "-c", SLEEPER, str(note), pipe, parent))


def gone(note: Path) -> bool:
    """Whether the command and its child are no more, or only their names are left."""
    return not any(_lives(int(pid)) for pid in note.read_text().split())


def _lives(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        stat = Path(f"/proc/{pid}/stat")
        # A dead child whose new parent does not ask for it stays as a zombie.
        if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("pipe", ["holds", "leaves"])
def test_the_account_s_timeout_ends_a_command_with_its_children(
    sources: SecretSources, tmp_path: Path, pipe: str
) -> None:
    note = tmp_path / "pids"
    began = time.monotonic()
    told = error(resolve(sleeper(note, pipe, "sleeps"), sources, timeout=1.5))
    assert time.monotonic() - began < 10
    assert told == (
        f"secret: the command at {HERE} did not finish within the account's timeout of 1.5 s"
    )
    assert gone(note)


def test_the_timeout_is_one_for_all_credentials(sources: SecretSources) -> None:
    slow = python("import time; time.sleep(1); print('x')")
    began = time.monotonic()
    references = {"apiKey": slow, "secret": slow, "password": slow}
    resolved = asyncio.run(resolve_all(account(references, 1.5), sources))
    assert time.monotonic() - began < 5
    assert "did not finish within the account's timeout of 1.5 s" in error(resolved)


def test_a_grandchild_that_holds_the_pipe_is_not_waited_for(
    sources: SecretSources, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    began = time.monotonic()
    assert value(resolve(sleeper(note, "holds", "ends"), sources)) == "from-the-command"
    assert time.monotonic() - began < 15
    assert gone(note)


def test_a_daemon_that_holds_the_pipe_is_not_waited_for(
    sources: SecretSources, tmp_path: Path
) -> None:
    # It left the process group, so it lives on, as daemons of password managers are meant to.
    note = tmp_path / "pid"
    script = (
        "import subprocess, sys; child = [sys.executable, '-c', 'import time; time.sleep(600)'];"
        "one = subprocess.Popen(child, start_new_session=True);"
        f"print(one.pid, file=open({str(note)!r}, 'w')); print('from-the-command')"
    )
    began = time.monotonic()
    assert value(resolve(python(script), sources)) == "from-the-command"
    assert time.monotonic() - began < 15
    os.kill(int(note.read_text()), signal.SIGKILL)


def test_output_without_end_is_cut_off_while_it_comes(sources: SecretSources) -> None:
    script = "import sys\nwhile True: sys.stdout.write('y' * 65536)"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    told = error(resolve(python(script), sources))
    assert told == f"secret: the command at {HERE} is too large for a credential"
    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes


def test_a_cancelled_command_is_ended_with_its_scan(tmp_path: Path) -> None:
    note = tmp_path / "pids"

    async def cancel_once_it_runs() -> None:
        task = asyncio.create_task(run_command(sleeper(note, "holds", "sleeps").argv, 100))
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if note.exists() and note.read_text():
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_once_it_runs())
    assert gone(note)


def test_a_fifo_is_no_file(sources: SecretSources, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "okx")
    assert error(resolve(FileReference("okx"), sources)) == (
        f"secret: the file named at {HERE} cannot be read (not a regular file)"
    )


def test_a_file_that_becomes_a_fifo_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_bytes(b"x")

    class Swapped(type(tmp_path)):  # type: ignore[misc]
        def stat(self, **_: bool) -> os.stat_result:
            return (tmp_path / "file").stat()

    with pytest.raises(OSError, match="not a regular file"):
        read_file(Swapped(tmp_path / "fifo"), 100)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty", "/dev/null"])
def test_a_device_is_no_file(sources: SecretSources, device: str) -> None:
    assert error(resolve(FileReference(device), sources)) == (
        f"secret: the file named at {HERE} cannot be read (not a regular file)"
    )


def test_of_a_huge_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    assert len(read_file(tmp_path / "huge", 1000).data) == 1001
    assert read_file(tmp_path / "huge", 1000).data == bytes(1001)


def test_a_link_to_a_file_is_followed(sources: SecretSources, tmp_path: Path) -> None:
    write(tmp_path, "okx", PLANTED.encode())
    (tmp_path / "link").symlink_to(tmp_path / "okx")
    assert value(resolve(FileReference("link"), sources)) == PLANTED


def test_no_file_has_a_name_with_a_null_character(sources: SecretSources) -> None:
    assert error(resolve(FileReference("okx\0"), sources)) == (
        f"secret: the file named at {HERE} cannot be read (ValueError)"
    )


def test_a_keyring_that_asks_a_person_is_not_waited_for(sources: SecretSources) -> None:
    asked = threading.Event()

    def ask(service: str, user: str) -> str | None:
        asked.wait(30)
        return service + user

    began = time.monotonic()
    ring = replace(sources, keyring=ask)
    told = error(resolve(KeyringReference("s", "u"), ring, timeout=0.2))
    assert time.monotonic() - began < 5
    asked.set()
    assert told == (
        f"secret: the keyring entry named at {HERE} did not finish within the account's timeout"
        " of 0.2 s"
    )


@pytest.mark.parametrize(
    "reference",
    [
        EnvReference(PLANTED.replace("-", "_")),
        EnvReference("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
        EnvReference("9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B"),
        FileReference(PLANTED),
        KeyringReference(PLANTED, "user"),
        ExecReference((PLANTED,)),
    ],
)
def test_a_reference_that_is_a_secret_is_not_quoted(
    sources: SecretSources, reference: CredentialReference
) -> None:
    ring = replace(sources, environ={}, keyring=lambda *_: None)
    told = error(resolve(reference, ring))
    assert HERE in told
    for part in vars_of(reference):
        assert part not in told


def vars_of(reference: CredentialReference) -> list[str]:
    found = [getattr(reference, one.name) for one in fields(reference)]
    return [text for one in found for text in ([one] if isinstance(one, str) else one) if text]


def test_the_first_error_stops_the_account(sources: SecretSources) -> None:
    references = {"apiKey": EnvReference("A"), "secret": EnvReference("B")}
    resolved = asyncio.run(resolve_all(account(references), replace(sources, environ={})))
    assert error(resolved) == "apiKey: the environment variable A is not set"
