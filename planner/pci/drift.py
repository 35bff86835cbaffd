"""What changed between two inventories of one machine: devices that came, went or moved, BARs, groups and regions.

A device is known by its way from the root and its ids, so a renumbering of buses is no change of cards.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from planner.model.address import Sbdf
from planner.model.host import Bar, Host, PciDevice, ReservedRegion
from planner.model.plan import Pin
from planner.model.span import format_size
from planner.pci.identity import differs, pin
from planner.pci.names import full_name
from planner.pci.topology import upstream_bridges


class Kind(StrEnum):
    """What happened to a device, a region or the host."""

    APPEARED = "appeared"
    VANISHED = "vanished"
    MOVED = "moved"
    REPLACED = "replaced"
    BAR = "bar"
    GROUP = "group"
    REGION = "region"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Change:
    """One change, in words; `old` and `new` are the device's address before and after, None where it was not there."""

    kind: Kind
    text: str
    old: Sbdf | None = None
    new: Sbdf | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """All changes, devices first in order of address; `now` says where each device that stayed is now."""

    changes: tuple[Change, ...]
    now: Mapping[Sbdf, Sbdf]


def compare(old: Host, new: Host) -> Drift:
    """What changed from `old` to `new`. Where one of them has no listing, nothing is said about devices."""
    now = _matched(old, new) if old.devices and new.devices else {}
    changes = [*_devices(old, new, now)] if now or (old.devices and new.devices) else []
    changes += [*_regions(old, new), *_facts(old, new)]
    return Drift(tuple(changes), now)


def _matched(old: Host, new: Host) -> dict[Sbdf, Sbdf]:
    """Which device of `new` each one of `old` is: by path and ids, then by address and ids, then by ids alone."""
    before, after = _identities(old), _identities(new)
    now: dict[Sbdf, Sbdf] = {}
    keys: tuple[Callable[[Sbdf, Pin], Hashable], ...] = (
        lambda address, one: (address.segment, one.path, one.id, one.subsystem),
        lambda address, one: (address, one.id, one.subsystem),
        lambda address, one: (address, one.id),
        lambda _, one: (one.id, one.subsystem) if one.id else None,
    )
    for key in keys:
        free: dict[Hashable, list[Sbdf]] = {}
        taken = set(now.values())
        for address, one in after.items():
            if address not in taken:
                free.setdefault(key(address, one), []).append(address)
        for address, one in before.items():
            places = free.get(key(address, one)) if address not in now and key(address, one) is not None else None
            if places:
                now[address] = places.pop(0)
    return now


def _identities(host: Host) -> dict[Sbdf, Pin]:
    above = upstream_bridges(host)
    return {address: pin(host, address, above) for address in sorted(host.by_address)}


def _devices(old: Host, new: Host, now: Mapping[Sbdf, Sbdf]) -> Iterator[Change]:
    came = set(new.by_address) - set(now.values())
    before, after = _identities(old), _identities(new)
    for address, device in sorted(old.by_address.items()):
        if address in now:
            yield from _stayed(old, new, address, now)
        elif address in came:
            came.discard(address)
            other = new.by_address[address]
            why = differs(before[address], after[address]) or "another device"
            text = f"{address.short} is {_called(other)} and was {_called(device)} ({why})"
            yield Change(Kind.REPLACED, text, address, address)
        else:
            yield Change(Kind.VANISHED, f"{address.short} {_called(device)} is gone", address)
    for address in sorted(came):
        yield Change(Kind.APPEARED, f"{address.short} {_called(new.by_address[address])} is new", new=address)


