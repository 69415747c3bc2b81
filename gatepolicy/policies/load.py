"""Reading policies: files, checked against the schema and for sense, as frozen values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from os.path import normpath
from pathlib import Path
from typing import Any

from gatepolicy.documents.document import DataPath, Document, show_path
from gatepolicy.documents.load import Read, load_document
from gatepolicy.documents.schema import Schema, did_you_mean, load_schema
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.catalog import load_exchange, unknown_exchange
from gatepolicy.model.evidence import Location
from gatepolicy.model.facts import Access, Grade, Grant
from gatepolicy.model.scan import Override, PolicySource
from gatepolicy.model.verdicts import OnUnknown, Severity, WaiverLimits
from gatepolicy.policies.custom import CustomRule, CustomRuleReader
from gatepolicy.policies.merge import ACCEPT, merge
from gatepolicy.policies.parents import (
    CLAUSES,
    NO_NAMES,
    Names,
    Resolver,
    UnknownParent,
    names_of,
    parent_file,
    redefined,
    shown_file,
)
from gatepolicy.policies.policy import (
    AllowedWords,
    AppliesTo,
    Clause,
    Policy,
    Section,
    UnknownEffect,
    overlay,
)
from gatepolicy.policies.unknowns import asks_nothing, left_out, nonsense, unmeetable
from gatepolicy.resources import schemas_directory
from gatepolicy.rules.catalog import load_rules

Node = Mapping[str, Any]
Ids = Mapping[str, str]
_SINGLE = "permissions"


def load_policies(
    files: Sequence[str], *, names: Names = NO_NAMES, read: Read = Path.read_bytes
) -> tuple[Policy, ...]:
    """Policies in the order of their files, each with all that it inherits.

    Args:
        files: As the user named them.
        names: Networks and variables of the project; they come before those of a policy.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: With the problems of all files together.
    """
    loader = _Loader(names, read)
    policies: list[Policy] = []
    problems: list[Problem] = []
    for file in files:
        try:
            policies.append(loader.load(file).policy)
        except DocumentError as error:
            problems.extend(error.problems)
    problems.extend(problem for policy in policies for problem in asks_nothing(policy))
    problems.extend(_same_names(policies))
    if problems:
        raise DocumentError(list(dict.fromkeys(problems)))
    return tuple(policies)


def load_policy(file: str, *, names: Names = NO_NAMES, read: Read = Path.read_bytes) -> Policy:
    """One policy, with all that it inherits.

    Raises:
        DocumentError: With all its problems.
    """
    return load_policies([file], names=names, read=read)[0]


def policy_schema() -> Schema:
    """The shipped schema of policies."""
    return load_schema((schemas_directory() / "policy.schema.json").read_text(encoding="utf-8"))


def _same_names(policies: Sequence[Policy]) -> Iterator[Problem]:
    first: dict[str, Policy] = {}
    for policy in policies:
        if policy.name not in first:
            first[policy.name] = policy
            continue
        other = first[policy.name].location
        what, fix = f"the name {policy.name} is already used by {other}", "choose another name"
        if other == policy.location:
            what, fix = "duplicate file", "list it once"
        yield Problem(policy.location, "metadata.name", what, fix)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A policy and the names that it knows."""

    policy: Policy
    """With all that it inherits."""
    names: Names
    """Those of its file, and of the policies that it extends."""


