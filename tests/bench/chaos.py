"""Scan a fleet of which some accounts meet a fault each, and compare with an undisturbed scan.

Prints a row for each fault; ends with 1 if an aim is missed: every account has verdicts, at least
99 in 100 tell the right reason, nothing passes without proof, no secret is shown, and nothing but
declared reads is sent.
"""

import argparse
import json
import logging
import os
import random
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gatepolicy.model.facts import Reason
from gatepolicy.simulator.faults import Fault, FaultKind
from gatepolicy.simulator.fleet import fleet
from gatepolicy.simulator.inventory import (
    CredentialStyle,
    account_ids,
    environment,
    inventory_yaml,
)
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.server import Simulator
from gatepolicy.simulator.thread import SimulatorThread
from tests.servers import certificate

HERE = Path(__file__).parent
_NO_HOST = "exchange.invalid"
_DEAD = "http://127.0.0.1:1"
_UNTRUSTED = "untrusted"
_RIGHT = 0.99
_SHOWN = 3
_PLANTED = re.compile(r"not-a-real-[a-z]+-(?:[a-z]+-)?[0-9]{9}|sim[0-9]{9}[a-z]+key")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that some accounts meet."""

    name: str
    """For people."""
    reasons: frozenset[Reason]
    """What may be told about what is unknown for it; nothing, when all is as undisturbed."""
    fault: Fault | None = None
    """What their exchange does."""
    url: str = ""
    """Where they are asked; empty for the simulator."""
    blinds: bool = True
    """Whether it leaves nothing of an answer that proves something."""
    timeout: str = "30s"
    """What their inventory says."""
    keeps: frozenset[str] = frozenset()
    """Facts and controls that may be as undisturbed all the same."""


def _trouble(name: str, reason: Reason, kind: FaultKind, **more: Any) -> Trouble:
    return Trouble(name, frozenset({reason}), Fault(kind=kind, **more))


def _slow(name: str, kind: FaultKind, seconds: float) -> Trouble:
    fault = Fault(kind=kind, seconds=seconds)
    return Trouble(name, frozenset({Reason.TIMEOUT}), fault, timeout="1s")


def _elsewhere(name: str, reason: Reason, url: str) -> Trouble:
    return Trouble(name, frozenset({reason}), url=url)


_STATUS, _ODD = FaultKind.STATUS, Reason.UNEXPECTED_ANSWER
_ONCE = Fault(kind=_STATUS, status=429, times=1)
# A time is read from digits in a text, too: exchanges write it so, and it has one meaning only.
_WRONG_TYPES = Trouble(
    "wrong types",
    frozenset({_ODD}),
    Fault(kind=FaultKind.WRONG_TYPES),
    keeps=frozenset({"key.created_at", "key.exists", "key-too-old"}),
)
_NO_PROOF = frozenset({"structural", "apparent"})
"""Grades that no answer proves: an apparent fact can fail a control, and never passes one."""
_AN_HOUR = Fault(kind=FaultKind.DATE, seconds=3600)
TROUBLES = (
    _trouble("429, Retry-After: 1", Reason.RATE_LIMITED, _STATUS, status=429),
    _trouble("429, no Retry-After", Reason.RATE_LIMITED, _STATUS, status=429, retry_after=""),
    Trouble("429 once, then well", frozenset(), _ONCE, blinds=False),
    _trouble("418 ban", Reason.RATE_LIMITED, _STATUS, status=418, retry_after="120"),
    _trouble("rate limit in its own words", Reason.RATE_LIMITED, FaultKind.RATE_LIMIT),
    _trouble("500", Reason.UNREACHABLE, _STATUS, status=500),
    _trouble("502 page", Reason.UNREACHABLE, FaultKind.HTML, status=502),
    _trouble("503 maintenance", Reason.MAINTENANCE, _STATUS, status=503),
    _elsewhere("connection refused", Reason.UNREACHABLE, _DEAD),
    _trouble("reset", Reason.UNREACHABLE, FaultKind.RESET),
    _trouble("reset within the body", Reason.UNREACHABLE, FaultKind.RESET_BODY),
    _slow("slow headers", FaultKind.LATENCY, 1.5),
    _slow("slow body", FaultKind.SLOW_BODY, 0.1),
    _slow("no answer at all", FaultKind.LATENCY, 600),
    _trouble("empty body", _ODD, FaultKind.EMPTY),
    _trouble("half of the JSON", _ODD, FaultKind.TRUNCATED),
    _WRONG_TYPES,
    _trouble("fields given twice", _ODD, FaultKind.DUPLICATE_KEYS),
    _trouble("200 page of a challenge", _ODD, FaultKind.HTML),
    _trouble("redirect elsewhere", _ODD, FaultKind.REDIRECT),
    _trouble("gzip bomb", _ODD, FaultKind.BOMB),
    _trouble("endless body", _ODD, FaultKind.HUGE_BODY),
    _trouble("error that quotes secrets", _ODD, FaultKind.SCRIPTED, status=400),
    _elsewhere("certificate not trusted", Reason.TLS_ERROR, _UNTRUSTED),
    _trouble("refused for the clock", Reason.CLOCK_SKEW, FaultKind.CLOCK_ERROR),
    Trouble("clock an hour off", frozenset({Reason.CLOCK_SKEW}), _AN_HOUR, blinds=False),
    _elsewhere("no such host", Reason.UNREACHABLE, f"https://{_NO_HOST}"),
)
"""Everything that accounts meet, in the order of the rows."""

_NOTHING = Trouble("(nothing)", frozenset(), blinds=False)


@dataclass(slots=True)
class Row:
    """What became of the accounts that met one thing."""

    accounts: int = 0
    """How many there are."""
    judged: int = 0
    """Those with as many verdicts as undisturbed."""
    right: int = 0
    """Those that tell the right reason."""
    false_passes: int = 0
    """Verdicts that pass, and facts that are proved, without an answer that proves it."""
    leaks: int = 0
    """Their secrets that some output shows."""
    wrong: list[str] = field(default_factory=list)
    """The first few that tell another reason, or pass, for people."""

    def is_well(self) -> bool:
        """Whether it is as it should be."""
        is_right = self.right >= _RIGHT * self.accounts
        return is_right and self.judged == self.accounts and not (self.false_passes or self.leaks)


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan left behind."""

    accounts: Mapping[str, Any]
    """Of the JSON report, by id."""
    outputs: Sequence[str]
    """Everything that it wrote."""
    undeclared: int
    """Requests that no catalog entry declares, or that followed a redirect."""
    seconds: float
    """How long it took, start-up included."""
    code: int
    """Its exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, scan with faults and without, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="how many accounts")
    parser.add_argument("--share", type=float, default=0.3, help="of them meet a fault")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    # The simulator's server tells of every connection that it, or the scan, breaks off.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    keys, met = _fleet(options.count, options.share, options.seed)
    with tempfile.TemporaryDirectory() as name, _untrusted(Path(name)) as untrusted:
        folder = Path(name)
        with ThreadPoolExecutor(2) as both:
            first = both.submit(_scanned, keys, {}, folder / "plain", untrusted)
            second = both.submit(_scanned, keys, met, folder / "disturbed", untrusted)
        plain, disturbed = first.result(), second.result()
    rows = _rows(keys, met, plain, disturbed)
    undeclared = plain.undeclared + disturbed.undeclared + untrusted.served
    _show(rows, plain, disturbed, undeclared)
    return int(undeclared > 0 or not all(row.is_well() for row in rows.values()))


def _fleet(
    count: int, share: float, seed: int
) -> tuple[Sequence[SimulatedKey], Mapping[str, Trouble]]:
    """Keys, and by account what it meets; who is refused anyway meets nothing else."""
    chance = random.Random(seed)
    made = fleet(count, seed, datetime.now(UTC))
    ids = account_ids(made)
    keys = [replace(key, account_id=id_) for key, id_ in zip(made, ids, strict=True)]
    usable = [key.account_id for key in keys if key.admits_caller() and key.given_secret is None]
    chosen = chance.sample(usable, min(len(usable), round(count * share)))
    met = {id_: TROUBLES[number % len(TROUBLES)] for number, id_ in enumerate(chosen)}
    return keys, met


def _scanned(
    keys: Sequence[SimulatedKey], met: Mapping[str, Trouble], folder: Path, untrusted: "_Untrusted"
) -> Scanned:
    folder.mkdir()
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    for name, value in environment(keys).items():
        path = secrets / name
        path.touch(mode=0o600)
        path.write_text(value)
    faulty = [_with_fault(key, met.get(key.account_id, _NOTHING)) for key in keys]
    simulator = Simulator(faulty, record_limit=20 * len(keys))
    with SimulatorThread(simulator):
        urls = {"": simulator.url, _UNTRUSTED: untrusted.url}
        lines = [_account(key, met.get(key.account_id, _NOTHING), urls, secrets) for key in keys]
        head = "apiVersion: gatepolicy/v1\nkind: Inventory\naccounts:\n"
        (folder / "accounts.yaml").write_text(head + "".join(lines))
        return _run(folder, simulator)


def _with_fault(key: SimulatedKey, trouble: Trouble) -> SimulatedKey:
    if trouble.fault is None:
        return key
    fault = trouble.fault
    if fault.kind is FaultKind.SCRIPTED:
        told = f"refused: {key.api_key} {key.secret} {key.passphrase}"
        names = ("msg", "message", "retMsg", "label")
        fault = replace(fault, body=json.dumps(dict.fromkeys(names, told)))
    return replace(key, faults=(fault,))


def _account(key: SimulatedKey, trouble: Trouble, urls: Mapping[str, str], secrets: Path) -> str:
    url = urls.get(trouble.url, trouble.url)
    document = inventory_yaml([key], url, CredentialStyle.FILE, str(secrets))
    _, _, lines = document.partition("accounts:\n")
    return f"{lines}    timeout: {trouble.timeout}\n"


def _run(folder: Path, simulator: Simulator) -> Scanned:
    files = {name: folder / f"report.{name}" for name in ("json", "sarif", "html")}
    command = [sys.executable, "-m", "gatepolicy", "scan", "-v", "-p", str(HERE / "policy.yaml")]
    command += ["-i", str(folder / "accounts.yaml"), "--max-rate", "10000", "--attempts", "2"]
    command += ["--allow-host", _NO_HOST, "--journal", str(folder / "journal"), "-o", "text"]
    command += [word for name, path in files.items() for word in ("-o", f"{name}={path}")]
    command += ["--sarif-profile", "full"]
    began = time.monotonic()
    ended = subprocess.run(
        command, env=os.environ, cwd=HERE.parents[1], capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    if not files["json"].exists():
        raise SystemExit(f"the scan ended with {ended.returncode}: {ended.stderr}")
    written = [path.read_text() for path in (*files.values(), folder / "journal")]
    unknown_paths = [one for one in simulator.requests if not one.exchange]
    return Scanned(
        {one["id"]: one for one in json.loads(written[0])["accounts"]},
        [ended.stdout, ended.stderr, *written],
        len((*simulator.forbidden_requests, *simulator.followed_redirects, *unknown_paths)),
        seconds,
        ended.returncode,
    )


class _Untrusted(ThreadingHTTPServer):
    """Serves TLS with a certificate that no authority of this machine has signed."""

    served = 0
    """Connections that were opened in spite of it."""
    url = ""
    """Where it listens."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count what should never come."""
        self.served += 1
        super().process_request(request, client_address)


