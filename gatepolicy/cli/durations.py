"""Durations for people."""


def in_words(seconds: float) -> str:
    """A duration such as ``under 1 s``, ``8 s``, ``3 min 20 s`` or ``2 h 5 min``.

    Args:
        seconds: Not negative; rounded to whole ones, and to minutes from an hour on.
    """
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _pair(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    return _pair(minutes // 60, "h", minutes % 60, "min")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")
