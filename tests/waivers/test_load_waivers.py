"""Files of waivers: what is wrong is told with its place."""

from datetime import date

import pytest

from gatepolicy.accounts.account import Selector
from gatepolicy.documents.append import Entry, append_entry
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import DocumentError, UsageError
from gatepolicy.model.evidence import Location
from gatepolicy.model.verdicts import WaiverTerms
from gatepolicy.rules.catalog import load_rules
from gatepolicy.waivers.waiver import Waiver, load_waivers
from gatepolicy.waivers.write import EMPTY_FILE, free_id, with_waiver

RULES = load_rules()
HEAD = "apiVersion: gatepolicy/v1\nkind: Waivers\nwaivers:\n"
ONE = """\
  # Talked about on Monday.
  - id: RISK-1
    rule: GP020
    accounts: [okx-*]
    owner: desk@example.com
    justification: Waits for the exchange's review.
    created: 2026-11-01
    expires: 2026-12-31
"""
ENTRY: Entry = {
    "id": "RISK-2",
    "rule": "key-idle",
    "accounts": ["okx-mm"],
    "labels": {"desk": "mm"},
    "subject": "",
    "owner": "no",
    "justification": 'Says "later": #1',
    "created": "2026-11-01",
    "expires": "2026-11-30",
}


def load(**texts: str) -> list[str]:
    """What is wrong with some files."""
    files = {f"{name}.yaml": text for name, text in texts.items()}
    with pytest.raises(DocumentError) as caught:
        load_waivers(list(files), RULES, read=lambda path: files[path.name].encode())
    return [str(problem) for problem in caught.value.problems]


def test_a_waiver() -> None:
    (waiver,) = load_waivers(["w.yaml"], RULES, read=lambda _: (HEAD + ONE).encode())
    assert waiver.terms.rule == "key-too-old"
    assert waiver.terms.expires == date(2026, 12, 31)
    assert str(waiver.terms.location) == "w.yaml:5:5"
    assert waiver.selector.accounts == ("okx-*",)
    assert not waiver.only_unknown


def test_everything_that_a_waiver_says() -> None:
    said = ONE.replace("    created", "    ticket: RISK-7\n    approved_by: Ada\n    created")
    said = said.replace("[okx-*]", "[okx-*]\n    subject: earn\n    accepts: unknown")
    said = said.replace("Waits for the exchange's review.", "'  Waits for the review.  '")
    (waiver,) = load_waivers(["w.yaml"], RULES, read=lambda _: (HEAD + said).encode())
    terms = WaiverTerms(
        id="RISK-1",
        rule="key-too-old",
        owner="desk@example.com",
        justification="Waits for the review.",
        ticket="RISK-7",
        approved_by="Ada",
        created=date(2026, 11, 1),
        expires=date(2026, 12, 31),
        location=Location("w.yaml", 5, 5),
    )
    assert waiver == Waiver(terms, Selector(("okx-*",)), "earn", only_unknown=True)
    (short,) = load_waivers(["w.yaml"], RULES, read=lambda _: (HEAD + ONE).encode())
    assert (short.terms.ticket, short.terms.approved_by, short.subject) == ("", "", "")


