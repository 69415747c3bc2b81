"""Begins a new exchange: files with everything that ccxt knows, and TODO for everything else.

python -m tests.exchanges.new ID

It writes no fact: every fact begins as not disclosed, and whoever reads the documents moves it.
What is still to do, ``gatepolicy check --catalog`` tells with its line.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gatepolicy.exchanges.catalog import known_exchanges, load_others
from gatepolicy.exchanges.consistency import UNWRITTEN
from gatepolicy.model.facts import FACTS, OF_THE_SCAN

ROOT = Path(__file__).resolve().parents[2]
CATALOG = ROOT / "gatepolicy" / "exchanges" / "catalog"
OTHERS = ROOT / "gatepolicy" / "exchanges" / "others.yaml"
PROFILES = ROOT / "gatepolicy" / "simulator" / "profiles"
DOCUMENTED = Path(__file__).with_name("documented")
TOLD = ROOT / "tests" / "collect" / "told"
BASELINE = ROOT / "policies" / "baseline.yaml"
_WRITES = re.compile("create|delete|cancel|withdraw|transfer|place|enable|disable|update|change")
"""Not offered as calls; the schema refuses them too."""


def main(arguments: Sequence[str]) -> int:
    """Write the files, and say what comes next; 2 when they cannot be begun."""
    why = _refusal(arguments)
    if why:
        print(f"error: {why}", file=sys.stderr)
        return 2
    [name] = arguments
    client = getattr(import_module("ccxt"), name)()
    files = {
        CATALOG / f"{name}.yaml": catalog_file(client),
        DOCUMENTED / f"{name}_documented_example.yaml": answer_file(name, told=unknown_facts()),
        DOCUMENTED / f"{name}_error_key_1.yaml": answer_file(
            name, told="known: {}\nall_else_unknown: bad_key\n"
        ),
        PROFILES / f"{name}.yaml": profile_file(client),
        TOLD / f"{name}.yaml": f"# {UNWRITTEN}: what the profile's safe key tells.\n{{}}\n",
    }
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
        print(f"wrote    {file.relative_to(ROOT)}")
    for file, change in ((OTHERS, without_row), (BASELINE, with_row)):
        file.write_text(change(file.read_text(encoding="utf-8"), name), encoding="utf-8")
        print(f"changed  {file.relative_to(ROOT)}")
    print("The reads that ccxt lists; where none describes the key, take one that shows the least:")
    for read in reads(client):
        print(f"  {read}")
    print(f"Next: put facts in the place of {UNWRITTEN}; .ci/exchange {name} checks it all.")
    return 0


def _refusal(arguments: Sequence[str]) -> str:
    """Why nothing is begun; empty when all is well."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        return "one exchange must be named: python -m tests.exchanges.new ID"
    [name] = arguments
    if name in known_exchanges():
        return f"{name} is in the catalog already"
    other = load_others().get(name)
    if other is None:
        return f"{name} has no row in others.yaml; 'gatepolicy exchanges' lists all exchanges"
    if not hasattr(import_module("ccxt"), name):
        return f"the installed ccxt has no {name}, and nothing else signs requests"
    return ""


def facts() -> Iterable[str]:
    """The names of all facts that a file tells about."""
    return (name for name in FACTS if name not in OF_THE_SCAN)


def unknown_facts() -> str:
    """The end of a documented success in which nothing is told."""
    rows = "".join(f"  {name}: not_disclosed\n" for name in facts())
    return f"known: {{}}\nunknown:\n{rows}"


LINES = {
    "permissions.native": "no call lists the permissions of a key",
    "permissions.unrecognised": "no call lists the permissions of a key",
    "ip.restricted": "only a refused address would show it",
    "ip.allowlist": "the API does not report the addresses",
    "key.name": "the API does not report the key's name",
    "key.created_at": "the API does not report when the key was created",
    "key.expires_at": "the API does not report when the key expires",
    "key.last_used_at": "the API does not report last use",
    "key.active": "the API does not report it; a deleted key is refused",
    "key.subaccount": "the API does not report whether the key belongs to a sub-account",
    "key.trading_pairs": "the API does not report a list of pairs",
}
"""What most exchanges come to; true only after somebody looked."""


def _line(fact: str) -> str:
    return " " + LINES.get(fact, "the API does not report it")


