"""Exit codes, the same for every command and format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # --help and --version must not load the engine
    from planner.policy.evaluate import Report

OK = 0
FINDINGS = 1
USAGE = 2
BUG = 3


def of_reports(reports: Iterable[Report], fail_on: str) -> int:
    """FINDINGS where a report has one at or above `fail_on` (error, warning, notice, never), else OK."""
    if fail_on == "never":
        return OK
    from planner.policy.findings import Severity

    limit = Severity(fail_on).rank
    worst = min((finding.severity.rank for report in reports for finding in report.findings), default=limit + 1)
    return FINDINGS if worst <= limit else OK
