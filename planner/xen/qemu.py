"""QEMU's idea of the guest's memory: libxl tells it the amount and `mmio_hole`, never that low RAM was lowered.

Source: libxl_dm.c:1573-1583 (`-m`, `max-ram-below-4g`) and real runs of Xen 4.17 with QEMU 7.2, where RAM, video RAM
and the guest's own view were read out (they gave the rule for where QEMU's scratch range starts and how long it is).
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.model.span import GIB4, KIB, MIB, Span, round_up
from planner.xen.libxl import DEFAULT_MMIO_HOLE, LOW_RAM_LIMIT, Layout
from planner.xen.xl import Domain

_VGA_ROM = 64 * KIB


@dataclass(frozen=True, slots=True)
class QemuView:
    """Where QEMU believes RAM is, and the range after it where it parks video RAM and the VGA ROM at start.

    `lost` is guest RAM that QEMU does not know: emulated 64-bit devices that DMA there read nothing and write zeros.
    `displaced` is guest RAM that the scratch range takes away: it reads all ones and drops writes.
    """

    low_end: int
    high_end: int
    scratch: Span
    lost: tuple[Span, ...] = ()
    displaced: Span | None = None


def view(domain: Domain, layout: Layout) -> QemuView:
    """QEMU's view of an HVM `domain` that libxl laid out as `layout`."""
    ram = (domain.max_kib - domain.video_kib) * KIB
    hole = (domain.mmio_hole_kib or 0) * KIB
    limit = min(GIB4 - hole, LOW_RAM_LIMIT) if hole else GIB4 - DEFAULT_MMIO_HOLE
    low = min(ram, limit)
    high = GIB4 + ram - limit if ram > limit else 0
    video = 1 << (domain.video_kib * KIB - 1).bit_length() if domain.video_kib else 0  # QEMU's cards round up
    scratch = Span.sized(high or low, video + _VGA_ROM if video else 0)
    known = max(high, GIB4)
    unknown = (Span(low, layout.low_end), Span(known, layout.high_end))
    displaced = next((part for span in layout.ram if (part := span.intersection(scratch)).size), None)
    return QemuView(low, high, scratch, tuple(span for span in unknown if span.size), displaced)


def matching_hole(layout: Layout) -> int | None:
    """The `mmio_hole` in MiB with which libxl, hvmloader and QEMU agree on where low RAM ends; None if none does."""
    hole = round_up(GIB4 - layout.low_end, MIB) // MIB
    return hole if 256 <= hole <= 3840 else None
