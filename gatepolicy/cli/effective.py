"""The effective policies of one account, as text: every value with its origin."""

import textwrap
from collections.abc import Iterator, Sequence

from gatepolicy.accounts.account import some
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.cli import inputs, settings
from gatepolicy.cli.given import ExplainOptions
from gatepolicy.documents.schema import did_you_mean
from gatepolicy.errors import UsageError
from gatepolicy.model.evidence import Subject
from gatepolicy.policies.compile import applies
from gatepolicy.policies.effective import EffectiveValue, effective_values
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy
from gatepolicy.rules.catalog import load_rules

_PLACE, _VALUE = 35, 15


def explain_account(account: str, given: ExplainOptions) -> Iterator[str]:
    """What every policy that applies asks of one account, line by line.

    Raises:
        UsageError: The inventory has no such account.
    """
    policies = load_policies(inputs.policy_files(given), names=settings.names())
    inventory = load_inventory(given.inventory_file, egresses=settings.egresses())
    subjects = {entry.subject.id: entry.subject for entry in inventory.accounts}
    if account not in subjects:
        hint = did_you_mean(account, subjects, f"it has {some(list(subjects))}")
        raise UsageError(f"{inventory.file} has no account {account}", hint=hint)
    subject = subjects[account]
    yield f"{account} on {subject.exchange} ({subject.location})"
    applying = [policy for policy in policies if applies(policy, subject)]
    if not applying:
        yield "No policy applies to it, so every scan is incomplete."
    for policy in applying:
        yield ""
        yield from _policy(policy, subject)


def _policy(policy: Policy, subject: Subject) -> Iterator[str]:
    yield f"{policy.name} ({policy.location})"
    for source in policy.extends:
        yield f"  extends {source.name} ({source.file})"
    for override in policy.overrides:
        yield f"  overrides {override.clause} ({override.location})"
        yield from textwrap.wrap(
            f"because {override.because}", 76, initial_indent="    ", subsequent_indent="    "
        )
    yield from _table(list(effective_values(policy.at(subject.exchange), load_rules())))
    for custom in policy.custom:
        info = custom.rule.info
        yield f"  rules {info.id} {info.name} ({info.severity})  {custom.location}"


def _table(values: Sequence[EffectiveValue]) -> Iterator[str]:
    before = ""
    for value in values:
        place = "" if value.place == before else value.place
        before = value.place
        text = f"through {value.through}" if value.through else value.text
        origin = "the rule" if value.location is None else str(value.location)
        line = f"  {place:<{_PLACE}}{text:<{_VALUE}}"
        if len(line) <= _PLACE + _VALUE + 2:
            yield f"{line}  {origin}"
        else:
            # A long value leaves no room beside it.
            yield line.rstrip()
            yield f"  {'':<{_PLACE + _VALUE}}  {origin}"
