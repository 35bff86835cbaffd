"""pci.ids: names of vendors, devices, boards and classes, for functions whose listing has none.

The format is described at the head of the file itself: a vendor or `C class` a line, what belongs to it below with
one tab, and with two what belongs to that.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from planner.model.host import Host, PciDevice

_NAMELESS = re.compile(r"(?:.* )?Device (?:[0-9a-f]{4}:)?[0-9a-f]{4}\Z")
"""What lspci prints for a device that its own pci.ids did not have."""

_CLASS = "C "
_LINE = re.compile(r"(\t{0,2})(C )?([0-9a-f]{2,4})(?: ([0-9a-f]{4}))? {1,2}(\S.*)")


@dataclass(frozen=True, slots=True)
class PciIds:
    """The names that were asked for: vendors by id, devices by `vendor:device`, boards by device and board, classes."""

    vendors: dict[str, str] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    boards: dict[tuple[str, str], str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)


def needs_names(host: Host) -> bool:
    """Whether a device of the host lacks a name that its ids could give."""
    return any(_lacks(device) for device in host.devices)


def fill(host: Host, text: str) -> Host:
    """`host` with names from pci.ids where the listing had none; a name that it had is kept."""
    ids = parse(text, [device for device in host.devices if _lacks(device)])
    return host.changed(devices=tuple(_named(device, ids) for device in host.devices))


def parse(text: str, devices: Iterable[PciDevice]) -> PciIds:
    """What pci.ids says about these devices; lines of another form are passed over."""
    found = PciIds()
    wanted = {one for device in devices for one in (device.id, device.subsystem) if one}
    vendors = {one[:4] for one in wanted}
    for top, sub, board, name in _entries(text, vendors):
        device = f"{top}:{sub}"
        if top.startswith(_CLASS) and not board:
            found.classes[top.removeprefix(_CLASS) + sub] = _clean(name)
        elif not sub and top in vendors:
            found.vendors[top] = _clean(name)
        elif not board and device in wanted:
            found.devices[device] = _clean(name)
        elif device in wanted:
            found.boards[device, board] = _clean(name)
    return found


def _entries(text: str, vendors: Container[str]) -> Iterator[tuple[str, str, str, str]]:
    """Every line as vendor or class ("C 02"), device or subclass, board or programming interface, and name.

    What is below other vendors is passed over unread: that is nearly all of 36,000 lines.
    """
    top = sub = ""
    for line in text.split("\n"):
        if line[:1] == "\t" and not (top in vendors or top.startswith(_CLASS)):
            continue
        match = _LINE.match(line)
        if match is None:
            continue
        tabs, is_class, number, board, name = match.groups()
        if not tabs:
            top, sub = (is_class or "") + number, ""
        elif tabs == "\t":
            sub = number
        below = (f"{number}:{board}" if board else number) if len(tabs) == 2 else ""
        yield top, sub, below, name


def _lacks(device: PciDevice) -> bool:
    nameless = not device.name or _NAMELESS.match(device.name) is not None
    return bool((device.id and nameless) or (device.class_code and not device.class_name))


def _named(device: PciDevice, ids: PciIds) -> PciDevice:
    changes: dict[str, str] = {}
    if device.id and (not device.name or _NAMELESS.match(device.name)):
        vendor, own = ids.vendors.get(device.id[:4]), ids.devices.get(device.id)
        if vendor is not None and (own is not None or not device.name):
            changes["name"] = f"{vendor} {own or f'Device {device.id[5:]}'}"
    if device.class_code and not device.class_name:
        code = device.class_code
        changes["class_name"] = ids.classes.get(code[:4]) or ids.classes.get(code[:2]) or ""
    if device.id and device.subsystem and not device.subsystem_name:
        board = ids.boards.get((device.id, device.subsystem))
        changes["subsystem_name"] = board or ids.vendors.get(device.subsystem[:4], "")
    return device.changed(**changes) if changes else device


def _clean(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable()).strip()
