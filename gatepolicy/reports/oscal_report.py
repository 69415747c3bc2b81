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
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

from gatepolicy import __version__
from gatepolicy.model.encoding import Json, encode_time
from gatepolicy.model.evidence import Subject
from gatepolicy.model.scan import Scan
from gatepolicy.model.verdicts import Outcome, RuleInfo
from gatepolicy.reports.json_report import Node, json_document
from gatepolicy.reports.summary import (
    NOTHING_CHECKED,
    Judged,
    all_judged,
    cut,
    exit_sentence,
    stable_uuid,
    unjudged,
    why_unknown,
)
from gatepolicy.reports.text_layout import place
from gatepolicy.rules.catalog import Framework

OSCAL_VERSION = "1.1.3"
_NAMESPACE = "urn:gatepolicy:oscal"
_TEXT_LIMIT = 2_000
_Numbered: TypeAlias = tuple[str, Judged]
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
    asked = _asked(scan)
    has_observations = any(True for _ in chain(scan.verdicts(), unjudged(scan)))
    numbered = list(_numbered(scan))
    findings = list(_findings(scan, numbered, _controls(frameworks)))
    return {
        "uuid": uuid,
        "title": "Scan of API keys",
        "description": exit_sentence(scan),
        "start": encode_time(scan.started_at),
        "end": encode_time(scan.finished_at),
        **_props([("exit-code", str(scan.exit_code.value)), ("scope", scan.scope)]),
        "local-definitions": _definitions(scan),
        "reviewed-controls": {"control-selections": [_selection(scan, asked)]},
        **({"observations": _observations(scan, numbered)} if has_observations else {}),
        **({"findings": findings} if findings else {}),
    }


def _asked(scan: Scan) -> Sequence[RuleInfo]:
    found = {verdict.rule for verdict in scan.verdicts()}
    return [rule for rule in scan.rules if rule.id in found]


def _selection(scan: Scan, asked: Sequence[RuleInfo]) -> Json:
    if asked:
        return {
            "description": "The rules that policies ask.",
            "include-controls": [{"control-id": _token(rule.id)} for rule in asked],
        }
    return {
        "description": "No rule was asked.",
        "include-all": {},
        "exclude-controls": [{"control-id": _token(rule.id)} for rule in scan.rules],
    }


def _definitions(scan: Scan) -> Mapping[str, Json]:
    tool: Json = {
        "uuid": _TOOL,
        "type": "software",
        "title": "gatepolicy",
        "description": "A compliance scanner for the API keys of crypto exchanges.",
        "props": [{"name": "version", "value": __version__}],
        "status": {"state": "operational"},
    }
    subjects = {_item_uuid(one.evidence.subject): one.evidence.subject for one in scan.accounts}
    items = [_item(uuid, subject) for uuid, subject in subjects.items()]
    return {"components": [tool], **({"inventory-items": items} if items else {})}


def _item_uuid(subject: Subject) -> str:
    return _account_uuid(subject.exchange, subject.id)


@lru_cache(maxsize=1024)
def _account_uuid(exchange: str, account: str) -> str:
    return str(stable_uuid("account", exchange, account))


def _item(uuid: str, subject: Subject) -> Json:
    told = {
        "account": subject.id,
        "exchange": subject.exchange,
        "owner": subject.owner,
        "declared-at": place(subject.location),
    }
    return {"uuid": uuid, "description": _title(_named(subject)), **_props(told.items())}


def _named(subject: Subject) -> str:
    return f"API key {subject.id} on {subject.exchange}"


