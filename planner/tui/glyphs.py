"""How each kind of range is drawn: its glyph, and the name of its style. Meaning is never in the colour alone."""

from __future__ import annotations

from planner.xen.segments import SegmentKind

LOST_RAM = "lost"
MOVED = "Δ"

DRAWN: dict[str, tuple[str, str]] = {
    SegmentKind.LOW_RAM: ("█", "ram"),
    SegmentKind.HIGH_RAM: ("█", "ram"),
    SegmentKind.RESERVED: ("▒", "reserved"),
    SegmentKind.CONFLICT: ("╳", "conflict"),
    SegmentKind.BAR: ("▓", "bars"),
    SegmentKind.LEGACY: ("░", "firmware"),
    SegmentKind.FIRMWARE: ("░", "firmware"),
    SegmentKind.MMIO_HOLE: ("┄", "hole"),
    SegmentKind.FREE: ("·", "free"),
    LOST_RAM: ("▚", "lost"),
}

_LEGEND = (
    ("█", "ram", "RAM"),
    ("▒", "reserved", "RDM"),
    ("▓", "bars", "BAR"),
    ("╳", "conflict", "conflict"),
    ("▚", "lost", "lost"),
    (MOVED, "accent", "moved"),
    ("░", "firmware", "BIOS"),
    ("┄", "hole", "hole"),
)


def legend(width: int) -> tuple[tuple[str, str], ...]:
    """What the glyphs mean, as many as fit."""
    pieces: list[tuple[str, str]] = [(" ", "")]
    used = 1
    for glyph, style, word in _LEGEND:
        used += len(word) + 3
        if used <= width + 1:
            pieces += [(glyph, style), (f" {word} ", "dim")]
    return tuple(pieces)
