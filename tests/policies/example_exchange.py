"""An invented exchange, and policies from texts."""

from collections.abc import Iterable
from dataclasses import replace

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Exchange, Word
from gatepolicy.model.facts import Capability
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy

HEAD = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
"""
"""Three lines, so that the first clause of a test stands in line 4."""


def example_exchange(*, inferred: Iterable[Capability] = ()) -> Exchange:
    """Gate with three words of its own, so that its catalog file may change."""
    gate = load_exchange("gate")
    words = {
        "spot": _word("spot", "Spot Trade", {Capability.READ, Capability.TRADE_SPOT}),
        "account": _word("account", "account", {Capability.READ}),
        "wallet": _word("wallet", "Wallet", {Capability.TRANSFER}),
    }
    permissions = replace(gate.permissions, words=words, inferred_absence=frozenset(inferred))
    return replace(gate, permissions=permissions)


def policy_of(text: str, *, head: str = HEAD) -> Policy:
    """The policy of a text."""
    (policy,) = load_policies(["desk.yaml"], read=lambda _: (head + text).encode())
    return policy


def _word(word: str, title: str, grants: Iterable[Capability]) -> Word:
    return Word(word, title, grants=frozenset(grants), unclear=frozenset(), note="")
