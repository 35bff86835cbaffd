"""One JSON object a finding and line: the same objects as in `json`, for streams."""

from __future__ import annotations

import json

from planner.policy.checked import Checked, Totals
from planner.report.formats import Look
from planner.report.json import finding_value

BETWEEN = ""
TOTALS_FIRST = False


def part(checked: Checked, look: Look) -> str:
    """A line for every finding of the site."""
    return "".join(
        json.dumps(finding_value(checked, finding), ensure_ascii=False) + "\n" for finding in checked.findings
    )


def head(totals: Totals) -> str:
    """Nothing."""
    return ""


def tail(totals: Totals, look: Look) -> str:
    """Nothing."""
    return ""