def _observations(scan: Scan, numbered: Iterable[_Numbered]) -> Iterator[Json]:
    rules = {rule.id: rule for rule in scan.rules}
    collected = _collection_times(scan)
    for uuid, one in numbered:
        moment = (
            collected[_item_uuid(one.subject)] if one.subject else encode_time(scan.finished_at)
        )
        yield _observation(uuid, one, rules[one.verdict.rule], moment)
    unchecked = {_item_uuid(subject): subject for subject in unjudged(scan)}
    for uuid, subject in unchecked.items():
        yield {
            "uuid": str(stable_uuid("unchecked", uuid)),
            "title": _title(f"{_named(subject)}: {NOTHING_CHECKED}"),
            "description": NOTHING_CHECKED,
            **_props([("verdict", "not_checked")]),
            **_made(subject),
            "collected": collected[uuid],
        }


def _collection_times(scan: Scan) -> Mapping[str, str]:
    """Id of the item of an account to when it was read."""
    evidence = (account.evidence for account in scan.accounts)
    return {_item_uuid(one.subject): encode_time(one.collected_at) for one in evidence}


def _numbered(scan: Scan) -> Iterator[_Numbered]:
    """Every verdict with the id of its observation."""
    seen = Counter[str]()
    for one in all_judged(scan):
        question = one.question
        seen[question] += 1
        yield str(stable_uuid("observation", question, str(seen[question]))), one


def _observation(uuid: str, one: Judged, rule: RuleInfo, moment: str) -> Json:
    verdict = one.verdict
    who = _named(one.subject) if one.subject else "This scan"
    subject = f" ({verdict.subject})" if verdict.subject else ""
    told = {
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
        **_props(told.items()),
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


def _findings(
    scan: Scan, numbered: Iterable[_Numbered], controls: Mapping[str, Sequence[str]]
) -> Iterator[Json]:
    """One for each rule of a policy that applies to anything."""
    rules = {rule.id: rule for rule in scan.rules}
    groups: dict[tuple[str, str], list[tuple[str, Judged]]] = {}
    for uuid, one in numbered:
        if one.verdict.outcome is not Outcome.NOT_APPLICABLE:
            key = (one.verdict.rule, one.verdict.policy)
            groups.setdefault(key, []).append((uuid, one))
    for (rule, policy), group in groups.items():
        counts = Counter(one.verdict.outcome for _, one in group)
        about = [*controls.get(rules[rule].name, ()), *rules[rule].named_controls]
        props = _props(
            [("policy", policy), *(("evidence-about-control", control) for control in about)]
        )
        yield _finding(rules[rule], policy, counts, props, [uuid for uuid, _ in group])


def _finding(
    rule: RuleInfo,
    policy: str,
    counts: Counter[Outcome],
    props: Mapping[str, Json],
    observations: Sequence[str],
) -> Json:
    told = ", ".join(
        f"{counts[outcome]:,} {outcome.value}" for outcome in Outcome if counts[outcome]
    )
    state, reason = _status(counts)
    asked = f", policy {policy}" if policy else ""
    return {
        "uuid": str(stable_uuid("finding", rule.id, policy)),
        "title": _title(f"{rule.id} {rule.name}{asked}"),
        "description": f"{rule.title}: {told}.",
        **props,
        "target": {
            "type": "objective-id",
            "target-id": _token(rule.id),
            "title": _title(rule.title),
            "status": {"state": state, "reason": reason},
        },
        "related-observations": [{"observation-uuid": uuid} for uuid in observations],
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


def _props(told: Iterable[tuple[str, str]]) -> dict[str, Json]:
    """Properties of our own; none of them may be empty, nor may their list."""
    values = ((name, _value(text)) for name, text in told)
    props: Json = [{"name": name, "ns": _NAMESPACE, "value": text} for name, text in values if text]
    return {"props": props} if props else {}


def _value(text: str) -> str:
    return cut(text, _TEXT_LIMIT).strip()


def _title(text: str) -> str:
    return _value(text) or "-"


def _token(text: str) -> str:
    """An XML name without a colon, as OSCAL's ids are."""
    return re.sub(r"^(?![A-Za-z_])", "_", re.sub(r"[^A-Za-z0-9_.-]", "_", text))
