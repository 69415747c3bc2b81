"""``docs/exchanges.md`` and ``docs/auditor.md``, made from the catalog.

python .ci/exchanges_doc.py           writes them
python .ci/exchanges_doc.py --check   fails when one differs
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from click.testing import CliRunner

from gatepolicy.cli.main import cli
from gatepolicy.exchanges.catalog import (
    MEANING,
    Discloses,
    State,
    disclosure,
    load_catalog,
    load_others,
)
from gatepolicy.exchanges.exchange import Exchange, Word
from gatepolicy.exchanges.interpret import PUBLIC_CREDENTIALS, described
from gatepolicy.model.facts import FACTS, OF_THE_SCAN

DOCS = Path(__file__).resolve().parent.parent / "docs"
HEAD = """\
# Exchanges

What each exchange discloses about an API key, generated from the catalog by
`python .ci/exchanges_doc.py`. *Observed*: an answer shows it. *Inferred*: an answer shows it, but
the documentation does not guarantee that. *By rule*: the exchange's own rules guarantee it. *Not
disclosed*: the API does not show it; a policy that requires it gets `unknown`, never a pass. Check
it by hand on the exchange's web page.

The scanner's key should have only the permissions that its calls need, and an IP allowlist with
only the scanner's address.
"""
AUDITOR = """\
# Auditors: a whole firm without one trading secret

On some exchanges one key can list other keys and their permissions. Such an *auditor* proves what
the trading keys can do, so that the scanner never holds their secrets:

```yaml
apiVersion: gatepolicy/v1
kind: Inventory
accounts:
  - id: gate-auditor
    exchange: gate
    credentials: {apiKey: env:GATE_AUDITOR_KEY, secret: env:GATE_AUDITOR_SECRET}
    discover: true
  - id: gate-bot-7
    exchange: gate
    key: "6d61726b6574*****"
    audited_by: gate-auditor
```

- `audited_by` names the account whose key lists this one. `key` is the public key id, or what the
  exchange shows of it with `*` for what is hidden, or a fingerprint from a report. If exactly one
  row of the auditor's lists matches, its facts are the account's; if none matches and every list
  was read completely, the key is gone (GP033); otherwise everything is unknown.
- `discover: true` reports every listed key that the inventory does not declare, evaluated by the
  policies of the account that found it (GP032). Its id is that account's id and the last four
  characters shown of the key.
- A list that is cut off, or that the auditor's key may not read, proves nothing: GP032 is unknown.

Create the auditor's key with only the permission below, and with only the scanner's address in its
IP allowlist. `gatepolicy scan --plan` shows the lists among the requests.

This page is generated from the catalog by `python .ci/exchanges_doc.py`.
"""
TOLD = {
    "permission.withdraw": "withdraw",
    "permission.trade.spot": "trade",
    "ip.restricted": "IP allowlist",
    "ip.allowlist": "addresses",
    "key.name": "name",
    "key.created_at": "created",
    "key.last_used_at": "last used",
    "key.expires_at": "expires",
}
HOW = {
    Discloses.OBSERVED: "observed",
    Discloses.INFERRED: "inferred",
    Discloses.STRUCTURAL: "by rule",
    Discloses.NOT_DISCLOSED: "not disclosed",
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _exchange(exchange: Exchange) -> Iterator[str]:
    yield f"\n## {exchange.title} (`{exchange.id}`)\n"
    yield f"<{exchange.reference}>. Keys are edited at: {exchange.menu}.\n"
    seen = ", ".join(f"{one.day} ({one.source})" for one in exchange.seen)
    live = f"seen live: {seen}" if seen else "as documented: not compared with a live answer"
    yield f"Documents read: {exchange.documents_read}; {live}.\n"
    limit = exchange.rate_limit
    yield (
        f"Credentials: {', '.join(f'`{name}`' for name in exchange.credentials)}; at most"
        f" {limit.calls} call{'s' * (limit.calls != 1)} in {limit.seconds:g} s from one address.\n"
    )
    if exchange.credentials_note:
        yield f"{exchange.credentials_note}\n"
    yield from _calls(exchange)
    yield f"\n{_key_of_the_scanner(exchange)}"
    yield "\n| fact | | where, or why not |"
    yield "|---|---|---|"
    told = disclosure(exchange)
    for fact in FACTS:
        if fact not in OF_THE_SCAN:
            yield f"| `{fact}` | {HOW[told[fact].how]} | {_cell(told[fact].where)} |"
    if exchange.words:
        yield "\n| permission | on the web page | allows | perhaps |"
        yield "|---|---|---|---|"
        for word in exchange.words.values():
            yield _word(word)


def _calls(exchange: Exchange) -> Iterator[str]:
    yield "| call | sent | permission that it needs |"
    yield "|---|---|---|"
    for call in exchange.sendable:
        needed = _cell(call.permission) or "none documented"
        yield f"| `{call.id}` | `{call.http_method} {call.path}` | {needed} |"
    for other in exchange.alternatives:
        calls = ", ".join(f"`{call.id}`" for call in other.view.calls)
        yield f"\nSent only if the other calls refuse {other.title}: {calls}."
    if exchange.sister_sites:
        sisters = "; ".join(described(site) for site in exchange.sister_sites)
        yield f"\nSister sites, with separate keys: {sisters}."
    for call in exchange.sendable:
        if call.reads:
            yield f"\n`{call.id}` is a {call.http_method} that only reads: {_cell(call.reads)}."


def _key_of_the_scanner(exchange: Exchange) -> str:
    """How to create the scanner's key, as harmless as it can be."""
    if set(exchange.credentials) <= set(PUBLIC_CREDENTIALS):
        return "**For the scanner**, no secret is needed: the calls are public."
    permissions = dict.fromkeys(call.permission or "reading" for call in exchange.calls)
    first, *more = permissions
    named = "no permission beyond reading" if first.split()[0] in _ANY else f"only {first}"
    rest = "".join(f" Give no key {other} for a scan alone." for other in more)
    binding = exchange.fixes.get("ip-unbound", "")
    return (
        f"**For the scanner**, create a key with {named}, and an IP allowlist with only the"
        f" scanner's address."
        f"{rest} {binding}".rstrip()
    )


