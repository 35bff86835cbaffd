"""What to call a function on a line of a screen: a word for its class, a name without words that say nothing."""

from __future__ import annotations

import re

from planner.model.host import PciDevice

# PCI Code and ID Assignment Specification 1.16, section 1: base class and subclass.
_WORDS = {
    "0100": "SCSI",
    "0101": "IDE",
    "0104": "RAID",
    "0106": "SATA",
    "0107": "SAS",
    "0108": "NVMe",
    "01": "Disk",
    "0200": "NIC",
    "0207": "IB",
    "0280": "Net",
    "02": "NIC",
    "0300": "VGA",
    "0302": "3D",
    "03": "Video",
    "0401": "Audio",
    "0403": "Audio",
    "04": "Media",
    "0500": "RAM",
    "0501": "Flash",
    "05": "Mem",
    "0600": "Host",
    "0601": "ISA",
    "0604": "Port",
    "06": "Brdg",
    "0700": "UART",
    "07": "Comm",
    "0800": "PIC",
    "0801": "DMA",
    "0802": "Timer",
    "0803": "RTC",
    "0804": "HotPl",
    "0805": "SD",
    "0806": "IOMMU",
    "08": "Sys",
    "09": "Input",
    "0c00": "FireW",
    "0c03": "USB",
    "0c04": "FC",
    "0c05": "SMBus",
    "0c06": "IB",
    "0c07": "IPMI",
    "0c": "Bus",
    "0d": "Radio",
    "0e": "I2O",
    "0f": "Sat",
    "10": "Crypt",
    "11": "DSP",
    "12": "Accel",
    "13": "Instr",
    "40": "CoPro",
}
_INTERRUPT_CONTROLLER = "0800"
_FILLER = re.compile(
    r"\b(?:Corporation|Corp\.?|Incorporated|Inc\.?|Co\.,? Ltd\.?|Ltd\.?|Limited|Technologies|Semiconductor)"
    r"(?=[\s,]|$),?"
    r"|\[[^\]]*\]|\([^)]*\)|\b(?:\S+ [Ss]eries/)*\S+ [Ss]eries [Cc]hipset(?: [Ff]amily)?\b|\bChipset Family\b"
    r"|\b\S+/\S+ Chipset\b|\b(?:Xeon [^\s/]+(?: v\d)?/)+(?:Xeon|Core) [^\s/]+(?: v\d)?(?= )"
)
_SLOT = re.compile(r"(?i)(?:pcie? *)?(?:slot)?[ #_-]*\d*")
_MARKETED = re.compile(r"\S\s*\[([^\[\]]+)(?<! [Mm]ode)\]\s*\Z")  # pci.ids: "TU116 [GeForce GTX 1660]"
_VENDORS = frozenset(
    (
        *("intel", "amd", "ati", "nvidia", "matrox", "aspeed", "hp", "dell", "lsi", "samsung", "asmedia"),
        *("broadcom", "realtek", "mellanox", "qualcomm", "marvell", "emulex"),
    )
)


def class_word(device: PciDevice) -> str:
    """The device's class in one word of at most five letters: NIC, USB, SATA, …; "?" where nobody knows.

    Source: PCI Code and ID Assignment Specification, base class and subclass.
    """
    code = device.class_code or ""
    return _WORDS.get(code[:4]) or _WORDS.get(code[:2]) or "?"


def is_chipset(device: PciDevice) -> bool:
    """Whether it is part of the machine itself: a bridge, an interrupt controller or an IOMMU. No guest gets one."""
    return device.is_bridge or device.is_iommu or (device.class_code or "").startswith(_INTERRUPT_CONTROLLER)


def short_name(device: PciDevice) -> str:
    """The name for a narrow column: the port's own name where the board gives one, else without vendor and filler."""
    if _is_name(device.slot):
        return device.slot or ""
    marketed = _MARKETED.search(device.name)
    if marketed:
        return marketed[1]
    name = " ".join(_FILLER.sub(" ", device.name).split()).replace(" ,", ",")
    first, _, rest = name.partition(" ")
    if rest and first.lower() in _VENDORS:
        name = rest
    return name or device.name or device.class_name or device.id or ""


def full_name(device: PciDevice) -> str:
    """The name in full, with the port's name, or the number of its slot, where the board gives one."""
    name = device.name or device.class_name or device.id or ""
    if not device.slot or device.slot == name:
        return name
    return f"{name}, {f'slot {device.slot}' if device.slot.isdigit() else device.slot}"


def _is_name(slot: str | None) -> bool:
    """Whether the board's word for a slot tells more than which slot it is."""
    return slot is not None and _SLOT.fullmatch(slot) is None
