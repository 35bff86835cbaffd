"""Reports as text for people: findings one below the other, maps from address 0 up."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from itertools import groupby

from planner.model.span import KIB, format_size
from planner.policy.evaluate import Report
from planner.policy.findings import Finding
from planner.report.json import summary
from planner.report.words import GLYPHS, plural, printable
from planner.xen.build import Build
from planner.xen.segments import Segment, SegmentKind

Style = Callable[[str, str], str]
"""Colours a text by a role: error, warning, notice, dim, bold, or a segment kind."""

BAR = {
    SegmentKind.LOW_RAM: "█",
    SegmentKind.HIGH_RAM: "█",
    SegmentKind.LEGACY: "░",
    SegmentKind.FREE: "·",
    SegmentKind.MMIO_HOLE: "·",
    SegmentKind.RESERVED: "▒",
    SegmentKind.BAR: "▓",
    SegmentKind.CONFLICT: "╳",
    SegmentKind.FIRMWARE: "░",
}
_BAR_WIDTH = 16
_WIDTH = 80


def plain(text: str, role: str) -> str:
    """No colour at all."""
    return text


def check(reports: Sequence[tuple[str, Report]], *, width: int = _WIDTH, style: Style = plain) -> str:
    """Every finding with what Xen would log and what to do, then one line that counts."""
    lines = [line for _, report in reports for line in _findings(report.findings, width, style)]
    lines.append(_summary_line(reports, style))
    return "\n".join(lines) + "\n"


def refusals(findings: Sequence[Finding], *, width: int = _WIDTH, style: Style = plain) -> str:
    """The findings that forbid an export."""
    return "\n".join(_findings(findings, width, style)) + "\n"


def map(reports: Sequence[tuple[str, Report]], *, width: int = _WIDTH, style: Style = plain) -> str:  # noqa: A001
    """Every guest's address space, one segment a line, with what libxl and Xen would log."""
    blocks = [guest_map(build, width=width, style=style) for _, report in reports for build in report.builds]
    return "\n".join(blocks)


def guest_map(build: Build, *, width: int = _WIDTH, style: Style = plain) -> str:
    """One guest's map."""
    guest = build.guest
    size = format_size(build.domain.max_kib * KIB)
    title = f"{printable(guest.name)} · {guest.type.upper()} · {size} · Xen {build.release}"
    lines = [style(title, "bold")]
    if build.layout is None:
        lines.append(
            "  PV guests take the host's own memory map" if guest.type == "pv" else "  no map: xl refuses the config"
        )
    lines += [_segment(segment, build, width, style) for segment in build.segments]
    view = build.qemu
    if view is not None and view.lost and build.layout is not None and build.layout.ok:
        for span in view.lost:
            lines += _wrap(
                f"{GLYPHS['error']} QEMU does not know {span}: emulated disks lose data there",
                width,
                "  ",
                style,
                "error",
            )
    steps = [step for stage in build.stages for step in stage.steps if step.log]
    for step in (step for step in steps if step.level in GLYPHS):
        role = "error" if step.level == "error" else "warning" if step.level == "warning" else "dim"
        lines += _wrap(
            f"{GLYPHS.get(step.level, '•')} {step.log.strip() if step.log else ''}", width, "  ", style, role
        )
    lines.append(f"  {style('starts' if build.ok else 'does not start', 'bold' if build.ok else 'error')}")
    return "\n".join(lines) + "\n"


def _segment(segment: Segment, build: Build, width: int, style: Style) -> str:
    bar = BAR[segment.kind] * _bar_length(segment, build)
    head = f"  {segment.span.start:>12x} {segment.span.last:>12x} "
    tail = f" {format_size(segment.span.size):>9}  {printable(segment.label)}"
    room = width - len(head) - _BAR_WIDTH
    return (
        head
        + style(f"{bar:<{_BAR_WIDTH}}", segment.kind.value)
        + (tail if len(tail) <= room else tail[: room - 1] + "…")
    )


def _bar_length(segment: Segment, build: Build) -> int:
    """From 1 (a page or less) to the full bar (the largest segment), by the logarithm of the size."""
    largest = max(other.span.size for other in build.segments)
    scale = math.log2(max(largest / (4 * KIB), 2))
    return max(1, round(_BAR_WIDTH * math.log2(max(segment.span.size / (4 * KIB), 1)) / scale))


def _findings(findings: Sequence[Finding], width: int, style: Style) -> list[str]:
    """Findings in words; those of one rule about one device are told once, with the other regions after it."""
    lines: list[str] = []
    for _, group in groupby(
        findings, key=lambda finding: (finding.rule.id, finding.file, finding.guest, finding.device)
    ):
        first, *others = group
        lines += _finding(first, width, style)
        if others and first.device is None:
            lines += [line for other in others for line in _finding(other, width, style)]
        elif others:
            regions = ", ".join(str(other.region) for other in others)
            lines += _wrap(f"the same holds for {regions}", width, "    ")
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
    lines += _wrap(printable(finding.message), width, "    ")
    if finding.xen_says:
        lines += _wrap(f"{finding.rule.by} says: {printable(finding.xen_says)}", width, "    ", style, "dim")
    if finding.help:
        lines += _wrap(f"help: {printable(finding.help)}", width, "    ")
    return lines


def _wrap(text: str, width: int, indent: str, style: Style = plain, role: str = "") -> list[str]:
    lines = textwrap.wrap(
        text,
        max(20, width),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [style(line, role) if role else line for line in lines]


def _summary_line(reports: Sequence[tuple[str, Report]], style: Style) -> str:
    counts = summary(reports)
    words = ", ".join(
        style(plural(counts[f"{severity}s"], severity), severity) if counts[f"{severity}s"] else plural(0, severity)
        for severity in ("error", "warning", "notice")
    )
    return f"{plural(counts['guests'], 'guest')}: {words}"
