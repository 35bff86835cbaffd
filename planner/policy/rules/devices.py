"""PCI and BAR: facts about devices that are given away, and devices given away twice."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.span import format_size
from planner.pci.identity import differs, find, pin
from planner.pci.isolation import ResetScope, Tie, bonds, reset_scope
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule, host_rule
from planner.policy.owners import Owners
from planner.policy.rules.assigned import assigned
from planner.xen import boot_options
from planner.xen.build import Build, not_assignable


@guest_rule(
    Rule(
        "PCI501",
        "A bridge cannot be given away",
        Severity.ERROR,
        by="Xen",
        why="A bridge is part of the machine, or other devices stand behind it. Xen refuses a host bridge and makes "
        "nothing of the others.",
        remedy="Take it out of pci=; give the device behind the bridge, if that was meant.",
        source="vtd/iommu.c: domain_context_mapping",
    )
)
def bridge(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices of class 06 in a guest's list."""
    for device in assigned(context, build):
        if device.is_bridge:
            message = f"{device.address.short} is a bridge ({device.class_name or device.class_code or 'class 06'})"
            yield context.finding(rule, build.guest, message, device=device.address)


@guest_rule(
    Rule(
        "PCI512",
        "An IOMMU cannot be given away",
        Severity.ERROR,
        by="Xen",
        why="Xen drives the IOMMU. AMD's is a PCI function, which Xen makes read-only and takes away from dom0, so an "
        "assignment finds no such device.",
        remedy="Take it out of pci=.",
        source="amd/iommu_detect.c: pci_ro_device; read, not run",
    )
)
def iommu_itself(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Functions of class 0806 in a guest's list."""
    for device in assigned(context, build):
        if device.is_iommu:
            refused = next((one for one in build.attached if one.address == device.address and not one.ok), None)
            message = f"{device.address.short} is an IOMMU ({device.name or 'class 0806'}), which Xen itself drives"
            says = refused.error if refused is not None else None
            yield context.finding(rule, build.guest, message, device=device.address, xen_says=says, help=rule.remedy)


@guest_rule(
    Rule(
        "PCI502",
        "The host itself needs the device",
        Severity.ERROR,
        by="nobody",
        why="The host loses its disk, its network or its console when the guest starts; seize=1 does not ask.",
        remedy="Choose another device, or move the host off this one first; or write down a reason for its address.",
        source="xl-pci-configuration(5): seize",
    )
)
def needed_by_dom0(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices of which the inventory says what dom0 needs them for; a written reason for the address lets them go."""
    for device in assigned(context, build):
        if device.in_use:
            message = f"{device.address.short} is the host's {device.in_use}: giving it away cuts the host off"
            severity = Severity.WARNING if context.plan.reasons.get(str(device.address)) else None
            yield context.finding(rule, build.guest, message, device=device.address, severity=severity)


@guest_rule(
    Rule(
        "PCI503",
        "Nothing can reset the device",
        Severity.WARNING,
        by="libxl",
        why="libxl logs that the reset failed and goes on: what one guest left in the device meets the next.",
        remedy="Restart the host between two guests that use it, or keep it with one guest.",
        source="libxl_pci.c:1591; sysfs reset_method",
    )
)
def no_reset(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices known to have no way of reset."""
    for device in assigned(context, build):
        if reset_scope(device) is ResetScope.NONE:
            says = f"The kernel doesn't support reset from sysfs for PCI device {device.address}"
            message = f"{device.address.short} has no reset: what a guest leaves in it stays for the next one"
            yield context.finding(rule, build.guest, message, device=device.address, xen_says=says)


@host_rule(
    Rule(
        "PCI504",
        "Resetting a device resets another owner's",
        Severity.WARNING,
        by="nobody",
        why="The device can be reset only with its whole bus; the kernel refuses while another owner uses the bus.",
        remedy="Give all devices of the bus to one guest.",
        source="Linux: pci_reset_bus_function in drivers/pci/pci.c",
    )
)
def bus_reset(context: Context, rule: Rule) -> Iterator[Finding]:
    """Buses with a device that only a bus reset resets, split between owners."""
    known, owners = context.plan.host.by_address, Owners(context.plan)
    for bond in bonds(context.plan.host):
        for split in owners.splits(bond.devices) if bond.tie is Tie.RESET else ():
            only = [address for address in split.mine if reset_scope(known[address]) is ResetScope.BUS]
            if only:
                message = f"{only[0].short} can be reset only with its bus, which resets {split.words} too"
                yield context.finding(rule, split.guest, message, device=only[0])


@host_rule(
    Rule(
        "PCI505",
        "A physical function is given away while its virtual ones are",
        Severity.ERROR,
        by="nobody",
        why="Virtual functions live by the driver of their physical function: they vanish when dom0 lets go of it.",
        remedy="Keep the physical function in dom0, or give it away without virtual functions.",
        source="docs/misc/vtd.txt (SR-IOV)",
    )
)
def physical_function(context: Context, rule: Rule) -> Iterator[Finding]:
    """Physical functions of a guest whose virtual functions any guest has."""
    owners = Owners(context.plan).by_device
    virtual: dict[object, list[str]] = {}
    for device in context.plan.host.devices:
        if device.physfn in owners and device.address in owners:
            names = ", ".join(guest.name for guest in owners[device.address])
            virtual.setdefault(device.physfn, []).append(f"{device.address.short} in {names}")
    for address, guests in sorted(owners.items()):
        for guest in guests if address in virtual else ():
            lost = virtual[address]
            more = f" and {len(lost) - 4} more" if len(lost) > 4 else ""
            message = f"{address.short} takes its virtual functions with it: {', '.join(lost[:4])}{more}"
            yield context.finding(rule, guest, message, device=address)


@guest_rule(
    Rule(
        "PCI506",
        "A virtual function is taken for the processor's graphics",
        Severity.WARNING,
        by="libxl",
        why="libxl goes by vendor and class alone, so gfx_passthru may prepare a virtual function as it would the "
        "processor's primary graphics, which it is not.",
        remedy="gfx_passthru = 0.",
        source="libxl_dm.c (detection of Intel graphics); reported by users, not run here",
    )
)
def intel_display_vf(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Intel display functions that are virtual, in a guest with gfx_passthru."""
    for device in assigned(context, build) if build.guest.gfx_passthru else ():
        intel = (device.id or "").startswith("8086:") and (device.class_code or "").startswith("03")
        if intel and device.physfn is not None:
            message = f"{device.address.short} is a virtual function, and gfx_passthru may take it for primary graphics"
            yield context.finding(rule, build.guest, message, device=device.address, help="gfx_passthru = 0")


@guest_rule(
    Rule(
        "PCI507",
        "More interrupts than Xen sets aside for a guest",
        Severity.WARNING,
        by="nobody",
        why="A guest gets 32 interrupts for its devices unless told; without one for each queue an NVMe is slow.",
        remedy="extra_guest_irqs=N on Xen's command line.",
        source="docs/misc/xen-command-line (extra_guest_irqs); docs.xcp-ng.org/compute",
    )
)
def too_many_vectors(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Guests whose devices have more MSI-X (or MSI) vectors than Xen gives it."""
    vectors = {device.address: device.msix or device.msi or 0 for device in assigned(context, build)}
    line = context.plan.host.xen_command_line
    limit = boot_options.guest_irqs(line)
    total = sum(vectors.values())
    if total > limit:
        most = max(vectors, key=lambda address: vectors[address])
        given = (
            f"extra_guest_irqs gives {limit}"
            if "extra_guest_irqs=" in line
            else f"Xen gives a guest {limit} unless told"
        )
        message = f"its devices can use {total} interrupts ({most.short} alone {vectors[most]}), and {given}"
        help_ = f"extra_guest_irqs={total} on Xen's command line"
        yield context.finding(rule, build.guest, message, device=most, help=help_)


@guest_rule(
    Rule(
        "PCI508",
        "A device for two guests, or listed twice",
        Severity.ERROR,
        by="libxl",
        why="The first assignment takes the device off the list of assignable ones, and creation fails at the second.",
        remedy="Drop one of the two items; of guests that share a device, run one at a time.",
        source="libxl_pci.c:1677 and 1658, both seen on real runs",
    )
)
def listed_twice(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """The same address in two items of one guest; in two guests a warning, since they may take turns.

    What one guest is to get later (a hotplug candidate) counts with what the others start with.
    """
    addresses = [item.address for item in build.guest.pci if item.address is not None]
    for address in dict.fromkeys((*addresses, *context.plan.candidates.get(build.guest.name, ()))):
        if addresses.count(address) > 1:
            says = not_assignable(address)
            message = f"{address.short} is listed {addresses.count(address)} times"
            yield context.finding(rule, build.guest, message, device=address, xen_says=says)
        others = [guest.name for guest in context.plan.owners(address) if guest.name != build.guest.name]
        if others:
            named = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
            message = f"{address.short} is in {named} too: only one of them can have it at a time"
            says = f"PCI device {address} already assigned to a different guest?"
            yield context.finding(rule, build.guest, message, severity=Severity.WARNING, device=address, xen_says=says)


@guest_rule(
    Rule(
        "PCI511",
        "No slot for a device on the guest's bus",
        Severity.ERROR,
        by="QEMU",
        why="A guest's only PCI bus has 32 slots, emulated devices first. QEMU gives no slot twice; xl then ends the "
        "guest before it runs.",
        remedy="Drop the slot (@SLOT) or choose one that is free; with too many devices, give some to another guest.",
        source="QEMU hw/pci/pci.c (do_pci_register_device); a taken slot was seen on a real run",
    )
)
def no_slot(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices for which QEMU has no place: one finding for each slot that is taken, and one for all that find none."""
    refused = [attach for attach in build.attached if attach.error is not None and attach.error.startswith("PCI: ")]
    slots = {item.address: item.vslot for item in build.guest.pci}
    late = [attach for attach in refused if not slots.get(attach.address)]
    for attach in refused:
        slot = slots.get(attach.address)
        if slot:
            message = f"{attach.address.short} asks for slot {slot}, which {build.names.get(slot << 3, 'another')} has"
            yield context.finding(rule, build.guest, message, device=attach.address, xen_says=attach.error)
    if late:
        more = f" and {len(late) - 1} more" if len(late) > 1 else ""
        message = f"{late[0].address.short}{more}: all 32 slots of the guest's bus are taken"
        yield context.finding(rule, build.guest, message, device=late[0].address, xen_says=late[0].error)


@guest_rule(
    Rule(
        "PCI509",
        "Another device than the one that was meant",
        Severity.ERROR,
        by="nobody",
        why="A new card, another slot or new firmware renumbers buses, and xl goes by the number alone.",
        remedy="Write the device's new address into the config, or pin the device that is there now.",
        source="addresses are given out at boot; a device is known by its ids and its way from the root",
    )
)
def another_device(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices that are not in the listing, or whose ids, board or path are not what the plan has pinned."""
    host = context.plan.host
    later = context.plan.candidates.get(build.guest.name, ())
    for address in (*(item.address for item in build.guest.pci), *later):
        if address is None or (not host.devices and address not in context.plan.pins):
            continue
        wanted = context.plan.pins.get(address)
        if not host.knows(address):
            problem = f"{address.short} is not there"
        elif wanted is not None and (difference := differs(wanted, pin(host, address))) is not None:
            problem = f"{address.short} is another device than the one that is pinned: {difference}"
        else:
            continue
        found = find(host, wanted) if wanted is not None and wanted.id else ()
        now = f"; the pinned one is now at {', '.join(other.short for other in found[:4])}" if found else ""
        help_ = f"write {found[0]} instead" if len(found) == 1 else None
        yield context.finding(rule, build.guest, problem + now, device=address, help=help_)


@guest_rule(
    Rule(
        "PCI510",
        "Devices on several NUMA nodes",
        Severity.NOTICE,
        by="nobody",
        why="Wherever the guest's processors are, part of its devices' memory traffic crosses between the sockets.",
        remedy="Choose devices of one node, and let the guest's vCPUs run there (cpus=).",
        source="the devices' numa_node",
    )
)
def several_nodes(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Guests with devices of two NUMA nodes or more."""
    nodes: dict[int, list[str]] = {}
    for device in assigned(context, build):
        if device.numa_node is not None and device.numa_node >= 0:
            nodes.setdefault(device.numa_node, []).append(device.address.short)
    if len(nodes) > 1:
        named = "; ".join(f"node {node}: {', '.join(names[:4])}" for node, names in sorted(nodes.items()))
        yield context.finding(rule, build.guest, f"its devices are on {len(nodes)} NUMA nodes ({named})", keys=("pci",))


@guest_rule(
    Rule(
        "BAR305",
        "A BAR that could be larger",
        Severity.WARNING,
        by="device",
        why="The guest sees the size that the host's firmware chose and cannot change it; drivers may expect another.",
        remedy="Choose the size in the host's firmware (Resizable BAR, Above 4G Decoding) before the guest starts.",
        source="PCI Express Base Specification (Resizable BAR); users report that resizing in a guest fails",
    )
)
def resizable_bar(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """BARs that are smaller than the largest size they can have."""
    for device in assigned(context, build):
        sizes = {bar.index: bar.size for bar in device.bars}
        for entry in device.resizable:
            now, most = sizes.get(entry.index), max(entry.sizes, default=0)
            if now is not None and now < most:
                message = (
                    f"BAR {entry.index} of {device.address.short} is {format_size(now)} and could be "
                    f"{format_size(most)}; the guest cannot change that"
                )
                yield context.finding(rule, build.guest, message, device=device.address)


@host_rule(
    Rule(
        "BAR307",
        "BARs of different owners in one page",
        Severity.WARNING,
        by="nobody",
        why="Xen maps whole pages, so a guest reaches the registers of the other owner's device. There is no support "
        "for it.",
        remedy="Give both to one guest, or let the host's firmware align BARs to pages (pci=resource_alignment=).",
        source="SUPPORT.md (devices that share a page)",
    )
)
def shared_page(context: Context, rule: Rule) -> Iterator[Finding]:
    """Small memory BARs in one 4 KiB page, split between owners."""
    owners = Owners(context.plan)
    for bond in bonds(context.plan.host):
        for split in owners.splits(bond.devices) if bond.tie is Tie.PAGE else ():
            message = f"{split.mine[0].short} and {split.words}: they {bond.reason}"
            yield context.finding(rule, split.guest, message, device=split.mine[0])
