"""``gatepolicy learn``: the tightest policy that an account meets."""

import click

from gatepolicy.accounts.account import some
from gatepolicy.cli import inputs
from gatepolicy.cli.output import refuse_existing, refuse_overwriting
from gatepolicy.documents.schema import did_you_mean
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.write import write_document
from gatepolicy.starting.learn import learnt_policy


@click.command("learn")
@click.argument("evidence_file", metavar="EVIDENCE")
@click.option("--account", required=True, metavar="ID", help="The account whose key to use.")
@click.option(
    "-o", "--output", "path", default="-", metavar="PATH", help="Where to write the policy."
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def command(evidence_file: str, account: str, path: str, *, force: bool) -> ExitCode:
    """Propose the strictest policy that an account meets today.

    EVIDENCE was written by 'gatepolicy collect'. Review the result: what is
    unknown is not required, and listed in comments.
    """
    refuse_overwriting(path, f"-o {path}", [evidence_file], force=True)
    refuse_existing([path], force=force)
    evidence = inputs.evidence(evidence_file)
    found = {one.subject.id: one for one in evidence.accounts}
    if account not in found:
        hint = did_you_mean(account, found, f"it has {some(list(found))}")
        raise UsageError(f"{evidence_file} has no account {account}", hint=hint)
    exchange = found[account].subject.exchange
    if exchange not in known_exchanges():
        raise UsageError(f"unknown exchange {exchange}", hint="use attestations instead")
    text = learnt_policy(found[account], load_exchange(exchange), found[account].collected_at)
    if not text:
        raise UsageError(
            f"nothing is known about the key of {account} that a policy could require",
            hint="'gatepolicy evaluate' shows why",
        )
    write_document([text], path)
    return ExitCode.OK
