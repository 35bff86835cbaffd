"""What one artefact says of a host: the shape that every reader of a whole artefact gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal

from planner.formats.config_space import BarRegister
from planner.model.address import Sbdf
from planner.model.host import MemoryRange, PciDevice, ReservedRegion

MAX_FUNCTIONS = 8192
"""More PCI functions than any machine shows; who lists more is refused."""


E820_TYPES: Final[dict[str, Literal["ram", "reserved", "acpi", "nvs", "unusable"]]] = {
    "usable": "ram",
    "reserved": "reserved",
    "acpi data": "acpi",
    "acpi nvs": "nvs",
    "unusable": "unusable",
}
"""The words of a memory map in the logs of Linux and Xen, in lower case."""


class Trust(IntEnum):
    """How far an artefact's regions go; where two disagree, the higher one is used."""

    LOG = 1
    """Addresses that a log happened to print: some may be missing, and so may the devices they belong to."""
    KERNEL = 2
    """What Linux maps for each IOMMU group: all of it, yet for whole groups, not for the devices of a scope."""
    TABLE = 3
    """The firmware's own table."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one artefact says. None and empty: it says nothing of that.

    `kind` is what the artefact is, in words that fit after "is" ("an lspci listing"). `regions` () is a table that
    declares none. `lists_all`: every function of the machine is in `devices`. `ranges` are pieces of the memory map;
    `registers` are BARs whose size the artefact does not know, `decoded` the first and last addresses that a function
    answers to, without saying for which BAR.
    """

    kind: str
    regions: tuple[ReservedRegion, ...] | None = None
    trust: Trust = Trust.LOG
    devices: tuple[PciDevice, ...] = ()
    lists_all: bool = False
    ranges: tuple[MemoryRange, ...] = ()
    ranges_are_dom0s: bool = False
    registers: Mapping[Sbdf, tuple[BarRegister, ...]] = field(default_factory=dict)
    decoded: Mapping[Sbdf, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    iommu: Literal["intel", "amd", "none", "unknown"] = "unknown"
    interrupt_remapping: bool | None = None
    hap: bool | None = None
    xen: str | None = None
    command_line: str | None = None
    memory: int | None = None
    name: str | None = None
    notes: tuple[str, ...] = ()