class _Loader:
    """What all files of a run share: the schema, the names of the rules, the policies so far."""

    def __init__(self, names: Names, read: Read) -> None:
        self._names = names
        self._read = read
        self._schema = policy_schema()
        self._rules = load_rules()
        self._ids = {rule.info.id: rule.info.name for rule in self._rules.values()}
        self._loaded: dict[str, _Loaded] = {}

    def load(self, file: str, chain: tuple[str, ...] = ()) -> _Loaded:
        """A policy with its parents.

        Args:
            file: As the user or the policy before named it.
            chain: The files that led here by ``extends``, the first one first.
        """
        place = normpath(file)
        if place not in self._loaded:
            self._loaded[place] = self._build(file, (*chain, place))
        return self._loaded[place]

    def _build(self, file: str, chain: tuple[str, ...]) -> _Loaded:
        content: list[bytes] = []

        def reading(path: Path) -> bytes:
            content.append(self._read(path))
            return content[0]

        document = load_document(file, schema=self._schema, kind="Policy", read=reading)
        document = replace(document, file=shown_file(file))
        parents = self._parents(document, file, chain)
        own_names = names_of(document)
        inherited = _all_names(parents)
        names = self._names.upon(own_names.upon(inherited))
        builder = _Builder(document, self._ids, Resolver(names, self._schema))
        own = builder.policy(
            digest=sha256(content[0]).hexdigest(), parents=[parent.policy for parent in parents]
        )
        merged = merge(own, [parent.policy for parent in parents], load_exchange, self._rules)
        problems = [
            *builder.problems,
            *redefined(own_names, inherited),
            *left_out(own),
            *nonsense(own, load_exchange),
            *merged.problems,
            *unmeetable(merged.policy, load_exchange),
        ]
        if problems:
            raise DocumentError(sorted(set(problems), key=lambda problem: problem.location))
        return _Loaded(merged.policy, own_names.upon(inherited))

    def _parents(self, document: Document, path: str, chain: tuple[str, ...]) -> list[_Loaded]:
        data: Any = document.data
        parents: list[_Loaded] = []
        problems: list[Problem] = []
        for index, reference in enumerate(data.get("extends", ())):
            place: DataPath = ("extends", index)
            try:
                file = parent_file(reference, path)
                _refuse_cycle(file, chain)
                parents.append(self.load(file, chain))
            except DocumentError as error:
                problems.extend(error.problems)
            except UnknownParent as error:
                problems.append(
                    Problem(document.at(place), show_path(place), str(error), error.fix)
                )
        if problems:
            raise DocumentError(problems)
        return parents


def _refuse_cycle(file: str, chain: tuple[str, ...]) -> None:
    place = normpath(file)
    if place in chain:
        circle = " -> ".join((*chain[chain.index(place) :], place))
        raise UnknownParent(f"circular extends: {circle}", "break it")


def _all_names(parents: Sequence[_Loaded]) -> Names:
    names = NO_NAMES
    for parent in parents:
        names = names.upon(parent.names)
    return names