def test_a_waiver_of_one_day() -> None:
    day = HEAD + ONE.replace("2026-12-31", "2026-11-01")
    (waiver,) = load_waivers(["w.yaml"], RULES, read=lambda _: day.encode())
    assert waiver.terms.created == waiver.terms.expires


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("GP020", "GP999", "w.yaml:6:11: waivers[0].rule: unknown rule GP999;"
         " 'gatepolicy explain' lists all rules"),
        ("2026-12-31", "2026-02-30", "w.yaml:11:14: waivers[0].expires: not a valid date:"
         " 2026-02-30; write it like 2026-12-31"),
        ("2026-11-01", "2026-11-31", "w.yaml:10:14: waivers[0].created: not a valid date:"
         " 2026-11-31; write it like 2026-12-31"),
        ("GP020", "account-without-policy", "w.yaml:6:11: waivers[0].rule: account-without-policy"
         " is about the scan itself and cannot be waived; Write a policy that applies to the"
         " account, or correct the applies_to of an existing one."),
        ("okx-*", "'*'", "w.yaml:7:15: waivers[0].accounts: this covers every account;"
         " list the accounts that have the finding"),
        ("[okx-*]", "[okx-*]\n    exchanges: [okx, okex]",
         "w.yaml:8:22: waivers[0].exchanges[1]: unknown exchange okex; did you mean okx?"),
        ("    created", "    ticket: 'javascript:alert(1)'\n    created",
         "w.yaml:10:13: waivers[0].ticket: a URL that begins with javascript: is not allowed;"
         " write an https URL, a file or a ticket such as AUDIT-7"),
        ("2026-12-31", "2026-10-31", "w.yaml:11:14: waivers[0].expires: it expires before it starts;"  # noqa: E501
         " use a later date"),
        ("desk@example.com", "' '", "w.yaml:8:12: waivers[0].owner: blank;"
         " write who answers for it"),
        ("Waits for the exchange's review.", "'            '",
         "w.yaml:9:20: waivers[0].justification: blank or too short; write why it is accepted,"
         " in a sentence"),
        ("Waits for the exchange's review.", '"  so what  \\n"',
         "w.yaml:9:20: waivers[0].justification: blank or too short; write why it is accepted,"
         " in a sentence"),
        ("    created", "    ticket: ' '\n    created", "w.yaml:10:13: waivers[0].ticket: blank;"
         " write where it was discussed, or leave it out"),
        ("    created", '    approved_by: "\\u200b"\n    created',
         "w.yaml:10:18: waivers[0].approved_by: blank; write who agreed, or leave it out"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(old: str, new: str, told: str) -> None:
    assert told in load(w=HEAD + ONE.replace(old, new))


@pytest.mark.parametrize("key", ["accounts", "owner", "expires"])
def test_what_every_waiver_says(key: str) -> None:
    lines = [line for line in ONE.splitlines() if not line.strip().startswith(f"{key}:")]
    assert load(w=HEAD + "\n".join(lines))


def test_ids_are_unique_over_all_files() -> None:
    assert load(a=HEAD + ONE, b=HEAD + ONE, c="kind: [") == [
        *load(c="kind: ["),
        "b.yaml:5:5: id: the id RISK-1 is already used by a.yaml:5:5; choose another id",
    ]


def test_what_is_wrong_with_one_file_does_not_hide_the_next() -> None:
    assert load(a="kind: [", b="kind: }") == [*load(a="kind: ["), *load(b="kind: }")]


def test_an_entry_is_added_and_everything_else_stays() -> None:
    text = HEAD + ONE + "\n# The end.\n"
    after = with_waiver(text, "w.yaml", ENTRY, RULES)
    assert after == HEAD + ONE + (
        "  - id: RISK-2\n"
        "    rule: key-idle\n"
        '    accounts: ["okx-mm"]\n'
        '    labels: {desk: "mm"}\n'
        '    owner: "no"\n'
        '    justification: "Says \\"later\\": #1"\n'
        "    created: 2026-11-01\n"
        "    expires: 2026-11-30\n"
        "\n# The end.\n"
    )


def test_an_entry_is_added_before_what_follows_the_list() -> None:
    text = "waivers:\n- {id: a}\n# About the kind.\nkind: Waivers\n"
    after = append_entry(text, parse_yaml(text, "w.yaml"), "waivers", {"id": "b"})
    assert after == "waivers:\n- {id: a}\n- id: b\n# About the kind.\nkind: Waivers\n"


def test_a_new_file_and_one_with_an_empty_list() -> None:
    head = "apiVersion: gatepolicy/v1\nkind: Waivers\nwaivers:"
    assert with_waiver("", "w.yaml", ENTRY, RULES).startswith(f"{head}\n  - id: RISK-2\n")
    text = EMPTY_FILE.replace("[]", "[ ]  # none")
    assert with_waiver(text, "w.yaml", ENTRY, RULES).startswith(f"{head}  # none\n  - id: RISK-2\n")


@pytest.mark.parametrize("text", ["waivers: [{id: a}]\n", "waivers: [\n]\n", "waivers: {}\n"])
def test_a_list_in_one_line_has_no_place_for_an_entry(text: str) -> None:
    with pytest.raises(DocumentError, match="write each entry"):
        append_entry(text, parse_yaml(text, "w.yaml"), "waivers", {"id": "b"})


def test_a_list_in_one_line_is_told_with_its_place() -> None:
    text = (
        HEAD.rstrip()
        + " ["
        + ", ".join(line.strip(" -") for line in ONE.splitlines()[1:]).join("{}")
        + "]\n"
    )
    with pytest.raises(DocumentError, match=r"^w\.yaml:3:"):
        with_waiver(text, "w.yaml", ENTRY, RULES)


def test_what_would_be_no_waiver_is_not_written() -> None:
    with pytest.raises(UsageError) as caught:
        with_waiver(HEAD + ONE, "w.yaml", {**ENTRY, "rule": "nothing"}, RULES)
    assert str(caught.value) == "w.yaml: the new entry: rule: unknown rule nothing"
    assert caught.value.hint == "'gatepolicy explain' lists all rules"


def test_all_that_is_wrong_with_an_entry_is_told_without_lines_that_are_not_there() -> None:
    wrong = {**ENTRY, "id": "RISK-1", "owner": " ", "expires": "2026-02-30"}
    with pytest.raises(UsageError) as caught:
        with_waiver(HEAD + ONE, "w.yaml", wrong, RULES)
    assert str(caught.value) == "w.yaml: the new entry: owner: blank"
    with pytest.raises(UsageError) as caught:
        with_waiver(HEAD + ONE, "w.yaml", {**wrong, "owner": "Ada"}, RULES)
    assert str(caught.value) == (
        "w.yaml: the new entry: expires: not a valid date: 2026-02-30; expires: it expires before"
        " it starts; id: the id RISK-1 is already used by w.yaml:5:5"
    )


def test_what_is_wrong_with_the_file_keeps_its_line() -> None:
    with pytest.raises(DocumentError, match=r"w\.yaml:8:12: "):
        with_waiver(HEAD + ONE.replace("desk@example.com", "''"), "w.yaml", ENTRY, RULES)


@pytest.mark.parametrize("text", [HEAD + ONE + "\n# The end.\n", HEAD + ONE, EMPTY_FILE])
def test_the_ends_of_lines_stay(text: str) -> None:
    after = with_waiver(text, "w.yaml", ENTRY, RULES)
    windows = with_waiver(text.replace("\n", "\r\n"), "w.yaml", ENTRY, RULES)
    assert windows == after.replace("\n", "\r\n")
    cut = with_waiver(text.rstrip().replace("\n", "\r\n"), "w.yaml", ENTRY, RULES)
    assert cut == with_waiver(text.rstrip(), "w.yaml", ENTRY, RULES).replace("\n", "\r\n")


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029"])
def test_odd_ends_of_lines_stay_too(odd: str) -> None:
    text = HEAD + ONE.replace("Monday.", f"Monday,{odd}  # or Tuesday.")
    added = with_waiver(HEAD + ONE, "w.yaml", ENTRY, RULES).removeprefix(HEAD + ONE)
    assert with_waiver(text, "w.yaml", ENTRY, RULES) == text + added


def test_ids_that_are_free() -> None:
    assert free_id("", "w.yaml", RULES) == "W-1"
    assert free_id(HEAD + ONE.replace("RISK-1", "W-1"), "w.yaml", RULES) == "W-2"
