"""``gatepolicy diff``: what differs between two scans, or under two policies."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from gatepolicy.cli import inputs, settings
from gatepolicy.cli.given import DiffOptions, PolicyOptions, typed
from gatepolicy.cli.output import style
from gatepolicy.drift.changes import Snapshot, snapshot_of
from gatepolicy.drift.compare import compare
from gatepolicy.drift.load import load_snapshot
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import BaselineState, Drift, ExitCode, Finding, Gone, ScanSettings
from gatepolicy.policies.load import load_policies
from gatepolicy.reports.json_report import encode_comparison, encode_drift, encode_finding
from gatepolicy.reports.text_drift import drift_lines
from gatepolicy.reports.text_layout import paint
from gatepolicy.scanning.compared import EvidenceFile
from gatepolicy.scanning.plan import Selection, make_plan
from gatepolicy.scanning.scan import evaluate_evidence, finish
from gatepolicy.scanning.workspace import load_exchanges, rules_of


@click.command("diff")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--policy", "policies", is_flag=True, help="OLD and NEW are policies.")
@click.option(
    "--evidence", "evidence_file", metavar="FILE", help="Evidence to evaluate under both policies."
)
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if anything is new, worse or no longer checked."
)
@click.option("--no-color", is_flag=True, help="Disable colour.")
@typed(DiffOptions)
def command(given: DiffOptions) -> ExitCode:
    """Compare two scans, or the same evidence under two policies.

    OLD and NEW are JSON reports or evidence. With --policy they are policies, which are compared
    on the same --evidence.
    """
    before, after = _snapshots(given.old, given.new, given.evidence_file, policies=given.policies)
    drift = compare(before, after, same_evidence=given.policies)
    findings = [one for one in after.judged or () if one.is_found]
    if given.form == "json":
        click.echo(json.dumps(_as_json(drift, findings), indent=2, ensure_ascii=False))
    else:
        look = style(no_color=given.no_color, verbose=0)
        lines = list(drift_lines(drift, findings, look.width))[1:]
        click.echo("".join(paint(lines, colour=look.colour)), nl=False)
    return ExitCode.VIOLATION if given.exit_code and _is_worse(drift, findings) else ExitCode.OK


def _snapshots(
    old: str, new: str, evidence_file: str | None, *, policies: bool
) -> tuple[Snapshot, Snapshot]:
    if policies != (evidence_file is not None):
        raise UsageError(
            "--policy and --evidence must be used together",
            hint="gatepolicy diff --policy OLD NEW --evidence evidence.json",
        )
    if evidence_file is None:
        return load_snapshot(old), load_snapshot(new)
    evidence = inputs.evidence(evidence_file)
    return _judged_by(old, evidence), _judged_by(new, evidence)


def _judged_by(policy: str, evidence: EvidenceFile) -> Snapshot:
    """The evidence under one policy."""
    names = settings.names()
    policies = load_policies(
        inputs.policy_files(PolicyOptions(policy_files=(policy,))), names=names
    )
    subjects = [account.subject for account in evidence.accounts]
    exchanges = load_exchanges(subject.exchange for subject in subjects)
    plan = make_plan(subjects, policies, exchanges, rules_of(policies, exchanges), Selection())
    by_id = {account.subject.id: account for account in evidence.accounts}
    scan = finish(
        plan,
        evaluate_evidence(plan, by_id),
        started_at=evidence.collected_at,
        finished_at=evidence.collected_at,
        settings=ScanSettings(),
        warnings=(),
    )
    snapshot = snapshot_of(scan)
    return replace(snapshot, file=policy)


def _new(drift: Drift, findings: Sequence[Finding]) -> Iterator[Finding]:
    for finding in findings:
        comparison = drift.states.get(finding.question)
        if comparison is not None and comparison.state is not BaselineState.UNCHANGED:
            yield finding


def _is_worse(drift: Drift, findings: Sequence[Finding]) -> bool:
    no_fix = (Gone.NOT_ASKED, Gone.ASKED_OTHERWISE)
    unasked = any(absent.gone in no_fix for absent in drift.absent)
    worse = any(change.is_worse for change in drift.changes)
    return unasked or worse or any(_new(drift, findings))


def _as_json(drift: Drift, findings: Sequence[Finding]) -> Any:
    states = drift.states
    found = [
        {**encode_finding(finding), **encode_comparison(states[finding.question])}
        for finding in _new(drift, findings)
    ]
    return {"found": found, **encode_drift(drift)}
