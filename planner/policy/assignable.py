"""Whether a device may be given to a guest at all, in words, before anybody tries."""

from __future__ import annotations

from planner.model.address import Sbdf
from planner.model.guest import Guest
from planner.model.host import PciDevice
from planner.model.plan import Plan, Profile
from planner.model.span import format_size
from planner.policy.rules.rdm import sharers
from planner.xen.hypervisor import Iommu

_BRIDGES = {"0600": "a host bridge", "0601": "the bridge to ISA or LPC", "0604": "a bridge to other PCI devices"}


def wants_reason(plan: Plan, iommu: Iommu, guest: Guest) -> tuple[Sbdf, ...]:
    """The guest's devices that only the xen profile lets it have, while nobody has written down why it may."""
    if plan.profile is not Profile.XEN or plan.reasons.get(guest.name):
        return ()
    addresses = [item.address for item in guest.pci if item.address is not None]
    return tuple(one for one in addresses if any(rdm.is_shared for rdm in iommu.regions_of(one)))


def why_blocked(plan: Plan, iommu: Iommu, address: Sbdf, *, full: bool = False) -> str | None:
    """Why the plan's profile forbids assigning `address`, or None where it does not; `full` names all that share.

    Under `default` a shared RMRR blocks (the design's word); under `xen` only what no policy makes possible does.
    """
    device = plan.host.by_address.get(address)
    if device is not None and (part := _part_of_the_machine(device)):
        return f"{address.short} is {part}"
    if not address.fits_xen:
        return f"{address} has a segment of more than 16 bits, which Xen cannot name"
    if not iommu.enabled:
        return f"the host has no working IOMMU: {iommu.error}"
    shared = [rdm for rdm in iommu.regions_of(address) if rdm.is_shared]
    if plan.profile is Profile.XEN or not shared:
        return None
    first = shared[0]
    others = sharers(plan.host, first, address)
    shown = len(others) if full else 4
    named = ", ".join(others[:shown]) + (f" and {len(others) - shown} more" if len(others) > shown else "")
    rest = ", ".join(str(rdm.span) for rdm in shared[1:]) if full else f"{len(shared) - 1} more shared regions"
    more = f" (and {rest})" if len(shared) > 1 else ""
    return (
        f"{address.short} shares RMRR {first.span} ({format_size(first.span.size)}) with {named}{more}: "
        "two owners of one region could read and change each other's memory"
    )


def _part_of_the_machine(device: PciDevice) -> str | None:
    """What a function is that no guest gets, whatever the profile; None where a guest may have it."""
    if device.is_iommu:
        return "an IOMMU: Xen itself drives it, and takes it away from dom0 too"
    if device.bridge is not None:
        return "a bridge: other devices stand behind it, and Xen gives no bridge to a guest"
    if device.is_bridge:
        return f"{_BRIDGES.get((device.class_code or '')[:4], 'a bridge')}, part of the chipset: no guest gets one"
    return None
