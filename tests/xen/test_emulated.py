"""The functions on a guest's bus. The expected slots and sizes are what QEMU 7.2 showed on real guests."""

from __future__ import annotations

from typing import Any

import pytest

from planner.formats import values
from planner.model.host import PciDevice
from planner.model.span import KIB, MIB
from planner.xen.emulated import EmulatedHardware, devices, passthrough, refusals
from planner.xen.guest_pci import Function


def _bus(**choices: Any) -> dict[str, Function]:
    return {function.slot: function for function in devices(EmulatedHardware(**choices))}


def _sizes(function: Function) -> list[tuple[int, str, int]]:
    return [(bar.number, bar.kind, bar.size) for bar in function.bars]


def _device(address: str = "0000:03:00.0", **facts: Any) -> PciDevice:
    return values.read(PciDevice, {"address": address, "id": "8086:10d3", "class": "020000"} | facts)


def test_the_default_guest() -> None:
    bus = _bus()
    assert list(bus) == ["00.0", "01.0", "01.1", "01.3", "02.0", "03.0"]
    assert (bus["02.0"].vendor, bus["02.0"].class_code) == (0x5853, 0xFF80)
    assert _sizes(bus["03.0"]) == [(0, "mem32", 32 * MIB), (1, "mem32", 4 * KIB), (6, "rom", 64 * KIB)]


@pytest.mark.parametrize(("video_mib", "size"), [(16, 16 * MIB), (24, 32 * MIB), (32, 32 * MIB), (64, 64 * MIB)])
def test_stdvga_shows_its_memory_raised_to_a_power_of_two(video_mib: int, size: int) -> None:
    assert _sizes(_bus(vga="stdvga", video_mib=video_mib)["03.0"])[0] == (0, "mem32", size)


def test_cirrus_always_takes_32_mib() -> None:
    assert devices(EmulatedHardware(video_mib=8)) == devices(EmulatedHardware(video_mib=16))


def test_qxl_halves_its_memory() -> None:
    assert _sizes(_bus(vga="qxl", video_mib=128)["03.0"])[:2] == [(0, "mem32", 64 * MIB), (1, "mem32", 64 * MIB)]


def test_without_the_platform_device_everything_moves_up_a_slot() -> None:
    bus = _bus(vga="stdvga", video_mib=16, xen_platform_pci=False, nics=("e1000",))
    assert (bus["02.0"].device, bus["03.0"].device) == (0x1111, 0x100E)
    assert "02.0" not in _bus(vga="none", xen_platform_pci=False)


@pytest.mark.parametrize(
    ("choices", "slots"),
    [
        ({"usb": True}, ["01.2"]),
        ({"usbversion": 1}, ["03.0"]),
        ({"usbversion": 2}, ["1d.0", "1d.1", "1d.2", "1d.7"]),
        ({"usbversion": 3}, ["03.0"]),
        ({"soundhw": "hda"}, ["03.0"]),
        ({"soundhw": "sb16"}, []),
        ({"ahci": True}, ["03.0"]),
        ({"gfx_passthru": True}, ["1f.0"]),
        ({"nics": ("rtl8139", "virtio-net")}, ["03.0", "04.0"]),
        ({"extra": ("nvme",)}, ["03.0"]),
    ],
)
def test_what_each_choice_adds(choices: dict[str, Any], slots: list[str]) -> None:
    plain = _bus(vga="none")
    assert [slot for slot in _bus(vga="none", **choices) if slot not in plain] == slots


def test_order_of_the_command_line() -> None:
    bus = _bus(usbversion=3, soundhw="ac97", nics=("rtl8139",), extra=("nvme",), ahci=True)
    assert [bus[f"0{slot}.0"].device for slot in range(4, 9)] == [0x0194, 0x2415, 0x8139, 0x0010, 0x2922]


def test_models_nobody_knows_are_named() -> None:
    hardware = EmulatedHardware(nics=("e1000", "tulip"), extra=("ivshmem",))
    assert hardware.unknown == ("tulip", "ivshmem")
    assert len(devices(hardware)) == len(devices(EmulatedHardware(nics=("e1000",))))


def test_real_devices_take_the_next_free_slots_in_config_order() -> None:
    present = devices(EmulatedHardware())
    real = passthrough(present, [(_device("0000:04:00.0"), None), (_device("0000:03:00.0"), None)])
    assert [(function.slot, str(function.host)) for function in real] == [
        ("04.0", "0000:04:00.0"),
        ("05.0", "0000:03:00.0"),
    ]
    assert (real[0].vendor, real[0].device, real[0].class_code) == (0x8086, 0x10D3, 0x0200)


def test_a_slot_that_was_asked_for() -> None:
    present = devices(EmulatedHardware())
    real = passthrough(present, [(_device("0000:03:00.0"), 0x07 << 3), (_device("0000:04:00.0"), 0)])
    assert [function.slot for function in real] == ["07.0", "04.0"]
    taken = [(_device(), 0x02 << 3)]
    assert passthrough(present, taken) == (), "QEMU refuses a slot that is taken"
    (said,) = refusals(present, taken).values()
    assert "PCI: slot 2 function 0 not available for xen-pci-passthrough, in use by xen-platform,id=(null)".startswith(
        said
    )


def test_a_full_bus() -> None:
    present = devices(EmulatedHardware())
    wanted = [(_device(f"0000:{bus:02x}:00.0"), None) for bus in range(1, 40)]
    placed = passthrough(present, wanted)
    assert len(placed) == 32 - 4
    lost = refusals((*present, *placed), wanted)
    assert len(lost) == len(wanted) - len(placed)
    assert set(lost.values()) == {"PCI: no slot/function available for xen-pci-passthrough, all in use or reserved"}


def test_registers_without_an_address_on_the_host_stay_hidden() -> None:
    bars = [
        {"index": 0, "kind": "mem64", "start": 0xE0000000, "size": 256 * MIB, "prefetchable": True},
        {"index": 2, "kind": "io", "size": 32},
        {"index": 6, "kind": "rom", "start": 0xC0000, "size": 128 * KIB},
    ]
    (function,) = passthrough((), [(_device(bars=bars), None)])
    assert _sizes(function) == [(0, "mem64", 256 * MIB), (6, "rom", 128 * KIB)]
    assert function.bars[0].prefetchable


def test_a_device_of_which_only_the_address_is_known() -> None:
    (function,) = passthrough((), [(values.read(PciDevice, {"address": "0000:03:00.0"}), None)])
    assert function[:5] == (0, 0, 0, 0, ())
