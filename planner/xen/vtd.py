"""VT-d's side of boot: which RMRRs Xen registers from the DMAR table and its command line, and what makes it give up.

Source: vtd/dmar.c:307-449 and 619-674 with register_one_rmrr, 1170-1171 (pages), 1195-1264 (`rmrr=`).
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.model.address import Sbdf
from planner.model.host import DeviceScope, Host, RegionKind, ReservedRegion, ScopeKind
from planner.model.span import PAGE, Span, round_down, round_up
from planner.xen import boot_options, reserved
from planner.xen.rdm import Rdm, RefusedError, Table
from planner.xen.release import Release
from planner.xen.steps import Step

# scope_device_count knows DMAR's first four types and skips the rest.
_COUNTED = frozenset({ScopeKind.ENDPOINT, ScopeKind.BRIDGE, ScopeKind.IOAPIC, ScopeKind.HPET})
_HOST_BRIDGE = Sbdf(0, 0, 0, 0)
_RULE = "vtd/dmar.c:619-674"
_OPTION_RULE = "vtd/dmar.c:1195-1264"


def parse(host: Host, release: Release) -> Table:
    """acpi_parse_one_rmrr over the table in order, then the command line's regions."""
    steps: list[Step] = []
    registered: list[ReservedRegion] = []
    try:
        for region in host.regions:
            if _parse_rmrr(host, release, region, registered, steps):
                registered.append(region)
    except RefusedError as refusal:
        line = str(refusal)
        steps += [
            Step("the table is refused", _RULE, line, "error"),
            Step("VT-d stays off", "vtd/dmar.c", "Failed to parse ACPI DMAR.  Disabling VT-d.", "error"),
        ]
        return Table((), tuple(steps), line)
    rdms = register(registered)
    _add_options(host, rdms, steps)
    return Table(tuple(rdms), tuple(steps))


def register(regions: Iterable[ReservedRegion]) -> list[Rdm]:
    """RMRRs as Xen lists them, unchecked: whole pages, and the table backwards, for list_add puts each at the head.

    A region whose pages round to none is never listed (dmar.c:1170-1171), nor is one without scope.
    """
    rdms = [rdm for region in regions if (rdm := _rdm(region)).entries and rdm.span.size]
    rdms.reverse()
    return rdms


def _parse_rmrr(
    host: Host, release: Release, region: ReservedRegion, registered: list[ReservedRegion], steps: list[Step]
) -> bool:
    """Whether one RMRR is registered; raises RefusedError where it costs the host its VT-d."""
    label = f"[{region.start:x},{region.end:x}]"
    clash = next((other for other in registered if region.start <= other.end and other.start <= region.end), None)
    if clash is not None:
        raise RefusedError(f"Overlapping RMRRs [{clash.start:x},{clash.end:x}] and {label}")
    _check_reserved(host, release, region, steps)
    entries = _counted(region)
    if not entries:
        steps.append(Step(f"RMRR {label} names no device and is dropped", _RULE))
        return False
    named = [scope.device._replace(segment=region.segment) for scope in entries if scope.device is not None]
    if len(named) == len(entries) and not any(_responds(host, address) for address in named):
        line = f" Ignore RMRR {label} as no device under its scope is PCI discoverable!"
        steps.append(Step(f"RMRR {label}: none of its devices is there", "vtd/dmar.c: register_one_rmrr", line))
        return False
    if region.start > region.end:
        raise RefusedError(f" RMRR {label} is incorrect!")
    steps.append(Step(f"RMRR {label} registered for {len(entries)} scope entries", "vtd/dmar.c: register_one_rmrr"))
    return True


def _check_reserved(host: Host, release: Release, region: ReservedRegion, steps: list[Step]) -> None:
    """Before 4.19 Xen looks at the first and the last page alone, and only warns."""
    first, last = region.start // PAGE, region.end // PAGE
    if release.rmrr_must_be_reserved:
        reserved.check("RMRR", host, first, last, steps)
    elif host.memory_map and not (reserved.is_reserved(host, first) and reserved.is_reserved(host, last)):
        line = f'RMRR [{region.start:x},{region.end:x}] not in reserved memory; need "iommu_inclusive_mapping=1"?'
        steps.append(Step("the firmware did not reserve it: Xen goes on", _RULE, line, "warning"))


def _responds(host: Host, address: Sbdf) -> bool:
    """Whether config space answers at `address`. Without a listing of that segment nobody knows: assume it does."""
    if not any(device.address.segment == address.segment for device in host.devices):
        return True
    return address in host.by_address


def _add_options(host: Host, rdms: list[Rdm], steps: list[Step]) -> None:
    """Add the regions of `rmrr=` at the head of `rdms`; one that overlaps or has no memory behind it is left out."""
    added = boot_options.rmrr(host.xen_command_line)
    for region in added.regions:
        rdm = _rdm(region)
        first, last = rdm.span.start // PAGE, rdm.span.last // PAGE
        label = f"[{first:x}-{last:x}]"
        line = f"Adding RMRR for {rdm.entries} device ([0]: {rdm.devices[0].requester_id:#x}) range {label}"
        clash = next((other.span for other in rdms if rdm.span.overlaps(other.span)), None)
        if clash is not None:
            words = f"Overlapping RMRRs: {label} and [{clash.start // PAGE:x}-{clash.last // PAGE:x}]"
            steps += [Step(f"rmrr= {rdm.span}", _OPTION_RULE, line), _left_out(rdm, words)]
        elif any(not reserved.has_memory(host, page) for page in range(first, last + 1)):
            words = f"Invalid pfn in RMRR range {label}"
            steps += [Step(f"rmrr= {rdm.span}", _OPTION_RULE, line), _left_out(rdm, words)]
        else:
            steps.append(Step(f"{rdm.span} added by the command line", _OPTION_RULE, line))
            rdms.insert(0, rdm)
    steps += added.steps


def _left_out(rdm: Rdm, line: str) -> Step:
    return Step(f"{rdm.span} of the command line is left out", _OPTION_RULE, line, "warning")


def _counted(region: ReservedRegion) -> list[DeviceScope]:
    """The scope entries that Xen counts: absent devices and duplicates too, unknown types not."""
    return [scope for scope in region.scopes if scope.kind in _COUNTED]


def _rdm(region: ReservedRegion) -> Rdm:
    listed: list[Sbdf] = []
    entries = _counted(region)
    for scope in entries:
        if scope.device == _HOST_BRIDGE and region.kind is RegionKind.RMRR:
            break  # for_each_rmrr_device stops at a BDF of 0 (dmar.h:107)
        if scope.device is not None:
            listed.append(scope.device._replace(segment=region.segment))
    # dmar.c:1170-1171 takes PFN_UP of the inclusive end: an end on a page boundary loses that page.
    pages = Span(round_down(region.start, PAGE), round_up(region.end, PAGE))
    return Rdm(pages, region, tuple(listed), len(entries))
