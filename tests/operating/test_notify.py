"""Notifications: what receivers on this machine get, and how often."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email import message, message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from gatepolicy.errors import UsageError
from gatepolicy.model.secret import Secret
from gatepolicy.operating.message import Message, Mood
from gatepolicy.operating.receivers import Receiver, receivers_of, send, urls_of
from gatepolicy.simulator.inventory import environment
from gatepolicy.simulator.keys import ExchangeId, SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from tests.operating.conftest import Hook, serving
from tests.system.conftest import Ended, Firm

Clean = Callable[[ExchangeId], SimulatedKey]
TOKEN = "s3cret-t0ken-5f1c"
MESSAGE = Message("title", "body", Mood.BAD)


@dataclass
class Desk:
    """A firm with one key, good or bad, and a receiver."""

    firm: Firm
    good: SimulatedKey
    hook: Hook

    def night(self, *arguments: str, can_withdraw: bool = False, url: str = "") -> Ended:
        self.firm.keys = [self.bad if can_withdraw else self.good]
        self.firm.monkeypatch.setenv(
            "GATEPOLICY_NOTIFY", url or f"json://{self.hook.address}/{TOKEN}"
        )
        return self.firm.scan(*arguments)

    @property
    def bad(self) -> SimulatedKey:
        """The same key, which can also withdraw."""
        return replace(self.good, permissions=(*self.good.permissions, "withdraw"))

    @property
    def titles(self) -> list[str]:
        return [json.loads(body)["title"] for body in self.hook.bodies]


@pytest.fixture
def desk(firm: Firm, clean: Clean, hook: Hook) -> Desk:
    return Desk(firm, clean(ExchangeId.OKX), hook)


NEW = "gatepolicy accounts.yaml: 1 new"
FIXED = "gatepolicy accounts.yaml: 1 fixed"


def test_from_night_to_night(desk: Desk) -> None:
    for can_withdraw in (False, False, True, True, True, False, False):
        ended = desk.night(can_withdraw=can_withdraw)
        assert ended.code == can_withdraw
        assert ended.err == ""
    assert desk.titles == [NEW, FIXED]
    told = json.loads(desk.hook.bodies[0])
    assert told["type"] == "failure"
    [line] = re.findall(r"^  critical GP001 withdrawal-enabled.*$", told["message"], re.MULTILINE)
    assert line.endswith(": okx-00001")
    assert "funds can leave" in told["message"]
    assert json.loads(desk.hook.bodies[1])["type"] == "success"
    assert set(desk.hook.paths) == {f"/{TOKEN}"}


def test_nothing_secret_is_told_or_kept(desk: Desk) -> None:
    ended = desk.night("--log-format", "json", can_withdraw=True)
    kept = "".join(
        path.read_text(encoding="utf-8") for path in (desk.firm.folder / ".gatepolicy").iterdir()
    )
    said = "".join(desk.hook.bodies) + ended.out + ended.err + kept
    for secret in (TOKEN, *environment(desk.firm.keys).values()):
        assert secret not in said
    [event] = [json.loads(line) for line in ended.err.splitlines() if "notified" in line]
    assert (event["receivers"], event["received"], event["news"]) == (1, 1, 1)


def test_with_a_history_what_is_known_is_no_news(desk: Desk) -> None:
    history = ("--history", "h.db")
    desk.firm.keys = [desk.bad]
    assert desk.firm.scan(*history).code == 1
    desk.night(*history, can_withdraw=True)
    assert desk.titles == []
    desk.night(*history)
    desk.night(*history, can_withdraw=True)
    assert desk.titles == [FIXED, f"{NEW}, 2 worse"]
    body = json.loads(desk.hook.bodies[1])["message"]
    assert "  permission-escalated (permission.withdraw): okx-00001" in body.splitlines()


def test_a_receiver_that_is_down_changes_nothing_and_is_told_the_next_night(desk: Desk) -> None:
    desk.hook.statuses += [503] * 3
    first = desk.night("-o", "json=r.json", can_withdraw=True)
    assert first.code == 1
    [warning] = first.err.splitlines()
    assert warning == "warning: receiver 1 (json) did not take the notification after 3 attempts"
    assert desk.firm.read("r.json")["exit_code"] == 1
    assert desk.night(can_withdraw=True).err == ""
    assert desk.titles == [NEW] * 4
    desk.night(can_withdraw=True)
    assert len(desk.titles) == 4


def test_a_digest_when_somebody_wants_one(desk: Desk) -> None:
    for _ in range(2):
        assert desk.night("--notify-when", "always").code == 0
    assert desk.titles == ["gatepolicy accounts.yaml: no change"] * 2


def test_a_form(desk: Desk) -> None:
    desk.night(can_withdraw=True, url=f"form://{desk.hook.address}/{TOKEN}")
    [body] = desk.hook.bodies
    told = parse_qs(body)
    assert told["title"] == [NEW]
    assert "withdrawal-enabled" in told["message"][0]


class Inbox:
    """Keeps the mails of a server on this machine."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], message.Message]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert session.host_name
        assert server.hostname
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content)
        self.mails.append((str(envelope.mail_from), list(envelope.rcpt_tos), mail))
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox, port
    finally:
        controller.stop()


