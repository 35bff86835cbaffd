"""Devices that are given away together: the rest of an isolation unit, or all functions of a slot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.edits import Assign, Edit, Release, Together
from planner.model.errors import EditError
from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.pci.names import is_chipset
from planner.policy.assignable import why_blocked
from planner.xen.hypervisor import Iommu


class Step(NamedTuple):
    """The step, and what it leaves out: each device with the reason."""

    edit: Together
    left_out: tuple[tuple[Sbdf, str], ...]


def together(plan: Plan, iommu: Iommu, guest: Guest, devices: Iterable[Sbdf], what: str) -> Step:
    """The step that gives all of `devices` to `guest`, or takes them away where it has all that it can have.

    Bridges and chipset devices are nobody's; what another guest has, or the profile blocks, is left out and said.
    EditError where that leaves nothing: of a few that the guest has, none is taken away that could not be given back.
    """
    wanted: list[Sbdf] = []
    left_out: list[tuple[Sbdf, str]] = []
    held: list[Sbdf] = []
    for address in devices:
        device = plan.host.by_address.get(address)
        owner = next(iter(plan.owners(address)), None)
        if device is None or is_chipset(device):
            continue
        if owner is not None and owner.name == guest.name:
            held.append(address)
        elif owner is not None:
            left_out.append((address, f"{owner.name} has it"))
        elif reason := why_blocked(plan, iommu, address):
            left_out.append((address, f"blocked: {reason}"))
        else:
            wanted.append(address)
    edits: tuple[Edit, ...] = tuple(Assign(guest.name, address) for address in sorted(wanted))
    if edits:
        return Step(Together(edits, f"assign {what} to {guest.name} ({_some(wanted)})"), tuple(left_out))
    if held and not (left_out and any(why_blocked(plan, iommu, address) for address in held)):
        edits = tuple(Release(guest.name, address) for address in sorted(held))
        return Step(Together(edits, f"release {what} from {guest.name} ({_some(held)})"), ())
    if left_out:
        address, reason = left_out[0]
        where = "" if address.short in reason else f"{address.short}: "
        raise EditError(f"nothing {'more ' if held else ''}of {what} can be assigned: {where}{reason}")
    raise EditError(f"{what} has no device for a guest")


def _some(addresses: list[Sbdf]) -> str:
    return ", ".join(one.short for one in sorted(addresses)) if len(addresses) < 4 else f"{len(addresses)} devices"
