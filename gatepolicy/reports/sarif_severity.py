"""Severities as SARIF and code scanning write them."""

from gatepolicy.model.severity import Severity

LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
"""Level of a result (§3.27.10)."""

SECURITY_SEVERITY = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 3.0,
    Severity.INFO: 0.0,
}
"""On the scale of CVSS. GitHub: over 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low;
0.0 is no security severity."""
