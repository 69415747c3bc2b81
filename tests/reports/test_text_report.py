import re
from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given, settings

from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Facts, Reason
from gatepolicy.model.scan import AccountResult, ExitCode, Interruption, Scan, ScanSettings
from gatepolicy.model.verdicts import OnUnknown, Outcome
from gatepolicy.reports.text_layout import width_of
from gatepolicy.reports.text_report import Style, render_text
from tests.reports.example_scan import (
    BAD_NAME,
    NO_ACCOUNTS,
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
    silent,
    subject,
    verdict,
    waived,
)
from tests.reports.strategies import scans

ANSI = re.compile(r"\x1b\[[0-9;]+m")


def text_of(scan: Scan, style: Style | None = None) -> str:
    return "".join(render_text(scan, style=style or Style()))


@settings(max_examples=30, deadline=None)
@given(scans())
def test_no_control_character_of_any_scan_reaches_a_terminal(scan: Scan) -> None:
    plain = text_of(scan, Style(verbose=1))
    assert all(line.isprintable() for line in plain.split("\n"))
    coloured = text_of(scan, Style(verbose=1, colour=True))
    assert [line.rstrip() for line in ANSI.sub("", coloured).split("\n")] == plain.split("\n")


@settings(max_examples=30, deadline=None)
@given(scans())
def test_no_line_is_wider_than_eighty_columns(scan: Scan) -> None:
    assert all(width_of(line) <= 80 for line in text_of(scan, Style(verbose=1)).split("\n"))


def test_a_narrow_terminal_is_taken_as_sixty_columns() -> None:
    assert text_of(example_scan(), Style(width=10)) == text_of(example_scan(), Style(width=60))


def test_a_refused_key_is_told_once() -> None:
    text = text_of(scan_of(refused()))
    assert text.count("東京-okx-市場: scan from an address that the key allows\n") == 1
    assert "? ip_refused  okx              1         4  blocking\n" in text
    assert "1 account could not be read, which leaves 1 blocking unknown: 東京-okx-市場\n" in text
    assert "0 violations, 1 passed." in text


def test_several_reasons_of_one_account_are_told_apart() -> None:
    mixed = account(
        subject("mixed", "gate", 2),
        passing().evidence.facts,
        (
            verdict(WITHDRAW, Outcome.UNKNOWN, "a", reason=Reason.TIMEOUT),
            verdict(UNBOUND, Outcome.UNKNOWN, "b", reason=Reason.NOT_DISCLOSED,
                    on_unknown=OnUnknown.WARN),
        ),
    )  # fmt: skip
    text = text_of(scan_of(mixed))
    assert (
        "  reason         exchange  accounts  controls  effect\n"
        "? timeout        gate             1         1  required\n"
        "    GP001 withdrawal-enabled on mixed: scan again, or raise the account's\n"
        "    timeout\n"
        "? not_disclosed  gate             1         1  warning\n"
        "    GP010 ip-unbound on mixed: check it by hand on the exchange's web page\n"
    ) in text


def left_open(number: int, exchange: str, words: str = "abcdef") -> AccountResult:
    asked = [
        verdict(NOT_ALLOWED, Outcome.UNKNOWN, "a", subject=word, reason=Reason.TIMEOUT)
        for word in words
    ]
    return account(subject(f"s{number}", exchange, 1), passing().evidence.facts, asked)


def test_the_same_gap_of_many_accounts_is_told_once() -> None:
    scan = scan_of(*(left_open(number, "okx") for number in range(15)), left_open(99, "gate"))
    text = text_of(scan)
    assert text.count("? timeout  okx             15        90  required\n") == 1
    assert text.count("? timeout  gate             1         6  required\n") == 1
    assert "GP004 permission-not-allowed (a, b, c, d and 2 more) on 16 accounts: scan" in text
    assert "s13" not in text.partition("Not proved")[2]
    assert "s13, s14, s99:" in " ".join(text_of(scan, Style(verbose=1)).split())


