r"""Prometheus: gauges for the textfile collector of node_exporter.

The text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/. Every family
has its ``HELP`` and ``TYPE``, and every sample a ``scope``, so that files of several inventories
can lie in one folder. Values that are counted stand there with 0, too: an alert about a series
that is missing never fires.

The times of the last complete and the last good scan outlive a bad one: they are carried over from
the file that the report replaces, whose text is an argument.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from gatepolicy import __version__
from gatepolicy.model.facts import Reason
from gatepolicy.model.posture import AccountState, posture
from gatepolicy.model.scan import ExitCode, Scan
from gatepolicy.model.verdicts import Outcome, Severity, Verdict
from gatepolicy.reports.clean import clean
from gatepolicy.reports.summary import (
    ACCOUNT_WORDS,
    NOT_VERIFIABLE,
    account_word,
    strict_exit_code,
    summarise,
    why_unknown,
)

_COMPLETE = "gatepolicy_last_complete_scan_timestamp_seconds"
_GOOD = "gatepolicy_last_good_scan_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name, what it means, and its samples."""

    name: str
    """Without labels."""
    text: str
    """What it means, in one line."""
    samples: Sequence[tuple[Mapping[str, str], float]]
    """Labels to value. No two have the same labels. A family without any is not reported."""


def render_prometheus(scan: Scan, *, former: str = "") -> Iterator[str]:
    """All families, in stable order.

    Args:
        scan: The finished scan.
        former: The text of the file that this one replaces; empty when there is none.
    """
    scope = clean(scan.scope or "accounts")
    filled = (family for family in _families(scan, scope, former) if family.samples)
    for family in filled:
        yield f"# HELP {family.name} {family.text}\n# TYPE {family.name} gauge\n"
        for labels, value in family.samples:
            yield f"{family.name}{_labels({'scope': scope, **labels})} {_number(value)}\n"


def _families(scan: Scan, scope: str, former: str) -> Iterator[Family]:
    summary = summarise(scan)
    words = Counter(account_word(account) for account in scan.accounts)
    yield _counts("accounts", "Accounts, by what they come to.", "verdict", {
        word.replace(" ", "_"): words[word] for word in ACCOUNT_WORDS
    })  # fmt: skip
    yield Family(
        "gatepolicy_control_accounts",
        "Accounts of each control, by their worst verdict.",
        tuple(_controls(scan)),
    )
    yield Family(
        "gatepolicy_posture_accounts",
        "Accounts in each line of the posture, by state.",
        tuple(
            ({"line": one.line.value, "state": state.value}, one.of(state))
            for one in posture(scan).lines
            for state in AccountState
        ),
    )
    yield _by_severity("violations", "Violations, by severity.", summary.violations)
    blocking = "Unknown verdicts that fail a scan as violations do, by severity of their rules."
    yield _by_severity("blocking_unknowns", blocking, summary.blocking_unknowns)
    yield _unknowns(scan)
    yield from _about_the_scan(scan)
    yield from _times(scan, scope, former)


def _counts(name: str, text: str, label: str, counts: Mapping[str, int]) -> Family:
    samples = tuple(({label: str(key)}, count) for key, count in counts.items())
    return Family(f"gatepolicy_{name}", text, samples)


def _by_severity(name: str, text: str, counts: Mapping[Severity, int]) -> Family:
    values = {severity.value: count for severity, count in counts.items()}
    return _counts(name, text, "severity", values)


def _unknowns(scan: Scan) -> Family:
    found = Counter(why_unknown(v) for v in scan.verdicts() if v.outcome is Outcome.UNKNOWN)
    reasons = [*(reason.value for reason in Reason), NOT_VERIFIABLE]
    text = "Unknown verdicts, by reason."
    return _counts("unknowns", text, "reason", {reason: found[reason] for reason in reasons})


_WORST_FIRST = (
    Outcome.FAIL,
    Outcome.UNKNOWN,
    Outcome.WAIVED,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)


def _controls(scan: Scan) -> Iterator[tuple[Mapping[str, str], int]]:
    """Each rule of each policy: how many accounts stand how. Verdicts about the scan have none."""
    found: dict[tuple[str, str, str], Counter[Outcome]] = {}
    for account in scan.accounts:
        worst: dict[tuple[str, str, str], Outcome] = {}
        for verdict in account.verdicts:
            control = _control(verdict)
            outcomes = (verdict.outcome, worst.get(control, verdict.outcome))
            worst[control] = min(outcomes, key=_WORST_FIRST.index)
        for control, outcome in worst.items():
            found.setdefault(control, Counter())[outcome] += 1
    for control in sorted(found):
        policy, rule, name = control
        for outcome in Outcome:
            labels = {"policy": policy, "rule": rule, "name": name, "verdict": outcome.value}
            yield labels, found[control][outcome]


def _control(verdict: Verdict) -> tuple[str, str, str]:
    return clean(verdict.policy), clean(verdict.rule), clean(verdict.name)


def _about_the_scan(scan: Scan) -> Iterator[Family]:
    seconds = (scan.finished_at - scan.started_at).total_seconds()
    yield _one("scan_duration_seconds", "How long the scan took.", seconds)
    yield _one("scan_exit_code", "The exit code of the scan.", scan.exit_code.value)
    labels = {"version": __version__}
    yield Family("gatepolicy_build_info", "The version that scanned.", ((labels, 1),))


def _one(name: str, text: str, value: float) -> Family:
    return Family(f"gatepolicy_{name}", text, (({}, value),))


def _times(scan: Scan, scope: str, former: str) -> Iterator[Family]:
    """When the last scan of each kind ended; nothing where there never was one."""
    # NOTE: to judge old evidence again makes nobody know more about today.
    at = (scan.evidence_at or scan.finished_at).timestamp()
    text = "When the scan that wrote this file ended, or its evidence was collected."
    yield _one("last_scan_timestamp_seconds", text, at)
    for name, text, is_so in (
        (_COMPLETE, "When the last scan ended that read every account.", _is_complete(scan)),
        (_GOOD, "When the last scan ended that was complete, with exit code 0.", _is_good(scan)),
    ):
        then = at if is_so else _carried(name, scope, former, scan.finished_at.timestamp())
        yield Family(name, text, () if then is None else (({}, then),))


def _is_complete(scan: Scan) -> bool:
    return not (
        scan.narrowing.is_any
        or scan.interrupted_by is not None
        or not scan.accounts
        or any(account.evidence.why_not_read is not None for account in scan.accounts)
    )


def _is_good(scan: Scan) -> bool:
    """Whether everything is well, without an option that softens."""
    return _is_complete(scan) and strict_exit_code(scan) is ExitCode.OK


def _carried(name: str, scope: str, former: str, now: float) -> float | None:
    """What the former file says, unless that is no time, or lies ahead of this scan."""
    line = re.escape(f"{name}{_labels({'scope': scope})} ")
    found = re.search(rf"^{line}(-?[0-9.]+(?:e\+?[0-9]+)?)$", former, re.MULTILINE)
    if found is None:
        return None
    try:
        then = float(found[1])
    except ValueError:
        return None
    return then if isfinite(then) and 0 <= then <= now else None


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_value(text)}"' for name, text in labels.items())
    return f"{{{pairs}}}"


def _value(text: str) -> str:
    """A clean text, which has no line breaks, as the value of a label."""
    return text.replace("\\", r"\\").replace('"', r"\"")
