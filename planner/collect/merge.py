"""One host from what several artefacts say: those that agree confirm each other, those that differ are told of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from planner.collect import in_use
from planner.collect.devices import Devices, merge_devices
from planner.collect.recognise import Recognised, Source
from planner.collect.regions import Regions, merge_regions
from planner.collect.words import LISTING_COMMAND, TABLE_PLACES, count, listed
from planner.formats.archive import Archive
from planner.formats.facts import Facts, Trust
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.host import Host, MemoryRange, PciDevice, ReservedRegion, Sources
from planner.pci.topology import absent_scopes, resolve_scopes

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Collection:
    """An inventory, and in plain sentences what was found, where sources differ, and what is missing."""

    host: Host
    found: tuple[str, ...]
    differs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """All the sentences."""
        return self.found + self.differs + self.missing


@dataclass(slots=True)
class _Notes:
    found: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def merge(recognised: Recognised, archive: Archive, name: str) -> Collection:
    """The host that the sources describe. InputError when there are none, or when two tables contradict each other."""
    sources = recognised.sources
    notes = _Notes(found=[*_described(sources), *archive.notes])
    if recognised.unknown:
        are = "is" if len(recognised.unknown) == 1 else "are"
        notes.found.append(f"{listed(recognised.unknown)} {are} none of the artefacts that are read here.")
    if not sources:
        raise InputError(
            "found nothing to make an inventory of: looked for a raw ACPI table (DMAR, RMAD or IVRS; "
            f"{TABLE_PLACES}), the output of {LISTING_COMMAND}, a copy of sysfs, and logs. " + " ".join(notes.found[:5])
        )
    regions = merge_regions(sources)
    devices = merge_devices(sources)
    uses = in_use.uses(archive)
    notes.differs += [*regions.differs, *devices.differs]
    xen, xen_source = _agreed(sources, "Xen's release", lambda facts: facts.xen, notes)
    line, line_source = _agreed(sources, "Xen's command line", lambda facts: facts.command_line, notes)
    memory, memory_source = _agreed(sources, "the machine's RAM in bytes", lambda facts: facts.memory, notes)
    hap, hap_source = _agreed(sources, "hardware assisted paging", lambda facts: facts.hap, notes)
    remapping, remapping_source = _agreed(
        sources, "interrupt remapping", lambda facts: facts.interrupt_remapping, notes
    )
    iommu, iommu_source = _iommu(sources, notes)
    memory_map, map_source = _memory_map(sources, _on_xen(sources, archive), notes)
    host = resolve_scopes(
        Host(
            name=name,
            xen=xen,
            iommu=iommu,
            xen_command_line=line or "",
            hap=hap is not False,
            interrupt_remapping=remapping,
            memory=memory,
            sources=Sources(
                regions=regions.source,
                regions_from_log=regions.log,
                regions_damage=regions.damage,
                devices=devices.source,
                memory_map=map_source,
                xen=xen_source,
                interrupt_remapping=remapping_source,
                iommu=iommu_source,
                command_line=line_source,
                hap=hap_source,
                memory=memory_source,
            ),
            memory_map=memory_map,
            regions=regions.regions,
            devices=tuple(_with_use(device, uses) for device in devices.devices),
        )
    )
    notes.found += [*regions.found, *devices.found]
    notes.missing += [*_missing(host, regions, devices, archive), *_unresolved(host)]
    return Collection(host, tuple(notes.found), tuple(notes.differs), tuple(notes.missing))


def _described(sources: Sequence[Source]) -> list[str]:
    told = []
    for source in sources:
        told.append(f"{source.label} is {source.facts.kind}.")
        told += [f"{source.label}: {note}" for note in source.facts.notes]
    return told


def _agreed(
    sources: Sequence[Source], what: str, read: Callable[[Facts], Value | None], notes: _Notes
) -> tuple[Value | None, str | None]:
    """The first source's value and its title; others that say something else are told of."""
    known = [(source, value) for source in sources if (value := read(source.facts)) is not None]
    if not known:
        return None, None
    # xl asks the hypervisor that runs; a log may be of an earlier start, a boot loader's file of a later one.
    known.sort(key=lambda item: ("xl info" not in item[0].title, "Xen's command line" in item[0].title))
    first, value = known[0]
    for other, said in known[1:]:
        if said != value:
            notes.differs.append(
                f"{first.label} and {other.label} differ over {what}: {value} and {said}; {value} was used."
            )
    return value, first.title


def _iommu(sources: Sequence[Source], notes: _Notes) -> tuple[Literal["intel", "amd", "none", "unknown"], str | None]:
    """The IOMMU and the title of the source that was used: who says there is none, else the best who names a maker."""
    known = [source for source in sources if source.facts.iommu != "unknown"]
    makers = {source.facts.iommu: source.label for source in reversed(known)}
    without = [source for source in known if source.facts.iommu == "none"]
    if not known:
        return "unknown", None
    if without:
        if len(makers) > 1:
            notes.differs.append(
                f"{without[0].label} says that Xen uses no IOMMU, though the machine seems to have one."
            )
        return "none", without[0].title
    best = max(known, key=lambda source: (source.facts.regions is not None, source.facts.trust))
    if len(makers) > 1:
        notes.differs.append(f"{listed(makers.values())} name IOMMUs of two makers: {best.label} was used.")
    return best.facts.iommu, best.title


