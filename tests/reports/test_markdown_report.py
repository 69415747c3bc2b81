"""Markdown: what comes from outside stays text, the worst comes first, and it always fits."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import AccountResult, Interruption, Narrowing, Scan, ScanSettings
from gatepolicy.model.verdicts import OnUnknown, Outcome
from gatepolicy.reports.markdown_report import GITHUB_COMMENT_LIMIT, code, render_markdown
from tests.reports.example_scan import (
    BAD_NAME,
    UNBOUND,
    WITHDRAW,
    account,
    example_scan,
    passing,
    scan_of,
    silent,
    subject,
    verdict,
)
from tests.reports.strategies import scans

markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")

HOSTILE = (
    "a | b",
    "a \\| b",
    "a \\\\| b",
    "`@admin`",
    "``` x",
    "@everyone",
    "[x](https://evil.example)",
    "![x](https://evil.example/a.png)",
    "<img src=x onerror=alert(1)>",
    "</details><script>alert(1)</script>",
    "https://evil.example www.evil.example",
    "a\n\n# all pass",
    "* x _y_ ~~z~~ &lt;b&gt;",
    " ",
    "`",
    "|",
    "\\",
)
ODD = st.one_of(st.sampled_from(HOSTILE), st.text("`|\\ a<@", max_size=8))


def markdown_of(scan: Scan) -> str:
    return "".join(render_markdown(scan))


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Type and text of everything that a reader of Markdown sees."""
    for block in markdown_it.MarkdownIt("commonmark").enable("table").parse(text):
        yield block.type, block.content if block.type != "inline" else ""
        for part in block.children or ():
            yield part.type, part.content


PLAIN = {
    "heading_open", "heading_close", "inline", "text", "paragraph_open", "paragraph_close",
    "table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close",
    "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close", "code_inline",
    "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close", "strong_open",
    "strong_close",
}  # fmt: skip


def failing_account(name: str) -> AccountResult:
    told = verdict(WITHDRAW, Outcome.FAIL, name, name, subject=name, policy=name)
    open_still = verdict(UNBOUND, Outcome.UNKNOWN, name, reason=Reason.TIMEOUT, policy=name)
    waived = verdict(BAD_NAME, Outcome.WAIVED, name, name, policy=name)
    return account(
        subject(name, name, 3, name), Facts(), (told, replace(open_still, needed=name), waived)
    )


def hostile_scan(name: str) -> Scan:
    return replace(scan_of(failing_account(name)), warnings=(name,))


@settings(max_examples=50)
@given(name=ODD.filter(str.strip))
def test_a_hostile_text_is_code_and_stays_in_its_cell(name: str) -> None:
    seen, plain = (list(tokens(markdown_of(hostile_scan(text)))) for text in (name, "plain"))
    assert [kind for kind, _ in seen] == [kind for kind, _ in plain]
    assert [text for kind, text in seen if kind == "text"] == [
        text for kind, text in plain if kind == "text"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "`plain`"),
        ("", ""),
        ("  ", ""),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        ("a``b", "```a``b```"),
        (" a", "` a`"),
        (" a ", "`  a  `"),
        ("a|b", "`a\\|b`"),
        ("a\\|b", "`a\\\\\\|b`"),
        ("a\nb", "`a\\x0ab`"),
        ("x" * 121, f"`{'x' * 119}…`"),
    ],
)
def test_a_code_span(text: str, expected: str) -> None:
    assert code(text) == expected


@settings(max_examples=30)
@given(scan=scans())
def test_any_scan_fits_and_holds_no_link(scan: Scan) -> None:
    text = markdown_of(scan)
    assert len(text) <= GITHUB_COMMENT_LIMIT
    assert {kind for kind, _ in tokens(text)} <= PLAIN


def fleet(count: int) -> Scan:
    names = [f"account-{number:05}-{'x' * 60}" for number in range(count)]
    low = [
        account(
            subject(name, "gate", number + 1),
            Facts(),
            (verdict(BAD_NAME, Outcome.FAIL, f"expected of {name}", "it is not"),),
        )
        for number, name in enumerate(names)
    ]
    worst = verdict(WITHDRAW, Outcome.FAIL, "the key cannot withdraw", "it can", subject="withdraw")
    return scan_of(*low, account(subject("worst", "okx", 9), Facts(), (worst,)))


