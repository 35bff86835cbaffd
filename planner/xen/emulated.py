"""The PCI functions QEMU gives an HVM guest: those it emulates, as xl's config chooses them, and those passed through.

Source: what QEMU 7.2 itself listed on real guests of Xen 4.17 and, for the network cards and the sound cards other than
`hda`, on a machine of its own; libxl_dm.c (libxl__build_device_model_args_new) for the order in which libxl asks for
them; QEMU's hw/xen/xen_pt.c for which registers of a real device it shows.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import lru_cache
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.host import Bar, PciDevice
from planner.model.span import KIB, MIB
from planner.xen.guest_pci import ROM, Function, Register

SLOTS = 32


class Model(NamedTuple):
    """A device that QEMU emulates: its ids, class (16 bits), registers, and interrupt pin (0: none)."""

    vendor: int
    device: int
    class_code: int
    bars: tuple[Register, ...] = ()
    int_pin: int = 0


class EmulatedHardware(NamedTuple):
    """What of an xl.cfg decides the emulated devices, with xl's and libxl's defaults.

    `video_mib` is libxl's video RAM. `nics`: the model of each `vif` that QEMU emulates, in order (not those of
    `type=vif`). `ahci`: `hdtype = "ahci"` and a disk that is not a CD-ROM on hda to hdd. `extra`: models that
    `device_model_args_hvm` adds with `-device`.
    """

    vga: str = "cirrus"
    video_mib: int = 8
    xen_platform_pci: bool = True
    usb: bool = False
    usbversion: int | None = None
    soundhw: str | None = None
    nics: tuple[str, ...] = ()
    ahci: bool = False
    gfx_passthru: bool = False
    extra: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Models that no table here knows, so that nobody can say which slot and BARs they take."""
        return tuple(name for name in (*self.nics, *self.extra) if name not in MODELS)


def _io(number: int, size: int) -> Register:
    return Register(number, "io", size)


def _mem(number: int, size: int, *, prefetchable: bool = False, wide: bool = False) -> Register:
    return Register(number, "mem64" if wide else "mem32", size, prefetchable)


def _rom(size: int) -> Register:
    return Register(ROM, "rom", size)


_VGA_ROM = _rom(64 * KIB)
_BOOT_ROM = _rom(256 * KIB)  # Debian 12's iPXE images are 240 to 250 KB; the vectors assume 512 KiB
_UHCI = (_io(4, 32),)

_HOST_BRIDGE = Model(0x8086, 0x1237, 0x0600)
_PIIX3 = Model(0x8086, 0x7000, 0x0601)
_IDE = Model(0x8086, 0x7010, 0x0101, (_io(4, 16),))
_PIIX4_PM = Model(0x8086, 0x7113, 0x0680, (), 1)
_PLATFORM = Model(0x5853, 0x0001, 0xFF80, (_io(0, 256), _mem(1, 16 * MIB, prefetchable=True)), 1)
_ICH9_USB = {  # devfn: usbversion=2 puts four functions into slot 1d
    0x1D << 3 | 0: Model(0x8086, 0x2934, 0x0C03, _UHCI, 1),
    0x1D << 3 | 1: Model(0x8086, 0x2935, 0x0C03, _UHCI, 2),
    0x1D << 3 | 2: Model(0x8086, 0x2936, 0x0C03, _UHCI, 3),
    0x1D << 3 | 7: Model(0x8086, 0x293A, 0x0C03, (_mem(0, 4 * KIB),), 4),
}
_IGD_ISA_BRIDGE = Model(0x8086, 0x0000, 0x0601)  # its device id follows the IGD's generation

