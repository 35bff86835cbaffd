"""A complete new guest from nothing: its xl.cfg with what a person would otherwise have to look up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from planner.formats.xlcfg.guest import read
from planner.formats.xlcfg.syntax import quote
from planner.model.errors import InputError
from planner.model.guest import Guest

DEFAULT_MEMORY = 4096  # MiB


class System(StrEnum):
    """What is to run in the guest."""

    LINUX = "linux"
    WINDOWS = "windows"


class Firmware(StrEnum):
    """What starts it."""

    SEABIOS = "seabios"
    OVMF = "ovmf"


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of guest; `label` is how to name it, and how `--template` calls it."""

    system: System
    firmware: Firmware

    @property
    def label(self) -> str:
        """`linux-seabios` and so on."""
        return f"{self.system}-{self.firmware}"


TEMPLATES: dict[str, Template] = {
    template.label: template for template in (Template(system, firmware) for system in System for firmware in Firmware)
}

_LINUX = """\
# Disks with PV drivers, which every Linux has; the first starts the guest.
disk = [
    {disk},
    # "file:/srv/iso/install.iso,hdc:cdrom,r",
]
"""
_WINDOWS = """\
# Windows starts from an emulated IDE disk; Xen's PV drivers, once installed, take it over.
disk = [
    {disk},
    # "file:/srv/iso/windows.iso,hdc:cdrom,r",
]
# What Windows knows of hypervisors, and a clock that holds local time.
viridian = 1
localtime = 1
"""


def new_guest(
    name: str, template: Template, *, memory: int = DEFAULT_MEMORY, vcpus: int = 2, bridge: str = "xenbr0"
) -> Guest:
    """An HVM guest of `memory` MiB without devices, whose text is in no file yet. InputError for an impossible name."""
    if not name or "\0" in name:
        raise InputError("a guest needs a name")
    windows = template.system is System.WINDOWS
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    disk = quote(f"phy:/dev/vg0/{safe},{'hda' if windows else 'xvda'},w")
    text = f"""\
# A {template.system.capitalize()} guest with {"UEFI (OVMF)" if template.firmware is Firmware.OVMF else "SeaBIOS"}. \
Disk and bridge are examples: put yours there.

name = {quote(name)}
type = "hvm"
bios = {quote(template.firmware)}

# RAM in MiB. A guest with PCI devices cannot balloon from less, so both stay equal.
memory = {memory}
maxmem = {memory}
vcpus = {vcpus}

{(_WINDOWS if windows else _LINUX).format(disk=disk)}
vif = [ {quote(f"bridge={bridge}")} ]

# A screen on this machine only, and a pointer that follows the mouse.
vga = "stdvga"
vnc = 1
vnclisten = "127.0.0.1"
usb = 1
usbdevice = [ "tablet" ]

pci = [
]
"""
    guest = read(text, f"{safe}.cfg")
    return replace(guest, file=replace(guest.file, on_disk=False) if guest.file is not None else None)
