"""The guest's PCI bus as hvmloader and QEMU see it: functions, their base address registers, slots."""

from __future__ import annotations

from typing import NamedTuple

from planner.model.address import Sbdf

ROM = 6
_WORDS = {
    0x0101: "IDE",
    0x0106: "AHCI",
    0x0108: "NVMe",
    0x0200: "NIC",
    0x0300: "VGA",
    0x0401: "sound",
    0x0403: "sound",
    0x0C03: "USB",
    0xFF80: "Xen platform",
}


class Register(NamedTuple):
    """A base address register as the guest sees it: number 0 to 5, 6 the expansion ROM; size in bytes.

    `upper` are the bits from 32 up that a 64-bit register starts with: QEMU copies the host's.
    """

    number: int
    kind: str
    size: int
    prefetchable: bool = False
    upper: int = 0


class Function(NamedTuple):
    """A PCI function on the guest's bus 0. `int_pin` 1 to 4 is INTA to INTD, 0: none, or nobody knows.

    `host` is the host's address of a device that is passed through.
    """

    devfn: int
    vendor: int
    device: int
    class_code: int
    bars: tuple[Register, ...] = ()
    int_pin: int = 0
    host: Sbdf | None = None

    @property
    def name(self) -> str:
        """What to call it: the host's address, or what QEMU emulates there."""
        return self.host.short if self.host is not None else _WORDS.get(self.class_code, f"slot {self.slot}")

    @property
    def slot(self) -> str:
        """Device and function as hvmloader's users write it ("02.0")."""
        return slot_text(self.devfn)


def slot_text(devfn: int) -> str:
    """A devfn as device.function ("1f.2")."""
    return f"{devfn >> 3:02x}.{devfn & 7}"


def bar_name(number: int) -> str:
    """What to call BAR `number`; 6 is the expansion ROM."""
    return "ROM" if number == ROM else f"BAR {number}"


def register_offset(number: int) -> int:
    """Where BAR `number` lies in config space; 6 is the expansion ROM."""
    return 0x30 if number == ROM else 0x10 + 4 * number
