"""``gatepolicy explain``: what a rule means."""

from typing import Any

import click

from gatepolicy.cli import options
from gatepolicy.cli.effective import explain_account
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange
from gatepolicy.model.exit_codes import ExitCode
from gatepolicy.reports.clean import clean
from gatepolicy.rules.catalog import load_rules
from gatepolicy.rules.explain import explain_rule, list_rules


@click.command("explain")
@click.argument("rule", required=False)
@click.option("--exchange", metavar="ID", help="Tell the fix on this exchange.")
@click.option(
    "--account", metavar="ID", help="Tell what is asked of this account, and which line says so."
)
@options.policies
@options.inventory
def command(rule: str | None, exchange: str | None, account: str | None, **given: Any) -> ExitCode:
    """Say what a rule means, why it matters and how to fix it.

    Without RULE, list all rules. RULE is an id such as GP001 or a name such as ip-unbound.
    With --account, print the effective policies of an account instead.
    """
    if account is not None:
        if rule is not None:
            raise UsageError("a rule and --account are two questions", hint="ask one at a time")
        for line in explain_account(account, given):
            click.echo(clean(line))
        return ExitCode.OK
    rules = load_rules()
    if rule is None:
        click.echo(list_rules(rules))
        return ExitCode.OK
    found = next(
        (r for r in rules.values() if rule.lower() in (r.info.id.lower(), r.info.name)), None
    )
    if found is None:
        raise UsageError(f"there is no rule {rule}", hint="'gatepolicy explain' lists all rules")
    if exchange is not None and exchange not in known_exchanges():
        raise UsageError(
            f"the catalog has no exchange {exchange}",
            hint=f"it has {', '.join(known_exchanges())}",
        )
    click.echo(explain_rule(found, load_exchange(exchange) if exchange else None))
    return ExitCode.OK
