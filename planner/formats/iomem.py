"""/proc/iomem: the machine's memory map as Linux sees it, and the addresses that each PCI function decodes."""

from __future__ import annotations

import re

from planner.formats.facts import Facts
from planner.formats.sysfs import RANGE_TYPES
from planner.model.address import Sbdf
from planner.model.host import MemoryRange

_LINE = re.compile(r"( *)([0-9a-f]{8,16})-([0-9a-f]{8,16}) : (.*\S)\s*\Z")
_FUNCTION = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z")


def recognise(text: str) -> bool:
    """Whether most lines of `text` are ranges."""
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) >= 3 and sum(_LINE.match(line) is not None for line in lines[:200]) * 2 > min(len(lines), 200)


def parse(text: str) -> Facts:
    """Ranges of the outermost level, and those that carry a function's address. Never raises.

    Without root every address reads 0, which a note says. On a Xen dom0 the RAM is that of dom0, not the machine's.
    """
    ranges: list[MemoryRange] = []
    functions: dict[Sbdf, list[tuple[int, int]]] = {}
    blank = True
    for line in text.split("\n"):
        match = _LINE.match(line)
        if match is None:
            continue
        start, end = int(match[2], 16), int(match[3], 16)
        blank = blank and not end
        kind = RANGE_TYPES.get(match[4].lower())
        if not match[1] and kind is not None and start <= end and end:
            ranges.append(MemoryRange(start=start, end=end, type=kind))
        if _FUNCTION.match(match[4]) and start < end:
            functions.setdefault(Sbdf.parse(match[4]), []).append((start, end))
    notes = ("Its addresses are all 0: read it as root.",) if blank else ()
    return Facts(
        kind="a copy of /proc/iomem",
        ranges=tuple(ranges),
        decoded={address: tuple(found) for address, found in functions.items()},
        notes=notes,
    )
