"""The answers of a scan, and which of them answers a question of another scan. Pure."""

from collections.abc import Iterable, Sequence

from gatepolicy.model.drift import Finding, question_identity
from gatepolicy.model.severity import Severity
from gatepolicy.model.verdicts import Outcome

_WORST_FIRST = (
    Outcome.FAIL,
    Outcome.UNKNOWN,
    Outcome.WAIVED,
    Outcome.NOT_APPLICABLE,
    Outcome.PASS,
)


class Questions:
    """What a scan was asked, with the worst answer to each question."""

    def __init__(self, judged: Iterable[Finding], *, one_policy: bool = False) -> None:
        """Take all verdicts of the scan.

        Args:
            judged: All of them.
            one_policy: Whether one policy takes the place of another one, whatever its name.
        """
        self.answers: dict[str, Finding] = {}
        self._one_policy = one_policy
        self._about: dict[str, list[str]] = {}
        for one in judged:
            question = self._question(one)
            other = self.answers.get(question)
            if other is None:
                self._about.setdefault(one.identity, []).append(question)
            if other is None or _badness(one) < _badness(other):
                self.answers[question] = one

    def _question(self, one: Finding) -> str:
        policy = "" if self._one_policy else one.policy
        return question_identity(one.identity, policy, one.expected)

    def knows(self, one: Finding) -> bool:
        """Whether any policy asked about the same thing."""
        return one.identity in self._about

    def mildest_like(self, one: Finding, others: "Questions") -> Finding | None:
        """The answer here to a question of another scan.

        The same question of the same policy comes first. Else it is what the policy asked about
        the same thing in other words, or what another policy asked in the same words: one of them
        was renamed, or both ask it.

        Args:
            one: An answer of the other scan.
            others: All answers of the other scan.
        """
        same_policy, same_words = self._like(one, others)
        # What was milder is known to have been no worse; what others asked was known at its worst.
        return max(same_policy, key=_badness, default=None) or min(
            same_words, key=_badness, default=None
        )

    def worst_like(self, one: Finding, others: "Questions") -> Finding | None:
        """Like ``mildest_like``, where several answers may be meant the worst one."""
        same_policy, same_words = self._like(one, others)
        return min(same_policy or same_words, key=_badness, default=None)

    def _like(self, one: Finding, others: "Questions") -> tuple[Sequence[Finding], list[Finding]]:
        question = self._question(one)
        if question in self.answers:
            return [self.answers[question]], []
        about = self._about.get(one.identity, ())
        found = [(question, self.answers[question]) for question in about]
        # A question that the other scan has word for word is no other question in new words.
        same_policy = [
            answer
            for question, answer in found
            if (self._one_policy or answer.policy == one.policy) and question not in others.answers
        ]
        return same_policy, [answer for _, answer in found if answer.expected == one.expected]


def _badness(one: Finding) -> tuple[int, int]:
    """Smaller is worse."""
    return _WORST_FIRST.index(one.outcome), Severity(one.severity).rank
