"""What a host has: PCI functions, reserved regions, and who may touch them.

These come from files (`planner.model.fields`), where addresses are hex strings and a region's `end` is its last byte,
as DMAR, lspci and /proc/iomem print it.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from msgspec import Meta, field

from planner.model.address import Sbdf
from planner.model.fields import (
    AddressField,
    BusField,
    ClassCode,
    FromFile,
    PciId,
    SbdfField,
    ScopePath,
    SizeField,
    whole,
)
from planner.model.span import Span


class Bar(FromFile, frozen=True, kw_only=True):
    """One base address register, or the expansion ROM; `start` is None while firmware has given it no address."""

    index: Annotated[int, Meta(ge=0, le=6, description="0 to 5; 6 is the expansion ROM")]
    kind: Literal["io", "mem32", "mem64", "rom"]
    start: AddressField | None = None
    size: SizeField
    prefetchable: bool = False


class Bridge(FromFile, frozen=True):
    """The buses behind a PCI bridge."""

    secondary: BusField
    subordinate: BusField


class PortType(StrEnum):
    """What a function is on PCI Express (device/port type of its capability); `conventional` has no such capability."""

    CONVENTIONAL = "conventional"
    ENDPOINT = "endpoint"
    LEGACY_ENDPOINT = "legacy-endpoint"
    INTEGRATED_ENDPOINT = "integrated-endpoint"
    EVENT_COLLECTOR = "event-collector"
    ROOT_PORT = "root-port"
    UPSTREAM_PORT = "upstream-port"
    DOWNSTREAM_PORT = "downstream-port"
    PCIE_TO_PCI_BRIDGE = "pcie-to-pci-bridge"
    PCI_TO_PCIE_BRIDGE = "pci-to-pcie-bridge"


class AcsControl(StrEnum):
    """What Access Control Services can do, by the specification's abbreviations."""

    SOURCE_VALIDATION = "SV"
    TRANSLATION_BLOCKING = "TB"
    REQUEST_REDIRECT = "RR"
    COMPLETION_REDIRECT = "CR"
    UPSTREAM_FORWARDING = "UF"
    EGRESS_CONTROL = "EC"
    DIRECT_TRANSLATED = "DT"


class Acs(FromFile, frozen=True):
    """Access Control Services of one function.

    `capable` is None where it has no such capability; one that can do nothing says that its functions never talk to
    each other.
    """

    capable: tuple[AcsControl, ...] | None = None
    enabled: tuple[AcsControl, ...] = ()


class ResizableBar(FromFile, frozen=True):
    """The sizes that the Resizable BAR capability offers for one BAR."""

    index: Annotated[int, Meta(ge=0, le=5)]
    sizes: tuple[SizeField, ...]


class PciDevice(FromFile, frozen=True):
    """One PCI function as the host sees it. None everywhere means that nobody has looked."""

    address: SbdfField
    name: str = ""
    id: Annotated[PciId | None, Meta(description="vendor:device")] = None
    subsystem: Annotated[PciId | None, Meta(description="vendor:device of the board")] = None
    subsystem_name: Annotated[str, Meta(description="what pci.ids calls the board, or its vendor")] = ""
    class_code: ClassCode | None = field(default=None, name="class")
    class_name: str = ""
    revision: Annotated[str, whole("[0-9a-f]{2}")] | None = None
    driver: str | None = None
    slot: Annotated[str | None, Meta(description="the slot or port name that the board gives it")] = None
    numa_node: int | None = None
    iommu_group: int | None = None
    physfn: Annotated[SbdfField | None, Meta(description="the physical function, where this is a virtual one")] = None
    resets: Annotated[tuple[str, ...] | None, Meta(description='ways to reset it, such as "flr" and "bus"')] = None
    port: Annotated[PortType | None, Meta(description="what it is on PCI Express")] = None
    acs: Annotated[Acs | None, Meta(description="Access Control Services; an empty table: it has none")] = None
    multifunction: Annotated[bool | None, Meta(description="its header says that the slot has more functions")] = None
    interrupt_pin: Annotated[Literal["A", "B", "C", "D"] | None, Meta(description="the INTx pin it has")] = None
    irq: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="the line that its INTx arrives on")] = None
    msi: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="MSI vectors it can have; 0: none")] = None
    msix: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="MSI-X vectors it can have; 0: none")] = None
    virtual_functions: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="SR-IOV functions that exist now")
    ] = None
    in_use: Annotated[str, Meta(description='what dom0 needs it for, such as "root disk"; empty: nothing known')] = ""
    bridge: Bridge | None = None
    bars: tuple[Bar, ...] = ()
    resizable: Annotated[tuple[ResizableBar, ...], Meta(description="BARs whose size can be changed")] = ()

    @property
    def is_iommu(self) -> bool:
        """Whether it is an IOMMU (class 0806): AMD's are PCI functions, Intel's are none."""
        return (self.class_code or "").startswith("0806")

    @property
    def is_bridge(self) -> bool:
        """Whether it is a bridge of any kind (class 06), which never goes to a guest."""
        return self.bridge is not None or (self.class_code or "").startswith("06")


class ScopeKind(StrEnum):
    """What a scope entry names. The first five are DMAR's, `range` and `all` are IVMD's."""

    ENDPOINT = "endpoint"
    BRIDGE = "bridge"
    IOAPIC = "ioapic"
    HPET = "hpet"
    NAMESPACE = "namespace"
    RANGE = "range"
    ALL = "all"
    UNKNOWN = "unknown"


