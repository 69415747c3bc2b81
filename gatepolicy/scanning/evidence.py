"""Evidence: what was collected, without any secret, to be evaluated later and elsewhere.

A file holds accounts as they were read, before any was compared with another, and what comparing
them takes: so several files are compared as one collection would have been.

The file is JSON and is described by ``schemas/evidence.schema.json``. Loading is strict: evidence
decides about passes, so a value of the wrong kind, a missing fact or a second account of the same
id is a problem, never something to be read around. It does not prove who wrote the file.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gatepolicy import __version__
from gatepolicy.accounts.egress import Part
from gatepolicy.correlate.keys import (
    AccountTraits,
    KeyTraits,
    LeftOut,
    ListedKeys,
    ListedTraits,
    Uncompared,
    Uncorrelated,
    observed,
)
from gatepolicy.documents.document import Document, JSONValue
from gatepolicy.documents.load import Read, load_json, problem, read_text
from gatepolicy.documents.schema import load_schema, validate
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.encoding import (
    Json,
    decode_call,
    decode_fact,
    decode_networks,
    decode_skew,
    decode_subject,
    decode_time,
    decode_unknown,
    encode_call,
    encode_facts,
    encode_skew,
    encode_subject,
    encode_time,
    encode_value,
)
from gatepolicy.model.evidence import Evidence, Location
from gatepolicy.model.facts import FACTS, FactKind, Facts, Network, Reason, Unknown
from gatepolicy.reports.json_report import json_document
from gatepolicy.resources import schemas_directory

SCHEMA_VERSION = "2.0"
CLOCKS_DIFFER = timedelta(minutes=5)
"""Evidence may seem to be from the future by so much."""
_COMPARED_WHEN_COLLECTED = "1.0"
_AGAIN = "collect the evidence again"


@dataclass(frozen=True, slots=True)
class CollectedFile:
    """Everything that one collection read."""

    collected_at: datetime
    """When collecting began. UTC."""
    inventory: str
    """The inventory as the user named it."""
    read: Uncorrelated
    """Accounts as they were read, and what comparing them takes."""
    warnings: Sequence[str] = ()
    """One line each, for people."""
    salt: str = ""
    """Of the fingerprints, in hexadecimal; empty when the firm keeps a key of its own for them."""
    fingerprint_check: str = ""
    """The fingerprint of a fixed text: the same for all that was collected with the same key of
    fingerprints. Empty where nothing is to be compared with other files."""
    narrowed_by: Sequence[str] = ()
    """The options that left accounts of the inventory out, such as ``--account mm-*``."""
    version: str = __version__
    """Of the gatepolicy that collected it."""
    parts: Sequence[Part] = ()
    """The parts of the inventory that it holds, if that was collected in parts."""
    inventory_digest: str = ""
    """Of the inventory with the egresses of the project; empty where it is unknown."""
    catalog_digest: str = ""
    """Of the exchange catalog; empty where it is unknown."""


def uncompared(evidence: Iterable[Evidence]) -> Uncorrelated:
    """Accounts of which nothing is to be compared: what their facts say, stands."""
    return Uncorrelated(tuple(Uncompared(one) for one in evidence))


def collections_of(evidence: CollectedFile) -> Iterator[Uncorrelated]:
    """What each part read: keys were compared within a part alone."""
    accounts: dict[int, list[Uncompared]] = defaultdict(list)
    left_out: dict[int, list[LeftOut]] = defaultdict(list)
    for account in evidence.read.accounts:
        accounts[account.part].append(account)
    for other in evidence.read.left_out:
        left_out[other.part].append(other)
    for part in range(max(len(evidence.parts), 1)):
        yield Uncorrelated(accounts[part], left_out[part])


def refuse_future(evidence: CollectedFile, file: str, now: datetime) -> None:
    """Refuse evidence that nobody can have collected yet.

    Args:
        evidence: What the file holds.
        file: Its name.
        now: The clock. UTC.

    Raises:
        DocumentError: With every time that lies ahead by more than clocks differ.
    """
    times = {"collected_at": evidence.collected_at} | {
        f"accounts[{position}].collected_at": account.evidence.collected_at
        for position, account in enumerate(evidence.read.accounts)
    }
    problems = [
        Problem(
            Location(file, 1, 1),
            path,
            f"{encode_time(time)} is in the future",
            "check the clocks of both machines, then collect the evidence again",
        )
        for path, time in times.items()
        if time - now > CLOCKS_DIFFER
    ]
    if problems:
        raise DocumentError(problems)


def dump_evidence(evidence: CollectedFile) -> Iterator[str]:
    """The file, one account after the other."""
    check = evidence.fingerprint_check
    return json_document(
        {
            "kind": "Evidence",
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "gatepolicy", "version": evidence.version},
            "collected_at": encode_time(evidence.collected_at),
            "inventory": evidence.inventory,
            **({"narrowed_by": list(evidence.narrowed_by)} if evidence.narrowed_by else {}),
            **_dump_parts(evidence),
            "fingerprint_salt": evidence.salt,
            **({"fingerprint_check": check} if check else {}),
            "accounts": (dump_account(account) for account in evidence.read.accounts),
            "left_out": (dump_left_out(other) for other in evidence.read.left_out),
            "warnings": iter(evidence.warnings),
        },
        levels=4,
    )


def _dump_parts(evidence: CollectedFile) -> dict[str, Json]:
    found: dict[str, Json] = {
        "parts": [dump_part(part) for part in evidence.parts],
        "inventory_digest": evidence.inventory_digest,
        "catalog_digest": evidence.catalog_digest,
    }
    return {name: value for name, value in found.items() if value}


def dump_part(part: Part) -> dict[str, Json]:
    """A part of an inventory, as it stands in evidence and in a journal."""
    return {"egress": part.egress, "shard": part.shard, "of": part.of}


def dump_account(account: Uncompared) -> dict[str, Json]:
    """An account as it stands in evidence and in a journal."""
    evidence, traits = account.evidence, account.traits
    return {
        **encode_subject(evidence.subject),
        "is_selected": account.is_selected,
        **({"part": account.part} if account.part else {}),
        "collected_at": encode_time(evidence.collected_at),
        **encode_skew(evidence.clock_skew),
        **encode_facts(evidence.facts),
        "comparison": None if traits is None else _dump_traits(traits),
        "calls": [encode_call(call) for call in evidence.calls],
    }


def dump_left_out(other: LeftOut) -> dict[str, Json]:
    """An account that was not read, as it stands in evidence and in a journal."""
    return {
        **encode_subject(other.subject),
        "key": _dump_key(other.key),
        "egress": encode_value(other.egress),
        **({"part": other.part} if other.part else {}),
        **({"read_by": other.read_by} if other.read_by else {}),
    }


def _dump_traits(traits: AccountTraits) -> Json:
    return {
        "key": _dump_key(traits.key),
        "egress": encode_value(traits.egress),
        "sandbox": traits.sandbox,
        "is_usable": traits.is_usable,
        "is_checked": traits.is_checked,
        "audited_by": traits.audited_by,
        "discover": traits.discover,
        "listing": traits.listing,
        "is_distinct": traits.is_distinct,
        "listed": None if traits.listed is None else _dump_listed(traits.listed),
    }


def _dump_key(key: KeyTraits) -> Json:
    return {
        "fingerprint": key.fingerprint,
        "is_whole": key.is_whole,
        "is_known": key.is_known,
        "may_be": None if key.may_be is None else sorted(key.may_be),
    }


def _dump_listed(listed: ListedKeys) -> Json:
    keys = listed.of_account
    return {
        "missing": None if listed.missing is None else _dump_unknown(listed.missing),
        "of_account": _dump_unknown(keys)
        if isinstance(keys, Unknown)
        else {"listing": keys.provenance.call, "names": encode_value(keys.value)},
        "keys": [
            {
                "listing": row.listing,
                "of_account": row.of_account,
                "identity": row.identity,
                "is_whole": row.is_whole,
                "last": row.last,
                "fits": sorted(row.fits),
                **encode_facts(row.facts),
            }
            for row in listed.keys
        ],
    }


def _dump_unknown(why: Unknown) -> Json:
    return {"reason": why.reason.value, "detail": why.detail}


def load_evidence(file: str, *, read: Read = Path.read_bytes) -> CollectedFile:
    """Evidence from a file.

    Args:
        file: As the user named it.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: With every problem: no such file, no JSON, not of the schema, or a value
            that ``dump_evidence`` would not have written.
    """
    return parse_evidence(read_text(file, read=read), file)


def parse_evidence(text: str, file: str) -> CollectedFile:
    """Evidence from its text; see ``load_evidence``."""
    return evidence_from(load_json(text, file), file)


def evidence_from(document: JSONValue, file: str) -> CollectedFile:
    """Evidence from what its text says; see ``load_evidence``."""
    data = _checked(document, file)
    reader = _Reader(file, [])
    read = Uncorrelated(
        tuple(
            reader.account(account, f"accounts[{position}]")
            for position, account in enumerate(data["accounts"])
        ),
        tuple(
            reader.left_out(other, f"left_out[{position}]")
            for position, other in enumerate(data["left_out"])
        ),
    )
    evidence = CollectedFile(
        collected_at=reader.time(data["collected_at"], "collected_at"),
        inventory=data["inventory"],
        read=read,
        warnings=tuple(data["warnings"]),
        salt=data["fingerprint_salt"],
        fingerprint_check=data.get("fingerprint_check", ""),
        narrowed_by=tuple(data.get("narrowed_by", ())),
        version=data["tool"]["version"],
        parts=tuple(reader.part(one, f"parts[{i}]") for i, one in enumerate(data.get("parts", ()))),
        inventory_digest=data.get("inventory_digest", ""),
        catalog_digest=data.get("catalog_digest", ""),
    )
    reader.refuse_same_ids(evidence)
    if reader.problems:
        raise DocumentError(reader.problems)
    return evidence


def _checked(data: JSONValue, file: str) -> Mapping[str, Any]:
    """Data of which the schema says that it is evidence."""
    schema = (schemas_directory() / "evidence.schema.json").read_text(encoding="utf-8")
    _refuse_report(data, file)
    _refuse_older(data, file)
    document = Document(file, data, start=0, marks=None)
    problems = validate(document, load_schema(schema))
    if problems or not isinstance(document.data, dict):
        raise DocumentError(problems)
    return document.data


def _refuse_report(data: JSONValue, file: str) -> None:
    if isinstance(data, dict) and "kind" not in data and {"summary", "exit_code"} <= data.keys():
        what = "this is the report of a scan, not evidence"
        raise problem(file, what, "use a file written by 'gatepolicy collect -o FILE'")


def _refuse_older(data: JSONValue, file: str) -> None:
    if isinstance(data, dict) and data.get("schema_version") == _COMPARED_WHEN_COLLECTED:
        what = "this evidence was written by an older gatepolicy, which compared accounts too early"
        raise problem(file, what, _AGAIN)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads data of the right shape, and keeps what is wrong with its values."""

    file: str
    problems: list[Problem]

    def note(self, path: str, what: str) -> None:
        self.problems.append(Problem(Location(self.file, 1, 1), path, what, _AGAIN))

    def time(self, text: str, path: str) -> datetime:
        try:
            return decode_time(text)
        except ValueError:
            self.note(path, "not a valid timestamp")
            return datetime.max.replace(tzinfo=UTC)

    def account(self, data: Mapping[str, Any], path: str) -> Uncompared:
        traits = data["comparison"]
        evidence = Evidence(
            subject=decode_subject(data),
            collected_at=self.time(data["collected_at"], f"{path}.collected_at"),
            facts=self.facts(data, path),
            calls=tuple(decode_call(call) for call in data["calls"]),
            clock_skew=decode_skew(data),
        )
        return Uncompared(
            evidence,
            None if traits is None else self.traits(traits, f"{path}.comparison"),
            is_selected=data["is_selected"],
            part=data.get("part", 0),
        )

    def left_out(self, data: Mapping[str, Any], path: str) -> LeftOut:
        egress = self.networks(data["egress"], f"{path}.egress")
        return LeftOut(
            decode_subject(data),
            self.key(data["key"], f"{path}.key"),
            egress,
            part=data.get("part", 0),
            read_by=data.get("read_by", ""),
        )

    def part(self, data: Mapping[str, Any], path: str) -> Part:
        if data["shard"] > data["of"]:
            self.note(f"{path}.shard", f"there are only {data['of']} shards")
        return Part(data["egress"], data["shard"], data["of"])

    def traits(self, data: Mapping[str, Any], path: str) -> AccountTraits:
        listed = data["listed"]
        return AccountTraits(
            key=self.key(data["key"], f"{path}.key"),
            egress=self.networks(data["egress"], f"{path}.egress"),
            sandbox=data["sandbox"],
            is_usable=data["is_usable"],
            is_checked=data["is_checked"],
            audited_by=data["audited_by"],
            discover=data["discover"],
            listing=data["listing"],
            is_distinct=data["is_distinct"],
            listed=None if listed is None else self.listed(listed, f"{path}.listed"),
        )

    def key(self, data: Mapping[str, Any], path: str) -> KeyTraits:
        may_be = data["may_be"]
        return KeyTraits(
            fingerprint=data["fingerprint"],
            is_whole=data["is_whole"],
            is_known=data["is_known"],
            may_be=None if may_be is None else self.names(may_be, f"{path}.may_be"),
        )

    def names(self, data: Sequence[str], path: str) -> frozenset[str]:
        names = frozenset(data)
        if sorted(names) != data:
            self.note(path, "not in alphabetical order, or with a duplicate")
        return names

    def networks(self, data: Sequence[str], path: str) -> tuple[Network, ...]:
        try:
            return decode_networks(data)
        except ValueError:
            self.note(path, f"not a value of type {FactKind.NETWORKS}")
            return ()

    def listed(self, data: Mapping[str, Any], path: str) -> ListedKeys:
        missing, own = data["missing"], data["of_account"]
        return ListedKeys(
            keys=tuple(
                self.row(row, f"{path}.keys[{position}]")
                for position, row in enumerate(data["keys"])
            ),
            missing=None if missing is None else _unknown(missing),
            of_account=_unknown(own)
            if "reason" in own
            else observed(own["listing"], value=tuple(own["names"])),
        )

    def row(self, data: Mapping[str, Any], path: str) -> ListedTraits:
        return ListedTraits(
            listing=data["listing"],
            of_account=data["of_account"],
            identity=data["identity"],
            is_whole=data["is_whole"],
            last=data["last"],
            facts=self.facts(data, path),
            fits=self.names(data["fits"], f"{path}.fits"),
        )

    def facts(self, data: Mapping[str, Any], path: str) -> Facts:
        known = {}
        for name, fact in data["facts"].items():
            try:
                known[name] = decode_fact(name, fact)
            except ValueError:
                self.note(f"{path}.facts.{name}", f"not a value of type {FACTS[name].kind}")
        for name in FACTS:
            places = (name in data["facts"]) + (name in data["unknown"])
            if places != 1:
                what = "both known and unknown" if places else "neither known nor unknown"
                self.note(path, f"the fact {name} is {what}")
        for name in sorted(data["unknown_details"].keys() - data["unknown"].keys()):
            self.note(f"{path}.unknown_details.{name}", "not an unknown fact")
        return Facts(known, {name: decode_unknown(name, data) for name in data["unknown"]})

    def refuse_same_ids(self, evidence: CollectedFile) -> None:
        """Each account was read once, and left out once by each of the other parts."""
        seen: set[tuple[int, str]] = set()
        read: set[str] = set()
        for position, account in enumerate(evidence.read.accounts):
            self.refuse_other_part(account.part, evidence, f"accounts[{position}].part")
            if account.evidence.subject.id in read:
                self.note(f"accounts[{position}].id", "duplicate id")
            read.add(account.evidence.subject.id)
            seen.add((account.part, account.evidence.subject.id))
        for position, other in enumerate(evidence.read.left_out):
            self.refuse_other_part(other.part, evidence, f"left_out[{position}].part")
            if (other.part, other.subject.id) in seen:
                self.note(f"left_out[{position}].id", "duplicate id")
            seen.add((other.part, other.subject.id))

    def refuse_other_part(self, part: int, evidence: CollectedFile, path: str) -> None:
        if part and part >= len(evidence.parts):
            self.note(path, f"there are only {len(evidence.parts)} parts")


def _unknown(data: Mapping[str, Any]) -> Unknown:
    return Unknown(Reason(data["reason"]), data["detail"])
