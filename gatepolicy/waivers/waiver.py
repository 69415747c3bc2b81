"""A waiver as its file says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gatepolicy.model.evidence import Subject
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.model.waivers import WaiverTerms


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry of a file of waivers."""

    terms: WaiverTerms
    """Who, why, until when."""
    accounts: tuple[str, ...]
    """Globs over account ids; empty does not narrow."""
    exchanges: frozenset[str]
    """Ids of exchanges; empty does not narrow."""
    labels: Mapping[str, str]
    """Labels that an account must carry."""
    subject: str
    """What within the account, such as a capability; empty means everything."""
    only_unknown: bool
    """Whether it accepts only that something is unknown, and not that it is so."""

    def names(self, subject: Subject) -> bool:
        """Whether it is about an account."""
        return (
            (not self.accounts or any(fnmatchcase(subject.declared_id, g) for g in self.accounts))
            and (not self.exchanges or subject.exchange in self.exchanges)
            and all(subject.labels.get(key) == value for key, value in self.labels.items())
        )

    def takes(self, verdict: Verdict) -> bool:
        """Whether it is about a verdict on such an account."""
        accepted = {Outcome.UNKNOWN} if self.only_unknown else {Outcome.UNKNOWN, Outcome.FAIL}
        return (
            verdict.name == self.terms.rule
            and verdict.outcome in accepted
            and (not self.subject or self.subject == verdict.subject)
        )
