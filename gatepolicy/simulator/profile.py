"""Profiles: exchanges that the simulator plays from data alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from gatepolicy.documents.source import read_text
from gatepolicy.documents.yaml_tree import parse_yaml

PROFILES = Path(__file__).with_name("profiles")


@dataclass(frozen=True, slots=True)
class PlayedCall:
    """One call about keys."""

    method: str
    """HTTP method."""
    path: str
    """Without the query."""
    select: Mapping[str, str]
    """Fields that the body must hold, where the path alone does not say which call it is."""
    needs: frozenset[str]
    """Words of which a key must hold one; empty when any key may call."""
    described: object
    """Template of what describes one key."""
    document: object
    """Template of the whole answer."""
    about: Mapping[str, str]
    """Where a request names another key of the account that is described instead; may be empty."""

    def takes(self, method: str, path: str, body: str) -> bool:
        """Whether a request is this call."""
        if (method, path) != (self.method, self.path):
            return False
        fields = parse_qs(body, keep_blank_values=True)
        return all(fields.get(name) == [value] for name, value in self.select.items())


@dataclass(frozen=True, slots=True)
class Profile:
    """One exchange as its profile describes it; see ``schemas/simulatedexchange.schema.json``."""

    id: str
    """Id in the catalog."""
    credentials: Mapping[str, str]
    """ccxt name to the kind of the invented credential."""
    unbound: bool
    """Whether keys without addresses can be made."""
    permissions: Mapping[str, Sequence[str]]
    """Words of keys that are ``safe``, that ``withdraw``, and that hold an ``unrecognised`` one."""
    auth: Mapping[str, Any]
    """Name of the scheme, and its parameters."""
    errors: Mapping[str, Mapping[str, Any]]
    """Name to status, body and headers."""
    calls: Sequence[PlayedCall]
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
        permissions=data["permissions"],
        auth=data["auth"],
        errors=data["errors"],
        calls=tuple(
            PlayedCall(
                method=call["method"],
                path=call["path"],
                select=call.get("select", {}),
                needs=frozenset(call.get("needs", ())),
                described=call.get("key", {}),
                document=call["document"],
                about=call.get("about", {}),
            )
            for call in data["calls"]
        ),
    )


def _data(file: Path) -> Any:
    """What a file holds, upon the profile that it is based on."""
    data: Any = parse_yaml(read_text(str(file)), str(file)).data
    if "based_on" not in data:
        return data
    return {**_data(file.with_name(f"{data['based_on']}.yaml")), **data}
