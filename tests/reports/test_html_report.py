"""The HTML page as text: what it says, what it may do, and what it holds."""

import json
import re
import tracemalloc
from base64 import b64encode
from collections import deque
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings

from gatepolicy.model.encoding import encode_time
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import (
    Absent,
    BaselineState,
    Comparison,
    Drift,
    FactChange,
    Gone,
    Narrowing,
    Scan,
    question_identity,
)
from gatepolicy.model.scan import finding_identity as identity_of
from gatepolicy.model.trend import AccountCounts, Trend
from gatepolicy.model.verdicts import OnUnknown, Outcome
from gatepolicy.reports.clean import clean
from gatepolicy.reports.html_data import controls_of, matrix_row, page_data
from gatepolicy.reports.html_report import STATIC_ROWS, asked_of, render_html, urgent
from gatepolicy.reports.html_trend import point_of, shown_trend
from gatepolicy.reports.json_report import render_json
from gatepolicy.rules.catalog import load_frameworks
from tests.reports.example_scan import example_scan, passing, scan_of, silent
from tests.reports.page import HOSTILE, fleet, hostile_scan, page_of, signed_off, trend_to
from tests.reports.strategies import whole_scans


class Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def data_of(html: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found is not None
    return json.loads(found[1])


def test_the_first_screen_says_whether_funds_can_leave_and_whose_key_it_is() -> None:
    head = Page(page_of(example_scan())).text.split("Posture")[0]
    assert "Funds can leave 1 of 5 accounts" in head
    assert "mm-gate" in head
    assert "Exit code 1" in head


@pytest.mark.parametrize(
    ("outcomes", "headline"),
    [
        ({}, "Funds can leave no account"),
        ({Outcome.PASS: Outcome.NOT_APPLICABLE}, "No policy checks whether funds can leave"),
    ],
)
def test_the_headline_never_says_more_than_was_proved(
    outcomes: dict[Outcome, Outcome], headline: str
) -> None:
    account = passing()
    verdicts = tuple(
        replace(verdict, outcome=outcomes.get(verdict.outcome, verdict.outcome))
        for verdict in account.verdicts
    )
    page = Page(page_of(scan_of(replace(account, verdicts=verdicts))))
    assert headline in page.text


def test_an_unknown_is_in_the_headline() -> None:
    scan = example_scan()
    unknown = next(one for one in scan.accounts if one.evidence.subject.exchange == "okx")
    assert (
        "It is unknown whether funds can leave 1 of 1 account"
        in Page(page_of(replace(scan, accounts=[unknown]))).text
    )


def test_a_waiver_does_not_make_funds_stay() -> None:
    waived = next(a for a in example_scan().accounts if a.evidence.subject.exchange == "bybit")
    page = Page(page_of(scan_of(passing(), waived)))
    assert "Waivers accept that funds can or may leave 1 of 2 accounts" in page.text
    assert "Funds can leave no account" not in page.text


def test_one_that_is_not_checked_keeps_the_headline_from_saying_no_account() -> None:
    page = Page(page_of(scan_of(passing(), replace(passing("other"), verdicts=()))))
    assert "Funds can leave no account for which this is proved: 1 of 2" in page.text


def test_only_its_own_style_and_script_may_run_and_nothing_may_load() -> None:
    html = page_of(example_scan())
    page = Page(html)
    policy = next(
        attributes["content"]
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    script = re.search(r"<script>(.*?)</script>", html, re.S)
    assert style is not None
    assert script is not None
    hashes = [
        f"'sha256-{b64encode(sha256(part[1].encode()).digest()).decode()}'"
        for part in (style, script)
    ]
    assert policy == (
        f"default-src 'none'; style-src {hashes[0]}; script-src {hashes[1]};"
        " base-uri 'none'; form-action 'none'"
    )
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "base")
        assert not [name for name in attributes if name in ("src", "style") or name[:2] == "on"]
        assert (attributes.get("href") or "#").startswith("#")
    assert "eval(" not in script[1]
    assert "innerHTML" not in script[1]


def test_hostile_names_are_text() -> None:
    html = page_of(hostile_scan())
    page = Page(html)
    assert [tag for tag, _ in page.elements if tag == "img"] == []
    assert html.count("</script>") == 2
    assert "\u202e" not in html
    assert data_of(html)["accounts"][0][0] == HOSTILE[0]
    assert all(name in page.text for name in HOSTILE[:1] + HOSTILE[2:])
    assert r"exe.\u202etxt" in page.text


def test_the_page_names_the_digest_of_the_json_report() -> None:
    scan = example_scan()
    assert sha256("".join(render_json(scan)).encode()).hexdigest() in page_of(scan)


def test_without_a_script_the_first_rows_are_there() -> None:
    page = Page(page_of(fleet(STATIC_ROWS + 1)))
    assert f"bot-{STATIC_ROWS - 1:05}" in page.text
    assert f"The first {STATIC_ROWS} of {STATIC_ROWS + 1} accounts." in page.text


def test_what_blocks_is_grouped_by_rule_and_exchange_the_worst_first() -> None:
    scan = fleet(10)
    problems = list(urgent(scan))
    ranks = [(not problem.is_proved, problem.severity.rank) for problem in problems]
    assert ranks == sorted(ranks)
    blocking = sum(v.blocks for account in scan.accounts for v in account.verdicts)
    assert sum(len(case.verdicts) for one in problems for case in one.cases) == blocking
    first = problems[0]
    assert (first.rule.name, first.exchange) == ("withdrawal-enabled", "gate")
    assert [case.subject.id for case in first.cases] == ["bot-00000", "bot-00005"]


def test_a_pass_has_nothing_to_act_on() -> None:
    told = "No account has a violation or a blocking unknown."
    text = Page(page_of(scan_of(passing()))).text.split("Act now", 2)[2].split("Matrix")[0]
    assert text.strip() == told


def test_accounts_that_could_not_be_read_are_no_quiet_page() -> None:
    lost = passing()
    evidence = replace(lost.evidence, facts=Facts.nothing(Reason.TIMEOUT), calls=())
    verdicts = [
        replace(one, outcome=Outcome.UNKNOWN, reason=Reason.TIMEOUT, on_unknown=OnUnknown.WARN)
        for one in lost.verdicts
    ]
    text = Page(page_of(scan_of(replace(lost, evidence=evidence, verdicts=verdicts)))).text
    assert "Exit code 4" in text.split("Act now", 2)[2].split("Matrix")[0]


def test_a_cell_shows_the_worst_of_a_control() -> None:
    account = passing()
    controls = controls_of(scan_of(account))
    failed = replace(account.verdicts[0], outcome=Outcome.FAIL)
    row = matrix_row(replace(account, verdicts=[*account.verdicts, failed]), controls)
    column = [control.id for control in controls].index(failed.rule)
    assert row.cells[column] == "f"
    assert (row.verdict, row.severity) == ("violation", failed.severity)


def test_each_account_has_one_result() -> None:
    scan = example_scan()
    controls = controls_of(scan)
    assert [matrix_row(one, controls).verdict for one in scan.accounts] == [
        "violation", "blocking", "violation", "pass", "pass",
    ]  # fmt: skip
    assert matrix_row(replace(passing(), verdicts=()), controls).verdict == "unchecked"
    [unknown] = [one for one in silent().verdicts if one.outcome is Outcome.UNKNOWN]
    left_open = replace(silent(), verdicts=[replace(unknown, is_verifiable=True)])
    assert matrix_row(left_open, controls).verdict == "warning"


def test_requests_are_counted_by_exchange() -> None:
    asked = {one.exchange: one for one in asked_of(example_scan())}
    assert sorted(asked) == ["binance", "bybit", "gate", "kucoin", "okx"]
    assert all(count >= failed for one in asked.values() for _, count, failed in one.requests)
    assert asked["kucoin"].undisclosed[0].startswith("key-too-old: ")


def since(scan: Scan) -> Scan:
    """The example, compared with an earlier scan."""
    account = scan.accounts[0]
    subject, verdict = account.evidence.subject, account.verdicts[0]
    identity = identity_of(verdict.rule, subject.exchange, subject.id, verdict.subject)
    question = question_identity(identity, verdict.policy, verdict.expected)
    gone = scan.as_findings()[1]
    return replace(
        scan,
        drift=Drift(
            "last.json",
            {question: Comparison(BaselineState.UPDATED, is_worse=True, why=("it was unknown",))},
            [
                Absent(gone, Gone.PASSES),
                Absent(replace(gone, account="", exchange=""), Gone.NOT_ASKED),
            ],
            [
                FactChange(
                    "permission-escalated", True, "gate", "mm-gate", "withdraw", "no", "yes"
                ),
                FactChange("address-removed", False, "gate", "mm-gate", "ip", "", ""),
            ],
        ),
    )


def test_changes_since_an_earlier_scan_are_told() -> None:
    text = Page(page_of(since(example_scan()))).text
    told = text.split("Changed since", 2)[2].split("Matrix")[0]
    for part in ("last.json", "it was unknown", "passes", "permission-escalated", "no", "yes"):
        assert part in told
    empty = replace(example_scan(), drift=Drift("last.json", {}, (), ()))
    assert "Nothing changed." in Page(page_of(empty)).text


def section(html: str, name: str) -> str:
    """The text of one section."""
    start = html.index(f'<section id="{name}"')
    return Page(html[start : html.index("</section>", start)]).text


def test_without_a_history_there_is_no_trend_and_without_reviewers_no_decision() -> None:
    html = page_of(example_scan())
    assert 'id="trend"' not in html
    assert 'href="#trend"' not in html
    assert "Decisions of reviewers" not in html
    assert "<dt>Sign-off</dt>" not in html


def test_the_trend_is_a_picture_and_a_table() -> None:
    scan = example_scan()
    html = page_of(scan, trend=trend_to(scan))
    text = section(html, "trend")
    assert "this one is the last, after 29 others" in text
    rows = re.findall(
        r"(\S+Z)((?: this scan| narrowed| interrupted)?) (\d+) (\d+) (\d+) (\d+)", text
    )
    assert len(rows) == 30
    assert rows[0] == (encode_time(scan.started_at), " this scan", "1", "2", "2", "1")
    day_before = encode_time(scan.started_at - timedelta(days=1))
    assert rows[1] == (day_before, "", "1", "9", "1", "1")
    assert [said for _, said, *_ in rows if said] == [" this scan", " narrowed", " interrupted"]
    assert "older critical 0 0 2 0 0 high 1 0 0 0 0 low 1 0 0 0 0 Time to fix" in text
    assert "critical 3 2.5 days 1.0 days high 1,200 9.0 days 8.0 days" in text
    pale = re.findall(r'class="(?:f-|level-)\w+ pale" x="(\d+)"', html)
    assert set(pale) == {"241", "181"}


def test_the_first_scan_of_a_history_says_so() -> None:
    scan = example_scan()
    only = Trend((point_of(scan),), {}, ())
    text = section(page_of(scan, trend=only), "trend")
    assert "The history has no earlier scan of this inventory." in text
    assert "The numbers of 1 scan " in text
    assert "Time to fix" not in text


def test_bars_stand_on_each_other_and_the_longest_has_the_whole_height() -> None:
    scan = scan_of(passing(), passing("b"), example_scan().accounts[0])
    before = replace(point_of(scan), accounts=AccountCounts(1, 0, 0))
    charts = shown_trend(scan, Trend((before, point_of(scan)), {}, ())).charts
    assert [(one.title, one.most, one.width) for one in charts] == [
        ("Accounts", 3, 20),
        ("Violations", sum(point_of(scan).violations.values()), 20),
    ]
    parts = [(one.style, one.x, one.y, one.height, one.label) for one in charts[0].parts]
    on = scan.started_at.date()
    assert parts == [
        ("f-p", 0, 66.667, 33.333, f"{on}: 1 pass"),
        ("f-f", 10, 66.667, 33.333, f"{on}: 1 with violations"),
        ("f-p", 10, 0.0, 66.667, f"{on}: 2 pass"),
    ]


def test_nothing_to_count_draws_nothing() -> None:
    empty = scan_of()
    shown = shown_trend(empty, Trend((point_of(empty),), {}, ()))
    assert [(one.most, list(one.parts)) for one in shown.charts] == [(0, []), (0, [])]
    assert shown.ages == ()
    assert "Violations by age" not in page_of(empty, trend=Trend((point_of(empty),), {}, ()))


@pytest.mark.parametrize(
    ("age", "column"),
    [(None, 0), (0, 0), (1, 1), (7, 1), (8, 2), (30, 2), (31, 3), (90, 3), (91, 4)],
)
def test_each_violation_has_an_age(age: int | None, column: int) -> None:
    scan = scan_of(example_scan().accounts[0])
    failing = [one for one in scan.as_findings() if one.outcome is Outcome.FAIL]
    since = (
        {}
        if age is None
        else {one.identity: scan.started_at - timedelta(days=age) for one in failing}
    )
    found = shown_trend(scan, Trend((point_of(scan),), since, ())).ages
    assert sum(sum(one.counts) for one in found) == len(failing)
    assert all(one.counts[column] == sum(one.counts) for one in found)


def test_a_violation_of_the_scan_itself_has_an_age_too() -> None:
    scan = example_scan()
    about = replace(scan.accounts[0].verdicts[0], outcome=Outcome.FAIL, subject="x")
    scan = replace(scan_of(), general=[about])
    since = {identity_of(about.rule, "", "", "x"): scan.started_at - timedelta(days=8)}
    (ages,) = shown_trend(scan, Trend((point_of(scan),), since, ())).ages
    assert (ages.severity, ages.counts) == (about.severity, [0, 0, 1, 0, 0])


@pytest.mark.parametrize("verified", [True, False])
def test_a_decision_is_shown_with_what_is_known_of_its_signature(verified: bool) -> None:
    html = page_of(example_scan(), sign_offs=signed_off("Jane Doe", verified=verified))
    text = section(html, "sign-off")
    assert text.count("✓ verified with jane.pub.pem") == (3 if verified else 0)
    assert ("✓ verified with signing.pub.pem" in text) is verified
    assert text.count("? not verified") == (0 if verified else 7)
    for mark, decision in (("✗", "rejected"), ("!", "accepted with conditions"), ("✓", "accepted")):
        assert (
            f"{mark} {decision} by Jane Doe 2026-11-24T09:30:00Z Comment: Jane Doe" in text
        ) is verified
        assert (f"? not verified: “{decision}” by Jane Doe" in text) is not verified
    assert text.count("no second person") == 1
    head = Page(html).text.split("Posture")[0]
    assert ("Sign-off accepted" in head) is verified
    assert ("Sign-off not verified" in head) is not verified


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("verified", [True, False])
def test_what_a_reviewer_says_is_text(name: str, verified: bool) -> None:
    html = page_of(example_scan(), sign_offs=signed_off(name, verified=verified))
    plain = Page(page_of(example_scan(), sign_offs=signed_off("Jane Doe", verified=verified)))
    assert [tag for tag, _ in Page(html).elements] == [tag for tag, _ in plain.elements]
    assert "\u202e" not in html
    assert clean(name) in Page(html).text


def test_waivers_that_expire_soon_are_on_a_timeline() -> None:
    scan = example_scan()
    today = scan.finished_at.date()

    def ending(days: int) -> Scan:
        waivers = [
            replace(one, terms=replace(one.terms, expires=today + timedelta(days=days)))
            for one in scan.waivers[:1]
        ]
        return replace(scan, waivers=waivers)

    assert "in 90 days" in Page(page_of(ending(90))).text
    assert "in 1 day ·" in Page(page_of(ending(1))).text
    assert "that expire in the next" not in Page(page_of(ending(91))).text
    assert "that expire in the next" not in Page(page_of(ending(-1))).text
    assert date.fromisoformat(today.isoformat()) == today


def test_what_was_left_out_and_how_it_ended_are_in_the_first_screen() -> None:
    narrowed = replace(
        example_scan(),
        narrowing=Narrowing(("--account mm-*",), (), 3, 8),
        evidence_at=example_scan().started_at,
    )
    text = Page(page_of(narrowed)).text
    assert "Narrowed by --account mm-*" in text.split("Posture")[0]
    assert "Oldest evidence" in text


def test_controls_that_only_policies_name_are_listed() -> None:
    scan = example_scan()
    rule = replace(scan.rules[0], tags=("custom", "House rule 7"))
    text = Page(page_of(replace(scan, rules=[rule, *scan.rules[1:]]))).text
    assert "House rule 7" in text.split("Other controls", 1)[1]


def test_texts_are_in_the_data_once() -> None:
    small, large = (
        json.loads("".join(page_data(fleet(count), controls_of(fleet(count)))))
        for count in (5, 100)
    )
    assert len(large["texts"]) == len(set(large["texts"]))
    assert large["verdicts"] == small["verdicts"]


def test_a_page_of_many_accounts_is_made_piece_by_piece() -> None:
    scan, frameworks = fleet(500), load_frameworks()
    # What is read once is in memory then.
    deque(render_html(example_scan(), frameworks=frameworks), maxlen=0)
    tracemalloc.start()
    try:
        deque(render_html(scan, frameworks=frameworks), maxlen=0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000 * len(scan.accounts)


@settings(max_examples=30)
@given(scan=whole_scans())
def test_no_pass_is_shown_without_proof(scan: Scan) -> None:
    controls = controls_of(scan)
    for account in scan.accounts:
        row = matrix_row(account, controls)
        by_rule: dict[str, list[Outcome]] = {}
        for verdict in account.verdicts:
            by_rule.setdefault(verdict.rule, []).append(verdict.outcome)
        for control, cell in zip(controls, row.cells, strict=True):
            outcomes = by_rule.get(control.id, [])
            assert (cell == "p") is (
                Outcome.PASS in outcomes and set(outcomes) <= {Outcome.PASS, Outcome.NOT_APPLICABLE}
            )
        if row.verdict == "pass":
            assert not any(verdict.blocks for verdict in account.verdicts)
            assert account.evidence.unread is None
