"""What `xl` prints on a dom0: `xl info`, `xl pci-assignable-list` and `xl list -l`.

Formats: Xen's tools/xl/xl_info.c, xl_pci.c and the JSON of libxl_domain_config.
"""

from __future__ import annotations

import json
import re
from typing import Any

from planner.formats.facts import MAX_FUNCTIONS, Facts
from planner.formats.text import clean
from planner.model.address import Sbdf
from planner.model.host import PciDevice
from planner.model.span import MIB

PCIBACK = "pciback"

_PAIR = re.compile(r"^([a-z_]{3,30}) *: ?(.*)$", re.MULTILINE)
_ASSIGNABLE = re.compile(r"([0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])(?: \S{0,64})?\s*\Z")


def is_info(text: str) -> bool:
    """Whether `text` is the output of `xl info`."""
    return re.search(r"^xen_major *: ", text, re.MULTILINE) is not None and "virt_caps" in text


def parse_info(text: str) -> Facts:
    """Release, command line, RAM and abilities. Without hvm_directio Xen has no IOMMU to use (libxl.c, virt_caps)."""
    pairs = {key: value.strip() for key, value in _PAIR.findall(text)}
    major, minor = pairs.get("xen_major", ""), pairs.get("xen_minor", "")
    abilities = pairs["virt_caps"].split() if "virt_caps" in pairs else None
    hap = None
    if abilities is not None and ("hap" in abilities or "pv" in abilities):  # older releases do not list it
        hap = "hap" in abilities
    memory = pairs.get("total_memory", "")
    return Facts(
        kind="the output of xl info",
        xen=f"{major}.{minor}" if major.isdecimal() and minor.isdecimal() else None,
        command_line=clean(pairs["xen_commandline"]) if "xen_commandline" in pairs else None,
        iommu="none" if abilities is not None and "hvm_directio" not in abilities else "unknown",
        hap=hap,
        memory=int(memory) * MIB if re.fullmatch("[0-9]{1,9}", memory) else None,
        name=clean(pairs.get("host", "")) or None,
    )


def is_assignable_list(text: str) -> bool:
    """Whether `text` has nothing but addresses, as `xl pci-assignable-list` prints them."""
    lines = [line for line in text.split("\n") if line.strip()]
    return 0 < len(lines) <= MAX_FUNCTIONS and all(_ASSIGNABLE.match(line) for line in lines)


def parse_assignable_list(text: str) -> Facts:
    """The functions that dom0 has given up for guests."""
    addresses = sorted({Sbdf.parse(match[1]) for line in text.split("\n") if (match := _ASSIGNABLE.match(line))})
    devices = tuple(PciDevice(address=address, driver=PCIBACK) for address in addresses)
    return Facts(kind="the output of xl pci-assignable-list", devices=devices)


def is_domain_list(text: str) -> bool:
    """Whether `text` looks like the JSON of `xl list -l`."""
    return text.lstrip()[:1] == "[" and '"domid"' in text and '"config"' in text


def parse_domain_list(text: str) -> Facts:
    """Which running guests have which functions, in notes. Never raises: damaged JSON is told in a note."""
    notes = []
    devices: dict[Sbdf, PciDevice] = {}
    try:
        domains = json.loads(text)
        for domain in domains:
            config = domain["config"]
            name = clean(str(config.get("c_info", {}).get("name", domain["domid"])))
            taken = [_pci(item) for item in config.get("pcidevs", [])]
            devices |= {address: PciDevice(address=address, driver=PCIBACK) for address in taken}
            if taken:
                shown = ", ".join(str(address) for address in taken)
                notes.append(f"The running guest {name!r:.80} has {shown}.")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        notes.append("It is no JSON that xl writes, or it is cut short.")
    return Facts(kind="the output of xl list -l", devices=tuple(devices.values()), notes=tuple(notes))


def _pci(item: dict[str, Any]) -> Sbdf:
    """libxl_device_pci: numbers that are 0 may be left out."""
    parts = [item.get(key, 0) for key in ("domain", "bus", "dev", "func")]
    limits = (0xFFFFFFFF, 0xFF, 0x1F, 7)
    if not all(isinstance(part, int) and 0 <= part <= limit for part, limit in zip(parts, limits, strict=True)):
        raise ValueError("no address")
    return Sbdf(*parts)