@contextmanager
def _untrusted(folder: Path) -> Iterator[_Untrusted]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(folder))
    # With TLS 1.3 a server is through before the client has looked at the certificate.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with _Untrusted(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.url = f"https://127.0.0.1:{server.server_address[1]}"
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def _rows(
    keys: Sequence[SimulatedKey], met: Mapping[str, Trouble], plain: Scanned, disturbed: Scanned
) -> Mapping[str, Row]:
    rows = {trouble.name: Row() for trouble in (*TROUBLES, _NOTHING)}
    shown = {secret for text in disturbed.outputs for secret in _PLANTED.findall(text)}
    for key in keys:
        id_ = key.account_id
        trouble = met.get(id_, _NOTHING)
        row, before = rows[trouble.name], plain.accounts[id_]
        now = disturbed.accounts.get(id_, {"verdicts": [], "facts": {}, "unknown": {}})
        row.accounts += 1
        row.judged += bool(now["verdicts"]) and len(now["verdicts"]) == len(before["verdicts"])
        other = differing(before, now, trouble)
        row.right += not other
        unproved = [f"{name} passes" for name in false_passes(before, now, trouble)]
        row.false_passes += len(unproved)
        if (other or unproved) and len(row.wrong) < _SHOWN:
            row.wrong.append(f"{id_}: {', '.join((*other, *unproved))}")
        row.leaks += len(shown & {key.api_key, key.secret, key.passphrase})
    return rows


