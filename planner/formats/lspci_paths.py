"""`lspci -PP`: the bridges on the way to each function, with their buses, in place of its address."""

from __future__ import annotations

import re
from itertools import pairwise

from planner.model.address import Sbdf
from planner.model.host import Bridge

_BUS = r"[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]"
_WAY = re.compile(rf"^(?:([0-9a-fA-F]{{4,8}}):)?((?:{_BUS}/)+{_BUS})(?= )", re.MULTILINE)


def resolved(text: str) -> tuple[str, dict[Sbdf, Bridge]]:
    """The listing with plain addresses, and the bridges that its paths name (their buses up to the highest seen)."""
    children: dict[Sbdf, int] = {}
    highest: dict[Sbdf, int] = {}

    def last(match: re.Match[str]) -> str:
        segment = f"{match[1]}:" if match[1] else ""
        hops = [Sbdf.parse(segment + hop) for hop in match[2].split("/")]
        for upper, lower in pairwise(hops):
            children[upper] = lower.bus
        below = 0
        for upper, lower in reversed(list(pairwise(hops))):
            below = max(below, lower.bus)
            highest[upper] = max(highest.get(upper, 0), below)
        return segment + match[2].rpartition("/")[2]

    return _WAY.sub(last, text), {
        address: Bridge(secondary=bus, subordinate=max(bus, highest[address])) for address, bus in children.items()
    }
