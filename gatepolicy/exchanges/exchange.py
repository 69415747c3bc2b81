"""An exchange as its catalog file describes it.

Every field mirrors ``schemas/exchange.schema.json``; the catalog file is the truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from gatepolicy.documents.document import JSONValue
from gatepolicy.model.facts import Access, Capability, Fact, FactValue, Reason, Unknown


@dataclass(frozen=True, slots=True)
class FromCredential:
    """A parameter whose value is a credential, such as the key that is asked about."""

    credential: str
    """ccxt name of the credential; only public ones, never a secret."""


@dataclass(frozen=True, slots=True)
class FromAnswer:
    """A parameter whose value an earlier call answers, such as the user's id."""

    call: str
    """Id of the earlier call."""
    pointer: str
    """JSON Pointer into its answer, to a text or a whole number."""


@dataclass(frozen=True, slots=True)
class FromRow:
    """A parameter whose value stands in a row of the list before, such as a sub-account's name."""

    pointer: str
    """JSON Pointer within the row, to a text or a whole number."""


Parameter: TypeAlias = str | int | FromCredential | FromAnswer | FromRow

Sent: TypeAlias = str | int
"""A parameter's value as it is sent; a number is one where bodies are JSON."""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A call that the ccxt class signs, though its list of endpoints does not have it."""

    path: str
    """As ccxt joins it with the base."""
    section: str
    """Section of ccxt's API addresses whose rules sign it."""
    base: str
    """Address that replaces that section's."""
    params: Mapping[str, str]
    """What ccxt makes the path from; not sent."""


@dataclass(frozen=True, slots=True)
class Call:
    """One declared read. Nothing that is not declared can be sent."""

    id: str
    """Name within the catalog file."""
    ccxt_method: str
    """Implicit endpoint method of the ccxt class, in snake case."""
    http_method: str
    """``GET``, or ``POST`` for the reads of exchanges that read by it."""
    path: str
    """Absolute path, without the query; ``{name}`` in it stands for a parameter."""
    params: Mapping[str, Parameter]
    """Parameters of the call."""
    reads: str
    """Of a ``POST``: why it only reads; otherwise empty."""
    body: Mapping[str, str]
    """Fields that the body must hold, where the body and not the path says what is done."""
    permission: str
    """What the exchange demands of a key for this call, in its own words; may be empty."""
    reference: str
    """Where the exchange documents the call."""
    unlisted: Unlisted | None = None
    """How to sign it, where ccxt has no method for it; then ``ccxt_method`` is empty."""
    weight: int = 1
    """How many turns of the rate limit it takes."""


@dataclass(frozen=True, slots=True)
class Success:
    """How an answer says that it is one. An answer that does not is unexpected."""

    pointer: str
    """JSON Pointer to the status code in the body; empty when success has none."""
    equals: str | int | None
    """The value that means success, of exactly this type."""
    or_equals: str | int | None = None
    """Another value that means the same, where documents show both; ``None`` for no other."""


@dataclass(frozen=True, slots=True)
class Where:
    """A value of the body by which an answer says that it tells nothing."""

    pointer: str
    """JSON Pointer into the whole answer."""
    equals: JSONValue
    """The value, of exactly this type."""


@dataclass(frozen=True, slots=True)
class ErrorPattern:
    """How one kind of failure looks. The first pattern that matches wins."""

    reason: Reason
    """What it means."""
    status: int | None
    """HTTP status, or ``None`` for any."""
    code: str | None
    """The error code of the body as text, or ``None`` for any."""
    text: str | None
    """Words that the message contains, in any case, or ``None`` for any."""
    detail: str
    """One line for people, such as the hint for this exchange; may be empty."""
    proves: Mapping[str, bool]
    """Facts that this error proves, with grade ``refusal``."""
    call: str = ""
    """Id of the only call that it is about; empty for any."""
    beside: str = ""
    """Id of a call that must have succeeded for the proof to count: the refusal is then not one of
    the whole key. Empty when the proof needs none."""
    where: Where | None = None
    """The value that the body must hold. Such a pattern is also about answers that look like
    successes; ``None`` for any body of a failure."""
    ask_instead: str = ""
    """Id of the alternative that describes the key when a call is refused like this; may be
    empty."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """How to find the row of the calling key in a list of keys."""

    rows: str
    """JSON Pointer to the list; one object in place of the list is a list of one."""
    key: str
    """JSON Pointer within a row to the key; empty where rows do not name it: then there must be
    exactly one row."""
    mask: str
    """The character that hides the end of the key; empty when keys are shown whole."""
    ignore_case: bool = False
    """Whether keys are compared in any case, as the addresses of wallets are."""
    other_key: str = ""
    """JSON Pointer within a row to the key where the row is spelt in another way; may be empty."""
    optional: bool = False
    """Whether a row may name no key, or an empty one; one that does must name the calling key."""
    prefix: str = ""
    """What stands before a key in some places and not in others; no part of it. May be empty."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one documented value means."""

    equals: JSONValue
    """The value, of exactly this type."""
    means: FactValue
    """The fact."""
    apparent: bool = False
    """Whether no document says so, though the value plainly shows it: then it can fail a rule, and
    never passes one."""