def _stayed(old: Host, new: Host, address: Sbdf, now: Mapping[Sbdf, Sbdf]) -> Iterator[Change]:
    place = now[address]
    before, after = old.by_address[address], new.by_address[place]
    if place != address:
        text = f"{_called(before)} moved from {address.short} to {place.short}"
        yield Change(Kind.MOVED, text, address, place)
    for text in _bars(before, after):
        yield Change(Kind.BAR, f"{place.short}: {text}", address, place)
    if before.iommu_group is not None and after.iommu_group is not None:
        mates = {now.get(mate) for mate in _mates(old, before.iommu_group)}
        names = set(_mates(new, after.iommu_group))
        lost, gained = sorted(mates - names - {None}, key=str), sorted(names - mates)
        if lost or gained:
            words = [f"without {', '.join(one.short for one in lost if one is not None)}"] if lost else []
            words += [f"with {', '.join(one.short for one in gained)}"] if gained else []
            yield Change(Kind.GROUP, f"{place.short} is now in a group {' and '.join(words)}", address, place)


def _mates(host: Host, group: int) -> list[Sbdf]:
    return [device.address for device in host.devices if device.iommu_group == group]


def _bars(before: PciDevice, after: PciDevice) -> Iterator[str]:
    if not before.bars or not after.bars:
        return  # a listing without sizes has none
    was, now = ({bar.index: bar for bar in device.bars} for device in (before, after))
    for index in sorted(was.keys() | now.keys()):
        name = "ROM" if index == 6 else f"BAR {index}"
        if index not in now:
            yield f"{name} ({_bar(was[index])}) is gone"
        elif index not in was:
            yield f"{name} ({_bar(now[index])}) is new"
        elif (was[index].size, was[index].kind, was[index].start) != (
            now[index].size,
            now[index].kind,
            now[index].start,
        ):
            yield f"{name} was {_bar(was[index])} and is {_bar(now[index])}"


def _bar(bar: Bar) -> str:
    place = f" at {bar.start:#x}" if bar.start is not None else ""
    return f"{bar.kind} {format_size(bar.size)}{place}"


def _regions(old: Host, new: Host) -> Iterator[Change]:
    """Regions by their bytes, then by the devices they name; nothing where one side has not looked."""
    if not (old.regions or old.sources.regions) or not (new.regions or new.sources.regions):
        return
    left = list(new.regions)
    unmatched = []
    for region in old.regions:
        same = next((other for other in left if (other.kind, other.span) == (region.kind, region.span)), None)
        if same is None:
            unmatched.append(region)
            continue
        left.remove(same)
        if _scopes(same) != _scopes(region):
            yield Change(Kind.REGION, f"{_region(region)} was for {_scopes(region)} and is for {_scopes(same)}")
    for region in unmatched:
        same = next((other for other in left if _scopes(other) == _scopes(region)), None)
        if same is None:
            yield Change(Kind.REGION, f"{_region(region)} for {_scopes(region)} is gone")
        else:
            left.remove(same)
            yield Change(Kind.REGION, f"{_region(region)} is now at {same.span} ({format_size(same.span.size)})")
    for region in left:
        yield Change(Kind.REGION, f"{_region(region)} for {_scopes(region)} is new")


def _region(region: ReservedRegion) -> str:
    return f"{region.kind.upper()} {region.span} ({format_size(region.span.size)})"


def _scopes(region: ReservedRegion) -> str:
    """The scope in words; by path where it has one, for that is what firmware writes."""
    names = [
        scope.path or (scope.device.short if scope.device is not None else str(scope.kind)) for scope in region.scopes
    ]
    return ", ".join(names) or "nobody"


def _facts(old: Host, new: Host) -> Iterator[Change]:
    facts = (
        ("Xen", old.xen, new.xen),
        ("the IOMMU", old.iommu, new.iommu),
        ("interrupt remapping", old.interrupt_remapping, new.interrupt_remapping),
        ("Xen's command line", old.xen_command_line or None, new.xen_command_line or None),
        ("memory", old.memory, new.memory),
    )
    for name, was, now in facts:
        if was != now and was is not None and now is not None and "unknown" not in (was, now):
            yield Change(Kind.HOST, f"{name} was {_fact(name, was)} and is {_fact(name, now)}")


def _fact(name: str, value: str | int) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return format_size(value) if isinstance(value, int) else value


def _called(device: PciDevice) -> str:
    return full_name(device) or device.id or "a device without a name"
