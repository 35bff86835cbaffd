"""The hypervisor: which reserved regions it registers at boot, what it tells libxl of them, which device it hands over.

Source: common/memory.c:1223-1255 (the query), pt/pci.c:1570-1677 with vtd/iommu.c:2850-2940, 1800-1802 and
amd/pci_amd_iommu.c (assignment), arch/x86/mm/p2m.c:1245-1284 (the identity map). `vtd` and `amd_vi` read the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.host import Host, PciDevice, PortType, RegionKind
from planner.model.span import PAGE, Span
from planner.pci.topology import conventional_bridge_above
from planner.xen import amd_vi, vtd
from planner.xen.rdm import Rdm
from planner.xen.release import Release
from planner.xen.steps import Step

CONVENTIONAL_RULE = "vtd/iommu.c:1800-1802"
_NO_IOMMU = "passthrough not supported on this platform"


@dataclass(frozen=True, slots=True, eq=False)
class Iommu:
    """What the hypervisor knows after boot.

    `regions` are the registered ones in the order Xen lists them; `steps` say what became of the rest. Without a
    working IOMMU (`enabled` False) there are no regions and no device can be assigned; `error` is Xen's line.
    `devices` is the host's listing; empty where nobody made one. `amd`: AMD-Vi, else VT-d.
    """

    enabled: bool
    regions: tuple[Rdm, ...] = ()
    steps: tuple[Step, ...] = ()
    error: str | None = None
    devices: Mapping[Sbdf, PciDevice] = field(default_factory=dict)
    amd: bool = False
    _by_device: dict[Sbdf, tuple[Rdm, ...]] = field(default_factory=dict)

    @property
    def everything(self) -> tuple[Rdm, ...]:
        """XENMEM_reserved_device_memory_map for all devices: on AMD a region comes once for each function it names."""
        return amd_vi.everything(self.regions) if self.amd else self.regions

    def regions_of(self, address: Sbdf) -> tuple[Rdm, ...]:
        """XENMEM_reserved_device_memory_map for one device: exact address, one entry a region, in Xen's order."""
        found = self._by_device.get(address)
        if found is None:
            # One span twice is one map of AMD's, made by the older of two equal blocks.
            maps = {rdm.span: rdm for rdm in reversed(self.regions) if rdm.covers(address)}
            self._by_device[address] = found = tuple(reversed(maps.values()))
        return found


class Attach(NamedTuple):
    """What Xen answers when a device is to be assigned; `error` is its line where it refuses or warns.

    `held` are the regions that the guest now has mapped 1:1 for this device.
    """

    address: Sbdf
    ok: bool
    error: str | None
    steps: tuple[Step, ...]
    held: tuple[Span, ...] = ()


def boot(host: Host, release: Release) -> Iommu:
    """Register the host's regions as Xen does when it parses the firmware's table, then those of the command line."""
    if host.iommu == "none":
        return Iommu(False, error="I/O virtualisation disabled")
    amd = is_amd(host)
    table = amd_vi.parse(host, release) if amd else vtd.parse(host, release)
    return Iommu(table.error is None, table.regions, table.steps, table.error, host.by_address, amd)


def is_amd(host: Host) -> bool:
    """Whether the host's regions are AMD's."""
    return host.iommu == "amd" or any(region.kind is RegionKind.IVMD for region in host.regions)


def attach(
    iommu: Iommu,
    address: Sbdf,
    policy: RdmPolicy | None,
    mapped: Sequence[Span],
    *,
    held: Sequence[Span] = (),
    domain: str = "dN",
) -> Attach:
    """Assign a device to a guest, in Xen's order: is it there, the shared-region test, the identity maps, its context.

    Xen's other tests (-EBUSY for another guest's device, -EXDEV for memory sharing, paging, a migration under way or
    populate on demand, -EBADF for a device that broke) ask for things that no config says: libxl refuses populate on
    demand with devices before, and a device in two guests is for the plan to see.

    `mapped` is guest memory that is populated already: its RAM, and what QEMU parks behind it. `held` are regions
    that earlier devices of the guest have mapped 1:1. `policy` INVALID means strict, as libxl defaults it; None is
    undefined, and libxl refuses it.
    """
    if not iommu.enabled:
        return _refused(address, [Step("there is no working IOMMU", "libxl_create.c:1163", _NO_IOMMU, "error")])
    if policy is None:
        step = Step("the policy is undefined", "libxl_pci.c:1424-1431", "unknown rdm check flag.", "error")
        return _refused(address, [step])
    strict = policy is not RdmPolicy.RELAXED
    steps: list[Step] = []
    errno = (
        _known(iommu, address, steps)
        or _shared_test(iommu, address, strict, domain, steps)
        or _map_regions(iommu, address, strict, mapped, held, domain, steps)
        or _context(iommu, address, steps)
    )
    if errno:
        line = f"{domain}: assign ({address}) failed ({errno})"
        return _refused(address, [*steps, Step("the device stays with dom0", "pt/pci.c:1570-1677", line, "error")])
    error = next((step.log for step in steps if step.log), None)
    spans = tuple(rdm.span for rdm in iommu.regions_of(address) if rdm.mapped)
    return Attach(address, True, error, tuple(steps), spans)


def _refused(address: Sbdf, steps: list[Step]) -> Attach:
    error = next((step.log for step in steps if step.level == "error" and step.log), None)
    return Attach(address, False, error, tuple(steps))


