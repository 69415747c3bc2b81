import re
from dataclasses import replace
from time import process_time

from hypothesis import given, settings

from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import AccountResult, Scan
from gatepolicy.model.verdicts import OnUnknown, Outcome
from gatepolicy.reports.text_layout import width_of
from gatepolicy.reports.text_report import Style, render_text
from tests.reports.example_scan import (
    NOT_ALLOWED,
    TOO_OLD,
    UNBOUND,
    WITHDRAW,
    account,
    example_scan,
    failing,
    observed,
    passing,
    refused,
    rest_unknown,
    scan_of,
    subject,
    verdict,
    waived,
)
from tests.reports.strategies import scans

ANSI = re.compile(r"\x1b\[[0-9;]+m")


def text_of(scan: Scan, style: Style | None = None) -> str:
    return "".join(render_text(scan, style=style or Style()))


@settings(max_examples=60, deadline=None)
@given(scans())
def test_no_control_character_of_any_scan_reaches_a_terminal(scan: Scan) -> None:
    plain = text_of(scan, Style(verbose=1))
    assert all(line.isprintable() for line in plain.split("\n"))
    coloured = text_of(scan, Style(verbose=1, colour=True))
    assert [line.rstrip() for line in ANSI.sub("", coloured).split("\n")] == plain.split("\n")


@settings(max_examples=60, deadline=None)
@given(scans())
def test_no_line_is_wider_than_eighty_columns(scan: Scan) -> None:
    assert all(width_of(line) <= 80 for line in text_of(scan, Style(verbose=1)).split("\n"))


def test_a_narrow_terminal_is_taken_as_sixty_columns() -> None:
    assert text_of(example_scan(), Style(width=10)) == text_of(example_scan(), Style(width=60))


def test_a_refused_key_is_told_once_with_its_controls() -> None:
    text = text_of(scan_of(refused()))
    assert text.count("scan from an address that the key allows") == 1
    assert text.count("ip_refused") == 1
    assert "GP004 permission-not-allowed (trade.options, loan)" in text
    assert "blocking  GP001 withdrawal-enabled (withdraw)" in text


def test_several_reasons_of_one_account_are_told_apart() -> None:
    mixed = account(
        subject("mixed", "gate", 2),
        Facts.nothing(Reason.TIMEOUT),
        (
            verdict(WITHDRAW, Outcome.UNKNOWN, "a", reason=Reason.TIMEOUT),
            verdict(UNBOUND, Outcome.UNKNOWN, "b", reason=Reason.NOT_DISCLOSED,
                    on_unknown=OnUnknown.WARN),
        ),
    )  # fmt: skip
    text = text_of(scan_of(mixed))
    who = "  accounts  mixed (conf/accounts.yaml:2)\n"
    assert f"? unknown timeout on gate\n{who}  required  GP001 withdrawal-enabled\n" in text
    assert f"? unknown not_disclosed on gate\n{who}  warning   GP010 ip-unbound\n" in text
    assert text.index("unknown timeout") < text.index("unknown not_disclosed")


def test_the_same_gap_of_many_accounts_is_told_once() -> None:
    def silent(number: int, exchange: str) -> AccountResult:
        asked = [
            verdict(NOT_ALLOWED, Outcome.UNKNOWN, "a", subject=word, reason=Reason.TIMEOUT)
            for word in ("a", "b", "c", "d", "e", "f")
        ]
        return account(subject(f"s{number}", exchange, 1), Facts.nothing(Reason.TIMEOUT), asked)

    scan = scan_of(*(silent(number, "okx") for number in range(15)), silent(99, "gate"))
    text = text_of(scan)
    assert text.count("? unknown timeout on okx") == 1
    assert text.count("? unknown timeout on gate") == 1
    assert "accounts  s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11 and 3 more\n" in text
    assert "permission-not-allowed (a, b, c, d and 2 more)\n" in text
    assert "s13, s14\n" in text_of(scan, Style(verbose=1))


def test_the_fix_is_that_of_the_exchange() -> None:
    text = text_of(scan_of(failing()))
    assert "fix       profile icon → API Management → edit the key: untick Withdraw." in text


def second_gate() -> AccountResult:
    fails = (verdict(WITHDRAW, Outcome.FAIL, "no", "yes"),)
    return account(subject("second-gate", "gate", 50), rest_unknown({}), fails)


def test_why_and_fix_are_told_once_for_each_rule_and_exchange() -> None:
    text = text_of(scan_of(failing(), second_gate()))
    assert text.count("untick Withdraw") == 1
    assert "why, fix  as for mm-gate above" in text


def test_verbose_tells_why_and_fix_every_time() -> None:
    text = text_of(scan_of(failing(), second_gate()), Style(verbose=1))
    assert text.count("untick Withdraw") == 2
    assert "as for" not in text


def test_two_policies_that_ask_the_same_share_a_finding() -> None:
    text = " ".join(text_of(scan_of(failing())).split())
    assert "policy baseline (policies/baseline.yaml:9), desk (policies/baseline.yaml:21)" in text


def test_findings_of_an_account_begin_with_the_worst() -> None:
    fails = (
        verdict(NOT_ALLOWED, Outcome.FAIL, "no loans", "loans", subject="loan"),
        verdict(WITHDRAW, Outcome.FAIL, "no", "yes"),
    )
    text = text_of(scan_of(account(subject("a", "gate", 1), rest_unknown({}), fails)))
    assert text.index("✗ FAIL critical") < text.index("✗ FAIL high")


