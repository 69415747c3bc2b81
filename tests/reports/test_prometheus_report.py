"""Prometheus: read by the client library's own parser, whatever a scan holds."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from gatepolicy.cli.output import Output
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import Interruption, Narrowing, Scan
from gatepolicy.model.verdicts import Outcome
from gatepolicy.reports.formats import ReportOptions
from gatepolicy.reports.prometheus_report import render_prometheus
from gatepolicy.reports.write import Destination, write_reports
from tests.reports.example_scan import (
    FINISHED,
    UNBOUND,
    WITHDRAW,
    account,
    example_scan,
    failing,
    passing,
    refused,
    scan_of,
    subject,
    verdict,
)
from tests.reports.strategies import HOSTILE, whole_scans

COMPLETE = "gatepolicy_last_complete_scan_timestamp_seconds"
GOOD = "gatepolicy_last_good_scan_timestamp_seconds"
QUOTES = st.text('"\\\n{}=, a', max_size=6)


def rendered(scan: Scan, former: str = "") -> str:
    return "".join(render_prometheus(scan, former=former))


def families(text: str) -> dict[str, Metric]:
    found = list(text_string_to_metric_families(text))
    names = [family.name for family in found]
    assert sorted(set(names)) == sorted(names)
    return {family.name: family for family in found}


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in families(text).values():
        for sample in family.samples:
            yield sample.name, dict(sample.labels), sample.value


def value(text: str, name: str, **labels: str) -> float | None:
    found = [
        number
        for of, told, number in samples(text)
        if of == name and labels.items() <= told.items()
    ]
    assert len(found) <= 1, found
    return found[0] if found else None


@settings(max_examples=20)
@given(scan=whole_scans(st.one_of(QUOTES, st.sampled_from(HOSTILE))), former=st.text(max_size=20))
def test_any_scan_is_read_by_the_clients_parser(scan: Scan, former: str) -> None:
    text = rendered(scan, former)
    found = list(samples(text))
    assert len(found) == sum(not line.startswith("#") for line in text.splitlines())
    keys = [(name, tuple(sorted(labels.items()))) for name, labels, _ in found]
    assert len(set(keys)) == len(keys)
    for name, labels, _ in found:
        assert re.fullmatch(r"gatepolicy_[a-z_]+", name)
        assert labels["scope"]
    for family in families(text).values():
        assert family.type == "gauge"
        assert family.documentation.endswith(".")
        assert family.samples


@settings(max_examples=20)
@given(scan=whole_scans())
def test_every_account_and_every_unknown_is_counted_once(scan: Scan) -> None:
    found = list(samples(rendered(scan)))
    by_name = {
        name: sum(number for of, _, number in found if of == f"gatepolicy_{name}")
        for name in ("accounts", "unknowns", "violations")
    }
    outcomes = [one.outcome for one in scan.verdicts()]
    assert by_name == {
        "accounts": len(scan.accounts),
        "unknowns": outcomes.count(Outcome.UNKNOWN),
        "violations": outcomes.count(Outcome.FAIL),
    }


def test_labels_are_told_as_they_are() -> None:
    hostile = 'a"b\\c'
    told = replace(verdict(WITHDRAW, Outcome.PASS, "x"), policy=hostile)
    text = rendered(scan_of(account(subject("mm", "gate", 3), Facts({}, {}), (told,))))
    assert value(text, "gatepolicy_control_accounts", policy=hostile, verdict="pass") == 1


def test_the_example() -> None:
    text = rendered(example_scan())
    assert value(text, "gatepolicy_accounts", verdict="pass") == 2
    assert value(text, "gatepolicy_accounts", verdict="not_read") == 1
    assert value(text, "gatepolicy_unknowns", reason="ip_refused") == 4
    assert value(text, "gatepolicy_unknowns", reason="timeout") == 0
    assert value(text, "gatepolicy_violations", severity="critical") == 2
    assert value(text, "gatepolicy_posture_accounts", line="funds", state="bad") == 1
    assert value(text, "gatepolicy_scan_exit_code") == 1
    assert value(text, "gatepolicy_scan_duration_seconds") == 2
    assert value(text, "gatepolicy_last_scan_timestamp_seconds") == FINISHED.timestamp()


def test_an_unknown_is_no_pass() -> None:
    told = verdict(UNBOUND, Outcome.UNKNOWN, "a", reason=Reason.TIMEOUT)
    scan = scan_of(account(subject("mm", "gate", 3), Facts.nothing(Reason.TIMEOUT), (told,)))
    passes = [
        number
        for _, labels, number in samples(rendered(scan))
        if "pass" in labels.values() or "good" in labels.values()
    ]
    assert passes
    assert not any(passes)
    assert value(rendered(scan), GOOD) is None


def test_an_account_counts_by_its_worst_verdict_of_a_control() -> None:
    verdicts = [
        replace(verdict(UNBOUND, outcome, "a", reason=reason), subject=outcome.value)
        for outcome, reason in ((Outcome.PASS, None), (Outcome.UNKNOWN, Reason.TIMEOUT))
    ]
    scan = scan_of(account(subject("mm", "gate", 3), Facts({}, {}), verdicts))
    for outcome, number in (("unknown", 1), ("pass", 0)):
        text = rendered(scan)
        assert value(text, "gatepolicy_control_accounts", verdict=outcome) == number


def test_a_good_scan_is_told_and_outlives_bad_ones() -> None:
    good = rendered(scan_of(passing()))
    assert value(good, COMPLETE) == value(good, GOOD) == FINISHED.timestamp()
    later = timedelta(days=1)
    bad = replace(scan_of(failing()), finished_at=FINISHED + later)
    second = rendered(bad, good)
    assert value(second, GOOD) == FINISHED.timestamp()
    assert value(second, COMPLETE) == (FINISHED + later).timestamp()
    third = rendered(replace(scan_of(refused()), finished_at=FINISHED + 2 * later), second)
    assert value(third, GOOD) == FINISHED.timestamp()
    assert value(third, COMPLETE) == (FINISHED + later).timestamp()
    last = "gatepolicy_last_scan_timestamp_seconds"
    assert value(third, last) == (FINISHED + 2 * later).timestamp()


@pytest.mark.parametrize(
    "scan",
    [
        scan_of(),
        scan_of(refused()),
        replace(scan_of(passing()), interrupted_by=Interruption.SIGTERM),
        replace(scan_of(passing()), narrowing=Narrowing(options=("--account mm",))),
    ],
    ids=["nothing", "unread", "interrupted", "narrowed"],
)
def test_what_is_neither_complete_nor_good(scan: Scan) -> None:
    assert value(rendered(scan), COMPLETE) is None
    assert value(rendered(scan), GOOD) is None


def test_an_exit_code_that_is_softened_is_not_good() -> None:
    scan = scan_of(failing())
    softened = replace(scan, settings=replace(scan.settings, exit_zero=True))
    assert value(rendered(softened), "gatepolicy_scan_exit_code") == 0
    assert value(rendered(softened), GOOD) is None


def test_old_evidence_that_is_judged_again_is_not_new() -> None:
    old = FINISHED - timedelta(days=30)
    text = rendered(replace(scan_of(passing()), evidence_at=old))
    assert value(text, GOOD) == old.timestamp()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ('{scope="accounts"} 12.5', 12.5),
        ('{scope="accounts"} 12', 12.0),
        ('{scope="accounts"} 1.5e+09', 1.5e9),
        ('{scope="others"} 12', None),
        (' 12', None),
        ('{scope="accounts"} 1.2.3', None),
        ('{scope="accounts"} 1e999', None),
        ('{scope="accounts"} -1', None),
        ('{scope="accounts"} 99999999999', None),
        ('{scope="accounts"} NaN', None),
    ],
)  # fmt: skip
def test_what_a_former_file_may_say(told: str, expected: float | None) -> None:
    assert value(rendered(scan_of(failing()), f"{GOOD}{told}\n"), GOOD) == expected


def written(scan: Scan, path: Path) -> str:
    output = Output("prometheus", Destination(str(path)))
    write_reports([output.report(scan, ReportOptions())])
    return path.read_text(encoding="utf-8")


def test_the_file_that_is_replaced_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gatepolicy.prom"
    assert value(written(scan_of(passing()), path), GOOD) == FINISHED.timestamp()
    assert value(written(scan_of(failing()), path), GOOD) == FINISHED.timestamp()
    assert [one.name for one in tmp_path.iterdir()] == ["gatepolicy.prom"]
    # NOTE: whoever collects the file is another user.
    assert path.stat().st_mode & 0o600 == 0o600


def test_a_former_file_that_is_no_text_is_none(tmp_path: Path) -> None:
    path = tmp_path / "gatepolicy.prom"
    path.write_bytes(b"\xff\xfe")
    assert value(written(scan_of(failing()), path), GOOD) is None
    assert Destination(str(tmp_path)).former_text() == ""
    assert Destination("-").former_text() == ""
    assert Destination(str(tmp_path / "missing")).former_text() == ""
