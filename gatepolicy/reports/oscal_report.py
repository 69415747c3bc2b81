"""OSCAL assessment results (NIST, version 1.1.3): an observation for each verdict, and a finding
for each rule of a policy.

A rule is *satisfied* only where at least one account was proved good and nothing is open: an
unknown or a waived finding makes it *not-satisfied* for the reason *other*. Ids are UUIDs of
version 5, made of what a thing is, so that the same scan gives the same file, and the same finding
keeps its id. https://pages.nist.gov/OSCAL/concepts/layer/assessment/assessment-results/
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import TypeAlias
from uuid import UUID

from gatepolicy import __version__
from gatepolicy.model.encoding import Json, encode_time
from gatepolicy.model.evidence import Evidence, Subject
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import Outcome, RuleInfo, Verdict
from gatepolicy.reports.json_report import Node, json_document
from gatepolicy.reports.summary import (
    NOTHING_CHECKED,
    Judged,
    cut,
    exit_sentence,
    stable_uuid,
    why_unknown,
)
from gatepolicy.reports.text_layout import place
from gatepolicy.rules.catalog import Framework

OSCAL_VERSION = "1.1.3"
_NAMESPACE = "urn:gatepolicy:oscal"
_TEXT_LIMIT = 2_000
_ID_SIZE = 16
_Numbered: TypeAlias = tuple[str, Judged, str]
_TOOL = str(stable_uuid("tool", "gatepolicy"))


def render_oscal(scan: Scan, *, frameworks: Sequence[Framework] = ()) -> Iterator[str]:
    """One document with one result.

    Args:
        scan: The finished scan.
        frameworks: Those about whose controls rules give evidence; findings name them.
    """
    moment = encode_time(scan.finished_at)
    run = (scan.scope, encode_time(scan.started_at), moment)
    plan = str(stable_uuid("plan", *run))
    return json_document(
        {
            "assessment-results": {
                "uuid": str(stable_uuid("assessment-results", *run)),
                "metadata": {
                    "title": "API keys of crypto exchanges, checked by gatepolicy",
                    "last-modified": moment,
                    "version": moment,
                    "oscal-version": OSCAL_VERSION,
                },
                "import-ap": {"href": f"#{plan}"},
                "results": [_result(scan, str(stable_uuid("result", *run)), frameworks)],
                "back-matter": {"resources": list(_resources(scan, plan))},
            }
        },
        levels=6,
    )


def _result(scan: Scan, uuid: str, frameworks: Sequence[Framework]) -> Mapping[str, Node]:
    checked = _checked(scan)
    has_observations = any(True for _ in chain(scan.verdicts(), scan.accounts))
    findings = list(_findings(scan, _controls(frameworks)))
    return {
        "uuid": uuid,
        "title": "Scan of API keys",
        "description": exit_sentence(scan),
        "start": encode_time(scan.started_at),
        "end": encode_time(scan.finished_at),
        **_props([("exit-code", str(scan.exit_code.value)), ("scope", scan.scope)]),
        "local-definitions": _definitions(scan),
        "reviewed-controls": {"control-selections": [_selection(scan, checked)]},
        **({"observations": _observations(scan)} if has_observations else {}),
        **({"findings": findings} if findings else {}),
    }


def _checked(scan: Scan) -> Sequence[RuleInfo]:
    found = {verdict.rule for verdict in scan.verdicts()}
    return [rule for rule in scan.rules if rule.id in found]


def _selection(scan: Scan, checked: Sequence[RuleInfo]) -> Json:
    if checked:
        return {
            "description": "The rules that policies check.",
            "include-controls": [{"control-id": _token(rule.id)} for rule in checked],
        }
    return {
        "description": "No rule was checked.",
        "include-all": {},
        "exclude-controls": [{"control-id": _token(rule.id)} for rule in scan.rules],
    }


def _definitions(scan: Scan) -> Mapping[str, Node]:
    tool: Json = {
        "uuid": _TOOL,
        "type": "software",
        "title": "gatepolicy",
        "description": "A compliance scanner for the API keys of crypto exchanges.",
        "props": [{"name": "version", "value": __version__}],
        "status": {"state": "operational"},
    }
    has_items = any(True for _ in scan.accounts)
    return {"components": [tool], **({"inventory-items": _items(scan)} if has_items else {})}


def _items(scan: Scan) -> Iterator[Json]:
    """One for each account; an id that two accounts have stands once."""
    seen = Counter[str]()
    for one in scan.accounts:
        uuid = _item_uuid(one.evidence.subject)
        if uuid not in seen:
            seen[uuid] += 1
            yield _item(uuid, one.evidence.subject)


def _item_uuid(subject: Subject) -> str:
    return _account_uuid(subject.exchange, subject.id)


@lru_cache(maxsize=1024)
def _account_uuid(exchange: str, account: str) -> str:
    return str(stable_uuid("account", exchange, account))


def _item(uuid: str, subject: Subject) -> Json:
    values = {
        "account": subject.id,
        "exchange": subject.exchange,
        "owner": subject.owner,
        "declared-at": place(subject.location),
    }
    return {"uuid": uuid, "description": _title(_named(subject)), **_props(values.items())}


def _named(subject: Subject) -> str:
    return f"API key {subject.id} on {subject.exchange}"


def _observations(scan: Scan) -> Iterator[Json]:
    rules = {rule.id: rule for rule in scan.rules}
    for uuid, one, moment in _numbered(scan):
        yield _observation(uuid, one, rules[one.verdict.rule], moment)
    seen = set[str]()
    for account in scan.accounts:
        uuid = _item_uuid(account.evidence.subject)
        if not account.verdicts and uuid not in seen:
            seen.add(uuid)
            yield _unchecked(uuid, account.evidence)


def _unchecked(uuid: str, evidence: Evidence) -> Json:
    return {
        "uuid": str(stable_uuid("unchecked", uuid)),
        "title": _title(f"{_named(evidence.subject)}: {NOTHING_CHECKED}"),
        "description": NOTHING_CHECKED,
        **_props([("verdict", "not_checked")]),
        **_made(evidence.subject),
        "collected": encode_time(evidence.collected_at),
    }


def _numbered(scan: Scan) -> Iterator[_Numbered]:
    """Every verdict with the id of its observation, and when its account was read.

    Made anew whenever they are needed, so that no more than an account is kept.
    """
    accounts = Counter[tuple[str, str]]()
    for account in scan.accounts:
        subject = account.evidence.subject
        moment = encode_time(account.evidence.collected_at)
        accounts[subject.exchange, subject.id] += 1
        again = accounts[subject.exchange, subject.id]
        yield from _of_one(subject, account.verdicts, moment, again)
    yield from _of_one(None, scan.general, encode_time(scan.finished_at), 1)


def _of_one(
    subject: Subject | None, verdicts: Iterable[Verdict], moment: str, again: int
) -> Iterator[_Numbered]:
    """The verdicts about one account.

    Args:
        subject: The account; ``None`` for the scan itself.
        verdicts: About it.
        moment: When it was read.
        again: 1, but more where an account of the same id came before.
    """
    seen = Counter[str]()
    others = () if again == 1 else (f"{again}",)
    for verdict in verdicts:
        one = Judged(subject, verdict)
        seen[one.question] += 1
        name = stable_uuid("observation", one.question, str(seen[one.question]), *others)
        yield str(name), one, moment


def _observation(uuid: str, one: Judged, rule: RuleInfo, moment: str) -> Json:
    verdict = one.verdict
    who = _named(one.subject) if one.subject else "This scan"
    subject = f" ({verdict.subject})" if verdict.subject else ""
    values = {
        "verdict": verdict.outcome.value,
        "severity": verdict.severity.value,
        "reason": why_unknown(verdict) if verdict.reason else "",
        "on-unknown": verdict.on_unknown.value,
        "subject": verdict.subject,
        "policy": verdict.policy,
        "policy-line": place(verdict.location),
        "finding": one.identity,
        "waiver": verdict.waived.terms.id if verdict.waived else "",
    }
    lines = {"Expected": verdict.expected, "Seen": verdict.seen, "Needed": verdict.needed}
    return {
        "uuid": uuid,
        "title": _title(f"{who}: {rule.id} {rule.name}{subject}: {verdict.outcome.value}"),
        "description": " ".join(_sentences(lines)) or rule.title,
        **_props(values.items()),
        **_made(one.subject),
        "collected": moment,
    }


def _sentences(lines: Mapping[str, str]) -> Iterator[str]:
    return (f"{label}: {cut(text, _TEXT_LIMIT)}." for label, text in lines.items() if text)


def _made(subject: Subject | None) -> Mapping[str, Json]:
    """How an observation was made, and about what."""
    made: dict[str, Json] = {
        "methods": ["TEST"],
        "types": ["control-objective"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": _TOOL}]}],
    }
    if subject is not None:
        made["subjects"] = [{"subject-uuid": _item_uuid(subject), "type": "inventory-item"}]
    return made


def _controls(frameworks: Sequence[Framework]) -> Mapping[str, Sequence[str]]:
    """Name of a rule to the controls about which it gives evidence."""
    found: dict[str, list[str]] = {}
    for framework in frameworks:
        for control in framework.controls:
            for rule in control.rules:
                found.setdefault(rule, []).append(f"{framework.title}: {control.id}")
    return found


@dataclass(slots=True)
class _Group:
    """The verdicts of one rule of a policy."""

    counts: Counter[Outcome] = field(default_factory=Counter)
    """How many there are of each."""
    observations: bytearray = field(default_factory=bytearray)
    """Their ids, 16 bytes each: a scan may have millions."""

    def names(self) -> Iterator[Json]:
        """The ids, as OSCAL refers to them."""
        for start in range(0, len(self.observations), _ID_SIZE):
            found = UUID(bytes=bytes(self.observations[start : start + _ID_SIZE]))
            yield {"observation-uuid": str(found)}


def _findings(scan: Scan, controls: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, Node]]:
    """One for each rule of a policy that applies to anything."""
    rules = {rule.id: rule for rule in scan.rules}
    groups: dict[tuple[str, str], _Group] = {}
    for uuid, one, _ in _numbered(scan):
        if one.verdict.outcome is not Outcome.NOT_APPLICABLE:
            group = groups.setdefault((one.verdict.rule, one.verdict.policy), _Group())
            group.counts[one.verdict.outcome] += 1
            group.observations += UUID(uuid).bytes
    for (rule, policy), group in groups.items():
        about = [*controls.get(rules[rule].name, ()), *rules[rule].named_controls]
        props = _props(
            [("policy", policy), *(("evidence-about-control", control) for control in about)]
        )
        yield _finding(rules[rule], policy, group, props)


def _finding(
    rule: RuleInfo, policy: str, group: _Group, props: Mapping[str, Json]
) -> Mapping[str, Node]:
    counts = group.counts
    counted = ", ".join(
        f"{counts[outcome]:,} {outcome.value}" for outcome in Outcome if counts[outcome]
    )
    state, reason = _status(counts)
    of_policy = f", policy {policy}" if policy else ""
    return {
        "uuid": str(stable_uuid("finding", rule.id, policy)),
        "title": _title(f"{rule.id} {rule.name}{of_policy}"),
        "description": f"{rule.title}: {counted}.",
        **props,
        "target": {
            "type": "objective-id",
            "target-id": _token(rule.id),
            "title": _title(rule.title),
            "status": {"state": state, "reason": reason},
        },
        "related-observations": group.names(),
    }


def _status(counts: Counter[Outcome]) -> tuple[str, str]:
    if counts[Outcome.FAIL]:
        return "not-satisfied", "fail"
    if counts[Outcome.UNKNOWN] or counts[Outcome.WAIVED]:
        return "not-satisfied", "other"
    return "satisfied", "pass"


def _resources(scan: Scan, plan: str) -> Iterator[Json]:
    yield {
        "uuid": plan,
        "title": "What was to be assessed",
        "description": "There is no assessment plan but the policies, which are listed here.",
    }
    files = {(policy.file, policy.digest): policy.title for policy in scan.policies}
    parents = (source for policy in scan.policies for source in policy.extends)
    files = {**{(one.file, one.digest): one.name for one in parents}, **files}
    for (file, digest), title in files.items():
        hashes: Json = [{"algorithm": "SHA-256", "value": _value(digest) or "-"}]
        yield {
            "uuid": str(stable_uuid("policy", file, digest)),
            "title": _title(f"Policy {title}"),
            "rlinks": [{"href": cut(file, _TEXT_LIMIT), "hashes": hashes}],
        }


def _props(named: Iterable[tuple[str, str]]) -> dict[str, Json]:
    """Properties of our own; none of them may be empty, nor may their list."""
    values = ((name, _value(text)) for name, text in named)
    props: Json = [{"name": name, "ns": _NAMESPACE, "value": text} for name, text in values if text]
    return {"props": props} if props else {}


def _value(text: str) -> str:
    return cut(text, _TEXT_LIMIT).strip()


def _title(text: str) -> str:
    return _value(text) or "-"


def _token(text: str) -> str:
    """An XML name without a colon, as OSCAL's ids are."""
    return re.sub(r"^(?![A-Za-z_])", "_", re.sub(r"[^A-Za-z0-9_.-]", "_", text))
