"""``gatepolicy waive``: accept a finding for a time, in the file of waivers."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial

import click

from gatepolicy.cli import inputs, options, settings
from gatepolicy.cli.given import WaiveOptions, typed
from gatepolicy.cli.prompts import prompt_for_missing
from gatepolicy.documents.load import is_there, read_text
from gatepolicy.errors import UsageError
from gatepolicy.model.scan import ExitCode
from gatepolicy.policies.custom import with_custom
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.policy import Policy
from gatepolicy.reports.write import write_document
from gatepolicy.rules.catalog import find_rule, load_rules, rule_hint
from gatepolicy.rules.rule import Rule
from gatepolicy.scanning.workspace import custom_rules, plan_of, refuse_same_rules
from gatepolicy.waivers.refused import refused_waivers, repeated_waivers
from gatepolicy.waivers.waiver import Waiver, load_waivers
from gatepolicy.waivers.write import free_id, with_waiver

_QUESTIONS = {
    "rule": "Rule (name or id)",
    "account": "Account",
    "owner": "Who answers for it",
    "justification": "Why it is accepted",
    "expires": "Last day (YYYY-MM-DD, or a number of days)",
}


@click.command("waive")
@options.waiver_files
@options.policies
@options.optional_inventory
@click.option("--id", "waiver_id", metavar="ID", help="Its id.  [default: the next free one]")
@click.option("--rule", default="", metavar="RULE", help="Rule whose finding is accepted.")
@click.option("--account", multiple=True, metavar="GLOB", help="Account; repeatable.")
@click.option("--subject", default="", help="What within the account, such as a capability.")
@click.option("--only-unknown", is_flag=True, help="Accept only that it is unknown.")
@click.option("--owner", default="", help="Who answers for it.")
@click.option("--justification", default="", help="Why it is accepted.")
@click.option("--ticket", default="", help="Where it was discussed, such as a ticket.")
@click.option("--approved-by", default="", help="Who agreed.")
@click.option(
    "--expires",
    default="",
    metavar="DAY",
    help="Last day (UTC), or a number of days from today.",
)
@typed(WaiveOptions)
def command(given: WaiveOptions) -> ExitCode:
    """Accept a finding until a date: add a waiver to a file.

    Writes to waivers.yaml by default. Prompts for whatever is missing. Keeps the comments and the
    order of the file, and validates what it writes. Refuses a waiver that the policies, named here
    or in the project file, do not allow.
    """
    files = given.waiver_files or ["waivers.yaml"]
    if len(files) > 1:
        raise UsageError(
            "there is more than one waivers file", hint="choose one with --waivers FILE"
        )
    file = files[0]
    text = read_text(file) if is_there(file) else ""
    policies = _policies(given)
    rules = with_custom(load_rules(), custom_rules(policies))
    waiver_id = given.waiver_id or free_id(text, file, rules)
    filled = prompt_for_missing(given, _QUESTIONS, {"rule": partial(_check_rule, rules)})
    today = inputs.now().date()
    entry = {
        "id": waiver_id,
        "rule": filled.rule,
        "accounts": list(filled.account),
        "subject": given.subject,
        "accepts": "unknown" if given.only_unknown else "",
        "owner": filled.owner,
        "justification": filled.justification,
        "ticket": given.ticket,
        "approved_by": given.approved_by,
        "created": today.isoformat(),
        "expires": _last_day(filled.expires, today),
    }
    text = with_waiver(text, file, entry, rules)
    waivers = load_waivers([file], rules, read=lambda _: text.encode())
    _refuse(waivers, policies, given)
    write_document([text], file)
    click.echo(f"{file}: {waiver_id} waives {filled.rule} until {entry['expires']}", err=True)
    return ExitCode.OK


def _check_rule(rules: Mapping[str, Rule], text: str) -> None:
    if find_rule(rules, text) is None:
        raise UsageError(f"unknown rule {text}", hint=rule_hint(rules, text))


def _last_day(text: str, today: date) -> str:
    """A day as it is written, or so many days from today.

    Raises:
        UsageError: The calendar ends before.
    """
    if not re.fullmatch("[0-9]+", text):
        return text
    try:
        return (today + timedelta(days=int(text))).isoformat()
    # NOTE: Python refuses to read thousands of digits.
    except (OverflowError, ValueError):
        what = f"--expires: {text[:20]}{'…' * (len(text) > 20)} days from today is not a valid date"
        hint = "use a date such as 2026-12-31, or fewer days"
        raise UsageError(what, hint=hint) from None


def _policies(given: WaiveOptions) -> Sequence[Policy]:
    """Those that are named: nobody said that the baseline decides."""
    if not given.policy_files:
        return ()
    policies = load_policies(inputs.policy_files(given), names=settings.names())
    refuse_same_rules(policies)
    return policies


def _refuse(waivers: Sequence[Waiver], policies: Sequence[Policy], given: WaiveOptions) -> None:
    """Refuse a new entry, the last one, that is for nobody, there already, or not allowed.

    Raises:
        UsageError: With the first reason.
    """
    new = waivers[-1]
    inventory = inputs.inventory(given)
    inputs.refuse_entry_for_nobody(new.terms.location.file, new.selector, inventory)
    problems = [p for p in repeated_waivers(waivers) if p.location == new.terms.location]
    if policies and not problems:
        plan = plan_of(policies, inventory)
        problems += refused_waivers([new], policies, plan, inputs.now().date())
    for problem in problems:
        what = f"{new.terms.location.file}: the new entry: {problem.what}"
        raise UsageError(what, hint=problem.fix)
