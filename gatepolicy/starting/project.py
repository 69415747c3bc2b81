"""The files of a new project, as texts. Pure: what exists is the business of who writes them."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatepolicy.exchanges.catalog import MEANING, Other
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.starting.bots import BotAccount
from gatepolicy.starting.ci import workflow
from gatepolicy.starting.gitlab import gitlab_pipeline
from gatepolicy.starting.nightly import nightly_files

_PLAIN = re.compile(r"[A-Za-z0-9_./:#~+-]+")


class RunsOn(StrEnum):
    """Where a project is scanned."""

    GITHUB = "github"
    GITLAB = "gitlab"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class Choice:
    """One exchange of a new project."""

    exchange: Exchange | Other
    """The catalog's entry, or why there is none."""
    parent: str
    """The shipped policy that its policy extends."""
    found: Sequence[BotAccount] = ()
    """Its accounts in a bot's configuration; without any, one account is suggested."""

    @property
    def id(self) -> str:
        """Id of the exchange."""
        return self.exchange.id

    @property
    def accounts(self) -> Sequence[BotAccount]:
        """Its accounts, at least one."""
        return self.found or (BotAccount(f"{self.id}-main", self.id, {}, sandbox=False),)

    @property
    def account(self) -> str:
        """Id of its first account."""
        return self.accounts[0].id

    @property
    def entry(self) -> Exchange | None:
        """The catalog's entry; ``None`` where nobody can ask: people attest."""
        return self.exchange if isinstance(self.exchange, Exchange) else None

    def variables(self, account: BotAccount) -> Mapping[str, str]:
        """ccxt name of each credential that no file holds, to the variable that holds it."""
        is_first = account.id == f"{self.id}-main"
        prefix = re.sub(r"[^A-Z0-9]", "_", (self.id if is_first else account.id).upper())
        prefix = f"KEY_{prefix}" if prefix[0].isdigit() else prefix
        names = {"apiKey": "API_KEY", "secret": "API_SECRET", "password": "API_PASSPHRASE"}
        return {
            name: f"{prefix}_{names.get(name, name.upper())}"
            for name in self._needed
            if name not in account.references
        }

    def credentials(self, account: BotAccount) -> Mapping[str, str]:
        """ccxt name of each credential that is needed, to the reference to it."""
        variables = self.variables(account)
        return {
            name: f"env:{variables[name]}" if name in variables else account.references[name]
            for name in self._needed
        }

    @property
    def _needed(self) -> Sequence[str]:
        return tuple(self.entry.credentials) if self.entry else ()


@dataclass(frozen=True, slots=True)
class Unproved:
    """A rule that no key of an exchange can ever pass, since its API does not disclose enough."""

    rule: str
    """Name of the rule."""
    inherited: bool
    """Whether the policy that is extended asks it, so that a reason has to be given."""


def project_files(
    choices: Sequence[Choice],
    egress: Sequence[str],
    unproved: Mapping[str, Sequence[Unproved]],
    runs_on: Collection[RunsOn],
) -> dict[str, str]:
    """Path to text, for everything but the tests of the policies.

    Args:
        choices: The exchanges.
        egress: The networks from which bots trade.
        unproved: Id of an exchange to what its accounts are attested for instead.
        runs_on: Where it is scanned.
    """
    policies = {
        policy_path(choice): policy_text(choice, unproved.get(choice.id, ())) for choice in choices
    }
    attested = [choice for choice in choices if unproved.get(choice.id)]
    attestations = {"attestations.yaml": _attestations(attested[0])} if attested else {}
    return {
        "gatepolicy.yaml": project_text(choices, egress, attestations=list(attestations)),
        "accounts.yaml": _accounts(choices),
        **attestations,
        "waivers.yaml": _header("waivers", "Waivers", "Accepted findings.") + "waivers: []\n",
        **policies,
        **_pipelines(_variables(choices), runs_on),
    }


def _variables(choices: Sequence[Choice]) -> Sequence[str]:
    """Environment variables that hold credentials."""
    return [
        name
        for choice in choices
        for account in choice.accounts
        for name in choice.variables(account).values()
    ]


def _pipelines(variables: Sequence[str], runs_on: Collection[RunsOn]) -> Mapping[str, str]:
    files: dict[str, str] = {}
    if RunsOn.GITHUB in runs_on:
        files[".github/workflows/gatepolicy.yml"] = workflow(variables)
    if RunsOn.GITLAB in runs_on:
        files[".gitlab-ci.yml"] = gitlab_pipeline(variables)
    if RunsOn.CRON in runs_on:
        files |= nightly_files(variables)
    return files


