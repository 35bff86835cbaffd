"""What there is to say about a range of a map, a stage of the build, a line of a comparison, a size."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.model.span import format_size
from planner.pci import names
from planner.policy.sizes import Size
from planner.report.words import GLYPHS
from planner.tui.bands import DISPLACED, LOST, Band
from planner.tui.comparison import Line
from planner.tui.text import Paragraph
from planner.tui.view import View
from planner.xen.build import STAGES, Build, Stage
from planner.xen.segments import SegmentKind
from planner.xen.steps import Step

_KINDS: dict[str, str] = {
    SegmentKind.LOW_RAM: "RAM below 4 GiB, up to the first reserved region above the boundary or to the MMIO hole.",
    SegmentKind.HIGH_RAM: "RAM above 4 GiB: what did not fit below.",
    SegmentKind.RESERVED: "Reserved device memory: the guest's e820 says reserved, and Xen maps it 1:1 for the device.",
    "bar": "BARs that hvmloader placed here.",
    SegmentKind.CONFLICT: "Reserved device memory and the guest's RAM want the same addresses.",
    SegmentKind.LEGACY: "VGA window and BIOS. Every guest has them here.",
    SegmentKind.FIRMWARE: "ACPI tables, APICs, HPET, TPM and Xen's special pages.",
    SegmentKind.MMIO_HOLE: "Where hvmloader places the BARs of devices.",
    SegmentKind.FREE: "Neither RAM nor reserved: room that low RAM left, which BARs may take.",
}
_QEMU = {
    LOST: "✖ Guest RAM that QEMU does not know: emulated disks and network cards silently lose what they move here.",
    DISPLACED: "✖ Guest RAM where QEMU parks video RAM and ROMs: it reads all ones and drops writes.",
}
_STAGES = {
    "asked": "what xl reads from the config; the map is the one without any reserved region",
    "reserved": "libxl has moved RAM out of the way of reserved regions",
    "e820": "libxl has told the guest of them",
    "firmware": "hvmloader has placed the BARs",
    "attach": "Xen has handed over the devices",
}


def of_band(view: View, band: Band) -> Iterator[Paragraph]:
    """A range: whose it is, why, by which rule, and what is logged."""
    head = f"{band.span} {format_size(band.span.size)} "
    if band.parts:
        yield ((head, "strong"), (f"{len(band.parts)} ranges in one line", ""))
        for part in band.parts:
            yield ((f"{part.span} ", "strong"), (f"{format_size(part.span.size)} {part.label}", _tone(part)))
        return
    yield ((head, "strong"), (band.label, _tone(band)))
    if band.qemu:
        yield ((_QEMU[band.qemu], "error"),)
    if band.kind is SegmentKind.CONFLICT:
        yield ((f"✖ {_KINDS.get(band.kind, band.label)}", "error"),)
    else:
        yield ((_KINDS.get(band.kind, band.label), "dim"),)
    for address in band.devices:
        device = view.inventory.device(address)
        yield ((f"for {address.short} ", "reserved"), (names.full_name(device) if device is not None else "", ""))
    if view.build is not None:
        for name, step in _steps(view.build, band):
            yield from _told(f"{name}: ", step)


def _tone(band: Band) -> str:
    if band.qemu or band.kind is SegmentKind.CONFLICT:
        return "conflict"
    return "reserved" if band.kind is SegmentKind.RESERVED else ""


def _steps(build: Build, band: Band) -> Iterator[tuple[str, Step]]:
    """The steps that concern the band: those that name a region in it, or the kind of RAM that it is."""
    layout = build.layout
    regions = [entry.span for entry in layout.regions if entry.span.overlaps(band.span)] if layout is not None else []
    words = [rf"\b{span.start:#x}\b" for span in regions]
    words += {SegmentKind.LOW_RAM: ["low RAM"], SegmentKind.HIGH_RAM: ["high RAM", "above 4 GiB"]}.get(band.kind, [])
    if not words:
        return
    concerned = re.compile("|".join(words))
    for stage in build.stages:
        for step in stage.steps:
            if concerned.search(step.text) or concerned.search(step.log or ""):
                yield stage.name, step


def of_stage(subject: Stage) -> Iterator[Paragraph]:
    """What was decided in a stage, each with its source and log line."""
    number = STAGES.index(subject.name) + 1
    yield ((f"stage {number} of {len(STAGES)}, {subject.name}: ", "strong"), (_STAGES[subject.name], ""))
    if not subject.ok:
        yield (("✖ the build ends here", "error"),)
    for step in subject.steps:
        yield from _told("· ", step)
    if not subject.steps:
        yield (("nothing was decided here", "dim"),)


def _told(lead: str, step: Step) -> Iterator[Paragraph]:
    yield ((lead, "accent"), (step.text, ""), (f" ({step.rule})", "dim"))
    if step.log:
        yield ((f'  logs "{step.log.strip()}"', step.level if step.level in GLYPHS else "dim"),)


def of_line(subject: Line) -> Iterator[Paragraph]:
    """What each column has at a range."""
    yield ((f"{subject.span} ", "strong"), (format_size(subject.span.size), ""))
    if subject.clash:
        yield ((f"✖ {subject.clash}", "error"),)
    for name, cell in zip(subject.columns, subject.cells, strict=True):
        if cell is not None:
            yield ((f"{name}: ", "accent"), (cell.label, ""))
    none = [name for name, cell in zip(subject.columns, subject.cells, strict=True) if cell is None]
    if none:
        yield ((f"nothing there: {', '.join(none)}", "dim"),)


def of_size(view: View, subject: Size) -> Iterator[Paragraph]:
    """A size: what holds, where from, and how far it goes."""
    yield ((f"{subject.key} {subject.effective} MiB ", "strong"), (whence(view, subject), "dim"))
    taken = f"; xl takes {subject.limits[0]} to {subject.limits[1]}"
    more = taken if subject.limits != (subject.least, subject.most) else ""
    yield ((f"{subject.about}. {subject.least} to {subject.most} MiB{more}.", ""),)


def whence(view: View, size: Size) -> str:
    """Whose value a size is: the plan's, the file's, or nobody's."""
    guest = view.in_file
    if guest is None:
        return "planned; there is no file yet" if size.said is not None else "not said: what holds without"
    said: int | None = getattr(guest, size.key)
    file = f"{said} MiB" if said is not None else "nothing"
    if size.said == said:
        return "as the file says" if said is not None else "the file says nothing"
    return f"planned; the file says {file}" if size.said is not None else f"planned: not said; the file says {file}"
