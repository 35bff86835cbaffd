"""Listings of IOMMU groups, as the usual scripts, `find` and `ls -l` print them.

Known by two words: a group's number, and addresses after it on the same line or below it. A listing of paths
(`…/0000:00:1c.0/0000:01:00.0/iommu_group -> …/iommu_groups/7`) also shows the bridges on the way.
"""

from __future__ import annotations

import re
from itertools import pairwise

from planner.formats import lspci
from planner.formats.facts import MAX_FUNCTIONS, Facts
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.host import Bridge, PciDevice

_ADDRESS = r"(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"
_PATH = re.compile(rf"iommu_groups/([0-9]{{1,9}})/devices/({_ADDRESS})\b")
_LINK = re.compile(rf"({_ADDRESS})/iommu_group(?: ->)? \S*iommu_groups/([0-9]{{1,9}})\b")
_GROUP = re.compile(r"^[^0-9A-Za-z]{0,8}(?:IOMMU[ _-]?)?group:?\s{0,8}#?([0-9]{1,9})\b:?(.*)", re.IGNORECASE)
_MEMBER = re.compile(rf"^[^0-9a-f]{{0,12}}({_ADDRESS})\b", re.IGNORECASE)
_NAMED = re.compile(rf"(?:^|[\s/])({_ADDRESS}) \S[^:]*: \S", re.IGNORECASE)
_CHAIN = re.compile(r"/?pci[0-9a-f]{4,8}:[0-9a-f]{2}((?:/[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])+)")
_HOP = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_HINT = re.compile("group|pci[0-9a-f]{4}:", re.IGNORECASE)
_LSPCI = re.compile(r"^(?:Slot|Class):\t|^[ \t]{1,16}(?:Flags|Control|Subsystem|IOMMU group): ", re.MULTILINE)


def recognise(text: str) -> bool:
    """Whether `text` lists groups or sysfs paths of PCI functions (`lspci -v`, which names groups too, is another)."""
    if not _HINT.search(text) or _LSPCI.search(text):
        return False
    return bool(_groups(text)) or _CHAIN.search(text) is not None


def parse(text: str) -> Facts:
    """The groups, and bridges where paths show them. Never raises."""
    groups = _groups(text)
    bridges, addresses = _bridges(text)
    named = _named(text)
    devices = tuple(
        device.changed(iommu_group=groups.get(device.address))
        if (device := named.get(address))
        else PciDevice(address=address, iommu_group=groups.get(address), bridge=bridges.get(address))
        for address in sorted(groups.keys() | addresses)[:MAX_FUNCTIONS]
    )
    kind = "a listing of IOMMU groups" if groups else "a listing of sysfs paths"
    return Facts(kind=kind, devices=devices, lists_all=True)


def _named(text: str) -> dict[Sbdf, PciDevice]:
    """The functions whose lines go on as those of lspci, which most scripts call for each."""
    lines = (line[member.start(1) :] for line in text.split("\n") if (member := _NAMED.search(line[:400])))
    try:
        return {device.address: device for device in lspci.parse("\n".join(lines))}
    except InputError:
        return {}


def _groups(text: str) -> dict[Sbdf, int]:
    groups: dict[Sbdf, int] = {}
    current: int | None = None
    for line in text.split("\n"):
        if not line.strip():
            continue
        if path := _PATH.search(line):
            groups[Sbdf.parse(path[2])] = int(path[1])
        elif link := _LINK.search(line):
            groups[Sbdf.parse(link[1])] = int(link[2])
        elif group := _GROUP.search(line[:400]):
            current = int(group[1])
            if member := _MEMBER.match(group[2]):
                groups[Sbdf.parse(member[1].lower())] = current
        elif current is not None and (member := _MEMBER.match(line[:200])):
            groups[Sbdf.parse(member[1].lower())] = current
        elif current is not None and not line[:1].isspace():
            current = None
    return groups


def _bridges(text: str) -> tuple[dict[Sbdf, Bridge], set[Sbdf]]:
    """Bridges by address: the bus below each is that of its children, up to the highest one seen."""
    highest: dict[Sbdf, int] = {}
    child: dict[Sbdf, int] = {}
    addresses: set[Sbdf] = set()
    for match in _CHAIN.finditer(text):
        hops = [Sbdf.parse(hop) for hop in _HOP.findall(match[1])]
        addresses.update(hops)
        below = 0
        for upper, lower in reversed(list(pairwise(hops))):
            child[upper] = lower.bus
            below = max(below, lower.bus)
            highest[upper] = max(highest.get(upper, 0), below)
    bridges = {address: Bridge(secondary=bus, subordinate=highest[address]) for address, bus in child.items()}
    return bridges, addresses
