"""Texts of SARIF messages: sentences made of our words and of what came from outside (§3.11)."""

from gatepolicy.reports.clean import clean


def plain(text: str) -> str:
    """A text that came from outside, fit to be a part of a message.

    Braces are doubled, since single ones mark placeholders (§3.11.5). A bracket that would begin
    the target of a link (§3.11.6) is moved away, so that the name of a key cannot become a link.
    """
    return clean(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def labelled(label: str, text: str) -> str:
    """A sentence such as ``Seen: it can.``; nothing when there is nothing to say."""
    return f"{label}: {plain(text.rstrip('.'))}." if text else ""


def sentences(*parts: str) -> str:
    """One text of several sentences, empty ones left out."""
    return " ".join(part for part in parts if part)
