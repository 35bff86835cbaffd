"""One line a finding, as compilers print them: `file:line:column: error RULE subject: message`."""

from __future__ import annotations

from planner.policy.checked import Checked, Totals
from planner.policy.findings import Finding
from planner.report.formats import Look
from planner.report.words import printable

BETWEEN = ""
TOTALS_FIRST = False


def part(checked: Checked, look: Look) -> str:
    """A line for every finding of the site."""
    return "".join(_line(finding, look) for finding in checked.findings)


def head(totals: Totals) -> str:
    """Nothing."""
    return ""


def tail(totals: Totals, look: Look) -> str:
    """Nothing: no finding, no line."""
    return ""


def _line(finding: Finding, look: Look) -> str:
    place = [str(finding.place.line), str(finding.place.column)] if finding.place else []
    where = ":".join(printable(one) for one in (finding.file or "", *place))
    severity = finding.severity.value if finding.acknowledged is None else "acknowledged"
    subject = " ".join(one for one in (finding.guest, str(finding.device) if finding.device else None) if one)
    about = f" {printable(subject)}" if subject else ""
    return (
        f"{where}: {look.style(severity, severity)} {look.style(finding.rule.id, 'bold')}{about}: "
        f"{printable(finding.message)}\n"
    )
