"""``gatepolicy sign``: a signed statement about a report."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from gatepolicy.cli import inputs, signing
from gatepolicy.cli.given import SignOptions, typed
from gatepolicy.cli.output import destination, refuse_existing, refuse_overwriting
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.write import write_document


@click.command("sign")
@click.argument("report", metavar="REPORT")
@click.option("--key", required=True, metavar="KEY.pem", help="Private key (Ed25519).")
@click.option(
    "--evidence",
    multiple=True,
    metavar="FILE",
    help="Evidence that the report is about; repeatable.",
)
@click.option(
    "-o",
    "--output",
    "path",
    metavar="FILE",
    help="Envelope to write.  [default: beside the report, with the suffix .intoto.jsonl]",
)
@click.option("--force", is_flag=True, help="Overwrite an envelope, with its sign-offs.")
@typed(SignOptions)
def command(given: SignOptions) -> ExitCode:
    """Sign a JSON report, so that nobody can change it unnoticed.

    The envelope (DSSE, in-toto Statement v1) holds the digests of the report, of the evidence, of
    every policy and of the catalog, and the verdict in numbers.
    """
    signing.require_library()
    from gatepolicy.signing.check import read_file, subjects_of
    from gatepolicy.signing.envelope import sign
    from gatepolicy.signing.keys import load_private_key
    from gatepolicy.signing.statement import predicate_of, verdict_statement

    path = given.path or f"{given.report.removesuffix('.json')}{signing.SUFFIX}"
    refuse_existing([path], force=given.force)
    destination(path, "", f"-o {path}")
    sources = [given.report, given.key, *given.evidence]
    refuse_overwriting(path, f"-o {path}", sources, force=given.force)
    _refuse_one_name(given.evidence)
    evidence = {file: read_file(file) for file in given.evidence}
    report, subjects = subjects_of((given.report, read_file(given.report)), evidence)
    key = load_private_key(given.key, signing.passphrase())
    statement = verdict_statement(subjects, predicate_of(report), inputs.now())
    write_document([sign(statement, key).line], path)
    click.echo(f"wrote {path}", err=True)
    return ExitCode.OK


def _refuse_one_name(files: Sequence[str]) -> None:
    """Refuse two files of evidence with one name: a statement names them without their folders."""
    counts = Counter(Path(file).name for file in files)
    for name in (name for name, count in counts.items() if count > 1):
        what = f"--evidence: two files are named {name}"
        raise UsageError(what, hint="rename one of them, or merge them: gatepolicy merge")
