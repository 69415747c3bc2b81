"""Changes of one place of an answer, most of them to what no document names. Pure."""

from collections.abc import Iterator
from typing import Any

from gatepolicy.exchanges.answers import join

GONE: Any = ...
"""In the place of a value: it is taken away."""
RENAMED = "an_undocumented_name"
LITERALS: tuple[Any, ...] = (
    GONE, None, True, False, 0, 1, 2, -1, -2, 0.5, 10**30, "", "0", "1", "true", "false", "*", " ",
    "undocumented", "none", "None", "null", [], {}, [[]], [None], [""], {"": None},
)  # fmt: skip
HOMOGLYPHS = str.maketrans("aceopxyACEOPTX019", "асеорхуАСЕОРТХ٠١٩")
BYTES = (
    b"", b"null", b"[]", b"{}", b"\xff\xfe", b"<html>", b'"text"', b"NaN", b"[" * 2000, b"1e999",
)  # fmt: skip
"""In the place of a whole answer."""


def places(value: Any, pointer: str = "") -> Iterator[str]:
    """JSON Pointers to everything in a document, itself included."""
    yield pointer
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, pointer + join(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, pointer + join(index))


def changed(document: Any, pointer: str, value: Any) -> Any:
    """A document with something else at one place; ``GONE`` takes the place away."""
    if not pointer:
        return None if value is GONE else value
    step, slash, rest = pointer[1:].partition("/")
    name = step.replace("~1", "/").replace("~0", "~")
    if isinstance(document, list):
        index = int(name)
        inner = _inner(document[index], slash + rest, value)
        return [*document[:index], *([] if inner is GONE else [inner]), *document[index + 1 :]]
    inner = _inner(document.get(name, {}), slash + rest, value)
    kept = {other: one for other, one in document.items() if other != name or inner is not GONE}
    return kept if inner is GONE else {**kept, name: inner}


def _inner(document: Any, pointer: str, value: Any) -> Any:
    return changed(document, pointer, value) if pointer else value


def at(document: Any, pointer: str) -> Any:
    """What stands at a place that is there."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def variants(document: Any, pointer: str) -> Iterator[Any]:
    """A document with one place changed, in every way that is known here."""
    before = at(document, pointer)
    for value in (*LITERALS, *_twisted(before)):
        if repr(value) != repr(before):
            yield changed(document, pointer, value)
    holder, _, name = pointer.rpartition("/")
    if pointer and isinstance(at(document, holder), dict):
        for other in (RENAMED, name.swapcase(), name + " "):
            yield changed(changed(document, pointer, GONE), holder + "/" + other, before)


def _twisted(before: Any) -> Iterator[Any]:
    """Other things that look like a value."""
    yield [before]
    yield [before, before]
    yield {"value": before}
    match before:
        case bool():
            yield from (str(before), str(before).lower(), int(before), float(before))
        case int() | float():
            yield from (str(before), float(before), -before, before + 1, f"{before} ")
        case str():
            yield from (before.upper(), before.lower(), before.title(), f" {before}", f"{before} ")
            yield from (f"{before},", f"{before},undocumented", f"x{before}", before[:-1])
            yield from (
                before.translate(HOMOGLYPHS),
                f"{before}\u200b",
                list(before),
                {before: True},
            )
        case list():
            yield from (before[1:], before[:-1], [*before, "undocumented"], [*before, None])
            yield from ([*before, *before], ",".join(map(str, before)), {"0": before})
        case dict():
            yield from (
                list(before),
                list(before.values()),
                [before, {}],
                {**before, RENAMED: True},
            )


def twice(body: str) -> str:
    """An object whose first name stands in it twice."""
    return '{"code": null,' + body[1:] if body.startswith("{") and len(body) > 2 else body
