"""Buses and bridges: where a DMAR path leads, and what stands between a function and its root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.host import DeviceScope, Host, PciDevice, PortType, ReservedRegion, ScopeKind

_MAX_DEVICE = 0x1F
_MAX_FUNCTION = 7
_PCI_FUNCTIONS = (ScopeKind.ENDPOINT, ScopeKind.BRIDGE)
_CONVENTIONAL_BRIDGES = (PortType.CONVENTIONAL, PortType.PCIE_TO_PCI_BRIDGE, PortType.PCI_TO_PCIE_BRIDGE)


class Resolution(NamedTuple):
    """Where a path leads: the function, or in words why nobody can tell. One of the two is None."""

    device: Sbdf | None
    problem: str | None = None


def resolve(path: str, segment: int, devices: Mapping[Sbdf, PciDevice]) -> Resolution:
    """Follow a scope path ("00:1c.7/00.0": start bus, then device.function of every hop) as Xen does.

    Every hop but the last is a bridge, whose secondary bus the next hop is on (xen/drivers/passthrough/vtd/dmar.c,
    acpi_parse_dev_scope); a path of one hop needs no listing. The function at the end need not be listed. Where a
    bridge is missing Xen would read 0xff for its bus, while we only say which one it is.
    """
    start, _, hops = path.partition(":")
    bus = int(start, 16)
    steps = hops.split("/")
    for index, step in enumerate(steps):
        device, _, function = step.partition(".")
        number, part = int(device, 16), int(function, 16)
        if number > _MAX_DEVICE or part > _MAX_FUNCTION:
            return Resolution(None, f"{step} is no device and function: they go up to 1f.7")
        address = Sbdf(segment, bus, number, part)
        if index + 1 == len(steps):
            return Resolution(address)
        secondary = _secondary(address, devices)
        if isinstance(secondary, str):
            return Resolution(None, secondary)
        bus = secondary
    raise AssertionError("a path has at least one hop")


def resolve_scopes(host: Host) -> Host:
    """`host` with every scope path followed: `device` where it leads, else `problem` in words.

    Scopes without a path (IVMD, or written by hand) stay as they are, and a device found earlier is kept where this
    listing cannot tell. Entries of an unknown type are not followed: Xen skips them.
    """
    known: dict[tuple[int, str], Resolution] = {}

    def resolved(scope: DeviceScope, segment: int) -> DeviceScope:
        if scope.path is None:
            return scope
        if scope.kind is ScopeKind.UNKNOWN:
            return scope.changed(device=None, problem="its type is unknown, so Xen skips it")
        found = known.get((segment, scope.path))
        if found is None:
            found = known[segment, scope.path] = resolve(scope.path, segment, host.by_address)
        if found.device is None and scope.device is not None:
            return scope
        return scope.changed(device=found.device, problem=found.problem)

    regions = tuple(
        region.changed(scopes=tuple(resolved(scope, region.segment) for scope in region.scopes))
        for region in host.regions
    )
    return host.changed(regions=regions)


def absent_scopes(host: Host) -> tuple[tuple[ReservedRegion, Sbdf], ...]:
    """Functions that a region names but the listing lacks, with the region; nothing without a listing.

    Only endpoints and bridges: an IOAPIC or HPET need not be a PCI function, and ranges name ids, not functions.
    """
    if not host.devices:
        return ()
    return tuple(
        (region, scope.device)
        for region in host.regions
        for scope in region.scopes
        if scope.kind in _PCI_FUNCTIONS and scope.device is not None and scope.device not in host.by_address
    )


def upstream_bridges(host: Host) -> dict[tuple[int, int], Sbdf]:
    """The nearest bridge above every bus, by (segment, bus); root buses are not in it.

    A bus that is no bridge's secondary but inside its range (virtual functions get such buses) belongs to the
    innermost bridge around it. Where two bridges claim one secondary bus, the lower address wins.
    """
    above: dict[tuple[int, int], Sbdf] = {}
    bridges = [(device.address, device.bridge) for device in host.devices if device.bridge is not None]
    # Inner bridges have higher secondary buses, so painting in this order leaves the innermost.
    for address, bridge in sorted(bridges, key=lambda item: (-item[1].secondary, item[0]), reverse=True):
        if bridge.secondary == 0:  # not configured
            continue
        for bus in range(bridge.secondary, max(bridge.secondary, bridge.subordinate) + 1):
            if bus != address.bus:
                above[address.segment, bus] = address
    return above


def parent_bridge(host: Host, address: Sbdf) -> Sbdf | None:
    """The bridge whose secondary side `address` is on; None on a root bus, or where no listed bridge leads there."""
    return upstream_bridges(host).get((address.segment, address.bus))


def path_to_root(host: Host, address: Sbdf, above: Mapping[tuple[int, int], Sbdf] | None = None) -> tuple[Sbdf, ...]:
    """The bridges from the root port down to the one above `address`; empty on a root bus.

    Who asks for many functions passes `upstream_bridges(host)` as `above`. Ends where bridges run in a circle.
    """
    above = upstream_bridges(host) if above is None else above
    path: list[Sbdf] = []
    seen: set[Sbdf] = set()
    bridge = above.get((address.segment, address.bus))
    while bridge is not None and bridge not in seen:
        seen.add(bridge)
        path.append(bridge)
        bridge = above.get((bridge.segment, bridge.bus))
    return tuple(reversed(path))


def scope_path(host: Host, address: Sbdf, above: Mapping[tuple[int, int], Sbdf] | None = None) -> str:
    """The way to `address` as a scope writes it ("00:1c.7/00.0"), which `resolve` follows back.

    Starts at the root bus, so that only a device that is plugged elsewhere changes it. `above` as in `path_to_root`.
    """
    hops = (*path_to_root(host, address, above), address)
    return f"{hops[0].bus:02x}:" + "/".join(f"{hop.device:02x}.{hop.function:x}" for hop in hops)


def conventional_bridge_above(devices: Mapping[Sbdf, PciDevice], address: Sbdf) -> Sbdf | None:
    """The innermost bridge with conventional PCI on a side that `address` is behind, which speaks for it on PCIe.

    As Xen's find_upstream_bridge sees it (pt/pci.c:356-368): functions on bus 0 have none. None,
    too, where the listing does not say what the bridges above it are.
    """
    if address.bus == 0:
        return None
    above = [
        (device.bridge.secondary, device.address)
        for device in devices.values()
        if device.bridge is not None
        and device.port in _CONVENTIONAL_BRIDGES
        and device.address.segment == address.segment
        and device.bridge.secondary <= address.bus <= device.bridge.subordinate
    ]
    return max(above)[1] if above else None


def _secondary(address: Sbdf, devices: Mapping[Sbdf, PciDevice]) -> int | str:
    """The bus behind the bridge at `address`, or why it is not known."""
    unknown = "so what stands behind it is unknown"
    if not devices:
        return f"it leads through the bridge {address}, but there is no device listing, {unknown}"
    device = devices.get(address)
    if device is None:
        return f"no bridge at {address} in the device listing, {unknown}"
    if device.bridge is None and device.is_bridge:
        return f"the device listing does not say which bus is behind the bridge {address}, {unknown}"
    if device.bridge is None:
        return f"{address} is not a bridge according to the device listing, {unknown}"
    if device.bridge.secondary == 0:
        return f"the bridge {address} has no secondary bus number, {unknown}"
    return device.bridge.secondary
