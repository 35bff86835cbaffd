"""What there is to say about a range of a map, a stage of the build, a line of a comparison, a size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.model.span import GIB4, KIB, PAGE, Span, format_size
from planner.pci import names
from planner.policy.findings import Finding
from planner.policy.sizes import Size
from planner.report.troubles import HARMS, RULES, WARNS, told
from planner.report.words import GLYPHS
from planner.tui.bands import Band, bands
from planner.tui.comparison import ACTORS, Cell, Line
from planner.tui.describe.views import why
from planner.tui.text import Paragraph, Piece
from planner.tui.view import View
from planner.xen.build import STAGES, Build, Stage
from planner.xen.hvmloader_story import LOW_WINDOW_END
from planner.xen.libxl import VGA_HOLE, Layout
from planner.xen.segments import SegmentKind
from planner.xen.steps import Step

_KINDS: dict[str, str] = {
    SegmentKind.BAR: "A BAR that hvmloader placed here.",
    SegmentKind.CONFLICT: "Reserved device memory and something of the guest's want the same addresses.",
    SegmentKind.LEGACY: "The VGA window up to 0xbffff, then the BIOS. Every HVM guest has them here.",
    SegmentKind.FIRMWARE: "ACPI tables, APICs, HPET, TPM and Xen's special pages.",
}
_STAGES = {
    "asked": "what xl reads; the map is the one without any region",
    "reserved": "libxl moves RAM off regions, and judges those left",
    "e820": "libxl's e820: RAM and regions, but for those it hides",
    "firmware": "hvmloader places the BARs",
    "attach": "Xen hands over the devices",
}


def of_band(view: View, band: Band) -> Iterator[Paragraph]:
    """A range: whose it is, why, by which rule, what is logged, and the findings about it."""
    head = f"{band.span} {format_size(band.span.size)} "
    if band.parts:
        yield ((head, "strong"), (f"{len(band.parts)} ranges in one line; zoom gives each its own", ""))
        reasons = dict.fromkeys(reason for part in band.parts for reason in _troubles(view, part))
        yield from ((reason,) for reason in reasons)
        for part in band.parts:
            why = "" if part.trouble is not None or part.kind is SegmentKind.CONFLICT else _why(view, part)
            yield (
                (f"{part.span} ", "strong"),
                (f"{format_size(part.span.size)} {part.name} ", _tone(part)),
                (why, "dim"),
            )
        yield from _findings(view, band.parts)
        return
    yield ((head, "strong"), (band.label, _tone(band)))
    found = list(_troubles(view, band))
    yield from ((reason,) for reason in found)
    if band.kind is not SegmentKind.BAR and (not found or band.trouble in HARMS):
        yield ((_meaning(view, band), "dim"),)
    yield from _findings(view, (band,))
    for address in band.devices:
        device = view.inventory.device(address)
        yield ((f"for {address.short} ", "reserved"), (names.full_name(device) if device is not None else "", ""))
    yield from _sharers(view, band)
    if view.build is not None:
        steps = sorted(_steps(view.build, band), key=lambda step: not _is_its_own(step[1], band))
        for name, step in steps:
            yield from _told(f"stage {name}: ", step)


def _why(view: View, band: Band) -> str:
    """One sentence about a part of a line: where it was decided, or what it is."""
    steps = _steps(view.build, band) if view.build is not None and band.kind is SegmentKind.BAR else ()
    return next((f"({step.rule})" for _, step in steps if _is_its_own(step, band)), "") or _meaning(view, band)


def _is_its_own(step: Step, band: Band) -> bool:
    """Whether a step is about this range and no larger one."""
    return any(band.span == span or (span.size and band.span.intersection(span) == span) for span in step.about)


def _findings(view: View, parts: Sequence[Band]) -> Iterator[Paragraph]:
    """What the problems say of these ranges."""
    for group in view.problems:
        found = [one for one in group if any(_concerns(one, part) for part in parts)]
        if found:
            sign = f"{GLYPHS[found[0].standing]} {found[0].rule.id} " + (f"×{len(found)} " if len(found) > 1 else "")
            yield ((sign, found[0].standing), (found[0].message, ""))


def _concerns(found: Finding, band: Band) -> bool:
    if band.trouble is not None and found.rule.id == RULES.get(band.trouble):
        return True
    if band.kind is SegmentKind.BAR and found.rule.id.startswith("BAR") and found.device in band.devices:
        return found.region is None or found.region.overlaps(band.span)
    held = band.kind in (SegmentKind.RESERVED, SegmentKind.CONFLICT)
    return held and found.region is not None and found.region.overlaps(band.span)


def _sharers(view: View, band: Band) -> Iterator[Paragraph]:
    """The devices that have the region too, and who has those."""
    if band.kind not in (SegmentKind.RESERVED, SegmentKind.CONFLICT):
        return
    regions = [rdm for device in band.devices for rdm in view.regions(device) if rdm.span.overlaps(band.span)]
    others = dict.fromkeys(device for rdm in regions for device in rdm.devices if device not in band.devices)
    if others:
        told = ", ".join(f"{device.short} ({view.owner(device).replace('-', 'nobody has it')})" for device in others)
        yield (("shared with ", "reserved"), (told, ""))


def _troubles(view: View, band: Band) -> Iterator[Piece]:
    """What is wrong with a range."""
    if band.kind is SegmentKind.CONFLICT:
        yield f"✖ {_KINDS[band.kind]}", "error"
    if band.trouble is not None and view.build is not None:
        style = "error" if band.trouble in HARMS else "warning" if band.trouble in WARNS else ""
        yield told(view.build, band.span, band.trouble), style


def _mapping(view: View, band: Band) -> str:
    """Whether Xen maps a reserved region for its device; "" for what is none."""
    build = view.build
    if band.kind is not SegmentKind.RESERVED or build is None:
        return ""
    told_of = "Reserved device memory: the guest's e820 says reserved"
    found = [rdm for device in band.devices for rdm in build.iommu.regions_of(device) if rdm.span.overlaps(band.span)]
    if not band.devices:
        return f"{told_of}, and nothing is mapped until a device that needs it comes."
    if found and not any(rdm.mapped for rdm in found):
        return f"{told_of}. It is an exclusion range: Xen maps nothing there, the IOMMU lets the device pass."
    held = [span for attach in build.attached if attach.ok for span in attach.held]
    if band.trouble is None and any(span.overlaps(band.span) for span in held):
        return f"{told_of}, and Xen maps it 1:1 for the device."
    return f"{told_of}."


def _meaning(view: View, band: Band) -> str:
    """What a range is for, and why it ends where it does."""
    build = view.build
    layout = build.layout if build is not None else None
    if build is None or layout is None:
        return ""
    if band.kind is SegmentKind.LOW_RAM:
        return f"RAM below 4 GiB. {_low_end(build, layout, band.span.end)}"
    if band.kind is SegmentKind.HIGH_RAM:
        size = f"{format_size(build.domain.max_kib * KIB)}{_video(build)}"
        return f"RAM above 4 GiB: what of the guest's {size} does not fit below {layout.low_end:#x}."
    if band.kind is SegmentKind.RESERVED:
        return _mapping(view, band)
    if band.kind is SegmentKind.LEGACY and band.span.start >= VGA_HOLE.end:
        return "The BIOS. Every HVM guest has it here."
    if band.kind in (SegmentKind.FREE, SegmentKind.MMIO_HOLE):
        return _room(build, layout, band.span)
    return _KINDS[band.kind]


def _low_end(build: Build, layout: Layout, end: int) -> str:
    """Why a piece of low RAM ends where it does."""
    if end == VGA_HOLE.start:
        return "The VGA window begins here, in every HVM guest."
    if end < layout.low_end:
        taken = build.firmware is not None and end == build.firmware.low_pgend * PAGE
        return "hvmloader took what follows." if taken else "A reserved region lies behind it, in RAM."
    if end == layout.mmio_start:
        return "The MMIO hole begins here; what does not fit below it goes above 4 GiB."
    if end == (build.domain.max_kib - build.domain.video_kib) * KIB:
        return f"Here the guest's {format_size(build.domain.max_kib * KIB)}{_video(build)} end."
    return "A reserved region lowered it."


def _video(build: Build) -> str:
    return f", less {format_size(build.domain.video_kib * KIB)} of video RAM," if build.domain.video_kib else ""


def _room(build: Build, layout: Layout, span: Span) -> str:
    """What may come into a range that nobody has."""
    if span.start < max(layout.low_end, layout.high_end) and (span.start < layout.low_end or span.start >= GIB4):
        return "hvmloader took this from the end of the guest's RAM for its own pages: Xen had no more to give."
    if span.start >= GIB4:
        return "Above the guest's RAM."
    window = build.firmware.mmio_low if build.firmware is not None else Span(layout.mmio_start, LOW_WINDOW_END)
    if span.overlaps(window):
        return f"Room for BARs: hvmloader places them in {window}, and none came to lie here."
    return f"Neither RAM nor reserved, and no BAR comes here: hvmloader's window for them is {window}."


def _tone(band: Band) -> str:
    if band.severity == 5:
        return "conflict"
    return "reserved" if band.kind is SegmentKind.RESERVED else ""


def _steps(build: Build, band: Band) -> Iterator[tuple[str, Step]]:
    """The steps that decide about a range of the band; of RAM, also those that end it where it ends."""
    is_ram = band.kind in (SegmentKind.LOW_RAM, SegmentKind.HIGH_RAM)
    regions = [entry.span for entry in build.layout.regions] if build.layout is not None else []
    for stage in build.stages:
        if band.kind is SegmentKind.BAR and stage.name != "firmware":
            continue
        for step in stage.steps:
            ends = [span for span in step.about if is_ram and span.start == band.span.end and span not in regions]
            if ends or any(span.overlaps(band.span) for span in step.about):
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


def of_line(view: View, subject: Line) -> Iterator[Paragraph]:
    """What each column has at a range."""
    yield ((f"{subject.span} ", "strong"), (format_size(subject.span.size), ""))
    if subject.trouble is not None and view.build is not None:
        tone = "error" if subject.trouble in HARMS else "warning"
        yield ((told(view.build, subject.span, subject.trouble), tone),)
    if subject.columns == ACTORS and view.build is not None:
        if any(cell is not None and cell.kind == SegmentKind.CONFLICT for cell in subject.cells):
            yield ((f"✖ {_KINDS[SegmentKind.CONFLICT]}", "error"),)
        for actor, cell in zip(ACTORS, subject.cells, strict=True):
            lead = (f"{actor}: ", "accent"), (f"{cell.label}: " if cell is not None else "", "strong")
            yield (*lead, (why(view.build, actor, subject.span, cell), ""))
        band = next((band for band in bands(view.build) if band.span.overlaps(subject.span)), None)
        for name, step in _steps(view.build, band) if band is not None else ():
            yield from _told(f"stage {name}: ", step)
    else:
        yield from _of_guests(view, subject)


def _of_guests(view: View, subject: Line) -> Iterator[Paragraph]:
    """What each guest has at a range, the worst first; those that have the same are told of together."""
    names: dict[Cell | None, list[str]] = {}
    for name, cell in zip(subject.columns, subject.cells, strict=True):
        names.setdefault(cell, []).append(name)
    found = [cell for cell in names if cell is not None]
    for cell in sorted(found, key=lambda one: (one.kind != SegmentKind.CONFLICT, one.trouble is None)):
        guests = names[cell]
        conflict = cell.kind == SegmentKind.CONFLICT
        yield ((f"{', '.join(guests)}: ", "accent"), (cell.label, "conflict" if conflict else ""))
        if conflict:
            yield ((f"✖ {_KINDS[SegmentKind.CONFLICT]}", "error"),)
        for guest in guests if cell.trouble is not None else ():
            build = view.snapshot.report.build(guest)
            if build is not None and cell.trouble is not None:
                yield ((told(build, subject.span, cell.trouble), "error" if cell.trouble in HARMS else "warning"),)
    if None in names:
        yield ((f"nothing there: {', '.join(names[None])}", "dim"),)


def of_size(view: View, subject: Size) -> Iterator[Paragraph]:
    """A size: what holds, where from, and how far it goes."""
    yield ((f"{subject.key} {subject.effective} MiB ", "strong"), (whence(view, subject), "dim"))
    low, high = subject.limits
    yield ((f"{subject.about}. Typed, it may be {low} to {high} MiB, which is all that xl's reader takes.", ""),)
    yield ((f"Where the config does not say it, {subject.default} MiB holds.", "dim"),)


def whence(view: View, size: Size) -> str:
    """Whose value a size is: the plan's, the file's, or nobody's."""
    guest = view.in_file
    if guest is None:
        return "planned; there is no file yet" if size.said is not None else "not said: xl's default"
    said: int | None = getattr(guest, size.key)
    file = f"{said} MiB" if said is not None else "nothing"
    if size.said == said:
        return "as the file says" if said is not None else "the file says nothing"
    return f"planned; the file says {file}" if size.said is not None else f"planned: not said; the file says {file}"
