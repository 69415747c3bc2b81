"""Which waivers name which accounts, without comparing each with each. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import takewhile

from gatepolicy.accounts.selector import Selector
from gatepolicy.model.evidence import Subject
from gatepolicy.waivers.waiver import Waiver

_MAGIC = "*?["


def naming_waivers(
    subjects: Sequence[Subject], waivers: Sequence[Waiver]
) -> Sequence[Sequence[Waiver]]:
    """For each account, the waivers that name it: those whose ``names`` says so.

    Args:
        subjects: Accounts, and keys that a scan found beside them.
        waivers: All of them.
    """
    naming: list[list[Waiver]] = [[] for _ in subjects]
    index = _Index(subjects)
    for waiver in waivers:
        for place in index.named_by(waiver.selector):
            naming[place].append(waiver)
    return naming


class _Index:
    """Accounts by id."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self._subjects = subjects
        self._declared: dict[str, list[int]] = {}
        self._found: dict[str, list[int]] = {}
        for place, subject in enumerate(subjects):
            ids = self._found if subject.found_by else self._declared
            ids.setdefault(subject.id, []).append(place)
        self._sorted = sorted(self._declared)

    def named_by(self, selector: Selector) -> Iterator[int]:
        """Places of the accounts that a selector names, each once."""
        # Exchanges and labels decide about the accounts that are named by their ids.
        rest = replace(selector, accounts=())
        ids = dict.fromkeys(self._by_id(selector.accounts) if selector.accounts else self._all())
        for place in ids:
            # A found key is named by its own id only; what it shares with its account decides then.
            if rest.names(self._subjects[place]):
                yield place

    def _all(self) -> Iterator[int]:
        for places in self._declared.values():
            yield from places

    def _by_id(self, names: Sequence[str]) -> Iterator[int]:
        for name in names:
            yield from self._found.get(name, ())
            if any(char in name for char in _MAGIC):
                for id_ in self._matching(name):
                    yield from self._declared[id_]
            else:
                yield from self._declared.get(name, ())

    def _matching(self, glob: str) -> Iterator[str]:
        start = "".join(takewhile(lambda char: char not in _MAGIC, glob))
        for position in range(bisect_left(self._sorted, start), len(self._sorted)):
            id_ = self._sorted[position]
            if not id_.startswith(start):
                return
            if fnmatchcase(id_, glob):
                yield id_
