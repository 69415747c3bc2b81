"""SARIF 2.1.0, for GitHub code scanning and for everything else that reads it.

Anchors. An account has no source code, so a result is anchored at the line of the inventory that
declares the account; the line of the policy that asks is a related location, linked in the
message. A fabricated file or line would be worse than none.

Identity. GitHub matches alerts by ``primaryLocationLineHash``. It is made of rule, exchange,
account and subject, and of nothing that changes without the thing itself changing: not of line,
time, severity or verdict. When two policies ask the same, their two results have one identity:
one alert, which closes when both policies are content.

Unknowns. An absent result closes an alert. An exchange that was unreachable would so "fix" every
violation on it. Therefore an unknown is a result too, of the *same* rule and with the *same*
fingerprints as the fail that it could be hiding: an open alert stays open, its message now says
that nothing was proved, and when the exchange answers again it is still the same alert. A rule of
its own for unknowns would close the first alert and open a second one. Its level is ``warning``,
or ``note`` where the policy merely warns: that one is still written, for the same reason, and is
the mildest thing that keeps an alert open. In the ``github`` profile an unknown has the kind
``fail``, since any other kind has no level (§3.27.10) and readers that ignore kinds would take it
for a problem or for nothing as they please. The ``full`` profile says ``open``, as §3.27.9 has it.

Profiles. ``github`` holds fails and unknowns only: GitHub knows neither ``kind`` nor
``suppressions`` and would show what passes, or was waived, as an alert. ``full`` holds every
verdict.
"""

from collections.abc import Iterator

from gatepolicy.model.encoding import Json
from gatepolicy.model.scan import Scan
from gatepolicy.reports import sarif_objects as sarif
from gatepolicy.reports.json_stream import json_document
from gatepolicy.reports.sarif_entries import Profile, shown_entries
from gatepolicy.reports.sarif_invocation import invocation
from gatepolicy.reports.sarif_results import results
from gatepolicy.reports.sarif_tool import tool

__all__ = ["GITHUB_RESULT_LIMIT", "Profile", "render_sarif"]

GITHUB_RESULT_LIMIT = 25_000
"""GitHub refuses a run with more results."""


def render_sarif(
    scan: Scan,
    *,
    profile: Profile = Profile.GITHUB,
    scope: str = "accounts",
    limit: int = GITHUB_RESULT_LIMIT,
) -> Iterator[str]:
    """A SARIF log with one run, always complete and valid, also when nothing was found.

    Args:
        scan: The finished scan.
        profile: For whom it is written.
        scope: What was scanned. GitHub closes the alerts of a scope that a later upload of the
            same scope does not hold: scans of different accounts need different scopes.
        limit: How many results the ``github`` profile holds at most; the worst are kept.
    """
    shown = shown_entries(scan, profile, limit)
    return json_document(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": tool(scan),
                    "columnKind": "unicodeCodePoints",
                    "originalUriBaseIds": _uri_bases(),
                    "automationDetails": _automation_details(scope),
                    "invocations": [invocation(scan, left_out=shown.left_out)],
                    "results": results(scan.rules, shown.entries, profile, scan.drift),
                }
            ],
        },
        levels=5,
    )


def _uri_bases() -> Json:
    """§3.14.14. Without the address itself: it would tell the name of the machine's user."""
    return {
        sarif.SOURCE_ROOT: {"description": sarif.message("The folder in which the scan was run.")}
    }


def _automation_details(scope: str) -> Json:
    """§3.17. All before the last slash is the category; runs have no name of their own."""
    return {"id": f"gatepolicy/{scope.strip('/')}/"}
