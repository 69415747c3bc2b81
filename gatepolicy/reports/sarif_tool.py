"""The tool of a SARIF log: what every rule means and how what it finds is fixed (§3.18, §3.19).

All rules of the catalog are described, in stable order, whatever was found: a change of results
is never a change of rules.
"""

from collections.abc import Sequence

from gatepolicy import __version__
from gatepolicy.model.encoding import Json
from gatepolicy.model.rules import RuleInfo
from gatepolicy.model.scan import Scan
from gatepolicy.reports import sarif_objects as sarif
from gatepolicy.reports.json_stream import Node
from gatepolicy.reports.sarif_severity import LEVEL, SECURITY_SEVERITY

_TAG_LIMIT = 10
"""GitHub keeps ten tags, and refuses more than twenty."""


def tool(scan: Scan) -> Node:
    """gatepolicy with its rules; their help tells the fix on every exchange of the scan."""
    exchanges = sorted({account.evidence.subject.exchange for account in scan.accounts})
    return {
        "driver": {
            "name": "gatepolicy",
            "version": __version__,
            "semanticVersion": __version__,
            "rules": (_rule(rule, exchanges) for rule in scan.rules),
        }
    }


def _rule(rule: RuleInfo, exchanges: Sequence[str]) -> Json:
    links = [reference for reference in rule.references if reference.startswith("https://")]
    return sarif.rule_descriptor(
        rule=rule.id,
        name=rule.name,
        title=rule.title,
        why=rule.why,
        level=LEVEL[rule.severity],
        help_text=_help(rule, exchanges, links),
        help_uri=links[0] if links else "",
        properties={
            # NOTE: GitHub takes a result for one of security by this tag.
            "tags": list(dict.fromkeys(["security", *rule.tags]))[:_TAG_LIMIT],
            "precision": "very-high",
            "security-severity": str(SECURITY_SEVERITY[rule.severity]),
        },
    )


def _help(rule: RuleInfo, exchanges: Sequence[str], links: Sequence[str]) -> Json:
    """§3.49.13: why it matters, and what to do."""
    fixes = _fixes(rule, exchanges)
    text = [rule.title, rule.why, *(f"Fix on {where}: {fix}" for where, fix in fixes)]
    markdown = [
        f"**{rule.title}**",
        rule.why,
        "### How to fix it",
        *(f"**{where}**: {fix}" for where, fix in fixes),
        *(["### Read on", *(f"<{link}>" for link in links)] if links else []),
    ]
    return sarif.multiformat(_paragraphs(text), _paragraphs(markdown))


def _fixes(rule: RuleInfo, exchanges: Sequence[str]) -> list[tuple[str, str]]:
    """Where and how; exchanges with the same fix stand together."""
    default = rule.fix_for("")
    places: dict[str, list[str]] = {}
    for exchange in exchanges:
        places.setdefault(rule.fix_for(exchange), []).append(exchange)
    if places.keys() <= {default}:
        return [("every exchange", default)]
    return [(", ".join(where), fix) for fix, where in places.items()]


def _paragraphs(texts: Sequence[str]) -> str:
    return "\n\n".join(text.strip() for text in texts if text.strip())