def differing(before: Any, now: Any, trouble: Trouble) -> Sequence[str]:
    """What an account tells otherwise than it should, for people; nothing if all is right.

    Args:
        before: The account in the report of an undisturbed scan.
        now: The same in the report of the disturbed one.
        trouble: What it met.
    """
    facts = {name: now["unknown"].get(name, "absent") for name in before["facts"]}
    lost = {name: reason for name, reason in facts.items() if name not in now["facts"]}
    verdicts = _verdicts(now)
    for name, (verdict, reason) in _verdicts(before).items():
        if verdicts.get(name) != (verdict, reason):
            found, why = verdicts.get(name, ("absent", ""))
            lost[name] = str(why) if found == "unknown" else found
    other = sorted({f"{n} {why}" for n, why in lost.items() if why not in trouble.reasons})
    return other or (["nothing is unknown"] if trouble.blinds and not lost else [])


def false_passes(before: Any, now: Any, trouble: Trouble) -> Sequence[str]:
    """Controls that pass, and facts that are proved, without an answer that proves it.

    Args:
        before: The account in the report of an undisturbed scan.
        now: The same in the report of the disturbed one.
        trouble: What it met.
    """
    undisturbed = _verdicts(before)
    passes = [
        name
        for name, verdict in _verdicts(now).items()
        if verdict[0] == "pass" and not _is_proved(name, verdict, undisturbed, trouble)
    ]
    values = {name: fact["value"] for name, fact in before["facts"].items()}
    proved = [
        name
        for name, fact in now["facts"].items()
        if fact["grade"] not in _NO_PROOF and not _is_proved(name, fact["value"], values, trouble)
    ]
    return passes + proved


