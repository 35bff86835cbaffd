from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.collect import gather
from planner.formats import lspci
from planner.formats.archive import Archive, read_tar
from planner.formats.sysfs import FILES, claims, parse
from planner.model.address import Sbdf
from planner.model.host import Bar, PciDevice, ResizableBar
from planner.model.span import MIB

SHARED = Path(__file__).resolve().parents[3] / "shared"
FAKE_HOST = SHARED / "tools" / "lspci" / "fakehost.py"
needs_lspci = pytest.mark.skipif(
    not os.environ.get("CI") and shutil.which("lspci") is None, reason="lspci is not installed"
)

PLACE = "sys/bus/pci/devices/0000:03:00.0"
RESOURCE = (
    "0x00000000f7c00000 0x00000000f7c7ffff 0x000000000014220c\n"
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
    "0x000000000000e000 0x000000000000e01f 0x0000000000040101\n"
    "0x0000000000000000 0x0000000000003fff 0x0000000020040200\n"
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
    "0x00000000000c0000 0x00000000000dffff 0x0000000000000212\n"
    "0x00000000f7d00000 0x00000000f7dfffff 0x000000000014220c\n"
)
FUNCTION = {
    "vendor": "0x8086\n",
    "device": "0x10fb\n",
    "class": "0x020000\n",
    "revision": "0x01\n",
    "subsystem_vendor": "0x8086\n",
    "subsystem_device": "0x7a11\n",
    "numa_node": "1\n",
    "irq": "16\n",
    "sriov_numvfs": "4\n",
    "reset_method": "flr bus\n",
    "label": "NIC  1\n",
    "resource": RESOURCE,
    "resource0_resize": "00000000000001c0\n",
}


def archive(files: dict[str, str], links: dict[str, str] | None = None, place: str = PLACE) -> Archive:
    return Archive({f"{place}/{name}": text.encode() for name, text in files.items()}, links or {})


def one(found: Archive) -> PciDevice:
    facts = parse(found)
    assert facts is not None
    (device,) = facts.devices
    return device


def test_every_fact_of_a_function() -> None:
    links = {
        f"{PLACE}/driver": "../../../../bus/pci/drivers/ixgbe",
        f"{PLACE}/iommu_group": "../../../../kernel/iommu_groups/14",
        f"{PLACE}/physfn": "../0000:03:00.1",
    }
    device = one(archive(FUNCTION, links))
    assert (device.id, device.subsystem, device.class_code, device.revision) == (
        "8086:10fb",
        "8086:7a11",
        "020000",
        "01",
    )
    assert (device.numa_node, device.irq, device.virtual_functions) == (1, 16, 4)
    assert (device.resets, device.slot) == (("flr", "bus"), "NIC 1")
    assert (device.driver, device.iommu_group, device.physfn) == ("ixgbe", 14, Sbdf(0, 3, 0, 1))
    assert device.bars == (
        Bar(index=0, kind="mem64", start=0xF7C00000, size=512 << 10, prefetchable=True),
        Bar(index=2, kind="io", start=0xE000, size=32),
        Bar(index=3, kind="mem32", start=None, size=16 << 10),
        Bar(index=6, kind="rom", start=0xC0000, size=128 << 10),
    )
    assert device.resizable == (ResizableBar(index=0, sizes=(64 * MIB, 128 * MIB, 256 * MIB)),)


def test_a_copy_that_followed_links_says_the_same() -> None:
    followed = {
        **FUNCTION,
        "uevent": "DRIVER=ixgbe\nPCI_SLOT_NAME=0000:03:00.0\n",
        "physfn/uevent": "PCI_SLOT_NAME=0000:03:00.1\n",
        "physfn/vendor": "0x1234\n",
    }
    found = archive(followed, place="copy/devices/pci0000:00/0000:00:1c.0/0000:03:00.0")
    found.files["copy/kernel/iommu_groups/14/devices/0000:03:00.0/vendor"] = b"0x8086\n"
    device = one(found)
    assert (device.driver, device.iommu_group, device.physfn, device.id) == (
        "ixgbe",
        14,
        Sbdf(0, 3, 0, 1),
        "8086:10fb",
    )


def test_the_number_of_a_message_is_no_interrupt_line() -> None:
    assert one(archive({**FUNCTION, "msi_irqs/16": ""})).irq is None
    assert one(archive({**FUNCTION, "msi_irqs/17": ""})).irq == 16


