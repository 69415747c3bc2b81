"""Options that several commands share. Each can be set by an environment variable as well."""

import math
import os
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

import click

from gatepolicy.accounts.account import host_of
from gatepolicy.accounts.egress import shard_from
from gatepolicy.model.scan import MEANING, ExitCode
from gatepolicy.model.secret import Secret
from gatepolicy.model.verdicts import Severity

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]


def _all(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def policies(function: F) -> F:
    """``--policy``, repeatable."""
    return click.option(
        "-p",
        "--policy",
        "policy_files",
        multiple=True,
        envvar="GATEPOLICY_POLICY",
        metavar="FILE",
        help="Policy file, or name of a shipped policy; repeatable."
        "  [default: the shipped baseline]",
    )(function)


def inventory(function: F) -> F:
    """``--inventory``."""
    return click.option(
        "-i",
        "--inventory",
        "inventory_file",
        default="accounts.yaml",
        show_default=True,
        envvar="GATEPOLICY_INVENTORY",
        metavar="FILE",
        help="Inventory file.",
    )(function)


def optional_inventory(function: F) -> F:
    """``--inventory``, for commands that can do without."""
    return click.option(
        "-i",
        "--inventory",
        "inventory_file",
        envvar="GATEPOLICY_INVENTORY",
        metavar="FILE",
        help="Inventory file.  [default: accounts.yaml, if it exists]",
    )(function)


def account_selection(function: F) -> F:
    """``--account`` and ``--label``."""
    return _all(
        click.option(
            "--account",
            "accounts",
            multiple=True,
            metavar="GLOB",
            help="Only accounts with a matching id; repeatable.",
        ),
        click.option(
            "-l",
            "--label",
            "labels",
            multiple=True,
            metavar="KEY=VALUE",
            help="Only accounts with this label; repeatable.",
        ),
    )(function)


_INDEX = "index/"
_COMPLETION_INDEX = "JOB_COMPLETION_INDEX"
"""Set by Kubernetes in the pods of an Indexed Job, from 0 on."""


class Shard(click.ParamType[tuple[int, int]]):
    """The number of a shard, and how many there are, such as ``3/10``."""

    name = "shard"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Both numbers."""
        if isinstance(value, tuple):
            return value
        text = str(value)
        if text.startswith(_INDEX):
            number = os.environ.get(_COMPLETION_INDEX, "")
            if not number.isdecimal():
                self.fail(f"{text!r} needs the variable {_COMPLETION_INDEX}", param, ctx)
            text = f"{int(number) + 1}/{text.removeprefix(_INDEX)}"
        shard = shard_from(text)
        if shard is None:
            what = f"{value!r} is not a shard; write its number and their count, such as 3/10"
            self.fail(what, param, ctx)
        return shard


def part(function: F) -> F:
    """``--egress`` and ``--shard``."""
    return _all(
        click.option(
            "--egress",
            default="",
            envvar="GATEPOLICY_EGRESS",
            metavar="NAME",
            help="Only the accounts of this egress of the project; none for those without one."
            " Nothing that the others refer to is read.",
        ),
        click.option(
            "--shard",
            type=Shard(),
            default=(1, 1),
            envvar="GATEPOLICY_SHARD",
            metavar="NUMBER/COUNT",
            help="Only this shard of the accounts, such as 3/10: each account is in exactly one."
            " index/10 takes the number from JOB_COMPLETION_INDEX of Kubernetes.",
        ),
    )(function)


def rule_selection(function: F) -> F:
    """``--rule`` and ``--skip-rule``."""
    return _all(
        click.option(
            "--rule",
            "rules",
            multiple=True,
            metavar="GLOB",
            help="Only rules with a matching id or name.",
        ),
        click.option(
            "--skip-rule",
            "skip_rules",
            multiple=True,
            metavar="GLOB",
            help="Skip rules with a matching id or name.",
        ),
    )(function)


class Duration(click.ParamType[timedelta]):
    """A whole number of hours, days or weeks, such as ``7d``."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The time, at least one hour."""
        found = re.fullmatch(r"([0-9]{1,5})([hdw])", str(value))
        hours = int(found[1]) * {"h": 1, "d": 24, "w": 24 * 7}[found[2]] if found else 0
        if not hours:
            what = f"{value!r} is not a duration; write a whole number with h, d or w, such as 7d"
            self.fail(what, param, ctx)
        return timedelta(hours=hours)


class Rate(click.FloatRange):
    """A number of calls per second, and not one that is no number or has no end."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """A finite number within the range."""
        rate = float(super().convert(value, param, ctx))
        if not math.isfinite(rate):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return rate


def evidence_age(function: F) -> F:
    """``--max-evidence-age``."""
    return click.option(
        "--max-evidence-age",
        type=Duration(),
        default="7d",
        show_default=True,
        envvar="GATEPOLICY_MAX_EVIDENCE_AGE",
        metavar="DURATION",
        help="Evidence older than this makes the result incomplete. A project file can only set"
        " less than 7d.",
    )(function)


def gate(function: F) -> F:
    """What decides the exit code."""
    return _all(
        click.option(
            "--fail-on",
            type=click.Choice([severity.value for severity in Severity]),
            default=Severity.INFO.value,
            show_default=True,
            envvar="GATEPOLICY_FAIL_ON",
            help="Violations below this severity do not fail the scan.",
        ),
        click.option(
            "--exit-zero",
            is_flag=True,
            envvar="GATEPOLICY_EXIT_ZERO",
            help="Exit with 0 regardless of findings (errors still fail).",
        ),
        click.option(
            "--allow-incomplete",
            is_flag=True,
            envvar="GATEPOLICY_ALLOW_INCOMPLETE",
            help="Unknowns do not fail the scan.",
        ),
        click.option(
            "--allow-empty",
            is_flag=True,
            envvar="GATEPOLICY_ALLOW_EMPTY",
            help="An empty evaluation does not fail the scan.",
        ),
    )(function)


def attestations(function: F) -> F:
    """``--attestations``, repeatable."""
    return click.option(
        "--attestations",
        "attestation_files",
        multiple=True,
        envvar="GATEPOLICY_ATTESTATIONS",
        metavar="FILE",
        help="Attestations file; repeatable.",
    )(function)


def waiver_files(function: F) -> F:
    """``--waivers``, repeatable."""
    return click.option(
        "-w",
        "--waivers",
        "waiver_files",
        multiple=True,
        envvar="GATEPOLICY_WAIVERS",
        metavar="FILE",
        help="Waivers file; repeatable.",
    )(function)


def waivers(function: F) -> F:
    """``--attestations``, ``--waivers``, ``--no-waivers``, ``--audit-waivers``."""
    return _all(
        attestations,
        waiver_files,
        click.option("--no-waivers", is_flag=True, help="Apply no waivers, as an auditor would."),
        click.option(
            "--audit-waivers",
            is_flag=True,
            help="List every waiver and its state in the text report.",
        ),
        click.option(
            "--expiring-within",
            type=click.IntRange(0),
            default=14,
            show_default=True,
            envvar="GATEPOLICY_EXPIRING_WITHIN",
            metavar="DAYS",
            help="Report waivers that expire within this many days.",
        ),
    )(function)


def baseline(function: F) -> F:
    """``--baseline``, ``--baseline-if-exists``, ``--fail-on-new``, ``--baseline-hides``."""
    return _all(
        click.option(
            "--baseline",
            "baseline_file",
            envvar="GATEPOLICY_BASELINE",
            metavar="FILE",
            help="Earlier JSON report or evidence to compare with; last is the last scan of the"
            " history.",
        ),
        click.option(
            "--baseline-if-exists",
            envvar="GATEPOLICY_BASELINE_IF_EXISTS",
            metavar="FILE",
            help="The same, but skipped if there is none, as on the first run.",
        ),
        click.option(
            "--fail-on-new",
            is_flag=True,
            envvar="GATEPOLICY_FAIL_ON_NEW",
            help="Violations that the baseline already has do not fail the scan, unless they got"
            " worse or are critical.",
        ),
        click.option(
            "--baseline-hides",
            "baseline_hides",
            multiple=True,
            metavar="RULE",
            help="With --fail-on-new: ignore known critical violations of this rule, too.",
        ),
    )(function)


def quiet(text: str) -> Callable[[F], F]:
    """``-q``: silent, but never about an exit code that is not 0.

    Args:
        text: The help.
    """

    def decorate(function: F) -> F:
        @wraps(function)
        def telling(*arguments: Any, **given: Any) -> ExitCode:
            code = ExitCode(function(*arguments, **given))
            is_told = given.get("log_format") == "json"
            if given["quiet"] and code is not ExitCode.OK and not is_told:
                click.echo(f"gatepolicy: exit code {code.value}: {MEANING[code]}", err=True)
            return code

        option = click.option("-q", "--quiet", is_flag=True, help=text)
        return cast("F", option(telling))

    return decorate


def _formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """For shells that complete."""
    del ctx, param
    from gatepolicy.reports.formats import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def outputs(function: F) -> F:
    """Where reports go, and how they look."""
    return _all(
        click.option(
            "-o",
            "--output",
            "output_texts",
            multiple=True,
            envvar="GATEPOLICY_OUTPUT",
            metavar="FORMAT[=PATH]",
            shell_complete=_formats,
            help="Report as text, html, json, sarif, markdown, github, junit, gitlab-codequality,"
            " gitlab-sast, ocsf, oscal, csv, csv-facts, prometheus or frameworks, to a file or to"
            " standard output; repeatable.  [default: text]",
        ),
        click.option(
            "--sarif-profile",
            type=click.Choice(["github", "full"]),
            default="github",
            show_default=True,
            envvar="GATEPOLICY_SARIF_PROFILE",
            help="SARIF content: alerts only, or every verdict.",
        ),
        click.option(
            "--sarif-scope",
            default="",
            envvar="GATEPOLICY_SARIF_SCOPE",
            metavar="NAME",
            help="SARIF category: a later upload of the same category closes alerts that are gone."
            "  [default: from the inventory and the selection]",
        ),
        click.option(
            "-v", "--verbose", count=True, help="Show passing accounts and every verdict."
        ),
        quiet("Only the report; no progress, no notes. Still reports a nonzero exit code."),
        click.option("--no-color", is_flag=True, help="Disable colour (or set NO_COLOR)."),
    )(function)


def whole_history(function: F) -> F:
    """``--history``."""
    return click.option(
        "--history",
        "history_url",
        envvar="GATEPOLICY_HISTORY",
        metavar="URL",
        help="History of scans: a file, or postgresql://USER@HOST/DATABASE. A project file can only"
        " name a file below its own folder.",
    )(function)


def history_place(function: F) -> F:
    """``--history`` and ``--history-project``."""
    return _all(
        whole_history,
        click.option(
            "--history-project",
            type=ProjectName(),
            default="",
            envvar="GATEPOLICY_HISTORY_PROJECT",
            metavar="NAME",
            help="Name of this project in a history that several projects share: only its scans"
            " are compared and shown.",
        ),
    )(function)


class ProjectName(click.ParamType[str]):
    """What keeps the scans of a project apart from those of others."""

    name = "name"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The name as it is."""
        text = str(value)
        if text and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
            what = "not a name: write letters, digits, '.', '_' and '-', such as treasury"
            self.fail(f"{text!r} is {what}", param, ctx)
        return text


def history(function: F) -> F:
    """``--history`` and ``--history-required``."""
    return _all(
        history_place,
        click.option(
            "--history-required",
            is_flag=True,
            envvar="GATEPOLICY_HISTORY_REQUIRED",
            help="Exit with 2 if the scan cannot be stored in the history; otherwise that is a"
            " warning.",
        ),
    )(function)


def history_keep(function: F) -> F:
    """``--keep``."""
    return click.option(
        "--keep",
        type=Duration(),
        envvar="GATEPOLICY_HISTORY_KEEP",
        metavar="DURATION",
        help="How long 'gatepolicy history prune' keeps scans and fixed findings, such as 400d.",
    )(function)


class Host(click.ParamType[str]):
    """The name or the address of a host, without scheme, port and path."""

    name = "host"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The host in small letters."""
        host = host_of(str(value))
        if host is None:
            what = f"{value!r} is not a host; write a name or an address, such as proxy.example.com"
            self.fail(what, param, ctx)
        return host


def untrusted(function: F) -> F:
    """``--untrusted``. No file sets it."""
    return click.option(
        "--untrusted",
        is_flag=True,
        envvar="GATEPOLICY_UNTRUSTED",
        help="Treat files as untrusted, as in a pull request: no exec: references, no secret"
        " stores, no files or outputs outside the project folder, no softening through the"
        " environment.",
    )(function)


def trust(function: F) -> F:
    """``--allow-host`` and ``--untrusted``. No file sets them."""
    return _all(
        click.option(
            "--allow-host",
            "allow_hosts",
            type=Host(),
            multiple=True,
            envvar="GATEPOLICY_ALLOW_HOSTS",
            metavar="HOST",
            help="Allow base_url and proxy to point to this host; repeatable. Hosts of the catalog"
            " and loopback are always allowed.",
        ),
        untrusted,
    )(function)


def show_references(function: F) -> F:
    """``--show-references``."""
    return click.option(
        "--show-references",
        is_flag=True,
        envvar="GATEPOLICY_SHOW_REFERENCES",
        help="Write a line to standard error for every credential reference that is read: store,"
        " path and field, never a value.",
    )(function)


def edge(function: F) -> F:
    """How accounts are asked."""
    return _all(
        click.option(
            "--jobs",
            type=click.IntRange(1, 2000),
            default=64,
            show_default=True,
            envvar="GATEPOLICY_JOBS",
            help="Accounts read at the same time.",
        ),
        click.option(
            "--max-rate",
            type=Rate(min=0, min_open=True),
            envvar="GATEPOLICY_MAX_RATE",
            metavar="CALLS",
            help="Requests per second to one exchange from one egress."
            "  [default: the exchange's documented limit]",
        ),
        click.option(
            "--attempts",
            type=click.IntRange(1, 10),
            default=3,
            show_default=True,
            envvar="GATEPOLICY_ATTEMPTS",
            help="Maximum attempts on transient errors.",
        ),
        show_references,
    )(function)


def journal(function: F) -> F:
    """Where accounts are kept as soon as they are read."""
    return _all(
        click.option(
            "--journal",
            "journal_file",
            default="",
            metavar="FILE",
            help="Append each account to this new file as soon as it was read. What a killed scan"
            " has read is kept there, for --resume and for 'gatepolicy evaluate'.",
        ),
        click.option(
            "--resume",
            "resumed_file",
            default="",
            metavar="FILE",
            help="Go on with the journal of a scan that did not end: read only the accounts that it"
            " lacks, whose keys changed, or that were read more than a day ago.",
        ),
        click.option(
            "--retry-unread",
            "retries",
            is_flag=True,
            help="With --resume: also read again the accounts that could not be read because of the"
            " network, a time-out, a rate limit or maintenance.",
        ),
    )(function)


_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Pause(click.ParamType[timedelta]):
    """A whole number of seconds, minutes or hours, such as ``10m``."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The time; it may be none."""
        found = re.fullmatch(r"([0-9]{1,5})([smh])", str(value))
        if found is None:
            what = f"{value!r} is not a duration; write a whole number with s, m or h, such as 10m"
            self.fail(what, param, ctx)
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


class SecretText(click.ParamType[Secret]):
    """A text that nothing prints."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Secret:
        """The text."""
        del param, ctx
        return value if isinstance(value, Secret) else Secret(str(value))


class SecretUrl(SecretText):
    """A URL that nothing prints."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Secret:
        """The URL, with http or https."""
        from gatepolicy.operating.heartbeat import is_callable_url

        url = super().convert(value, param, ctx)
        if not is_callable_url(url.reveal()):
            self.fail("not a URL that begins with https:// or http://", param, ctx)
        return url


def operating(function: F) -> F:
    """Of a scan that nobody watches. None of them can be set by a project file."""
    return _all(*_ONE_AT_A_TIME, *_REPORTED)(function)


_ONE_AT_A_TIME = (
    click.option(
        "--lock",
        is_flag=True,
        envvar="GATEPOLICY_LOCK",
        help="One scan of this inventory at a time: a second one exits with 6.",
    ),
    click.option(
        "--wait",
        type=Pause(),
        envvar="GATEPOLICY_WAIT",
        metavar="DURATION",
        help="With a lock, wait up to this long for the other scan to end, such as 30m.",
    ),
    click.option(
        "--jitter",
        type=Pause(),
        envvar="GATEPOLICY_JITTER",
        metavar="DURATION",
        help="Start after a random delay of up to this long, such as 10m.",
    ),
    click.option(
        "--state",
        "state_folder",
        envvar="GATEPOLICY_STATE",
        metavar="FOLDER",
        help="Folder of the lock and of what receivers were sent."
        "  [default: .gatepolicy beside the inventory]",
    ),
)
_REPORTED = (
    click.option(
        "--only-changes",
        is_flag=True,
        envvar="GATEPOLICY_ONLY_CHANGES",
        help="Print nothing if nothing changed since the baseline, or the last scan of the history."
        " Files are written, and the exit code is the same.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        envvar="GATEPOLICY_LOG_FORMAT",
        help="Standard error as text, or as JSON lines: 'gatepolicy schema log'.",
    ),
    click.option(
        "--heartbeat",
        type=SecretUrl(),
        envvar="GATEPOLICY_HEARTBEAT",
        metavar="URL",
        help="Call URL/start when the scan starts, and URL or URL/EXITCODE when it ends.",
    ),
    click.option(
        "--notify",
        "notify_urls",
        type=SecretText(),
        multiple=True,
        envvar="GATEPOLICY_NOTIFY",
        metavar="URL",
        help="Notify this service, by its apprise URL, of what is new, worse, fixed or about to"
        " expire; repeatable.",
    ),
    click.option(
        "--notify-file",
        envvar="GATEPOLICY_NOTIFY_FILE",
        metavar="FILE",
        help="File with such URLs, one on each line.",
    ),
    click.option(
        "--notify-when",
        type=click.Choice(["changes", "always"]),
        default="changes",
        show_default=True,
        envvar="GATEPOLICY_NOTIFY_WHEN",
        help="Report changes only, or send a digest after every scan.",
    ),
)
