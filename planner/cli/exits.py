"""Exit codes, the same for every command and format."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # --help and --version must not load the engine
    from planner.policy.checked import Totals
    from planner.policy.findings import Severity

OK = 0
FINDINGS = 1
USAGE = 2
BUG = 3
INTERRUPTED = 130
"""Ctrl-C, as shells number it: 1 would say that there are findings."""


def of(totals: Totals, fail_on: Severity | None) -> int:
    """FINDINGS where an open finding is at or above `fail_on` (None: nothing fails), else OK."""
    worst = totals.worst()
    return FINDINGS if worst is not None and fail_on is not None and worst.rank <= fail_on.rank else OK