def test_a_passing_account_is_one_line() -> None:
    text = text_of(scan_of(passing("clean-one")))
    assert [line for line in text.split("\n") if "clean-one" in line] == [
        "clean-one  binance   ✓ pass    - n/a"
    ]


def test_a_waived_fail_is_still_shown() -> None:
    text = text_of(scan_of(waived()))
    assert "~ waived  vault-bybit: GP001 withdrawal-enabled (withdraw); it can" in text


def fleet(passing_accounts: int) -> Scan:
    return scan_of(failing(), *(passing(f"clean-{n}", n + 1) for n in range(passing_accounts)))


def test_a_large_fleet_shows_the_accounts_with_something_to_say() -> None:
    text = text_of(fleet(10_000))
    assert "mm-gate" in text
    assert "clean-" not in text
    assert "10,000 accounts pass and are not shown (-v shows all)." in text
    assert "10,001 accounts: 10,000 pass, 1 with violations." in text


def test_one_hidden_account_is_told_in_the_singular() -> None:
    many = [waived() for _ in range(50)]
    assert "1 account passes and is not shown" in text_of(scan_of(passing(), *many))


def test_verbose_shows_every_account_and_every_verdict() -> None:
    text = text_of(fleet(60), Style(verbose=1))
    assert "not shown" not in text
    assert all(f"\nclean-{number} " in text for number in range(60))
    assert text.count("✓ pass    GP001 withdrawal-enabled (withdraw)") == 60


def test_a_large_fleet_that_passes_has_no_table() -> None:
    text = text_of(scan_of(*(passing(f"clean-{n}") for n in range(51))))
    assert "51 accounts pass and are not shown" in text
    assert "exchange" not in text


def test_an_empty_scan_does_not_look_like_a_clean_one() -> None:
    text = text_of(scan_of())
    assert "No account was scanned." in text
    assert "Exit code 4: nothing evaluated" in text


def test_an_account_about_which_nothing_was_asked_is_no_pass() -> None:
    silent = account(subject("silent-one", "gate", 3), Facts.nothing(Reason.NOT_DISCLOSED), ())
    text = text_of(scan_of(passing(), silent))
    assert "2 accounts: 1 pass, 1 not checked." in text
    assert [line.split() for line in text.split("\n") if "silent-one" in line] == [
        ["silent-one", "gate"]
    ]
    many = [passing(f"clean-{number}") for number in range(60)]
    assert "silent-one" in text_of(scan_of(*many, silent))


def test_an_unknown_beside_passes_never_looks_like_a_pass() -> None:
    for on_unknown in OnUnknown:
        mixed = account(
            subject("mixed", "gate", 3),
            Facts.nothing(Reason.NOT_DISCLOSED),
            (
                verdict(UNBOUND, Outcome.PASS, "a", "b"),
                verdict(UNBOUND, Outcome.UNKNOWN, "a", reason=Reason.NOT_DISCLOSED,
                        on_unknown=on_unknown),
            ),
        )  # fmt: skip
        text = text_of(scan_of(mixed))
        assert "mixed    gate      ? unknown\n" in text
        assert "✓" not in text
        assert "1 account: 1 pass" not in text
        many = [passing(f"clean-{number}") for number in range(60)]
        assert "mixed    gate      ? unknown\n" in text_of(scan_of(*many, mixed))


def test_a_long_name_of_an_exchange_stays_within_the_width() -> None:
    reason = Reason.UNSUPPORTED_EXCHANGE
    asked = verdict(WITHDRAW, Outcome.UNKNOWN, "a", reason=reason)
    far = account(subject("far", "x" * 300, 3), Facts.nothing(reason), (asked,))
    for verbose in (0, 1):
        lines = text_of(scan_of(far), Style(verbose=verbose)).split("\n")
        assert max(map(width_of, lines)) == 80


def test_a_scan_without_policies_says_so() -> None:
    scan = Scan(**{**{f: getattr(scan_of(), f) for f in Scan.__slots__}, "policies": ()})
    assert "policies  none" in text_of(scan)


def test_colour_marks_and_words_say_the_same() -> None:
    coloured = text_of(example_scan(), Style(colour=True))
    assert "\x1b[1;31m✗ FAIL" in coloured.replace("  ✗", "✗")
    assert "\x1b" not in text_of(example_scan())


def test_long_names_are_cut_and_the_exchange_gives_way_first() -> None:
    every = (
        verdict(WITHDRAW, Outcome.UNKNOWN, "a", reason=Reason.TIMEOUT),
        verdict(UNBOUND, Outcome.UNKNOWN, "b", reason=Reason.TIMEOUT),
        verdict(NOT_ALLOWED, Outcome.UNKNOWN, "c", reason=Reason.TIMEOUT),
        verdict(TOO_OLD, Outcome.UNKNOWN, "d", reason=Reason.TIMEOUT),
    )
    name = "market-making-account-of-the-european-desk-number-one"
    scan = scan_of(account(subject(name, "hyperliquid", 1), Facts.nothing(Reason.TIMEOUT), every))
    wide = text_of(scan).split("\n")[3]
    assert "exchange" in wide
    narrow = text_of(scan, Style(width=60)).split("\n")
    assert "exchange" not in narrow[3]
    assert narrow[4].startswith("market-making… ")


def test_a_name_of_400_000_characters_costs_a_moment() -> None:
    result = failing()
    facts = result.evidence.facts.learn("key.name", observed("x" * 400_000, "/name"))
    named = replace(result, evidence=replace(result.evidence, facts=facts))
    before = process_time()
    text = text_of(scan_of(named), Style(verbose=1))
    assert process_time() - before < 10
    assert len(text) > 400_000