def test_a_mail(desk: Desk, inbox: tuple[Inbox, int]) -> None:
    kept, port = inbox
    url = f"mailto://127.0.0.1:{port}?from=keys@example.com&to=desk@example.com&mode=insecure"
    ended = desk.night(can_withdraw=True, url=url)
    assert ended.err == ""
    [(sender, receivers, mail)] = kept.mails
    assert (sender, receivers) == ("keys@example.com", ["desk@example.com"])
    assert mail["Subject"] == NEW
    parts: Any = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    assert b"withdrawal-enabled" in b"".join(parts)
    assert desk.night(can_withdraw=True, url=url).code == 1
    assert len(kept.mails) == 1


def test_urls_of_a_file_are_told_too(desk: Desk, tmp_path: Path) -> None:
    with serving() as other:
        file = tmp_path / "receivers.txt"
        text = f"# on call\n\njson://{other.address}/{TOKEN}\n"
        file.write_text(text, encoding="utf-8")
        desk.night("--notify-file", str(file), can_withdraw=True)
        assert len(other.calls) == len(desk.hook.calls) == 1


def test_a_receiver_that_was_down_is_told_the_next_night_and_the_other_is_not(desk: Desk) -> None:
    with serving() as other:
        other.statuses += [500] * 3
        both = f"json://{desk.hook.address}/{TOKEN} json://{other.address}/{TOKEN}"
        first = desk.night(can_withdraw=True, url=both)
        assert "receiver 2 (json) did not take" in first.err
        for _ in range(2):
            assert desk.night(can_withdraw=True, url=both).err == ""
        # Three attempts, and the next night.
        assert [json.loads(body)["title"] for body in other.bodies] == [NEW] * 4
    assert desk.titles == [NEW]


def test_what_was_told_is_forgotten_rather_than_kept_silent(desk: Desk) -> None:
    desk.night(can_withdraw=True)
    [state] = (desk.firm.folder / ".gatepolicy").glob("notified-*.json")
    assert state.stat().st_mode & 0o777 == 0o600
    state.write_text("{", encoding="utf-8")
    damaged = desk.night(can_withdraw=True)
    assert "everything is sent again: it is damaged" in damaged.err
    assert desk.titles == [NEW, NEW]
    assert desk.night(can_withdraw=True).err == ""
    state.unlink()
    state.mkdir()
    assert "may tell the same again" in desk.night(can_withdraw=True).err
    assert desk.titles == [NEW, NEW, NEW]


def test_a_state_folder_that_cannot_be_made(desk: Desk) -> None:
    (desk.firm.folder / "file").write_text("")
    ended = desk.night("--state", "file/x", can_withdraw=True)
    assert ended.code == 1
    assert "the next scan may tell the same again: cannot make the folder file/x" in ended.err
    assert desk.titles == [NEW]


