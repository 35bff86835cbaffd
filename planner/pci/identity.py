"""Which device is which when addresses move: identities, and whether a pinned one is still there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from planner.model.address import Sbdf
from planner.model.host import Host
from planner.model.plan import Pin, Plan
from planner.pci.topology import scope_path, upstream_bridges


def pin(host: Host, address: Sbdf, above: Mapping[tuple[int, int], Sbdf] | None = None) -> Pin:
    """The identity of the function at `address`; only its path where the listing lacks it.

    Who asks for many functions passes `upstream_bridges(host)` as `above`.
    """
    device = host.by_address.get(address)
    path = scope_path(host, address, above)
    return Pin(device.id or "", device.subsystem or "", path) if device is not None else Pin(path=path)


def pins(host: Host, addresses: Iterable[Sbdf]) -> dict[Sbdf, Pin]:
    """The identities of `addresses`, in order of address."""
    above = upstream_bridges(host)
    return {address: pin(host, address, above) for address in sorted(set(addresses))}


def pinned(plan: Plan) -> Plan:
    """`plan` with a pin for every device that a guest has or may be given while it runs: the plan's own where there is
    one, else what is there now.
    """  # noqa: D205
    wanted = {item.address for guest in plan.guests for item in guest.pci if item.address is not None}
    wanted |= {address for devices in plan.candidates.values() for address in devices}
    known = {address: one for address, one in plan.pins.items() if address in wanted}
    listed = [address for address in wanted if address in plan.host.by_address]
    return replace(plan, pins=pins(plan.host, listed) | known)


def differs(expected: Pin, found: Pin) -> str | None:
    """In words why `found` is another device than the one that was pinned, or None.

    What either side does not know is no difference. A path alone that changed is one: the same card in another slot,
    or its like.
    """
    for what, was, now in (
        ("id", expected.id, found.id),
        ("subsystem", expected.subsystem, found.subsystem),
        ("path", expected.path, found.path),
    ):
        if was and now and was != now:
            return f"{what} {now} instead of {was}"
    return None


def find(host: Host, wanted: Pin) -> tuple[Sbdf, ...]:
    """Where the pinned device is now: at its path if its ids are there, else everywhere that they are."""
    above = upstream_bridges(host)
    found = [
        (device.address, pin(host, device.address, above)) for device in host.devices if wanted.id == (device.id or "")
    ]
    alike = [(address, one) for address, one in found if not wanted.subsystem or one.subsystem == wanted.subsystem]
    here = tuple(address for address, one in alike if one.path == wanted.path)
    return here or tuple(address for address, _ in alike)
