"""Findings as text for people, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from planner.policy.checked import Checked, Totals
from planner.policy.findings import Finding, Severity, grouped
from planner.report.formats import Look
from planner.report.words import GLYPHS, Style, plain, plural, printable, wrap

if TYPE_CHECKING:
    from planner.policy.fixes import Fix

BETWEEN = "\n"
TOTALS_FIRST = False
_WIDTH = 80


def part(checked: Checked, look: Look) -> str:
    """A site's findings with what Xen would log and what to do; a blank line between two guests."""
    return "".join(f"{line}\n" for line in _findings(checked.findings, look.width, look.style, checked.fixes))


def head(totals: Totals) -> str:
    """Nothing: the first finding starts at once."""
    return ""


def tail(totals: Totals, look: Look) -> str:
    """One line that counts."""
    words = [
        look.style(plural(count, severity), severity) if count else plural(0, severity)
        for severity in Severity
        for count in (totals.severities[severity],)
    ]
    words += [f"{totals.acknowledged} acknowledged"] if totals.acknowledged else []
    words += [f"{totals.ignored} ignored"] if totals.ignored else []
    found = any(totals.severities.values()) or totals.acknowledged
    return ("\n" if found else "") + f"{plural(totals.guests, 'guest')}: {', '.join(words)}\n"


def findings(some: Sequence[Finding], *, width: int = _WIDTH, style: Style = plain) -> str:
    """Findings alone, as what forbids an export or what a change breaks."""
    return "\n".join(_findings(some, width, style)) + "\n"


def _findings(
    findings: Sequence[Finding], width: int, style: Style, fixes: Mapping[Finding, tuple[Fix, ...]] | None = None
) -> list[str]:
    """Findings in words; those of one rule about one device are told once, with the other regions after it."""
    lines: list[str] = []
    last: Finding | None = None
    for first, others in grouped(findings):
        if last is not None and (last.guest, last.file) != (first.guest, first.file):
            lines.append("")
        last = first
        lines += _finding(first, width, style)
        for fix in fixes.get(first, ()) if fixes else ():
            condition = f", if {fix.needs}" if fix.needs else ""
            lines += wrap(printable(f"fix: {fix.title} ({fix.cost}){condition}"), width, "    ")
        if others:
            regions = ", ".join(str(other.region) for other in others)
            lines += wrap(f"the same holds for {regions}", width, "    ")
    return lines


def _finding(finding: Finding, width: int, style: Style) -> list[str]:
    place = [finding.file or "", *([str(finding.place.line), str(finding.place.column)] if finding.place else [])]
    where = ":".join(printable(part) for part in place if part)
    subject = " ".join(
        printable(part) for part in (finding.guest, str(finding.device) if finding.device else None) if part
    )
    verdict = f"{GLYPHS[finding.standing]} {finding.standing}"
    coloured = f"{style(verdict, finding.standing)} {style(finding.rule.id, 'bold')}"
    said = f"{verdict} {finding.rule.id}"
    if len(f"{where}: {said} {subject}") <= width:
        lines = [f"{where}: {coloured} {subject}".rstrip()]
    elif len(f"{where}: {said}") <= width:
        lines = [f"{where}: {coloured}", *wrap(subject, width, "    ")]
    else:  # a long path stands alone
        lines = [f"{where}:", f"    {coloured}", *wrap(subject, width, "    ")]
    lines += wrap(printable(finding.message), width, "    ")
    if finding.quoted:
        lines += wrap(printable(finding.quoted), width, "    ", style, "dim")
    if finding.help:
        lines += wrap(f"help: {printable(finding.help)}", width, "    ")
    if finding.acknowledged is not None:
        lines += wrap(f"acknowledged: {printable(finding.acknowledged)}", width, "    ", style, "dim")
    return lines
