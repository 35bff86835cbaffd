"""GRP: devices that the IOMMU cannot keep apart, and hosts without one that works."""

from __future__ import annotations

from collections.abc import Iterator

from planner.pci.groups import differences
from planner.pci.isolation import Bond, Tie, bonds
from planner.pci.requesters import USES_FUNCTION_1, phantoms, requesters
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule, host_rule
from planner.policy.owners import Owners, Split
from planner.xen.build import Build


@host_rule(
    Rule(
        "GRP401",
        "Devices behind one bridge to conventional PCI have different owners",
        Severity.ERROR,
        by="nobody",
        why="Their requests carry the bridge's id, so the IOMMU cannot tell them apart: one guest's device reaches the "
        "other guest's memory, or loses its own.",
        remedy="Give them all to one guest, or move a card to another slot.",
        source="docs/misc/vtd.txt, Caveat on Conventional PCI; that nothing refuses it is inferred",
    )
)
def one_requester(context: Context, rule: Rule) -> Iterator[Finding]:
    """Devices that share a requester id, split between owners."""
    owners = Owners(context.plan)
    for bond in bonds(context.plan.host):
        if bond.tie is Tie.REQUESTER:
            for split in owners.splits(bond.devices):
                yield _told(context, rule, bond, split)


@host_rule(
    Rule(
        "GRP402",
        "Devices that can reach each other past the IOMMU have different owners",
        Severity.WARNING,
        by="nobody",
        why="Without Access Control Services a port may pass a request straight to another device. xl does not look.",
        remedy="Give them all to one guest, or use a slot of its own; on a board with the setting, switch ACS on.",
        source="Linux: drivers/iommu/iommu.c (the rule for groups); Xen: xc_get_device_group is called by nobody",
    )
)
def no_acs(context: Context, rule: Rule) -> Iterator[Finding]:
    """IOMMU groups over several slots, split between owners; the kernel's where known, else from ACS."""
    owners = Owners(context.plan)
    for bond in bonds(context.plan.host):
        if bond.tie is Tie.ACS or (bond.tie is Tie.IOMMU_GROUP and not _one_slot(bond)):
            yield from _apart(context, rule, bond, owners)


@host_rule(
    Rule(
        "GRP403",
        "Functions of one card have different owners",
        Severity.WARNING,
        by="nobody",
        why="Functions without Access Control Services may reach each other inside the card, past the IOMMU.",
        remedy="Give the whole slot to one guest.",
        source="Linux: drivers/iommu/iommu.c; PCI Express Base Specification, 6.12.1.2",
    )
)
def functions_split(context: Context, rule: Rule) -> Iterator[Finding]:
    """Functions of one slot in one group, split between owners."""
    owners = Owners(context.plan)
    for bond in bonds(context.plan.host):
        if bond.tie is Tie.FUNCTIONS or (bond.tie is Tie.IOMMU_GROUP and _one_slot(bond)):
            yield from _apart(context, rule, bond, owners)


@host_rule(
    Rule(
        "GRP404",
        "A device sends requests under another function's id",
        Severity.WARNING,
        by="device",
        why="Xen maps phantom functions along with their device; a real function at that address needs the same owner. "
        "An id that Xen does not know of has no mapping, and the device's DMA fails.",
        remedy="Declare the device with pci-phantom= on Xen's command line, and leave that function to the same guest.",
        source="pt/pci.c (phantom functions); Linux: quirk_dma_func1_alias; not run on a real Xen",
    )
)
def phantom(context: Context, rule: Rule) -> Iterator[Finding]:
    """Devices with phantom functions whose addresses another owner has, or that Xen is not told of."""
    plan, owners = context.plan, Owners(context.plan)
    for address, guests in sorted(owners.by_device.items()):
        device = plan.host.by_address.get(address)
        ghosts = [other for other in requesters(plan.host, address)[1:] if other.slot == address.slot]
        for split in owners.splits((address, *ghosts)) if ghosts else ():
            if split.mine[0] == address:
                message = f"{address.short} sends requests as {split.words} too"
                yield context.finding(rule, split.guest, message, device=address)
        told = phantoms(plan.host, address) or not plan.host.xen_command_line
        if device is not None and device.id in USES_FUNCTION_1 and not told:
            line = f"pci-phantom={str(address)[:-2]},1"
            message = f"{address.short} is known to send requests as function 1, and Xen's command line does not say so"
            for guest in guests:
                yield context.finding(rule, guest, message, device=address, help=f"add {line} to Xen's command line")


