"""Devices that belong together, and why: a shared reserved region, an IOMMU group, or one slot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from planner.model.address import Sbdf
from planner.model.host import Host, ReservedRegion, ScopeKind


class Tie(StrEnum):
    """What holds the devices of a unit together, strongest first."""

    REGION = "region"
    IOMMU_GROUP = "iommu_group"
    SLOT = "slot"


@dataclass(frozen=True, slots=True)
class Unit:
    """Devices that should go to one owner, in order of address; `reason` says why, in words that follow "they"."""

    devices: tuple[Sbdf, ...]
    tie: Tie
    reason: str


def units(host: Host) -> tuple[Unit, ...]:
    """The host's devices as units, each device in exactly one, in order of their first addresses.

    Devices named by one reserved region belong together, and so do those of one IOMMU group; both carry over from
    device to device. Those that neither holds go by slot. A region of AMD's that names a range ties all of it:
    nothing in Xen keeps its devices with one owner, which is one reason to say so. Functions that a scope names but
    the listing lacks are nobody's device and are left out.
    """
    ties = _Ties(device.address for device in host.devices)
    regions = [(region, _members(host, region)) for region in host.regions]
    groups: dict[int, list[Sbdf]] = {}
    for device in host.devices:
        if device.iommu_group is not None:
            groups.setdefault(device.iommu_group, []).append(device.address)
    for members in (*(members for _, members in regions), *groups.values()):
        ties.join(members)
    shared = [(region, members) for region, members in regions if len(members) > 1]
    by_root: dict[Sbdf, list[tuple[ReservedRegion, list[Sbdf]]]] = {}
    for region, members in shared:
        by_root.setdefault(ties.root(members[0]), []).append((region, members))
    group_of = {address: number for number, members in groups.items() for address in members}
    out: list[Unit] = []
    loose: dict[Sbdf, list[Sbdf]] = {}
    for root, devices in ties.sets().items():
        numbers = sorted({group_of[address] for address in devices if address in group_of})
        if root in by_root:
            reason = _regions_reason(by_root[root])
            sharing = {address for _, members in by_root[root] for address in members}
            through = sorted({group_of[address] for address in devices if address not in sharing})
            if through:
                reason += f", some through {_groups(through)}"
            out.append(Unit(tuple(devices), Tie.REGION, reason))
        elif numbers:
            out.append(Unit(tuple(devices), Tie.IOMMU_GROUP, f"are in {_groups(numbers)}"))
        else:
            loose.setdefault(devices[0].slot, []).extend(devices)
    out += [
        Unit(tuple(sorted(devices)), Tie.SLOT, f"are in slot {slot.short.rpartition('.')[0]}")
        for slot, devices in loose.items()
    ]
    return tuple(sorted(out, key=lambda unit: unit.devices[0]))


def _members(host: Host, region: ReservedRegion) -> list[Sbdf]:
    """The listed devices that a region names."""
    if any(scope.kind in (ScopeKind.RANGE, ScopeKind.ALL) for scope in region.scopes):
        return sorted(device.address for device in host.devices if region.covers(device.address))
    named = {scope.device for scope in region.scopes if scope.device is not None}
    return sorted(address for address in named if address in host.by_address and address.segment == region.segment)


def _regions_reason(regions: list[tuple[ReservedRegion, list[Sbdf]]]) -> str:
    """Names the region with the most devices, the first of the table among equals."""
    widest = max(regions, key=lambda item: len(item[1]))[0]
    more = f" and {len(regions) - 1} more" if len(regions) > 1 else ""
    return f"share {widest.kind.upper()} {widest.start:#x}{more}"


def _groups(numbers: list[int]) -> str:
    word = "group" if len(numbers) == 1 else "groups"
    return f"IOMMU {word} {', '.join(str(number) for number in numbers)}"


class _Ties:
    """Disjoint sets of addresses."""

    def __init__(self, addresses: Iterable[Sbdf]) -> None:
        self._parent = {address: address for address in addresses}

    def root(self, address: Sbdf) -> Sbdf:
        while (parent := self._parent[address]) != address:
            self._parent[address] = self._parent[parent]
            address = parent
        return address

    def join(self, members: list[Sbdf]) -> None:
        for member in members[1:]:
            self._parent[self.root(member)] = self.root(members[0])

    def sets(self) -> dict[Sbdf, list[Sbdf]]:
        """The sets, by root; each in order of address."""
        found: dict[Sbdf, list[Sbdf]] = {}
        for address in sorted(self._parent):
            found.setdefault(self.root(address), []).append(address)
        return found
