"""The objects of SARIF 2.1.0 that gatepolicy writes, each a small function.

Sections (§) are those of *Static Analysis Results Interchange Format (SARIF) Version 2.1.0*,
OASIS Standard. Limits are those that GitHub documents for code scanning: texts of a rule are cut
at 1,024 characters, names at 255, and an empty text is refused.
"""

from collections.abc import Mapping
from pathlib import PurePath
from urllib.parse import quote

from gatepolicy.model.encoding import Json
from gatepolicy.model.location import Location

SOURCE_ROOT = "%SRCROOT%"
_NAME_LIMIT = 255
_DESCRIPTION_LIMIT = 1024


def message(text: str) -> Json:
    """§3.11: plain text; its first sentence is what a list of alerts shows."""
    return {"text": text}


def multiformat(text: str, markdown: str) -> Json:
    """§3.12: the same text for plain and for rich display."""
    return {"text": text, "markdown": markdown}


def artifact_location(path: PurePath) -> dict[str, Json]:
    """§3.4: a file, relative to the root of the sources wherever it was named so.

    Slashes lean forward on every system, and everything else is percent-encoded (§3.10).
    """
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": SOURCE_ROOT}


def physical_location(place: Location) -> Json:
    """§3.29 and §3.30: one character of a file; never a piece of its text.

    The inventory names owners and references to credentials: no snippet of it leaves.
    """
    # NOTE: a file whose name is not UTF-8 is named with lone surrogates, which no URI can hold.
    name = place.file.encode("utf-8", "replace").decode()
    return {
        "artifactLocation": artifact_location(PurePath(name)),
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.line,
            "endColumn": place.column + 1,
        },
    }


def location(place: Location, logical: Json) -> Json:
    """§3.28: where a result is, in a file and in the world."""
    return {"physicalLocation": physical_location(place), "logicalLocations": [logical]}


def related_location(number: int, place: Location, text: str) -> Json:
    """§3.28 with an id (§3.28.2), to which a message can link."""
    return {
        "id": number,
        "physicalLocation": physical_location(place),
        "message": message(text),
    }


def logical_location(name: str, qualified: str) -> Json:
    """§3.33: the thing itself, such as ``gate/mm-gate/withdraw``."""
    return {"name": name, "fullyQualifiedName": qualified, "kind": "resource"}


def rule_descriptor(
    *,
    rule: str,
    name: str,
    title: str,
    why: str,
    level: str,
    help_text: Json,
    help_uri: str,
    properties: Mapping[str, Json],
) -> Json:
    """§3.49: what a rule means.

    Args:
        rule: Stable id.
        name: Stable name.
        title: One sentence.
        why: Why it matters; may be empty.
        level: Level of a result unless that says otherwise (§3.50.3).
        help_text: How to fix it (§3.49.13).
        help_uri: Where to read on (§3.49.12); may be empty.
        properties: Property bag (§3.8).
    """
    return {
        "id": rule,
        "name": _cut(name, _NAME_LIMIT),
        "shortDescription": message(_cut(title, _DESCRIPTION_LIMIT)),
        "fullDescription": message(_cut(why or title, _DESCRIPTION_LIMIT)),
        "help": help_text,
        **({"helpUri": help_uri} if help_uri else {}),
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }


def notification(descriptor: str, level: str, text: str, place: Location | None) -> Json:
    """§3.58: something about the run itself.

    One of level ``error`` means that the run is not complete (§3.20.21). Its descriptor is
    described nowhere in the file (§3.58.2): GitHub would demand a help text of it.
    """
    where: Json = [] if place is None else [{"physicalLocation": physical_location(place)}]
    return {
        "descriptor": {"id": descriptor},
        "level": level,
        "message": message(text),
        "locations": where,
    }


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