@dataclass(frozen=True, slots=True)
class Documented:
    """Values that the documents name."""

    values: Sequence[JSONValue] = ()
    """One by one, each of exactly this type."""
    form: str = ""
    """All values of a form: a name in the table of forms; empty for none."""


@dataclass(frozen=True, slots=True)
class When:
    """A condition on a value of the same answer. It names every documented value: any other one
    makes the fact unknown, since nobody can tell whether the source counts.
    """

    pointer: str
    """JSON Pointer, as in the source that the condition belongs to."""
    applies_if: Documented
    """The source counts for these."""
    skipped_if: Documented
    """The source says nothing for these."""
    skipped_if_absent: bool = False
    """Whether the documents allow that the value is missing; then the source says nothing."""


@dataclass(frozen=True, slots=True)
class FactSource:
    """Where a fact stands in the answers."""

    call: str
    """Id of the call."""
    pointer: str
    """JSON Pointer into the answer, or into the own row where the call has one."""
    reader: str
    """Name in the table of readers."""
    meanings: Sequence[Meaning] = ()
    """Values that mean something of their own; the reader gets all others."""
    when: Sequence[When] = ()
    """The source counts only when all of these are met."""
    other_pointer: str = ""
    """Where the value stands in answers that are spelt in another way; may be empty."""
    optional: bool = False
    """Whether the documents allow that the value is missing."""
    missing: FactValue | None = None
    """What it is documented to mean that the value is missing; only what never helps a key to
    pass."""
    fact: str = ""
    """Name of the fact; without it, only documented forms are read."""


class PermissionShape(StrEnum):
    """The shapes in which exchanges list what a key may do."""

    NAMED_GRANTS = "named_grants"
    """A list of objects, each with a name and a read-only mark; what is not listed is not granted
    (Gate)."""
    FLAGS = "flags"
    """An object with one boolean, or level of access, per permission (Binance, Kraken Futures). A
    missing flag is no proof; a flag that nobody mapped counts as granted unless it is off."""
    GROUPS = "groups"
    """An object of lists, and one read-only mark for all (Bybit). What a list does not hold is not
    granted; a list that is missing is no proof."""
    COMMA_LIST = "comma_list"
    """One text of words with a separator between them; what is not listed is not granted."""
    WORD_LIST = "word_list"
    """A list of texts or whole numbers; what is not listed is not granted."""
    READ_WRITE_ROWS = "read_write_rows"
    """A list of rows, each with a word, a mark for reading and a mark for writing (Bitfinex)."""


@dataclass(frozen=True, slots=True)
class Level:
    """What one value of a flag means, where flags are not booleans."""

    equals: JSONValue
    """The value, of exactly this type."""
    means: Access | None
    """How far the flag's word reaches then; ``None`` when it is not granted."""


@dataclass(frozen=True, slots=True)
class Word:
    """One permission word of the exchange."""

    word: str
    """As the API writes it; ``Group.Name`` where words stand in groups."""
    title: str
    """As the web page writes it."""
    grants: frozenset[Capability]
    """What it allows when it is granted for reading and writing."""
    unclear: frozenset[Capability]
    """What it may allow: the documents do not tell. Unknown when the word is granted."""
    note: str
    """What the documents leave open, in one line; may be empty."""
    optional: bool = False
    """For flags: whether answers may be without it, as those of the documents are. Then it is not
    granted, which proves nothing about what it would allow."""
    despite_read_only: bool = False
    """Whether it counts as granted in full even where the read-only mark says otherwise: the
    documents contradict each other, and a danger that is listed is not explained away."""

    def surely_grants(self, access: Access) -> frozenset[Capability]:
        """What it allows, granted as far as this."""
        return self.grants & READS if access is Access.READ_ONLY else self.grants

    def may_grant(self, access: Access = Access.READ_WRITE) -> frozenset[Capability]:
        """What it allows or may allow, granted as far as this."""
        unclear = frozenset() if access is Access.READ_ONLY else self.unclear
        return self.surely_grants(access) | unclear


