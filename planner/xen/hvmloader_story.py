"""What hvmloader's decisions say, and the line that it prints with each. Worded only when somebody asks."""

from __future__ import annotations

from functools import partial

from planner.model.span import GIB, PAGE, Span, format_size
from planner.xen.guest_pci import Function, Register, bar_name, register_offset
from planner.xen.libxl import E820Entry, listed
from planner.xen.steps import Step

LOW_WINDOW_START = 0xF0000000  # HVM_BELOW_4G_MMIO_START
LOW_WINDOW_END = 0xFC000000  # RESERVED_MEMBASE: ACPI tables, TPM, APICs, special pages up to 4 GiB
DYNAMIC = Span(0xFC100000, 0xFE000000)  # where hvmloader allocates pages of its own
HUGE_BAR = GIB  # a 64-bit BAR above this goes high and does not count for the hole
OPREGION_PAGES = 3

Regions = tuple[tuple[int, int], ...]  # (start, end) of reserved entries

_M32 = (1 << 32) - 1
_ISA_IRQS = (5, 10, 11, 5)  # PCI-ISA links 0 to 3
_MAP_RULE = "hvmloader/e820.c:28-54"
_SCAN_RULE = "hvmloader/pci.c:162-362"
_HOLE_RULE = "hvmloader/pci.c: pci_setup, the low hole"
_PLACE_RULE = "hvmloader/pci.c: pci_setup, placement"
_RAM_RULE = "hvmloader/util.c:336-377"
_E820_RULE = "hvmloader/e820.c: build_e820_table"


def log_line(line: str) -> Step:
    """A line without a decision behind it."""
    return Step("", "", line)


def told_crash(crash: str) -> Step:
    """BUG() or a failed assertion; where in hvmloader is not said, for it differs between builds."""
    text = "hvmloader gives up: the guest dies before its BIOS starts, and xl reports nothing"
    return Step(text, "hvmloader/hvmloader.c", f"{crash} at FILE:LINE", "error")


def relocate_line(allowed: bool) -> str:
    """Whether RAM may be moved away from the window."""
    return f"Relocating guest memory for lowmem MMIO space {'enabled' if allowed else 'disabled'}"


def platform_bar_line(uncached: bool) -> str:
    """How the platform device's memory is cached."""
    return f"Xen platform PCI device BAR MTRR cache attribute set to {'UC' if uncached else 'WB'}"


LINK_LINES = [
    partial(log_line, f"PCI-ISA link {link} routed to IRQ{interrupt}") for link, interrupt in enumerate(_ISA_IRQS)
]


def interrupt_line(devfn: int, pin: int) -> Step:
    """INTx of a function, wired to the PCI-ISA links in turn."""
    link = (pin - 1 + (devfn >> 3)) & 3
    return Step("", "", f"pci dev {devfn >> 3:02x}:{devfn & 7:x} INT{chr(64 + pin)}->IRQ{_ISA_IRQS[link]}")


def told_clash(start: int, end: int) -> Step:
    """A region lies where hvmloader allocates."""
    return Step(
        f"the reserved {Span(start, end)} lies in {DYNAMIC}, where hvmloader allocates its own pages: it gives up",
        _MAP_RULE,
        "Fail to setup memory map due to conflict on dynamic reserved memory range.",
        "error",
        (Span(start, end),),
    )


def told_bad_isa_bridge(function: Function) -> Step:
    """Slot 01.0 is not the PIIX3."""
    return Step(f"slot 01.0 holds {_name(function)} where hvmloader wants the PIIX3", _SCAN_RULE, None, "error")


def told_bad_bridge(function: Function) -> Step:
    """A device of class 0680 that is not the PIIX4."""
    return Step(
        f"{_name(function)} has class 0680 and hvmloader knows the PIIX4 alone by it: it gives up",
        _SCAN_RULE,
        None,
        "error",
    )


def told_opregion(function: Function, page: int) -> Step:
    """An Intel VGA is primary."""
    where = Span.sized(page * PAGE, OPREGION_PAGES * PAGE)
    return Step(
        f"{_name(function)} is an Intel VGA and the primary one: its OpRegion goes to {where}",
        _SCAN_RULE,
        about=(where,),
    )


def told_at_end(function: Function, bar: Register, size: int, address: int) -> Step:
    """The platform device's BAR when it is to be cached."""
    return Step(
        f"{_bar_name(function, bar, size)} is to be cached, so it takes the end of the low window, from {address:#x}",
        _SCAN_RULE,
        _bar_line(function, bar, size, address),
        about=(Span.sized(address, size),),
    )


def told_fixed_hole(start: int, hole: int) -> Step:
    """`mmio_hole` decides."""
    if start > LOW_WINDOW_START:
        line = f"max_ram_below_4g=0x{_split(start)} too big for mmio_hole_size=0x{_split(hole)} has been ignored."
        window = (Span(LOW_WINDOW_START, LOW_WINDOW_END),)
        return Step(f"mmio_hole leaves RAM up to {start:#x}: ignored", _HOLE_RULE, line, about=window)
    return Step(
        f"mmio_hole asks for {format_size(hole)}: the low window starts at {start:#x}, and neither the size of the "
        "BARs nor a region can change that",
        _HOLE_RULE,
        f"pci_mem_start=0x{start:x} (was 0x{LOW_WINDOW_START:x}) for mmio_hole_size=0x{hole:x}",
        about=(Span(start, LOW_WINDOW_END),),
    )


