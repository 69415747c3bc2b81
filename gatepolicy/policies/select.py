"""Which policies apply to which accounts. Pure."""

from fnmatch import fnmatchcase

from gatepolicy.model.evidence import Subject
from gatepolicy.policies.policy import Policy


def applies(policy: Policy, subject: Subject) -> bool:
    """Whether a policy is about an account, and asks anything on its exchange.

    A policy that asks nothing there does not cover the account: it must not look as if it did.
    """
    chosen = policy.applies_to
    return (
        (not chosen.exchanges or subject.exchange in chosen.exchanges)
        and (
            not chosen.accounts or any(fnmatchcase(subject.declared_id, g) for g in chosen.accounts)
        )
        and all(subject.labels.get(key) == value for key, value in chosen.labels.items())
        and (policy.at(subject.exchange).asks or bool(policy.custom))
    )