class _Builder:
    """Builds one policy from a document that the schema has accepted."""

    def __init__(self, document: Document, rules: Ids, resolver: Resolver) -> None:
        self._document = document
        self._rules = rules
        self._resolver = resolver
        self.problems: list[Problem] = []

    def policy(self, *, digest: str, parents: Sequence[Policy]) -> Policy:
        # The schema has accepted the document, so its shape is known from here on.
        data: Any = self._document.data
        metadata = data["metadata"]
        general = self._section(data, (), words=None)
        return Policy(
            name=metadata["name"],
            title=metadata["title"],
            description=metadata.get("description", ""),
            owner=metadata.get("owner", ""),
            references=tuple(metadata.get("references", ())),
            location=self._document.at(("metadata", "name")),
            digest=digest,
            applies_to=self._applies_to(data, parents),
            general=general,
            exchanges={
                exchange: overlay(general, self._special(node, ("exchanges", exchange)))
                for exchange, node in data.get("exchanges", {}).items()
            },
            extends=tuple(_lineage(parents)),
            overrides=tuple(self._overrides(data)),
            waivers=self._limits(data.get("waivers", {})),
            custom=self._custom(data.get("rules", ())),
        )

    def _custom(self, nodes: Sequence[Node]) -> tuple[CustomRule, ...]:
        reader = CustomRuleReader(self._document)
        rules = reader.read(nodes)
        self.problems += reader.problems
        return rules

    def _limits(self, node: Node) -> WaiverLimits:
        forbid = node.get("forbid", ())
        for index, name in enumerate(forbid):
            if name not in self._rules and name not in self._rules.values():
                names = self._rules.values()
                fix = did_you_mean(name, names, "'gatepolicy explain' lists all rules")
                self._problem(("waivers", "forbid", index), f"unknown rule {name}", fix)
        return WaiverLimits(
            max_days=node.get("max_days"),
            forbid=frozenset(self._rules.get(name, name) for name in forbid),
            places={f"waivers.{key}": self._key_at(("waivers", key)) for key in node},
        )

    def _applies_to(self, data: Node, parents: Sequence[Policy]) -> AppliesTo:
        inherited = list({repr(p.applies_to): p.applies_to for p in parents}.values())
        if "applies_to" in data or not inherited:
            return self._chosen(data.get("applies_to", {}))
        if len(inherited) > 1:
            what = "its parent policies apply to different accounts"
            self._problem(("extends",), what, "add applies_to here")
        return inherited[0]

    def _chosen(self, node: Node) -> AppliesTo:
        for index, name in enumerate(node.get("exchanges", ())):
            wrong = unknown_exchange(name)
            if wrong is not None:
                self._problem(("applies_to", "exchanges", index), *wrong)
        return AppliesTo(
            exchanges=frozenset(node.get("exchanges", ())),
            accounts=tuple(node.get("accounts", ())),
            labels=dict(node.get("labels", {})),
            places={key: self._key_at(("applies_to", key)) for key in node},
        )

    def _overrides(self, data: Node) -> Iterator[Override]:
        policy = data["metadata"]["name"]
        for index, node in enumerate(data.get("override", ())):
            location = self._document.at(("override", index))
            yield Override(node["clause"], node["because"], policy, location)
        scopes: list[tuple[str, Node, DataPath]] = [("", data, ())]
        for exchange, node in data.get("exchanges", {}).items():
            scopes.append((f"exchanges.{exchange}.", node, ("exchanges", exchange)))
        for scope, node, path in scopes:
            because = node.get("evidence", {}).get("because")
            if because is not None:
                location = self._key_at((*path, "evidence", "accept"))
                yield Override(f"{scope}{ACCEPT}", because.strip(), policy, location)

    def _special(self, node: Node, path: DataPath) -> Section:
        allow = node.get("permissions", {}).get("allow")
        words = None if allow is None else self._words(allow, (*path, "permissions", "allow"))
        own = {key: value for key, value in node.items() if key != _SINGLE}
        return self._section(own, path, words=words)

    def _section(self, node: Node, path: DataPath, *, words: AllowedWords | None) -> Section:
        accept = node.get("evidence", {}).get("accept")
        severity = self._by_name(node, path, "severity")
        on_unknown = self._by_name(node, path, "on_unknown")
        places = {
            f"{table}.{name}": location
            for table, named in (("severity", severity), ("on_unknown", on_unknown))
            for name, (_, location) in named.items()
        }
        if accept is not None:
            places[ACCEPT] = self._key_at((*path, "evidence", "accept"))
        return Section(
            location=self._key_at(path),
            clauses=dict(self._clauses(node, path)),
            words=words,
            severity={name: Severity(value) for name, (value, _) in severity.items()},
            on_unknown={
                name: UnknownEffect(OnUnknown(value), name)
                for name, (value, _) in on_unknown.items()
            },
            accepted=None if accept is None else frozenset(Grade(grade) for grade in accept),
            places=places,
        )

    def _clauses(self, node: Node, path: DataPath) -> Iterator[tuple[str, Clause]]:
        for place, reader in CLAUSES.items():
            steps = tuple(place.split("."))
            found = _found(node, steps)
            if found is None or isinstance(found, dict):
                continue
            here = (*path, *steps)
            resolved = self._resolver.resolve(place, found)
            if resolved.wrongs:
                wrongs, value = resolved.wrongs, None
            else:
                value, wrongs = reader(resolved.value)
            for wrong in wrongs:
                self._problem((*here, *wrong.path), wrong.what, wrong.fix)
            items = self._items(found, here)
            yield place, Clause(value, self._key_at(here), items, resolved.through)

    def _items(self, value: object, path: DataPath) -> dict[str, Location]:
        items = value if isinstance(value, list) else []
        return {str(item): self._document.at((*path, i)) for i, item in enumerate(items)}

    def _words(self, allow: Any, path: DataPath) -> AllowedWords:
        limits = allow if isinstance(allow, dict) else dict.fromkeys(allow, Access.READ_WRITE)
        places = (
            {word: self._key_at((*path, word)) for word in allow}
            if isinstance(allow, dict)
            else self._items(allow, path)
        )
        grants = {word: Grant(word, Access(limit)) for word, limit in limits.items()}
        return AllowedWords(grants, self._key_at(path), places)

    def _by_name(self, node: Node, path: DataPath, table: str) -> dict[str, tuple[str, Location]]:
        named: dict[str, tuple[str, Location]] = {}
        for key, value in node.get(table, {}).items():
            name = self._rules.get(key, key)
            if name in named:
                what = f"{name} is listed twice, by id and by name"
                self._problem((*path, table, key), what, "remove one")
            named[name] = (value, self._key_at((*path, table, key)))
        return named

    def _key_at(self, path: DataPath) -> Location:
        return self._document.key_at(path)

    def _problem(self, path: DataPath, what: str, fix: str) -> None:
        self.problems.append(Problem(self._document.at(path), show_path(path), what, fix))


def _lineage(parents: Sequence[Policy]) -> Iterator[PolicySource]:
    sources = [
        source
        for parent in parents
        for source in (
            PolicySource(parent.name, parent.location.file, parent.digest),
            *parent.extends,
        )
    ]
    yield from dict.fromkeys(sources)


def _found(node: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if not isinstance(node, dict) or step not in node:
            return None
        node = node[step]
    return node
