"""hvmloader: how large the MMIO hole is, where every BAR goes, and the e820 that the guest's firmware gets.

Source: tools/firmware/hvmloader/{pci,e820,util}.c of stable-4.17 and master, run on 1,000 inputs. Addresses are bytes
and, as there, 32 or 64 bits wide: sums wrap where hvmloader's wrap. Nothing here raises, whatever the devices claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import itemgetter
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.span import GIB4, KIB, MIB, PAGE, Span
from planner.xen import hvmloader_story as story
from planner.xen.guest_pci import Function, Register, bar_name, register_offset, slot_text
from planner.xen.hvmloader_story import (
    DYNAMIC,
    HUGE_BAR,
    LOW_WINDOW_END,
    LOW_WINDOW_START,
    OPREGION_PAGES,
    Regions,
)
from planner.xen.libxl import E820Entry, Layout
from planner.xen.steps import Step
from planner.xen.xl import Domain

IO_WINDOW = Span(0xC000, 0x10000)
ACPI_TABLES = 40000  # bytes: the NVS entry of every real run ends 10 pages of tables after the information page
PHYS_BITS = 46  # CPUID 0x80000008 of most servers; no inventory knows it
_M32 = (1 << 32) - 1
_M64 = (1 << 64) - 1
_PFN_4G = GIB4 // PAGE
_MAX_CHUNK = (1 << 16) - 1  # pages in one XENMAPSPACE_gmfn_range move
_ISA_BRIDGE = 0x08  # devfn 01.0
_STD_VGA, _CIRRUS, _PIIX3, _PIIX4_PM = (0x1234, 0x1111), (0x1013, 0x00B8), (0x8086, 0x7000), (0x8086, 0x7113)
_XEN_PLATFORM = ((0x5853, 0x0001), (0x5853, 0x0002))
_CLASS_VGA, _CLASS_OTHER_BRIDGE = 0x0300, 0x0680
_COMMAND_IO, _COMMAND_MEMORY, _COMMAND_MASTER = 1, 2, 4
_BUG, _ASSERTION = "*** HVMLoader bug", "*** HVMLoader assertion '{}' failed"
_SIZE_MASK = {"io": 0xFFFC, "mem32": 0xFFFFFFF0, "mem64": _M64 & ~0xF, "rom": 0xFFFFF800}


class Bar(NamedTuple):
    """Where a BAR went. `space` is "low", "high" or "io"; it and `address` are None where no space was left.

    `address` is what hvmloader prints. It writes the upper half of a 64-bit register only for a BAR that it places
    high, so one that it places low keeps the upper half the host had, and answers at `span` (seen on real runs).
    """

    devfn: int
    number: int
    kind: str
    size: int
    address: int | None
    space: str | None
    host: Sbdf | None = None
    upper: int = 0

    @property
    def slot(self) -> str:
        """Device and function in the guest."""
        return slot_text(self.devfn)

    @property
    def name(self) -> str:
        """Which of the function's it is."""
        return bar_name(self.number)

    @property
    def register(self) -> int:
        """The register's offset in config space."""
        return register_offset(self.number)

    @property
    def assigned(self) -> bool:
        """Whether there was room for it."""
        return self.address is not None

    @property
    def span(self) -> Span | None:
        """The guest physical range where it answers (or I/O ports, where `space` is "io")."""
        if self.address is None:
            return None
        return Span.sized(self.address + (self.upper if self.space == "low" else 0), self.size)


class Firmware(NamedTuple):
    """The BIOS that hvmloader starts: where it reserves memory below 1 MiB and how many pages its image takes."""

    name: str
    bios_image_base: int
    lowmem_reserved_base: int = 0xA0000
    populate_pages: int = 0


