"""What libxl, hvmloader and QEMU each take a range for, and why."""

from __future__ import annotations

from planner.model.span import GIB4, Span
from planner.tui.comparison import ACTORS, Cell
from planner.xen.build import Build
from planner.xen.segments import SegmentKind

_LIBXL, _HVMLOADER, _QEMU = ACTORS
_WHY: dict[tuple[str, str | None], str] = {
    (_LIBXL, SegmentKind.LOW_RAM): "it populated this",
    (_LIBXL, SegmentKind.RESERVED): "kept free of RAM, and reserved in the e820 that it gives to hvmloader",
    (_LIBXL, SegmentKind.CONFLICT): "reserved device memory where it populated RAM",
    (_LIBXL, None): "it populated no RAM here, and BARs are not its business",
    (_HVMLOADER, SegmentKind.LOW_RAM): "the e820 that the guest boots with says so",
    (_HVMLOADER, SegmentKind.RESERVED): "the e820 that the guest boots with says so: its system keeps off",
    (_HVMLOADER, SegmentKind.BAR): "it placed this here",
    (_HVMLOADER, None): "its e820 names nothing here, and it placed no BAR",
    (_QEMU, SegmentKind.BAR): "it answers here for the device",
    (
        _QEMU,
        SegmentKind.FIRMWARE,
    ): "put behind what it takes for RAM, until hvmloader places the BAR (seen on real runs)",
    (_QEMU, None): "it has nothing here: its devices read all ones, and what they write is lost",
}
_NVS = "ACPI tables, which the guest's system must keep"


def why(build: Build, actor: str, span: Span, cell: Cell | None) -> str:
    """Why the actor takes the range for that."""
    kind = cell.kind if cell is not None else None
    if cell is not None and cell.label == "nvs":
        return _NVS
    if (actor, kind) == (_QEMU, SegmentKind.LOW_RAM) and build.qemu is not None:
        end = build.qemu.high_end if span.start >= GIB4 else build.qemu.low_end
        return f"it is told only the amount of RAM and mmio_hole, so all up to {end:#x} is RAM (libxl_dm.c:1573-1583)"
    return _WHY[actor, kind]
