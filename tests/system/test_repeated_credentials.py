"""An exchange that repeats credentials in every field it has: none of them is in any output."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import yaml

from gatepolicy.exchanges.catalog import load_exchange

DOCUMENTED = Path(__file__).parent.parent / "exchanges" / "documented"
CASES = {
    "binance": "binance_documented_example",
    "bingx": "bingx_documented_example",
    "bybit": "bybit_documented_example",
    "gate": "gate_documented_example",
    "kucoin": "kucoin_documented_example",
    "okx": "okx_documented_example",
}
SECRET = "Canary0Secret9Of8Nobody7Planted6+/Here5="
PASSPHRASE = "CanaryPass1234"

OWN: dict[str, str] = {}
"""The key that the documents' example is about."""

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "embedded": lambda secret: f"label {secret} of a key",
    "reversed": lambda secret: secret[::-1],
    "hex": lambda secret: secret.encode().hex(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 of more": lambda secret: base64.b64encode(f"x:{secret}:y".encode()).decode(),
    "base32": lambda secret: base64.b32encode(secret.encode()).decode(),
    "url": lambda secret: quote(quote(secret, safe=""), safe=""),
    "escaped": lambda secret: "".join(f"\\u{ord(char):04x}" for char in secret),
    "dashes": lambda secret: "-".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    "invisible": lambda secret: "\u200b".join(secret),
    "in capitals": str.upper,
}


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict | list):
        yield path
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, step))
    else:
        yield path


def put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return {**value, new: 1} if isinstance(value, dict) else [*value, new] if isinstance(
            value, list) else new  # fmt: skip
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    changed = {step: put(inner, path[1:], new) if step == path[0] else inner
               for step, inner in entries}  # fmt: skip
    return changed if isinstance(value, dict) else list(changed.values())


def with_(body: Any, pieces: dict[str, str]) -> Any:
    return {**body, **pieces} if isinstance(body, dict) else [with_(body[0], pieces)]


def answers_of(exchange: str) -> Iterator[dict[str, tuple[int, Any]]]:
    """Documented answers, each time with a credential in another place and form."""
    case = yaml.safe_load((DOCUMENTED / f"{CASES[exchange]}.yaml").read_text(encoding="utf-8"))
    good = {call: (one["status"], json.loads(one["body"])) for call, one in case["answers"].items()}
    OWN[exchange] = case["api_key"]
    forms = list(FORMS.values())
    number = 0
    for call, (status, body) in good.items():
        for path in leaves(body):
            for secret in (SECRET, PASSPHRASE):
                number += 5
                form = forms[number % len(forms)](secret)
                yield {**good, call: (status, put(body, path, form))}
        for secret, middle in ((SECRET, 20), (PASSPHRASE, 7)):
            pieces = {"a": secret[:middle], "b": secret[middle:]}
            yield {**good, call: (status, with_(body, pieces))}
        for status in (400, 401, 403, 500):
            told = dict.fromkeys(("code", "retCode", "label", "msg", "message"), PASSPHRASE)
            yield {**good, call: (status, told)}


class Echo:
    """Answers by the number in the key that a request is signed with."""

    def __init__(self) -> None:
        self.accounts: list[dict[str, Any]] = []
        self.answers: list[dict[str, tuple[int, Any]]] = []
        for exchange in CASES:
            entry = load_exchange(exchange)
            paths = {call.id: call.path for call in entry.calls}
            for found in answers_of(exchange):
                self.accounts.append({"exchange": exchange, "credentials": entry.credentials})
                self.answers.append({paths[call]: answer for call, answer in found.items()})

    def answer(self, path: str, head: str) -> tuple[int, bytes]:
        number = re.search(r"public-key-(\d+)-end", head)
        assert number, head
        status, body = self.answers[int(number[1])][path]
        own = OWN[self.accounts[int(number[1])]["exchange"]] or "-"
        return status, json.dumps(body).replace(f'"{own}"', f'"{number[0]}"').encode()

    @contextmanager
    def serving(self) -> Iterator[str]:
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                status, body = echo.answer(path, f"{self.path} {self.headers}")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def inventory(self, url: str, environ: Callable[[str, str], None]) -> str:
        environ("ECHO_SECRET", SECRET)
        environ("ECHO_PASSWORD", PASSPHRASE)
        accounts = []
        for number, account in enumerate(self.accounts):
            environ(f"ECHO_KEY_{number}", f"public-key-{number}-end")
            named = {"apiKey": f"env:ECHO_KEY_{number}", "secret": "env:ECHO_SECRET",
                     "password": "env:ECHO_PASSWORD"}  # fmt: skip
            accounts.append(
                {
                    "id": f"{account['exchange']}-{number}",
                    "exchange": account["exchange"],
                    "base_url": url,
                    "credentials": {name: named[name] for name in account["credentials"]}
                    | {"password": "env:ECHO_PASSWORD"},
                }
            )
        head = {"apiVersion": "gatepolicy/v1", "kind": "Inventory", "accounts": accounts}
        return yaml.safe_dump(head)


def plain(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


def copies() -> Iterator[str]:
    """What must be in no output, by letters and digits alone, and in small letters."""
    for secret in (SECRET, PASSPHRASE):
        data = secret.encode()
        for copy in (
            secret,
            secret[::-1],
            data.hex(),
            base64.b32encode(data).decode().rstrip("=")[:-1],
            base64.b64encode(data).decode().rstrip("=")[:-1],
            base64.b64encode(b"x:" + data).decode()[3:-4],
            "".join(f"u{ord(char):04x}" for char in secret),
        ):
            yield plain(copy)
    yield plain(SECRET[:20])
    yield plain(SECRET[20:])


POLICY = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
permissions: {forbid: [withdraw, transfer], require: [read]}
ip_binding: {required: true}
key: {name: "^bot-"}
"""


@pytest.fixture
def echo() -> Echo:
    return Echo()


def test_no_output_repeats_a_credential_that_an_answer_repeats(firm: Any, echo: Echo) -> None:
    assert len(echo.answers) > 200
    with echo.serving() as url:
        inventory = echo.inventory(url, firm.monkeypatch.setenv)
        (firm.folder / "accounts.yaml").write_text(inventory, encoding="utf-8")
        (firm.folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        outputs = ("-o", "text=out.txt", "-o", "json=out.json", "-o", "sarif=out.sarif")
        ended = firm.run("scan", "-p", "policy.yaml", "--attempts", "1", "-v", *outputs)
        kept = firm.run("collect", "--attempts", "1", "-o", "evidence.json")
    assert ended.code == 1
    texts = {
        name: (firm.folder / name).read_text(encoding="utf-8")
        for name in ("out.txt", "out.json", "out.sarif", "evidence.json")
    } | {"stderr": ended.err + kept.err, "stdout": ended.out + kept.out}
    for name, text in texts.items():
        letters = plain(text)
        assert not [copy for copy in copies() if copy in letters], name
        assert "Traceback" not in text
    # It was interpreted: most facts are known, and those that a credential stood for are not.
    accounts = json.loads(texts["out.json"])["accounts"]
    assert sum("an answer contained a credential" in json.dumps(one) for one in accounts) > 50
    assert len(accounts) == len(echo.answers)