def test_a_scan_that_does_not_start_is_told(desk: Desk) -> None:
    desk.firm.policy = "kind: Policy\n"
    assert desk.night().code == 2
    assert desk.titles == ["gatepolicy accounts.yaml: the scan failed"]


def test_a_receiver_that_nobody_knows_is_told_before_the_scan(desk: Desk) -> None:
    ended = desk.night(url=f"nosuch://{TOKEN}")
    assert ended.code == 2
    said, hint = ended.err.splitlines()
    assert said == "error: notification URL 1 is not one that apprise knows"
    assert hint.startswith("hint: such as mailto://")
    assert TOKEN not in ended.err


def test_a_file_of_urls_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read it"):
        urls_of((), str(tmp_path / "missing"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not a text in UTF-8"):
        urls_of((), str(tmp_path / "binary"))


def test_whoever_edits_an_untrusted_project_silences_and_redirects_nothing(desk: Desk) -> None:
    project = desk.firm.folder / "gatepolicy.yaml"
    project.write_text("apiVersion: gatepolicy/v1\nkind: Project\n", encoding="utf-8")
    desk.night(can_withdraw=True)
    assert list((desk.firm.folder / ".gatepolicy").glob("notified-*.json"))
    desk.night("--untrusted", can_withdraw=True)
    assert desk.titles == [NEW, NEW]
    file = desk.firm.folder / "receivers.txt"
    file.write_text(f"json://{desk.hook.address}/{TOKEN}\n", encoding="utf-8")
    (desk.firm.folder / "link.txt").symlink_to(file)
    for name in ("receivers.txt", "link.txt"):
        ended = desk.night("--untrusted", "--notify-file", name)
        assert ended.code == 2
        assert f"--notify-file {name} lies in the project folder" in ended.err
    assert len(desk.titles) == 2


def test_a_receiver_is_called_by_its_number_and_scheme() -> None:
    [one] = receivers_of([Secret(f"json://user:{TOKEN}@127.0.0.1/{TOKEN}")])
    assert one.name == "receiver 1 (json)"
    assert receivers_of([]) == ()


def test_only_those_who_did_not_take_it_are_tried_again() -> None:
    counts = {"a": 0, "b": 0, "c": 0}
    slept: list[float] = []
    warned: list[str] = []

    def takes(name: str, at: int) -> Receiver:
        def sending(message: Message) -> bool:
            assert message is MESSAGE
            counts[name] += 1
            return counts[name] >= at

        return Receiver(name, sending)

    some = [takes("a", 1), takes("b", 2), takes("c", 9)]
    assert send(MESSAGE, some, sleep=slept.append, warn=warned.append) == {"a", "b"}
    assert counts == {"a": 1, "b": 2, "c": 3}
    assert slept == [2.0, 10.0]
    assert warned == ["c did not take the notification after 3 attempts"]
    assert send(MESSAGE, [], sleep=slept.append, warn=warned.append) == set()
    assert len(slept) == 2


WITHOUT_APPRISE = """
import sys
sys.modules["apprise"] = None
from gatepolicy.cli.main import main
main(["scan", "--notify", "json://127.0.0.1:9/x"])
"""


def test_without_apprise_the_command_to_install_it_is_told(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_APPRISE],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "notifications need apprise; apprise is not installed" in ended.stderr
    assert "hint: pip install apprise" in ended.stderr


def test_without_a_receiver_apprise_is_not_imported(desk: Desk) -> None:
    script = (
        "import sys\nfrom gatepolicy.cli.main import main\n"
        "try:\n    main(['scan', '-p', 'policy.yaml'])\n"
        "except SystemExit:\n    print('apprise' in sys.modules, file=sys.stderr)\n"
    )
    desk.firm.keys = [desk.good]
    with SimulatorThread(Simulator(desk.firm.keys)) as simulator:
        desk.firm.prepare(simulator.url)
        ended = subprocess.run(
            [sys.executable, "-c", script],
            cwd=desk.firm.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert ended.stderr.splitlines()[-1] == "False"