def test_what_does_not_fit_is_told_and_the_worst_is_kept() -> None:
    text = markdown_of(fleet(1_000))
    assert len(text) <= GITHUB_COMMENT_LIMIT
    assert "`worst`" in text
    kept = text.count("| ✗ low |")
    assert f"**Left out**, since no more fits here: {1_000 - kept:,} of 1,001 rows of" in text
    assert text.index("`worst`") < text.index("✗ low")


def test_a_section_without_room_is_left_out_whole() -> None:
    text = "".join(render_markdown(example_scan(), limit=2_000))
    assert "### Warnings" not in text
    assert "1 of 1 warnings" in text


def test_many_accounts_with_the_same_finding_are_one_row() -> None:
    told = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can", subject="withdraw")
    text = markdown_of(
        scan_of(*(account(subject(f"mm-{n}", "gate", n), Facts(), (told,)) for n in range(1, 16)))
    )
    assert text.count("✗ **critical**") == 1
    assert "`mm-10` and 5 more |" in text
    assert "`mm-11`" not in text


def test_options_that_soften_do_not_soften_the_heading() -> None:
    told = verdict(WITHDRAW, Outcome.FAIL, "it cannot", "it can", subject="withdraw")
    scan = scan_of(
        account(subject("mm", "gate", 3), Facts(), (told,)), settings=ScanSettings(exit_zero=True)
    )
    assert markdown_of(scan).startswith("## gatepolicy: violations or blocking unknowns\n")
    assert "Exit code 0 because of --exit-zero" in markdown_of(scan)


def test_headings() -> None:
    assert markdown_of(scan_of(passing())).startswith("## gatepolicy: no violation\n")
    assert markdown_of(scan_of()).startswith("## gatepolicy: nothing evaluated\n")
    open_still = verdict(UNBOUND, Outcome.UNKNOWN, "x", reason=Reason.TIMEOUT)
    scan = scan_of(account(subject("mm", "gate", 3), Facts(), (open_still,)), passing())
    assert markdown_of(scan).startswith("## gatepolicy: incomplete\n")
    broken = replace(scan_of(passing()), has_broken_baseline=True)
    assert markdown_of(broken).startswith("## gatepolicy: not complete\n")


def test_what_an_exchange_never_discloses_is_told_apart() -> None:
    text = markdown_of(scan_of(silent()))
    assert "| ? warning | `not_verifiable` | `kucoin` | `GP020` `key-too-old` |" in text


def test_a_blocking_unknown_stands_first_among_the_unknowns() -> None:
    text = markdown_of(example_scan())
    assert text.index("✗ **blocking**") < text.index("? required") < text.index("? warning")


def test_an_account_about_which_nothing_was_asked_is_told() -> None:
    scan = scan_of(passing(), account(subject("idle", "gate", 3), Facts(), ()))
    assert "### Nothing was checked\n\n- `idle` on `gate`\n" in markdown_of(scan)


def test_a_narrowed_and_an_interrupted_scan_say_so() -> None:
    scan = replace(
        scan_of(passing()),
        narrowing=Narrowing(options=("--account x`|y",), accounts=3, of_accounts=4),
        interrupted_by=Interruption.SIGTERM,
    )
    text = markdown_of(scan)
    assert "``Narrowed by --account x`\\|y; left out: 3 of 4 accounts.``" in text
    assert "Interrupted by SIGTERM: 1 of 1 accounts were read; the others are unknown." in text


def test_an_unknown_is_no_pass() -> None:
    warned = verdict(
        UNBOUND, Outcome.UNKNOWN, "x", reason=Reason.TIMEOUT, on_unknown=OnUnknown.WARN
    )
    text = markdown_of(scan_of(account(subject("mm", "gate", 3), Facts(), (warned,))))
    assert "| has an IP allowlist | 0 | 1 | 0 | 0 | 0 |" in text
