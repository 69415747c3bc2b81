"""``gatepolicy attest``: confirm what no API can prove."""

import re

import click

from gatepolicy.attestations.attestation import PREFIX, load_attestations, with_attestation
from gatepolicy.cli import inputs, options
from gatepolicy.cli.given import AttestOptions, typed
from gatepolicy.cli.prompts import prompt_for_missing
from gatepolicy.documents.load import is_there, read_text
from gatepolicy.errors import UsageError
from gatepolicy.model.facts import ATTESTED_FACTS
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.write import write_document

_CONTROLS = [name.removeprefix(PREFIX) for name in ATTESTED_FACTS]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_QUESTIONS = {
    "control": f"What was checked ({', '.join(_CONTROLS)})",
    "account": "Account",
    "by": "Who confirms it",
}


@click.command("attest")
@options.attestations
@options.optional_inventory
@click.option("--control", type=click.Choice(_CONTROLS), help="What was checked.")
@click.option("--account", multiple=True, metavar="GLOB", help="Account; repeatable.")
@click.option("--by", default="", metavar="PERSON", help="Who confirms it.")
@click.option("--date", "day", metavar="DAY", help="When (UTC).  [default: today]")
@click.option("--evidence", default="", metavar="LINK", help="Reference to the proof.")
@typed(AttestOptions)
def command(given: AttestOptions) -> ExitCode:
    """Confirm what no API discloses: add an attestation to a file.

    Writes to attestations.yaml by default. Prompts for whatever is missing. Keeps the comments and
    the order of the file, and validates what it writes.
    """
    files = given.attestation_files or ["attestations.yaml"]
    if len(files) > 1:
        hint = "choose one with --attestations FILE"
        raise UsageError("there is more than one attestations file", hint=hint)
    file = files[0]
    text = read_text(file) if is_there(file) else ""
    filled = prompt_for_missing(given, _QUESTIONS)
    today = inputs.now().date().isoformat()
    day = given.day or today
    # Both are written like 2026-11-01: what is not is reported when the entry is checked.
    if _DAY.fullmatch(day) and day > today:
        hint = "give the date (UTC) of the check"
        raise UsageError(f"--date {day}: this date is in the future", hint=hint)
    entry = {
        "control": filled.control or "",
        "accounts": list(filled.account),
        "by": filled.by,
        "date": day,
        "evidence": given.evidence,
    }
    text = with_attestation(text, file, entry)
    said = load_attestations([file], read=lambda _: text.encode())[-1]
    inputs.refuse_entry_for_nobody(file, said.selector, inputs.inventory(given))
    write_document([text], file)
    click.echo(f"{file}: {filled.by} attests {filled.control} on {day}", err=True)
    return ExitCode.OK