READS = frozenset({Capability.READ})
"""All that a word can grant for reading only."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """Where and how an exchange lists the words that are granted."""

    call: str
    """Id of the call."""
    pointer: str
    """JSON Pointer to the list, object or text."""
    shape: PermissionShape
    """Its shape."""
    separator: str
    """For comma lists: what stands between two words."""
    name_pointer: str
    """For named grants and rows: JSON Pointer within an entry to the word; otherwise empty."""
    read_pointer: str
    """For rows: JSON Pointer within an entry to the mark for reading; otherwise empty."""
    write_pointer: str
    """For rows: JSON Pointer within an entry to the mark for writing; otherwise empty."""
    complete: bool
    """For rows: whether a word without a row is documented to be off."""
    read_only_pointer: str
    """For named grants: JSON Pointer within an entry to the read-only mark. For groups, and for
    word lists that have one: JSON Pointer into the answer (or own row) to the mark of the whole
    key. Otherwise empty."""
    read_only_marks: Sequence[Meaning]
    """What the mark's values mean: true for read-only, false for read and write."""
    other_fields: frozenset[str]
    """For flags: fields of the same object that are documented and are no permissions."""
    levels: Sequence[Level]
    """For flags: what their values mean; without any, they are true and false."""
    ignore_case: bool
    """Whether words are compared in any case, because their spelling is documented nowhere."""
    words: Mapping[str, Word]
    """Every word that the catalog knows."""
    wordless: Mapping[Capability, str]
    """Capabilities that no word allows, each with the document that shows it."""
    inferred_absence: frozenset[Capability]
    """Capabilities whose word is documented nowhere: absence is graded ``inferred``."""
    inferred_reference: str
    """Why, with the document."""
    may_be_none: bool = False
    """Whether a key can hold none of the words, as the documents tell."""
    or_list: str = ""
    """For comma lists: the document by which a list of texts stands for the text as well; empty
    where only a text is documented."""

    @property
    def splits(self) -> bool:
        """Whether a word can be granted for reading only."""
        return (
            self.shape in _SPLITS
            or bool(self.read_only_pointer)
            or any(level.means is Access.READ_ONLY for level in self.levels)
        )


_SPLITS = frozenset(
    {PermissionShape.NAMED_GRANTS, PermissionShape.GROUPS, PermissionShape.READ_WRITE_ROWS}
)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How fast one egress may ask."""

    calls: int
    """This many calls …"""
    seconds: float
    """… in this many seconds."""


@dataclass(frozen=True, slots=True)
class Pages:
    """How a list goes on."""

    parameter: str
    """Name of the parameter that chooses the page."""
    first: int | None
    """Number of the first page or row; ``None`` where an answer names the next page."""
    step: int
    """What the number grows by from page to page."""
    size: int
    """Rows of a full page: a shorter one is the last. Zero where an answer names the next page."""
    next: str
    """JSON Pointer into an answer to the name of the next page; empty where pages are counted."""
    number: bool = False
    """Whether a counted page is sent as a number."""
    last: Sequence[JSONValue] = ()
    """Where an answer names the next page: what it documents to hold instead on the last one."""
    last_if_absent: bool = False
    """Whether the last page is documented to name none at all."""
    last_if_empty: bool = False
    """Whether a page without rows is the last one, whatever it names."""


@dataclass(frozen=True, slots=True)
class Table:
    """One call that answers a list of rows, page by page."""

    call: Call
    """Its declaration."""
    rows: str
    """JSON Pointer to the list."""
    pages: Pages | None
    """How it goes on; ``None`` when one answer holds all."""
    total: str = ""
    """JSON Pointer to the number of all rows, where an answer tells it; else empty."""


@dataclass(frozen=True, slots=True)
class Detail:
    """What is asked about each listed key, after the list."""

    call: Call
    """Its declaration."""
    own: OwnKey | None
    """Where the answer names the key, which must be the listed one; ``None`` where it does not."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of other keys that a key can ask for."""

    id: str
    """Name within the catalog file."""
    title: str
    """Which keys it lists, in words."""
    of_account: bool
    """Whether the other keys of the asking account stand in it."""
    permission: str
    """What the exchange demands of the key that asks, in its own words; may be empty."""
    each: Table | None
    """The list before: the keys are asked for once for each of its rows."""
    keys: Table
    """The list of the keys."""
    own: OwnKey
    """Where a row shows its key."""
    view: "Exchange"
    """How a row tells facts: the exchange, as if the list and its details were its only calls."""
    details: Sequence[Detail] = ()
    """What is asked about each listed key."""
    partial: str = ""
    """Which keys the list leaves out; empty when it holds all that its title says."""

    @property
    def calls(self) -> Sequence[Call]:
        """Everything that may be sent, in this order."""
        before = (self.each.call,) if self.each else ()
        return (*before, self.keys.call, *(detail.call for detail in self.details))


