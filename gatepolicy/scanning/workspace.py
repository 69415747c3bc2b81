"""Everything that a scan reads from files before it asks anybody."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatepolicy.accounts.account import AgeReference, ExecReference, FileReference, Inventory
from gatepolicy.accounts.egress import NO_EGRESSES, Egresses
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.documents.load import Read
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange, load_others
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.interpret import Remedies
from gatepolicy.policies.custom import CustomRule, redefined_rules, with_custom
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.parents import NO_NAMES, Names, read_file
from gatepolicy.policies.policy import Policy
from gatepolicy.rules.catalog import load_rules
from gatepolicy.rules.rule import Rule
from gatepolicy.scanning.plan import Plan, Selection, make_plan


@dataclass(frozen=True, slots=True)
class Workspace:
    """Policies and accounts, with what the catalog knows about their exchanges."""

    policies: Sequence[Policy]
    """In the order in which they were named."""
    inventory: Inventory
    """The accounts."""
    exchanges: Mapping[str, Exchange]
    """The exchanges of the inventory that the catalog knows."""
    rules: Mapping[str, Rule]
    """By id."""


def load_workspace(
    policy_files: Sequence[str],
    inventory_file: str,
    *,
    names: Names = NO_NAMES,
    read: Read = Path.read_bytes,
    egresses: Egresses = NO_EGRESSES,
) -> Workspace:
    """Read and check all files.

    Args:
        policy_files: The policies.
        inventory_file: The accounts.
        names: Networks and variables of the project.
        read: Reads the bytes of a file.
        egresses: Those of the project.

    Raises:
        DocumentError: With the problems of all files together.
    """
    problems: list[Problem] = []
    policies: Sequence[Policy] = ()
    inventory: Inventory | None = None
    try:
        policies = load_policies(policy_files, names=names, read=read)
    except DocumentError as error:
        problems.extend(error.problems)
    try:
        inventory = load_inventory(inventory_file, read=read, egresses=egresses)
    except DocumentError as error:
        problems.extend(error.problems)
    if problems or inventory is None:
        raise DocumentError(problems)
    named = [account.subject.exchange for account in inventory.accounts]
    exchanges = load_exchanges(named)
    return Workspace(policies, inventory, exchanges, rules_of(policies, exchanges, named))


def input_files(
    policies: Iterable[Policy] = (), inventory: Inventory | None = None
) -> Iterator[str]:
    """Every file that a scan reads by what other files say: nothing may be written over it.

    Args:
        policies: Each with all that it is built upon.
        inventory: With the files, and the commands, that its references name.
    """
    for policy in policies:
        yield read_file(policy.location.file)
        yield from (read_file(source.file) for source in policy.extends)
    if inventory is None:
        return
    yield inventory.file
    folder = Path(inventory.file).parent
    for account in inventory.accounts:
        for reference in account.credentials.values():
            if isinstance(reference, FileReference | AgeReference):
                yield str(folder / reference.path)
            elif isinstance(reference, ExecReference):
                yield from reference.argv


def plan_of(policies: Sequence[Policy], inventory: Inventory | None) -> Plan:
    """What policies ask about every account of an inventory; about none without one.

    Raises:
        DocumentError: Two policies mean different rules by one id or name.
    """
    subjects = [account.subject for account in inventory.accounts] if inventory else []
    exchanges = load_exchanges(subject.exchange for subject in subjects)
    return make_plan(subjects, policies, exchanges, rules_of(policies, exchanges), Selection())


def rules_of(
    policies: Iterable[Policy], exchanges: Mapping[str, Exchange], named: Iterable[str] = ()
) -> Mapping[str, Rule]:
    """The rules of the catalog, and behind them those of policies.

    Args:
        policies: Whose rules are taken, too.
        exchanges: Catalog entries, whose fixes reports are to tell.
        named: Exchanges of the accounts; of those without an entry, fixes are reported as well.

    Raises:
        DocumentError: Two policies mean different rules by one id or name.
    """
    refuse_same_rules(policies)
    return with_custom(load_rules(_remedies(exchanges, named)), custom_rules(policies))


def _remedies(exchanges: Mapping[str, Exchange], named: Iterable[str]) -> Sequence[Remedies]:
    without = sorted(set(named) - exchanges.keys())
    others = load_others() if without else {}
    return [*exchanges.values(), *(others[name] for name in without if name in others)]


def custom_rules(policies: Iterable[Policy]) -> Sequence[CustomRule]:
    """Every rule that policies bring; one that several inherit stands there several times."""
    return [one for policy in policies for one in policy.custom]


def refuse_same_rules(policies: Iterable[Policy]) -> None:
    """Refuse that one id or name means two rules.

    Raises:
        DocumentError: Two policies mean different rules by it.
    """
    custom = custom_rules(policies)
    different = list({(one.rule.info.id, one.location): one for one in custom}.values())
    problems = list(redefined_rules(different, (), {}))
    if problems:
        raise DocumentError(problems)


def load_exchanges(named: Iterable[str]) -> dict[str, Exchange]:
    """The named exchanges that the catalog knows; others are left out."""
    known = known_exchanges()
    return {name: load_exchange(name) for name in sorted(set(named)) if name in known}
