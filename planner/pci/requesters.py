"""Under which requester ids a function's DMA arrives at the IOMMU: its own, its phantoms', or a bridge's.

Source: Linux, pci_for_each_dma_alias in drivers/pci/search.c and the alias quirks in drivers/pci/quirks.c;
Xen, passthrough/pci.c (alloc_pdev: phantom functions) and docs/misc/xen-command-line (pci-phantom).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from planner.model.address import Sbdf
from planner.model.host import Host, PciDevice, PortType
from planner.pci.topology import path_to_root

_PHANTOM = re.compile(
    r"(?:^|\s)pci-phantom=(?:([0-9a-fA-F]{1,4}):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2}),([124])(?=\s|$)"
)

USES_FUNCTION_1: Final = frozenset(
    (
        *(f"1b4b:{number}" for number in ("9120", "9123", "9125", "9128", "9130", "9170", "9172", "917a", "9182")),
        *(f"1b4b:{number}" for number in ("9183", "91a0", "9215", "9220", "9230", "9235")),
        *("1103:0642", "1103:0645", "197b:2392", "1c28:0122"),
    )
)
"""Controllers (Marvell's SATA chips and their kin) that put function 1 on their requests, whether it exists or not."""

# Bridges without a PCI Express capability that are PCIe-to-PCI bridges all the same (quirk_use_pcie_bridge_dma_alias).
_HIDDEN_PCIE_TO_PCI: Final = frozenset(("1b21:1080", "10e3:8113", "1283:8892", "1283:8893", "8086:244e"))
_FORWARDS_IDS: Final = frozenset(("1a03:1150",))  # quirk_aspeed_pci_bridge_no_alias
_MERGES_IDS = (PortType.CONVENTIONAL, PortType.PCIE_TO_PCI_BRIDGE, PortType.PCI_TO_PCIE_BRIDGE)


def merges_ids(bridge: PciDevice) -> bool | None:
    """Whether requests from behind `bridge` carry its id instead of their sender's; None where its kind is unknown."""
    if bridge.port is None:
        return None
    return bridge.port in _MERGES_IDS and bridge.id not in _FORWARDS_IDS


def requesters(host: Host, address: Sbdf, above: Mapping[tuple[int, int], Sbdf] | None = None) -> tuple[Sbdf, ...]:
    """The ids that requests of `address` may carry, its own first. What the listing does not tell is left out.

    Behind a PCIe-to-PCI bridge they carry the secondary bus with device 0, behind a conventional one the bridge's id
    (or its secondary bus with device 0, which Xen maps as well).
    """
    found = [address]
    device = host.by_address.get(address)
    if device is not None and device.id in USES_FUNCTION_1 and address.function != 1:
        found.append(address._replace(function=1))
    found += phantoms(host, address)
    for hop in reversed(path_to_root(host, address, above)):
        bridge = host.by_address[hop]
        if not merges_ids(bridge):
            continue
        if bridge.bridge is not None and bridge.port is not PortType.PCI_TO_PCIE_BRIDGE:
            found.append(Sbdf(hop.segment, bridge.bridge.secondary, 0, 0))
        if bridge.port is not PortType.PCIE_TO_PCI_BRIDGE and bridge.id not in _HIDDEN_PCIE_TO_PCI:
            found.append(hop)
    return tuple(dict.fromkeys(found))


def phantoms(host: Host, address: Sbdf) -> tuple[Sbdf, ...]:
    """The phantom functions of `address` that Xen's `pci-phantom=` declares."""
    for segment, bus, device, stride in _PHANTOM.findall(host.xen_command_line):
        step = int(stride)
        slot = Sbdf(int(segment or "0", 16), int(bus, 16), int(device, 16), 0)
        if slot == address.slot and address.function < step:
            return tuple(address._replace(function=number) for number in range(address.function + step, 8, step))
    return ()
