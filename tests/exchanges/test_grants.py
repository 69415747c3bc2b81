"""Words of a hand-made list, fact by fact: what it grants, denies, leaves open, and where."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.exchanges.exchange import Level, Meaning, Permissions, PermissionShape, Word
from gatepolicy.exchanges.grants import UNRECOGNISED, granted, permission_facts, with_doubts
from gatepolicy.exchanges.sources import Granted, Malformed, Row
from gatepolicy.model.facts import (
    Access,
    Capability,
    Fact,
    Grade,
    Grant,
    Provenance,
    Reason,
    Unknown,
)

NOTE = "the page does not say whether it trades on margin, too"
READ, SPOT, MARGIN, WITHDRAW, TRANSFER = (
    Capability.READ,
    Capability.TRADE_SPOT,
    Capability.TRADE_MARGIN,
    Capability.WITHDRAW,
    Capability.TRANSFER,
)


def word(name: str, *grants: Capability, unclear: Capability | None = None, **more: Any) -> Word:
    open_ones = frozenset({unclear} if unclear else ())
    return Word(name, name.title(), frozenset(grants), open_ones, NOTE if unclear else "", **more)


WORDS = {
    one.word: one
    for one in (
        word("read", READ),
        word("trade", SPOT, unclear=MARGIN),
        word("pay", WITHDRAW, TRANSFER),
        word("move", TRANSFER),
    )
}
LIST = Permissions(
    call="list",
    pointer="/perms",
    shape=PermissionShape.WORD_LIST,
    separator=",",
    name_pointer="",
    read_pointer="",
    write_pointer="",
    complete=True,
    read_only_pointer="",
    read_only_marks=(),
    other_fields=frozenset(),
    levels=(),
    ignore_case=False,
    words=WORDS,
    wordless={},
    inferred_absence=frozenset(),
    inferred_reference="",
)
NAMED = replace(
    LIST,
    shape=PermissionShape.NAMED_GRANTS,
    name_pointer="/name",
    read_only_pointer="/ro",
    read_only_marks=(Meaning(True, means=True), Meaning(False, means=False)),
)
FLAGS = replace(LIST, shape=PermissionShape.FLAGS)
WHOLE = Provenance(Grade.OBSERVED, "list", "/0/perms")


def at(place: str) -> Provenance:
    return Provenance(Grade.OBSERVED, "list", f"/0/perms{place}")


def told(permissions: Permissions, perms: Any, **beside: Any) -> Mapping[str, Fact | Unknown]:
    """All facts that an answer's second-level row gives."""
    words = granted(permissions, Row({"perms": perms, **beside}, "/0"))
    assert isinstance(words, Granted)
    return permission_facts(permissions, words)


def denied(*others: Capability) -> dict[str, Fact | Unknown]:
    fact = Fact(value=False, provenance=WHOLE)
    return {one.fact: fact for one in Capability if one not in others}


def test_every_fact_of_a_list_with_its_place() -> None:
    assert told(LIST, ["trade", "read"]) == {
        **denied(READ, SPOT, MARGIN),
        "permission.read": Fact(value=True, provenance=at("/1")),
        "permission.trade.spot": Fact(value=True, provenance=at("/0")),
        "permission.trade.margin": Unknown(Reason.NOT_DISCLOSED, NOTE),
        "permissions.native": Fact(
            (Grant("read", Access.GRANTED), Grant("trade", Access.GRANTED)), WHOLE
        ),
        "permissions.unrecognised": Fact((), WHOLE),
    }


def test_absence_that_is_only_inferred_says_why() -> None:
    inferring = replace(LIST, inferred_absence=frozenset({WITHDRAW}), inferred_reference="a page")
    facts = told(inferring, ["read"])
    inferred = Provenance(Grade.INFERRED, "list", "/0/perms", "a page")
    assert facts["permission.withdraw"] == Fact(value=False, provenance=inferred)
    assert facts["permission.transfer"] == Fact(value=False, provenance=WHOLE)


def test_an_unrecognised_word_stands_in_the_lists_and_denies_nothing() -> None:
    facts = told(LIST, ["read", "fly"])
    assert facts["permissions.unrecognised"] == Fact(("fly",), WHOLE)
    assert facts["permission.withdraw"] == UNRECOGNISED


