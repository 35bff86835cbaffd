"""Memory maps as a picture: one column a guest, heights by the logarithm of the size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from planner.model.span import KIB, format_size
from planner.policy.evaluate import Report
from planner.report.words import printable
from planner.xen.build import Build
from planner.xen.segments import Segment, SegmentKind

_COLUMN, _BAR_LEFT, _BAR_WIDTH, _TOP, _MARGIN = 460, 110, 90, 56, 16
_LINE = 16  # pixels that the text of one segment needs
_FILL = {
    SegmentKind.LOW_RAM: "#3f72af",
    SegmentKind.HIGH_RAM: "#3f72af",
    SegmentKind.RESERVED: "#d08700",
    SegmentKind.BAR: "#4f8a5b",
    SegmentKind.CONFLICT: "#c1121f",
    SegmentKind.LEGACY: "#9aa0a6",
    SegmentKind.FIRMWARE: "#9aa0a6",
    SegmentKind.FREE: "#f1f3f4",
    SegmentKind.MMIO_HOLE: "#e3e7ea",
}


def map(reports: Sequence[tuple[str, Report]]) -> str:  # noqa: A001
    """All guests' maps in one SVG, in the order given; the same input gives the same bytes."""
    builds = [build for _, report in reports for build in report.builds]
    columns = [_column(build, number * _COLUMN) for number, build in enumerate(builds)]
    height = max((bottom for _, bottom in columns), default=_TOP) + _MARGIN
    body = "\n".join(text for text, _ in columns)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(1, len(builds)) * _COLUMN}" height="{height}" '
        'font-family="monospace" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _column(build: Build, left: int) -> tuple[str, int]:
    title = f"{build.guest.name} · {format_size(build.domain.max_kib * KIB)} · Xen {build.release}"
    parts = [_text(left + _MARGIN, 22, title, "font-weight='bold' font-size='14'")]
    verdict = "starts" if build.ok else build.error or "does not start"
    if build.ok and build.disagreements:
        verdict = "starts, but QEMU believes otherwise: data is lost"
    good = build.ok and not build.disagreements
    parts.append(_text(left + _MARGIN, 42, verdict[:60], f"fill='{'#1b7f3b' if good else '#c1121f'}'"))
    top = _TOP
    for segment in build.segments:
        height = _height(segment)
        parts.append(
            f"<rect x='{left + _BAR_LEFT}' y='{top}' width='{_BAR_WIDTH}' height='{height}' "
            f"fill='{_FILL[segment.kind]}' stroke='#5f6368' stroke-width='0.5'/>"
        )
        address = f"{segment.span.start:x}"
        parts.append(_text(left + _BAR_LEFT - 8, top + 12, address, "text-anchor='end' fill='#5f6368'"))
        label = f"{format_size(segment.span.size):>9}  {segment.label}"
        parts.append(_text(left + _BAR_LEFT + _BAR_WIDTH + 8, top + 12, label))
        top += height
    return "\n".join(parts), top


def _height(segment: Segment) -> int:
    """From one line of text, for a page or less, by four pixels a doubling above 1 MiB."""
    return _LINE + max(0, round(4 * math.log2(max(1, segment.span.size / (1 << 20)))))


def _text(x: int, y: int, text: str, attributes: str = "fill='#202124'") -> str:
    return f"<text x='{x}' y='{y}' xml:space='preserve' {attributes}>{escape(printable(text))}</text>"