def told_hole(start: int, end: int, total: int, low_end: int) -> Step:
    """The window grew, or did not."""
    need, window = f"memory BARs need {format_size(total)}", (Span(start, end),)
    room = f"{format_size(max(0, end - start))} from {start:#x}"
    if start == LOW_WINDOW_START and total <= end - start:
        return Step(f"{need}: the low window of {room} is enough", _HOLE_RULE, about=window)
    if total <= end - start:
        return Step(f"{need}: the low window grows to {room}", _HOLE_RULE, about=window)
    why = f"RAM ends at {low_end:#x}" if start > 0x80000000 else "it never grows further"
    return Step(f"{need}: the low window has only {room}, because {why}", _HOLE_RULE, about=window)


def told_pulled_down(region: tuple[int, int], start: int, low_end: int) -> Step:
    """A region in the window moves its start down to the end of RAM."""
    return Step(
        f"the reserved {Span(*region)} lies in the low window from {start:#x}, so the window starts where low RAM "
        f"ends, at {low_end:#x}",
        _HOLE_RULE,
        about=(Span(low_end, LOW_WINDOW_END),),
    )


def told_relocate(total: int, room: int, huge: bool) -> Step:
    """64-bit BARs may go above 4 GiB."""
    why = (
        f"a 64-bit BAR is larger than {format_size(HUGE_BAR)}"
        if huge and total <= room
        else f"{format_size(total)} of memory BARs do not fit {format_size(max(0, room))}"
    )
    line = "Low MMIO hole not large enough for all devices, relocating some BARs to 64-bit"
    return Step(f"{why}: 64-bit BARs may go above 4 GiB", _HOLE_RULE, line)


def told_move(low: int, high: int, pages: int) -> Step:
    """RAM leaves the window."""
    line = f"Relocating 0x{pages:x} pages from {_split(low * PAGE)} to {_split(high * PAGE)} for lowmem MMIO hole"
    text = f"{format_size(pages * PAGE)} of RAM at {low * PAGE:#x} lie in the low window and move to {high * PAGE:#x}"
    about = (Span.sized(low * PAGE, pages * PAGE), Span.sized(high * PAGE, pages * PAGE))
    return Step(text, "hvmloader/pci.c: pci_setup", line, about=about)


def told_high_base(base: int, high_pgend: int) -> Step:
    """Where the high window starts."""
    line = f"{'' if high_pgend else 'No '}RAM in high memory; setting high_mem resource base to {_split(base)}"
    return Step("", "", line)


def told_placed(
    function: Function,
    bar: Register,
    size: int,
    address: int,
    space: str,
    dodged: Regions,
    total: int,
    room: int,
) -> Step:
    """A BAR gets its address."""
    reason = ""
    if space == "high":
        reason = (
            f": 64-bit and larger than {format_size(HUGE_BAR)}"
            if size > HUGE_BAR
            else f": 64-bit, and {format_size(total)} are left for {format_size(max(0, room))} of the low window"
        )
    elif dodged:
        reason = f", past the reserved {_spans(dodged)}"
    where = "I/O ports" if space == "io" else f"{space} window"
    return Step(
        f"{_bar_name(function, bar, size)} goes to {address:#x}, {where}{reason}",
        _PLACE_RULE,
        _bar_line(function, bar, size, address),
        about=() if space == "io" else (Span.sized(address + (bar.upper if space == "low" else 0), size),),
    )


def told_no_space(function: Function, bar: Register, size: int, space: str, limit: int, dodged: Regions) -> Step:
    """A BAR gets none."""
    where = "I/O range" if space == "io" else f"{space} window"
    past = f" past the reserved {_spans(dodged)}" if dodged else ""
    return Step(
        f"{_bar_name(function, bar, size)} does not fit{past} before {limit:#x}, where the {where} ends",
        _PLACE_RULE,
        f"{_register_text(function, bar)} size {_split(size)}: no space for resource!",
        "warning",
    )


def _spans(regions: Regions) -> str:
    return " and ".join(str(Span(*region)) for region in regions)


def told_stolen(pages: int, low_pgend: int, high_pgend: int) -> Step:
    """Pages were taken from RAM."""
    end = (high_pgend or low_pgend) * PAGE
    text = f"Xen gives no more pages, so {pages} come from the end of RAM, which is {end:#x} now"
    return Step(text, _RAM_RULE, about=(Span.sized(end, pages * PAGE),))


def told_too_little(low_end: int) -> Step:
    """Too little low RAM to go on."""
    text = f"low RAM ends at {low_end:#x} and hvmloader needs 2 MiB of it: it gives up"
    return Step(text, "hvmloader/e820.c:264", None, "error")


def told_e820(entries: tuple[E820Entry, ...]) -> Step:
    """The table is made."""
    return Step(f"the e820 that the firmware gets has {len(entries)} entries: {listed(entries)}", _E820_RULE)


def _name(function: Function) -> str:
    if function.host:
        return f"{function.slot} ({function.host})"
    return function.slot if function.slot in function.name else f"{function.name} {function.slot}"


def _bar_name(function: Function, bar: Register, size: int) -> str:
    return f"{_name(function)} {bar_name(bar.number)} ({bar.kind}, {format_size(size)})"


def _register_text(function: Function, bar: Register) -> str:
    return f"pci dev {function.devfn >> 3:02x}:{function.devfn & 7:x} bar {register_offset(bar.number):02x}"


def _bar_line(function: Function, bar: Register, size: int, address: int) -> str:
    bits = {"io": 1, "mem64": 4}.get(bar.kind, 0)
    if bar.prefetchable and bar.kind in ("mem32", "mem64"):
        bits |= 8
    return f"{_register_text(function, bar)} size {_split(size)}: {_split(address | bits)}"


def _split(value: int) -> str:
    """A 64-bit number as hvmloader prints it: the upper half unpadded, the lower in eight digits."""
    return f"{value >> 32:x}{value & _M32:08x}"
