"""RDM, seen from the devices: what a scope covers beyond what Xen takes it to cover."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.host import RegionKind, ScopeKind
from planner.model.span import format_size
from planner.pci.topology import conventional_bridge_above, path_to_root
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule, host_rule
from planner.policy.owners import Owners, Split
from planner.policy.rules.assigned import assigned
from planner.xen.build import Build
from planner.xen.hypervisor import CONVENTIONAL_RULE
from planner.xen.rdm import Rdm

_USB, _DISPLAY = "0c03", "03"


@guest_rule(
    Rule(
        "RDM114",
        "A region names the bridge above the device",
        Severity.WARNING,
        by="nobody",
        why="A scope of type bridge means everything below it, as Linux reads it; Xen gives the region to the bridge "
        "alone, so the device's DMA there may fail.",
        remedy="Try the device before relying on it; rmrr= on Xen's command line can name it.",
        source="vtd/dmar.c (only listed functions); Linux e143fd4598",
    )
)
def below_a_bridge(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices behind a bridge that a region's scope names as such."""
    host = context.plan.host
    named = [
        (scope.device, rdm)
        for rdm in context.iommu.regions
        for scope in rdm.declared.scopes
        if scope.kind is ScopeKind.BRIDGE and scope.device is not None
    ]
    for device in assigned(context, build) if named else ():
        above = path_to_root(host, device.address)
        found = [(bridge, rdm) for bridge, rdm in named if bridge in above and not rdm.covers(device.address)]
        if found:
            bridge, rdm = found[0]
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            message = (
                f"{device.address.short} is behind {bridge.short}, for which {_name(rdm)}{more} is reserved; "
                "Xen does not give the region to it"
            )
            yield context.finding(rule, build.guest, message, device=device.address, region=rdm.span)


@guest_rule(
    Rule(
        "RDM115",
        "A conventional device behind a bridge has a reserved region",
        Severity.ERROR,
        by="Xen",
        why="The bridge speaks for the device, and VT-d does not hand over a bridge's mapping once a region is in it.",
        remedy="Choose another device; for a card, a slot that is not behind a bridge to conventional PCI.",
        source="vtd/iommu.c:1800-1802 (domain_context_mapping); seen on real runs",
    )
)
def behind_conventional_bridge(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices whose attach Xen refuses with -EOPNOTSUPP."""
    for attach in build.attached:
        if any(step.rule == CONVENTIONAL_RULE for step in attach.steps):
            bridge = conventional_bridge_above(context.plan.host.by_address, attach.address)
            where = f" behind the bridge {bridge.short}" if bridge is not None else ""
            message = f"{attach.address.short} is a conventional device{where} and has a reserved region: Xen keeps it"
            yield context.finding(rule, build.guest, message, device=attach.address, xen_says=attach.error)


@host_rule(
    Rule(
        "RDM117",
        "Devices of one IVMD are in different guests",
        Severity.WARNING,
        by="nobody",
        why="Both guests can reach the region. Xen refuses to share an RMRR; for AMD's regions it has no such test.",
        remedy="Give the devices to one guest, or choose devices that no IVMD names.",
        source="amd/pci_amd_iommu.c (amd_iommu_assign_device only maps)",
    )
)
def ivmd_split(context: Context, rule: Rule) -> Iterator[Finding]:
    """IVMDs whose devices two guests have; one finding a guest, whatever the number of regions."""
    owners = Owners(context.plan)
    told: dict[str, list[Rdm]] = {}
    first: dict[str, Split] = {}
    for rdm in context.iommu.regions:
        if rdm.declared.kind is not RegionKind.IVMD:
            continue
        for split in owners.splits([address for address in sorted(owners.by_device) if rdm.covers(address)]):
            told.setdefault(split.guest.name, []).append(rdm)
            first.setdefault(split.guest.name, split)
    for name, regions in told.items():
        split = first[name]
        more = f" and {len(regions) - 1} more" if len(regions) > 1 else ""
        message = f"{split.mine[0].short} shares {_name(regions[0])}{more} with {split.words}: nothing refuses that"
        yield context.finding(rule, split.guest, message, device=split.mine[0], region=regions[0].span)


@guest_rule(
    Rule(
        "RDM119",
        "A reserved region on a device that needs none",
        Severity.NOTICE,
        by="nobody",
        why="Firmware of some vendors marks network and storage cards for its own management, which then goes on "
        "reading and writing there. Linux refuses such a device to KVM guests; Xen maps the region and goes on.",
        remedy="Look for a setting in the host's firmware, or use another slot.",
        source="Linux: device_rmrr_is_relaxable in drivers/iommu/intel/iommu.c",
    )
)
def vendor_region(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices with an RMRR that are neither USB controllers nor graphics; one finding a device."""
    for device in assigned(context, build):
        code = device.class_code
        regions = [rdm for rdm in context.iommu.regions_of(device.address) if rdm.declared.kind is RegionKind.RMRR]
        if not regions or code is None or code.startswith((_USB, _DISPLAY)):
            continue
        more = f" and {len(regions) - 1} more" if len(regions) > 1 else ""
        message = (
            f"{device.address.short} is neither USB nor graphics and has {_name(regions[0])}{more}: "
            "the firmware may go on using it while the guest runs"
        )
        yield context.finding(rule, build.guest, message, device=device.address, region=regions[0].span)


def _name(rdm: Rdm) -> str:
    return f"{rdm.declared.kind.upper()} {rdm.span} ({format_size(rdm.span.size)})"