def test_many_gaps_of_one_reason_are_told_as_a_number() -> None:
    asked = [
        replace(verdict(NOT_ALLOWED, Outcome.UNKNOWN, "a", reason=Reason.TIMEOUT), needed=word)
        for word in ("one", "two", "three", "four", "five")
    ]
    scan = scan_of(account(subject("s", "okx", 1), passing().evidence.facts, asked))
    assert "    and 2 more, which -v shows\n" in text_of(scan)
    assert "on s: five\n" in text_of(scan, Style(verbose=1))


def test_an_unknown_of_which_nothing_is_needed_is_told_too() -> None:
    bare = replace(verdict(UNBOUND, Outcome.UNKNOWN, "a", reason=Reason.TIMEOUT), needed="")
    scan = scan_of(account(subject("s", "okx", 1), passing().evidence.facts, [bare]))
    assert "    GP010 ip-unbound on s\n" in text_of(scan)


def test_what_an_exchange_never_discloses_is_told_apart() -> None:
    text = text_of(scan_of(silent()))
    assert text.startswith("✓ PASS: 1 account; 1 not verifiable\n")
    assert "Not proved" not in text
    assert "  kucoin: GP020 key-too-old on quiet-kucoin\n" in text
    assert "quiet-kucoin  kucoin    ✓ pass    - n/v\n" in text.replace("- n/a", "- n/v")
    assert "1 account: 1 pass (1 of those that pass with 1 not verifiable).\n" in text
    assert "0 violations, 1 not verifiable, 1 passed, 1 not applicable.\n" in text


def test_what_a_policy_demands_and_nobody_discloses_is_unknown() -> None:
    account_ = silent()
    *rest, untold = account_.verdicts
    demanded = (*rest, replace(untold, on_unknown=OnUnknown.BLOCK))
    text = text_of(scan_of(replace(account_, verdicts=demanded)))
    assert text.startswith("✗ FAIL: 1 blocking unknown; 1 of 1 account\n")
    assert "  kucoin: GP020 key-too-old (blocking) on quiet-kucoin\n" in text
    assert re.search(r"quiet-kucoin +kucoin +✓ pass +\? unknown\n", text)
    assert "0 violations, 1 blocking and not verifiable, 1 passed, 1 not applicable." in text


def test_the_fix_is_that_of_the_exchange() -> None:
    text = text_of(scan_of(failing()))
    assert "fix       profile icon → API Management → edit the key: untick Withdraw." in text


def second_gate() -> AccountResult:
    fails = (verdict(WITHDRAW, Outcome.FAIL, "no", "yes"),)
    return account(subject("second-gate", "gate", 50), rest_unknown({}), fails)


def test_why_and_fix_are_told_once_for_all_accounts_of_an_exchange() -> None:
    text = text_of(scan_of(failing(), second_gate()))
    assert text.count("untick Withdraw") == 1
    assert "✗ FAIL critical GP001 withdrawal-enabled on gate: 2 accounts\n" in text
    assert "  accounts  mm-gate (conf/accounts.yaml:3): it can\n" in text
    assert "            second-gate (:50): yes\n" in text


def test_the_same_rule_on_another_exchange_says_why_no_second_time() -> None:
    fails = (verdict(NOT_ALLOWED, Outcome.FAIL, "no", "yes"),)
    here, there = (account(subject(f"on-{x}", x, 9), rest_unknown({}), fails) for x in ("a", "b"))
    text = text_of(scan_of(here, there))
    assert text.count("of use to a thief only") == 1
    assert text.count("fix       Edit the key and remove the permission.") == 1
    assert "✗ FAIL high GP004 permission-not-allowed: 2 accounts\n" in text
    assert "  accounts  a: on-a (conf/accounts.yaml:9); b: on-b (:9)\n" in text


def test_another_fix_of_the_same_rule_says_only_what_is_not_as_above() -> None:
    fails = (verdict(WITHDRAW, Outcome.FAIL, "no", "yes"),)
    here, there = (
        account(subject(f"on-{x}", x, 9), rest_unknown({}), fails) for x in ("gate", "okx")
    )
    text = text_of(scan_of(here, there))
    assert "GP001 withdrawal-enabled on gate: 1 account\n" in text
    assert (
        "GP001 withdrawal-enabled on okx: 1 account\n"
        "  accounts  on-okx (conf/accounts.yaml:9)\n"
        "  fix       Edit the key and remove the withdrawal permission.\n"
    ) in text