def test_a_list_in_another_shape_shows_words_and_denies_nothing() -> None:
    facts = told(LIST, "read; pay")
    unread = Unknown(Reason.UNEXPECTED_ANSWER, "permissions: permissions are not a list")
    shown = facts["permission.withdraw"]
    assert isinstance(shown, Fact)
    assert (shown.value, shown.provenance.grade) == (True, Grade.APPARENT)
    assert (shown.provenance.call, shown.provenance.pointer) == ("list", "/0/perms")
    assert facts["permission.trade.spot"] == unread
    assert facts["permissions.unrecognised"] == unread
    native = facts["permissions.native"]
    assert isinstance(native, Fact)
    assert native.value == (Grant("pay", Access.GRANTED), Grant("read", Access.GRANTED))
    assert native.provenance == shown.provenance


def test_a_word_that_is_shown_twice_stands_where_it_is_first() -> None:
    facts = told(LIST, [None, "pay", "pay"])
    shown = facts["permission.withdraw"]
    assert isinstance(shown, Fact)
    assert (shown.provenance.grade, shown.provenance.pointer) == (Grade.APPARENT, "/0/perms/1")


def test_flags_in_no_documented_form_show_their_own_place() -> None:
    facts = told(FLAGS, {"read": True, "trade": False, "pay": "true", "move": False})
    shown = facts["permission.withdraw"]
    assert isinstance(shown, Fact)
    assert (shown.provenance.grade, shown.provenance.call) == (Grade.APPARENT, "list")
    assert shown.provenance.pointer == "/0/perms/pay"


def test_a_documented_form_is_the_better_proof() -> None:
    facts = told(FLAGS, {"read": True, "trade": False, "pay": "true", "move": True})
    assert facts["permission.transfer"] == Fact(value=True, provenance=at("/move"))


def test_an_optional_flag_that_is_left_out_denies_nothing() -> None:
    words = {**WORDS, "pay": word("pay", WITHDRAW, unclear=Capability.CUSTODY, optional=True)}
    facts = told(replace(FLAGS, words=words), {"read": True, "trade": False, "move": False})
    missing = Unknown(Reason.NOT_DISCLOSED, "the answer has no pay, which is optional")
    assert facts["permission.withdraw"] == missing
    assert facts["permission.custody"] == missing
    assert facts["permission.transfer"] == Fact(value=False, provenance=WHOLE)
    assert facts["permissions.native"] == Fact((Grant("read", Access.GRANTED),), WHOLE)
    there = told(
        replace(FLAGS, words=words), {"read": True, "trade": False, "move": False, "pay": False}
    )
    assert there["permission.withdraw"] == Fact(value=False, provenance=WHOLE)


def test_a_mark_that_is_not_documented_leaves_the_word_open_and_names_it() -> None:
    facts = told(NAMED, [{"name": "read", "ro": True}, {"name": "pay", "ro": None}])
    why = "the answer does not show clearly whether pay is granted"
    assert facts["permission.withdraw"] == Unknown(Reason.UNEXPECTED_ANSWER, why)
    assert facts["permission.read"] == Fact(value=True, provenance=at("/0"))


def test_what_is_unclear_of_a_word_is_not_granted_for_reading_only() -> None:
    facts = told(NAMED, [{"name": "read", "ro": True}, {"name": "trade", "ro": True}])
    assert facts["permission.trade.margin"] == Fact(value=False, provenance=WHOLE)


@pytest.mark.parametrize(
    ("permissions", "perms", "why"),
    [
        (LIST, [], "an empty list of permissions"),
        (LIST, None, "permissions are not a list"),
        (LIST, [1.5], "a permission that is neither a string nor an integer"),
        (NAMED, {}, "permissions are not a list"),
        (NAMED, [{"ro": True}], "a permission without a name"),
        (FLAGS, [], "permissions are not an object"),
        (replace(LIST, shape=PermissionShape.COMMA_LIST), None, "permissions are not a string"),
        (
            replace(LIST, shape=PermissionShape.COMMA_LIST),
            "a,,b",
            "a string with an empty permission",
        ),
        (replace(LIST, shape=PermissionShape.GROUPS), [], "permissions are not an object"),
        (replace(LIST, shape=PermissionShape.GROUPS), {"a": 1}, "a group that is not a list"),
        (replace(LIST, shape=PermissionShape.GROUPS), {"a": [""]}, "a permission without a name"),
        (replace(LIST, shape=PermissionShape.READ_WRITE_ROWS), {}, "permissions are not a list"),
        (replace(LIST, shape=PermissionShape.READ_WRITE_ROWS), [7], "a permission without a name"),
    ],
)
def test_a_list_that_proves_nothing_says_why(
    permissions: Permissions, perms: Any, why: str
) -> None:
    assert granted(permissions, Row({"perms": perms}, "/0")) == Malformed(why)


