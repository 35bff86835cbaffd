"""QEMU's idea of the guest's memory: libxl tells it the amount and `mmio_hole`, never that low RAM was lowered.

Source: libxl_dm.c:1573-1583 (`-m`, `max-ram-below-4g`) and real runs of Xen 4.17 with QEMU 7.2, where RAM, video RAM
and the guest's own view were read out (they gave the rules for where QEMU parks what, and how long it is).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from planner.model.span import GIB4, KIB, MIB, Span, round_up
from planner.xen.guest_pci import Function
from planner.xen.libxl import DEFAULT_MMIO_HOLE, LOW_RAM_LIMIT, Layout
from planner.xen.xl import Domain

_SLACK = MIB  # what a domain may have beyond its memory: LIBXL_MAXMEM_CONSTANT, libxl_dom.c:352-358
VGA_ROM = 64 * KIB
_BLOCK = 256 * KIB  # QEMU starts each block of RAM on a multiple of this
_CLASS_VGA = 0x0300


class QemuView(NamedTuple):
    """Where QEMU believes RAM is, and what it parks behind it, in guest memory, when it starts.

    `scratch` is video RAM and the VGA ROM (empty without VGA), `roms` are the boot ROMs of emulated cards. `lost` is
    guest RAM that QEMU does not know: emulated 64-bit devices that DMA there read nothing and write zeros.
    `displaced` is guest RAM that a parked range takes away: it reads all ones and drops writes. `error` is QEMU's line
    where Xen has no memory left for a ROM, and QEMU does not start.
    """

    low_end: int
    high_end: int
    scratch: Span
    roms: tuple[Span, ...] = ()
    lost: tuple[Span, ...] = ()
    displaced: tuple[Span, ...] = ()
    error: str | None = None

    @property
    def parked(self) -> tuple[Span, ...]:
        """Every range where QEMU parks something: Xen can map no region there."""
        return (*((self.scratch,) if self.scratch.size else ()), *self.roms)


def view(domain: Domain, layout: Layout, functions: Sequence[Function]) -> QemuView:
    """QEMU's view of an HVM `domain` that libxl laid out as `layout`, with these functions on its bus."""
    ram = (domain.max_kib - domain.video_kib) * KIB
    hole = (domain.mmio_hole_kib or 0) * KIB
    limit = min(GIB4 - hole, LOW_RAM_LIMIT) if hole else GIB4 - DEFAULT_MMIO_HOLE
    low = min(ram, limit)
    high = GIB4 + ram - limit if ram > limit else 0
    scratch = Span.sized(high or low, _video_bytes(domain, functions))
    roms: list[Span] = []
    for size in _rom_sizes(functions):
        start = round_up(roms[-1].end if roms else scratch.end, _BLOCK)
        roms.append(Span.sized(start, size))
    known = max(high, GIB4)
    unknown = (Span(low, layout.low_end), Span(known, layout.high_end))
    displaced = (
        part for span in (scratch, *roms) for ram_part in layout.ram if (part := ram_part.intersection(span)).size
    )
    return QemuView(
        low,
        high,
        scratch,
        tuple(roms),
        tuple(span for span in unknown if span.size),
        tuple(displaced),
        _out_of_memory(domain, functions, roms),
    )


def spare_bytes(domain: Domain, functions: Sequence[Function]) -> int:
    """How much memory Xen still gives an HVM `domain` once QEMU runs; below 0, QEMU does not start.

    Video RAM and the VGA ROM come out of the domain's own memory, each card's boot ROM out of the 1 MiB beyond it
    (page counts of real runs). Without VGA what libxl set aside for it is left over.
    """
    unused = 0 if _has_vga(functions) else domain.video_kib * KIB + VGA_ROM
    return _SLACK + unused - sum(_rom_sizes(functions))


def matching_hole(layout: Layout) -> int | None:
    """The `mmio_hole` in MiB with which libxl, hvmloader and QEMU agree on where low RAM ends; None if none does."""
    hole = round_up(GIB4 - layout.low_end, MIB) // MIB
    return hole if 256 <= hole <= 3840 else None


def _video_bytes(domain: Domain, functions: Sequence[Function]) -> int:
    if not domain.video_kib or not _has_vga(functions):
        return 0
    return (1 << (domain.video_kib * KIB - 1).bit_length()) + VGA_ROM  # QEMU's cards round up


def _has_vga(functions: Sequence[Function]) -> bool:
    return any(function.host is None and function.class_code == _CLASS_VGA for function in functions)


def _rom_sizes(functions: Sequence[Function]) -> list[int]:
    """Boot ROMs of emulated cards but VGA's; QEMU maps the ROM of a passed-through device without a copy."""
    return [
        register.size
        for function in functions
        if function.host is None and function.class_code != _CLASS_VGA
        for register in function.bars
        if register.kind == "rom"
    ]


def _out_of_memory(domain: Domain, functions: Sequence[Function], roms: Sequence[Span]) -> str | None:
    spare = spare_bytes(domain, functions)
    for rom in reversed(roms):
        if spare >= 0:
            return None
        spare += rom.size
        if spare >= 0:
            return f"xen: failed to populate ram at {rom.start:x}"
    return None