def policy_path(choice: Choice) -> str:
    """Where the policy of an exchange stands."""
    return f"policies/{choice.id}.yaml"


def _header(schema: str, kind: str, comment: str) -> str:
    return (
        f"# {comment} 'gatepolicy schema {schema}' prints the schema.\n"
        f"apiVersion: gatepolicy/v1\nkind: {kind}\n"
    )


def project_text(
    choices: Sequence[Choice], egress: Sequence[str], *, attestations: Sequence[str] = ()
) -> str:
    """The project file.

    Args:
        choices: The exchanges.
        egress: The networks from which bots trade.
        attestations: Files of attestations.
    """
    attested = f"attestations: [{', '.join(attestations)}]\n" if attestations else ""
    return _header("project", "Project", "Settings of every command.") + (
        f"policies: [{', '.join(map(policy_path, choices))}]\n"
        "inventory: accounts.yaml\n"
        "waivers: [waivers.yaml]\n"
        f"{attested}"
        "networks:\n"
        "  # The addresses from which bots trade; policies refer to them as $egress.\n"
        f"  egress: [{', '.join(egress)}]\n"
    )


def _accounts(choices: Sequence[Choice]) -> str:
    text = _header("inventory", "Inventory", "The accounts; never a secret.")
    text += "accounts:\n"
    return text + "".join(
        line
        for choice in choices
        for account in choice.accounts
        for line in _lines(choice, account)
    )


def _lines(choice: Choice, account: BotAccount) -> Iterator[str]:
    yield f"  - id: {_scalar(account.id)}\n    exchange: {choice.id}\n"
    credentials = choice.credentials(account)
    if credentials:
        yield "    credentials:\n"
    for name, reference in credentials.items():
        yield f"      {name}: {_scalar(reference)}\n"
    if account.sandbox and choice.entry is not None and choice.entry.sandbox_hosts:
        yield "    sandbox: true\n"


def _scalar(text: str) -> str:
    """A text as YAML has it; in quotes where it could mean anything else."""
    is_plain = _PLAIN.fullmatch(text) and any(c.isalpha() for c in text)
    return text if is_plain and not text.endswith(":") else json.dumps(text, ensure_ascii=False)


def _attestations(choice: Choice) -> str:
    head = _header("attestations", "Attestations", "What people confirmed.")
    return head + (
        f"# 'gatepolicy attest --control settings --account {choice.account} --by PERSON' adds:\n"
        "#   - control: settings\n"
        f"#     accounts: [{choice.account}]\n"
        "#     by: PERSON\n"
        '#     date: "2026-11-01"\n'
        "attestations: []\n"
    )


def policy_text(choice: Choice, unproved: Sequence[Unproved]) -> str:
    """The policy of one exchange.

    Args:
        choice: The exchange.
        unproved: What its accounts are attested for instead.
    """
    title = choice.exchange.title
    return _header("policy", "Policy", f"Requirements on {title}.") + (
        f"metadata: {{name: {choice.id}-desk, title: Keys on {title}}}\n"
        f"extends: [{choice.parent}]\n"
        f"applies_to: {{exchanges: [{choice.id}]}}\n"
        "# Tighten what is inherited here; 'gatepolicy explain --account "
        f"{choice.account}' shows it.\n"
        "ip_binding: {within: [$egress]}\n" + _by_hand(choice.exchange, unproved)
    )


def _by_hand(exchange: Exchange | Other, unproved: Sequence[Unproved]) -> str:
    """Attestation in the place of rules that nobody can prove; nothing where all can be."""
    if not unproved:
        return ""
    why = (
        f"{exchange.title}: {MEANING[exchange.state]}"
        if isinstance(exchange, Other)
        else f"{exchange.title} does not disclose enough"
    )
    warned = "".join(f"  {one.rule}: warn\n" for one in unproved)
    reasons = "".join(
        f"  - clause: on_unknown.{one.rule}\n"
        f'    because: "{why}; a person attests the settings instead."\n'
        for one in unproved
        if one.inherited
    )
    return (
        f"# {why}.\n"
        "# No scan can prove the rules that only warn below. Instead, a person has to compare\n"
        "# the key's settings on the web page with this policy every 90 days and attest it.\n"
        "# Without that, the scan fails.\n"
        "account: {settings: {attested_within: 90d}}\n"
        f"on_unknown:\n  settings-unattested: block\n{warned}"
        + (f"override:\n{reasons}" if reasons else "")
    )
