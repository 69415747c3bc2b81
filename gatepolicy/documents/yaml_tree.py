"""YAML as plain values with the place of each; everything that YAML guesses is refused."""

import re
from dataclasses import dataclass, field
from sys import intern
from typing import NoReturn, Protocol

import yaml

from gatepolicy.documents.document import (
    Child,
    Document,
    JSONValue,
    ListMarks,
    MapMarks,
    first_line,
    pack,
    pack_two,
    show_path,
)
from gatepolicy.errors import DocumentError, Problem
from gatepolicy.model.evidence import Location

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def plain_scalar(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


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
class _Mapping:
    """An open mapping."""

    anchor: str | None
    nodes_before: int
    data: dict[str, JSONValue] = field(default_factory=dict)
    marks: MapMarks = field(default_factory=dict)
    height: int = 1
    key: str | None = None
    key_place: int = 0
    step: str = ""

    @property
    def wants_key(self) -> bool:
        return self.key is None

    def put(self, value: JSONValue, place: int, marks: Child) -> None:
        self.step = key = self.key or ""
        self.data[key] = value
        places = self.key_place, place
        self.marks[key] = pack_two(*places) if marks is None else (*places, marks)
        self.key = None


@dataclass(slots=True)
class _List:
    """An open list."""

    anchor: str | None
    nodes_before: int
    data: list[JSONValue] = field(default_factory=list)
    marks: ListMarks = field(default_factory=list)
    height: int = 1
    wants_key: bool = False

    @property
    def step(self) -> int:
        return len(self.data) - 1

    def put(self, value: JSONValue, place: int, marks: Child) -> None:
        self.data.append(value)
        self.marks.append((place, marks))


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: JSONValue
    marks: Child
    nodes: int
    height: int


@dataclass(slots=True)
class _Builder:
    file: str
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Mapping | _List] = field(default_factory=list)
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
                self._open(event, _Mapping(event.anchor, self.nodes))
            case yaml.SequenceStartEvent():
                self._open(event, _List(event.anchor, self.nodes))
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
        frame = self.stack[-1] if self.stack else None
        if isinstance(frame, _Mapping) and frame.key is None:
            self._take_key(event, frame)
            return
        self._note_tag(event)
        value = plain_scalar(event.value) if _is_plain(event) else event.value
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, None, 1, 0)
        self._put(value, _place(event), None)

    def _take_key(self, event: yaml.ScalarEvent, frame: _Mapping) -> None:
        # NOTE: the same few names stand in every account: each is kept in memory once.
        frame.key, frame.key_place = intern(event.value), _place(event)
        self._note_tag(event)
        if event.value == "<<" and _is_plain(event):
            what, fix = "merge keys are not part of YAML 1.2", "write the entries out"
            self._note(event, what, fix, self._path_to(event.value))
        elif event.value in frame.data:
            line = first_line(frame.marks, event.value)
            what, fix = "duplicate key", f"first defined on line {line}"
            self._note(event, what, fix, self._path_to(event.value))

    def _open(
        self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, frame: _Mapping | _List
    ) -> None:
        self._count(event, 1)
        self._refuse_as_key(event)
        self._refuse_depth(event, 1)
        self._note_tag(event)
        self._put(frame.data, _place(event), frame.marks)
        self.stack.append(frame)

    def _close(self) -> None:
        frame = self.stack.pop()
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, frame.height + 1)
        if frame.anchor is not None:
            nodes = self.nodes - frame.nodes_before
            self.anchors[frame.anchor] = _Anchored(frame.data, frame.marks, nodes, frame.height)

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        self._refuse_as_key(event)
        anchored = self.anchors.get(event.anchor or "")
        if anchored is None:
            # What follows the * may be a secret: it is not repeated.
            fix = "quote the value if it is a string that starts with *"
            self._refuse(event, "undefined alias", fix)
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            self._refuse(event, f"more than {MAX_ALIASES} aliases", "write the values out")
        self._count(event, anchored.nodes)
        self._refuse_depth(event, anchored.height)
        # An anchor stands before its alias, so the alias cannot be the whole document.
        self.stack[-1].height = max(self.stack[-1].height, anchored.height + 1)
        self._put(anchored.value, _place(event), anchored.marks)

    def _refuse_as_key(self, event: yaml.Event) -> None:
        if self.stack and self.stack[-1].wants_key:
            fix = "quote it if it starts with {, [ or *"
            self._refuse(event, "a key must be a string", fix)

    def _refuse_depth(self, event: yaml.Event, height: int) -> None:
        if len(self.stack) + height > MAX_DEPTH:
            what = f"nested more than {MAX_DEPTH} levels deep"
            self._refuse(event, what, "no gatepolicy file needs this")

    def _put(self, value: JSONValue, place: int, marks: Child) -> None:
        if self.stack:
            self.stack[-1].put(value, place, marks)
        else:
            self.root = Document(self.file, value, place, marks)

    def _count(self, event: yaml.Event, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self._refuse(
                event, f"more than {MAX_NODES} values", "split the file, use fewer aliases"
            )

    def _note_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            # What follows the ! may be a secret: it is not repeated.
            fix = "remove it; quote the value if it is a string that starts with !"
            self._note(event, "a tag is not allowed", fix)

    def _path_to(self, key: str) -> str:
        return show_path((*(frame.step for frame in self.stack[:-1]), key))

    def _note(self, event: yaml.Event, what: str, fix: str, path: str = "") -> None:
        self.problems.append(Problem(_location(event.start_mark, self.file), path, what, fix))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Refused

    def _refuse(self, event: yaml.Event, what: str, fix: str) -> NoReturn:
        self._note(event, what, fix)
        raise _Refused


def _is_plain(event: yaml.ScalarEvent) -> bool:
    return event.style in (None, "")


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
        builder.problems.append(_syntax_problem(error, text, file))
    except yaml.YAMLError:
        what = "a character that is not allowed in text"
        builder.problems.append(Problem(Location(file, 1, 1), "", what, "remove it"))
    if builder.problems:
        raise DocumentError(builder.problems)
    if builder.root is None or builder.root.data is None:
        what = "the file is empty" if builder.root is None else "the document is empty"
        raise DocumentError([Problem(Location(file, 1, 1), "", what, "add the content")])
    return builder.root


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark
    what = error.problem or "not YAML"
    fix = "check quotes, brackets and indentation"
    if mark is not None and _stands_at(text, mark) == "\t":
        what, fix = "tabs are not allowed here", "indent with spaces"
    elif "cannot start any token" in what:
        what, fix = "a plain value cannot start with this character", "quote the value"
    return Problem(_location(mark, file), "", what, fix)


def _stands_at(text: str, mark: _Mark) -> str:
    line = text.splitlines()[mark.line :][:1]
    return "".join(line)[mark.column : mark.column + 1]
