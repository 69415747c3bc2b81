"""YAML with positions, read in one pass over libyaml's events.

Nothing here recurses: libyaml's composer crashes the process on 100,000 nested brackets, its
event parser does not. Guards count depth, nodes and aliases while they come.
"""

from dataclasses import dataclass, field
from typing import NoReturn, Protocol

import yaml

from gatepolicy.documents.document import Child, Document, ListMarks, MapMarks, pack
from gatepolicy.documents.scalars import plain_scalar
from gatepolicy.documents.values import JSONValue, Path, show_path
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.location import Location

MAX_DEPTH = 64
MAX_NODES = 3_000_000
MAX_ALIASES = 1_000
MAX_PROBLEMS = 100

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(Protocol):
    line: int
    column: int


class _Refused(Exception):  # noqa: N818 - ends the reading; the problems are in the builder
    pass


@dataclass(slots=True)
class _Frame:
    """An open mapping or list."""

    data: dict[str, JSONValue] | list[JSONValue]
    marks: "MapMarks | ListMarks"
    place: int
    anchor: str | None
    nodes_before: int
    key: str | None = None
    key_place: int = 0
    latest: str = ""


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: JSONValue
    marks: Child
    nodes: int


@dataclass(slots=True)
class _Builder:
    file: str
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    nodes: int = 0
    aliases: int = 0
    documents: int = 0
    root: Document | None = None

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._take_scalar(event)
            case yaml.MappingStartEvent():
                self._open(event, {}, {})
            case yaml.SequenceStartEvent():
                self._open(event, [], [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._take_alias(event)
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case _:
                pass

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        self.anchors.clear()
        if self.documents > 1:
            self._refuse(event, "a second document starts here", "keep one document per file")

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        self._count(event, 1)
        place = _place(event)
        if self._wants_key():
            self._take_key(event, place)
            return
        self._note_tag(event)
        quoted = event.style is not None and event.style != ""
        value = event.value if quoted else plain_scalar(event.value)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, None, 1)
        self._put(value, place, None)

    def _wants_key(self) -> bool:
        frame = self.stack[-1] if self.stack else None
        return frame is not None and isinstance(frame.data, dict) and frame.key is None

    def _take_key(self, event: yaml.ScalarEvent, place: int) -> None:
        frame = self.stack[-1]
        frame.key, frame.key_place = event.value, place
        path = show_path((*self._path(), event.value))
        self._note_tag(event)
        if event.value == "<<" and event.style in (None, ""):
            what, fix = "merge keys are not part of YAML 1.2", "write the entries out"
            self._note(event, what, fix, path)
        elif event.value in frame.data:
            first = frame.marks[event.value][0]  # type: ignore[call-overload]
            line = (first >> 20) + 1
            self._note(event, "this key stands here a second time", f"see line {line}", path)

    def _open(
        self,
        event: yaml.MappingStartEvent | yaml.SequenceStartEvent,
        data: dict[str, JSONValue] | list[JSONValue],
        marks: "MapMarks | ListMarks",
    ) -> None:
        self._count(event, 1)
        if self._wants_key():
            self._refuse(event, "a key must be a text", "quote it if it starts with { or [")
        if len(self.stack) >= MAX_DEPTH:
            what = f"nested more than {MAX_DEPTH} levels deep"
            self._refuse(event, what, "no document of gatepolicy needs that")
        self._note_tag(event)
        place = _place(event)
        self._put(data, place, marks)
        self.stack.append(_Frame(data, marks, place, event.anchor, self.nodes))

    def _close(self) -> None:
        frame = self.stack.pop()
        if frame.anchor is not None:
            nodes = self.nodes - frame.nodes_before + 1
            self.anchors[frame.anchor] = _Anchored(frame.data, frame.marks, nodes)

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        if self._wants_key():
            self._refuse(event, "a key must be a text, not an alias", "write the key out")
        anchored = self.anchors.get(event.anchor or "")
        if anchored is None:
            self._refuse(event, f"there is no anchor {event.anchor} before this alias", "")
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            self._refuse(event, f"more than {MAX_ALIASES} aliases", "write the values out")
        self._count(event, anchored.nodes)
        self._put(anchored.value, _place(event), anchored.marks)

    def _put(self, value: JSONValue, place: int, marks: Child) -> None:
        if not self.stack:
            self.root = Document(self.file, value, place, marks)
            return
        frame = self.stack[-1]
        match frame.data, frame.marks:
            case list() as items, list() as item_marks:
                items.append(value)
                item_marks.append((place, marks))
            case dict() as entries, dict() as entry_marks:
                frame.latest = key = frame.key or ""
                entries[key] = value
                entry_marks[key] = (frame.key_place, place, marks)
                frame.key = None
            case _:
                raise AssertionError

    def _count(self, event: yaml.Event, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self._refuse(
                event, f"more than {MAX_NODES} values", "split the file, use fewer aliases"
            )

    def _note_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            self._note(event, f"the tag {event.tag} is not allowed", "remove it")

    def _path(self) -> Path:
        return tuple(
            len(frame.data) - 1 if isinstance(frame.data, list) else frame.latest
            for frame in self.stack[:-1]
        )

    def _note(self, event: yaml.Event, what: str, fix: str, path: str = "") -> None:
        self.problems.append(Problem(_location(event.start_mark, self.file), path, what, fix))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Refused

    def _refuse(self, event: yaml.Event, what: str, fix: str) -> NoReturn:
        self._note(event, what, fix)
        raise _Refused


def _place(event: yaml.Event) -> int:
    mark = event.start_mark
    return pack(mark.line, mark.column) if mark is not None else 0


def _location(mark: _Mark | None, file: str) -> Location:
    return Location(file, mark.line + 1, mark.column + 1) if mark else Location(file, 1, 1)


def parse_yaml(text: str, file: str) -> Document:
    """The only document of a YAML text.

    Raises:
        DocumentError: With all problems that could be found; the text of a value is in none.
    """
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _Refused:
        pass
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_syntax_problem(error, file))
    except yaml.YAMLError as error:
        location = Location(file, 1, 1)
        builder.problems.append(Problem(location, "", f"not YAML ({type(error).__name__})", ""))
    if builder.problems:
        raise DocumentError(builder.problems)
    if builder.root is None or builder.root.data is None:
        what = "the file is empty" if builder.root is None else "the document is empty"
        raise DocumentError([Problem(Location(file, 1, 1), "", what, "write the document")])
    return builder.root


def _syntax_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    location = _location(error.problem_mark or error.context_mark, file)
    what = error.problem or error.context or "not YAML"
    if "\\t" in what or "cannot start any token" in what:
        return Problem(
            location, "", "a character that cannot stand here", "indent with spaces, not with tabs"
        )
    return Problem(location, "", what, "check quotes, brackets and indentation")
