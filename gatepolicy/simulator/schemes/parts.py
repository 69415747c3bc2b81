"""Parts of requests that every scheme looks at."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from gatepolicy.simulator.answers import Request, whole_number
from gatepolicy.simulator.schemes.encoded import base64_object, bearer_token
from gatepolicy.simulator.schemes.scheme import Parameters


def part(request: Request, place: Parameters) -> str:
    """What stands at a place of a request; empty when nothing does.

    Args:
        request: The request.
        place: ``header``, ``query``, ``form`` or ``json`` with a name; or ``base64_json`` or
            ``jwt`` with the name of a header and the ``field`` of the object, or of the claims, in
            it. ``after`` is a beginning that must be there and does not count; of what follows,
            ``item`` chooses one of several between colons.
    """
    after = place.get("after", "")
    whole = _whole(request, place)
    if not whole.startswith(after):
        return ""
    rest = whole.removeprefix(after)
    return _item(rest, int(place["item"])) if "item" in place else rest


def _item(text: str, index: int) -> str:
    items = text.split(":")
    return items[index] if index < len(items) else ""


def _whole(request: Request, place: Parameters) -> str:
    match place:
        case {"header": str(name)}:
            return request.headers.get(name, "")
        case {"query": str(name)}:
            return dict(parse_qsl(request.query, keep_blank_values=True)).get(name, "")
        case {"form": str(name)}:
            return dict(parse_qsl(request.text(), keep_blank_values=True)).get(name, "")
        case {"json": str(name)}:
            return str(request.json_fields().get(name, ""))
        case {"base64_json": str(name), "field": str(field)}:
            return str(base64_object(request.headers.get(name, "")).get(field, ""))
        case {"jwt": str(name), "field": str(field)}:
            claims = bearer_token(request.headers.get(name, ""))[1]
            return str(base64_object(claims).get(field, ""))
        case _:
            raise ValueError(f"no place of a request: {place}")


def timely(request: Request, timestamp: Parameters) -> bool:
    """Whether a request's time lies within the window of the server's clock.

    Args:
        request: The request.
        timestamp: Its place, its ``unit`` (us, ms, s or iso) and the ``window`` in seconds. Where a
            request may ask for another window, ``requested_window`` is the header that holds it, in
            milliseconds, and ``at_most`` the longest, in seconds; a longer one is no window.
    """
    sent = _seconds(part(request, timestamp), timestamp["unit"])
    return sent is not None and abs(request.now - sent) <= _window(request, timestamp)


def requested_window(request: Request, timestamp: Parameters) -> str:
    """The window that a request asks for, as it says so; empty when it asks for none."""
    header = timestamp.get("requested_window", "")
    return request.headers.get(header, "").strip() if header else ""


def _window(request: Request, timestamp: Parameters) -> float:
    requested = requested_window(request, timestamp)
    if not requested:
        return float(timestamp["window"])
    milliseconds = whole_number(requested)
    if milliseconds is None or milliseconds > float(timestamp["at_most"]) * 1000:
        return -1.0
    return milliseconds / 1000


_A_SECOND = {"us": 1_000_000, "ms": 1000, "s": 1}


def _seconds(text: str, unit: str) -> float | None:
    try:
        if unit == "iso":
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return float(text) / _A_SECOND[unit]
    except ValueError:
        return None