_ANY = ("any", "none", "reading")


def _word(word: Word) -> str:
    allows = ", ".join(sorted(capability.value for capability in word.grants))
    perhaps = ", ".join(sorted(capability.value for capability in word.unclear))
    note = f" ({word.note})" if perhaps else ""
    return f"| `{word.word}` | {_cell(word.title)} | {allows} | {_cell(perhaps + note)} |"


def _others() -> Iterator[str]:
    yield "\n## All others\n"
    yield "| exchange | what is known |"
    yield "|---|---|"
    for name, other in load_others().items():
        if other.state is not State.NOT_RESEARCHED:
            yield f"| {name} | {_cell(other.summary)} |"
    rest = [name for name, other in load_others().items() if other.state is State.NOT_RESEARCHED]
    if rest:
        meaning = MEANING[State.NOT_RESEARCHED]
        yield f"\n{meaning[0].upper()}{meaning[1:]}: {', '.join(rest)}."


def written() -> str:
    """The whole document."""
    parts = [line for exchange in load_catalog().values() for line in _exchange(exchange)]
    return "\n".join([HEAD.rstrip(), "", _table(), *parts, *_others()]) + "\n"


def _table() -> str:
    """What the command lists."""
    listed = CliRunner().invoke(cli, ["exchanges"], catch_exceptions=False).output
    return f"```console\n$ gatepolicy exchanges\n{listed.rstrip()}\n```"


def auditors() -> str:
    """The document about auditors."""
    rows = [line for exchange in load_catalog().values() for line in _listings(exchange)]
    head = [
        "## Which key to create",
        "",
        "For a listed key, policies can evaluate what its row shows; the rest is unknown.",
        "What is only inferred is in brackets: it counts if a policy accepts it.",
        "",
        "| exchange | lists | shows of each key | sent | permission |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([AUDITOR, *head, *rows]) + "\n"


def _listings(exchange: Exchange) -> Iterator[str]:
    for listing in exchange.listings:
        sent = ", ".join(f"`{call.http_method} {call.path}`" for call in listing.calls)
        needed = _cell(listing.permission) or "none documented"
        told = ", ".join(_told(listing.view)) or "that it exists"
        partial = f" ({_cell(listing.partial)})" if listing.partial else ""
        name = f"{exchange.title} (`{exchange.id}`)"
        yield f"| {name} | {listing.title}{partial} | {told} | {sent} | {needed} |"


def _told(view: Exchange) -> Iterator[str]:
    """What rows tell, by the facts that policies ask for most."""
    how = disclosure(view)
    for fact, name in TOLD.items():
        worded = bool(view.permissions.words) and fact.startswith("permission.")
        if not worded and fact not in {*view.facts, *view.structural}:
            continue
        if how[fact].how in (Discloses.OBSERVED, Discloses.STRUCTURAL):
            yield name
        elif how[fact].how is Discloses.INFERRED:
            yield f"({name})"


def main() -> int:
    """0 when the documents are up to date, or were brought up to date."""
    stale = [
        (DOCS / name, text)
        for name, text in (("exchanges.md", written()), ("auditor.md", auditors()))
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path, _ in stale:
            print(f"docs/{path.name} differs from the catalog; run: python .ci/exchanges_doc.py")
        return 1 if stale else 0
    for path, text in stale:
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
