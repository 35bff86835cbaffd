"""Who has a device: guests, or dom0; and devices that belong together but have several owners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.model.address import Sbdf
from planner.model.guest import Guest
from planner.model.host import PciDevice
from planner.model.plan import Plan

_STUBS = ("pciback", "xen-pciback", "vfio-pci")
_SHOWN = 4
SPLIT = ("RDM105", "RDM117", "BAR307", "PCI504", "PCI505")
"""The rules, and all of GRP, that speak of devices that belong together and have several owners."""


@dataclass(frozen=True, slots=True)
class Split:
    """What one guest has of devices that belong together, and who has the others (a guest's name, or "dom0")."""

    guest: Guest
    mine: tuple[Sbdf, ...]
    others: tuple[tuple[Sbdf, str], ...]

    @property
    def only_dom0(self) -> bool:
        """Whether no other guest is concerned."""
        return all(owner == "dom0" for _, owner in self.others)

    @property
    def words(self) -> str:
        """The others and their owners."""
        named = [f"{address.short} in {owner}" for address, owner in self.others]
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        return ", ".join(named[:_SHOWN]) + more


def used_by_dom0(plan: Plan, address: Sbdf) -> bool:
    """Whether a driver of dom0's works with the device and no guest asks for it."""
    device = plan.host.by_address.get(address)
    return device is not None and device.driver is not None and not is_set_aside(device) and not plan.owners(address)


def is_set_aside(device: PciDevice) -> bool:
    """Whether a stub holds the device for guests, so that dom0 has no use of it any more."""
    return device.driver in _STUBS


class Owners:
    """Who asks for what, of a plan that is asked about many devices."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.by_device: dict[Sbdf, list[Guest]] = {}
        for guest in plan.guests:
            for item in guest.pci:
                if item.address is not None and guest not in self.by_device.setdefault(item.address, []):
                    self.by_device[item.address].append(guest)

    def splits(self, devices: Sequence[Sbdf]) -> Iterator[Split]:
        """For each guest that has some of `devices`: those that others have. Nothing where one owner has them all."""
        owned = [(address, guest) for address in devices for guest in self.by_device.get(address, ())]
        if not owned:
            return
        dom0 = [(address, "dom0") for address in devices if used_by_dom0(self._plan, address)]
        for guest in {guest.name: guest for _, guest in owned}.values():
            mine = tuple(address for address, owner in owned if owner.name == guest.name)
            theirs = [(address, owner.name) for address, owner in owned if address not in mine]
            if theirs or dom0:
                yield Split(guest, mine, (*theirs, *dom0))
