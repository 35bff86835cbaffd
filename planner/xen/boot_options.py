"""Regions that the admin adds on Xen's command line: `rmrr=` (Intel) and `ivmd=` (AMD).

Source: vtd/dmar.c:1195-1264 (`rmrr=start[-end]=[seg:]bus:dev.fn[,…][;…]`, page numbers in hex), whose limits and
messages this follows, and docs/misc/xen-command-line (`ivmd=start[-end][=bdf1[-bdf1'][,…]][;…]`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.model.address import Sbdf
from planner.model.host import DeviceScope, RegionKind, ReservedRegion, ScopeKind
from planner.model.span import PAGE
from planner.xen.steps import Step

MAX_REGIONS = 10
MAX_PAGES = 16
MAX_DEVICES = 20

_RANGE = re.compile(r"([0-9a-fA-F]+)(?:-([0-9a-fA-F]+))?\Z")
_BDF = re.compile(r"(?:([0-9a-fA-F]+):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\.([0-7])\Z")
_RULE = "vtd/dmar.c:1195-1264"


@dataclass(frozen=True, slots=True)
class Added:
    """The regions that the options add, in the order they are written, and what Xen says while it reads them."""

    regions: tuple[ReservedRegion, ...]
    steps: tuple[Step, ...]


def parse(command_line: str) -> Added:
    """The `rmrr=` and `ivmd=` options of Xen's command line; the last one of each counts. Never raises."""
    regions: list[ReservedRegion] = []
    steps: list[Step] = []
    for option, kind in (("rmrr", RegionKind.RMRR), ("ivmd", RegionKind.IVMD)):
        values = [word.partition("=")[2] for word in command_line.split() if word.startswith(f"{option}=")]
        added = 0
        for text in values[-1].split(";") if values else ():
            try:
                if added == MAX_REGIONS:
                    raise ValueError(f"there are {MAX_REGIONS} already")
                regions.append(_region(text, kind))
                added += 1
            except ValueError as error:
                steps.append(Step(f"{option}: {text!r:.60} is not added: {error}", _RULE, level="warning"))
    return Added(tuple(regions), tuple(steps))


def _region(text: str, kind: RegionKind) -> ReservedRegion:
    """One `start[-end]=devices`. ValueError says why Xen does not take it."""
    pages, equals, names = text.partition("=")
    first, last = _page_range(pages)
    if equals:
        scopes = [_scope(name, kind) for name in names.split(",")]
    elif kind is RegionKind.IVMD:
        scopes = [DeviceScope(kind=ScopeKind.ALL)]
    else:
        raise ValueError("no device is named")
    if len(scopes) > MAX_DEVICES:
        raise ValueError(f"{len(scopes)} devices, at most {MAX_DEVICES} are taken")
    segments = {scope.device.segment for scope in scopes if scope.device is not None}
    if len(segments) > 1:
        raise ValueError("its devices are in different segments")
    segment = segments.pop() if segments else 0
    # The end is the last page: in bytes, the last byte of it.
    end = (last + 1) * PAGE - 1
    return ReservedRegion(kind=kind, start=first * PAGE, end=end, segment=segment, scopes=tuple(scopes))


def _page_range(text: str) -> tuple[int, int]:
    match = _RANGE.match(text)
    if match is None:
        raise ValueError("expected page numbers in hex, such as 3fff0-3fff7")
    first, last = int(match[1], 16), int(match[2] or match[1], 16)
    if last < first:
        raise ValueError("the end lies before the start")
    if last - first + 1 > MAX_PAGES:
        raise ValueError(f"{last - first + 1} pages, at most {MAX_PAGES} are taken")
    if last >= 1 << 52:
        raise ValueError("no machine has such a page")
    return first, last


def _scope(name: str, kind: RegionKind) -> DeviceScope:
    first, dash, last = name.partition("-")
    if not dash:
        return DeviceScope(device=_address(first))
    if kind is RegionKind.RMRR:
        raise ValueError("rmrr= takes no ranges of devices")
    return DeviceScope(kind=ScopeKind.RANGE, device=_address(first), last=_address(last))


def _address(name: str) -> Sbdf:
    match = _BDF.match(name)
    if match is None or int(match[3], 16) > 0x1F or int(match[1] or "0", 16) > 0xFFFF:
        raise ValueError(f"{name!r:.40} is not a device, such as 0:0:1a.0")
    return Sbdf(int(match[1] or "0", 16), int(match[2], 16), int(match[3], 16), int(match[4], 16))
