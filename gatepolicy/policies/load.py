"""Reading policies: files, checked against the schema and for sense, as frozen values."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from gatepolicy.documents.document import Document
from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import Schema, load_schema
from gatepolicy.documents.source import Read
from gatepolicy.documents.values import DataPath, show_path
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.facts import Access, Grade, Grant
from gatepolicy.model.location import Location
from gatepolicy.model.severity import Severity
from gatepolicy.model.verdicts import OnUnknown
from gatepolicy.policies.policy import AllowedWords, AppliesTo, Clause, Policy, Section
from gatepolicy.policies.sense import nonsense
from gatepolicy.policies.values import CLAUSES
from gatepolicy.resources import schemas_directory
from gatepolicy.rules.catalog import load_rules

Node = Mapping[str, Any]
Ids = Mapping[str, str]
_SINGLE = "permissions"


def load_policies(files: Sequence[str], *, read: Read = Path.read_bytes) -> tuple[Policy, ...]:
    """Policies in the order of their files.

    Args:
        files: As the user named them.
        read: Reads the bytes of a file.

    Raises:
        DocumentError: With the problems of all files together.
    """
    loader = _Loader(read)
    policies: list[Policy] = []
    problems: list[Problem] = []
    for file in files:
        try:
            policies.append(loader.load(file))
        except DocumentError as error:
            problems.extend(error.problems)
    problems.extend(_same_names(policies))
    if problems:
        raise DocumentError(problems)
    return tuple(policies)


def load_policy(file: str, *, read: Read = Path.read_bytes) -> Policy:
    """One policy.

    Raises:
        DocumentError: With all its problems.
    """
    return load_policies([file], read=read)[0]


def policy_schema() -> Schema:
    """The shipped schema of policies."""
    return load_schema((schemas_directory() / "policy.schema.json").read_text(encoding="utf-8"))


def _same_names(policies: Sequence[Policy]) -> Iterator[Problem]:
    first: dict[str, Policy] = {}
    for policy in policies:
        other = first.setdefault(policy.name, policy)
        if other is not policy:
            what, fix = (
                f"the name {policy.name} is taken by {other.location}",
                "choose another name",
            )
            if other.location == policy.location:
                what, fix = "this file is named twice", "name it once"
            yield Problem(policy.location, "metadata.name", what, fix)


class _Loader:
    """What all files of a run share: the schema, and the names of the rules."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._schema = policy_schema()
        self._names = {rule.info.id: rule.info.name for rule in load_rules().values()}

    def load(self, file: str) -> Policy:
        content: list[bytes] = []

        def reading(path: Path) -> bytes:
            content.append(self._read(path))
            return content[0]

        document = load_document(file, schema=self._schema, kind="Policy", read=reading)
        builder = _Builder(document, self._names)
        policy = builder.policy(digest=sha256(content[0]).hexdigest())
        problems = [*builder.problems, *nonsense(policy, load_exchange)]
        if problems:
            raise DocumentError(sorted(problems, key=lambda problem: problem.location))
        return policy


class _Builder:
    """Builds one policy from a document that the schema has accepted."""

    def __init__(self, document: Document, names: Ids) -> None:
        self._document = document
        self._names = names
        self.problems: list[Problem] = []

    def policy(self, *, digest: str) -> Policy:
        # The schema has accepted the document, so its shape is known from here on.
        data: Any = self._document.data
        metadata = data["metadata"]
        return Policy(
            name=metadata["name"],
            title=metadata["title"],
            description=metadata.get("description", ""),
            owner=metadata.get("owner", ""),
            references=tuple(metadata.get("references", ())),
            location=self._document.at(("metadata", "name")),
            digest=digest,
            applies_to=_applies_to(data.get("applies_to", {})),
            general=self._section(data, (), words=None),
            exchanges={
                exchange: self._special(node, ("exchanges", exchange))
                for exchange, node in data.get("exchanges", {}).items()
            },
        )

    def _special(self, node: Node, path: DataPath) -> Section:
        allow = node.get("permissions", {}).get("allow")
        words = None if allow is None else self._words(allow, (*path, "permissions", "allow"))
        own = {key: value for key, value in node.items() if key != _SINGLE}
        return self._section(own, path, words=words)

    def _section(self, node: Node, path: DataPath, *, words: AllowedWords | None) -> Section:
        accept = node.get("evidence", {}).get("accept")
        return Section(
            location=self._key_at(path),
            clauses=dict(self._clauses(node, path)),
            words=words,
            severity={
                name: Severity(value)
                for name, value in self._by_name(node, path, "severity").items()
            },
            on_unknown={
                name: OnUnknown(value)
                for name, value in self._by_name(node, path, "on_unknown").items()
            },
            accepted=None if accept is None else frozenset(Grade(grade) for grade in accept),
        )

    def _clauses(self, node: Node, path: DataPath) -> Iterator[tuple[str, Clause]]:
        for place, reader in CLAUSES.items():
            steps = tuple(place.split("."))
            found = _found(node, steps)
            if found is None or isinstance(found, dict):
                continue
            value, wrongs = reader(found)
            here = (*path, *steps)
            for wrong in wrongs:
                self._problem((*here, *wrong.path), wrong.what, wrong.fix)
            yield place, Clause(value, self._key_at(here), self._items(found, here))

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

    def _by_name(self, node: Node, path: DataPath, table: str) -> dict[str, str]:
        named: dict[str, str] = {}
        for key, value in node.get(table, {}).items():
            name = self._names.get(key, key)
            if name in named:
                what = f"{name} stands here twice, by id and by name"
                self._problem((*path, table, key), what, "remove one")
            named[name] = value
        return named

    def _key_at(self, path: DataPath) -> Location:
        return self._document.key_at(path)

    def _problem(self, path: DataPath, what: str, fix: str) -> None:
        self.problems.append(Problem(self._document.at(path), show_path(path), what, fix))


def _applies_to(node: Node) -> AppliesTo:
    return AppliesTo(
        exchanges=frozenset(node.get("exchanges", ())),
        accounts=tuple(node.get("accounts", ())),
        labels=dict(node.get("labels", {})),
    )


def _found(node: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if not isinstance(node, dict) or step not in node:
            return None
        node = node[step]
    return node