def test_a_key_may_hold_no_word_where_the_documents_say_so() -> None:
    assert told(replace(LIST, may_be_none=True), []) == {
        **denied(),
        "permissions.native": Fact((), WHOLE),
        "permissions.unrecognised": Fact((), WHOLE),
    }
    assert isinstance(
        granted(replace(NAMED, may_be_none=True), Row({"perms": None}, "")), Malformed
    )


def test_words_whose_reach_no_document_tells_are_listed_and_open() -> None:
    """A list with a mark of the whole key, of which no value is documented."""
    unmarked = replace(LIST, read_only_pointer="/mode")
    facts = told(unmarked, ["read", "pay"], mode="x")
    assert facts["permissions.native"] == Fact(
        (Grant("pay", Access.UNKNOWN), Grant("read", Access.UNKNOWN)), WHOLE
    )
    assert facts["permission.trade.spot"] == Fact(value=False, provenance=WHOLE)
    assert isinstance(facts["permission.withdraw"], Unknown)
    marked = replace(unmarked, read_only_marks=(Meaning("ro", means=True),))
    assert granted(marked, Row({"perms": ["read"], "mode": "x"}, "")) == Malformed(
        "an empty list of permissions"
    )


def test_levels_of_flags() -> None:
    levels = (
        Level(equals="none", means=None),
        Level(equals="view", means=Access.READ_ONLY),
        Level(equals="full", means=Access.READ_WRITE),
    )
    levelled = replace(FLAGS, levels=levels)
    facts = told(levelled, {"read": "view", "trade": "full", "pay": "view", "move": "none"})
    assert facts["permissions.native"] == Fact(
        (
            Grant("pay", Access.READ_ONLY),
            Grant("read", Access.READ_ONLY),
            Grant("trade", Access.READ_WRITE),
        ),
        WHOLE,
    )
    assert facts["permission.withdraw"] == Fact(value=False, provenance=WHOLE)
    assert facts["permission.trade.spot"] == Fact(value=True, provenance=at("/trade"))


NUMBERED = replace(
    FLAGS,
    levels=(
        Level(equals="0", means=None),
        Level(equals="1", means=Access.READ_ONLY),
        Level(equals="2", means=Access.READ_WRITE),
    ),
)


@pytest.mark.parametrize(
    ("value", "access", "grade"),
    [
        ("1", Access.READ_ONLY, Grade.OBSERVED),
        # As a number it is no documented level, and reads like the one for reading only.
        (1, Access.UNKNOWN, Grade.OBSERVED),
        (True, Access.GRANTED, Grade.APPARENT),
        ("3", Access.UNKNOWN, Grade.OBSERVED),
    ],
)
def test_a_level_in_another_form_writes_only_if_none_reads_like_it(
    value: Any, access: Access, grade: Grade
) -> None:
    facts = told(NUMBERED, {"read": "1", "trade": "0", "pay": value, "move": "0"})
    native = facts["permissions.native"]
    assert isinstance(native, Fact)
    assert native.value == (Grant("pay", access), Grant("read", Access.READ_ONLY))
    assert native.provenance.grade is grade


def test_a_flag_that_is_null_is_open_and_so_is_one_that_is_missing() -> None:
    for flags in ({"pay": None}, {}):
        facts = told(FLAGS, {"read": True, "trade": False, "move": False, **flags})
        assert isinstance(facts["permission.withdraw"], Unknown)
    null = (Level(equals=None, means=None), Level(equals="y", means=Access.GRANTED))
    levelled = replace(FLAGS, levels=null)
    # Where the documents give null a meaning, a flag that is missing still has none.
    there = told(levelled, {"read": "y", "trade": None, "pay": None, "move": None})
    assert there["permission.withdraw"] == Fact(value=False, provenance=WHOLE)
    missing = told(levelled, {"read": "y", "trade": None, "move": None})
    assert isinstance(missing["permission.withdraw"], Unknown)


