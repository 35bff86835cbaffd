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

LEGEND = (
    *((" ", ""), ("█", "ram"), (" RAM ", "dim"), ("▒", "reserved"), (" RDM ", "dim"), ("▓", "bars"), (" BAR ", "dim")),
    *(("╳", "conflict"), (" conflict ", "dim"), ("▚", "lost"), (" lost ", "dim"), ("░", "firmware"), (" BIOS ", "dim")),
    *(("┄", "hole"), (" hole ", "dim"), (MOVED, "accent"), (" moved", "dim")),
)
