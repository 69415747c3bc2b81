"""How commands end: pipes that nobody reads, silence, dialogues, odd values and outputs."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run

GATEPOLICY = [sys.executable, "-m", "gatepolicy"]
HEAD = "apiVersion: gatepolicy/v1\nkind: "
ACCOUNT = "credentials: {apiKey: env:NOT_SET_K, secret: env:NOT_SET_S}"
INVENTORY = f"""{HEAD}Inventory
accounts:
  - {{id: mm, exchange: gate, {ACCOUNT}, base_url: "http://127.0.0.1:9"}}
"""
MANY = f"{HEAD}Inventory\naccounts:\n" + "".join(
    f"  - {{id: mm-{n}, exchange: gate, {ACCOUNT}}}\n" for n in range(3000)
)
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("GATEPOLICY_", "NO_COLOR"))}


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    del run
    (tmp_path / "accounts.yaml").write_text(INVENTORY)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("exchanges",),
        ("--help",),
        ("scan", "--help"),
        ("scan", "--plan"),
        ("explain", "--account", "mm-1"),
        ("config",),
        ("schema", "policy"),
        ("scan",),
        ("scan", "-o", "json", "-o", "text=report.txt"),
    ],
)
def test_a_pipe_that_nobody_reads_is_no_violation(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "accounts.yaml").write_text(MANY)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        ended = subprocess.run(
            [*GATEPOLICY, *arguments], stdout=pipe, stderr=subprocess.PIPE, cwd=folder, check=False,
            env=CLEAN,
        )  # fmt: skip
    assert ended.returncode == 128 + signal.SIGPIPE
    assert b"Traceback" not in ended.stderr
    assert b"Exception ignored" not in ended.stderr
    assert b"BrokenPipe" not in ended.stderr


def test_nobody_reads_errors(folder: Path) -> None:
    for arguments, code in ((("exchanges", "x"), 2), (("scan",), 1)):
        command = "exec 2>&-; exec " + " ".join([*GATEPOLICY, *arguments])
        ended = subprocess.run(
            ["sh", "-c", command], stdout=subprocess.PIPE, cwd=folder, check=False, env=CLEAN
        )
        assert ended.returncode == code
        assert b"internal error" not in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("scan", "-q", "-o", "json=r.json"), 1),
        (("scan", "-q", "-o", "json=r.json", "--rule", "key-idle"), 4),
        (("evaluate", "-q", "e.json", "-o", "json=r.json"), 1),
    ],
)
def test_silence_ends_where_something_is_wrong(
    run: Run, folder: Path, arguments: tuple[str, ...], code: int
) -> None:
    (folder / "p.yaml").write_text(
        f"{HEAD}Policy\nmetadata: {{name: p, title: T}}\nip_binding: {{required: true}}\n"
    )
    run("collect", "-q", "-o", "e.json")
    ended = run(*arguments, "-p", "p.yaml")
    assert ended.code == code
    assert ended.out == ""
    assert re.fullmatch(rf"gatepolicy: exit code {code}: [^\n]+\n", ended.err)


def test_silence_where_all_is_well(run: Run, folder: Path) -> None:
    del folder
    ended = run("check", "-q")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize("rate", ["nan", "inf", "-inf", "0", "-1", "NaN", "1e999"])
def test_a_rate_is_a_finite_number(run: Run, folder: Path, rate: str) -> None:
    del folder
    ended = run("scan", "--plan", "--max-rate", rate)
    assert ended.code == 2
    assert "--max-rate" in ended.err


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24", "2026-11-24T00:00:00Z"),
        ("2026-11-24T08:00:00Z", "2026-11-24T08:00:00Z"),
        ("2026-11-24T10:00:00+02:00", "2026-11-24T08:00:00Z"),
        ("2026-11-24 01:00-05:00", "2026-11-24T06:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_a_day_and_a_time_with_its_zone(run: Run, folder: Path, text: str, moment: str) -> None:
    del folder
    run("collect", "-o", "e.json")
    ended = run("evaluate", "e.json", "--as-of", text)
    assert ended.code in (1, 3)
    assert ended.out.splitlines()[1].endswith(f", {moment}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-24T08:00:00", "nor a timestamp with a time zone"),
        ("0001-01-01T00:00:00Z", "before the year 2009"),
        ("0001-01-01T00:00:00+10:00", "not a valid date"),
        ("9999-12-31T23:59:59-10:00", "not a valid date"),
        ("2026-02-30", "not a valid date"),
        ("２０２６-11-24", "not a valid date"),
        ("20261124", "not a valid date"),
        ("soon", "not a valid date"),
        ("", "not a valid date"),
    ],
)
def test_what_is_no_time(run: Run, folder: Path, text: str, told: str) -> None:
    del folder
    run("collect", "-o", "e.json")
    ended = run("evaluate", "e.json", "--as-of", text)
    assert ended.code == 2
    assert told in ended.err


@pytest.mark.parametrize(
    "networks", [("0.0.0.0/0",), ("::/0",), ("0.0.0.0/1", "128.0.0.0/1"), ("203.0.113.5", "::/0")]
)
def test_a_list_of_everywhere_limits_nothing(
    run: Run, folder: Path, networks: tuple[str, ...]
) -> None:
    listed = ", ".join(f"'{network}'" for network in networks)
    (folder / "p.yaml").write_text(
        f"{HEAD}Policy\nmetadata: {{name: p, title: T}}\nip_binding: {{within: [{listed}]}}\n"
    )
    told = "this network covers every address, so it restricts nothing"
    ended = run("check", "-p", "p.yaml")
    assert ended.code == 2
    assert re.match(rf"p.yaml:4:\d+: ip_binding.within(\[\d\])?: {told}; list the", ended.err)
    flags = [part for network in networks for part in ("--egress", network)]
    ended = run("init", "--exchange", "okx", *flags, "--folder", "new")
    assert (ended.code, f"--egress: {told}" in ended.err) == (2, True)
    text = INVENTORY.replace("id: mm,", f"id: mm, egress: [{listed}],")
    (folder / "accounts.yaml").write_text(text)
    ended = run("check")
    assert (ended.code, f"accounts[0].egress: {told}" in ended.err) == (2, True)


def test_the_halves_of_a_set_are_everywhere_too(run: Run, folder: Path) -> None:
    (folder / "p.yaml").write_text(
        f"{HEAD}Policy\nmetadata: {{name: p, title: T}}\nip_binding: {{within: [$all, $more]}}\n"
        "networks: {all: [0.0.0.0/1], more: [128.0.0.0/1]}\n"
    )
    assert run("check", "-p", "p.yaml").code == 2


def test_a_plan_makes_no_report(run: Run, folder: Path) -> None:
    ended = run("scan", "--plan", "-o", "json")
    assert ended.code == 2
    assert "--plan writes no report" in ended.err
    # What the project says of reports is not about a plan.
    (folder / "gatepolicy.yaml").write_text(f"{HEAD}Project\noutputs: [json]\n")
    assert run("scan", "--plan").code == 0


BASELINE = ("--baseline-if-exists", "last.json")


def test_the_first_night_has_no_baseline(run: Run, folder: Path) -> None:
    ended = run("scan", *BASELINE, "-o", "text", "-o", "json=last.json")
    assert ended.code == 1
    told = "no baseline yet: last.json does not exist; nothing was compared"
    assert told in " ".join(ended.out.split())
    assert told in (folder / "last.json").read_text()
    second = run("scan", *BASELINE, "--fail-on-new", "-o", "text")
    assert "Since last.json" in second.out
    assert "no baseline yet" not in second.out


def test_new_findings_of_a_first_night_fail(run: Run, folder: Path) -> None:
    del folder
    assert run("scan", *BASELINE, "--fail-on-new").code == 1


@pytest.mark.parametrize("text", ["", "{", '{"kind": "Evidence"}', "[]"])
@pytest.mark.parametrize("option", ["--baseline", "--baseline-if-exists"])
def test_a_broken_baseline_is_told_after_the_scan(
    run: Run, folder: Path, option: str, text: str
) -> None:
    (folder / "last.json").write_text(text)
    outputs = ("-o", "text", "-o", "json=r.json", "-o", "sarif=r.sarif")
    ended = run("scan", option, "last.json", *outputs, "--exit-zero")
    assert ended.code == 2
    told = "the baseline could not be read, so nothing was compared: last.json:1:1:"
    assert told in " ".join(ended.out.split())
    assert "Exit code 2: " in ended.out
    assert told in ended.err
    assert told in (folder / "r.json").read_text()
    assert '"executionSuccessful": false' in (folder / "r.sarif").read_text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("--baseline", "nope.json"),
            "--baseline nope.json: no such file\nhint: check the",
        ),
        (("--baseline", "a.json", *BASELINE), "cannot be combined"),
        (("--fail-on-new",), "need an earlier report"),
    ],
)
def test_a_baseline_that_is_a_slip_stops_the_scan(
    run: Run, folder: Path, options: tuple[str, ...], told: str
) -> None:
    del folder
    ended = run("scan", *options)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.shown = ""
        self._pid, self._master = pty.fork()
        if not self._pid:  # pragma: no cover - the child
            # A test that runs in the background ignores Ctrl-C, and its children inherit that.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(folder)
            os.execve(sys.executable, [*GATEPOLICY, *arguments], {**CLEAN, **environment})

    def expect(self, text: str) -> None:
        assert self._shows(text, seconds=30), self.shown

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, again when it was not heard: readline misses one just before it waits."""
        for _ in range(5):
            self.type("\x03")
            if self._shows("Aborted", seconds=6):
                return

    def _shows(self, text: str, *, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while text not in self.shown and time.monotonic() < end:
            if select.select([self._master], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self._master, 65536).decode(errors="replace")
                except OSError:
                    break
        return text in self.shown

    def end(self) -> int:
        stop = time.monotonic() + 30
        while True:
            if not select.select([self._master], [], [], max(0, stop - time.monotonic()))[0]:
                os.kill(self._pid, signal.SIGKILL)
            try:
                part = os.read(self._master, 65536)
            except OSError:
                part = b""
            if not part:
                break
            self.shown += part.decode(errors="replace")
        os.close(self._master)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def test_a_dialogue_refuses_a_wrong_rule_at_once_and_can_be_stopped(folder: Path) -> None:
    terminal = Terminal(folder, "waive")
    terminal.expect("Rule (name or id)")
    terminal.type("key-to-old\n")
    terminal.expect("unknown rule key-to-old (did you mean key-too-old?)")
    terminal.type("key-too-old\n")
    terminal.expect("Account:")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Aborted; nothing was written." in terminal.shown
    assert not (folder / "waivers.yaml").exists()


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colours(folder: Path, environment: dict[str, str], colours: bool) -> None:
    terminal = Terminal(folder, "scan", "-q", **environment)
    assert terminal.end() == 1
    assert ("\x1b[" in terminal.shown) is colours


def test_marks_in_ascii_are_three(folder: Path) -> None:
    environment = {**CLEAN, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    def said(*arguments: str) -> bytes:
        ended = subprocess.run(
            [*GATEPOLICY, *arguments], capture_output=True, cwd=folder, check=False, env=environment
        )
        assert b"internal error" not in ended.stderr
        return ended.stdout

    (folder / "p.yaml").write_text(
        f"{HEAD}Policy\nmetadata: {{name: p, title: T}}\naccount: {{production: true}}\n"
    )
    text = INVENTORY.replace("id: mm,", "id: mm, sandbox: true,")
    (folder / "accounts.yaml").write_text(text)
    report = said("scan", "-p", "p.yaml")
    assert report.isascii()
    assert b"x FAIL" in report
    assert b"? FAIL" not in report
    assert said("exchanges", "bitmart")
    assert said("explain", "GP010", "--exchange", "gate")