def test_flags_that_nobody_mapped_stand_in_the_list_at_their_place() -> None:
    read = granted(
        replace(FLAGS, other_fields=frozenset({"enableNews"})),
        Row(
            {
                "perms": {
                    "read": True,
                    "trade": False,
                    "pay": "true",
                    "move": False,
                    "enableFlight": True,
                    "enableNews": True,
                    "canSwim": False,
                }
            },
            "/0",
        ),
    )
    assert read == Granted(
        words={
            "read": Access.GRANTED,
            "pay": Access.GRANTED,
            "enableFlight": Access.GRANTED,
        },
        pointers={
            "read": "/0/perms/read",
            "pay": "/0/perms/pay",
            "enableFlight": "/0/perms/enableFlight",
        },
        pointer="/0/perms",
        left_out=frozenset(),
        apparent=frozenset({"pay"}),
        unread="",
    )


GROUPS = replace(
    LIST,
    shape=PermissionShape.GROUPS,
    read_only_pointer="/ro",
    read_only_marks=(Meaning(1, means=True), Meaning(0, means=False)),
    words={
        one.word: one
        for one in (
            word("Spot.Trade", SPOT),
            word("Spot.Trade.Margin", MARGIN),
            word("Wallet.Pay", WITHDRAW),
        )
    },
)


def test_words_of_groups_with_their_places() -> None:
    perms: Any = {"Spot": ["Trade", "Trade.Margin"], "Wallet": []}
    assert granted(GROUPS, Row({"perms": perms, "ro": 0}, "/0")) == Granted(
        words={"Spot.Trade": Access.READ_WRITE, "Spot.Trade.Margin": Access.READ_WRITE},
        pointers={"Spot.Trade": "/0/perms/Spot/0", "Spot.Trade.Margin": "/0/perms/Spot/1"},
        pointer="/0/perms",
    )


def test_words_of_a_missing_group_are_open() -> None:
    assert granted(GROUPS, Row({"perms": {"Spot": ["Trade"]}, "ro": 1}, "/0")) == Granted(
        words={"Wallet.Pay": Access.UNKNOWN, "Spot.Trade": Access.READ_ONLY},
        pointers={"Wallet.Pay": "/0/perms", "Spot.Trade": "/0/perms/Spot/0"},
        pointer="/0/perms",
    )


@pytest.mark.parametrize("perms", [{"Spot": ["Trade"], "Wallet": ["Pay"]}])
@pytest.mark.parametrize(
    ("mark", "access", "is_apparent"),
    [
        ({"ro": 1}, Access.READ_ONLY, False),
        ({"ro": 0}, Access.READ_WRITE, False),
        # In another form it reads as the mark for writing.
        ({"ro": "0"}, Access.READ_WRITE, True),
    ],
)
def test_one_mark_of_the_whole_key(
    perms: Any, mark: dict[str, Any], access: Access, is_apparent: bool
) -> None:
    read = granted(GROUPS, Row({"perms": perms, **mark}, "/0"))
    assert isinstance(read, Granted)
    assert read.words == {"Spot.Trade": access, "Wallet.Pay": access}
    assert read.apparent == (frozenset(read.words) if is_apparent else frozenset())


@pytest.mark.parametrize("mark", [{}, {"ro": None}, {"ro": "1"}, {"ro": 2}])
def test_a_mark_that_does_not_write_shows_nothing_of_the_groups(mark: dict[str, Any]) -> None:
    row = Row({"perms": {"Spot": ["Trade"], "Wallet": ["Pay"]}, **mark}, "/0")
    assert isinstance(granted(GROUPS, row), Malformed)


def test_a_missing_mark_is_read_as_null_where_null_is_documented() -> None:
    nulled = replace(GROUPS, read_only_marks=(Meaning(None, means=True),))
    perms: Any = {"Spot": ["Trade"], "Wallet": []}
    for mark in ({}, {"ro": None}):
        read = granted(nulled, Row({"perms": perms, **mark}, "/0"))
        assert isinstance(read, Granted)
        assert read.words == {"Spot.Trade": Access.READ_ONLY}
    each = replace(NAMED, read_only_marks=(Meaning(None, means=True),))
    entries: list[Any] = [{"name": "read"}, {"name": "read", "ro": None}]
    for entry in entries:
        read = granted(each, Row({"perms": [entry]}, "/0"))
        assert isinstance(read, Granted)
        assert read.words == {"read": Access.READ_ONLY}