def test_reserved_regions_of_groups() -> None:
    base = "sys/kernel/iommu_groups"
    lines = "0x00000000bdf6e000 0x00000000bdf6efff direct\n0x00000000fee00000 0x00000000feefffff msi\n"
    found = Archive(
        {
            f"{base}/1/reserved_regions": lines.encode(),
            f"{base}/2/reserved_regions": (
                b"0x00000000bdf6e000 0x00000000bdf6efff direct\n"
                b"0x0000000000001000 0x0000000000001fff direct-relaxable\n"
            ),
        },
        {
            f"{base}/1/devices/0000:00:1a.0": "../../../devices/pci0000:00/0000:00:1a.0",
            f"{base}/2/devices/0000:00:1d.0": "x",
            f"{base}/2/devices/0000:00:1d.1": "x",
        },
    )
    facts = parse(found)
    assert facts is not None
    assert [(device.address, device.iommu_group) for device in facts.devices] == [
        (Sbdf(0, 0, 0x1A, 0), 1),
        (Sbdf(0, 0, 0x1D, 0), 2),
        (Sbdf(0, 0, 0x1D, 1), 2),
    ]
    assert facts.regions is not None
    assert [(region.start, region.end, len(region.scopes)) for region in facts.regions] == [
        (0x1000, 0x1FFF, 2),
        (0xBDF6E000, 0xBDF6EFFF, 3),
    ]
    assert not facts.lists_all


def test_the_firmware_s_memory_map() -> None:
    files = {}
    for number, (start, end, kind) in enumerate(
        [("0x100000", "0x3fe71fff", "System RAM"), ("0x0", "0x9efff", "System RAM"), ("0x9f000", "0xfffff", "Reserved")]
    ):
        for name, text in (("start", start), ("end", end), ("type", kind)):
            files[f"sys/firmware/memmap/{number}/{name}"] = f"{text}\n".encode()
    facts = parse(Archive(files))
    assert facts is not None
    assert [(entry.start, entry.type) for entry in facts.ranges] == [
        (0, "ram"),
        (0x9F000, "reserved"),
        (1 << 20, "ram"),
    ]


def test_what_is_not_sysfs_is_left_to_other_readers() -> None:
    assert parse(Archive({"lspci.txt": b"", "0000:03:00.0/notes.txt": b"", "config": b""})) is None
    assert not claims("0000:03:00.0/notes.txt")
    assert all(claims(f"x/0000:03:00.0/{name}") for name in FILES)


@given(st.dictionaries(st.sampled_from([*FILES, "uevent", "physfn/uevent"]), st.binary(max_size=300)))
def test_any_contents(files: dict[str, bytes]) -> None:
    parse(Archive({f"{PLACE}/{name}": data for name, data in files.items()}))


@pytest.fixture
def fake_host(tmp_path: Path) -> Path:
    """A small sysfs that the real lspci reads."""
    if not FAKE_HOST.is_file():
        pytest.skip("the reference data is not here")
    subprocess.run([sys.executable, FAKE_HOST, tmp_path], check=True)
    return tmp_path


@needs_lspci
def test_lspci_prints_the_same_of_a_tree(fake_host: Path) -> None:
    run = subprocess.run(
        ["lspci", "-A", "linux-sysfs", "-O", f"sysfs.path={fake_host}/sys/bus/pci", "-Dvvnn"],
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = {device.address: device for device in lspci.parse(run.stdout)}
    facts = parse(gather.from_folder(fake_host / "sys"))
    assert facts is not None
    assert theirs.keys() == {device.address for device in facts.devices}
    compared = 0
    for device in facts.devices:
        other = theirs[device.address]
        for field in ("id", "subsystem", "driver", "numa_node", "iommu_group", "bars", "port", "msi", "msix", "bridge"):
            assert getattr(device, field) == getattr(other, field), (device.address, field)
            compared += 1
        assert (device.class_code or "").startswith(other.class_code or "none")
    assert compared == 50


def test_a_tree_in_a_tar_reads_as_the_folder(fake_host: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(fake_host / "sys", "copy/sys")
    assert parse(read_tar(packed.getvalue())) == parse(gather.from_folder(fake_host / "sys"))


def test_a_function_without_reset_method_cannot_be_reset_where_the_kernel_tells_it_of_others() -> None:
    silent = {name: text for name, text in FUNCTION.items() if name != "reset_method"}
    other = PLACE.rpartition("/")[0] + "/0000:7f:00.0"
    both = Archive(archive(FUNCTION).files | archive(silent, place=other).files, {})
    for files, resets in ((both, ()), (archive(silent, place=other), None)):
        facts = parse(files)
        assert facts is not None
        assert facts.devices[-1].resets == resets
