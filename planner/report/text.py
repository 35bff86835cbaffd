"""Findings as text for people, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from planner.policy.evaluate import Report
from planner.policy.findings import Finding, grouped
from planner.report.json import summary
from planner.report.words import GLYPHS, Style, plain, plural, printable, wrap

_WIDTH = 80


def check(reports: Sequence[tuple[str, Report]], *, width: int = _WIDTH, style: Style = plain) -> str:
    """Every finding with what Xen would log and what to do, then one line that counts."""
    lines = [line for _, report in reports for line in _findings(report.findings, width, style)]
    lines.append(_summary_line(reports, style))
    return "\n".join(lines) + "\n"


def refusals(findings: Sequence[Finding], *, width: int = _WIDTH, style: Style = plain) -> str:
    """The findings that forbid an export."""
    return "\n".join(_findings(findings, width, style)) + "\n"


def _findings(findings: Sequence[Finding], width: int, style: Style) -> list[str]:
    """Findings in words; those of one rule about one device are told once, with the other regions after it."""
    lines: list[str] = []
    for first, others in grouped(findings):
        lines += _finding(first, width, style)
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
    severity = finding.severity.value
    lines = [
        f"{where}: {style(f'{GLYPHS[severity]} {severity}', severity)} {style(finding.rule.id, 'bold')}"
        + (f" {subject}" if subject else "")
    ]
    lines += wrap(printable(finding.message), width, "    ")
    if finding.xen_says:
        lines += wrap(f"{finding.rule.by} says: {printable(finding.xen_says)}", width, "    ", style, "dim")
    if finding.help:
        lines += wrap(f"help: {printable(finding.help)}", width, "    ")
    return lines


def _summary_line(reports: Sequence[tuple[str, Report]], style: Style) -> str:
    counts = summary(reports)
    words = ", ".join(
        style(plural(counts[f"{severity}s"], severity), severity) if counts[f"{severity}s"] else plural(0, severity)
        for severity in ("error", "warning", "notice")
    )
    return f"{plural(counts['guests'], 'guest')}: {words}"
