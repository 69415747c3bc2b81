"""``gatepolicy keygen``: a key pair to sign reports with."""

import click

from gatepolicy.cli import signing
from gatepolicy.cli.given import KeygenOptions, typed
from gatepolicy.cli.output import destination, refuse_existing
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.write import write_document, write_report


@click.command("keygen")
@click.argument("file", metavar="FILE.pem")
@typed(KeygenOptions)
def command(given: KeygenOptions) -> ExitCode:
    """Create a key pair to sign reports with.

    Writes the private key to FILE.pem, which its owner only can read, and the public key to
    FILE.pub.pem. The private key is encrypted if GATEPOLICY_KEY_PASSPHRASE is set.
    """
    if not given.file.endswith(".pem") or given.file.endswith(".pub.pem"):
        raise UsageError(f"{given.file} does not end with .pem", hint="such as signing.pem")
    public = f"{given.file.removesuffix('.pem')}.pub.pem"
    # A key that is gone cannot be had again: nothing overwrites one.
    refuse_existing([given.file, public], force=False)
    for path in (given.file, public):
        destination(path, "", path)
    from gatepolicy.signing.keys import new_key_pair

    pair = new_key_pair(signing.passphrase())
    write_report([pair.private.reveal()], given.file)
    write_document([pair.public], public)
    click.echo(f"wrote {given.file} (keep it secret) and {public}")
    return ExitCode.OK
