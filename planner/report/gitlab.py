"""GitLab's code quality report: what a merge request adds and mends."""

from __future__ import annotations

import json
from typing import Any

from planner.policy.baseline import fingerprint
from planner.policy.checked import Checked, Totals
from planner.policy.findings import Finding, Severity
from planner.report.formats import Look

BETWEEN = ",\n"
TOTALS_FIRST = False
_SEVERITY = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTICE: "info"}


def part(checked: Checked, look: Look) -> str:
    """An object for every finding of the site."""
    return BETWEEN.join(json.dumps(_issue(finding), ensure_ascii=False) for finding in checked.findings)


def head(totals: Totals) -> str:
    """The report is an array."""
    return "[\n"


def tail(totals: Totals, look: Look) -> str:
    """Its end."""
    return "\n]\n"


def _issue(finding: Finding) -> dict[str, Any]:
    subject = f"{finding.guest}: " if finding.guest else ""
    known = finding.acknowledged is not None
    return {
        "description": subject + finding.message + (f" (acknowledged: {finding.acknowledged})" if known else ""),
        "check_name": finding.rule.id,
        "fingerprint": fingerprint(finding),
        "severity": "info" if known else _SEVERITY[finding.severity],
        "location": {"path": finding.file or "", "lines": {"begin": finding.place.line if finding.place else 1}},
    }
