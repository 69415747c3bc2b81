"""The files of a new project, as texts. Pure: what exists is the business of who writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.others import Other
from gatepolicy.model.encoding import encode_time
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.policy import Policy
from gatepolicy.rules.rule import Rule

_CI = """\
# On every change: the files are checked, and the policies are tried. Each night: the accounts are
# asked. The credentials that accounts.yaml refers to come from the secrets of the repository.
name: gatepolicy
on:
  pull_request:
  schedule: [{cron: "17 4 * * *"}]
permissions: {contents: read, security-events: write}
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install gatepolicy
      # A change that leads the scan to another host, a command or a file elsewhere fails here.
      - run: gatepolicy check --untrusted
      - run: gatepolicy test --untrusted
  scan:
    if: github.event_name == 'schedule'
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install gatepolicy
      - run: gatepolicy scan -o text -o sarif=report.sarif
        env:
ENVIRONMENT
      - if: always()
        uses: github/codeql-action/upload-sarif@v3
        with: {sarif_file: report.sarif}
"""


_BY_HAND = """\
# Nobody can ask this exchange: people compare the key's settings with this, and attest it.
account: {settings: {attested_within: 90d}}
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """One exchange of a new project."""

    exchange: Exchange | Other
    """The catalog's entry, or why there is none."""
    parent: str
    """The shipped policy that its policy extends."""

    @property
    def id(self) -> str:
        """Id of the exchange."""
        return self.exchange.id

    @property
    def account(self) -> str:
        """Id of its first account."""
        return f"{self.id}-main"

    @property
    def entry(self) -> Exchange | None:
        """The catalog's entry; ``None`` where nobody can ask: people attest."""
        return self.exchange if isinstance(self.exchange, Exchange) else None

    @property
    def variables(self) -> Mapping[str, str]:
        """ccxt name of each credential, to the environment variable that holds it."""
        prefix = self.id.upper()
        names = {"apiKey": "API_KEY", "secret": "API_SECRET", "password": "API_PASSPHRASE"}
        needed = self.entry.credentials if self.entry else ()
        return {name: f"{prefix}_{names.get(name, name.upper())}" for name in needed}


def project_files(choices: Sequence[Choice], egress: Sequence[str]) -> dict[str, str]:
    """Path to text, for everything but the tests of the policies.

    Args:
        choices: The exchanges.
        egress: The networks from which bots trade.
    """
    policies = {f"policies/{choice.id}.yaml": _policy(choice) for choice in choices}
    by_hand = [choice for choice in choices if choice.entry is None]
    attestations = {"attestations.yaml": _attestations(by_hand[0])} if by_hand else {}
    return {
        "gatepolicy.yaml": _project(list(policies), list(attestations), egress),
        "accounts.yaml": _accounts(choices),
        **attestations,
        "waivers.yaml": _header("waivers", "Waivers", "Findings that somebody accepts for a time.")
        + "waivers: []\n",
        **policies,
        ".github/workflows/gatepolicy.yml": _ci(choices),
    }


def policy_test(
    choice: Choice, policy: Policy, rules: Mapping[str, Rule], now: datetime
) -> tuple[str, str]:
    """Path and text of a first test: a key of which nothing is told passes nothing.

    Args:
        choice: The exchange.
        policy: Its policy, with all that it inherits.
        rules: By id.
        now: The time of the test. UTC.
    """
    controls = compile_policy(policy, choice.id, choice.entry, rules)
    expected = dict.fromkeys(control.name for control in controls)
    lines = "".join(f"      - {{rule: {name}, outcome: unknown}}\n" for name in expected)
    text = (
        _header("policytest", "PolicyTest", f"What the policy of {choice.exchange.title} finds.")
        + f"policies: [../{choice.id}.yaml]\n"
        f"now: {encode_time(now.replace(microsecond=0))}\n"
        f"account: {{exchange: {choice.id}}}\n"
        "cases:\n"
        "  - name: a key of which nothing is told passes nothing\n"
        f"    expect:\n{lines}"
    )
    return f"policies/tests/{choice.id}.test.yaml", text


def _header(schema: str, kind: str, comment: str) -> str:
    return (
        f"# {comment} 'gatepolicy schema {schema}' prints what may stand here.\n"
        f"apiVersion: gatepolicy/v1\nkind: {kind}\n"
    )


def _project(policies: Sequence[str], attestations: Sequence[str], egress: Sequence[str]) -> str:
    attested = f"attestations: [{', '.join(attestations)}]\n" if attestations else ""
    return _header("project", "Project", "What every command starts from.") + (
        f"policies: [{', '.join(policies)}]\n"
        "inventory: accounts.yaml\n"
        "waivers: [waivers.yaml]\n"
        f"{attested}"
        "networks:\n"
        "  # The addresses from which bots trade; policies know them as $egress.\n"
        f"  egress: [{', '.join(egress)}]\n"
    )


def _accounts(choices: Sequence[Choice]) -> str:
    text = _header("inventory", "Inventory", "Which keys there are; never a secret.")
    text += "accounts:\n"
    for choice in choices:
        text += f"  - id: {choice.account}\n    exchange: {choice.id}\n"
        text += "    credentials:\n" if choice.variables else ""
        text += "".join(f"      {name}: env:{var}\n" for name, var in choice.variables.items())
    return text


def _attestations(choice: Choice) -> str:
    head = _header("attestations", "Attestations", "What people looked at.")
    return head + (
        f"# 'gatepolicy attest --control settings --account {choice.account} --by PERSON' adds:\n"
        "#   - control: settings\n"
        f"#     accounts: [{choice.account}]\n"
        "#     by: PERSON\n"
        '#     date: "2026-11-01"\n'
        "attestations: []\n"
    )


def _policy(choice: Choice) -> str:
    title = choice.exchange.title
    return _header("policy", "Policy", f"What holds on {title}.") + (
        f"metadata: {{name: {choice.id}-desk, title: Keys on {title}}}\n"
        f"extends: [{choice.parent}]\n"
        f"applies_to: {{exchanges: [{choice.id}]}}\n"
        "# Tighten what is inherited here; 'gatepolicy explain --account "
        f"{choice.account}' shows it.\n"
        "ip_binding: {within: [$egress]}\n" + (_BY_HAND if choice.entry is None else "")
    )


def _ci(choices: Sequence[Choice]) -> str:
    variables = [name for choice in choices for name in choice.variables.values()]
    lines = "\n".join(f"          {name}: ${{{{ secrets.{name} }}}}" for name in variables)
    return _CI.replace(
        "        env:\nENVIRONMENT\n", f"        env:\n{lines}\n" if variables else ""
    )