MODELS: dict[str, Model] = {
    "piix3-usb-uhci": Model(0x8086, 0x7020, 0x0C03, _UHCI, 4),
    "nec-usb-xhci": Model(0x1033, 0x0194, 0x0C03, (_mem(0, 16 * KIB, wide=True),), 1),
    "intel-hda": Model(0x8086, 0x2668, 0x0403, (_mem(0, 16 * KIB),), 1),
    "AC97": Model(0x8086, 0x2415, 0x0401, (_io(0, 1024), _io(1, 256)), 1),
    "ES1370": Model(0x1274, 0x5000, 0x0401, (_io(0, 256),), 1),
    "ahci": Model(0x8086, 0x2922, 0x0106, (_io(4, 32), _mem(5, 4 * KIB)), 1),
    "nvme": Model(0x1B36, 0x0010, 0x0108, (_mem(0, 16 * KIB, wide=True),), 1),
    "rtl8139": Model(0x10EC, 0x8139, 0x0200, (_io(0, 256), _mem(1, 256), _BOOT_ROM), 1),
    "e1000": Model(0x8086, 0x100E, 0x0200, (_mem(0, 128 * KIB), _io(1, 64), _BOOT_ROM), 1),
    "e1000e": Model(
        0x8086,
        0x10D3,
        0x0200,
        (_mem(0, 128 * KIB), _mem(1, 128 * KIB), _io(2, 32), _mem(3, 16 * KIB), _BOOT_ROM),
        1,
    ),
    "virtio-net-pci": Model(
        0x1AF4,
        0x1000,
        0x0200,
        (_io(0, 32), _mem(1, 4 * KIB), _mem(4, 16 * KIB, prefetchable=True, wide=True), _BOOT_ROM),
        1,
    ),
    "ne2k_pci": Model(0x10EC, 0x8029, 0x0200, (_io(0, 256), _BOOT_ROM), 1),
    "pcnet": Model(0x1022, 0x2000, 0x0200, (_io(0, 32), _mem(1, 32), _BOOT_ROM), 1),
    "vmxnet3": Model(0x15AD, 0x07B0, 0x0200, (_mem(0, 4 * KIB), _mem(1, 4 * KIB), _mem(2, 8 * KIB), _BOOT_ROM), 1),
}
MODELS["virtio-net"] = MODELS["virtio-net-pci"]  # QEMU's own alias
"""Every model that a config can put on the bus, by QEMU's name. VGA adapters depend on `videoram`: see `devices`."""

_USB_VERSIONS = {1: "piix3-usb-uhci", 3: "nec-usb-xhci"}
_SOUND = {"hda": "intel-hda", "ac97": "AC97", "es1370": "ES1370"}  # the others sit on the ISA bus


def undetected_graphics(devices: Iterable[PciDevice], *, any_display: bool) -> str | None:
    """Libxl's line where `gfx_passthru` is on without a kind and no Intel graphics is among the devices, or None.

    It then gives up before QEMU starts; with `gfx_passthru = "igd"` it does not look (seen on real runs). Devices of
    unknown class may be graphics. `any_display`: class 0380 counts too.
    """
    codes = ("0300", "0380") if any_display else ("0300",)
    for device in devices:
        code = (device.class_code or "")[:4]
        if not code or (code in codes and (device.id or "").startswith("8086")):
            return None
    return "unable to detect required gfx_passthru_kind"


@lru_cache(maxsize=256)
def devices(hardware: EmulatedHardware) -> tuple[Function, ...]:
    """The emulated functions, in the order QEMU makes them: fixed slots first, then each at the first free one."""
    bus = {0x00: _HOST_BRIDGE, 0x08: _PIIX3, 0x09: _IDE, 0x0B: _PIIX4_PM}
    if hardware.usb:
        bus[0x0A] = MODELS["piix3-usb-uhci"]
    if hardware.xen_platform_pci:
        bus[0x10] = _PLATFORM
    if hardware.usbversion == 2:
        bus |= _ICH9_USB
    if hardware.gfx_passthru:
        bus[0x1F << 3] = _IGD_ISA_BRIDGE
    for model in _plugged(hardware):
        devfn = _free(bus)
        if devfn is not None:
            bus[devfn] = model
    return tuple(Function(devfn, *model) for devfn, model in bus.items())