SEABIOS = Firmware(name="seabios", bios_image_base=0xC0000)
OVMF = Firmware(name="ovmf", bios_image_base=0xF0000, populate_pages=2 * MIB // PAGE)  # Debian 12's image
ROMBIOS = Firmware(name="rombios", bios_image_base=0xE0000, lowmem_reserved_base=0x9E000)
FIRMWARE = {firmware.name: firmware for firmware in (SEABIOS, OVMF, ROMBIOS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What hvmloader reads: hvm_info_table (page frame numbers), libxl's e820, xenstore, and the PCI bus.

    `mmio_hole` is xenstore's `platform/mmio_hole_size` in bytes, None where libxl does not write it. `platform_bar_uc`
    is `xen_platform_pci_bar_uc`, None in a release without that option. `huge_bars_go_high`: a 64-bit BAR above 1 GiB
    does not count for the hole and always goes above 4 GiB (2024). `populate_budget`: how many pages Xen still
    gives the domain before hvmloader has to take them from its RAM; None: as many as it wants. `acpi_bytes` 0: no ACPI.
    """

    low_pgend: int
    high_pgend: int
    e820: tuple[E820Entry, ...]
    functions: tuple[Function, ...]
    mmio_hole: int | None = None
    allow_memory_relocate: bool = False
    platform_bar_uc: bool | None = None
    huge_bars_go_high: bool = True
    phys_bits: int = PHYS_BITS
    firmware: Firmware = SEABIOS
    acpi_bytes: int = ACPI_TABLES
    populate_budget: int | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What hvmloader made of it. When `crash` is set the figures are as they stood then.

    `stage` reached: 0 memory map, 1 PCI, 2 ACPI and firmware pages, 3 e820, 4 done. `vga`: none, std, cirrus or
    passthrough (any other VGA). `opregion`: first page of the IGD OpRegion, 0 without. `moves`: RAM moved as (from, to,
    pages); `stolen`: pages taken from RAM one by one. `mmio_high` is (0, 0) where nothing went above 4 GiB.
    """

    crash: str | None
    stage: int
    mmio_low: Span
    mmio_high: Span
    low_pgend: int
    high_pgend: int
    vga: str
    opregion: int
    populated: int
    stolen: int
    bars: tuple[Bar, ...]
    command: tuple[tuple[int, int], ...]
    moves: tuple[tuple[int, int, int], ...]
    e820: tuple[E820Entry, ...]
    _told: tuple[Callable[[], Step], ...] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the firmware was started."""
        return self.crash is None

    @property
    def error(self) -> str | None:
        """The line that says most about a crash."""
        return self.log[0] if self.stage == 0 else self.crash

    @cached_property
    def _all_steps(self) -> tuple[Step, ...]:
        return tuple(tell() for tell in self._told)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The story. Worded when first asked for, since most builds are made for their figures alone."""
        return tuple(step for step in self._all_steps if step.text)

    @property
    def log(self) -> tuple[str, ...]:
        """What hvmloader prints, in order."""
        return tuple(step.log for step in self._all_steps if step.log)


def mmio_hole_size(domain: Domain) -> int | None:
    """What libxl writes to `platform/mmio_hole_size`, in bytes; None: nothing (libxl_create.c:500-508).

    A hole of exactly 256 MiB is written although libxl's own layout takes it for the default, and hvmloader then
    neither grows the hole nor dodges regions with it.
    """
    hole = (domain.mmio_hole_kib or 0) * KIB
    return hole if hole and 0 <= GIB4 - hole <= LOW_WINDOW_START else None


def from_layout(
    domain: Domain,
    layout: Layout,
    functions: Iterable[Function],
    *,
    platform_bar_uc: bool | None = None,
    huge_bars_go_high: bool = True,
    firmware: Firmware = SEABIOS,
    phys_bits: int = PHYS_BITS,
    acpi_bytes: int = ACPI_TABLES,
    allow_memory_relocate: bool = False,
    populate_budget: int | None = None,
) -> Inputs:
    """What hvmloader finds in an HVM `domain` that libxl laid out as `layout` (libxl_dom.c, xg_dom_x86.c:617-618)."""
    return Inputs(
        low_pgend=layout.low_end // PAGE & _M32,
        high_pgend=layout.high_end // PAGE & _M32,
        e820=layout.e820,
        functions=tuple(functions),
        mmio_hole=mmio_hole_size(domain),
        allow_memory_relocate=allow_memory_relocate,
        platform_bar_uc=platform_bar_uc,
        huge_bars_go_high=huge_bars_go_high,
        phys_bits=phys_bits,
        firmware=firmware,
        acpi_bytes=acpi_bytes,
        populate_budget=populate_budget,
    )


def run(given: Inputs) -> Outcome:
    """Do what hvmloader's main() does, in its order: memory map, PCI, firmware image, ACPI tables, vm86 TSS, e820."""
    loader = _Loader(given)
    stages = (loader.set_up_map, loader.set_up_pci, loader.allocate, loader.make_e820)
    crash, stage = None, len(stages)
    for number, act in enumerate(stages):
        crash = act()
        if crash is not None:
            loader.say(partial(story.told_crash, crash))
            loader.say(partial(story.log_line, "*** HVMLoader crashed."))
            stage = number
            break
    return Outcome(
        crash,
        stage,
        Span(loader.mem_start, loader.mem_end),
        Span(loader.hi_start, loader.hi_end),
        loader.low_pgend,
        loader.high_pgend,
        loader.vga,
        loader.opregion,
        loader.populated,
        loader.stolen,
        tuple(loader.bars[position] for position in sorted(loader.bars)),
        tuple(loader.command.items()),
        tuple(loader.moves),
        loader.e820,
        tuple(loader.told),
    )


_by_size = _by_devfn = itemgetter(0)
# A BAR that the scan found: size, place in the order of the scan, function, register. A plain tuple: there are many.
_Found = tuple[int, int, Function, Register]


class _Loader:
    """hvmloader's global variables."""

    def __init__(self, given: Inputs) -> None:
        self.given = given
        self.map = list(given.e820)
        self.reserved = [(entry[0], entry[0] + entry[1]) for entry in given.e820 if entry[2] == "reserved"]
        self.low_pgend, self.high_pgend = given.low_pgend, given.high_pgend
        self.mem_start, self.mem_end = LOW_WINDOW_START, LOW_WINDOW_END
        self.hi_start = self.hi_end = 0
        self.vga, self.vga_devfn, self.opregion = "none", -1, 0
        self.found: list[_Found] = []
        self.mmio_total = 0
        self.huge = HUGE_BAR if given.huge_bars_go_high else _M64
        self.relocate_bars = False
        self.bars: dict[int, Bar] = {}  # by place in the order of the scan
        self.command: dict[int, int] = {}
        self.moves: list[tuple[int, int, int]] = []
        self.populated = self.stolen = 0
        self.e820: tuple[E820Entry, ...] = ()
        self.told: list[Callable[[], Step]] = []
        self.say = self.told.append

    def set_up_map(self) -> str | None:
        """memory_map_setup: a region where hvmloader puts its own pages stops the guest."""
        for start, end in self.reserved:
            if start < DYNAMIC.end and DYNAMIC.start < end:
                self.say(partial(story.told_clash, start, end))
                return _BUG
        return None

    def set_up_pci(self) -> str | None:
        """pci_setup."""
        self.say(partial(story.log_line, story.relocate_line(self.given.allow_memory_relocate)))
        if self.given.platform_bar_uc is not None:
            self.say(partial(story.log_line, story.platform_bar_line(self.given.platform_bar_uc)))
        self.told += story.LINK_LINES
        crash = self._scan()
        if crash is not None:
            return crash
        self._size_hole()
        if self.mmio_total > self.mem_end - self.mem_start & _M64 or self.relocate_bars:
            huge = self.relocate_bars
            self.relocate_bars = True
            self.say(partial(story.told_relocate, self.mmio_total, self.mem_end - self.mem_start, huge))
        self._move_ram()
        self._adjust_map()
        self._place()
        if self.vga_devfn >= 0:
            self.command[self.vga_devfn] |= _COMMAND_IO
        return None

    def _scan(self) -> str | None:
        for function in sorted(self.given.functions, key=_by_devfn):
            devfn, ids = function.devfn, function[1:3]
            if ids == (0xFFFF, 0xFFFF) or devfn in self.command:
                continue
            if devfn == _ISA_BRIDGE and ids != _PIIX3:
                self.say(partial(story.told_bad_isa_bridge, function))
                return _ASSERTION.format("(devfn != PCI_ISA_DEVFN) || ((vendor_id == 0x8086) && (device_id == 0x7000))")
            if function.class_code == _CLASS_VGA:
                self._note_vga(function)
            elif function.class_code == _CLASS_OTHER_BRIDGE and ids != _PIIX4_PM:
                self.say(partial(story.told_bad_bridge, function))
                return _ASSERTION.format("(vendor_id == 0x8086) && (device_id == 0x7113)")
            self.command[devfn] = _COMMAND_MASTER
            self._scan_bars(function)
            if function.int_pin:
                self.say(partial(story.interrupt_line, devfn, function.int_pin))
        return None

    def _note_vga(self, function: Function) -> None:
        """An emulated VGA is the primary one wherever it comes, else the first VGA there is."""
        ids = function[1:3]
        if ids in (_STD_VGA, _CIRRUS):
            self.vga, self.vga_devfn = ("std" if ids == _STD_VGA else "cirrus"), function.devfn
        elif self.vga == "none":
            self.vga, self.vga_devfn = "passthrough", function.devfn
            if function.vendor == 0x8086:
                self.opregion = DYNAMIC.end // PAGE - 1 - OPREGION_PAGES  # below the shared information page
                self.say(partial(story.told_opregion, function, self.opregion))

    def _scan_bars(self, function: Function) -> None:
        """Size each register as a write of all ones would show it; a 64-bit BAR takes two."""
        write_back = self.given.platform_bar_uc is False and function[1:3] in _XEN_PLATFORM
        found = self.found
        index = 0
        for bar in sorted(function.bars) if len(function.bars) > 1 else function.bars:
            kind = bar.kind
            mask = -bar.size & _SIZE_MASK[kind]
            if bar.number < index or not mask:
                continue
            size = mask & -mask
            index = bar.number + (2 if kind == "mem64" else 1)
            if write_back and kind != "io":
                self._place_at_end(function, bar, size)
                continue
            if kind == "mem64" and size > self.huge:
                self.relocate_bars = True
            elif kind != "io":
                self.mmio_total += size
            found.append((size, len(found) + len(self.bars), function, bar))

    def _place_at_end(self, function: Function, bar: Register, size: int) -> None:
        """The platform device's write-back BAR ends the hole, and no region is looked at."""
        self.mem_end = self.mem_end - size & -size & _M32
        self.command[function.devfn] |= _COMMAND_MEMORY
        position = len(self.found) + len(self.bars)
        self.bars[position] = Bar(function.devfn, bar.number, bar.kind, size, self.mem_end, "low", function.host)
        self.say(partial(story.told_at_end, function, bar, size, self.mem_end))

    def _size_hole(self) -> None:
        hole = self.given.mmio_hole
        if hole:
            start = GIB4 - hole & _M64
            self.say(partial(story.told_fixed_hole, start, hole))
            if start <= LOW_WINDOW_START:
                self.mem_start = start
            return
        while (
            self.mmio_total > self.mem_end - self.mem_start & _M64
            and self.mem_start << 1 & _M32
            and (self.given.allow_memory_relocate or (self.mem_start << 1 & _M32) // PAGE >= self.low_pgend)
        ):
            self.mem_start = self.mem_start << 1 & _M32
        self.say(partial(story.told_hole, self.mem_start, self.mem_end, self.mmio_total, self.low_pgend * PAGE))
        low_end = self.low_pgend * PAGE & _M32
        if self.mem_start > low_end:
            clash = next((one for one in self.reserved if one[0] < self.mem_end and self.mem_start < one[1]), None)
            if clash is not None:
                self.say(partial(story.told_pulled_down, clash, self.mem_start, low_end))
                self.mem_start = low_end

    def _move_ram(self) -> None:
        """RAM inside the window goes above 4 GiB, in pieces that one hypercall can move."""
        start = self.mem_start // PAGE
        while start < self.low_pgend:
            pages = min(self.low_pgend - start, _MAX_CHUNK)
            self.high_pgend = self.high_pgend or _PFN_4G
            self.low_pgend -= pages
            self.say(partial(story.told_move, self.low_pgend, self.high_pgend, pages))
            self.moves.append((self.low_pgend, self.high_pgend, pages))
            self.high_pgend = self.high_pgend + pages & _M32

    def _adjust_map(self) -> None:
        """adjust_memory_map: libxl's RAM entries follow where RAM ends now."""
        low_end, high_end = self.low_pgend * PAGE & _M32, self.high_pgend * PAGE
        for index, (start, size, kind) in enumerate(self.map):
            if kind != "ram":
                continue
            end = start + size & _M64
            if start < low_end < end:
                self.map[index] = E820Entry(start, low_end - start, kind)
            elif high_end and start == GIB4:
                if high_end != end:
                    self.map[index] = E820Entry(start, high_end - start & _M64, kind)
                high_end = 0
        if high_end:
            self.map.append(E820Entry(GIB4, high_end - GIB4 & _M64, "ram"))

    def _place(self) -> None:
        """Largest first, equal ones in the order of the scan; each window is filled upwards."""
        low, low_limit = self.mem_start, self.mem_end
        high, high_limit = max(self.high_pgend * PAGE, GIB4), 1 << min(self.given.phys_bits, 63)
        ports = IO_WINDOW.start
        self.say(partial(story.told_high_base, high, self.high_pgend))
        total, reserved, bars, say, command = self.mmio_total, self.reserved, self.bars, self.say, self.command
        relocate, huge = self.relocate_bars, self.huge
        for size, position, function, bar in sorted(self.found, key=_by_size, reverse=True):
            kind = bar.kind
            total_left, room = total, low_limit - low & _M64
            dodged: Regions = ()
            if kind == "io":
                space, start, limit = "io", ports, IO_WINDOW.end
            elif kind == "mem64" and relocate and (total > room or size > huge):
                high = high + size - 1 & -size
                self.hi_start = self.hi_start or high
                space, start, limit = "high", high, high_limit
            else:
                space, start, limit = "low", low, low_limit
            if kind != "io" and size <= huge:  # so a huge 32-bit BAR is counted above and never taken off
                total -= size
            base = start + size - 1 & -size
            if reserved and space == "low":
                base, dodged = self._dodge(base, size)
            end = base + size
            if end > limit:
                bars[position] = Bar(function.devfn, bar.number, kind, size, None, None, function.host)
                say(partial(story.told_no_space, function, bar, size, space, limit, dodged))
                continue
            if space == "io":
                ports = end
            elif space == "low":
                low = end
            else:
                high = end
            command[function.devfn] |= _COMMAND_IO if space == "io" else _COMMAND_MEMORY
            bars[position] = Bar(function.devfn, bar.number, kind, size, base, space, function.host, bar.upper)
            say(partial(story.told_placed, function, bar, size, base, space, dodged, total_left, room))
        if self.hi_start:
            self.hi_end = ((high - 1 | (self.hi_start & -self.hi_start) - 1) + 1) & _M64

    def _dodge(self, base: int, size: int) -> tuple[int, Regions]:
        """Move on past regions. Only the next one is looked at each time: the lowest end above `base`.

        So a region that a later-ending one contains is dodged, but one that starts lower and ends higher is missed.
        """
        dodged: Regions = ()
        while True:
            region = self._next_region(base)
            if region is None or not (base < region[1] and region[0] < base + size):
                return base, dodged
            dodged = (*dodged, region)
            base = region[1] + size - 1 & -size

    def _next_region(self, base: int) -> tuple[int, int] | None:
        found, lowest = None, GIB4
        base &= _M32
        for region in self.reserved:
            if base < region[1] <= lowest:
                found, lowest = region, region[1]
        return found

    def allocate(self) -> str | None:
        """Pages for the firmware's image, ACPI information and tables, and the vm86 TSS."""
        image, singles = self.given.firmware.populate_pages, self._acpi_pages + 1
        if self.given.populate_budget is None:
            self.populated = image + singles
            return None
        self._populate(image)
        for _ in range(singles):
            self._populate(1)
        if self.stolen:
            self.say(partial(story.told_stolen, self.stolen, self.low_pgend, self.high_pgend))
        return None

    @property
    def _acpi_pages(self) -> int:
        """The information page and the tables after it."""
        return 1 + (self.given.acpi_bytes + PAGE - 1) // PAGE if self.given.acpi_bytes else 0

    def _populate(self, pages: int) -> None:
        """mem_hole_populate_ram: fresh pages as long as Xen gives some, then pages of the guest's RAM from its end."""
        fresh = min(pages, max(0, (self.given.populate_budget or 0) - self.populated))
        self.populated += fresh
        for _ in range(pages - fresh):
            self.stolen += 1
            if self.high_pgend:
                self.high_pgend -= 1
                if self.high_pgend == _PFN_4G:
                    self.high_pgend = 0
            else:
                self.low_pgend = self.low_pgend - 1 & _M32
        if fresh < pages:
            self._adjust_map()

    def make_e820(self) -> str | None:
        """build_e820_table: the fixed entries, then libxl's map as it is now, sorted by address and never merged."""
        low_end = self.low_pgend * PAGE & _M32
        if low_end < 2 * MIB:
            self.say(partial(story.told_too_little, low_end))
            return _BUG
        low_ram, bios = self.given.firmware.lowmem_reserved_base, self.given.firmware.bios_image_base
        entries = [E820Entry(0, low_ram, "ram")]
        if low_ram < 0xA0000:
            entries.append(E820Entry(low_ram, 0xA0000 - low_ram, "reserved"))
        entries.append(E820Entry(bios, MIB - bios, "reserved"))
        start = LOW_WINDOW_END + self._acpi_pages * PAGE
        if self._acpi_pages:
            entries.append(E820Entry(LOW_WINDOW_END, start - LOW_WINDOW_END, "nvs"))
        if self.opregion:
            opregion = Span.sized(self.opregion * PAGE, OPREGION_PAGES * PAGE)
            entries.append(E820Entry(start, opregion.start - start, "reserved"))
            entries.append(E820Entry(opregion.start, opregion.size, "nvs"))
            start = opregion.end
        entries.append(E820Entry(start, GIB4 - start, "reserved"))
        self.e820 = tuple(_exchange_sorted(entries + self.map))
        self.say(partial(story.told_e820, self.e820))
        return None


def _exchange_sorted(entries: list[E820Entry]) -> list[E820Entry]:
    """Sorted by address as hvmloader does it, which is not stable: equal addresses may change places."""
    if len({entry.start for entry in entries}) == len(entries):
        return sorted(entries)
    for first in range(len(entries) - 1):
        for second in range(first + 1, len(entries)):
            if entries[first].start > entries[second].start:
                entries[first], entries[second] = entries[second], entries[first]
    return entries
