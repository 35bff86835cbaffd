"""Xen's command line: the regions that the admin adds there, and how many interrupts it gives a guest.

`rmrr=` (Intel) and `ivmd=` (AMD) add regions, by page numbers in hex, with or without 0x.

Source: parse_rmrr_param in vtd/dmar.c (`start[-end]=[seg:]bus:dev.fn[,…][;…]`, with its limits as since 4.17) and
parse_ivmd_param in amd/iommu_acpi.c (`start[-end][=bdf[-bdf][,…]][;…]`). An option may stand there more than once.
What Xen cannot read ends the option there: what came before it counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.host import DeviceScope, RegionKind, ReservedRegion, ScopeKind
from planner.model.span import PAGE
from planner.xen.steps import Step

MAX_RMRRS = 10
MAX_RMRR_PAGES = 16
MAX_RMRR_DEVICES = 20
MAX_IVMDS = 8
_UNITY_READ_WRITE = 7
_EINVAL, _E2BIG = -22, -7

DEFAULT_GUEST_IRQS = 32
_RANGE = re.compile(r"((?:0[xX])?[0-9a-fA-F]+)(?:-((?:0[xX])?[0-9a-fA-F]+))?\Z")
_BDF = re.compile(r"(?:([0-9a-fA-F]+):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\.([0-7])\Z")
_GUEST_IRQS = re.compile(r"(?:^|\s)extra_guest_irqs=(?:0[xX]([0-9a-fA-F]{1,8})|(0[0-7]*)|([1-9][0-9]{0,8}))")
_MAX_PAGE = 1 << 52


class Added(NamedTuple):
    """The regions that an option adds, in the order they are written, and what Xen says while it reads them."""

    regions: tuple[ReservedRegion, ...]
    steps: tuple[Step, ...]


class _UnreadableError(Exception):
    """Xen stops reading the option here: why, and its error number."""

    def __init__(self, reason: str, errno: int = _EINVAL) -> None:
        super().__init__(reason)
        self.errno = errno


def rmrr(command_line: str) -> Added:
    """The regions of `rmrr=`. Never raises."""
    return _read("rmrr", "vtd/dmar.c: parse_rmrr_param", command_line, _add_rmrr)


def ivmd(command_line: str) -> Added:
    """The regions of `ivmd=`: one for each device or range that it names. Never raises."""
    return _read("ivmd", "amd/iommu_acpi.c: parse_ivmd_param", command_line, _add_ivmds)


def guest_irqs(command_line: str) -> int:
    """How many interrupts of devices Xen gives a guest: `extra_guest_irqs=guests[,dom0]`, the last one that counts.

    Source: parse_extra_guest_irqs in common/domain.c, 32 unless said, from 4.14 to master.
    """
    given = DEFAULT_GUEST_IRQS
    for hexadecimal, octal, decimal in _GUEST_IRQS.findall(command_line):
        given = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    return given


def _read(
    option: str, rule: str, command_line: str, add: Callable[[str, bool, list[ReservedRegion], list[Step]], None]
) -> Added:
    regions: list[ReservedRegion] = []
    steps: list[Step] = []
    values = [word.partition("=")[2] for word in command_line.split() if word.startswith(f"{option}=")]
    for value in values:
        entries = value.split(";")
        for number, text in enumerate(entries, 1):
            try:
                add(text, number == len(entries), regions, steps)
            except _UnreadableError as error:
                line = f'parameter "{option}" has invalid value "{value}", rc={error.errno}!'
                steps.append(Step(f"{option}= is read up to {text!r:.60}: {error}", rule, line, "warning"))
                break
    return Added(tuple(regions), tuple(steps))


def _add_rmrr(text: str, is_last: bool, regions: list[ReservedRegion], steps: list[Step]) -> None:
    """One `start[-end]=devices`: added, or left out with a step. Raises _UnreadableError."""
    rule = "vtd/dmar.c: parse_rmrr_param"
    if len(regions) >= MAX_RMRRS:
        raise _UnreadableError(f"there are {MAX_RMRRS} already", _E2BIG)
    pages, equals, names = text.partition("=")
    first, last = _page_range(pages)
    if not 0 <= last - first < MAX_RMRR_PAGES:
        count = "the end lies before the start" if last < first else f"{last - first + 1} pages"
        raise _UnreadableError(f"{count}, at most {MAX_RMRR_PAGES} are taken", _E2BIG)
    if not equals:
        if is_last:
            raise _UnreadableError("no device is named")
        steps.append(Step(f"rmrr= {text!r:.60} names no device and is passed over", rule, level="warning"))
        return
    devices: list[Sbdf] = []
    for name in names.split(","):
        if len(devices) == MAX_RMRR_DEVICES:
            raise _UnreadableError(f"more than {MAX_RMRR_DEVICES} devices")
        devices.append(_address(name, devices[0].segment if devices else 0))
    if len({device.segment for device in devices}) > 1:
        line = f"Segments are not equal for RMRR range [{first:x}-{last:x}]"
        steps.append(Step("its devices are in different segments: left out", rule, line, "warning"))
        return
    scopes = tuple(DeviceScope(device=device) for device in devices)
    regions.append(_region(first, last, RegionKind.RMRR, devices[0].segment, scopes, None))


def _add_ivmds(text: str, is_last: bool, regions: list[ReservedRegion], steps: list[Step]) -> None:
    """One `start[-end][=devices]`. Raises _UnreadableError; what it had added by then stays."""
    pages, equals, names = text.partition("=")
    first, last = _page_range(pages)
    if last < first:
        raise _UnreadableError("the end lies before the start")
    for name in names.split(",") if equals else ("",):
        if len(regions) >= MAX_IVMDS:
            raise _UnreadableError(f"there are {MAX_IVMDS} already", _E2BIG)
        scope = _ivmd_scope(name) if equals else DeviceScope(kind=ScopeKind.ALL)
        regions.append(_region(first, last, RegionKind.IVMD, 0, (scope,), _UNITY_READ_WRITE))


def _ivmd_scope(name: str) -> DeviceScope:
    low, dash, high = name.partition("-")
    device = _address(low, 0)
    last = _address(high, 0) if dash else None
    if device.segment or (last is not None and (last.segment or last < device)):
        raise _UnreadableError(f"{name!r:.40} is not a device or range of segment 0")
    return DeviceScope(kind=ScopeKind.RANGE if dash else ScopeKind.ENDPOINT, device=device, last=last)


def _region(
    first: int, last: int, kind: RegionKind, segment: int, scopes: tuple[DeviceScope, ...], flags: int | None
) -> ReservedRegion:
    # The end is the last page: in bytes, the last byte of it.
    end = (last + 1) * PAGE - 1
    return ReservedRegion(kind=kind, start=first * PAGE, end=end, segment=segment, scopes=scopes, flags=flags)


def _page_range(text: str) -> tuple[int, int]:
    match = _RANGE.match(text)
    if match is None:
        raise _UnreadableError("expected page numbers in hex, such as 3fff0-3fff7")
    first, last = int(match[1], 16), int(match[2] or match[1], 16)
    if max(first, last) >= _MAX_PAGE:
        raise _UnreadableError("no machine has such a page")
    return first, last


def _address(name: str, segment: int) -> Sbdf:
    """A device by [seg:]bus:dev.fn; `segment` is what it is in where the name does not say."""
    match = _BDF.match(name)
    if match is None or int(match[3], 16) > 0x1F or int(match[1] or "0", 16) > 0xFFFF:
        raise _UnreadableError(f"{name!r:.40} is not a device, such as 0:0:1a.0")
    number = segment if match[1] is None else int(match[1], 16)
    return Sbdf(number, int(match[2], 16), int(match[3], 16), int(match[4], 16))
