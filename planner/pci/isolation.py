"""Devices that belong together, and why: regions, requester ids, ACS, resets, pages of BARs, slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from planner.model.address import Sbdf
from planner.model.host import Host, PciDevice, ReservedRegion, ScopeKind
from planner.model.span import PAGE
from planner.pci import acs
from planner.pci.groups import Cause, Link, grouping
from planner.pci.memo import once_per_host
from planner.pci.sets import AddressSets
from planner.pci.topology import upstream_bridges


class Tie(StrEnum):
    """What holds devices together, strongest first; of `isolated` ones it is known that nothing does."""

    REGION = "region"
    REQUESTER = "requester"
    IOMMU_GROUP = "iommu_group"
    ACS = "acs"
    FUNCTIONS = "functions"
    PAGE = "page"
    RESET = "reset"
    ISOLATED = "isolated"
    SLOT = "slot"

    @property
    def binds(self) -> bool:
        """Whether one owner is a must: no IOMMU can tell the devices apart, or their memory is one."""
        return self in (Tie.REGION, Tie.REQUESTER)


_STRENGTH = {tie: number for number, tie in enumerate(Tie)}


class ResetScope(StrEnum):
    """What is reset with a device."""

    FUNCTION = "function"
    BUS = "bus"
    NONE = "none"


_FUNCTION_RESETS = frozenset(("flr", "af_flr", "pm", "acpi", "device_specific"))
"""The kernel's names (sysfs `reset_method`) of the resets that leave the neighbours alone."""


@dataclass(frozen=True, slots=True)
class Bond:
    """One reason why devices belong together: in words that follow "they", and that follow "some through"."""

    tie: Tie
    devices: tuple[Sbdf, ...]
    reason: str
    through: str


@dataclass(frozen=True, slots=True)
class Unit:
    """Devices that should go to one owner, in order of address; `reason` says why, in words that follow "they"."""

    devices: tuple[Sbdf, ...]
    tie: Tie
    reason: str


@once_per_host
def units(host: Host) -> tuple[Unit, ...]:
    """The host's devices as units, each device in exactly one, in order of their first addresses.

    Bonds carry over from device to device; the strongest gives the unit its tie. Devices that none holds go by slot.
    """
    sets = AddressSets(host.by_address)
    found = bonds(host)
    for bond in found:
        sets.join(bond.devices)
    by_root: dict[Sbdf, list[Bond]] = {}
    for bond in found:
        by_root.setdefault(sets.root(bond.devices[0]), []).append(bond)
    out: list[Unit] = []
    loose: dict[Sbdf, list[Sbdf]] = {}
    for root, devices in sets.sets().items():
        if root in by_root:
            out.append(_unit(devices, by_root[root]))
        else:
            loose.setdefault(devices[0].slot, []).extend(devices)
    out += [
        Unit(tuple(sorted(devices)), Tie.SLOT, f"are in slot {slot.short.rpartition('.')[0]}")
        for slot, devices in loose.items()
    ]
    return tuple(sorted(out, key=lambda unit: unit.devices[0]))


@once_per_host
def bonds(host: Host) -> tuple[Bond, ...]:
    """Every reason why devices of the host belong together, strongest first; regions in the order of their table.

    Where the kernel's IOMMU groups are known its word replaces what ACS would say. A region of AMD's that names a
    range ties all of it: nothing in Xen keeps its devices with one owner, which is one reason to say so. Functions
    that a scope names but the listing lacks are nobody's device, and bridges are nobody's either: both are left out
    of what ACS and requester ids tie.
    """
    found = [*_regions(host), *_kernel_groups(host), *_by_links(host), *_pages(host), *_resets(host)]
    return tuple(sorted(found, key=lambda bond: _STRENGTH[bond.tie]))


def reset_scope(device: PciDevice) -> ResetScope | None:
    """What the kernel can reset of a device; None where nobody has looked."""
    if device.resets is None:
        return None
    if _FUNCTION_RESETS.intersection(device.resets):
        return ResetScope.FUNCTION
    return ResetScope.BUS if device.resets else ResetScope.NONE


def _unit(devices: list[Sbdf], found: list[Bond]) -> Unit:
    tie = min((bond.tie for bond in found), key=_STRENGTH.__getitem__)
    strongest = [bond for bond in found if bond.tie is tie]
    reason = _reason(tie, strongest)
    covered = {address for bond in strongest for address in bond.devices}
    rest = [bond for bond in found if bond.tie is not tie and not covered.issuperset(bond.devices)]
    if rest:
        reason += f", some through {_through(rest)}"
    return Unit(tuple(devices), tie, reason)


def _reason(tie: Tie, found: list[Bond]) -> str:
    """Names the bond with the most devices, the first among equals; regions that make a chain are counted instead."""
    if tie is Tie.IOMMU_GROUP:
        return f"are in {_through(found)}"
    widest = max(found, key=lambda bond: len(bond.devices))
    if tie is not Tie.REGION or len(found) == 1:
        return widest.reason + (f" and {len(found) - 1} more" if len(found) > 1 else "")
    every = len({address for bond in found for address in bond.devices})
    kind = f"{len(found)} {widest.through.partition(' ')[0]}s"
    if all(len(bond.devices) == every for bond in found):
        return f"share {kind}"
    if len(widest.devices) == every:
        return f"{widest.reason}, some of them {len(found) - 1} more"
    return f"are tied together by {kind}"


