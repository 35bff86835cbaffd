"""Whether the host has the devices that guests ask for."""

from __future__ import annotations

from dataclasses import replace

from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.host import Host
from planner.model.plan import Plan


def check_devices(host: Host, guest: Guest, host_file: str, *, within: str | None = None) -> None:
    """InputError for the first device of `guest` that `host` lacks: where its config names it, else `within`."""
    for item in guest.pci:
        if item.address is None or host.knows(item.address):
            continue
        from difflib import get_close_matches  # only for a mistyped address

        place = guest.file.place(f"pci[{item.address}]") if guest.file is not None else None
        near = get_close_matches(str(item.address), [str(address) for address in host.by_address], 1, 0.8)
        hint = f"; did you mean {near[0]}?" if near else f"; expected one of its {len(host.devices)} devices"
        raise InputError(
            f"device {item.address} is not in {host_file}{hint}",
            source=guest.file.path if guest.file is not None and (place is not None or within is None) else within,
            line=place.line if place else None,
            column=place.column if place else None,
        )


def without_missing(plan: Plan) -> tuple[Plan, list[str]]:
    """The plan without the devices that its host lacks, and which those were, in words."""
    told: list[str] = []
    guests = []
    for guest in plan.guests:
        missing = [item for item in guest.pci if item.address is not None and not plan.host.knows(item.address)]
        told += [f"{guest.name}: device {item.address} is not in {plan.host_file}; it is left out" for item in missing]
        guests.append(guest.with_pci(tuple(item for item in guest.pci if item not in missing)))
    return replace(plan, guests=tuple(guests)), told