class DeviceScope(FromFile, frozen=True):
    """One entry of a region's scope.

    `path` is as the table gives it: start bus, then device.function for each bridge on the way
    ("00:1c.7/00.0"). `device` is where that leads, None while a bridge on the way is missing; `problem` then says
    which. For `range` the scope runs from `device` to `last`; `all` names every device of the segment.
    """

    kind: ScopeKind = ScopeKind.ENDPOINT
    path: ScopePath | None = None
    device: SbdfField | None = None
    last: SbdfField | None = None
    enumeration_id: Annotated[int, Meta(ge=0, le=255)] | None = None
    problem: str | None = None

    def covers(self, address: Sbdf) -> bool:
        """Whether Xen takes this entry to name exactly `address` (a bridge entry names the bridge alone)."""
        if self.kind is ScopeKind.ALL:
            return True
        if self.kind is ScopeKind.RANGE:
            return self.device is not None and self.last is not None and self.device <= address <= self.last
        return self.device == address


class RegionKind(StrEnum):
    """Where a reserved region was declared: Intel's DMAR or AMD's IVRS."""

    RMRR = "rmrr"
    IVMD = "ivmd"


class ReservedRegion(FromFile, frozen=True, kw_only=True):
    """Memory that the firmware keeps for devices: an RMRR (Intel) or an IVMD (AMD), in table order.

    `end` is the last byte. Nothing is checked here: firmware writes regions that make no sense, and what Xen makes
    of them is for the engine to say.
    """

    kind: RegionKind = RegionKind.RMRR
    start: AddressField
    end: AddressField
    segment: Annotated[int, Meta(ge=0, le=0xFFFF)] = 0
    flags: Annotated[
        Annotated[int, Meta(ge=0, le=0xFF)] | None,
        Meta(description="IVMD: 1 unity map, 2 read, 4 write, 8 exclusion range; none: unity map"),
    ] = None
    scopes: tuple[DeviceScope, ...] = ()

    @property
    def span(self) -> Span:
        """The bytes of the region; empty where the firmware put the end before the start."""
        return Span.inclusive(self.start, self.end)

    def covers(self, address: Sbdf) -> bool:
        """Whether one of the scopes names `address`."""
        return address.segment == self.segment and any(scope.covers(address) for scope in self.scopes)


class MemoryRange(FromFile, frozen=True):
    """One line of the host's own memory map (Xen's e820); `end` is the last byte. What no line covers is unknown."""

    start: AddressField
    end: AddressField
    type: Literal["ram", "reserved", "acpi", "nvs", "unusable"]

    @property
    def span(self) -> Span:
        """The bytes of the range."""
        return Span.inclusive(self.start, self.end)


class Sources(FromFile, frozen=True):
    """Which artefact each part of the inventory came from. None: nobody has looked, so nothing is known."""

    regions: Annotated[str | None, Meta(description="a firmware table, or what says as much")] = None
    regions_from_log: Annotated[
        str | None, Meta(description="a log, which may show some regions only, and not their devices")
    ] = None
    regions_damage: Annotated[str | None, Meta(description="what is wrong with that table's bytes")] = None
    devices: str | None = None
    memory_map: str | None = None
    xen: Annotated[str | None, Meta(description="the release")] = None
    interrupt_remapping: str | None = None
    iommu: str | None = None
    command_line: Annotated[str | None, Meta(description="Xen's")] = None
    hap: str | None = None
    memory: Annotated[str | None, Meta(description="how much RAM there is")] = None


class Host(FromFile, frozen=True, dict=True):
    """A host inventory: `host.toml`."""

    schema_version: Literal[1] = 1
    name: str = ""
    notes: str = ""
    xen: Annotated[str | None, Meta(description='the Xen release it runs, such as "4.17"')] = None
    iommu: Literal["intel", "amd", "none", "unknown"] = "unknown"
    xen_command_line: Annotated[str, Meta(description="as `xl info` prints it; rmrr= and ivmd= add regions")] = ""
    hap: Annotated[bool, Meta(description="hardware assisted paging; nearly every machine has it")] = True
    interrupt_remapping: Annotated[bool | None, Meta(description="the IOMMU checks interrupts, too")] = None
    memory: Annotated[SizeField | None, Meta(description="RAM of the whole machine")] = None
    sources: Sources = Sources()
    memory_map: Annotated[tuple[MemoryRange, ...], Meta(description="the host's e820; empty: not known")] = ()
    regions: tuple[ReservedRegion, ...] = ()
    devices: tuple[PciDevice, ...] = ()

    def __post_init__(self) -> None:
        seen: set[Sbdf] = set()
        for device in self.devices:
            if device.address in seen:
                raise ValueError(f"device {device.address} is listed twice")
            seen.add(device.address)

    @cached_property
    def by_address(self) -> dict[Sbdf, PciDevice]:
        """The devices by address."""
        return {device.address: device for device in self.devices}

    def knows(self, address: Sbdf) -> bool:
        """Whether the inventory has this function. One without a device listing knows those its scopes name."""
        if self.devices:
            return address in self.by_address
        return any(region.covers(address) for region in self.regions)