@guest_rule(
    Rule(
        "GRP405",
        "No working IOMMU",
        Severity.ERROR,
        by="libxl",
        why="Without an IOMMU a device's DMA cannot be confined to its guest, so Xen passes none through.",
        remedy="Switch VT-d or AMD-Vi on in the firmware; if Xen refuses the firmware's table, update the firmware.",
        source="libxl_create.c:1163, vtd/dmar.c",
    )
)
def no_iommu(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices on a host whose IOMMU is off, or whose table Xen refuses."""
    if build.error == "passthrough not supported on this platform":
        cause = f" (Xen at boot: {context.iommu.error})" if context.iommu.error else ""
        yield context.finding(
            rule,
            build.guest,
            f"the host has no working IOMMU{cause}",
            xen_says="passthrough not supported on this platform",
            keys=("pci",),
        )


@host_rule(
    Rule(
        "GRP406",
        "Interrupts are not remapped",
        Severity.WARNING,
        by="nobody",
        why="A guest with a device can forge interrupts: a write to the interrupt's address is not checked.",
        remedy="Switch x2APIC and interrupt remapping on in the firmware, and leave iommu=no-intremap out.",
        source="docs/misc/xen-command-line (iommu=intremap)",
    )
)
def no_interrupt_remapping(context: Context, rule: Rule) -> Iterator[Finding]:
    """Hosts known to be without interrupt remapping, if a guest has a device."""
    plan = context.plan
    having = [guest.name for guest in plan.guests if guest.pci]
    if plan.host.interrupt_remapping is False and having and context.iommu.enabled:
        guests = ", ".join(having[:4]) + (f" and {len(having) - 4} more" if len(having) > 4 else "")
        yield context.host_finding(rule, f"the IOMMU does not check interrupts, and {guests} could forge them")


@host_rule(
    Rule(
        "GRP407",
        "A device without MSI shares its interrupt line with another owner's",
        Severity.WARNING,
        by="nobody",
        why="A guest that does not answer its interrupt blocks the line for the others. Xen gives no support for it.",
        remedy="Give both to one guest, or move the card to a slot with a line of its own.",
        source="SUPPORT.md (devices that share an interrupt line)",
    )
)
def shared_line(context: Context, rule: Rule) -> Iterator[Finding]:
    """Devices that have neither MSI nor MSI-X, on a line of another owner's device."""
    plan, owners = context.plan, Owners(context.plan)
    for address in sorted(owners.by_device):
        device = plan.host.by_address.get(address)
        if device is None or device.irq in (None, 0, 255) or (device.msi, device.msix) != (0, 0):
            continue
        line = [other.address for other in plan.host.devices if other.irq == device.irq and not other.is_bridge]
        for split in owners.splits((address, *(other for other in line if other != address))):
            if split.mine[0] == address:
                message = f"{address.short} has no MSI, and its interrupt line {device.irq} is {split.words}'s too"
                yield context.finding(rule, split.guest, message, device=address)


@host_rule(
    Rule(
        "GRP408",
        "The kernel groups devices otherwise than their own facts do",
        Severity.NOTICE,
        by="nobody",
        why="A kernel may know a quirk, or trust a port that does not isolate (pcie_acs_override=, old kernels).",
        remedy="Nothing, where the kernel is right; else treat the devices as the stricter of the two does.",
        source="Linux: drivers/iommu/iommu.c, pci_device_group",
    )
)
def groups_differ(context: Context, rule: Rule) -> Iterator[Finding]:
    """Differences between the kernel's IOMMU groups and those that ports, ACS and bridges make."""
    for difference in differences(context.plan.host):
        yield context.host_finding(rule, difference.words)


def _one_slot(bond: Bond) -> bool:
    return len({address.slot for address in bond.devices}) == 1


def _apart(context: Context, rule: Rule, bond: Bond, owners: Owners) -> Iterator[Finding]:
    """A warning between guests; a notice where only dom0 has the others, which many hosts live with."""
    for split in owners.splits(bond.devices):
        severity = Severity.NOTICE if split.only_dom0 else None
        yield _told(context, rule, bond, split, severity)


def _told(context: Context, rule: Rule, bond: Bond, split: Split, severity: Severity | None = None) -> Finding:
    names = ", ".join(address.short for address in split.mine[:3]) + (" and more" if len(split.mine) > 3 else "")
    message = f"{names} and {split.words}: they {bond.reason}"
    return context.finding(rule, split.guest, message, device=split.mine[0], severity=severity)
