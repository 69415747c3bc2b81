"""The file for GitHub's CI. Pure.

Actions are pinned to commits: a tag can be moved, and what runs there sees credentials.
"""

from collections.abc import Sequence
from string import Template

from gatepolicy import __version__
from gatepolicy.starting.changes import show_changes

_ACTIONS = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "setup_python": "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "upload_sarif": (
        "github/codeql-action/upload-sarif@8aad20d150bbac5944a9f9d289da16a4b0d87c1e # v4.36.2"
    ),
}
"""Each at the commit that its repository's tag named when it was pinned."""

_INSTALL = """\
      - uses: $checkout
        with: {persist-credentials: false, fetch-depth: $depth}
      - uses: $setup_python
        with: {python-version: "3.12"}
      - name: Install gatepolicy $version from vendor/
        run: |
          python -m venv .venv
          .venv/bin/python -m pip install --require-hashes --only-binary :all: \\
            -r vendor/requirements.txt
          .venv/bin/python -m pip install --no-index --no-deps \\
            vendor/gatepolicy-$version-py3-none-any.whl
          echo "$$PWD/.venv/bin" >> "$$GITHUB_PATH"
"""

_WORKFLOW = """\
# Pull requests: the files are checked, the policies tested, and changes of policies shown, without
# any secret. Each night and after a push to main: the accounts are scanned. Before the first run:
#
# - Put the wheel of gatepolicy $version and its pinned requirements into vendor/ and commit them:
#   'make dist' in a clone of gatepolicy writes both to dist/. No public package index has it yet:
#   never install it by its name, because anyone who registers the name could get your credentials.
# - Keys have an IP allowlist of your addresses, and GitHub's own runners have others. So the scan
#   runs on a self-hosted runner behind one of your addresses. Without one, give each account a
#   'proxy:' there in accounts.yaml, allow its host in GATEPOLICY_ALLOW_HOSTS, and replace
#   self-hosted by ubuntu-latest.
# - Create an environment 'gatepolicy' (Settings, Environments) that only the protected main branch
#   may use, and store in it the credentials that accounts.yaml refers to.
name: gatepolicy
on:
  pull_request:
  push: {branches: [main]}
  schedule: [{cron: "17 4 * * *"}]
  workflow_dispatch:
permissions: {}
concurrency:
  group: gatepolicy-$${{ github.event_name }}-$${{ github.ref }}
  cancel-in-progress: $${{ github.event_name == 'pull_request' }}
env:
  # Hosts of each proxy and base_url in accounts.yaml, separated by spaces. No other is ever used.
  GATEPOLICY_ALLOW_HOSTS: ""
jobs:
  check:
    name: Check and test the policies
    runs-on: ubuntu-latest
    timeout-minutes: 15
    permissions:
      contents: read # to check out
    steps:
$install_check
      # --untrusted refuses commands (exec:) and files outside of the repository. Leave it out if
      # accounts.yaml needs them; then anyone who can change accounts.yaml can run commands.
      - run: gatepolicy check --untrusted
      - run: gatepolicy test --untrusted --min-coverage 100
      - name: Show what changed policies change
        if: $${{ github.event_name == 'pull_request' }}
        # On synthetic keys that fail every rule: no evidence of your accounts is needed here.
        run: |
$changes
  scan:
    name: Scan the accounts
    if: $${{ github.event_name != 'pull_request' }}
    runs-on: self-hosted
    environment: gatepolicy
    timeout-minutes: 60
    permissions:
      actions: read # to upload SARIF from a private repository
      contents: read # to check out
      security-events: write # to upload SARIF
    steps:
$install_scan
      - run: gatepolicy scan -o text -o sarif=report.sarif$secrets
      # A scan that could not start writes no report: its own error must stay the one that is seen.
      - if: $${{ !cancelled() && hashFiles('report.sarif') != '' }}
        uses: $upload_sarif
        with: {sarif_file: report.sarif}
"""


def workflow(variables: Sequence[str]) -> str:
    """The text of ``.github/workflows/gatepolicy.yml``.

    Args:
        variables: Environment variables that hold the credentials of the accounts.
    """
    lines = "".join(f"\n          {name}: ${{{{ secrets.{name} }}}}" for name in variables)
    return Template(_WORKFLOW).substitute(
        _ACTIONS,
        version=__version__,
        install_check=_install(depth=2),
        install_scan=_install(depth=1),
        secrets=f"\n        env:{lines}" if variables else "",
        changes=show_changes("HEAD^1", width=10).rstrip(),
    )


def _install(*, depth: int) -> str:
    text = Template(_INSTALL).substitute(_ACTIONS, version=__version__, depth=depth)
    return text.removesuffix("\n")
