"""How Xen takes the firmware's tables at boot: which regions it registers, and what makes it give up on the IOMMU.

Source: vtd/dmar.c:307-449 and 619-674 with register_one_rmrr, x86/iommu.c (iommu_unity_region_ok, since 4.19) for
Intel; amd/iommu_acpi.c for AMD. Any error there disables VT-d or AMD-Vi altogether.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.model.address import Sbdf
from planner.model.host import DeviceScope, Host, RegionKind, ReservedRegion, ScopeKind
from planner.model.span import PAGE, Span, round_down
from planner.xen.release import Release
from planner.xen.steps import Step

# scope_device_count knows DMAR's first four types and skips the rest; the last two are IVMD's.
_COUNTED = frozenset(
    {
        ScopeKind.ENDPOINT,
        ScopeKind.BRIDGE,
        ScopeKind.IOAPIC,
        ScopeKind.HPET,
        ScopeKind.RANGE,
        ScopeKind.ALL,
    }
)
_DMAR_RULE = "vtd/dmar.c:619-674"


@dataclass(frozen=True, slots=True)
class Table:
    """The regions that a table leaves registered, in its order; `error` is Xen's line where it gave the table up."""

    regions: tuple[ReservedRegion, ...]
    steps: tuple[Step, ...]
    error: str | None = None


class _RefusedError(Exception):
    """The table is given up: Xen's line."""


def is_amd(host: Host) -> bool:
    """Whether the host's regions are AMD's."""
    return host.iommu == "amd" or any(region.kind is RegionKind.IVMD for region in host.regions)


def counted(region: ReservedRegion) -> list[DeviceScope]:
    """The scope entries that Xen counts: absent devices and duplicates too, unknown types not."""
    return [scope for scope in region.scopes if scope.kind in _COUNTED]


def parse_dmar(host: Host, release: Release) -> Table:
    """acpi_parse_one_rmrr over the table, in order."""
    steps: list[Step] = []
    registered: list[ReservedRegion] = []
    try:
        for region in host.regions:
            if _parse_rmrr(host, release, region, registered, steps):
                registered.append(region)
    except _RefusedError as refusal:
        line = str(refusal)
        steps += [
            Step("the table is refused", _DMAR_RULE, line, "error"),
            Step("VT-d stays off", "vtd/dmar.c", "Failed to parse ACPI DMAR.  Disabling VT-d.", "error"),
        ]
        return Table((), tuple(steps), line)
    return Table(tuple(registered), tuple(steps))


def _parse_rmrr(
    host: Host, release: Release, region: ReservedRegion, registered: list[ReservedRegion], steps: list[Step]
) -> bool:
    """Whether one RMRR is registered; raises _RefusedError where it costs the host its VT-d."""
    label = f"[{region.start:x},{region.end:x}]"
    clash = next((other for other in registered if region.start <= other.end and other.start <= region.end), None)
    if clash is not None:
        raise _RefusedError(f"Overlapping RMRRs [{clash.start:x},{clash.end:x}] and {label}")
    _check_reserved(host, release, region, steps)
    entries = counted(region)
    if not entries:
        steps.append(Step(f"RMRR {label} names no device and is dropped", _DMAR_RULE))
        return False
    named = [scope.device._replace(segment=region.segment) for scope in entries if scope.device is not None]
    if len(named) == len(entries) and not any(_responds(host, address) for address in named):
        line = f" Ignore RMRR {label} as no device under its scope is PCI discoverable!"
        steps.append(Step(f"RMRR {label}: none of its devices is there", "vtd/dmar.c: register_one_rmrr", line))
        return False
    if region.start > region.end:
        raise _RefusedError(f" RMRR {label} is incorrect!")
    steps.append(Step(f"RMRR {label} registered for {len(entries)} scope entries", "vtd/dmar.c: register_one_rmrr"))
    return True


def _check_reserved(host: Host, release: Release, region: ReservedRegion, steps: list[Step]) -> None:
    """Whether the region is reserved in the host's e820; without a memory map nobody can say, and nothing is said."""
    if not host.memory_map:
        return
    first, last = region.start // PAGE, region.end // PAGE
    if not release.rmrr_must_be_reserved:
        if _type(host, first) != "reserved" or _type(host, last) != "reserved":
            line = f'RMRR [{region.start:x},{region.end:x}] not in reserved memory; need "iommu_inclusive_mapping=1"?'
            steps.append(Step("the firmware did not reserve it: Xen goes on", _DMAR_RULE, line, "warning"))
        return
    rule = "x86/iommu.c: iommu_unity_region_ok"
    whole = Span(first * PAGE, (last + 1) * PAGE)
    reserved = [part.span for part in host.memory_map if part.type == "reserved"]
    if any(span.start <= whole.start and whole.end <= span.end for span in reserved):
        return
    line = f"RMRR: [{first:#x} ,{last:#x}] is not (entirely) in reserved memory"
    steps.append(Step("the firmware did not reserve all of it: unknown pages are added", rule, line, "warning"))
    ram = next((part for part in host.memory_map if part.type == "ram" and part.span.overlaps(whole)), None)
    if ram is not None:
        page = max(ram.start // PAGE, first)
        raise _RefusedError(f"RMRR: page at {page:#x} can't be converted")


def _type(host: Host, page: int) -> str:
    return next((part.type for part in host.memory_map if page * PAGE in part.span), "unknown")


def _responds(host: Host, address: Sbdf) -> bool:
    """Whether config space answers at `address`. Without a listing of that segment nobody knows: assume it does."""
    if not any(device.address.segment == address.segment for device in host.devices):
        return True
    return address in host.by_address


def parse_ivrs(host: Host, release: Release) -> Table:
    """IVMD blocks in order: identical maps of a device merge, other overlaps are an error (-EPERM)."""
    steps: list[Step] = []
    registered: list[ReservedRegion] = []
    for region in host.regions:
        pages = _pages(region)
        clash = next((other for other in registered if pages.overlaps(_pages(other)) and _meet(region, other)), None)
        if clash is not None and pages != _pages(clash):
            line = f"IVMD: overlap with range [{_pages(clash).start:x},{_pages(clash).last:x}]"
            text = f"{pages} overlaps another map of the same device: AMD-Vi stays off"
            steps.append(Step(text, "amd/iommu_acpi.c", line, "error"))
            return Table((), tuple(steps), line)
        registered.append(region)
        steps.append(Step(f"IVMD {pages} registered", "amd/iommu_acpi.c"))
    return Table(tuple(registered), tuple(steps))


def _pages(region: ReservedRegion) -> Span:
    return Span(round_down(region.start, PAGE), round_down(region.end, PAGE) + PAGE)


def _meet(one: ReservedRegion, other: ReservedRegion) -> bool:
    """Whether a device may be under both."""
    return any(_range(a)[0] <= _range(b)[1] and _range(b)[0] <= _range(a)[1] for a in one.scopes for b in other.scopes)


def _range(scope: DeviceScope) -> tuple[int, int]:
    if scope.kind is ScopeKind.ALL or scope.device is None:
        return 0, 0xFFFF
    last = scope.last if scope.last is not None else scope.device
    return scope.device.requester_id, last.requester_id