def _through(found: list[Bond]) -> str:
    numbers = [bond.through for bond in found if bond.tie is Tie.IOMMU_GROUP]
    words = [f"IOMMU {'group' if len(numbers) == 1 else 'groups'} {', '.join(numbers)}"] if numbers else []
    words += dict.fromkeys(bond.through for bond in found if bond.tie is not Tie.IOMMU_GROUP)
    return ", ".join(words[:3])


def _regions(host: Host) -> Iterator[Bond]:
    for region in host.regions:
        members = _members(host, region)
        if len(members) > 1:
            name = f"{region.kind.upper()} {region.start:#x}"
            yield Bond(Tie.REGION, tuple(members), f"share {name}", name)


def _members(host: Host, region: ReservedRegion) -> list[Sbdf]:
    """The listed devices that a region names."""
    if any(scope.kind in (ScopeKind.RANGE, ScopeKind.ALL) for scope in region.scopes):
        return sorted(device.address for device in host.devices if region.covers(device.address))
    named = {scope.device for scope in region.scopes if scope.device is not None}
    return sorted(address for address in named if address in host.by_address and address.segment == region.segment)


def _kernel_groups(host: Host) -> Iterator[Bond]:
    groups: dict[int, list[Sbdf]] = {}
    for device in host.devices:
        if device.iommu_group is not None:
            groups.setdefault(device.iommu_group, []).append(device.address)
    for number, members in sorted(groups.items()):
        yield Bond(Tie.IOMMU_GROUP, tuple(sorted(members)), f"are in IOMMU group {number}", str(number))


def _by_links(host: Host) -> Iterator[Bond]:
    """What requester ids tie, and what missing ACS does among the devices without a kernel's group."""
    found = grouping(host)
    ungrouped = {device.address for device in host.devices if device.iommu_group is None and not device.is_bridge}
    yield from _requesters(host, [link for link in found.links if link.cause is Cause.REQUESTER])
    tied: set[Sbdf] = set()
    for members, links in _components(host, found.links):
        loose = tuple(address for address in members if address in ungrouped)
        if len(loose) < 2:
            continue
        ports = sorted({link.at for link in links if link.cause is Cause.PORT})
        functions = {link.one.slot for link in links if link.cause is Cause.FUNCTIONS}
        if ports:
            tied.update(loose)
            why = acs.why_not(host.by_address[ports[0]])
            many = f" and {len(ports) - 1} more ports, which do" if len(ports) > 1 else ", which does"
            reason = f"are behind {ports[0].short}{many} not keep them apart (ACS: {why})"
            yield Bond(Tie.ACS, loose, reason, f"port {ports[0].short}")
        for slot in sorted(functions):
            mates = tuple(address for address in loose if address.slot == slot)
            if len(mates) > 1:
                tied.update(mates)
                reason = f"are functions of slot {_slot(slot)} that nothing keeps apart (no ACS)"
                yield Bond(Tie.FUNCTIONS, mates, reason, f"slot {_slot(slot)}")
        if any(link.cause is Cause.REQUESTER for link in links):
            tied.update(loose)
    for address in sorted(ungrouped - tied - found.unknown):
        yield Bond(Tie.ISOLATED, (address,), "are isolated from all other devices", "")


def _requesters(host: Host, links: list[Link]) -> Iterator[Bond]:
    for members, merged in _components(host, links):
        devices = tuple(address for address in members if not host.by_address[address].is_bridge)
        bridge = min(link.at for link in merged)
        if len(devices) > 1:
            reason = f"are behind the bridge {bridge.short} to conventional PCI and share one requester id"
            yield Bond(Tie.REQUESTER, devices, reason, f"the bridge {bridge.short}")


def _components(host: Host, links: list[Link] | tuple[Link, ...]) -> Iterator[tuple[list[Sbdf], list[Link]]]:
    """The functions that links connect, with the links between them."""
    sets = AddressSets(host.by_address)
    for link in links:
        sets.join((link.one, link.other))
    by_root: dict[Sbdf, list[Link]] = {}
    for link in links:
        by_root.setdefault(sets.root(link.one), []).append(link)
    for root, members in sets.sets().items():
        if root in by_root:
            yield members, by_root[root]


def _pages(host: Host) -> Iterator[Bond]:
    """Memory BARs smaller than a page that lie in one page (larger ones are aligned to their size)."""
    pages: dict[int, set[Sbdf]] = {}
    for device in host.devices:
        for bar in device.bars:
            if bar.kind != "io" and bar.start is not None and bar.size < PAGE:
                pages.setdefault(bar.start // PAGE, set()).add(device.address)
    for page, members in sorted(pages.items()):
        if len(members) > 1:
            where = f"the 4 KiB page {page * PAGE:#x}"
            yield Bond(Tie.PAGE, tuple(sorted(members)), f"have BARs in {where}", where)


def _resets(host: Host) -> Iterator[Bond]:
    """Devices of one bus behind a bridge where one can be reset only by resetting the bus."""
    above = upstream_bridges(host)
    buses: dict[tuple[int, int], list[PciDevice]] = {}
    for device in host.devices:
        key = (device.address.segment, device.address.bus)
        if key in above and not device.is_bridge and device.physfn is None:
            buses.setdefault(key, []).append(device)
    for (segment, bus), members in sorted(buses.items()):
        if len(members) > 1 and any(reset_scope(device) is ResetScope.BUS for device in members):
            where = f"bus {bus:02x}" if segment == 0 else f"bus {segment:04x}:{bus:02x}"
            devices = tuple(sorted(device.address for device in members))
            yield Bond(Tie.RESET, devices, f"are reset together, with {where}", f"the reset of {where}")


def _slot(address: Sbdf) -> str:
    return address.short.rpartition(".")[0]
