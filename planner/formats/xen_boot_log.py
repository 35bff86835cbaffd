"""Xen's boot messages, from `xl dmesg`, /var/log/xen/console/hypervisor.log or a serial console.

Wordings: Xen 4.0 to master, xen/drivers/passthrough/vtd/{dmar,iommu}.c, amd/iommu_acpi.c and arch/x86/e820.c. Which
of the lines about reserved memory appear depends on the build and on `iommu=verbose,debug`, so a log may lack any.
"""

from __future__ import annotations

import re

from planner.formats.facts import E820_TYPES, Facts
from planner.model.address import Sbdf
from planner.model.fields import MAX_ADDRESS
from planner.model.host import DeviceScope, MemoryRange, RegionKind, ReservedRegion, ScopeKind
from planner.model.span import KIB, MIB

_XEN = re.compile(r"\(XEN\) ?(.*)")
_STAMP = re.compile(r"\[(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?|[ 0-9.]{6,20})\] ?")
_PCI = r"[0-9a-f]{1,8}:[0-9a-f]{1,2}:[01]?[0-9a-f]\.[0-7]"

_VERSION = re.compile(r"Xen version ([0-9]+\.[0-9]+)\b")
_COMMAND_LINE = re.compile(r"Command line: ?(.*)\Z")
_STRUCTURE = re.compile(r"\[VT-D\] ?found ACPI_DMAR_([A-Z]+):")
_SCOPE = re.compile(rf"\[VT-D\] ?(endpoint|bridge|IOAPIC|MSI HPET): ({_PCI})")
_BOUNDS = (
    re.compile(r"RMRR region: base_addr ([0-9a-f]{1,16}) end_addr(?:ess)? ([0-9a-f]{1,16})"),
    re.compile(r"RMRR \[([0-9a-f]{1,16}),([0-9a-f]{1,16})\]"),
    re.compile(r"RMRR address range ([0-9a-f]{1,16})\.\.([0-9a-f]{1,16})"),
    re.compile(r"RMRR \(([0-9a-f]{1,16}), ([0-9a-f]{1,16})\)"),
)
_SHARED = re.compile(rf"disallowed to assign ({_PCI}) with shared RMRR at ([0-9a-f]{{1,16}})")
_IGNORED = re.compile(r"Ignore the RMRR \(([0-9a-f]{1,16}), ([0-9a-f]{1,16})\)")
_IVMD = re.compile(r"IVMD Block: type (?:0x)?([0-9a-f]{1,2}) phys (?:0x)?([0-9a-f]{1,16}) len (?:0x)?([0-9a-f]{1,16})")
_OLD_IVMD = (
    re.compile(r"IVMD Block: Type 0x[0-9a-f]{1,2}\b"),
    re.compile(r"Start_Addr_Phys 0x([0-9a-f]{1,16})"),
    re.compile(r"Mem_Length 0x([0-9a-f]{1,16})"),
)
_RAM_MAP = re.compile(r"(?:Xen-e820|BIOS-e820|EFI|Multiboot-e820|Xen-provided|PVH-e820)[A-Za-z -]* RAM map:")
_RANGE = re.compile(r" \[([0-9a-f]{16}), ([0-9a-f]{16})\] \(([A-Za-z ]+)\)")
_OLD_RANGE = re.compile(r" ([0-9a-f]{16}) - ([0-9a-f]{16}) \(([A-Za-z ]+)\)")
_RAM = re.compile(r"System RAM: [0-9]+MB \(([0-9]{1,15})kB\)")
_REMAPPING = re.compile(r"(?:Intel VT-d )?[Ii]nterrupt [Rr]emapping (enabled|disabled|not enabled)")
_SCOPE_KINDS = {
    "endpoint": ScopeKind.ENDPOINT,
    "bridge": ScopeKind.BRIDGE,
    "IOAPIC": ScopeKind.IOAPIC,
    "MSI HPET": ScopeKind.HPET,
}


def recognise(text: str) -> bool:
    """Whether `text` has lines of a hypervisor."""
    return "(XEN)" in text


def parse(text: str) -> Facts:
    """What a hypervisor's log says. Never raises.

    An RMRR whose addresses are not printed is told in a note; so is what Xen ignores or refuses.
    """
    reader = _Reader()
    for line in text.split("\n"):
        if match := _XEN.search(line.rstrip("\r")):
            if match[1]:
                reader.read(_STAMP.sub("", match[1], count=1))
        else:
            reader.read_continuation(line)
    return reader.facts()


