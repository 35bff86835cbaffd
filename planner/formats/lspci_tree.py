r"""`lspci -t`, with or without `-v` and `-nn`: which bus is behind which bridge, drawn with dashes.

Layout: pciutils, ls-tree.c. A branch (`+-` or `\-`) belongs to the bus whose first function stands in its column.
"""

from __future__ import annotations

import re
from typing import Any

from planner.formats.text import clean
from planner.model.address import Sbdf
from planner.model.host import Bridge, PciDevice

_ROOT = re.compile(r"\[([0-9a-f]{4,8}):([0-9a-f]{2})(?:-[0-9a-f]{2})?\]")
_FUNCTION = re.compile(
    r"([01][0-9a-f])\.([0-7])(?:-\[(?:[0-9a-f]{4,8}:)?([0-9a-f]{2})(?:-([0-9a-f]{2}))?\])?(?:  (\S.*))?"
)
_TREE = re.compile(r"^[-+\\| ]{0,8}-\[[0-9a-f]{4,8}:[0-9a-f]{2}(?:-[0-9a-f]{2})?\]-", re.MULTILINE)
_ID = re.compile(r"(.*?) ?\[([0-9a-f]{4}:[0-9a-f]{4})\]\s*\Z")


def recognise(text: str) -> bool:
    """Whether `text` is a drawn tree."""
    return _TREE.search(text) is not None


def parse(text: str) -> tuple[PciDevice, ...]:
    """The functions of the tree in its order, bridges with their buses. Never raises."""
    found: dict[Sbdf, dict[str, Any]] = {}
    branches: dict[int, tuple[int, int]] = {}  # column of a branch -> segment and bus
    for line in text.split("\n"):
        bus: tuple[int, int] | None = None
        at = 0
        while at < len(line):
            if root := _ROOT.match(line, at):
                bus = int(root[1], 16), int(root[2], 16)
                at = root.end()
            elif bus is not None and (function := _FUNCTION.match(line, at)):
                address = Sbdf(*bus, int(function[1], 16), int(function[2], 16))
                found.setdefault(address, _facts(address, function))
                if function[3]:
                    bus = bus[0], int(function[3], 16)
                at = function.end()
            else:
                if line[at] in "+\\":
                    bus = branches.get(at) if bus is None else bus
                    if bus is not None:
                        branches[at] = bus
                elif line[at] not in "-| \r":
                    break  # no drawing
                at += 1
    return tuple(PciDevice(**facts) for facts in found.values())


def _facts(address: Sbdf, function: re.Match[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {"address": address}
    if function[3]:
        facts["bridge"] = Bridge(int(function[3], 16), int(function[4] or function[3], 16))
    name = (function[5] or "").strip()
    if numbered := _ID.match(name[:500]):
        name, facts["id"] = numbered[1], numbered[2]
    facts["name"] = clean(name)
    return facts
