"""``gatepolicy check``: look at every file, ask nobody."""

from collections.abc import Iterator, Sequence

import click

from gatepolicy.accounts.account import Inventory, Selector, misfits, shown
from gatepolicy.accounts.answerable import by_hand
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.attestations.attestation import load_attestations
from gatepolicy.cli import inputs, options, settings
from gatepolicy.cli.given import CheckOptions, typed
from gatepolicy.documents.load import Read
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import HINT
from gatepolicy.model.scan import ExitCode
from gatepolicy.policies.custom import with_custom
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy
from gatepolicy.policies.remarks import softened_guards
from gatepolicy.reports.clean import clean
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.workspace import custom_rules, load_exchanges, plan_of, refuse_same_rules
from gatepolicy.waivers.refused import refused_waivers, repeated_waivers
from gatepolicy.waivers.waiver import Waiver, load_waivers


@click.command("check")
@options.policies
@options.optional_inventory
@options.waiver_files
@options.attestations
@click.option(
    "--catalog",
    is_flag=True,
    help="Also check the exchange catalog, and that ccxt can sign its calls.",
)
@click.option(
    "--secrets",
    is_flag=True,
    help="Also read every credential reference, and report those that lead to no credential. No"
    " exchange is asked, and no value is shown.",
)
@options.show_references
@options.trust
@options.quiet("Print nothing if there are no problems.")
@typed(CheckOptions)
def command(given: CheckOptions) -> ExitCode:
    """Validate policies, the inventory and the catalog; sends nothing.

    Reports every problem of every file with its line. With --secrets, stores of secrets are asked.
    """
    problems: list[Problem] = []
    checked: list[str] = []
    for look in (_policies_and_waivers, _inventory, _secrets, _attestations):
        try:
            checked += look(given)
        except DocumentError as error:
            problems += error.problems
    unsigned: Sequence[str] = ()
    if given.catalog:
        try:
            line, unsigned = _check_catalog()
            checked.append(line)
        except DocumentError as error:
            problems += error.problems
    if problems:
        raise DocumentError(problems)
    if not given.quiet:
        for line in checked:
            click.echo(line)
    for line in unsigned:
        click.echo(line, err=True)
    return ExitCode.USAGE if unsigned else ExitCode.OK


def _policies_and_waivers(given: CheckOptions) -> Sequence[str]:
    files = list(inputs.policy_files(given))
    problems: list[Problem] = []
    read = settings.reader(given)
    policies = _policies(files, read, problems)
    waivers = _waivers(given.waiver_files, policies, read, problems)
    inventory = _accounts(given)
    if inventory is not None:
        subjects = [account.subject for account in inventory.accounts]
        problems += _policies_for_nobody(policies, subjects)
        problems += _entries_for_nobody([(w.terms.location, w.selector) for w in waivers], subjects)
    problems += repeated_waivers(waivers)
    if waivers and not problems:
        plan = plan_of(policies, inventory)
        problems += refused_waivers(waivers, policies, plan, inputs.now().date())
    if problems:
        raise DocumentError(problems)
    remarks = softened_guards(policies, load_rules())
    return [
        *(f"ok  {file}" for file in (*files, *given.waiver_files)),
        *(f"note  {remark.location}: {remark.text}" for remark in remarks),
    ]


def _policies(files: Sequence[str], read: Read, problems: list[Problem]) -> Sequence[Policy]:
    try:
        policies = load_policies(files, names=settings.names(), read=read)
        refuse_same_rules(policies)
    except DocumentError as error:
        problems += error.problems
        return ()
    return policies


def _waivers(
    files: Sequence[str], policies: Sequence[Policy], read: Read, problems: list[Problem]
) -> Sequence[Waiver]:
    try:
        rules = with_custom(load_rules(), custom_rules(policies))
        return load_waivers(files, rules, read=read)
    except DocumentError as error:
        problems += error.problems
        return ()


def _policies_for_nobody(
    policies: Sequence[Policy], subjects: Sequence[Subject]
) -> Iterator[Problem]:
    for policy in policies:
        chosen = policy.applies_to
        for misfit in misfits(chosen, subjects):
            place = chosen.places.get(misfit.key, policy.location)
            path = f"applies_to.{misfit.key}".rstrip(".")
            yield Problem(place, path, misfit.what, misfit.fix)


def _entries_for_nobody(
    entries: Sequence[tuple[Location, Selector]], subjects: Sequence[Subject]
) -> Iterator[Problem]:
    for place, selector in entries:
        for misfit in misfits(selector, subjects):
            yield Problem(place, misfit.key, misfit.what, misfit.fix)


