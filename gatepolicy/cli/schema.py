"""``gatepolicy schema``: print a shipped JSON Schema."""

import click

from gatepolicy.model.scan import ExitCode
from gatepolicy.resources import schemas_directory

KINDS = (
    "policy",
    "inventory",
    "project",
    "waivers",
    "attestations",
    "policytest",
    "exchange",
    "report",
    "evidence",
    "log",
    "rules",
)


@click.command("schema")
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
def command(kind: str) -> ExitCode:
    """Print the JSON Schema of a file type, for editors and other tools.

    KIND is policy, inventory, project, waivers, attestations, policytest, exchange, report,
    evidence, log or rules.
    """
    text = (schemas_directory() / f"{kind}.schema.json").read_text(encoding="utf-8")
    click.echo(text, nl=False)
    return ExitCode.OK