def test_words_of_a_missing_group_are_not_listed() -> None:
    untold = replace(GROUPS, read_only_marks=())
    lists: list[Any] = [{"Spot": []}, {"Spot": [], "Wallet": []}]
    for perms in lists:
        empty = granted(untold, Row({"perms": perms}, "/0"))
        assert empty == Malformed("an empty list of permissions")
    read = granted(untold, Row({"perms": {"Spot": ["Trade"]}}, "/0"))
    assert isinstance(read, Granted)
    assert read.words == {"Wallet.Pay": Access.UNKNOWN, "Spot.Trade": Access.UNKNOWN}


def test_words_in_any_case_where_their_spelling_is_documented_nowhere() -> None:
    facts = told(replace(LIST, ignore_case=True), ["READ", "Pay", "Fly"])
    assert facts["permissions.native"] == Fact(
        (
            Grant("Fly", Access.GRANTED),
            Grant("pay", Access.GRANTED),
            Grant("read", Access.GRANTED),
        ),
        WHOLE,
    )
    assert facts["permissions.unrecognised"] == Fact(("Fly",), WHOLE)


COMMAS = replace(LIST, shape=PermissionShape.COMMA_LIST)


def test_words_of_one_text_stand_where_the_text_is() -> None:
    expected = Granted(
        words={"read": Access.GRANTED, "pay": Access.GRANTED},
        pointers={"read": "/0/perms", "pay": "/0/perms"},
        pointer="/0/perms",
    )
    assert granted(COMMAS, Row({"perms": "read, pay"}, "/0")) == expected


def test_a_list_in_place_of_a_text_counts_where_a_document_has_one() -> None:
    listed = Row({"perms": ["read", "pay"]}, "/0")
    assert granted(replace(COMMAS, or_list="the second page"), listed) == Granted(
        words={"read": Access.GRANTED, "pay": Access.GRANTED},
        pointers={"read": "/0/perms/0", "pay": "/0/perms/1"},
        pointer="/0/perms",
    )
    read = granted(COMMAS, listed)
    assert isinstance(read, Granted)
    assert read.unread == "permissions are not a string"


ROWS = replace(
    LIST,
    shape=PermissionShape.READ_WRITE_ROWS,
    name_pointer="/0",
    read_pointer="/1",
    write_pointer="/2",
    complete=False,
)


def test_rows_stand_at_their_place_and_words_without_one_are_open() -> None:
    perms: Any = [["read", 1, 0], ["trade", 0, "1"], ["move", 0, 0]]
    assert granted(ROWS, Row({"perms": perms}, "/0")) == Granted(
        words={
            "read": Access.READ_ONLY,
            "trade": Access.READ_WRITE,
            "pay": Access.UNKNOWN,
        },
        pointers={"read": "/0/perms/0", "trade": "/0/perms/1", "pay": "/0/perms"},
        pointer="/0/perms",
        apparent=frozenset({"trade"}),
    )


def test_words_in_another_shape_reach_as_far_as_the_mark_of_the_key_lets_them() -> None:
    marked = replace(
        LIST,
        read_only_pointer="/mode",
        read_only_marks=(Meaning("r", means=True), Meaning("rw", means=False)),
        words={**WORDS, "pay": word("pay", WITHDRAW, despite_read_only=True)},
    )

    def shown(mode: str) -> object:
        read = granted(marked, Row({"perms": "read,pay", "mode": mode}, "/0"))
        assert isinstance(read, Granted)
        return dict(read.words)

    assert shown("rw") == {"read": Access.READ_WRITE, "pay": Access.READ_WRITE}
    assert shown("r") == {"pay": Access.READ_WRITE}


# --- where another place says that the key can do more ------------------------------------


