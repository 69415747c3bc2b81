"""``gatepolicy verify``: whether a signed report, and its sign-offs, hold."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from gatepolicy.cli import inputs, signing
from gatepolicy.cli.given import VerifyOptions, typed
from gatepolicy.cli.options import Duration
from gatepolicy.errors import RefusedError
from gatepolicy.model.encoding import encode_time
from gatepolicy.model.scan import ExitCode
from gatepolicy.reports.clean import clean

if TYPE_CHECKING:
    from gatepolicy.signing.check import Checked
    from gatepolicy.signing.statement import SignOff


@click.command("verify")
@click.argument("envelope", metavar="ENVELOPE")
@click.option(
    "--key",
    "keys",
    required=True,
    multiple=True,
    metavar="PUB.pem",
    help="Public key of whoever may have signed the report; repeatable.",
)
@click.option(
    "--reviewer-key",
    "reviewer_keys",
    multiple=True,
    metavar="PUB.pem",
    help="Public key of a reviewer; repeatable. Without one, sign-offs are not verified.",
)
@click.option(
    "--max-age", type=Duration(), metavar="DURATION", help="Refuse what was collected earlier."
)
@click.option("--accepted", is_flag=True, help="Refuse unless the last sign-off accepts it.")
@click.option("--unchanged", is_flag=True, help="Refuse if a policy or the catalog has changed.")
@click.option(
    "--report", metavar="FILE", help="The report.  [default: beside the envelope, by its name]"
)
@click.option(
    "--evidence",
    multiple=True,
    metavar="FILE",
    help="The evidence; repeatable.  [default: beside the envelope, by its name]",
)
@typed(VerifyOptions)
def command(given: VerifyOptions) -> ExitCode:
    """Verify a signed report, its files, age and sign-offs, offline.

    Exits with 1 if anything does not hold, whatever the verdict of the report is.
    """
    signing.require_library()
    from gatepolicy.signing.check import Files, check, refuse_old, sign_offs

    now = inputs.now()
    files = Files(given.envelope, given.report, given.evidence)
    checked = check(files, signing.public_keys(given.keys), now)
    if given.max_age is not None:
        refuse_old(checked.verdict, given.max_age, now)
    reviewers = signing.public_keys(given.reviewer_keys)
    decided = sign_offs(checked, reviewers, given.envelope) if reviewers else []
    lines = [*_verdict(checked), *_states(checked, must_be_same=given.unchanged)]
    lines += _sign_offs(checked, decided, is_verified=bool(reviewers))
    if given.accepted:
        _refuse_unaccepted(decided, given.envelope)
    for line in lines:
        click.echo(clean(line))
    return ExitCode.OK


def _verdict(checked: "Checked") -> Iterator[str]:
    said = checked.verdict.predicate
    coverage = said["coverage"]
    violations = {level: n for level, n in said["violations"].items() if n}
    counts = ", ".join(f"{n} {level}" for level, n in violations.items())
    for subject in checked.verdict.subjects:
        if "/" in subject.name and not subject.name.startswith("policy/"):
            yield _line("verified", f"{subject.name}  sha256 {subject.digest}")
    yield _line("signed", f"{encode_time(checked.verdict.signed_at)}")
    yield _line("collected", f"{encode_time(checked.verdict.collected_at)}")
    yield _line("exit code", f"{said['exitCode']}: {said['meaning']}")
    for option in said["softenedBy"]:
        yield _line("softened", option)
    if said["narrowed"]:
        yield _line("narrowed", "options left something out: see the report")
    yield _line("accounts", f"{coverage['total']}, {coverage['unread']} of them unread")
    total = sum(violations.values())
    yield _line("violations", f"{total} ({counts})" if counts else "0")
    yield _line("unknown", str(said["counts"]["unknown"]))


def _states(checked: "Checked", *, must_be_same: bool) -> Iterator[str]:
    from gatepolicy.signing.check import State, states

    for name, state in states(checked):
        if must_be_same and state is not State.SAME:
            raise RefusedError(f"{name}: {state}", hint="scan again, and sign the new report")
        kind, _, rest = name.partition("/")
        yield _line(kind, f"{rest}  {state}".strip())


def _sign_offs(
    checked: "Checked", decided: "Sequence[SignOff]", *, is_verified: bool
) -> Iterator[str]:
    there = len(checked.bundle) - 1
    if there and not is_verified:
        yield _line("sign-off", f"{there} not verified: name --reviewer-key PUB.pem")
    if not there:
        yield _line("sign-off", "none")
    for one, signed in zip(decided, checked.bundle[1:], strict=False):
        comment = f": {one.comment}" if one.comment else ""
        when = encode_time(one.signed_at)
        yield _line("sign-off", f"{one.decision} by {one.reviewer}, {when}{comment}")
        if signed.key_id == checked.bundle[0].key_id:
            yield _line("", "by the key that signed the report: no second person")


def _refuse_unaccepted(decided: "Sequence[SignOff]", envelope: str) -> None:
    from gatepolicy.signing.statement import Decision

    if not decided:
        hint = "name the reviewer's key: --reviewer-key PUB.pem"
        raise RefusedError(f"{envelope}: no sign-off was verified", hint=hint)
    last = decided[-1]
    if last.decision is Decision.REJECTED:
        raise RefusedError(f"{envelope}: rejected by {last.reviewer}: {last.comment}")


def _line(name: str, text: str) -> str:
    return f"{name:<12}{text}"
