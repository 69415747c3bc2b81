"""``docs/exchanges.md``, made from the catalog.

python .ci/exchanges_doc.py           writes it
python .ci/exchanges_doc.py --check   fails when it differs
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from gatepolicy.exchanges.catalog import load_catalog
from gatepolicy.exchanges.disclosure import Discloses, disclosure
from gatepolicy.exchanges.exchange import Exchange, Word
from gatepolicy.exchanges.others import MEANING, State, load_others
from gatepolicy.model.facts import FACTS, OF_THE_SCAN

FILE = Path(__file__).resolve().parent.parent / "docs" / "exchanges.md"
HEAD = """\
# Exchanges

What each exchange tells about an API key, made from the catalog by `python .ci/exchanges_doc.py`.
*Observed*: an answer tells. *Inferred*: an answer tells, but the documents do not promise that it
would. *By rule*: the exchange's own rules make it so. *Not disclosed*: nothing tells; a policy that
asks for it gets `unknown`, never a pass.

The key that the scanner uses should be able to do nothing but what its calls need, and be bound to
the scanner's address.
"""
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
    limit = exchange.rate_limit
    yield (
        f"Asked with {', '.join(f'`{name}`' for name in exchange.credentials)}; at most"
        f" {limit.calls} calls in {limit.seconds:g} s from one address.\n"
    )
    yield "| call | sent | permission that it needs |"
    yield "|---|---|---|"
    for call in exchange.calls:
        needed = _cell(call.permission) or "none that is documented"
        yield f"| `{call.id}` | `{call.http_method} {call.path}` | {needed} |"
    yield "\n| fact | | where, or what to do instead |"
    yield "|---|---|---|"
    told = disclosure(exchange)
    for fact in FACTS:
        if fact not in OF_THE_SCAN:
            yield f"| `{fact}` | {HOW[told[fact].how]} | {_cell(told[fact].where)} |"
    if exchange.permissions.words:
        yield "\n| permission word | on the web page | allows | perhaps |"
        yield "|---|---|---|---|"
        for word in exchange.permissions.words.values():
            yield _word(word)


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
            yield f"| {name} | {_cell(other.told)} |"
    rest = [name for name, other in load_others().items() if other.state is State.NOT_RESEARCHED]
    if rest:
        meaning = MEANING[State.NOT_RESEARCHED]
        yield f"\n{meaning[0].upper()}{meaning[1:]}: {', '.join(rest)}."


def written() -> str:
    """The whole document."""
    parts = [line for exchange in load_catalog().values() for line in _exchange(exchange)]
    return "\n".join([HEAD.rstrip(), *parts, *_others()]) + "\n"


def main() -> int:
    """0 when the document is up to date, or was brought up to date."""
    new = written()
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == new:
        return 0
    if "--check" in sys.argv[1:]:
        print("docs/exchanges.md differs from the catalog; run: python .ci/exchanges_doc.py")
        return 1
    FILE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
