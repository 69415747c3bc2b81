"""Profiles: exchanges that are simulated from data alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from gatepolicy.documents.load import read_text
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.simulator.account_keys import Rows
from gatepolicy.simulator.answers import Request
from gatepolicy.simulator.schemes.parts import part

PROFILES = Path(__file__).with_name("profiles")
LISTS = Path(__file__).with_name("lists")
_PARAMETER = re.compile(r"\\\{(\w+)\\\}")


@dataclass(frozen=True, slots=True)
class CallTemplate:
    """One call about keys."""

    method: str
    """HTTP method."""
    path: str
    """Without the query; ``{name}`` in it stands for a parameter."""
    select: Mapping[str, str]
    """Fields that the body must hold, where the path alone does not say which call it is."""
    asked_with: frozenset[str]
    """Parameters that the query must have, where the same path answers differently without them."""
    of_owner: bool
    """Whether a request names the owner of the keys, and not one of them."""
    needs: frozenset[str]
    """Words of which a key must hold one; empty when any key may call."""
    refuses: Mapping[str, frozenset[str]]
    """Name of an error to words: a key that holds one of them is of another kind, and refused with
    it. The first that fits counts."""
    rows: Rows
    """What the rows of the answer are."""
    subaccount: Mapping[str, str]
    """Where a request names the sub-account whose keys are the rows; may be empty."""
    about: Mapping[str, str]
    """Where a request names another key of the account, or of one of its sub-accounts, that is
    described in place of the calling one; may be empty."""
    described: object
    """Template of what describes one key, or one sub-account."""
    document: object
    """Template of the whole answer."""
    headers: Mapping[str, str]
    """Headers of the answer beyond the usual ones."""

    def takes(self, request: Request) -> bool:
        """Whether a request is this call."""
        if request.method != self.method or not self.has_path(request.path):
            return False
        if not self.asked_with <= parse_qs(request.query).keys():
            return False
        fields = _fields(request) if self.select else {}
        return all(fields.get(name) == value for name, value in self.select.items())

    def has_path(self, path: str) -> bool:
        """Whether a path is the call's, whatever its parameters are."""
        return path == self.path or _pattern(self.path).fullmatch(path) is not None

    def subaccount_of(self, request: Request) -> str:
        """The sub-account that a request names; empty when it names none."""
        if "path" in self.subaccount:
            found = _pattern(self.path).fullmatch(request.path)
            return found[self.subaccount["path"]] if found else ""
        return part(request, self.subaccount) if self.subaccount else ""


def _fields(request: Request) -> Mapping[str, object]:
    """The fields of a form or of a JSON object; of a form, those that are there once."""
    if request.text().startswith("{"):
        return request.json_fields()
    form = parse_qs(request.text(), keep_blank_values=True)
    return {name: values[0] for name, values in form.items() if len(values) == 1}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(path)))


@dataclass(frozen=True, slots=True)
class Profile:
    """One exchange as its profile describes it; see ``schemas/simulatedexchange.schema.json``."""

    id: str
    """Id in the catalog."""
    credentials: Mapping[str, str]
    """ccxt name to the kind of the invented credential."""
    unbound: bool
    """Whether keys without addresses can be made."""
    lasts: int
    """Days from the making of a key to its end; 0 where keys last until they are deleted."""
    permissions: Mapping[str, Sequence[str]]
    """Words of keys that are ``safe``, that ``withdraw``, and that hold an ``unrecognised`` one."""
    auth: Mapping[str, Any]
    """Name of the scheme, and its parameters."""
    errors: Mapping[str, Mapping[str, Any]]
    """Name to status, body and headers."""
    calls: Sequence[CallTemplate]
    """Every call that the exchange answers."""


def known_profiles() -> tuple[str, ...]:
    """The ids of all exchanges that have a profile, sorted; reads no file."""
    return tuple(sorted(path.stem for path in PROFILES.glob("*.yaml")))


def load_profile(exchange: str) -> Profile:
    """One profile.

    Raises:
        KeyError: It lacks something that the schema demands.
    """
    data = _data(PROFILES / f"{exchange}.yaml")
    return Profile(
        id=data["id"],
        credentials=data["credentials"],
        unbound=data.get("unbound", "allowed") == "allowed",
        lasts=data.get("lasts", 0),
        permissions=data["permissions"],
        auth=data["auth"],
        errors=data["errors"],
        calls=_calls(data),
    )


def load_lists(exchange: str) -> Sequence[CallTemplate]:
    """The calls about sub-accounts of an exchange that is simulated by code; none for most."""
    file = LISTS / f"{exchange}.yaml"
    return _calls(_data(file)) if file.exists() else ()


def _calls(data: Mapping[str, Any]) -> Sequence[CallTemplate]:
    ways = [({**call, **other}) for call in data["calls"] for other in ({}, *call.get("also", ()))]
    return tuple(
        CallTemplate(
            method=call["method"],
            path=call["path"],
            select=call.get("select", {}),
            asked_with=frozenset(call.get("asked_with", ())),
            of_owner=call.get("names", "key") == "owner",
            needs=frozenset(call.get("needs", ())),
            refuses={name: frozenset(words) for name, words in call.get("refuses", {}).items()},
            rows=Rows(call.get("rows", Rows.KEYS)),
            subaccount=call.get("subaccount", {}),
            about=call.get("about", {}),
            described=call.get("key", {}),
            document=call["document"],
            headers=call.get("headers", {}),
        )
        for call in ways
    )


def _data(file: Path) -> Any:
    """What a file holds, upon the profile that it is based on."""
    data: Any = parse_yaml(read_text(str(file)), str(file)).data
    if "based_on" not in data:
        return data
    return {**_data(file.with_name(f"{data['based_on']}.yaml")), **data}