class _Reader:
    def __init__(self) -> None:
        self.regions: dict[tuple[int, int], tuple[RegionKind, tuple[DeviceScope, ...]]] = {}
        self.nameless = 0
        self.structure: str | None = None
        self.scopes: list[DeviceScope] = []
        self.bounds: tuple[int, int] | None = None
        self.ranges: list[MemoryRange] = []
        self.in_map = self.map_done = False
        self.known: dict[str, str] = {}
        self.remapping: bool | None = None
        self.intel = self.amd = False
        self.disabled = False
        self.hap: bool | None = None
        self.notes: dict[str, None] = {}
        self.old_start: int | None = None

    def read(self, line: str) -> None:
        if self._memory_map(line):
            return
        for key, pattern in (("xen", _VERSION), ("command line", _COMMAND_LINE), ("ram", _RAM)):
            if match := pattern.match(line):
                self.known.setdefault(key, match[1].strip())
        self._virtualisation(line)
        self._dmar(line)
        self._ivmd(line)

    def read_continuation(self, line: str) -> None:
        """A line without Xen's mark: mail programs wrap, so it may end the sentence before."""
        if self.structure == "RMRR" and (bounds := _bounds(line)):
            self.bounds = self.bounds or bounds

    def facts(self) -> Facts:
        self._end_structure()
        if self.nameless:
            number = "an RMRR" if self.nameless == 1 else f"{self.nameless} RMRRs"
            self.notes[
                f"Xen found {number} whose addresses it did not print: it does so only in debug builds with "
                "iommu=verbose."
            ] = None
        regions = tuple(
            ReservedRegion(kind=kind, start=start, end=end, segment=_segment(scopes), scopes=scopes)
            for (start, end), (kind, scopes) in self.regions.items()
        )
        return Facts(
            kind="a log of Xen",
            regions=regions or None,
            ranges=tuple(self.ranges),
            iommu="none" if self.disabled else "intel" if self.intel else "amd" if self.amd else "unknown",
            interrupt_remapping=self.remapping,
            hap=self.hap,
            xen=self.known.get("xen"),
            command_line=self.known.get("command line"),
            memory=int(self.known["ram"]) * KIB // MIB * MIB if "ram" in self.known else None,  # as xl info has it
            notes=tuple(self.notes),
        )

    def _memory_map(self, line: str) -> bool:
        if _RAM_MAP.match(line):
            self.in_map = not self.map_done  # the log of a second boot repeats it
            return True
        if not self.in_map:
            return False
        match = _RANGE.match(line) or _OLD_RANGE.match(line)
        if match is None:
            self.in_map = False
            self.map_done = bool(self.ranges)
            return False
        start, end = int(match[1], 16), int(match[2], 16) - (0 if line.startswith(" [") else 1)
        kind = E820_TYPES.get(match[3].lower())
        if kind is not None and start <= end:
            self.ranges.append(MemoryRange(start=start, end=end, type=kind))
        return True

    def _virtualisation(self, line: str) -> None:
        if match := _REMAPPING.match(line):
            self.remapping = match[1] == "enabled"
        if "I/O virtualisation disabled" in line:
            self.disabled = True
        if match := re.search(r"Hardware Assisted Paging \(HAP\) (detected|not detected|disabled)", line):
            self.hap = match[1] == "detected"
        self.intel = self.intel or "[VT-D]" in line or line.startswith("Intel VT-d ")
        self.amd = self.amd or "AMD-Vi" in line

    def _dmar(self, line: str) -> None:
        if match := _STRUCTURE.search(line):
            self._end_structure()
            self.structure = match[1]
        elif self.structure == "RMRR" and (match := _SCOPE.search(line)):
            self.scopes.append(DeviceScope(kind=_SCOPE_KINDS[match[1]], device=Sbdf.parse(match[2])))
        elif bounds := _bounds(line):
            if self.structure == "RMRR":
                self.bounds = self.bounds or bounds
            else:
                self.regions.setdefault(bounds, (RegionKind.RMRR, ()))
        elif "[VT-D]" not in line:
            self._end_structure()
        if match := _IGNORED.search(line):
            self.notes[
                f"Xen ignores the RMRR {int(match[1], 16):#x}-{int(match[2], 16):#x}: its devices are absent."
            ] = None
        if match := _SHARED.search(line):
            start = f"{int(match[2], 16):#x}"
            self.notes[f"Xen refused to assign {match[1]}: it shares the RMRR at {start} with other devices."] = None

    def _end_structure(self) -> None:
        if self.structure == "RMRR":
            if self.bounds is not None:
                self.regions[self.bounds] = (RegionKind.RMRR, tuple(self.scopes))
            else:
                self.nameless += 1
        self.structure, self.bounds, self.scopes = None, None, []

    def _ivmd(self, line: str) -> None:
        block, first, length = _OLD_IVMD
        if match := _IVMD.search(line):
            self._add_ivmd(int(match[2], 16), int(match[3], 16))
        elif block.search(line):
            self.old_start = None
        elif match := first.search(line):
            self.old_start = int(match[1], 16)
        elif (match := length.search(line)) and self.old_start is not None:
            self._add_ivmd(self.old_start, int(match[1], 16))

    def _add_ivmd(self, start: int, size: int) -> None:
        end = min(start + max(size, 1) - 1, MAX_ADDRESS)
        self.regions.setdefault((start, end), (RegionKind.IVMD, ()))


def _bounds(line: str) -> tuple[int, int] | None:
    for pattern in _BOUNDS:
        if match := pattern.search(line):
            return int(match[1], 16), int(match[2], 16)
    return None


def _segment(scopes: tuple[DeviceScope, ...]) -> int:
    segment = next((scope.device.segment for scope in scopes if scope.device is not None), 0)
    return min(segment, 0xFFFF)
