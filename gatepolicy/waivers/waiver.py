"""A waiver as its file says it."""

from dataclasses import dataclass

from gatepolicy.accounts.selector import Selector
from gatepolicy.model.evidence import Subject
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.model.waivers import WaiverTerms


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry of a file of waivers."""

    terms: WaiverTerms
    """Who, why, until when."""
    selector: Selector
    """The accounts."""
    subject: str
    """What within the account, such as a capability; empty means everything."""
    only_unknown: bool
    """Whether it accepts only that something is unknown, and not that it is so."""

    def names(self, subject: Subject) -> bool:
        """Whether it is about an account.

        Nobody who accepted something about an account meant the keys that a scan found beside it:
        such a key is waived by its own id alone, and by no glob.
        """
        return self.selector.names_key(subject)

    def takes(self, verdict: Verdict) -> bool:
        """Whether it is about a verdict on such an account."""
        accepted = {Outcome.UNKNOWN} if self.only_unknown else {Outcome.UNKNOWN, Outcome.FAIL}
        return (
            verdict.name == self.terms.rule
            and verdict.outcome in accepted
            and (not self.subject or self.subject == verdict.subject)
        )
