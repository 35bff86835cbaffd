"""Linux kernel logs: `dmesg`, `journalctl -k`, syslog files, serial consoles, and what became of them in mails.

Nothing depends on what stands before a message (time stamps, priorities, a host's name), so all prefixes will do.
Wordings: Linux 2.6.3x to 6.x, drivers/iommu/{dmar.c,intel/,amd/init.c,iommu.c} and arch/x86/kernel/e820.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.formats.facts import E820_TYPES, Facts
from planner.model.address import Sbdf
from planner.model.fields import MAX_ADDRESS
from planner.model.host import (
    DeviceScope,
    MemoryRange,
    PciDevice,
    RegionKind,
    ReservedRegion,
    ScopeKind,
)

_GAP = r"[ \t]{0,20}\r?\n?[ \t]{0,40}"  # mail programs wrap lines here
_ADDRESS = r"(?:0x)?([0-9a-fA-F]{1,16})"
_PCI = r"(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"

_RMRR = re.compile(rf"\b(?:DMAR|dmar): ?RMRR base:{_GAP}{_ADDRESS}{_GAP}end:{_GAP}{_ADDRESS}\b")
_BAD_RMRR = re.compile(rf"\b(?:bad RMRR|cover this RMRR)[ \n]\[{_ADDRESS}-{_ADDRESS}\]")
_IVMD = re.compile(
    rf"\bIVMD_TYPE(i|_ALL|_RANGE)?\s{{1,8}}devid_start: ({_PCI})\s+devid_end:\s+({_PCI})\s+"
    rf"range_start: {_ADDRESS}\s+range_end: {_ADDRESS}\s+flags: ([0-9a-f]{{1,2}})\b"
)
_DIRECT = re.compile(r"\biommu_map: ops->map failed iova 0x[0-9a-f]{1,16}")
_GROUP_NEW = re.compile(rf"\bpci ({_PCI}): Adding to iommu group ([0-9]{{1,9}})\b")
_GROUP_OLD = re.compile(rf"\biommu: Adding device ({_PCI}) to group ([0-9]{{1,9}})\b")
_E820 = re.compile(rf"\b(BIOS-e820|Xen): \[mem {_ADDRESS}-{_ADDRESS}\] ([A-Za-z][A-Za-z ]{{2,15}}[A-Za-z])")
_E820_OLD = re.compile(r"\b(BIOS-e820|Xen): ([0-9a-f]{16}) - ([0-9a-f]{16}) \(([A-Za-z ]{3,20})\)")
_INTEL = re.compile(r"\b(?:DMAR|dmar): ?(?:RMRR|DRHD|Host address width|IOMMU enabled)")
_AMD = re.compile(r"\bAMD-Vi: (?!AMD IOMMUv2|AMD-Vi IOMMU disabled)")  # printed where there is no AMD IOMMU, too
_REMAPS = re.compile(r"\bEnabled IRQ remapping in |\bAMD-Vi: Interrupt remapping enabled")
_STARTS = re.compile(r"\bLinux version [0-9]+\.[0-9]+")
_ON_XEN = re.compile(r"\bXen: \[mem |\bBooting paravirtualized kernel on Xen\b|\bXen version: [0-9]")


def recognise(text: str) -> bool:
    """Whether `text` has messages of a Linux kernel that say something of memory, devices or the IOMMU."""
    patterns = (_STARTS, _INTEL, _AMD, _E820, _E820_OLD, _GROUP_NEW, _GROUP_OLD, _DIRECT)
    return any(pattern.search(text) for pattern in patterns)


def parse(text: str) -> Facts:
    """What a kernel log says. Regions have no scopes for Intel: Linux does not print them. Never raises."""
    text = re.sub(r"\\([\[\]_*#<>-])", r"\1", text)  # pasted through Markdown
    regions = tuple(_rmrrs(text)) + tuple(_ivmds(text))
    ranges, dom0s = _ranges(text)
    groups = {Sbdf.parse(match[1]): int(match[2]) for match in _both(_GROUP_OLD, _GROUP_NEW, text)}
    refused = {(int(match[1], 16), int(match[2], 16)) for match in _BAD_RMRR.finditer(text)}
    notes = [
        f"Linux called the RMRR {start:#x}-{end:#x} bad: the firmware does not reserve that memory, or it ends before "
        "it starts."
        for start, end in sorted(refused)
    ]
    return Facts(
        kind="a Linux kernel log",
        regions=regions or None,
        devices=tuple(PciDevice(address=address, iommu_group=group) for address, group in sorted(groups.items())),
        ranges=ranges,
        ranges_are_dom0s=dom0s,
        iommu="intel" if _INTEL.search(text) else "amd" if _AMD.search(text) else "unknown",
        interrupt_remapping=True if _REMAPS.search(text) else None,
        notes=tuple(notes),
    )


def _both(old: re.Pattern[str], new: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    yield from old.finditer(text)
    yield from new.finditer(text)


def _rmrrs(text: str) -> Iterator[ReservedRegion]:
    seen: set[tuple[int, int]] = set()  # the log of two boots has every line twice
    for match in _RMRR.finditer(text):
        bounds = int(match[1], 16), int(match[2], 16)
        if bounds not in seen:
            seen.add(bounds)
            yield ReservedRegion(kind=RegionKind.RMRR, start=bounds[0], end=bounds[1])


def _ivmds(text: str) -> Iterator[ReservedRegion]:
    seen: set[tuple[str, ...]] = set()
    for match in _IVMD.finditer(text):
        if match.groups() in seen:
            continue
        seen.add(match.groups())
        first, last = Sbdf.parse(match[2]), Sbdf.parse(match[3])
        if match[1] == "_ALL":
            scope = DeviceScope(kind=ScopeKind.ALL)
        elif match[1] == "_RANGE":
            scope = DeviceScope(kind=ScopeKind.RANGE, device=first, last=last)
        else:
            scope = DeviceScope(kind=ScopeKind.ENDPOINT, device=first)
        start, after = int(match[4], 16), int(match[5], 16)
        yield ReservedRegion(
            kind=RegionKind.IVMD,
            start=start,
            end=min(max(after - 1, 0), MAX_ADDRESS),
            segment=min(first.segment, 0xFFFF),
            flags=int(match[6], 16),
            scopes=(scope,),
        )


def _ranges(text: str) -> tuple[tuple[MemoryRange, ...], bool]:
    """The memory map, and whether it is the one that Xen shows to dom0, whose RAM is not the machine's."""
    found: dict[tuple[int, int], MemoryRange] = {}
    old = [(int(m[2], 16), int(m[3], 16) - 1, m[4]) for m in _E820_OLD.finditer(text)]  # its end is the next byte
    new = [(int(m[2], 16), int(m[3], 16), m[4]) for m in _E820.finditer(text)]
    for start, end, words in old + new:
        kind = E820_TYPES.get(words.lower())
        if kind is not None and start <= end:
            found.setdefault((start, end), MemoryRange(start=start, end=end, type=kind))
    return tuple(sorted(found.values(), key=lambda item: item.start)), _ON_XEN.search(text) is not None