def _accounts(given: CheckOptions) -> Inventory | None:
    """The inventory as far as it is known; what is wrong with it is reported by itself."""
    file = inputs.inventory_file(given)
    try:
        return _load(file, given, answerable=False) if file is not None else None
    except DocumentError:
        return None


def _load(file: str, given: CheckOptions, *, answerable: bool) -> Inventory:
    read, egresses = settings.reader(given), settings.egresses()
    return load_inventory(file, answerable=answerable, read=read, egresses=egresses)


def _inventory(given: CheckOptions) -> Sequence[str]:
    file = inputs.inventory_file(given)
    if file is None:
        return []
    inventory = _load(file, given, answerable=True)
    accounts = inventory.accounts
    refused = list(_refused(inventory, given))
    if refused and given.untrusted:
        raise DocumentError(refused)
    count = len(accounts)
    return [
        f"ok  {file} ({count:,} account{'s' * (count != 1)})",
        *map(_note, by_hand(accounts)),
        *(f"note  {problem}" for problem in refused),
    ]


def _secrets(given: CheckOptions) -> Sequence[str]:
    """Whether every reference leads to a credential; those that a scan refuses are not read."""
    inventory = _accounts(given) if given.secrets else None
    if inventory is None:
        return []
    # The edge: a check without it starts without.
    from gatepolicy.cli.edge import secret_sources
    from gatepolicy.collect.run import try_all

    refused = {problem.path for problem in _refused(inventory, given)}
    accounts = [one for one in inventory.accounts if one.subject.id not in refused]
    tried = try_all(accounts, secret_sources(inventory.file, tells=given.show_references))
    problems = [
        Problem(
            one.account.credential_locations[name],
            f"{one.account.subject.id}: {name}: {shown(one.account.credentials[name])}",
            str(error),
            "",
        )
        for one in tried
        for name, error in one.errors.items()
    ]
    if problems:
        raise DocumentError(problems)
    count = sum(len(account.credentials) for account in accounts)
    return [
        f"ok  {count:,} credential reference{'s' * (count != 1)}; no exchange was asked",
        *(f"note  {clean(warning)}" for one in tried for warning in one.warnings),
    ]


def _refused(inventory: Inventory, given: CheckOptions) -> Iterator[Problem]:
    """Accounts that a scan with these options would not ask."""
    trust = settings.trust(given)
    exchanges = load_exchanges(account.subject.exchange for account in inventory.accounts)
    for account in inventory.accounts:
        exchange = exchanges.get(account.subject.exchange)
        why = trust.refusal(account, exchange, inventory.file)
        if why is not None:
            subject = account.subject
            yield Problem(subject.location, subject.id, why.detail, HINT[why.reason])


def _note(subject: Subject) -> str:
    place = f"{subject.location}: {subject.id}"
    return f"note  {place}: {subject.exchange} can only be checked by attestations"


def _attestations(given: CheckOptions) -> Sequence[str]:
    files, read = given.attestation_files, settings.reader(given)
    said = load_attestations(files, today=inputs.now().date(), read=read)
    inventory = _accounts(given)
    if inventory is not None:
        subjects = [account.subject for account in inventory.accounts]
        problems = list(_entries_for_nobody([(a.location, a.selector) for a in said], subjects))
        if problems:
            raise DocumentError(problems)
    return [f"ok  {file}" for file in given.attestation_files]


def _check_catalog() -> tuple[str, Sequence[str]]:
    """That it is well, and the exchanges that the installed ccxt does not sign for."""
    from importlib.metadata import version

    from gatepolicy.collect.signable import unsigned_calls
    from gatepolicy.exchanges.catalog import load_catalog
    from gatepolicy.exchanges.consistency import catalog_problems

    problems = catalog_problems({rule.info.name for rule in load_rules().values()})
    if problems:
        raise DocumentError(problems)
    catalog = load_catalog()
    ccxt = f"ccxt {version('ccxt')}"
    by_exchange: dict[str, list[str]] = {}
    for one in unsigned_calls(catalog.values()):
        by_exchange.setdefault(one.exchange, []).append(one.why)
    unsignable = [_cannot_sign(exchange, ccxt, whys) for exchange, whys in by_exchange.items()]
    return f"ok  exchange catalog ({len(catalog)} exchanges); nothing was sent", unsignable


def _cannot_sign(exchange: str, ccxt: str, whys: Sequence[str]) -> str:
    more = f" (and {len(whys) - 1} more of its calls)" if len(whys) > 1 else ""
    return f"error: {ccxt} cannot sign for {exchange}: {whys[0]}{more}"
