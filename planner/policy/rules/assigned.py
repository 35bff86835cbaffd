"""The devices that a guest asks for, as the inventory knows them."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.host import PciDevice
from planner.policy.findings import Context
from planner.xen.build import Build


def assigned(context: Context, build: Build) -> Iterator[PciDevice]:
    """The guest's devices in the order of its config, each once; unlisted ones are left out."""
    known = context.plan.host.by_address
    for address in dict.fromkeys(item.address for item in build.guest.pci):
        if address is not None and (device := known.get(address)) is not None:
            yield device
