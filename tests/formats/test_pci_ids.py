"""pci.ids: names as lspci prints them, from the same file."""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import storage
from planner.formats import lspci, pci_ids, values
from planner.model.host import Host, PciDevice

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "lspci"
BUNDLED = Path(storage.__file__).parent / "data" / "pci.ids.xz"
TEXT = """\
# a comment
8086  Intel Corporation
\t1521  I350 Gigabit Network Connection
\t\t103c 339e  Ethernet 1Gb 4-port 366FLR Adapter
\t1533  I210 Gigabit Network Connection
10de  NVIDIA Corporation
\t1521  not this one

C 01  Mass storage controller
\t01  IDE interface
\t\t05  PCI native mode-only controller
\t05  ATA controller
C 02  Network controller
\t00  Ethernet controller
"""


def device(**facts: str) -> PciDevice:
    return values.read(PciDevice, {"address": "0000:02:00.0"} | facts)


def named(**facts: str) -> PciDevice:
    return pci_ids.fill(Host(devices=(device(**facts),)), TEXT).devices[0]


def test_names_of_vendor_device_board_and_class() -> None:
    found = named(id="8086:1521", subsystem="103c:339e", **{"class": "020000"})
    assert found.name == "Intel Corporation I350 Gigabit Network Connection"
    assert found.subsystem_name == "Ethernet 1Gb 4-port 366FLR Adapter"
    assert found.class_name == "Ethernet controller"


def test_what_the_file_does_not_know() -> None:
    assert named(id="8086:ffff").name == "Intel Corporation Device ffff"
    assert named(id="1234:5678").name == ""
    assert named(**{"class": "0105"}).class_name == "ATA controller"
    assert named(**{"class": "01ff"}).class_name == "Mass storage controller"
    assert named(id="8086:1521", subsystem="8086:ffff").subsystem_name == "Intel Corporation"


@pytest.mark.parametrize("name", ["Device 8086:1521", "Intel Corporation Device 1521", ""])
def test_a_listing_by_number_gets_names(name: str) -> None:
    assert named(id="8086:1521", name=name).name == "Intel Corporation I350 Gigabit Network Connection"


def test_a_name_that_is_there_is_kept() -> None:
    assert named(id="8086:1521", name="Onboard network").name == "Onboard network"
    assert not pci_ids.needs_names(Host(devices=(device(id="8086:1521", name="Onboard network"),)))
    assert not pci_ids.needs_names(Host(devices=(device(),)))
    assert pci_ids.needs_names(Host(devices=(device(id="8086:1521"),)))


@given(st.text(alphabet="\t 0123456789abcdefC#\nxyz", max_size=200))
def test_no_file_is_too_odd(text: str) -> None:
    pci_ids.fill(Host(devices=(device(id="0000:0000", subsystem="0000:0001"),)), text)


def test_the_bundled_copy_is_whole_and_used_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_PCI_IDS", (Path("/nonexistent/pci.ids"),))
    text = storage.pci_ids()
    assert text == lzma.decompress(BUNDLED.read_bytes()).decode()
    found = pci_ids.fill(Host(devices=(device(id="8086:1521", **{"class": "0200"}),)), text).devices[0]
    assert found.name == "Intel Corporation I350 Gigabit Network Connection"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference data is not here")
@pytest.mark.parametrize("dump", ["tree-asus-p6t6", "tree-fsl-p2020"])
def test_names_are_those_that_lspci_prints(dump: str, tmp_path: Path) -> None:
    if shutil.which("lspci") is None:
        if os.environ.get("CI"):
            pytest.fail("lspci is not installed (Debian: pciutils)")
        pytest.skip("lspci is not installed (Debian: pciutils)")
    ids = tmp_path / "pci.ids"
    ids.write_bytes(lzma.decompress(BUNDLED.read_bytes()))
    command = ["lspci", "-F", str(SHARED / f"{dump}.lspci-x.txt"), "-i", str(ids), "-D"]
    numbers, names = (
        lspci.parse(subprocess.run([*command, option], check=True, capture_output=True, text=True).stdout)
        for option in ("-n", "-nn")
    )
    filled = pci_ids.fill(Host(devices=numbers), ids.read_text()).by_address
    assert len(filled) == len(names) > 0
    for expected in names:
        found = filled[expected.address]
        assert (found.name, found.class_name) == (expected.name, expected.class_name)
