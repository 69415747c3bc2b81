"""A nightly scan by cron: the script, its environment file, and the line of the crontab. Pure."""

import shlex
from collections.abc import Sequence

SCRIPT = "nightly/run.sh"
"""Path of the script within the project."""
ENVIRONMENT = "nightly/gatepolicy.env"
"""Path of the environment file within the project."""
IGNORED = "nightly/.gitignore"
"""What keeps credentials and reports out of the repository."""

_SCRIPT = """\
#!/bin/sh
# The nightly scan: nightly/run.sh GATEPOLICY, with the program's path: cron has almost no PATH.
# Writes nightly/reports/DATE.json, compared with the night before. Silent if all is well; otherwise
# a few lines on standard error, which cron mails, and the exit code of the scan.
set -u
umask 077
cd "$(dirname "$0")/.." || exit 2
gatepolicy=${1:?usage: nightly/run.sh /path/to/gatepolicy}
if [ -r nightly/gatepolicy.env ]; then
  set -a
  . nightly/gatepolicy.env
  set +a
fi
mkdir -p nightly/reports || exit 2
report=nightly/reports/$(date -u +%Y-%m-%dT%H%M%SZ).json
"$gatepolicy" scan -q --lock -o "json=$report" --baseline-if-exists nightly/reports/latest.json
code=$?
if [ -f "$report" ]; then
  cp "$report" nightly/reports/.latest && mv nightly/reports/.latest nightly/reports/latest.json
fi
if [ "$code" -ne 0 ]; then
  if [ -f "$report" ]; then
    echo "report: $PWD/$report" >&2
  else
    echo "no report was written" >&2
  fi
fi
exit "$code"
"""


def nightly_files(variables: Sequence[str]) -> dict[str, str]:
    """Path to text; the environment file is for its owner's eyes only, the script is executable.

    Args:
        variables: Environment variables that hold the credentials of the accounts.
    """
    lines = "".join(f"{name}=''\n" for name in variables)
    return {
        SCRIPT: _SCRIPT,
        ENVIRONMENT: (
            "# Credentials of the nightly scan, as shell assignments: keep the single quotes. Its\n"
            f"# mode stays 0600, and {IGNORED} keeps it out of the repository.\n{lines}"
            "# Hosts of each proxy and base_url in accounts.yaml, separated by spaces.\n"
            "GATEPOLICY_ALLOW_HOSTS=''\n"
            "# Where changes are reported: URLs of https://appriseit.com/services/, separated by\n"
            "# spaces. They need: pip install apprise\n"
            "GATEPOLICY_NOTIFY=''\n"
            "# What is called when a scan starts and ends, such as https://hc-ping.com/UUID.\n"
            "GATEPOLICY_HEARTBEAT=''\n"
        ),
        IGNORED: "/gatepolicy.env\n/reports/\n",
    }


def cron_line(folder: str, program: str) -> str:
    """The line of a crontab.

    Args:
        folder: Absolute path of the project.
        program: Absolute path of the ``gatepolicy`` that runs.
    """
    command = f"{shlex.quote(f'{folder}/{SCRIPT}')} {shlex.quote(program)}"
    # NOTE: crontab(5): an unescaped % ends the command.
    return f"17 4 * * * {command}".replace("%", r"\%")
