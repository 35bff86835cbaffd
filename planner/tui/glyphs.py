"""How each kind of range is drawn: its glyph, and the name of its style. Meaning is never in the colour alone."""

from __future__ import annotations

from collections.abc import Container

from rich.cells import cell_len

from planner.report.troubles import Trouble
from planner.xen.segments import SegmentKind

MOVED = "Δ"

_DRAWN: dict[str, tuple[str, str]] = {
    SegmentKind.LOW_RAM: ("█", "ram"),
    SegmentKind.HIGH_RAM: ("█", "ram"),
    SegmentKind.RESERVED: ("▒", "reserved"),
    SegmentKind.CONFLICT: ("╳", "conflict"),
    SegmentKind.BAR: ("▓", "bars"),
    SegmentKind.LEGACY: ("░", "firmware"),
    SegmentKind.FIRMWARE: ("░", "firmware"),
    SegmentKind.MMIO_HOLE: ("┄", "hole"),
    SegmentKind.FREE: ("·", "free"),
}
_TROUBLED = {
    Trouble.LOST: ("▚", "lost"),
    Trouble.DISPLACED: ("▚", "lost"),
    Trouble.DEAD: ("▓", "lost"),
    Trouble.BLOCKED: ("▒", "lost"),
    Trouble.UNMAPPED: ("▒", "lost"),
    Trouble.BELIEVED: ("·", "lost"),
}

_LEGEND = (
    ("█", "ram", "RAM"),
    ("▒", "reserved", "RDM"),
    ("▓", "bars", "BAR"),
    ("╳", "conflict", "conflict"),
    ("▚", "lost", "lost RAM"),
    (MOVED, "accent", "moved"),
    ("·", "free", "free"),
    ("┄", "hole", "hole"),
    ("░", "firmware", "firmware"),
)


def drawn(kind: str, trouble: Trouble | None = None) -> tuple[str, str]:
    """Glyph and style of a range of a segment's kind."""
    return _TROUBLED.get(trouble, _DRAWN[kind]) if trouble is not None else _DRAWN[kind]


def legend(width: int, used_here: Container[str], scratch: str = "firmware") -> tuple[tuple[str, str], ...]:
    """What the glyphs that are `used_here` mean, as many as fit; ░ may mean something else than firmware."""
    pieces: list[tuple[str, str]] = [(" ", "")]
    used = 1
    for glyph, style, word in _LEGEND:
        if glyph not in used_here:
            continue
        word = scratch if glyph == "░" else word
        used += len(word) + 3
        if used <= width + 1:
            pieces += [(glyph, style), (f" {word} ", "dim")]
    return tuple(pieces)


_SHORTER = (
    (" against low RAM", ""),
    (" against high RAM", ""),
    (" against VGA and BIOS", ""),
    (" against BIOS", ""),
    (" against a BAR", ""),
    ("ACPI, APIC, Xen's pages", "ACPI, APIC"),
    ("VGA and BIOS", "VGA, BIOS"),
    ("Xen platform", "platform"),
    ("taken by ", ""),
    ("parked ", ""),
    (" BARs", ""),
    ("BAR ", "b"),
    ("low RAM", "RAM"),
    ("high RAM", "RAM"),
    ("VGA, BIOS", "BIOS"),
    (" + ", "+"),
    ("ACPI, APIC", "APIC"),
    ("reserved", "RDM"),
    ("MMIO hole", "hole"),
    ("displaced", "QEMU's"),
    ("✖ ", "✖"),
    ("▲ ", "▲"),
    ("dead ", ""),
    ("lost RAM", "lost"),
    ("QEMU: RAM", "QEMU"),
    ("QEMU parks", "parked"),
)


def short(label: str, room: int) -> str:
    """A label in no more words than fit."""
    for words, fewer in _SHORTER:
        if cell_len(label) <= room:
            break
        label = label.replace(words, fewer)
    return label
