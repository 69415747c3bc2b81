"""``gatepolicy evaluate``: judge evidence; needs no secret and no network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import click

from gatepolicy.attestations.attestation import load_attestations
from gatepolicy.cli import inputs, keeping, options, selecting, settings
from gatepolicy.cli.given import EvaluateOptions, typed
from gatepolicy.cli.output import Outputs
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.scan import ExitCode, Scan
from gatepolicy.model.verdicts import Verdict
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy
from gatepolicy.rules.catalog import named_rule
from gatepolicy.rules.rule import Rule
from gatepolicy.scanning.compared import EvidenceFile, stale_evidence
from gatepolicy.scanning.plan import Plan, make_plan
from gatepolicy.scanning.scan import evaluate_evidence, finish
from gatepolicy.scanning.workspace import input_files, load_exchanges, rules_of


@click.command("evaluate")
@click.argument("evidence_files", metavar="EVIDENCE...", nargs=-1, required=True)
@click.option(
    "--as-of",
    metavar="TIME",
    help="Evaluate waivers, attestations and the age of evidence as of this time: a date (UTC) such"
    " as 2026-11-01, or a timestamp such as 2026-11-01T10:00:00+02:00.  [default: now]",
)
@options.evidence_age
@options.policies
@options.account_selection
@options.rule_selection
@options.waivers
@options.baseline
@options.history
@options.gate
@options.outputs
@options.untrusted
@typed(EvaluateOptions)
def command(given: EvaluateOptions) -> ExitCode:
    """Evaluate evidence that was collected earlier; needs no secret.

    Accounts of several files are compared as in one scan. The age of a key is its age when the
    account was read, since that is what evidence proves. Evidence older than --max-evidence-age is
    incomplete. Attestations and waivers are evaluated as of --as-of.
    """
    outputs = Outputs.parse(given)
    history = keeping.History.of(given)
    read = settings.reader(given)
    policies = load_policies(inputs.policy_files(given), names=settings.names(), read=read)
    outputs.refuse_overwriting([*input_files(policies), *history.files])
    evidence = inputs.evidence(*given.evidence_files)
    scan = _evaluated(evidence, policies, given)
    series = selecting.series(given, *evidence.inventories)
    scan = selecting.since(scan, selecting.baseline(given, history, series))
    history.write(outputs, scan, series)
    return scan.exit_code


def _evaluated(evidence: EvidenceFile, policies: Sequence[Policy], given: EvaluateOptions) -> Scan:
    exchanges, named = _exchanges(evidence)
    rules = rules_of(policies, exchanges, named)
    as_of = inputs.moment(given.as_of)
    by_id = {account.subject.id: account for account in evidence.accounts}
    planned = _plan(evidence, policies, exchanges, rules, given)
    stale = _stale(
        [by_id[q.subject.id] for q in planned.accounts], evidence.files, rules, given, as_of
    )
    plan = replace(planned, general=(*planned.general, *stale))
    attestations = load_attestations(given.attestation_files, read=settings.reader(given))
    scan = finish(
        plan,
        evaluate_evidence(plan, by_id, attestations=attestations, as_of=as_of),
        started_at=evidence.collected_at,
        finished_at=as_of,
        settings=selecting.scan_settings(given, rules),
        warnings=(*(() if stale else evidence.age_warnings(as_of)), *evidence.warnings),
        waiving=selecting.waiving(given, rules),
    )
    scope = selecting.sarif_scope(given, *evidence.inventories)
    return replace(scan, evidence_at=evidence.oldest, scope=scope)


def _exchanges(evidence: EvidenceFile) -> tuple[Mapping[str, Exchange], Sequence[str]]:
    """Those of the accounts: what the catalog knows, and the names of all."""
    named = [account.subject.exchange for account in evidence.accounts]
    return load_exchanges(named), named


def _plan(
    evidence: EvidenceFile,
    policies: Sequence[Policy],
    exchanges: Mapping[str, Exchange],
    rules: Mapping[str, Rule],
    given: EvaluateOptions,
) -> Plan:
    subjects = [account.subject for account in evidence.accounts]
    chosen, is_whole = selecting.selection(given), not evidence.narrowed_by
    plan = make_plan(subjects, policies, exchanges, rules, chosen, is_whole=is_whole)
    return replace(plan, narrowing=replace(plan.narrowing, evidence_options=evidence.narrowed_by))


def _stale(
    judged: Sequence[Evidence],
    files: Mapping[str, str],
    rules: Mapping[str, Rule],
    given: EvaluateOptions,
    as_of: datetime,
) -> Sequence[Verdict]:
    rule = named_rule(rules, "evidence-too-old")
    max_age = given.max_evidence_age
    return tuple(stale_evidence(judged, files, rule, as_of=as_of, max_age=max_age))
