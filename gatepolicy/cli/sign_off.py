"""``gatepolicy sign-off``: a reviewer's decision about a signed report."""

import click

from gatepolicy.cli import inputs, signing
from gatepolicy.cli.given import SignOffOptions, typed
from gatepolicy.documents.load import decode
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.write import write_document

DECISIONS = ("accepted", "rejected", "accepted with conditions")


@click.command("sign-off")
@click.argument("envelope", metavar="ENVELOPE")
@click.option("--key", required=True, metavar="KEY.pem", help="The reviewer's private key.")
@click.option(
    "--signed-by",
    "signers",
    required=True,
    multiple=True,
    metavar="PUB.pem",
    help="Public key of whoever signed the report; repeatable.",
)
@click.option(
    "--decision", required=True, type=click.Choice(DECISIONS), help="What the reviewer decides."
)
@click.option("--reviewer", required=True, metavar="NAME", help="Who decides.")
@click.option("--comment", default="", metavar="TEXT", help="Why, or under which conditions.")
@click.option(
    "--report", metavar="FILE", help="The report.  [default: beside the envelope, by its name]"
)
@click.option(
    "--evidence",
    multiple=True,
    metavar="FILE",
    help="The evidence; repeatable.  [default: beside the envelope, by its name]",
)
@typed(SignOffOptions)
def command(given: SignOffOptions) -> ExitCode:
    """Add a reviewer's decision to a signed report.

    Verifies the report first, and signs the decision together with what was verified.
    """
    signing.require_library()
    from gatepolicy.signing.check import Files, check, read_file
    from gatepolicy.signing.envelope import sign
    from gatepolicy.signing.keys import load_private_key
    from gatepolicy.signing.statement import Decision, SignOff, sign_off_statement

    reviewer, comment = given.reviewer.strip(), given.comment.strip()
    decision = Decision(given.decision)
    if not reviewer:
        raise UsageError("--reviewer is empty", hint="name the person who decides")
    if decision is not Decision.ACCEPTED and not comment:
        hint = "say why, or under which conditions: --comment TEXT"
        raise UsageError(f"--decision {decision}: a comment is missing", hint=hint)
    now = inputs.now()
    files = Files(given.envelope, given.report, given.evidence)
    checked = check(files, signing.public_keys(given.signers), now)
    key = load_private_key(given.key, signing.passphrase())
    sign_off = SignOff(decision, reviewer, comment, now)
    statement = sign_off_statement(checked.bundle[0].payload, checked.verdict, sign_off)
    before = decode(read_file(given.envelope), given.envelope).rstrip("\n")
    write_document([f"{before}\n", sign(statement, key).line], given.envelope)
    click.echo(f"added to {given.envelope}: {decision} by {reviewer}", err=True)
    return ExitCode.OK
