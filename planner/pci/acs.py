"""Whether a function keeps its neighbours' requests apart: the rule by which Linux forms IOMMU groups.

Source: PCI Express Base Specification, 6.12.1 (Access Control Services); Linux, pci_acs_enabled in drivers/pci/pci.c
and the table pci_dev_acs_enabled in drivers/pci/quirks.c, of which the devices of x86 machines are here as data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planner.model.host import AcsControl, PciDevice, PortType

REQUIRED: Final = frozenset(
    (
        AcsControl.SOURCE_VALIDATION,
        AcsControl.REQUEST_REDIRECT,
        AcsControl.COMPLETION_REDIRECT,
        AcsControl.UPSTREAM_FORWARDING,
    )
)
"""What Linux asks for (REQ_ACS_FLAGS in drivers/iommu/iommu.c), of what the function is capable of."""

_NEVER = (
    PortType.CONVENTIONAL,
    PortType.EVENT_COLLECTOR,
    PortType.PCIE_TO_PCI_BRIDGE,
    PortType.PCI_TO_PCIE_BRIDGE,
)
_PORTS = (PortType.ROOT_PORT, PortType.DOWNSTREAM_PORT)


def _ids(vendor: str, *numbers: int | range) -> Iterator[str]:
    for one in numbers:
        for number in one if isinstance(one, range) else (one,):
            yield f"{vendor}:{number:04x}"


# Root ports of Intel chipsets that isolate without the capability (pci_quirk_intel_pch_acs), and Zhaoxin's.
_PORTS_THAT_ISOLATE: Final = frozenset(
    (
        *_ids("8086", range(0x3B42, 0x3B52)),  # Ibex Peak
        *_ids("8086", range(0x1C10, 0x1C20), range(0x1E10, 0x1E20)),  # Cougar Point, Panther Point
        *_ids("8086", range(0x8C10, 0x8C20), range(0x9C10, 0x9C1C)),  # Lynx Point
        *_ids("8086", range(0x9C90, 0x9C9C)),  # Wildcat Point
        *_ids("8086", range(0x1D10, 0x1D20, 2)),  # Patsburg
        *_ids("8086", range(0x8D10, 0x8D1F)),  # Wellsburg
        *_ids("8086", range(0x8C90, 0x8CA0, 2)),  # 9 series
        *_ids("1d17", range(0x0710, 0x071F), 0x0721, range(0x0723, 0x0753)),
    )
)
# Root ports whose control register is not where the specification has it (pci_quirk_intel_spt_pch_acs): lspci shows
# the wrong one, while the kernel switches on what the port is capable of.
_PORTS_READ_WRONGLY: Final = frozenset(
    (
        *_ids("8086", range(0xA110, 0xA120), range(0xA167, 0xA16B)),  # 100 series
        *_ids("8086", range(0xA290, 0xA2A0), range(0xA2E7, 0xA2EF)),  # 200 series
        *_ids("8086", range(0x9D10, 0x9D1C)),  # mobile, 7th and 8th generation
    )
)
# Functions whose makers say that they never talk to each other (pci_quirk_mf_endpoint_acs, pci_quirk_wangxun_nic_acs).
_ENDPOINTS_THAT_ISOLATE: Final = frozenset(
    (
        *_ids("1924", 0x0903, 0x0923, 0x0A03),  # Solarflare
        *_ids("8086", 0x10C6, 0x10DB, 0x10DD, 0x10E1, 0x10F1, range(0x10F7, 0x10FD)),  # 82598, 82599
        *_ids("8086", 0x1507, 0x1514, 0x151C, 0x1529, 0x152A, 0x154D, 0x154F, 0x1551, 0x1558),
        *_ids("8086", 0x1509, range(0x150E, 0x1512), 0x1516, 0x1527),  # 82580
        *_ids("8086", 0x10C9, range(0x10E6, 0x10E9), 0x150A, 0x150D, 0x1518, 0x1526),  # 82576
        *_ids("8086", 0x10A7, 0x10A9, 0x10D6),  # 82575
        *_ids("8086", range(0x1521, 0x1525)),  # I350
        *_ids("8086", 0x105E, 0x105F, 0x1060, 0x10D9),  # 82571
        *_ids("8086", 0x15B7, 0x15B8),  # I219
        *_ids("19a2", 0x0710),  # Emulex BE3-R
        *_ids("10df", 0x0720),  # Emulex Skyhawk-R
        *_ids("14e4", 0x16D7, range(0x1750, 0x1753), range(0x1760, 0x1764)),  # Broadcom
        *_ids("8088", range(0x0100, 0x0110), 0x1001, 0x2001, 0x5010, 0x5025, 0x5040, 0x5110, 0x5125, 0x5140),  # Wangxun
        *_ids("1d17", 0x3038, 0x3104, 0x9083),  # Zhaoxin
    )
)
# Parts of AMD's southbridges, on the root bus of a machine with AMD's IOMMU (pci_quirk_amd_sb_acs).
_AMD_SOUTHBRIDGE: Final = frozenset(
    (*_ids("1002", 0x4383, 0x4384, 0x4385, 0x4399, 0x439C, 0x439D), *_ids("1022", 0x7809, 0x780F))
)


def isolates(device: PciDevice, *, multifunction: bool, on_root_bus: bool, amd: bool) -> bool | None:
    """Whether requests of this function, or through this port, always go up to the IOMMU; None where facts are missing.

    `amd`: the machine has AMD's IOMMU. A function that is alone in its slot has nobody to talk to.
    """
    known = device.id or ""
    if known in _ENDPOINTS_THAT_ISOLATE or (amd and multifunction and on_root_bus and known in _AMD_SOUTHBRIDGE):
        return True
    if device.port is None:
        return None
    if device.port is PortType.INTEGRATED_ENDPOINT and known.startswith("8086:"):
        return True  # pci_quirk_rciep_acs; VT-d specification, Root-Complex Peer to Peer Considerations
    if device.port in _NEVER:
        return False
    if device.port in _PORTS:
        if known in _PORTS_THAT_ISOLATE:
            return True
        return _controls(device, read_wrongly=known in _PORTS_READ_WRONGLY)
    return _controls(device) if multifunction else True


def _controls(device: PciDevice, *, read_wrongly: bool = False) -> bool | None:
    if device.acs is None:
        return None
    if device.acs.capable is None:
        return False
    return read_wrongly or REQUIRED.intersection(device.acs.capable) <= set(device.acs.enabled)


def why_not(device: PciDevice) -> str:
    """Why a port or function does not isolate, in a few words."""
    if device.port in _NEVER:
        return "conventional PCI has none"
    has_it = device.acs is not None and device.acs.capable is not None
    return "it is switched off" if has_it else "it has none"