def test_accounts_without_an_owner_are_not_taken_for_those_of_the_owner_above() -> None:
    fails = (verdict(WITHDRAW, Outcome.FAIL, "no", "yes"),)
    here, there = (
        account(subject(f"on-{x}", x, 9, owner), rest_unknown({}), fails)
        for x, owner in (("gate", "treasury"), ("okx", ""))
    )
    text = text_of(scan_of(here, there))
    assert re.findall(r"  owner     (.*)", text) == ["treasury", "none"]


def test_blocking_unknowns_count_once() -> None:
    asked = [
        verdict(WITHDRAW, Outcome.UNKNOWN, "a", reason=Reason.TIMEOUT, on_unknown=meaning)
        for meaning in (OnUnknown.BLOCK, OnUnknown.INCOMPLETE)
    ]
    scan = scan_of(account(subject("s", "okx", 1), passing().evidence.facts, asked))
    assert "\n0 violations, 1 blocking unknown, 1 other unknown.\n" in text_of(scan)


def test_the_accounts_with_the_same_violation_are_named_together() -> None:
    fails = (verdict(WITHDRAW, Outcome.FAIL, "no", "yes"),)
    many = [account(subject(f"m{n}", "okx", n + 1), rest_unknown({}), fails) for n in range(42)]
    words = " ".join(text_of(scan_of(*many)).split())
    assert "seen yes accounts m0 (conf/accounts.yaml:1), m1 (:2), m2 (:3)," in words
    assert "m39 (:40) and 2 more" in words
    assert "m40 (:41), m41 (:42) why" in " ".join(text_of(scan_of(*many), Style(verbose=1)).split())


def test_two_policies_that_ask_the_same_share_a_finding() -> None:
    text = " ".join(text_of(scan_of(failing())).split())
    assert "policy baseline, policies/baseline.yaml:9; desk, policies/baseline.yaml:21 why" in text


def test_a_shipped_policy_is_named_with_its_line() -> None:
    asked = replace(
        verdict(WITHDRAW, Outcome.FAIL, "no", "yes"), location=Location("baseline", 16, 3)
    )
    text = text_of(scan_of(account(subject("a", "gate", 1), rest_unknown({}), (asked,))))
    assert "  expected  no (baseline:16)\n" in text


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
    text = " ".join(text_of(scan_of(waived())).split())
    assert "~ waived GP001 withdrawal-enabled (withdraw); it can; vault-bybit (conf/" in text
    assert "custody@example.com until 2026-11-15 (RISK-7): The vault" in text


def test_a_waived_fail_without_its_waiver_is_shown_too() -> None:
    bare = verdict(WITHDRAW, Outcome.WAIVED, "no", "")
    text = text_of(scan_of(account(subject("v", "bybit", 4), rest_unknown({}), (bare,))))
    assert "~ waived  GP001 withdrawal-enabled; v (conf/accounts.yaml:4)\n" in text


def fleet(passing_accounts: int) -> Scan:
    return scan_of(failing(), *(passing(f"clean-{n}", n + 1) for n in range(passing_accounts)))


def test_a_large_fleet_shows_the_accounts_with_something_to_say() -> None:
    text = text_of(fleet(10_000))
    assert "mm-gate" in text
    assert "clean-" not in text
    assert "10,001 accounts: 10,000 pass, 1 with violations." in text


def test_up_to_twenty_accounts_have_a_table() -> None:
    assert "\nclean-7 " in text_of(fleet(19))
    assert "\nclean-7 " not in text_of(fleet(20))


EXCHANGES = ("gate", "okx", "bybit", "binance", "kucoin")


