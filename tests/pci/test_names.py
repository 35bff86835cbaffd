from __future__ import annotations

import pytest

from planner.model.address import Sbdf
from planner.model.host import PciDevice
from planner.pci.names import class_word, full_name, is_chipset, short_name

ADDRESS = Sbdf.parse("01:00.0")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("020000", "NIC"),
        ("0c0330", "USB"),
        ("010601", "SATA"),
        ("0104", "RAID"),
        ("0180", "Disk"),
        ("ff00", "?"),
        (None, "?"),
    ],
)
def test_class_words(code: str | None, word: str) -> None:
    assert class_word(PciDevice(address=ADDRESS, class_code=code)) == word


@pytest.mark.parametrize(
    ("code", "chipset"), [("060400", True), ("080020", True), ("0806", True), ("0880", False), ("0200", False)]
)
def test_chipset(code: str, chipset: bool) -> None:
    assert is_chipset(PciDevice(address=ADDRESS, class_code=code)) is chipset


@pytest.mark.parametrize(
    ("name", "slot", "short"),
    [
        ("Intel I350 Gigabit Network Connection", None, "I350 Gigabit Network Connection"),
        ("Intel I350 Gigabit Network Connection", "NIC Port 2", "NIC Port 2"),
        ("Intel I350 Gigabit Network Connection", "14", "I350 Gigabit Network Connection"),
        ("Intel I350 Gigabit Network Connection", "SLOT 3", "I350 Gigabit Network Connection"),
        ("Intel C600/X79 series chipset USB2 Enhanced Host Controller #2", None, "USB2 Enhanced Host Controller #2"),
        ("NVIDIA Corporation TU116 [GeForce GTX 1660]", None, "GeForce GTX 1660"),
        ("Advanced Micro Devices, Inc. [AMD/ATI] Navi 21", None, "Advanced Micro Devices, Navi 21"),
        ("Intel", None, "Intel"),
        ("Intel Xeon E7 v4/Xeon E5 v4/Xeon D Crystal Beach DMA Channel 0", None, "Crystal Beach DMA Channel 0"),
        ("Intel Xeon E7 v2/Xeon E5 v2/Core i7 IIO RAS", None, "IIO RAS"),
        ("Intel 100 Series/C230 Series Chipset Family USB 3.0 xHCI Controller", None, "USB 3.0 xHCI Controller"),
        ("Intel Q170/Z170/CM236 Chipset SATA Controller [AHCI Mode]", None, "SATA Controller"),
        ("LSI MegaRAID SAS 2208 [Thunderbolt], PERC H710", None, "MegaRAID SAS 2208, PERC H710"),
        ("[only brackets]", None, "[only brackets]"),
    ],
)
def test_short_names(name: str, slot: str | None, short: str) -> None:
    assert short_name(PciDevice(address=ADDRESS, name=name, slot=slot)) == short


def test_names_fall_back_on_what_there_is() -> None:
    assert full_name(PciDevice(address=ADDRESS, id="8086:1521")) == "8086:1521"
    assert full_name(PciDevice(address=ADDRESS)) == ""
    assert full_name(PciDevice(address=ADDRESS, name="I350", slot="Port 1")) == "I350, Port 1"
    assert full_name(PciDevice(address=ADDRESS, name="I350", slot="14")) == "I350, slot 14"
