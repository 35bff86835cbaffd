"""The hypervisor: which reserved regions it registers at boot, what it tells libxl of them, which device it hands over.

Source: xen/drivers/passthrough/vtd/dmar.c (tables), common/memory.c:1223-1255 (the query), vtd/iommu.c:2850-2940
and arch/x86/mm/p2m.c:1245-1284 (assignment), amd/iommu_map.c:694-762 (AMD's regions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.host import Host, PciDevice, RegionKind, ReservedRegion
from planner.model.span import PAGE, Span, round_down, round_up
from planner.xen import boot_options, tables
from planner.xen.release import Release
from planner.xen.steps import Step

_HOST_BRIDGE = Sbdf(0, 0, 0, 0)
_NO_IOMMU = "passthrough not supported on this platform"


@dataclass(frozen=True, slots=True, eq=False)
class Rdm:
    """A reserved region as Xen holds it: `span` in whole pages, `devices` as its scope lists them.

    `entries` counts every scope entry Xen counts, absent devices, bridges and duplicates included. A region of AMD's
    may name all devices or a range, so ask `covers`. `declared` is what the firmware wrote.
    """

    span: Span
    devices: tuple[Sbdf, ...]
    entries: int
    declared: ReservedRegion

    @property
    def base(self) -> int:
        """The first byte as declared, which is what Xen's messages print."""
        return self.declared.start

    @property
    def is_shared(self) -> bool:
        """Whether VT-d treats its devices as sharers: more than one scope entry. AMD has no such test."""
        return self.declared.kind is RegionKind.RMRR and self.entries > 1

    def covers(self, address: Sbdf) -> bool:
        """Whether Xen takes the region to belong to exactly this function."""
        if self.declared.kind is RegionKind.IVMD:
            return self.declared.covers(address)
        return address in self.devices


@dataclass(frozen=True, slots=True, eq=False)
class Iommu:
    """What the hypervisor knows after boot.

    `regions` are the registered ones in the order Xen lists them; `steps` say what became of the rest. Without a
    working IOMMU (`enabled` False) there are no regions and no device can be assigned; `error` is Xen's line.
    `devices` is the host's listing; empty where nobody made one.
    """

    enabled: bool
    regions: tuple[Rdm, ...] = ()
    steps: tuple[Step, ...] = ()
    error: str | None = None
    devices: Mapping[Sbdf, PciDevice] = field(default_factory=dict)
    _by_device: dict[Sbdf, tuple[Rdm, ...]] = field(default_factory=dict)

    def regions_of(self, address: Sbdf) -> tuple[Rdm, ...]:
        """XENMEM_reserved_device_memory_map for one device: exact address, one entry a region, in Xen's order."""
        found = self._by_device.get(address)
        if found is None:
            found = tuple(rdm for rdm in self.regions if rdm.covers(address))
            self._by_device[address] = found
        return found


@dataclass(frozen=True, slots=True)
class Attach:
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
    table = tables.parse_ivrs(host, release) if tables.is_amd(host) else tables.parse_dmar(host, release)
    regions = tuple(register(table.regions))
    iommu = Iommu(table.error is None, regions, table.steps, table.error, host.by_address)
    return _add_options(iommu, host) if iommu.enabled and host.xen_command_line else iommu


def register(regions: Iterable[ReservedRegion]) -> list[Rdm]:
    """The regions as Xen lists them, unchecked: page-rounded, in reverse table order for VT-d.

    A region whose pages round to none is never listed (dmar.c:1170-1171), nor is one without scope.
    """
    rdms = [rdm for region in regions if (rdm := _rdm(region)).entries and rdm.span.size]
    if any(rdm.declared.kind is RegionKind.RMRR for rdm in rdms):
        rdms.reverse()  # list_add puts each at the head
    return rdms