def a_firm() -> Scan:
    """300 accounts on five exchanges: 30 violations of five rules, and every kind of unknown."""
    broken = (WITHDRAW, NOT_ALLOWED, UNBOUND, TOO_OLD, BAD_NAME)
    accounts = []
    for number in range(300):
        exchange = EXCHANGES[number % 5]
        verdicts = [verdict(rule, Outcome.PASS, "fine", "fine") for rule in broken]
        if number < 30:
            at = number % 5 if number < 10 else number // 6
            seen = f"made {number} days ago" if broken[at] is TOO_OLD else "it is so"
            verdicts[at] = verdict(broken[at], Outcome.FAIL, "no", seen)
        elif number % 7 == 0:
            reason = (Reason.NOT_DISCLOSED, Reason.TIMEOUT)[number % 2]
            verdicts[2] = verdict(UNBOUND, Outcome.UNKNOWN, "no", reason=reason)
        untold = verdict(BAD_NAME, Outcome.UNKNOWN, "no", reason=Reason.NOT_DISCLOSED,
                         on_unknown=OnUnknown.WARN)  # fmt: skip
        verdicts.append(replace(untold, is_verifiable=False))
        who = subject(f"desk-{number}-market-making", exchange, number + 3, "desk@example.com")
        accounts.append(account(who, passing().evidence.facts, verdicts))
    return scan_of(*accounts)


def test_300_accounts_with_30_violations_fit_on_two_screens() -> None:
    scan = a_firm()
    assert sum(verdict.is_violation for verdict in scan.verdicts()) == 30
    lines = text_of(scan).splitlines()
    assert len(lines) <= 100
    assert max(map(width_of, lines)) <= 80
    named = set(re.findall(r"desk-(\d+)-market-making\s+\(", "\n".join(lines)))
    assert named == {str(number) for number in range(30)}


def test_the_first_line_is_the_verdict_and_the_last_one_the_exit_code() -> None:
    first, *_, last = text_of(a_firm()).splitlines()
    assert first == "✗ FAIL: 30 violations (2 critical); 30 of 300 accounts"
    assert last.startswith("Exit code 1:")


