"""Whether what was seen of a finding names more than it did before. Pure.

Ages grow by a day every day, and sentences are reworded: neither is news. Another address, another
word or another name is.
"""

import re
from ipaddress import ip_network

from gatepolicy.evaluate.measures import lies_within
from gatepolicy.model.facts import Network

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?: \((?:[^()]* ago|in [^()]*)\))?")
_COUNT = re.compile(r"\b(\d+) (?:entry|entries|keys?)\b")
_BETWEEN = re.compile(r"[\s,;()]+")


def names_more(before: str, after: str) -> bool:
    """Whether something is told that was not told before.

    Args:
        before: What was seen by an earlier scan, in words.
        after: What is seen now.
    """
    if before == after:
        return False
    was, now = _TIME.sub("", before), _TIME.sub("", after)
    if max(_counts(now), default=0) > max(_counts(was), default=0):
        return True
    old, new = _things(was), _things(now)
    networks = tuple(network for text in old if (network := _network(text)) is not None)
    return any(not _is_known(text, old, networks) for text in new)


def _counts(text: str) -> list[int]:
    return [int(number) for number in _COUNT.findall(text)]


def _things(text: str) -> set[str]:
    parts = _BETWEEN.split(_COUNT.sub("", text))
    return {part.rstrip(":") if _network(part) is None else part for part in parts if part}


def _is_known(text: str, old: set[str], networks: tuple[Network, ...]) -> bool:
    network = _network(text)
    return text in old or (network is not None and lies_within(network, networks))


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
