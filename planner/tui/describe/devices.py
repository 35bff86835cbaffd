"""What there is to say about a device, an isolation unit, a reserved region."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.host import PciDevice
from planner.model.span import format_size
from planner.pci import names
from planner.pci.isolation import Tie, Unit
from planner.report.words import GLYPHS, plural
from planner.tui.text import Paragraph
from planner.tui.view import View
from planner.xen.build import Build, hotplug
from planner.xen.rdm import Rdm

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


def of_device(view: View, address: Sbdf) -> Iterator[Paragraph]:
    """A device: why it is blocked, whose it is, what goes with it, its regions, what it is."""
    device = view.inventory.device(address)
    if device is None:
        yield ((f"{address} is not in the host's inventory", "warning"),)
        return
    guest, item = view.current, view.item(address)
    yield (
        (f"{address.short} {names.class_word(device)} ", "strong"),
        (names.full_name(device), ""),
        (f" · {_holder(view, device)}" if item is None else "", "dim"),
    )
    blocked = view.blocked(address)
    if blocked:
        yield (("✖ blocked: ", "error"), (blocked, "error"))
    if guest is not None and item is not None:
        said = "said for the device" if item.policy is not None else "by default"
        yield ((f"{guest.name} has it as {item.label}, rdm_policy {_effective(view, address)} {said}", "here"),)
    if address in view.candidates and view.build is not None:
        yield from _hotplug(view.build, address)
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


def _hotplug(build: Build, address: Sbdf) -> Iterator[Paragraph]:
    """What `xl pci-attach` of the device would meet."""
    answer = hotplug(build, address)
    yield (
        ("hotplug: ", "accent"),
        ("xl pci-attach would work", "ok") if answer.ok else (f"xl pci-attach would fail: {answer.error}", "error"),
    )
    for step in answer.steps:
        yield (("  · ", "accent"), (step.text, ""), (f" ({step.rule})", "dim"))


def of_unit(view: View, unit: Unit) -> Iterator[Paragraph]:
    """The devices that belong together, and why."""
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
    board = device.subsystem_name or device.subsystem
    facts += [f"board {board}" if board else ""]
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


def of_region(view: View, rdm: Rdm) -> Iterator[Paragraph]:
    """A region as Xen lists it: how far, whose, and what that means."""
    kind = rdm.declared.kind.upper()
    yield ((f"{kind} {rdm.span} ", "strong"), (format_size(rdm.span.size), "reserved"))
    if rdm.span != rdm.declared.span:
        yield ((f"declared as {rdm.declared.span}: Xen takes whole pages", "dim"),)
    if rdm.is_shared:
        words = plural(rdm.entries, "scope entry").replace("entrys", "entries")
        yield ((f"▲ shared: {words}. Whoever has one of its devices can reach all of it.", "warning"),)
    for address in rdm.devices:
        found = view.inventory.device(address)
        name = names.full_name(found) if found is not None else "not in the host's listing"
        yield ((f"{address.short} ", "strong"), (name, ""), (f" · {view.owner(address)}", "dim"))
    owners = [owner for address in rdm.devices if (owner := view.owner(address)) not in ("-", "dom0")]
    if owners:
        yield (("reached by ", "dim"), (", ".join(dict.fromkeys(owners)), "here"))


def _some(words: list[str], limit: int = 8) -> str:
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
