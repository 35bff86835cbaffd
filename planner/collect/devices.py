"""PCI functions from several sources: the best listing says which there are, the others fill its gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from planner.collect.recognise import SYSFS_LABEL, Source
from planner.collect.words import count, listed
from planner.formats.config_space import BarRegister
from planner.formats.lspci import UNKNOWN
from planner.model.address import Sbdf
from planner.model.host import Bar, PciDevice

_FACTS = tuple(name for name in PciDevice.__struct_fields__ if name != "address")
_COMPARED = (
    *("subsystem", "revision", "driver", "numa_node", "iommu_group", "physfn", "port", "acs", "interrupt_pin"),
    *("msi", "msix", "virtual_functions", "bridge", "bars"),
)
"""What two sources ought to agree on. Names differ between versions of pci.ids, IRQs from boot to boot."""
_WEAK = ("lspci -t", "IOMMU groups")


@dataclass(slots=True)
class Devices:
    """The functions, what they were learned from, and notes."""

    devices: tuple[PciDevice, ...] = ()
    source: str | None = None
    found: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)


def merge_devices(sources: Sequence[Source]) -> Devices:
    """The functions of the best source that lists them all, completed from the others."""
    listings = [source for source in sources if source.facts.lists_all and source.facts.devices]
    merged = Devices()
    if not listings:
        return merged
    best = max(listings, key=_rank)
    known = {device.address: device for device in best.facts.devices}
    others = [source for source in sources if source is not best and source.facts.devices]
    used = [source.label for source in others if _merge(known, source, best, merged)]
    _size_bars(known, sources)
    merged.devices = tuple(known.values())
    merged.source = best.title + (f", completed from {listed(used)}" if used else "")
    return merged


def _rank(source: Source) -> tuple[int, bool, int]:
    devices = source.facts.devices
    facts = sum(getattr(device, name) not in UNKNOWN for device in devices for name in _FACTS)
    weak = any(word in source.title for word in _WEAK)
    return len(devices) if not weak else 0, source.label == SYSFS_LABEL, facts


def _merge(known: dict[Sbdf, PciDevice], source: Source, best: Source, merged: Devices) -> bool:
    """Fill the gaps of `known` from another source; whether it had anything to add."""
    ours = {address: device.id for address, device in known.items()}
    for device in source.facts.devices:
        expected = ours.get(device.address)
        if expected and device.id and expected != device.id:
            merged.differs.append(
                f"{source.label} was not used: it has another device at {device.address} than {best.label} "
                f"({device.id}, not {expected}), so it may be of another machine."
            )
            return False
    if _is_directory(source, known):
        merged.found.append(f"{source.label} names bridges, so it only lists addresses and was not used.")
        return False
    filled = 0
    extra: list[Sbdf] = []
    conflicts: dict[str, list[tuple[Sbdf, object, object]]] = {}
    for device in source.facts.devices:
        present = known.get(device.address)
        if present is None:
            extra.append(device.address)
            continue
        updates = _gaps(present, device)
        for name in _COMPARED:
            mine, theirs = getattr(present, name), getattr(device, name)
            if mine not in UNKNOWN and theirs not in UNKNOWN and _differ(name, mine, theirs):
                conflicts.setdefault(name, []).append((device.address, mine, theirs))
        if updates:
            known[device.address] = present.changed(**updates)
            filled += 1
    merged.differs += [_conflict(name, found, source, best) for name, found in conflicts.items()]
    adds = f"completes {count(filled, 'function')} of {best.label}" if filled else f"adds nothing to {best.label}"
    merged.found.append(f"{source.label} {adds}.")
    if extra:
        merged.differs.append(
            f"{source.label} has {count(len(extra), 'function')} that {best.label} does not have ({extra[0]}"
            f"{' and others' if len(extra) > 1 else ''}); the list of {best.label} was used."
        )
    return bool(filled)


def _is_directory(source: Source, known: Mapping[Sbdf, PciDevice]) -> bool:
    """Whether what looks like `xl pci-assignable-list` is a mere `ls` of addresses: nobody can assign a bridge."""
    assignable = source.title.startswith("xl pci-assignable-list")
    return assignable and any(
        known[device.address].is_bridge for device in source.facts.devices if device.address in known
    )


def _gaps(present: PciDevice, other: PciDevice) -> dict[str, Any]:
    updates = {
        name: getattr(other, name)
        for name in _FACTS
        if getattr(present, name) in UNKNOWN and getattr(other, name) not in UNKNOWN
    }
    # Six digits of a class say more than four.
    mine, theirs = present.class_code or "", other.class_code or ""
    if mine and theirs.startswith(mine) and theirs != mine:
        updates["class_code"] = theirs
    return updates


def _differ(name: str, mine: Any, theirs: Any) -> bool:  # noqa: ANN401 - any field of a device
    if name == "bars":
        placed = {bar.index: bar for bar in theirs}
        return any(bar.index in placed and _bar(bar) != _bar(placed[bar.index]) for bar in mine)
    if name == "driver":  # two names of one driver
        return bool(str(mine).removeprefix("xen-") != str(theirs).removeprefix("xen-"))
    return bool(mine != theirs)


def _bar(bar: Bar) -> tuple[object, ...]:
    return bar.kind, bar.start, bar.size


def _conflict(name: str, found: list[tuple[Sbdf, object, object]], source: Source, best: Source) -> str:
    address, mine, theirs = found[0]
    others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return (
        f"{best.label} and {source.label} differ over {name} of {address}{others}: {_shown(mine)} and "
        f"{_shown(theirs)}; {best.label} was used."
    )


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(item) for item in value) or "none"
    if isinstance(value, Bar):
        start = "no address" if value.start is None else f"{value.start:#x}"
        return f"BAR {value.index} {value.kind} at {start} of {value.size:#x} bytes"
    return str(value)


def _size_bars(known: dict[Sbdf, PciDevice], sources: Sequence[Source]) -> None:
    """Where only registers are known, /proc/iomem has the sizes: a BAR's range starts where its register points."""
    registers: dict[Sbdf, tuple[BarRegister, ...]] = {}
    decoded: dict[Sbdf, Mapping[int, int]] = {}
    for source in sources:
        registers |= source.facts.registers
        decoded |= {address: dict(ranges) for address, ranges in source.facts.decoded.items()}
    for address, device in known.items():
        if device.bars:
            continue
        ends = decoded.get(address, {})
        bars = tuple(
            Bar(
                index=register.index,
                kind=register.kind,
                start=register.start,
                size=ends[register.start] - register.start + 1,
                prefetchable=register.prefetchable,
            )
            for register in registers.get(address, ())
            if register.start in ends
        )
        if bars:
            known[address] = device.changed(bars=bars)
