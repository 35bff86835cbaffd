"""Workflow commands that GitHub shows as annotations beside the lines of a pull request."""

from __future__ import annotations

from planner.policy.checked import Checked, Totals
from planner.policy.findings import Finding
from planner.report.formats import Look
from planner.report.words import printable

BETWEEN = ""
TOTALS_FIRST = False


def part(checked: Checked, look: Look) -> str:
    """A command for every finding of the site."""
    return "".join(_command(finding) for finding in checked.findings)


def head(totals: Totals) -> str:
    """Nothing."""
    return ""


def tail(totals: Totals, look: Look) -> str:
    """Nothing."""
    return ""


def _command(finding: Finding) -> str:
    properties = {"file": finding.file or ""}
    if finding.place is not None:
        properties |= {"line": str(finding.place.line), "col": str(finding.place.column)}
    properties["title"] = finding.rule.id + (f" {finding.guest}" if finding.guest else "")
    level = finding.severity.value if finding.acknowledged is None else "notice"
    lines = [finding.message]
    lines += [finding.quoted] if finding.quoted else []
    lines += [f"help: {finding.help}"] if finding.help else []
    lines += [f"acknowledged: {finding.acknowledged}"] if finding.acknowledged is not None else []
    named = ",".join(f"{name}={_property(printable(value))}" for name, value in properties.items())
    message = _data("\n".join(map(printable, lines)))
    return f"::{level} {named}::{message}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
