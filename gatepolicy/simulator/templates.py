"""Answers as templates: values in which ``$`` marks what comes from the key. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from gatepolicy.simulator.account_keys import user_number
from gatepolicy.simulator.keys import SimulatedKey

_KST = timezone(timedelta(hours=9))


class _Left:
    """A field that is left out."""


_LEFT = _Left()


@dataclass(frozen=True, slots=True)
class TemplateContext:
    """What templates are filled from."""

    key: SimulatedKey
    """The key that is described."""
    now: datetime
    """The server's time."""
    extra: Mapping[str, object]
    """Variables of the place, such as ``$item``."""


def owner_of(key: SimulatedKey) -> str:
    """The number of a key's account where it has one; else the address of a wallet."""
    number = key.more_credentials.get("accountId", "")
    return number or f"0x{sha256(f'owner {key.account or key.api_key}'.encode()).hexdigest()[:40]}"


def words_of(key: SimulatedKey) -> Mapping[str, str]:
    """Granted words, each with its access: ``read-only`` or ``read-write``."""
    if isinstance(key.permissions, Mapping):
        return dict(key.permissions)
    if isinstance(key.permissions, frozenset):
        return dict.fromkeys(sorted(key.permissions), "read-write")
    pairs = [word.rpartition(":") for word in key.permissions]
    return {
        (head if tail in _ACCESS else f"{head}{colon}{tail}"): tail
        if tail in _ACCESS
        else "read-write"
        for head, colon, tail in pairs
    }


_ACCESS = ("read-only", "read-write")


def fill(template: object, context: TemplateContext) -> object:
    """A template's value.

    Raises:
        ValueError: It names a variable or an operator that there is not.
    """
    filled = _fill(template, context)
    return None if isinstance(filled, _Left) else filled


def _fill(template: object, context: TemplateContext) -> object:
    match template:
        case str():
            return _text(template, context)
        case list():
            parts = [_fill(part, context) for part in template]
            return [part for part in parts if not isinstance(part, _Left)]
        case dict() if any(str(name).startswith("$") for name in template):
            return _operate(template, context)
        case dict():
            fields = {name: _fill(part, context) for name, part in template.items()}
            return {name: part for name, part in fields.items() if not isinstance(part, _Left)}
        case _:
            return template


def _text(template: str, context: TemplateContext) -> object:
    if template.startswith("$$"):
        return template[1:]
    if not template.startswith("$"):
        return template
    name, _, form = template[1:].partition(".")
    if name == "item" and form == "read_only":
        return words_of(context.key).get(str(context.extra[name])) == "read-only"
    if name in context.extra:
        return context.extra[name]
    if name in ("created", "expires", "used", "now"):
        return _time(name, form, context)
    if name == "request_id":
        # A request without a number is answered without one.
        return _LEFT
    values = _variables(context)
    if template[1:] not in values:
        raise ValueError(f"no variable {template}")
    return values[template[1:]]


def _variables(context: TemplateContext) -> Mapping[str, object]:
    key = context.key
    uid = user_number(key)
    return {
        "api_key": key.api_key,
        "secret": key.secret,
        "name": key.name,
        "subaccount": key.subaccount,
        "owner": owner_of(key),
        "uid": uid,
        "uid.text": str(uid),
        "caller": key.caller_ip,
        "words": list(words_of(key)),
        "ips": list(key.allowed_ips),
    }


def _time(name: str, form: str, context: TemplateContext) -> object:
    key = context.key
    moments = {
        "created": key.created_at,
        "expires": key.expires_at,
        "used": key.last_used_at or key.created_at,
        "now": context.now,
    }
    moment = moments[name]
    if moment is None:
        return _LEFT
    seconds = int(moment.timestamp())
    forms: Mapping[str, object] = {
        "ms": seconds * 1000,
        "s": seconds,
        "ms_text": str(seconds * 1000),
        "s_text": str(seconds),
        "iso": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "iso_kst": moment.astimezone(_KST).isoformat(timespec="seconds"),
        "date": moment.strftime("%Y-%m-%d"),
        "days_left": (moment - context.now).days,
    }
    if form not in forms:
        raise ValueError(f"no form of a time: ${name}.{form}")
    return forms[form]


def _operate(template: Mapping[str, object], context: TemplateContext) -> object:  # noqa: C901 - one table
    match template:
        case {"$join": str(separator), "of": of}:
            return separator.join(str(part) for part in _list(of, context))
        case {"$granted": str(word)}:
            return _granted(template, word, context)
        case {"$if": str(condition)}:
            return _choice(template, _holds(condition, context), context)
        case {"$each": of, "as": each}:
            return [_fill(each, _with(context, item)) for item in _list(of, context)]
        case {"$map": of, "to": dict(to)}:
            return [to.get(item, item) for item in _list(of, context)]
        case {"$choose": of, "first": list(first), "else": other}:
            granted = _list(of, context)
            chosen = [value for word, value in first if word in granted]
            return chosen[0] if chosen else other
        case {"$groups": of, "all": list(groups)}:
            return _groups(_list(of, context), groups)
        case {"$mask": of, "show": int(show), "with": str(mask)}:
            whole, last = str(_fill(of, context)), template.get("show_last", 0)
            return whole[:show] + mask + (whole[-last:] if isinstance(last, int) and last else "")
        case {"$lower": of}:
            return str(_fill(of, context)).lower()
        case {"$text": of}:
            value = _fill(of, context)
            return str(value).lower() if isinstance(value, bool) else str(value)
        case _:
            raise ValueError(f"no operator: {sorted(map(str, template))}")


def _groups(words: Sequence[object], every: Sequence[object]) -> Mapping[str, Sequence[str]]:
    """Words such as ``Group.Name``, by their group; groups without words stand there, too."""
    groups: dict[str, list[str]] = {str(group): [] for group in every}
    for word in words:
        group, _, name = str(word).partition(".")
        groups.setdefault(group, []).append(name)
    return groups


def _granted(template: Mapping[str, object], word: str, context: TemplateContext) -> object:
    access = words_of(context.key).get(word)
    holds = access is not None and template.get("access", access) == access
    return _choice(template, holds, context) if {"then", "else"} & set(template) else holds


def _choice(template: Mapping[str, object], holds: bool, context: TemplateContext) -> object:  # noqa: FBT001
    branch = "then" if holds else "else"
    return _fill(template[branch], context) if branch in template else _LEFT


def _holds(condition: str, context: TemplateContext) -> bool:
    key = context.key
    ended = key.expires_at is not None and key.expires_at <= context.now
    conditions = {
        "bound": bool(key.allowed_ips),
        "active": key.active,
        "expires": key.expires_at is not None,
        "used": key.last_used_at is not None,
        "named": bool(key.name),
        "read_only": key.read_only,
        "subaccount": bool(key.subaccount),
        "expired": ended,
    }
    if condition not in conditions:
        raise ValueError(f"no condition: {condition}")
    return conditions[condition]


def _list(of: object, context: TemplateContext) -> Sequence[object]:
    filled = _fill(of, context)
    if not isinstance(filled, list):
        raise ValueError(f"no list: {of}")  # noqa: TRY004 - a profile is data
    return filled


def _with(context: TemplateContext, item: object) -> TemplateContext:
    return TemplateContext(context.key, context.now, {**context.extra, "item": item})
