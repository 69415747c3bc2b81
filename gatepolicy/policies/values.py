"""From the texts of a policy to typed values. Each reader tells what is wrong, or the value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatepolicy.documents.networks import EVERYWHERE, collapsed, hold_everything, network_of
from gatepolicy.documents.patterns import PatternError, check_pattern
from gatepolicy.documents.values import DataPath, JSONValue
from gatepolicy.rules.conditions import Argument

_HOURS: Mapping[str, int] = {"h": 1, "d": 24, "w": 24 * 7}


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that the schema cannot see."""

    path: DataPath
    """Where, from the value on."""
    what: str
    """What is wrong."""
    fix: str
    """What to do."""


Read = tuple[Argument, Sequence[Wrong]]
Reader = Callable[[JSONValue], Read]


def read_plain(value: JSONValue) -> Read:
    """A flag, a number or a text, as it is."""
    assert isinstance(value, bool | int | str)
    return value, ()


def read_texts(value: JSONValue) -> Read:
    """A list of texts."""
    return _texts(value), ()


def read_duration(value: JSONValue) -> Read:
    """A duration such as ``90d``."""
    assert isinstance(value, str)
    duration = timedelta(hours=int(value[:-1]) * _HOURS[value[-1]])
    if duration:
        return duration, ()
    return duration, [Wrong((), "no time at all", "write at least 1h")]


def read_pattern(value: JSONValue) -> Read:
    """A regular expression of RE2."""
    assert isinstance(value, str)
    try:
        check_pattern(value)
    except PatternError as error:
        return value, [Wrong((), f"not a valid regular expression: {error}", error.fix)]
    return value, ()


def read_networks(value: JSONValue) -> Read:
    """A list of networks; neighbours and parts of each other become one."""
    read = [network_of(text) for text in _texts(value)]
    wrong = [Wrong((index,), *item) for index, item in enumerate(read) if isinstance(item, tuple)]
    networks = collapsed(item for item in read if not isinstance(item, tuple))
    return networks, wrong or ([Wrong((), *EVERYWHERE)] if hold_everything(networks) else [])


def _texts(value: JSONValue) -> tuple[str, ...]:
    assert isinstance(value, list)
    return tuple(str(item) for item in value)


CLAUSES: Mapping[str, Reader] = {
    "permissions.allow": read_texts,
    "permissions.forbid": read_texts,
    "permissions.require": read_texts,
    "permissions.separate_duties": read_plain,
    "ip_binding.required": read_plain,
    "ip_binding.within": read_networks,
    "ip_binding.widest": read_plain,
    "ip_binding.at_most": read_plain,
    "ip_binding.separate_by": read_texts,
    "key.max_age": read_duration,
    "key.max_idle": read_duration,
    "key.min_days_to_expiry": read_plain,
    "key.must_expire": read_plain,
    "key.name": read_pattern,
    "key.trading_pairs": read_plain,
    "key.trading_pairs.within": read_texts,
    "key.active": read_plain,
    "key.exists": read_plain,
    "key.declared": read_plain,
    "key.unique": read_plain,
    "account.production": read_plain,
    "account.max_keys": read_plain,
    "account.two_factor.attested_within": read_duration,
    "account.secret_storage.attested_within": read_duration,
    "account.settings.attested_within": read_duration,
    "account.review.attested_within": read_duration,
}
"""Every place of a policy that rules can ask for, with how it is read."""
