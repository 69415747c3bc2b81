"""Adding a waiver to a file: what is written is what the reader accepts."""

from collections.abc import Mapping

from gatepolicy.documents.append import Entry, append_entry, refused_entry
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import DocumentError
from gatepolicy.rules.rule import Rule
from gatepolicy.waivers.waiver import load_waivers

EMPTY_FILE = "apiVersion: gatepolicy/v1\nkind: Waivers\nwaivers: []\n"


def with_waiver(text: str, file: str, entry: Entry, rules: Mapping[str, Rule]) -> str:
    """The text of a file of waivers with one more.

    Args:
        text: The file; empty when there is none yet.
        file: Its name, for messages.
        entry: The waiver, by the names of the schema.
        rules: By id.

    Raises:
        DocumentError: The file is none of waivers.
        UsageError: The entry is no waiver.
    """
    before = text or EMPTY_FILE
    load_waivers([file], rules, read=lambda _: before.encode())
    after = append_entry(before, parse_yaml(before, file), "waivers", entry)
    try:
        load_waivers([file], rules, read=lambda _: after.encode())
    except DocumentError as error:
        raise refused_entry(error, file) from None
    return after


def free_id(text: str, file: str, rules: Mapping[str, Rule]) -> str:
    """An id that no waiver of a file has."""
    waivers = load_waivers([file], rules, read=lambda _: (text or EMPTY_FILE).encode())
    taken = {waiver.terms.id for waiver in waivers}
    numbered = (f"W-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in numbered if name not in taken)
