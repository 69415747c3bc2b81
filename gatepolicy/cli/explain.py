"""``gatepolicy explain``: what a rule means."""

import click

from gatepolicy.cli import options
from gatepolicy.cli.effective import explain_account
from gatepolicy.cli.given import ExplainOptions, typed
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import (
    Other,
    hint_about,
    known_exchanges,
    load_exchange,
    load_others,
)
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.clean import clean
from gatepolicy.rules.catalog import find_rule, load_rules, rule_hint
from gatepolicy.rules.explain import explain_rule, list_rules


@click.command("explain")
@click.argument("rule", required=False)
@click.option("--exchange", metavar="ID", help="Show the fix for this exchange.")
@click.option(
    "--account", metavar="ID", help="Show what is required of this account, and by which line."
)
@options.policies
@options.inventory
@typed(ExplainOptions)
def command(given: ExplainOptions) -> ExitCode:
    """Explain what a rule means, why it matters and how to fix it.

    Without RULE, list all rules. RULE is an id such as GP001 or a name such as ip-unbound.
    With --account, print the effective policies of an account instead.
    """
    if given.account is not None:
        if given.rule is not None:
            raise UsageError("RULE and --account cannot be combined", hint="use one of them")
        for line in explain_account(given.account, given):
            click.echo(clean(line))
        return ExitCode.OK
    rules = load_rules()
    if given.rule is None:
        click.echo(list_rules(rules))
        return ExitCode.OK
    found = find_rule(rules, given.rule)
    if found is None:
        raise UsageError(f"unknown rule {given.rule}", hint=rule_hint(rules, given.rule))
    click.echo(explain_rule(found, _exchange(given.exchange) if given.exchange else None))
    return ExitCode.OK


def _exchange(name: str) -> Exchange | Other:
    if name in known_exchanges():
        return load_exchange(name)
    others = load_others()
    if name not in others:
        raise UsageError(f"unknown exchange {name}", hint=hint_about(name))
    return others[name]