def _known(iommu: Iommu, address: Sbdf, steps: list[Step]) -> int:
    """pci_get_pdev (pt/pci.c). Returns 0, or -ENODEV. Without a listing of the host nobody can say."""
    device = iommu.devices.get(address)
    if device is not None and device.is_iommu and iommu.amd:
        steps.append(Step(f"{address} is an IOMMU, which Xen has for itself", "amd/iommu_detect.c", None, "error"))
        return -19
    if device is not None or not iommu.devices:
        return 0
    steps.append(Step(f"the host has no {address}", "pt/pci.c:1570-1677", None, "error"))
    return -19


def _context(iommu: Iommu, address: Sbdf, steps: list[Step]) -> int:
    """VT-d's domain_context_mapping (vtd/iommu.c). Returns 0, -EPERM or -EOPNOTSUPP.

    A host bridge never goes to a guest. A conventional device behind a bridge that speaks for it keeps its owner
    once it has a reserved region (seen on real runs); where nobody said what device or bridge are, nothing is said.
    """
    device = iommu.devices.get(address)
    if device is None or iommu.amd:
        return 0
    rule = "vtd/iommu.c: domain_context_mapping"
    if (device.class_code or "").startswith("0600"):
        steps.append(Step("a host bridge stays with dom0", rule, None, "error"))
        return -1
    if not iommu.regions_of(address) or device.port is not PortType.CONVENTIONAL or device.is_bridge:
        return 0
    bridge = conventional_bridge_above(iommu.devices, address)
    if bridge is not None:
        text = f"a conventional device with a reserved region, behind the bridge {bridge}, stays with dom0"
        steps.append(Step(text, CONVENTIONAL_RULE, None, "error"))
        return -95
    return 0


def _shared_test(iommu: Iommu, address: Sbdf, strict: bool, domain: str, steps: list[Step]) -> int:
    """vtd/iommu.c:2871-2887. Returns 0, or -EPERM."""
    for rdm in iommu.regions_of(address):
        if not rdm.is_shared:
            continue
        line = shared_line(address, rdm, strict=strict, domain=domain)
        verdict = "refused" if strict else "let through"
        level = "error" if strict else "warning"
        steps.append(
            Step(
                f"{rdm.span} has {rdm.entries} scope entries: {verdict}",
                "vtd/iommu.c:2871-2887",
                line,
                level,
                (rdm.span,),
            )
        )
        if strict:
            return -1
    return 0


def _map_regions(
    iommu: Iommu,
    address: Sbdf,
    strict: bool,
    mapped: Sequence[Span],
    held: Sequence[Span],
    domain: str,
    steps: list[Step],
) -> int:
    """x86/iommu.c:228-229 and p2m.c:1245-1284, page by page. Returns 0, -EBUSY or -EADDRINUSE."""
    rule = "p2m.c:1245-1284"
    for rdm in iommu.regions_of(address):
        if not rdm.mapped:
            text = f"{rdm.span} is an exclusion range: not mapped, the IOMMU lets it pass"
            steps.append(Step(text, "amd/iommu_map.c", about=(rdm.span,)))
            continue
        if rdm.span in held:
            steps.append(Step(f"{rdm.span} is mapped for another device already: counted", rule, about=(rdm.span,)))
            continue
        clash = next((span for span in held if span.overlaps(rdm.span)), None)
        taken = next((span for span in mapped if span.overlaps(rdm.span)), None)
        if clash is not None:
            steps.append(_cannot_map(rdm, f"{rdm.span} overlaps {clash}, which the guest has already", -98))
            return -98
        if taken is None:
            steps.append(Step(f"{rdm.span} is mapped 1:1", rule, about=(rdm.span,)))
            continue
        lost = rdm.span.intersection(taken)
        line = f"Cannot setup identity map {domain}:{lost.start // PAGE:x}, gfn already mapped"
        if strict:
            steps.append(Step(f"guest memory lies at {rdm.span}: refused", rule, line, "error", (rdm.span,)))
            steps.append(_cannot_map(rdm, "the region cannot be mapped", -16))
            return -16
        pages = lost.size // PAGE
        text = f"guest memory lies in {rdm.span}: "
        text += "1 page is not mapped 1:1" if pages == 1 else f"{pages} pages are not mapped 1:1, such a line for each"
        steps.append(Step(text, rule, line, "warning", (rdm.span,)))
    return 0


def _cannot_map(rdm: Rdm, text: str, errno: int) -> Step:
    """VT-d says which region it was; AMD's driver says nothing of its own."""
    if rdm.declared.kind is RegionKind.IVMD:
        return Step(text, "amd/pci_amd_iommu.c: amd_iommu_assign_device", None, "error", (rdm.span,))
    line = f"cannot map reserved region [{rdm.declared.start:x},{rdm.declared.end:x}]: {errno}"
    return Step(text, "vtd/iommu.c:2850-2940", line, "error", (rdm.span,))


def shared_line(address: Sbdf, rdm: Rdm, *, strict: bool, domain: str = "dN") -> str:
    """What Xen logs when a device with a shared region is assigned."""
    verb = "It's disallowed to" if strict else "It's risky to"
    return f"{verb} assign {address} with shared RMRR at {rdm.base:x} for {domain}."