def attach(
    iommu: Iommu,
    address: Sbdf,
    policy: RdmPolicy | None,
    mapped: Sequence[Span],
    *,
    held: Sequence[Span] = (),
    domain: str = "dN",
) -> Attach:
    """Assign a device to a guest: the shared-region test, then an identity map for each region (pt/pci.c:1570-1677).

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
    spans = tuple(rdm.span for rdm in iommu.regions_of(address))
    return Attach(address, True, error, tuple(steps), spans)


def _refused(address: Sbdf, steps: list[Step]) -> Attach:
    error = next((step.log for step in steps if step.level == "error" and step.log), None)
    return Attach(address, False, error, tuple(steps))


def _known(iommu: Iommu, address: Sbdf, steps: list[Step]) -> int:
    """pci_get_pdev (pt/pci.c). Returns 0, or -ENODEV. Without a listing of the host nobody can say."""
    if not iommu.devices or address in iommu.devices:
        return 0
    steps.append(Step(f"the host has no {address}", "pt/pci.c:1570-1677", None, "error"))
    return -19


def _context(iommu: Iommu, address: Sbdf, steps: list[Step]) -> int:
    """domain_context_mapping (vtd/iommu.c): a host bridge never goes to a guest. Returns 0, or -EPERM."""
    device = iommu.devices.get(address)
    if device is None or not (device.class_code or "").startswith("0600"):
        return 0
    steps.append(Step("a host bridge stays with dom0", "vtd/iommu.c: domain_context_mapping", None, "error"))
    return -1


def _shared_test(iommu: Iommu, address: Sbdf, strict: bool, domain: str, steps: list[Step]) -> int:
    """vtd/iommu.c:2871-2887. Returns 0, or -EPERM."""
    for rdm in iommu.regions_of(address):
        if not rdm.is_shared:
            continue
        line = shared_line(address, rdm, strict=strict, domain=domain)
        verdict = "refused" if strict else "let through"
        level = "error" if strict else "warning"
        steps.append(
            Step(f"{rdm.span} has {rdm.entries} scope entries: {verdict}", "vtd/iommu.c:2871-2887", line, level)
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
        if rdm.span in held:
            steps.append(Step(f"{rdm.span} is mapped for another device already: counted", rule))
            continue
        clash = next((span for span in held if span.overlaps(rdm.span)), None)
        taken = next((span for span in mapped if span.overlaps(rdm.span)), None)
        if clash is not None:
            steps.append(_cannot_map(rdm, f"{rdm.span} overlaps {clash}, which the guest has already", -98))
            return -98
        if taken is None:
            steps.append(Step(f"{rdm.span} is mapped 1:1", rule))
            continue
        lost = rdm.span.intersection(taken)
        line = f"Cannot setup identity map {domain}:{lost.start // PAGE:x}, gfn already mapped"
        if strict:
            steps.append(Step(f"guest memory lies at {rdm.span}: refused", rule, line, "error"))
            steps.append(_cannot_map(rdm, "the region cannot be mapped", -16))
            return -16
        pages = lost.size // PAGE
        text = f"guest memory lies in {rdm.span}: {pages} pages not mapped 1:1, such a line for each"
        steps.append(Step(text, rule, line, "warning"))
    return 0


def _cannot_map(rdm: Rdm, text: str, errno: int) -> Step:
    line = f"cannot map reserved region [{rdm.declared.start:x},{rdm.declared.end:x}]: {errno}"
    return Step(text, "vtd/iommu.c:2850-2940", line, "error")


def shared_line(address: Sbdf, rdm: Rdm, *, strict: bool, domain: str = "dN") -> str:
    """What Xen logs when a device with a shared region is assigned."""
    verb = "It's disallowed to" if strict else "It's risky to"
    return f"{verb} assign {address} with shared RMRR at {rdm.base:x} for {domain}."


def _add_options(table: Iommu, host: Host) -> Iommu:
    """Add the command line's regions after the table's (vtd/dmar.c:1195-1264); one that overlaps is left out."""
    added = boot_options.parse(host.xen_command_line)
    kind = RegionKind.IVMD if tables.is_amd(host) else RegionKind.RMRR
    regions = list(table.regions)
    steps = [*table.steps, *added.steps]
    for region in added.regions:
        rdm = _rdm(region)
        if region.kind is not kind:
            steps.append(Step(f"{region.kind}= means nothing on this host", "vtd/dmar.c, amd/iommu_acpi.c"))
        elif any(rdm.span.overlaps(other.span) for other in regions):
            steps.append(Step(f"{rdm.span} overlaps a region that is there already: left out", "vtd/dmar.c:1195-1264"))
        elif kind is RegionKind.IVMD:
            steps.append(Step(f"{rdm.span} added by the command line", "amd/iommu_acpi.c"))
            regions.append(rdm)
        else:
            devices = f"{rdm.entries} device ([{region.segment:x}]: {rdm.devices[0].requester_id:#x})"
            line = f"Adding RMRR for {devices} range [{rdm.span.start // PAGE:x}-{rdm.span.last // PAGE:x}]"
            steps.append(Step(f"{rdm.span} added by the command line", "vtd/dmar.c:1195-1264", line))
            regions.insert(0, rdm)  # list_add puts each at the head
    return replace(table, regions=tuple(regions), steps=tuple(steps), _by_device={})


def _rdm(region: ReservedRegion) -> Rdm:
    listed: list[Sbdf] = []
    entries = tables.counted(region)
    for scope in entries:
        if scope.device == _HOST_BRIDGE and region.kind is RegionKind.RMRR:
            break  # for_each_rmrr_device stops at a BDF of 0 (dmar.h:107)
        if scope.device is not None:
            listed.append(scope.device._replace(segment=region.segment))
    return Rdm(_pages(region), tuple(listed), len(entries), region)


def _pages(region: ReservedRegion) -> Span:
    start = round_down(region.start, PAGE)
    if region.kind is RegionKind.IVMD:
        return Span(start, round_down(region.end, PAGE) + PAGE)  # amd/iommu_acpi.c: the last byte's page is in
    # dmar.c:1170-1171 takes PFN_UP of the inclusive end: an end on a page boundary loses that page.
    return Span(start, round_up(region.end, PAGE))
