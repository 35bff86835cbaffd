"""Where QEMU believes otherwise of a guest's memory than the map shows: what that is called, and what it does."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from planner.model.guest import RdmPolicy
from planner.model.span import GIB4, MIB, Span, format_size
from planner.xen import qemu
from planner.xen.build import Build
from planner.xen.qemu import QemuView
from planner.xen.segments import SegmentKind


class Trouble(StrEnum):
    """What is wrong with a range."""

    LOST = "lost_ram"
    DISPLACED = "displaced_ram"
    DEAD = "dead_bar"
    BLOCKED = "blocked_region"
    UNMAPPED = "unmapped_region"
    BELIEVED = "believed_ram"
    PARKED = "parked"


HARMS = (Trouble.LOST, Trouble.DISPLACED, Trouble.DEAD, Trouble.BLOCKED)
"""Those that cost the guest something as it is."""

WARNS = (Trouble.UNMAPPED, Trouble.BELIEVED)
"""Those that cost something once the device needs its region, or something is put there."""

RULES = {
    Trouble.LOST: "MEM212",
    Trouble.DISPLACED: "MEM212",
    Trouble.BELIEVED: "MEM212",
    Trouble.DEAD: "MEM201",
    Trouble.BLOCKED: "MEM213",
    Trouble.UNMAPPED: "MEM213",
}
"""The rule that tells of each."""

_CONCERNED = {
    SegmentKind.LOW_RAM: (Trouble.DISPLACED, Trouble.LOST),
    SegmentKind.HIGH_RAM: (Trouble.DISPLACED, Trouble.LOST),
    SegmentKind.BAR: (Trouble.DEAD,),
    SegmentKind.RESERVED: (Trouble.BLOCKED, Trouble.UNMAPPED),
    SegmentKind.FREE: (Trouble.PARKED, Trouble.BELIEVED),
    SegmentKind.MMIO_HOLE: (Trouble.PARKED, Trouble.BELIEVED),
}
_WORDS = {
    Trouble.LOST: "lost RAM",
    Trouble.DISPLACED: "displaced",
    Trouble.DEAD: "dead BARs",
    Trouble.BLOCKED: "blocked",
    Trouble.UNMAPPED: "unmapped",
    Trouble.BELIEVED: "QEMU: RAM",
    Trouble.PARKED: "QEMU parks",
}


def word(trouble: Trouble) -> str:
    """What to call it, with its sign: at most 11 cells, as the map's labels in 80 columns."""
    return sign(trouble) + _WORDS[trouble]


def sign(trouble: Trouble) -> str:
    """How bad it is."""
    return "✖ " if trouble in HARMS else "▲ " if trouble in WARNS else ""


def named(trouble: Trouble, label: str) -> str:
    """The same with whose range it is, where nobody could guess that."""
    if trouble is Trouble.DEAD:
        return f"✖ dead {label}"
    return f"{word(trouble)} {label}" if trouble in (Trouble.BLOCKED, Trouble.UNMAPPED) else word(trouble)


def troubles(build: Build) -> tuple[tuple[Span, Trouble], ...]:
    """The ranges over which QEMU believes otherwise. Empty where it plays no part."""
    return tuple(_troubles(build))


def of_kind(found: tuple[tuple[Span, Trouble], ...], kind: SegmentKind) -> list[tuple[Span, Trouble]]:
    """Those that mean something for a range of that kind, the worst first."""
    concerned = _CONCERNED.get(kind, ())
    return sorted((item for item in found if item[1] in concerned), key=lambda item: concerned.index(item[1]))


def _troubles(build: Build) -> Iterator[tuple[Span, Trouble]]:
    view, layout = build.qemu, build.layout
    if view is None or layout is None or not layout.ok:
        return
    for clash in build.disagreements:
        yield clash.span, Trouble(clash.kind)
    if view.parked:
        yield Span(view.parked[0].start, view.parked[-1].end), Trouble.PARKED
    for parked in view.parked:
        for device in build.domain.devices:
            for rdm in build.iommu.regions_of(device.address) if device.address is not None else ():
                if rdm.mapped and rdm.span.overlaps(parked):
                    relaxed = device.policy is RdmPolicy.RELAXED
                    yield rdm.span, Trouble.UNMAPPED if relaxed else Trouble.BLOCKED
    believed = Span(max(MIB, layout.low_end), view.low_end)
    if believed.size:
        yield believed, Trouble.BELIEVED


def told(build: Build, span: Span, trouble: Trouble) -> str:
    """What it means for this range, why it is so, and the way out."""
    view, layout = build.qemu, build.layout
    if view is None or layout is None:
        return ""
    hole = qemu.matching_hole(layout)
    heals = ""
    if hole is not None:
        low = f"{GIB4 // MIB} MiB less low RAM's {layout.low_end // MIB}"
        heals = f"; mmio_hole = {hole} makes both agree ({low})"
    lost = sum(one.size for one in view.lost)
    if trouble is Trouble.LOST:
        rest = sum(part.size for part in view.displaced for one in view.lost if part.overlaps(one))
        beside = f", beside the {format_size(rest)} that it displaces" if rest else ""
        part = f"; these are {format_size(span.size)} of it{beside}" if span.size < lost else ""
        return (
            f"✖ Lost RAM: QEMU knows nothing of {format_size(lost)} of the guest's RAM{part}. Emulated disks and "
            f"network cards silently lose what they move here{heals}."
        )
    if trouble is Trouble.DISPLACED:
        what = "video RAM" if span.overlaps(view.scratch) else "the boot ROM of a card"
        return f"✖ Displaced: QEMU parks {what} in the place of guest RAM: it reads all ones and drops writes{heals}."
    until = f"QEMU believes that RAM reaches {view.high_end if span.start >= GIB4 else view.low_end:#x}"
    if trouble is Trouble.DEAD:
        return f"✖ Dead BARs: {until} and hides them behind it: the guest reads all ones{heals}."
    parked = "video RAM" if span.overlaps(view.scratch) else "the boot ROM of a card"
    if trouble is Trouble.BLOCKED:
        return f"✖ Blocked: QEMU parks {parked} in this region before the device comes, so Xen cannot map it."
    if trouble is Trouble.UNMAPPED:
        return f"▲ Not mapped: QEMU parks {parked} in this region before the device comes; relaxed, so Xen goes on."
    if trouble is Trouble.BELIEVED:
        return f"▲ Not RAM, but {until}: BARs placed here are dead{heals}."
    return f"Not RAM, but QEMU parks {_parked(view)} here: Xen can map no reserved region over them."


def _parked(view: QemuView) -> str:
    """What QEMU parks, piece by piece (libxl_dm.c and QEMU's cards: `qemu.view`)."""
    sizes = [f"{format_size(view.scratch.size - qemu.VGA_ROM)} of video RAM", f"{format_size(qemu.VGA_ROM)} of VGA ROM"]
    pieces = sizes if view.scratch.size else []
    roms = [format_size(rom.size) for rom in view.roms]
    pieces += [f"{len(roms)} boot ROM{'s' * (len(roms) != 1)} of network cards ({', '.join(roms)})"] if roms else []
    return ", ".join(pieces)