@dataclass(frozen=True, slots=True)
class Alternative:
    """Calls that describe keys of another kind, which the exchange's own calls refuse."""

    id: str
    """Name within the catalog file."""
    title: str
    """Which keys they describe, in words."""
    view: "Exchange"
    """How they tell facts: the exchange, as if these were its only calls."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site of a family whose sites have keys of their own."""

    title: str
    """As people name it."""
    at: str
    """Its addresses, as its users know them."""
    exchange: str = ""
    """Id by which gatepolicy knows it; empty when it cannot ask that site."""
    note: str = ""
    """How to reach it where it has no id of its own; may be empty."""


@dataclass(frozen=True, slots=True)
class SeenLive:
    """One comparison of an entry with a live answer."""

    day: date
    """Of the answer."""
    source: str
    """Who compared it, and where that can be read."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything that gatepolicy knows about an exchange."""

    id: str
    """As inventories and policies name it; the name of the catalog file."""
    title: str
    """As people name it."""
    ccxt_id: str
    """Class in ccxt."""
    reference: str
    """Entry page of its API documentation."""
    credentials: Sequence[str]
    """ccxt names of the credentials that a call needs, such as ``apiKey``."""
    hosts: frozenset[str]
    """Hosts that calls may go to."""
    sandbox_hosts: frozenset[str]
    """Hosts of its sandbox; empty when it has none that answers these calls."""
    rate_limit: RateLimit
    """For all calls together."""
    calls: Sequence[Call]
    """In the order in which they are sent."""
    success: Success
    """How an answer says that it is one."""
    error_code: str
    """JSON Pointer to the code in an error body."""
    error_text: str
    """JSON Pointer to the message in an error body."""
    errors: Sequence[ErrorPattern]
    """From the most to the least specific."""
    own_keys: Mapping[str, OwnKey]
    """Id of a call to how the calling key's row is found in its answer; a call that is not named
    here describes the calling key with its whole answer."""
    permissions: Permissions
    """What the key may do; without any word where no answer lists words."""
    facts: Mapping[str, Sequence[FactSource]]
    """Fact to its sources; where several disclose it, they must agree, with each other and with the
    words of permissions."""
    structural: Mapping[str, Fact]
    """Facts by the exchange's own rules, each with the document that says so."""
    not_disclosed: Mapping[str, Unknown]
    """Fact to a line that says what was looked at and what to do instead."""
    menu: str
    """The path of the web page where keys are edited."""
    fixes: Mapping[str, str]
    """Rule name to the fix on this exchange."""
    listings: Sequence[Listing] = ()
    """Lists of other keys."""
    named_by: str = "apiKey"
    """ccxt name of the credential that names the key; never a secret."""
    named_by_wallet: bool = False
    """Whether the address of the wallet of ``privateKey`` stands in the place of ``apiKey``; it is
    worked out on this machine."""
    documents_read: date | None = None
    """When somebody last compared the entry with the documents; every shipped entry says so."""
    seen: Sequence[SeenLive] = ()
    """Live answers that were compared with the entry; without any, it is as documented."""
    credentials_note: str = ""
    """Which of several values a credential is, where people mix them up; may be empty."""
    alternatives: Sequence[Alternative] = ()
    """What describes keys that the calls refuse, because they are of another kind."""
    sites: Sequence[Site] = ()
    """The sites of its family, itself included where it has an id there; each has keys of its
    own, and does not know those of the others."""

    @property
    def sendable(self) -> Sequence[Call]:
        """Every call about the calling key that may be sent; those of alternatives come last."""
        more = (call for other in self.alternatives for call in other.view.calls)
        return (*self.calls, *more)

    @property
    def vocabularies(self) -> Sequence[Permissions]:
        """What lists permissions, for each kind of key."""
        return (self.permissions, *(other.view.permissions for other in self.alternatives))

    @property
    def words(self) -> Mapping[str, Word]:
        """Every permission word of any kind of key; a word means the same wherever it stands."""
        return {name: word for each in self.vocabularies for name, word in each.words.items()}

    @property
    def splits(self) -> bool:
        """Whether a word can be granted for reading only, at least for some kind of key."""
        return any(each.splits for each in self.vocabularies)

    @property
    def inferred_absence(self) -> frozenset[Capability]:
        """Capabilities whose absence is only inferred, at least for some kind of key."""
        return frozenset().union(*(each.inferred_absence for each in self.vocabularies))

    @property
    def sister_sites(self) -> Sequence[Site]:
        """The other sites of its family."""
        return tuple(site for site in self.sites if site.exchange != self.id)