def test_what_comes_in_which_order() -> None:
    text = text_of(example_scan())
    parts = [
        "✗ FAIL: 4 violations (2 critical), 1 blocking unknown; 3 of 5 accounts\n",
        "\ngatepolicy ",
        "\nPosture: 5 of 5 accounts; 4 answered, 1 could not be read\n",
        "\n  funds can leave           1 of 5 accounts, 1 waived, 1 unknown\n",
        "\nViolations\n",
        "\nNot proved\n",
        "\nNot verifiable: the exchange never discloses it\n",
        "\nWaivers that expire soon\n",
        "\nSummary\n",
        "\nExit code 1",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def refused_baseline() -> Scan:
    return replace(scan_of(passing()), has_broken_baseline=True)


def interrupted() -> Scan:
    return replace(scan_of(passing()), interrupted_by=Interruption.SIGTERM)


def of_the_scan(outcome: Outcome, meaning: OnUnknown) -> Scan:
    why = Reason.NOT_COVERED if outcome is Outcome.UNKNOWN else None
    told = verdict(NO_ACCOUNTS, outcome, "some", reason=why, on_unknown=meaning)
    return scan_of(passing(), general=(told,))


WARNED = replace(
    verdict(UNBOUND, Outcome.UNKNOWN, "b", reason=Reason.NOT_DISCLOSED), on_unknown=OnUnknown.WARN
)


@pytest.mark.parametrize(
    ("scan", "line"),
    [
        (scan_of(passing()), "✓ PASS: 1 account"),
        (scan_of(), "? NOTHING EVALUATED: No account was scanned"),
        (interrupted(), "? INTERRUPTED: 1 of 1 accounts were read; the others are unknown"),
        (refused_baseline(), "? NOT COMPARED: the baseline could not be read"),
        (scan_of(left_open(1, "okx")),
         "? INCOMPLETE: something required is unknown of 1 of 1 account"),
        (of_the_scan(Outcome.UNKNOWN, OnUnknown.INCOMPLETE),
         "? INCOMPLETE: something about the scan itself"),
        (of_the_scan(Outcome.FAIL, OnUnknown.WARN),
         "✗ FAIL: 1 violation (1 medium) about the scan itself"),
        (scan_of(replace(passing(), verdicts=(*passing().verdicts, WARNED))),
         "✓ PASS: 1 account; 1 unknown, which policies accept"),
        (replace(scan_of(failing()), settings=ScanSettings(exit_zero=True)),
         "✗ FAIL: 3 violations (2 critical); 1 of 1 account"),
    ],
)  # fmt: skip
def test_the_line_of_verdict_is_softened_by_nothing(scan: Scan, line: str) -> None:
    assert text_of(scan).splitlines()[0] == line


@settings(max_examples=30)
@given(scans())
def test_only_a_clean_scan_is_told_as_a_pass(scan: Scan) -> None:
    first = text_of(scan).splitlines()[0]
    strict = replace(scan, settings=ScanSettings())
    assert first.startswith("✓ PASS") is (strict.exit_code is ExitCode.OK)


def test_the_posture_wraps_on_a_narrow_terminal() -> None:
    lines = text_of(example_scan(), Style(width=60)).splitlines()
    assert "  key hygiene               0 of 3 accounts, 1 not, 1" in lines


def test_found_keys_are_told_beside_the_inventory() -> None:
    found = passing("a#1")
    where = replace(found.evidence.subject, found_by="a")
    found = replace(found, evidence=replace(found.evidence, subject=where))
    text = text_of(scan_of(passing("a"), found))
    assert "Posture: 1 of 1 account and 1 found; 2 answered\n" in text


def test_verbose_shows_every_account_and_every_verdict() -> None:
    text = text_of(fleet(60), Style(verbose=1))
    assert "not shown" not in text
    assert all(f"\nclean-{number} " in text for number in range(60))
    assert text.count("✓ pass    GP001 withdrawal-enabled (withdraw)") == 60


def test_a_large_fleet_that_passes_has_no_table() -> None:
    text = text_of(scan_of(*(passing(f"clean-{n}") for n in range(51))))
    assert "51 accounts: 51 pass." in text
    assert "exchange" not in text


def test_an_empty_scan_does_not_look_like_a_clean_one() -> None:
    text = text_of(scan_of())
    assert "No account was scanned." in text
    assert "Exit code 4: nothing evaluated" in text


def test_an_account_about_which_nothing_was_asked_is_no_pass() -> None:
    mute = account(subject("silent-one", "gate", 3), Facts.nothing(Reason.NOT_DISCLOSED), ())
    text = text_of(scan_of(passing(), mute))
    assert "2 accounts: 1 pass, 1 not checked." in text
    assert [line.split() for line in text.split("\n") if "silent-one" in line] == [
        ["silent-one", "gate"]
    ]
    many = [passing(f"clean-{number}") for number in range(60)]
    assert "61 accounts: 60 pass, 1 not checked." in text_of(scan_of(*many, mute))


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
        assert "✓ pass" not in text
        assert "1 account: 1 pass" not in text
        many = [passing(f"clean-{number}") for number in range(60)]
        assert "61 accounts: 60 pass, 1 " in text_of(scan_of(*many, mixed))


def test_a_long_name_of_an_exchange_stays_within_the_width() -> None:
    reason = Reason.UNSUPPORTED_EXCHANGE
    asked = verdict(WITHDRAW, Outcome.UNKNOWN, "a", reason=reason)
    far = account(subject("far", "x" * 300, 3), Facts.nothing(reason), (asked,))
    for verbose in (0, 1):
        lines = text_of(scan_of(far), Style(verbose=verbose)).split("\n")
        assert max(map(width_of, lines)) <= 80


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
    (head, _) = table_of(text_of(scan))
    assert "exchange" in head
    (head, row) = table_of(text_of(scan, Style(width=60)))
    assert "exchange" not in head
    assert row.startswith("market-making… ")


def table_of(text: str) -> list[str]:
    """The heading of the matrix, and its first row."""
    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("account  "))
    return lines[at : at + 2]


def test_a_name_of_400_000_characters_costs_a_moment() -> None:
    result = failing()
    facts = result.evidence.facts.learn("key.name", observed("x" * 400_000, "/name"))
    named = replace(result, evidence=replace(result.evidence, facts=facts))
    before = process_time()
    text = text_of(scan_of(named), Style(verbose=1))
    assert process_time() - before < 10
    assert len(text) > 400_000
