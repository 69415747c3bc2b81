"""What the schema cannot see: policies that contradict themselves, or ask nothing. Pure."""

from collections.abc import Callable, Iterator

from gatepolicy.errors import Problem
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.policies.policy import AllowedWords, Clause, Policy, capabilities

ALLOW, FORBID, REQUIRE = (f"permissions.{name}" for name in ("allow", "forbid", "require"))


def nonsense(policy: Policy, exchange: Callable[[str], Exchange]) -> Iterator[Problem]:
    """What makes no sense within one file, though its shape is right.

    Args:
        policy: As its file says it.
        exchange: The catalog's entry of an exchange that the policy has words of.
    """
    clauses = policy.general.clauses
    yield from _in_both(FORBID, clauses.get(FORBID), clauses.get(ALLOW), "allowed as well")
    for name, section in policy.exchanges.items():
        if section.words is not None:
            yield from _forbidden_words(policy, name, exchange(name), section.words)


def unmeetable(policy: Policy, exchange: Callable[[str], Exchange]) -> Iterator[Problem]:
    """What no key can meet.

    Args:
        policy: With all that it inherits.
        exchange: The catalog's entry of an exchange that the policy has words of.
    """
    clauses = policy.general.clauses
    allow, forbid, require = (clauses.get(place) for place in (ALLOW, FORBID, REQUIRE))
    yield from _in_both(REQUIRE, require, forbid, "forbidden as well")
    if allow is not None:
        yield from _not_in(REQUIRE, require, allow)
    for name, section in policy.exchanges.items():
        if section.words is not None:
            yield from _words_missing(policy, name, exchange(name), section.words)


def asks_nothing(policy: Policy) -> Iterator[Problem]:
    """A policy that would be asked in vain. One that others extend may well ask nothing itself."""
    asks = policy.general.asks or any(s.asks for s in policy.exchanges.values())
    if not asks and not policy.custom:
        fix = "add permissions, ip_binding or key"
        yield Problem(policy.location, "", "the policy asks nothing", fix)


def _in_both(
    place: str, clause: Clause | None, other: Clause | None, what: str
) -> Iterator[Problem]:
    others = capabilities(other)
    for index, item in enumerate(capabilities(clause)):
        if item in others:
            yield _about_item(place, clause, index, f"{item} is {what}", "remove one of the two")


def _not_in(place: str, clause: Clause | None, allow: Clause) -> Iterator[Problem]:
    allowed = capabilities(allow)
    for index, item in enumerate(capabilities(clause)):
        if item not in allowed:
            yield _about_item(
                place, clause, index, f"{item} is required, but not allowed", f"add it to {ALLOW}"
            )


def _about_item(place: str, clause: Clause | None, index: int, what: str, fix: str) -> Problem:
    assert clause is not None
    location = clause.items[capabilities(clause)[index]]
    return Problem(location, f"{place}[{index}]", what, fix)


def left_out(policy: Policy) -> Iterator[Problem]:
    """Exchanges about which a policy itself says something, but not to any account.

    Args:
        policy: As its file says it: what it inherits may well be about more exchanges.
    """
    chosen = policy.applies_to.exchanges
    for exchange, section in policy.exchanges.items():
        if chosen and exchange not in chosen:
            what = "applies_to.exchanges leaves this exchange out"
            fix = "add it there, or remove this"
            yield Problem(section.location, f"exchanges.{exchange}", what, fix)


def _forbidden_words(
    policy: Policy, name: str, exchange: Exchange, allowed: AllowedWords
) -> Iterator[Problem]:
    path = f"exchanges.{name}.{ALLOW}"
    known = exchange.words
    forbidden = set(capabilities(policy.general.clauses.get(FORBID)))
    for word, grant in allowed.words.items():
        for capability in sorted(known[word].surely_grants(grant.access) & forbidden):
            what = f"{word} means {capability} too, which {FORBID} forbids"
            yield Problem(allowed.items[word], path, what, "remove one of the two")


def _words_missing(
    policy: Policy, name: str, exchange: Exchange, allowed: AllowedWords
) -> Iterator[Problem]:
    path = f"exchanges.{name}.{ALLOW}"
    known = exchange.words
    for capability in capabilities(policy.general.clauses.get(REQUIRE)):
        granting = [word.word for word in known.values() if capability in word.may_grant()]
        grants = (known[word].may_grant(grant.access) for word, grant in allowed.words.items())
        if granting and not any(capability in granted for granted in grants):
            what = f"{REQUIRE} asks for {capability}, which no allowed word grants"
            fix = f"allow {' or '.join(granting)}"
            yield Problem(allowed.location, path, what, fix)