def _is_proved(name: str, now: Any, before: Mapping[str, Any], trouble: Trouble) -> bool:
    return (not trouble.blinds or name in trouble.keeps) and before.get(name) == now


def _verdicts(account: Any) -> Mapping[str, tuple[str, str | None]]:
    return {one["name"]: (one["verdict"], one["reason"]) for one in account["verdicts"]}


def _show(rows: Mapping[str, Row], plain: Scanned, disturbed: Scanned, undeclared: int) -> None:
    faulty = sum(row.accounts for name, row in rows.items() if name != _NOTHING.name)
    print(f"{len(plain.accounts):,} accounts, of which {faulty:,} meet a fault each")
    print(
        f"  both at once: undisturbed scan {plain.seconds:.1f} s, exit code {plain.code};", end=" "
    )
    print(f"disturbed {disturbed.seconds:.1f} s, exit code {disturbed.code}\n")
    heads = ("accounts", "judged", "right reason", "false passes", "leaks")
    print(f"  {'fault':28}" + "".join(f"{head:>14}" for head in heads))
    for name, row in rows.items():
        share = f"{100 * row.right / row.accounts:.1f} %" if row.accounts else "-"
        cells = (row.accounts, row.judged, share, row.false_passes, row.leaks)
        line = f"  {name:28}" + "".join(f"{cell!s:>14}" for cell in cells)
        print(line + ("" if row.is_well() else "  MISSED"))
        for wrong in row.wrong:
            print(f"      {wrong[:240]}")
    print(f"\n  undeclared requests, redirects followed, untrusted servers: {undeclared}")


if __name__ == "__main__":
    sys.exit(main())
