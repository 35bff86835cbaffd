"""IOMMU groups from what the devices say, as Linux would form them: a dom0 kernel has none of its own.

Source: Linux, pci_device_group in drivers/iommu/iommu.c: functions whose requests carry one id, ports that do not
isolate (ACS) and everything behind them, and functions of one slot that do not isolate. One thing is as only the
newest kernels have it: a switch port without ACS passes requests to the ports beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from planner.model.address import Sbdf
from planner.model.host import Host, PciDevice, PortType
from planner.pci.acs import isolates
from planner.pci.memo import once_per_host
from planner.pci.requesters import merges_ids
from planner.pci.sets import AddressSets
from planner.pci.topology import path_to_root, upstream_bridges


class Cause(StrEnum):
    """Why two functions are in one group."""

    REQUESTER = "requester"
    PORT = "port"
    FUNCTIONS = "functions"


@dataclass(frozen=True, slots=True)
class Link:
    """Two functions that no IOMMU keeps apart; `at` is the bridge or port that fails to, or the function itself."""

    cause: Cause
    one: Sbdf
    other: Sbdf
    at: Sbdf


@dataclass(frozen=True, slots=True)
class Grouping:
    """`links` between functions of the host, and the functions of which too little is known to place them."""

    links: tuple[Link, ...]
    unknown: frozenset[Sbdf]


@dataclass(frozen=True, slots=True)
class Difference:
    """Functions that the kernel groups otherwise than their own facts do."""

    devices: tuple[Sbdf, ...]
    kernel: tuple[int, ...]
    together: bool

    @property
    def words(self) -> str:
        """The difference in a sentence."""
        names = ", ".join(address.short for address in self.devices)
        numbers = ", ".join(map(str, self.kernel))
        if self.together:
            return f"the kernel keeps {names} together in IOMMU group {numbers}; by their own facts they are isolated"
        return f"the kernel has {names} in IOMMU groups {numbers}; by their own facts nothing keeps them apart"


def grouping(host: Host) -> Grouping:
    """What ties the host's functions, from port types, ACS and bridges."""
    tree = _Tree(host)
    links: list[Link] = []
    unknown: set[Sbdf] = set()
    for device in host.devices:
        found = list(tree.links(device))
        links += [link for link in found if link is not None]
        if None in found:
            unknown.add(device.address)
    return Grouping(tuple(dict.fromkeys(links)), frozenset(unknown))


@once_per_host
def differences(host: Host) -> tuple[Difference, ...]:
    """Where the kernel's groups (`iommu_group`) and ours disagree, among the functions that both place.

    A kernel knows quirks of its own version, and one that was started with an ACS override trusts what is not so.
    """
    ours = grouping(host)
    placed = {
        device.address: device.iommu_group
        for device in host.devices
        if device.iommu_group is not None and device.address not in ours.unknown
    }
    sets = AddressSets(host.by_address)
    for link in ours.links:
        sets.join((link.one, link.other))
    by_kernel: dict[int, list[Sbdf]] = {}
    for address, number in sorted(placed.items()):
        by_kernel.setdefault(number, []).append(address)
    found = [
        Difference(tuple(members), (number,), together=True)
        for number, members in by_kernel.items()
        if len({sets.root(address) for address in members}) > 1
    ]
    for members in sets.sets().values():
        shown = tuple(address for address in members if address in placed)
        numbers = tuple(sorted({placed[address] for address in shown}))
        if len(numbers) > 1:
            found.append(Difference(shown, numbers, together=False))
    return tuple(sorted(found, key=lambda difference: difference.devices))


class _Tree:
    """A host's functions and bridges, asked many times."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._above = upstream_bridges(host)
        self._amd = host.iommu == "amd"
        self._slots: dict[Sbdf, list[PciDevice]] = {}
        for device in host.devices:
            self._slots.setdefault(device.address.slot, []).append(device)
        self._downstream: dict[tuple[int, int], list[PciDevice]] = {}
        for device in host.devices:
            if device.port is PortType.DOWNSTREAM_PORT:
                self._downstream.setdefault((device.address.segment, device.address.bus), []).append(device)
        self._isolates: dict[Sbdf, bool | None] = {}

    def links(self, device: PciDevice) -> Iterator[Link | None]:
        """What ties `device`; None among them says that a fact is missing."""
        if device.port is None:
            yield None
        path = path_to_root(self._host, device.address, self._above)
        bridges = [self._host.by_address[hop] for hop in reversed(path)]
        lead, start = device, 0
        for depth, bridge in enumerate(bridges):
            merges = merges_ids(bridge)
            if merges is None:
                yield None
                yield from self._functions(device)  # whatever the bridge is
                return
            if merges:
                yield Link(Cause.REQUESTER, lead.address, bridge.address, bridge.address)
                lead, start = bridge, depth + 1
        for depth in range(start, len(bridges)):
            blocks = self._path_isolates(bridges[depth:])
            if blocks is None:
                yield None
                yield from self._functions(lead)
                return
            if blocks:
                break
            at = next(bridge for bridge in bridges[depth:] if self.isolates(bridge) is False)
            yield Link(Cause.PORT, lead.address, bridges[depth].address, at.address)
            lead = bridges[depth]
        yield from self._functions(lead)
        yield from self._ports_beside(device)

    def isolates(self, device: PciDevice) -> bool | None:
        """`acs.isolates` for this host."""
        address = device.address
        if address not in self._isolates:
            on_root = (address.segment, address.bus) not in self._above
            many = self._multifunction(device)
            self._isolates[address] = isolates(device, multifunction=many, on_root_bus=on_root, amd=self._amd)
        return self._isolates[address]

    def _path_isolates(self, bridges: list[PciDevice]) -> bool | None:
        answers = [self.isolates(bridge) for bridge in bridges]
        return False if False in answers else None if None in answers else True

    def _functions(self, lead: PciDevice) -> Iterator[Link | None]:
        if not self._multifunction(lead):
            return
        mine = self.isolates(lead)
        for mate in self._slots[lead.address.slot]:
            if mate is lead or mate.physfn is not None:
                continue
            theirs = self.isolates(mate)
            if mine is False and theirs is False:
                first, second = sorted((lead.address, mate.address))
                yield Link(Cause.FUNCTIONS, first, second, first)
            elif None in (mine, theirs) and True not in (mine, theirs):
                yield None

    def _ports_beside(self, device: PciDevice) -> Iterator[Link]:
        if device.port is PortType.DOWNSTREAM_PORT and self.isolates(device) is False:
            for mate in self._downstream[device.address.segment, device.address.bus]:
                if mate is not device:
                    yield Link(Cause.PORT, device.address, mate.address, device.address)

    def _multifunction(self, device: PciDevice) -> bool:
        """Linux counts every function but 0 so, and 0 where its header says so; a virtual function never."""
        if device.physfn is not None:
            return False
        alone = len(self._slots[device.address.slot]) == 1
        return bool(device.address.function or device.multifunction or (device.multifunction is None and not alone))