MAY_BE = Unknown(
    Reason.UNEXPECTED_ANSWER, "an unlisted permission may be granted: another field says so"
)
SAYS_YES = Fact(value=True, provenance=Provenance(Grade.OBSERVED, "flags", "/transfer"))
SAYS_NO = Fact(value=False, provenance=Provenance(Grade.OBSERVED, "flags", "/transfer"))
UNREADABLE = Unknown(Reason.UNEXPECTED_ANSWER, "no flag")
UNTOLD = Unknown(Reason.NOT_DISCLOSED, "left out")
READS = told(LIST, ["read"])


def doubted(
    by_words: Mapping[str, Fact | Unknown], said: Fact | Unknown, name: str = "permission.transfer"
) -> Mapping[str, Fact | Unknown]:
    return with_doubts(LIST, by_words, {name: said})


@pytest.mark.parametrize("said", [SAYS_YES, UNREADABLE, UNTOLD])
def test_an_unlisted_word_is_open_where_another_place_does_not_agree(said: Fact | Unknown) -> None:
    assert doubted(READS, said) == {
        **READS,
        "permission.transfer": MAY_BE,
        # The word that withdraws, too, is not meant: nothing else says that the key withdraws.
        "permissions.native": Fact(
            (Grant("move", Access.UNKNOWN), Grant("read", Access.GRANTED)), WHOLE
        ),
    }


def test_a_word_is_open_that_may_allow_all_that_other_places_say() -> None:
    said = {"permission.transfer": SAYS_YES, "permission.withdraw": SAYS_YES}
    assert with_doubts(LIST, READS, said)["permissions.native"] == Fact(
        (
            Grant("move", Access.UNKNOWN),
            Grant("pay", Access.UNKNOWN),
            Grant("read", Access.GRANTED),
        ),
        WHOLE,
    )


def test_what_an_open_word_may_allow_besides_is_open() -> None:
    found = doubted(READS, SAYS_YES, "permission.trade.spot")
    assert found["permission.trade.spot"] == MAY_BE
    assert found["permission.trade.margin"] == MAY_BE
    assert found["permission.transfer"] == Fact(value=False, provenance=WHOLE)


def test_places_that_agree_open_nothing() -> None:
    assert doubted(READS, SAYS_NO) == READS
    assert with_doubts(LIST, READS, {}) == READS
    both = told(LIST, ["read", "move"])
    assert doubted(both, SAYS_YES) == both
    assert doubted(both, UNREADABLE) == both


def test_a_listed_word_explains_what_another_place_says() -> None:
    """There are two words that move funds; one of them is listed."""
    two = replace(LIST, words={**WORDS, "shift": word("shift", TRANSFER)})
    one = told(two, ["read", "move"])
    assert with_doubts(two, one, {"permission.transfer": SAYS_YES}) == one
    assert with_doubts(two, one, {"permission.transfer": UNREADABLE}) == one
    none = told(two, ["read"])
    assert with_doubts(two, none, {"permission.transfer": SAYS_YES})["permissions.native"] == Fact(
        (
            Grant("move", Access.UNKNOWN),
            Grant("read", Access.GRANTED),
            Grant("shift", Access.UNKNOWN),
        ),
        WHOLE,
    )


def test_a_list_that_was_not_read_gets_no_words() -> None:
    unread = dict.fromkeys(READS, UNREADABLE)
    assert doubted(unread, SAYS_YES) == unread
    assert doubted({}, SAYS_YES) == {}


@pytest.mark.parametrize(
    ("listed", "said", "is_open"),
    [
        # The list leaves it open by itself: another place that leaves it open, too, adds nothing.
        (UNTOLD, UNTOLD, False),
        (UNTOLD, UNREADABLE, True),
        (UNTOLD, SAYS_YES, True),
        (UNTOLD, SAYS_NO, False),
        (UNREADABLE, UNREADABLE, False),
        (UNREADABLE, UNTOLD, False),
        (UNREADABLE, SAYS_YES, True),
    ],
)
def test_a_word_of_which_the_list_says_nothing(
    listed: Unknown, said: Fact | Unknown, is_open: bool
) -> None:
    found = doubted({**READS, "permission.transfer": listed}, said)
    words = found["permissions.native"]
    assert isinstance(words, Fact)
    assert (Grant("move", Access.UNKNOWN) in words.value) is is_open  # type: ignore[operator]
    assert found["permission.transfer"] == listed
