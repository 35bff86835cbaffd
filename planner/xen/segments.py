"""A guest's address space as one ordered row of segments: what the map on the screen and `map` print."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.span import GIB4, MIB, PAGE, Span
from planner.xen.hvmloader import Bar, Outcome
from planner.xen.libxl import VGA_HOLE, Layout

FIRMWARE = Span(0xFC000000, GIB4)  # hvmloader: ACPI tables, APICs, HPET, TPM, special pages
_LEGACY = Span(VGA_HOLE.start, MIB)


class SegmentKind(StrEnum):
    """Who an address belongs to."""

    LOW_RAM = "low_ram"
    LEGACY = "legacy"
    FREE = "free"
    MMIO_HOLE = "mmio_hole"
    RESERVED = "reserved"
    BAR = "bar"
    CONFLICT = "conflict"
    FIRMWARE = "firmware"
    HIGH_RAM = "high_ram"


class Segment(NamedTuple):
    """A range that one owner holds. `devices` brought the region; in a conflict they and RAM want the same bytes."""

    span: Span
    kind: SegmentKind
    label: str
    devices: tuple[Sbdf, ...] = ()


def segments(
    layout: Layout, firmware: Outcome | None = None, names: Mapping[int, str] | None = None, *, hvm: bool = True
) -> tuple[Segment, ...]:
    """The guest's address space from 0 to its top, each byte exactly once, in order.

    A region that overlaps RAM is a conflict for as long as it does, whether libxl failed over it or masked it. With
    `firmware` RAM ends where hvmloader left its end, and the BARs that it placed are there, one segment each; `names`
    are the functions' names by devfn. A PVH guest (`hvm` False) has neither VGA nor BIOS (xg_dom_x86.c: meminit_hvm).
    """
    base = _without_regions(layout, firmware, hvm=hvm)
    regions = [(entry.span, entry.devices) for entry in layout.regions if entry.span.size]
    bars = [(span, bar) for bar in (firmware.bars if firmware is not None else ()) if (span := _memory(bar))]
    edges = sorted({edge for spans in (base, regions, bars) for item in spans for edge in item[0]})
    out: list[Segment] = []
    before: Bar | None = None
    for start, end in pairwise(edges):
        piece = Span(start, end)
        under = next((segment for segment in base if segment.span.overlaps(piece)), None)
        over = [devices for span, devices in regions if span.overlaps(piece)]
        bar = next((bar for span, bar in bars if span.overlaps(piece)), None)
        segment = _segment(piece, under, over, bar, names or {})
        if out and out[-1].span.end == start and out[-1][1:] == segment[1:] and bar is before:
            segment = segment._replace(span=Span(out.pop().span.start, end))
        before = bar
        out.append(segment)
    return tuple(out)


def _memory(bar: Bar) -> Span | None:
    return None if bar.space == "io" else bar.span


def _without_regions(layout: Layout, firmware: Outcome | None, *, hvm: bool) -> list[Segment]:
    low, high = layout.low_end, layout.high_end
    if firmware is not None and firmware.ok:
        low, high = firmware.low_pgend * PAGE, firmware.high_pgend * PAGE
    legacy = _LEGACY if hvm else Span(0, 0)
    parts = [
        (Span(0, min(low, legacy.start)), SegmentKind.LOW_RAM, "low RAM"),
        (Span(max(low, 0), legacy.start), SegmentKind.FREE, "free"),
        (legacy, SegmentKind.LEGACY, "VGA and BIOS"),
        (Span(legacy.end, low), SegmentKind.LOW_RAM, "low RAM"),
        (Span(low, layout.low_end), SegmentKind.FREE, "taken by hvmloader"),
        (Span(max(layout.low_end, legacy.end), layout.mmio_start), SegmentKind.FREE, "free"),
        (Span(max(layout.mmio_start, _LEGACY.end), FIRMWARE.start), SegmentKind.MMIO_HOLE, "MMIO hole"),
        (FIRMWARE, SegmentKind.FIRMWARE, "ACPI, APIC, Xen's pages"),
        (Span(GIB4, high), SegmentKind.HIGH_RAM, "high RAM"),
        (Span(max(high, GIB4), layout.high_end), SegmentKind.FREE, "taken by hvmloader"),
    ]
    return [Segment(span, kind, label) for span, kind, label in parts if span.size]


def _segment(
    piece: Span, under: Segment | None, over: list[tuple[Sbdf, ...]], bar: Bar | None, names: Mapping[int, str]
) -> Segment:
    if under is not None and under.kind is SegmentKind.LEGACY and piece.start >= VGA_HOLE.end:
        under = under._replace(label="BIOS")
    ram = under is not None and under.kind in (SegmentKind.LOW_RAM, SegmentKind.HIGH_RAM, SegmentKind.LEGACY)
    if not over:
        if bar is not None:
            label = f"{names.get(bar.devfn, bar.slot)} {bar.name}"
            owner = (bar.host,) if bar.host is not None else ()
            if ram and under is not None:
                return Segment(piece, SegmentKind.CONFLICT, f"{label} against {under.label}", owner)
            return Segment(piece, SegmentKind.BAR, label, owner)
        return under._replace(span=piece) if under else Segment(piece, SegmentKind.FREE, "free")
    devices = tuple(dict.fromkeys(device for owners in over for device in owners))
    owners = ", ".join(device.short for device in devices) or "reserved for hotplug"
    if ram and under is not None:
        return Segment(piece, SegmentKind.CONFLICT, f"{owners} against {under.label}", devices)
    if bar is not None:
        return Segment(piece, SegmentKind.CONFLICT, f"{owners} against a BAR", devices)
    return Segment(piece, SegmentKind.RESERVED, owners, devices)
