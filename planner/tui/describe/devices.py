"""What there is to say about a device, an isolation unit, a reserved region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.host import PciDevice
from planner.model.span import format_size
from planner.pci import names
from planner.pci.isolation import Tie, Unit
from planner.policy.assignable import why_blocked
from planner.policy.findings import Finding
from planner.report.words import GLYPHS
from planner.tui.text import Paragraph
from planner.tui.view import Heading, View
from planner.xen.build import Build, hotplug
from planner.xen.rdm import Rdm

_TIES = {
    Tie.REGION: "Two owners of one region could read and change each other's memory. Which shares which:",
    Tie.REQUESTER: "The IOMMU sees one sender: they must have one owner.",
    Tie.IOMMU_GROUP: "The IOMMU cannot keep them apart: one owner should have all of them.",
    Tie.ACS: "They may reach each other without passing the IOMMU: one owner should have all of them.",
    Tie.FUNCTIONS: "They may reach each other without passing the IOMMU: one owner should have all of them.",
    Tie.PAGE: "Xen maps whole pages, so who has one device reaches registers of the others.",
    Tie.RESET: "Resetting one resets them all: one owner should have all of them.",
    Tie.ISOLATED: "Nothing ties them to another device.",
    Tie.SLOT: "Functions of one slot. Whether they are isolated from each other is not known.",
}


def of_device(view: View, address: Sbdf, *, full: bool = False) -> Iterator[Paragraph]:
    """A device: why it is blocked, whose it is, what goes with it, its regions, what it is. `full` shortens no list."""
    device = view.inventory.device(address)
    if device is None:
        yield ((f"{address} is not in the host's inventory", "warning"),)
        return
    yield (
        (f"{address.short} {names.class_word(device)} ", "strong"),
        (names.full_name(device), ""),
        (f" · {_holder(view, device)}" if view.item(address) is None else "", "dim"),
    )
    plan, iommu = view.snapshot.plan, view.snapshot.report.iommu
    blocked = why_blocked(plan, iommu, address, full=True) if full else view.blocked(address)
    if blocked:
        yield (("✖ blocked: ", "error"), (blocked, "error"))
    yield from _owned(view, address, blocked is not None)
    unit = view.inventory.unit_of[address]
    mates = [other.short for other in unit.devices if other != address]
    if mates:
        yield (("with ", "dim"), (_some(mates, len(mates) if full else 8), ""), (f": they {unit.reason}", "dim"))
    for rdm in view.regions(address):
        shared = f", shared: {_entries(view, rdm)}" if rdm.is_shared else ""
        yield ((f"{_region(rdm)} ", "reserved"), (f"{format_size(rdm.span.size)}{shared}", ""))
    yield from _facts(device)
    for found in view.findings:
        if found.device == address:
            yield ((f"{GLYPHS[found.standing]} {found.rule.id} ", found.standing), (found.message, ""))


def _owned(view: View, address: Sbdf, is_blocked: bool) -> Iterator[Paragraph]:
    """Who has the device, is to have it later, or would lose it."""
    guest, item = view.current, view.item(address)
    others, use = view.others(address), view.use(address)
    if guest is not None and item is not None:
        said = ", as chosen" if item.policy is not None else " by default"
        matters = item.policy is not None or view.regions(address)
        policy = f", rdm_policy {_effective(view, address)}{said}" if matters else ""
        taken = f", taken from dom0 ({use})" if use else ""
        yield ((f"{guest.name} has it as {item.label}{policy}", "here"), (taken, ""))
    if address in view.candidates and view.build is not None and not is_blocked:
        yield from _hotplug(view, view.build, address)
    if use and item is None and not others and not is_blocked:
        yield ((f"▲ dom0 uses it ({use}): giving it away takes it from dom0", "warning"),)
    if others:
        word = f"also in {', '.join(others)}" if item is not None else f"belongs to {', '.join(others)}"
        yield ((f"▲ {word}" + ("" if item is not None else ": release it there first"), "away"),)


def _hotplug(view: View, build: Build, address: Sbdf) -> Iterator[Paragraph]:
    """What `xl pci-attach` of the device would meet."""
    answer = hotplug(build, address)
    first = ", once xl pci-assignable-add has taken it from dom0" if view.use(address) else ""
    if view.others(address):
        yield (("hotplug: ", "accent"), (f"xl pci-attach fails while {', '.join(view.others(address))} runs", "error"))
    elif answer.ok:
        yield (("hotplug: ", "accent"), (f"xl pci-attach would work{first}", "ok"))
    else:
        yield (("hotplug: ", "accent"), (f"xl pci-attach would fail: {answer.error}", "error"))
    for step in answer.steps:
        yield (("  · ", "accent"), (step.text, ""), (f" ({step.rule})", "dim"))


def of_unit(view: View, unit: Unit) -> Iterator[Paragraph]:
    """The devices that belong together, and why; for regions which of them share which."""
    devices = [device for one in unit.devices if (device := view.inventory.device(one)) is not None]
    chipset = sum(names.is_chipset(device) for device in devices)
    parts = f", {chipset} of them bridges or chipset" if chipset else ""
    yield ((f"{len(unit.devices)} devices ", "strong"), (unit.reason + parts, ""))
    yield ((_TIES[unit.tie], "dim"),)
    if unit.tie is Tie.REGION:
        mine = {reach: regions for reach, regions in view.reach.items() if len(reach) > 1 and reach[0] in unit.devices}
        for reach, regions in mine.items():
            whole = set(unit.devices).issubset(reach)
            who = "all of them" if whole else ", ".join(_called(view, one) for one in reach)
            yield ((f"{', '.join(_region(rdm) for rdm in regions)}: ", "reserved"), (who, ""))
        yield (("I: the host's regions, and who reaches each", "dim"),)
    yield from _listed(view, unit.devices)


def of_heading(view: View, heading: Heading) -> Iterator[Paragraph]:
    """A line of a list that stands for no single thing."""
    yield ((heading.title, "strong"), (f": {heading.text}" if heading.text else "", ""))
    yield from _listed(view, heading.devices)


def _listed(view: View, devices: Iterable[Sbdf]) -> Iterator[Paragraph]:
    """A line for each device, those that matter most first."""
    for address in view.by_use(devices):
        device = view.inventory.device(address)
        if device is None:
            yield ((f"{address.short} ", "strong"), ("named by the table, not in the host's listing", "dim"))
            continue
        name = f"{names.class_word(device)} {names.full_name(device)}"
        yield ((f"{address.short} ", "strong"), (name, ""), (f" · {_holder(view, device)}", "dim"))


def _called(view: View, address: Sbdf) -> str:
    return address.short if view.inventory.device(address) is not None else f"{address.short} (absent)"


def _region(rdm: Rdm) -> str:
    return f"{rdm.declared.kind.upper()} {rdm.span}"


def _entries(view: View, rdm: Rdm) -> str:
    """What Xen counts as sharers, and what of that is there."""
    words = "1 scope entry" if rdm.entries == 1 else f"{rdm.entries} scope entries"
    absent = sum(view.inventory.device(one) is None for one in set(rdm.devices))
    return f"{words}, {absent} of a device that is not there" if absent else words


def _holder(view: View, device: PciDevice) -> str:
    """Who has it, in full; "free" is what a guest may have and nobody would miss."""
    if guests := view.guests_of(device.address):
        return ", ".join(guests)
    if view.owner(device.address) == "dom0":
        return f"dom0 ({device.driver})"
    if view.is_free(device.address):
        return "free"
    return "part of the machine" if names.is_chipset(device) else "nobody's"


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
        yield ((f"▲ shared: {_entries(view, rdm)}. Whoever has one of its devices can reach all of it.", "warning"),)
    reach = next((reach for reach, regions in view.reach.items() if rdm in regions), ())
    if owners := view.owners_of(reach):
        yield (("reached by ", "dim"), (", ".join(owners), "here"))
    yield from _problems(view.about(rdm.span))
    yield from _listed(view, reach)


def _problems(findings: Iterable[Finding]) -> Iterator[Paragraph]:
    for found in findings:
        guest = f"{found.guest}: " if found.guest is not None else ""
        yield ((f"{GLYPHS[found.standing]} {found.rule.id} ", found.standing), (f"{guest}{found.message}", ""))


def _some(words: list[str], limit: int) -> str:
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
