"""PCI configuration space, from its raw bytes: sysfs `config` files and the hex of `lspci -x`.

Layouts: PCI Local Bus specification 3.0, chapter 6; PCI Express Base specification, chapter 7. Who may not read
everything sees less: 64 bytes without root (no capabilities), 256 where extended space cannot be reached. What lies
beyond the bytes at hand stays unknown, as do lists that lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from planner.model.host import Acs, AcsControl, Bridge, PortType, ResizableBar
from planner.model.span import MIB

BYTES: Final = 4096
"""The largest configuration space of one function."""

PORT_TYPES: Final = {
    0x0: PortType.ENDPOINT,
    0x1: PortType.LEGACY_ENDPOINT,
    0x4: PortType.ROOT_PORT,
    0x5: PortType.UPSTREAM_PORT,
    0x6: PortType.DOWNSTREAM_PORT,
    0x7: PortType.PCIE_TO_PCI_BRIDGE,
    0x8: PortType.PCI_TO_PCIE_BRIDGE,
    0x9: PortType.INTEGRATED_ENDPOINT,
    0xA: PortType.EVENT_COLLECTOR,
}
_RESETTABLE = (PortType.ENDPOINT, PortType.LEGACY_ENDPOINT, PortType.INTEGRATED_ENDPOINT)

_HEADER_BYTES = 64
_CONVENTIONAL_BYTES = 256
_BRIDGE, _CARDBUS = 1, 2
_BARS = {0: 6, _BRIDGE: 2, _CARDBUS: 1}
_ROM_AT = {0: 0x30, _BRIDGE: 0x38}
_PM, _MSI, _SUBSYSTEM, _EXPRESS, _MSIX, _ADVANCED = 0x01, 0x05, 0x0D, 0x10, 0x11, 0x13
_ACS, _SRIOV, _RESIZABLE = 0x0D, 0x10, 0x15
_UNREADABLE = 0xFFFF


@dataclass(frozen=True, slots=True)
class BarRegister:
    """A BAR as its register shows it: address and kind. Its size shows only while it is probed, so it is not here."""

    index: int
    kind: Literal["io", "mem32", "mem64", "rom"]
    start: int
    prefetchable: bool


@dataclass(frozen=True, slots=True)
class ConfigSpace:
    """What the bytes say: `facts` are fields of PciDevice, left out where unknown.

    `msi_enabled` says that the kernel uses MSI, so that the line it reports is not that of INTx.
    """

    facts: dict[str, Any]
    bars: tuple[BarRegister, ...]
    msi_enabled: bool = False


def decode(config: bytes) -> ConfigSpace:
    """Read the configuration space of one function; `config` holds its first 64 to 4096 bytes.

    Never raises: less than a header, or only ones (a function that is gone or asleep), says nothing.
    """
    config = config[:BYTES]
    if len(config) < _HEADER_BYTES or config[:_HEADER_BYTES].count(0xFF) == _HEADER_BYTES:
        return ConfigSpace({}, ())
    layout = config[0x0E] & 0x7F
    facts: dict[str, Any] = {
        "class_code": config[0x09:0x0C][::-1].hex(),
        "revision": f"{config[8]:02x}",
        "multifunction": bool(config[0x0E] & 0x80),
    }
    if (vendor := _u16(config, 0)) not in (0, _UNREADABLE):  # a virtual function has no ids of its own
        facts["id"] = f"{vendor:04x}:{_u16(config, 2):04x}"
    if 1 <= config[0x3D] <= 4:
        facts["interrupt_pin"] = "ABCD"[config[0x3D] - 1]
    if layout in (_BRIDGE, _CARDBUS):
        facts["bridge"] = Bridge(secondary=config[0x19], subordinate=config[0x1A])
    subsystem_at = 0x2C if layout == 0 else None
    msi_enabled = False
    if len(config) >= _CONVENTIONAL_BYTES and (capabilities := _capabilities(config, layout)) is not None:
        subsystem_at = capabilities[_SUBSYSTEM] + 4 if _SUBSYSTEM in capabilities else subsystem_at
        facts |= _conventional(config, capabilities) | _extended(config, _EXPRESS in capabilities)
        msi_enabled = _MSI in capabilities and bool(_u16(config, capabilities[_MSI] + 2) & 1)
    if subsystem_at is not None and (board := _u16(config, subsystem_at)) not in (0, _UNREADABLE):
        facts["subsystem"] = f"{board:04x}:{_u16(config, subsystem_at + 2):04x}"
    return ConfigSpace(facts, tuple(_bars(config, layout)), msi_enabled)


def _bars(config: bytes, layout: int) -> Iterator[BarRegister]:
    index = 0
    while index < _BARS.get(layout, 0):
        register = _u32(config, 0x10 + 4 * index)
        wide = register & 7 == 4
        if register & 1:
            if register & ~3:
                yield BarRegister(index, "io", register & ~3, prefetchable=False)
        else:
            start = register & ~0xF | (_u32(config, 0x14 + 4 * index) << 32 if wide else 0)
            if start:
                yield BarRegister(index, "mem64" if wide else "mem32", start, prefetchable=bool(register & 8))
        index += 2 if wide else 1
    if layout in _ROM_AT and (start := _u32(config, _ROM_AT[layout]) & ~0x7FF):
        yield BarRegister(6, "rom", start, prefetchable=False)


def _capabilities(config: bytes, layout: int) -> dict[int, int] | None:
    """Where each capability stands (the first of its kind); None where the list leads nowhere."""
    found: dict[int, int] = {}
    if not _u16(config, 0x06) & 0x10:
        return found
    at = config[0x14 if layout == _CARDBUS else 0x34] & ~3
    seen: set[int] = set()
    while at:
        if at in seen or at < _HEADER_BYTES or config[at] == 0xFF:
            return None
        seen.add(at)
        found.setdefault(config[at], at)
        at = config[at + 1] & ~3
    return found


def _conventional(config: bytes, capabilities: dict[int, int]) -> dict[str, Any]:
    facts: dict[str, Any] = {"port": PortType.CONVENTIONAL, "msi": 0, "msix": 0}
    resets = []
    if (at := capabilities.get(_EXPRESS)) is not None:
        facts["port"] = PORT_TYPES.get(_u16(config, at + 2) >> 4 & 0xF)
        if facts["port"] in _RESETTABLE and _u32(config, at + 4) >> 28 & 1:
            resets.append("flr")
    if (at := capabilities.get(_ADVANCED)) is not None and config[at + 3] & 3 == 3:  # both what it can and says it has
        resets.append("af_flr")
    if (at := capabilities.get(_PM)) is not None and not _u16(config, at + 4) & 8:
        resets.append("pm")
    if (at := capabilities.get(_MSI)) is not None:
        facts["msi"] = 1 << (_u16(config, at + 2) >> 1 & 7)
    if (at := capabilities.get(_MSIX)) is not None:
        facts["msix"] = (_u16(config, at + 2) & 0x7FF) + 1
    return facts | {"resets": tuple(resets) or None}


def _extended(config: bytes, express: bool) -> dict[str, Any]:
    """What extended capabilities say; a function that is not on PCI Express has none."""
    if not express:
        return {"acs": Acs()}
    capabilities = _extended_capabilities(config)
    if capabilities is None:
        return {}
    facts: dict[str, Any] = {"acs": Acs()}
    if (at := capabilities.get(_ACS)) is not None:
        facts["acs"] = Acs(capable=_controls(_u16(config, at + 4)), enabled=_controls(_u16(config, at + 6)))
    if (at := capabilities.get(_SRIOV)) is not None:
        facts["virtual_functions"] = _u16(config, at + 0x10) if _u16(config, at + 8) & 1 else 0
    if (at := capabilities.get(_RESIZABLE)) is not None:
        facts["resizable"] = tuple(_resizable(config, at))
    return facts


def _extended_capabilities(config: bytes) -> dict[int, int] | None:
    """Where each extended capability stands; None where they cannot be read to the end."""
    found: dict[int, int] = {}
    at = _CONVENTIONAL_BYTES
    seen: set[int] = set()
    while at:
        header = _u32(config, at)
        if at in seen or at < _CONVENTIONAL_BYTES or at + 4 > len(config) or header == 0xFFFFFFFF:
            return None
        seen.add(at)
        if header:
            found.setdefault(header & 0xFFFF, at)
        at = header >> 20 & ~3
    return found


def _controls(bits: int) -> tuple[AcsControl, ...]:
    return tuple(control for bit, control in enumerate(AcsControl) if bits >> bit & 1)


def _resizable(config: bytes, at: int) -> Iterator[ResizableBar]:
    entries = min(_u32(config, at + 8) >> 5 & 7, 6)
    seen: set[int] = set()
    for entry in range(at + 4, at + 4 + 8 * entries, 8):
        capability, control = _u32(config, entry), _u32(config, entry + 4)
        index = control & 7
        # Bits 4 to 31 of the first register stand for 1 MiB to 128 TiB, bits 16 to 31 of the second for what is above.
        sizes = capability >> 4 | control >> 16 << 28
        if index <= 5 and index not in seen:
            seen.add(index)
            yield ResizableBar(index=index, sizes=tuple(MIB << bit for bit in range(44) if sizes >> bit & 1))


def _u16(config: bytes, at: int) -> int:
    return int.from_bytes(config[at : at + 2], "little")


def _u32(config: bytes, at: int) -> int:
    return int.from_bytes(config[at : at + 4], "little")
