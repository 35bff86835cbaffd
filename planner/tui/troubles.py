"""Where QEMU believes otherwise of a guest's memory than the map shows: what that is called, and what it does."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from planner.model.span import GIB4, MIB, Span, format_size
from planner.xen import qemu
from planner.xen.build import Build
from planner.xen.segments import SegmentKind


class Trouble(StrEnum):
    """What is wrong with a range."""

    LOST = "lost_ram"
    DISPLACED = "displaced_ram"
    DEAD = "dead_bar"
    BLOCKED = "blocked_region"
    BELIEVED = "believed_ram"
    PARKED = "parked"


HARMS = (Trouble.LOST, Trouble.DISPLACED, Trouble.DEAD, Trouble.BLOCKED)
"""Those that cost the guest something as it is; the others matter once something else is put there."""

_CONCERNED = {
    SegmentKind.LOW_RAM: (Trouble.DISPLACED, Trouble.LOST),
    SegmentKind.HIGH_RAM: (Trouble.DISPLACED, Trouble.LOST),
    SegmentKind.BAR: (Trouble.DEAD,),
    SegmentKind.RESERVED: (Trouble.BLOCKED,),
    SegmentKind.FREE: (Trouble.PARKED, Trouble.BELIEVED),
    SegmentKind.MMIO_HOLE: (Trouble.PARKED, Trouble.BELIEVED),
}
_WORDS = {
    Trouble.LOST: "lost RAM",
    Trouble.DISPLACED: "displaced",
    Trouble.DEAD: "dead BARs",
    Trouble.BLOCKED: "blocked",
    Trouble.BELIEVED: "QEMU: RAM",
    Trouble.PARKED: "QEMU parks",
}


def word(trouble: Trouble) -> str:
    """What to call it, with its sign: at most 11 cells, as the map's labels in 80 columns."""
    sign = "✖ " if trouble in HARMS else "▲ " if trouble is Trouble.BELIEVED else ""
    return sign + _WORDS[trouble]


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
                    yield rdm.span, Trouble.BLOCKED
    believed = Span(max(MIB, layout.low_end), view.low_end)
    if believed.size:
        yield believed, Trouble.BELIEVED


def told(build: Build, span: Span, trouble: Trouble) -> str:
    """What it means for this range, why it is so, and the way out."""
    view, layout = build.qemu, build.layout
    if view is None or layout is None:
        return ""
    hole = qemu.matching_hole(layout)
    heals = f"; mmio_hole = {hole} makes both agree" if hole is not None else ""
    lost = sum(one.size for one in view.lost)
    if trouble is Trouble.LOST:
        rest = sum(part.size for part in view.displaced for one in view.lost if part.overlaps(one))
        beside = f", beside the {format_size(rest)} that it displaces" if rest else ""
        return (
            f"✖ Lost RAM: QEMU knows nothing of {format_size(lost)} of the guest's RAM; these are "
            f"{format_size(span.size)} of it{beside}. Emulated disks and network cards silently lose what they move "
            f"here{heals}."
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
    if trouble is Trouble.BELIEVED:
        return f"▲ Not RAM, but {until}: BARs placed here are dead{heals}."
    return "Not RAM, but QEMU parks video RAM and boot ROMs here: Xen can map no reserved region over them."
