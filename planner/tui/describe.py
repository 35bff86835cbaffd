"""What there is to say about a device, a range of the map or a finding, most important first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.model.address import Sbdf
from planner.model.guest import Guest, RdmPolicy
from planner.model.host import PciDevice
from planner.model.span import format_size
from planner.pci import names
from planner.pci.isolation import Tie, Unit
from planner.policy.findings import Finding
from planner.report.words import GLYPHS, plural
from planner.tui.bands import DISPLACED, LOST, Band
from planner.tui.text import Paragraph
from planner.tui.view import Subject, View
from planner.xen.build import Build
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
_TIES = {
    Tie.REGION: "Each of them can reach the same reserved memory: two owners could read and change each other's.",
    Tie.REQUESTER: "The IOMMU sees one sender: they must have one owner.",
    Tie.IOMMU_GROUP: "The IOMMU cannot keep them apart: one owner should have all of them.",
    Tie.ACS: "They may reach each other without passing the IOMMU: one owner should have all of them.",
    Tie.FUNCTIONS: "They may reach each other without passing the IOMMU: one owner should have all of them.",
    Tie.PAGE: "Xen maps whole pages, so who has one device reaches registers of the others.",
    Tie.RESET: "Resetting one resets them all: one owner should have all of them.",
    Tie.ISOLATED: "Nothing ties them to another device.",
    Tie.SLOT: "Functions of one slot. Whether they are isolated from each other is not known.",
}
_QEMU = {
    LOST: "✖ Guest RAM that QEMU does not know: emulated disks and network cards silently lose what they move here.",
    DISPLACED: "✖ Guest RAM under QEMU's video RAM: it reads all ones and drops writes.",
}


def describe(view: View, subject: Subject) -> Iterator[Paragraph]:
    """Paragraphs about `subject`."""
    if isinstance(subject, Sbdf):
        return _device(view, subject)
    if isinstance(subject, Unit):
        return _unit(view, subject)
    if isinstance(subject, Band):
        return _band(view, subject)
    if isinstance(subject, Finding):
        return finding(subject)
    return iter([(("Nothing is chosen.", "dim"),)])


def _device(view: View, address: Sbdf) -> Iterator[Paragraph]:
    device = view.inventory.device(address)
    if device is None:
        yield ((f"{address} is not in the host's inventory", "warning"),)
        return
    yield (
        (f"{address.short} {names.class_word(device)} ", "strong"),
        (names.full_name(device), ""),
        (f" · {_holder(view, device)}", "dim"),
    )
    blocked = view.blocked(address)
    if blocked:
        yield (("✖ blocked: ", "error"), (blocked, "error"))
    guest, item = view.current, view.item(address)
    if guest is not None and item is not None:
        policy = _effective(view, address)
        said = "said for the device" if item.policy is not None else "not said for the device"
        yield ((f"{guest.name} has it as {item.label}; rdm_policy {policy} ({said})", "here"),)
    others = view.others(address)
    if others:
        yield ((f"▲ belongs to {', '.join(others)}: release it there first", "away"),)
    unit = view.inventory.unit_of[address]
    mates = [other.short for other in unit.devices if other != address]
    if mates:
        yield (("with ", "dim"), (_some(mates), ""), (f": they {unit.reason}", "dim"))
    for rdm in view.regions(address):
        kind = rdm.declared.kind.upper()
        shared = f", shared: {plural(rdm.entries, 'scope entry').replace('entrys', 'entries')}" if rdm.is_shared else ""
        yield ((f"{kind} {rdm.span} ", "reserved"), (f"{format_size(rdm.span.size)}{shared}", ""))
    yield from _facts(device)
    for found in view.findings:
        if found.device == address:
            yield ((f"{GLYPHS[found.severity]} {found.rule.id} ", found.severity), (found.message, ""))


def _unit(view: View, unit: Unit) -> Iterator[Paragraph]:
    yield ((f"{len(unit.devices)} devices ", "strong"), (unit.reason, ""))
    yield ((_TIES[unit.tie], "dim"),)
    for address in unit.devices:
        device = view.inventory.device(address)
        if device is not None:
            name = f"{names.class_word(device)} {names.full_name(device)}"
            yield ((f"{address.short} ", "strong"), (name, ""), (f" · {_holder(view, device)}", "dim"))


def _holder(view: View, device: PciDevice) -> str:
    owner = view.owner(device.address)
    if owner == "dom0" and device.driver is not None:
        return f"dom0 ({device.driver})"
    return "free" if owner == "-" else owner


def _effective(view: View, address: Sbdf) -> str:
    build = view.build
    found = build.domain.devices if build is not None else ()
    policy = next((one.policy for one in found if one.address == address), None)
    return RdmPolicy.STRICT if policy in (None, RdmPolicy.INVALID) else str(policy)


def _facts(device: PciDevice) -> Iterator[Paragraph]:
    facts = [f"id {device.id}" if device.id else "", f"revision {device.revision}" if device.revision else ""]
    facts += [f"driver {device.driver}" if device.driver else "no driver"]
    facts += [f"IOMMU group {device.iommu_group}" if device.iommu_group is not None else ""]
    facts += [f"NUMA node {device.numa_node}" if device.numa_node is not None else ""]
    facts += [f"virtual function of {device.physfn.short}" if device.physfn is not None else ""]
    if device.resets is not None:
        facts.append(f"reset by {', '.join(device.resets)}" if device.resets else "cannot be reset")
    yield ((" · ".join(fact for fact in facts if fact), "dim"),)
    bars = [
        f"{'ROM' if bar.kind == 'rom' else f'BAR {bar.index} {bar.kind}'} {format_size(bar.size)}"
        for bar in device.bars
    ]
    if bars:
        yield ((" · ".join(bars), "dim"),)


def _band(view: View, band: Band) -> Iterator[Paragraph]:
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
        for stage, step in _steps(view.build, band):
            yield ((f"{stage}: ", "accent"), (step.text, ""), (f" ({step.rule})", "dim"))
            if step.log:
                yield ((f'  logs "{step.log}"', "warning" if step.level == "warning" else "error"),)


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


def finding(found: Finding) -> Iterator[Paragraph]:
    """Paragraphs about a finding."""
    yield ((f"{GLYPHS[found.severity]} {found.rule.id} ", found.severity), (found.rule.title, "strong"))
    yield ((found.message, ""),)
    if found.help:
        yield (("do: ", "ok"), (found.help, ""))
    if found.xen_says:
        yield ((f"{found.rule.by} logs ", "dim"), (f'"{found.xen_says}"', "warning"))
    if found.file is not None:
        place = f":{found.place.line}:{found.place.column}" if found.place is not None else ""
        yield ((f"at {found.file}{place}", "dim"),)
    yield ((found.rule.why, ""),)
    yield (("remedy: ", "ok"), (found.rule.remedy, ""))
    yield (("source: ", "dim"), (found.rule.source, "dim"))


def title(guest: Guest | None) -> str:
    """A map's title: the guest and its memory."""
    if guest is None:
        return "Memory map"
    size = guest.maxmem or guest.memory
    return f"{guest.name} · {format_size(size << 20)}" if size else guest.name


def _some(words: list[str], limit: int = 8) -> str:
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