def passthrough(present: Iterable[Function], assigned: Iterable[tuple[PciDevice, int | None]]) -> tuple[Function, ...]:
    """The guest's side of real devices, given as (device, devfn asked for), in the order of `pci`, beside `present`.

    A devfn of None or 0 means the first free slot. Left out is a device whose place is taken, or for which none is
    left: QEMU refuses it (`refusals`). QEMU registers only BARs, and a ROM, that have an address on the host. The
    interrupt pin is not in an inventory, so hvmloader's line about it is missing from the log.
    """
    taken = {function.devfn for function in present}
    functions = []
    for device, wanted in assigned:
        devfn = wanted or _free(taken)
        if devfn is None or devfn in taken:
            continue
        taken.add(devfn)
        vendor, product = (int(part, 16) for part in (device.id or "0000:0000").split(":"))
        class_code = int((device.class_code or "0000")[:4], 16)
        bars = tuple(_register(bar, virtual=device.physfn is not None) for bar in device.bars if bar.start)
        functions.append(Function(devfn, vendor, product, class_code, bars, 0, device.address))
    return tuple(functions)


def refusals(functions: Iterable[Function], assigned: Iterable[tuple[PciDevice, int | None]]) -> dict[Sbdf, str]:
    """What QEMU says of the `assigned` devices that found no place among `functions`, the guest's whole bus.

    libxl asks QEMU before Xen, so that is the end of the guest. The line about a taken slot was seen on a real run; it
    goes on with what is there. The other one is read from QEMU's hw/pci/pci.c (do_pci_register_device).
    """
    placed = {function.host for function in functions}
    return {device.address: refusal(devfn) for device, devfn in assigned if device.address not in placed}


def refusal(devfn: int | None) -> str:
    """QEMU's line about a slot that is taken, or (None, or 0) about a bus that is full."""
    if not devfn:
        return "PCI: no slot/function available for xen-pci-passthrough, all in use or reserved"
    place = f"slot {devfn >> 3} function {devfn & 7}"
    return f"PCI: {place} not available for xen-pci-passthrough, in use by"


def _register(bar: Bar, *, virtual: bool) -> Register:
    """The guest's side of a BAR. A virtual function's own registers read 0, so it has no upper half to hand on."""
    if bar.index == ROM:
        return _rom(bar.size)
    upper = (bar.start or 0) & ~0xFFFFFFFF if bar.kind == "mem64" and not virtual else 0
    return Register(bar.index, "mem32" if bar.kind == "rom" else bar.kind, bar.size, bar.prefetchable, upper)


def is_full(functions: Iterable[Function]) -> bool:
    """Whether QEMU has no slot left for one more device."""
    return _free({function.devfn for function in functions}) is None


def _free(taken: Container[int]) -> int | None:
    """The first slot whose function 0 is free."""
    return next((slot << 3 for slot in range(SLOTS) if slot << 3 not in taken), None)


def _plugged(hardware: EmulatedHardware) -> list[Model]:
    """Devices without a slot of their own, in the order of libxl's command line."""
    names = [
        _USB_VERSIONS.get(hardware.usbversion or 0, ""),
        _SOUND.get(hardware.soundhw or "", ""),
        *hardware.nics,
        *hardware.extra,
        "ahci" if hardware.ahci else "",
    ]
    vga = _vga(hardware.vga, hardware.video_mib)
    return [*((vga,) if vga else ()), *(MODELS[name] for name in names if name in MODELS)]


def _vga(kind: str, video_mib: int) -> Model | None:
    if kind == "stdvga":
        memory = _mem(0, _power_of_two(video_mib * MIB), prefetchable=True)
        return Model(0x1234, 0x1111, 0x0300, (memory, _mem(2, 4 * KIB), _VGA_ROM))
    if kind == "cirrus":  # always 32 MiB, whatever its video RAM
        return Model(0x1013, 0x00B8, 0x0300, (_mem(0, 32 * MIB, prefetchable=True), _mem(1, 4 * KIB), _VGA_ROM))
    if kind == "qxl":  # libxl splits the video RAM evenly
        half = _power_of_two(video_mib // 2 * MIB)
        return Model(0x1B36, 0x0100, 0x0300, (_mem(0, half), _mem(1, half), _mem(2, 8 * KIB), _io(3, 32), _VGA_ROM), 1)
    return None


def _power_of_two(size: int) -> int:
    """`size` raised to a power of two, as QEMU sizes its BARs."""
    return 1 << max(size - 1, 0).bit_length()
