"""Families of sites that have keys of their own: where else a refused key may belong. Pure."""

from gatepolicy.exchanges.exchange import Exchange, Site
from gatepolicy.model.reasons import Reason


def about_sisters(exchange: Exchange, reason: Reason, detail: str) -> str:
    """What is said about a refusal, with the sites that a key may belong to in its place.

    Args:
        exchange: Who refused.
        reason: Why; only of a key that is not known there is anything added.
        detail: What the catalog says about the refusal; may be empty.
    """
    sisters = exchange.sister_sites
    if reason is not Reason.BAD_KEY or not sisters:
        return detail
    listed = "; ".join(described(site) for site in sisters)
    where = f"{exchange.title} does not know the keys of its sister sites: {listed}"
    return f"{detail}; {where}" if detail else where


def described(site: Site) -> str:
    """A site, where it is, and what to do about a key of it."""
    how = f"declare the account as {site.exchange}" if site.exchange else site.note
    return f"{site.title} ({site.at}: {how})" if how else f"{site.title} ({site.at})"
