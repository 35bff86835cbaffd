"""Linux's sysfs, copied or packed: PCI functions, IOMMU groups with their reserved memory, the firmware's memory map.

Layouts: Linux's Documentation/ABI/testing/sysfs-bus-pci, sysfs-kernel-iommu_groups and sysfs-firmware-memmap;
resource flags: include/linux/ioport.h. Files are recognised by their place among others ("…/0000:00:1f.0/config"),
so any part of the tree will do, and links are read as text: a copy that followed them says as much.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from planner.formats import config_space
from planner.formats.archive import Archive
from planner.formats.facts import Facts, Trust
from planner.model.address import Sbdf
from planner.model.fields import MAX_ADDRESS
from planner.model.host import (
    Bar,
    DeviceScope,
    MemoryRange,
    PciDevice,
    RegionKind,
    ReservedRegion,
    ResizableBar,
)
from planner.model.span import MIB

_SBDF = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"
_DEVICE = re.compile(rf"(?:.*/)?({_SBDF})/([a-z0-9_]+(?:/uevent)?|msi_irqs/[0-9]+)\Z")
_GROUPED = re.compile(rf"(?:.*/)?iommu_groups/([0-9]{{1,9}})/devices/({_SBDF})(?:/.*)?\Z")
_RESERVED = re.compile(rf"(?:.*/)?(?:iommu_groups/([0-9]{{1,9}})|({_SBDF})/iommu_group)/reserved_regions\Z")
_MEMMAP = re.compile(r"(.*/?memmap/[0-9]+)/(start|end|type)\Z")
_RESOURCE = re.compile(rb"0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16})\s*\Z")
_DIRECT = re.compile(r"0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) direct(?:-relaxable)?\s*\Z")
_UEVENT = re.compile(rb"^([A-Z_]+)=(\S*)", re.MULTILINE)
_IO, _MEMORY, _PREFETCH, _WIDE = 0x100, 0x200, 0x2000, 0x100000
LINKS: Final = ("driver", "physfn", "iommu_group")
FILES: Final = (
    *("boot_vga", "class", "config", "device", "irq", "label", "numa_node", "reset_method", "resource", "revision"),
    *("sriov_numvfs", "subsystem_device", "subsystem_vendor", "uevent", "vendor"),
    *(f"resource{bar}_resize" for bar in range(6)),
)
"""What is read of a function: all that a copy needs to have."""

RANGE_TYPES: Final[Mapping[str, Literal["ram", "reserved", "acpi", "nvs", "unusable"]]] = {
    "system ram": "ram",
    "reserved": "reserved",
    "acpi tables": "acpi",
    "acpi non-volatile storage": "nvs",
    "unusable memory": "unusable",
}


def claims(path: str) -> bool:
    """Whether the file at `path` is one that `parse` reads, so that no other reader need look at it."""
    match = _DEVICE.match(path)
    known = match is not None and (match[2] in (*FILES, "physfn/uevent") or match[2].startswith("msi_irqs/"))
    return known or _RESERVED.match(path) is not None or _MEMMAP.match(path) is not None


def parse(archive: Archive) -> Facts | None:
    """What the sysfs files in `archive` say; None where there are none. Never raises: odd contents are left out."""
    functions: dict[Sbdf, dict[str, bytes]] = {}
    links: dict[Sbdf, dict[str, str]] = {}
    groups: dict[Sbdf, int] = {}
    for path, data in archive.files.items():
        if grouped := _GROUPED.match(path):
            groups.setdefault(Sbdf.parse(grouped[2]), int(grouped[1]))
        if (match := _DEVICE.match(path)) and claims(path):
            functions.setdefault(Sbdf.parse(match[1]), {}).setdefault(match[2], data)
    for path, target in archive.links.items():
        if grouped := _GROUPED.match(path):
            groups.setdefault(Sbdf.parse(grouped[2]), int(grouped[1]))
        if (match := _DEVICE.match(path)) and match[2] in LINKS:
            links.setdefault(Sbdf.parse(match[1]), {})[match[2]] = target.rstrip("/").rpartition("/")[2]
    ranges = _memory_map(archive.files)
    if not functions and not groups and not ranges:
        return None
    for address in groups:
        functions.setdefault(address, {})
    _tell_resets(functions)
    devices = {
        address: _function(address, files, links.get(address, {}), groups.get(address))
        for address, files in sorted(functions.items())
    }
    regions = _reserved(archive.files, devices)
    return Facts(
        kind=f"what the kernel shows of {len(devices)} PCI function{'' if len(devices) == 1 else 's'}",
        regions=regions,
        trust=Trust.KERNEL,
        devices=tuple(devices.values()),
        lists_all=any(device.id for device in devices.values()),
        ranges=ranges,
    )


def _tell_resets(functions: dict[Sbdf, dict[str, bytes]]) -> None:
    """The kernel has `reset_method` (since 5.15) only for functions that it can reset: say so of the others."""
    if any("reset_method" in files for files in functions.values()):
        for files in functions.values():
            if "vendor" in files:
                files.setdefault("reset_method", b"")


def _function(address: Sbdf, files: Mapping[str, bytes], links: Mapping[str, str], group: int | None) -> PciDevice:
    space = config_space.decode(files.get("config", b""))
    facts: dict[str, Any] = dict(space.facts)
    for field, first, second in (("id", "vendor", "device"), ("subsystem", "subsystem_vendor", "subsystem_device")):
        vendor, product = _hex(files.get(first), 4), _hex(files.get(second), 4)
        if vendor and product and vendor not in ("0000", "ffff"):
            facts[field] = f"{vendor}:{product}"
    for field, name, digits in (("class_code", "class", 6), ("revision", "revision", 2)):
        if value := _hex(files.get(name), digits):
            facts[field] = value
    for field, name in (("numa_node", "numa_node"), ("virtual_functions", "sriov_numvfs")):
        if (number := _decimal(files.get(name))) is not None:
            facts[field] = number
    if "reset_method" in files:
        facts["resets"] = tuple(re.findall(r"[a-z_]{2,20}", _text(files["reset_method"])))
    if (irq := _decimal(files.get("irq"))) and not space.msi_enabled and f"msi_irqs/{irq}" not in files:
        facts["irq"] = irq
    facts["slot"] = " ".join(_text(files.get("label", b"")).split()) or None
    events = dict(_UEVENT.findall(files.get("uevent", b"")))
    driver = links.get("driver") or events.get(b"DRIVER", b"").decode("ascii", "replace")
    facts["driver"] = driver if driver and driver.isprintable() else None
    own = dict(_UEVENT.findall(files.get("physfn/uevent", b""))).get(b"PCI_SLOT_NAME", b"").decode("ascii", "replace")
    physical = links.get("physfn") or own
    facts["physfn"] = Sbdf.parse(physical) if re.fullmatch(_SBDF, physical) else None
    if group is None and re.fullmatch("[0-9]{1,9}", links.get("iommu_group", "")):
        group = int(links["iommu_group"])
    facts["iommu_group"] = group
    facts["bars"] = tuple(_bars(files.get("resource", b"")))
    facts["resizable"] = tuple(_resizable(files)) or facts.get("resizable", ())
    return PciDevice(address=address, **facts)


def _bars(resource: bytes) -> list[Bar]:
    bars = []
    for index, line in enumerate(resource.split(b"\n")[:7]):
        match = _RESOURCE.match(line)
        if match is None:
            break
        start, end, flags = (int(part, 16) for part in match.groups())
        if end <= start or not flags & (_IO | _MEMORY):
            continue
        kind: Literal["io", "mem32", "mem64", "rom"] = "mem64" if flags & _WIDE else "mem32"
        if index == 6:
            kind = "rom"
        elif flags & _IO:
            kind = "io"
        size = min(end - start + 1, MAX_ADDRESS)
        prefetchable = bool(flags & _PREFETCH) and kind in ("mem32", "mem64")
        bars.append(Bar(index=index, kind=kind, start=start or None, size=size, prefetchable=prefetchable))
    return bars


def _resizable(files: Mapping[str, bytes]) -> list[ResizableBar]:
    found = []
    for index in range(6):
        digits = _text(files.get(f"resource{index}_resize", b""))
        if re.fullmatch("[0-9a-f]{1,16}", digits) and (bits := int(digits, 16)):
            sizes = tuple(MIB << bit for bit in range(44) if bits >> bit & 1)
            found.append(ResizableBar(index=index, sizes=sizes))
    return found


def _reserved(files: Mapping[str, bytes], devices: Mapping[Sbdf, PciDevice]) -> tuple[ReservedRegion, ...] | None:
    """The memory that Linux maps 1:1 for each group, as the kernel learned it from RMRRs or IVMDs.

    None where no group says what is reserved: on a Xen dom0 there are no groups at all.
    """
    by_group: dict[int, list[Sbdf]] = {}
    for device in devices.values():
        if device.iommu_group is not None:
            by_group.setdefault(device.iommu_group, []).append(device.address)
    owners: dict[tuple[int, int], list[Sbdf]] = {}
    seen = False
    for path, data in files.items():
        match = _RESERVED.match(path)
        if match is None:
            continue
        seen = True
        members = by_group.get(int(match[1]), []) if match[1] else [Sbdf.parse(match[2])]
        for line in _text(data).split("\n"):
            if direct := _DIRECT.match(line):
                named = owners.setdefault((int(direct[1], 16), int(direct[2], 16)), [])
                named.extend(member for member in members if member not in named)
    if not seen:
        return None
    return tuple(
        ReservedRegion(
            kind=RegionKind.RMRR,
            start=start,
            end=end,
            segment=min(named[0].segment, 0xFFFF) if named else 0,
            scopes=tuple(DeviceScope(device=address) for address in sorted(named)),
        )
        for (start, end), named in sorted(owners.items())
    )


def _memory_map(files: Mapping[str, bytes]) -> tuple[MemoryRange, ...]:
    entries: dict[str, dict[str, str]] = {}
    for path, data in files.items():
        if match := _MEMMAP.match(path):
            entries.setdefault(match[1], {})[match[2]] = _text(data)
    ranges = []
    for entry in entries.values():
        kind = RANGE_TYPES.get(entry.get("type", "").lower())
        bounds = [entry.get(name, "") for name in ("start", "end")]
        if kind is None or not all(re.fullmatch("0x[0-9a-f]{1,16}", bound) for bound in bounds):
            continue
        start, end = (int(bound, 16) for bound in bounds)
        if start <= end:
            ranges.append(MemoryRange(start=start, end=end, type=kind))
    return tuple(sorted(ranges, key=lambda item: item.start))


def _text(data: bytes) -> str:
    return data[:65536].decode("utf-8", "replace").strip()


def _hex(data: bytes | None, digits: int) -> str | None:
    match = re.fullmatch(rf"0x([0-9a-f]{{{digits}}})", _text(data or b""))
    return match[1] if match else None


def _decimal(data: bytes | None) -> int | None:
    text = _text(data or b"")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None