def catalog_file(client: Any) -> str:
    """What a catalog file begins with.

    Args:
        client: The exchange, of ccxt.
    """
    needed = [name for name, needs in client.requiredCredentials.items() if needs]
    told = (name for name in facts() if name != "permission.read")
    rows = "".join(f"  {name}: {UNWRITTEN}{_line(name)}\n" for name in told)
    return f"""\
# yaml-language-server: $schema=../../../schemas/exchange.schema.json
#
# {UNWRITTEN}: in a few lines, what its API tells about the calling key, and what proves it.
apiVersion: gatepolicy/v1
kind: Exchange
id: {client.id}
title: {client.name}
ccxt_id: {client.id}
reference: {_reference(client.urls.get("doc"))}
documents_read: {datetime.now(UTC).date()}
credentials: [{", ".join(needed)}]
hosts: [{", ".join(_hosts(client.urls.get("api")))}]
sandbox_hosts: []
# {UNWRITTEN}: what the documents say.
rate_limit: {{calls: 1, seconds: 1}}
calls:
  - id: {UNWRITTEN.lower()}
    ccxt_method: private_get_{UNWRITTEN.lower()}
    http_method: GET
    path: /{UNWRITTEN}
    reference: https://{UNWRITTEN}
# Where an answer has no mark of a success, remove this: then it is what has no error code.
success: {{pointer: /{UNWRITTEN}, equals: {UNWRITTEN}}}
errors:
  # Where there are no codes, the words stand for them: the same pointer twice.
  code: /{UNWRITTEN}
  text: /{UNWRITTEN}
  patterns:
    - {{code: "{UNWRITTEN}", reason: ip_refused, proves: {{ip.restricted: true}}}}
    - {{code: "{UNWRITTEN}", reason: bad_key}}
    - {{status: 429, reason: rate_limited}}
facts:
  permission.read:
    - {{call: {UNWRITTEN.lower()}, pointer: /{UNWRITTEN}, reader: given_text}}
# What is told elsewhere must not stand here.
not_disclosed:
{rows}\
menu: {UNWRITTEN} the path of the web page where keys are edited
fixes:
  withdrawal-enabled: {UNWRITTEN}
  permission-not-allowed: {UNWRITTEN}
  permission-forbidden: {UNWRITTEN}
  ip-unbound: {UNWRITTEN}
"""


def reads(client: Any) -> Sequence[str]:
    """The private methods of a client that read by GET."""
    names = (name for name in dir(client) if re.search("(?i)private.*_get_", name))
    return [name for name in names if not name.startswith("eth_") and not _WRITES.search(name)]


def _reference(told: Any) -> str:
    pages = [told] if isinstance(told, str) else list(told or ())
    return next((page for page in pages if page.startswith("https://")), f"https://{UNWRITTEN}")


def _hosts(told: Any) -> Sequence[str]:
    """The hosts in ccxt's addresses, which are texts or mappings of them."""
    match told:
        case str():
            return [host] if (host := urlsplit(told).hostname) else []
        case dict():
            return sorted({host for inner in told.values() for host in _hosts(inner)})
        case _:
            return []


def answer_file(name: str, told: str) -> str:
    """What a documented answer begins with."""
    return f"""\
# https://{UNWRITTEN}, "{UNWRITTEN}: the heading"
exchange: {name}
api_key: "an-invented-key"
answers:
  {UNWRITTEN.lower()}:
    status: 200
    body: |
      {{
       "{UNWRITTEN}": 1
      }}
{told}"""


def profile_file(client: Any) -> str:
    """What a profile of the simulator begins with: HMAC, the most common scheme."""
    needed = (name for name, needs in client.requiredCredentials.items() if needs)
    credentials = "".join(f"  {name}: text\n" for name in needed)
    return f"""\
# yaml-language-server: $schema=../../../schemas/simulatedexchange.schema.json
#
# Authentication: https://{UNWRITTEN}. Errors: https://{UNWRITTEN}.
# UNCONFIRMED: {UNWRITTEN} what no document says, such as the order of the checks.
apiVersion: gatepolicy/v1
kind: SimulatedExchange
id: {client.id}
credentials:
{credentials}\
unbound: allowed
permissions:
  # Words for keys, in those of the documents where they have some; one key can withdraw, unless a
  # rule makes that impossible.
  safe: [read]
  withdraw: [read, withdraw]
auth:
  scheme: hmac
  key: {{header: {UNWRITTEN}}}
  timestamp: {{header: {UNWRITTEN}, unit: ms, window: 60}}
  signature: {{header: {UNWRITTEN}}}
  hash: sha256
  secret: raw
  encoding: hex
  message: "{{timestamp}}{{method}}{{target}}{{body}}"
errors:
  no_key: {{status: 401, body: {{}}}}
  unknown_key: {{status: 401, body: {{}}}}
  bad_signature: {{status: 401, body: {{}}}}
  clock: {{status: 401, body: {{}}}}
  ip_refused: {{status: 403, body: {{}}}}
  permission: {{status: 403, body: {{}}}}
  not_found: {{status: 404, body: {{}}}}
calls:
  - method: GET
    path: /{UNWRITTEN}
    needs: [read]
    key: {{}}
    document: {{}}
"""


def without_row(text: str, name: str) -> str:
    """``others.yaml`` without the row of one exchange, whether of one line or of many."""
    return re.sub(rf"(?m)^  {re.escape(name)}:.*\n(?:    .*\n)*", "", text, count=1)


def with_row(text: str, name: str) -> str:
    """``baseline.yaml`` with a row of one exchange that proves nothing yet, in its place."""
    head, mark, rows = text.partition("\nexchanges:\n")
    row = f"  {name}: {{on_unknown: {{withdraw: incomplete, ip_binding: incomplete}}}}"
    return head + mark + "\n".join(sorted([*rows.splitlines(), row])) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