def _on_xen(sources: Sequence[Source], archive: Archive) -> bool:
    marked = any(path.endswith("hypervisor/type") and b"xen" in data for path, data in archive.files.items())
    return marked or any(source.facts.xen is not None or source.facts.ranges_are_dom0s for source in sources)


def _memory_map(sources: Sequence[Source], on_xen: bool, notes: _Notes) -> tuple[tuple[MemoryRange, ...], str | None]:
    """The machine's memory map: Xen's own, else that of a bare Linux. A dom0 sees only its own RAM."""
    maps = [source for source in sources if source.facts.ranges]
    usable = [source for source in maps if source.facts.xen is not None or "Xen" in source.title or not on_xen]
    if maps and not usable:
        notes.found.append(
            f"{listed([source.label for source in maps])} "
            f"{'shows' if len(maps) == 1 else 'show'} the memory map that Xen gave to dom0, which was not used."
        )
    order = ("Xen's log", "kernel log", "sysfs", "/proc/iomem")
    usable.sort(key=lambda source: next((at for at, word in enumerate(order) if word in source.title), len(order)))
    if not usable:
        return (), None
    first, *others = usable
    bounds = _ram(first)
    notes.differs += [
        f"{first.label} and {other.label} show different RAM; that of {first.label} was used."
        for other in others
        if _ram(other) != bounds
    ]
    return first.facts.ranges, first.title


def _ram(source: Source) -> list[tuple[int, int]]:
    """RAM in whole MiB: firmware, Xen and Linux each keep a few pages of its ends for themselves."""
    mib = 20
    return [
        (entry.start >> mib, entry.end >> mib)
        for entry in source.facts.ranges
        if entry.type == "ram" and (entry.end - entry.start) >> mib > 16
    ]


def _with_use(device: PciDevice, uses: dict[Sbdf, str]) -> PciDevice:
    use = uses.get(device.address)
    return device.changed(in_use=use) if use else device


def _missing(host: Host, regions: Regions, devices: Devices, archive: Archive) -> list[str]:
    missing = []
    if regions.trust is None:
        missing.append(f"There is no ACPI table, so reserved memory is unknown: {TABLE_PLACES}.")
    elif regions.trust is Trust.LOG:
        missing.append(
            f"Reserved memory is known from a log only, which may not show all of it, nor its devices: {TABLE_PLACES}."
        )
    elif regions.trust is Trust.KERNEL:
        missing.append(
            "Reserved memory is known from IOMMU groups only, so regions of absent devices are missing and all "
            f"functions of a group are named: {TABLE_PLACES}."
        )
    if not host.devices:
        missing.append(
            f"There is no device listing, so devices and bridges are unknown: add the output of {LISTING_COMMAND}."
        )
    else:
        missing += _gaps(host.devices)
    if host.xen is None:
        missing.append("Xen's release is unknown: add the output of `xl info`, or name it with --xen.")
    if not host.memory_map:
        missing.append("The host's memory map is unknown: add the output of `xl dmesg`.")
    return missing


def _gaps(devices: Iterable[PciDevice]) -> list[str]:
    devices = tuple(devices)
    gaps = []
    if closed := sum(device.bridge is None and (device.class_code or "")[:4] == "0604" for device in devices):
        gaps.append(
            f"The listing does not say which buses are behind {count(closed, 'PCI bridge')}: "
            f"take it with {LISTING_COMMAND}."
        )
    if not any(device.bars for device in devices):
        gaps.append(
            f"The listing gives no BAR sizes, so BARs cannot be placed: take it with {LISTING_COMMAND}, on the host."
        )
    if unread := sum(device.port is None for device in devices):
        gaps.append(
            f"The capabilities of {count(unread, 'function')} were not read, so isolation is uncertain: "
            f"take the listing with {LISTING_COMMAND}."
        )
    return gaps


def _unresolved(host: Host) -> list[str]:
    """One sentence for each scope that leads nowhere and each function that is not there, with its regions."""
    lost: dict[tuple[str, str], list[ReservedRegion]] = {}
    for region in host.regions:
        for scope in region.scopes:
            if scope.problem is not None:
                lost.setdefault((scope.path or scope.kind, scope.problem), []).append(region)
    absent: dict[Sbdf, list[ReservedRegion]] = {}
    for region, address in absent_scopes(host):
        absent.setdefault(address, []).append(region)
    return [
        *(
            f"{_regions(regions)} names {path}, which leads nowhere: {problem}."
            for (path, problem), regions in lost.items()
        ),
        *(f"{_regions(regions)} names {address}, which the listing lacks." for address, regions in absent.items()),
    ]


def _regions(regions: list[ReservedRegion]) -> str:
    first = f"{regions[0].kind.upper()} {regions[0].start:#x}-{regions[0].end:#x}"
    return first if len(regions) == 1 else f"{first} (and {count(len(regions) - 1, 'further region')})"
