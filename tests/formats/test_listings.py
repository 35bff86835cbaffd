"""The smaller readers: trees, groups, paths, what xl prints, /proc/iomem."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.formats import iomem, iommu_groups, lspci, lspci_tree, xl_output
from planner.formats.facts import Facts
from planner.model.address import Sbdf
from planner.model.host import Bridge

SHARED = Path(__file__).resolve().parents[3] / "shared"
DATA = SHARED / "data"
DOM0 = SHARED / "xen-runs" / "s00-host" / "dom0"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the reference data is not here")
needs_runs = pytest.mark.skipif(not DOM0.is_dir(), reason="the recorded Xen runs are not here")
needs_lspci = pytest.mark.skipif(
    not os.environ.get("CI") and shutil.which("lspci") is None, reason="lspci is not installed"
)

TREE = r"""-+-[0000:ff]-+-00.0
 |           \-06.3
 \-[0000:00]-+-00.0  Intel Corporation 5520 [8086:3405]
             +-01.0-[01]--
             +-03.0-[02-05]----00.0-[03-05]--+-00.0-[04]----00.0  Broadcom SAS2008 [Falcon] [1000:0072]
             |                               \-02.0-[05]--
             \-1f.2
"""


def test_a_tree_says_what_is_behind_which_bridge() -> None:
    assert lspci_tree.recognise(TREE)
    devices = {str(device.address): device for device in lspci_tree.parse(TREE)}
    assert list(devices) == [
        "0000:ff:00.0", "0000:ff:06.3", "0000:00:00.0", "0000:00:01.0", "0000:00:03.0", "0000:02:00.0",
        "0000:03:00.0", "0000:04:00.0", "0000:03:02.0", "0000:00:1f.2",
    ]  # fmt: skip
    assert devices["0000:02:00.0"].bridge == Bridge(secondary=3, subordinate=5)
    assert devices["0000:00:01.0"].bridge == Bridge(secondary=1, subordinate=1)
    card = devices["0000:04:00.0"]
    assert (card.name, card.id) == ("Broadcom SAS2008 [Falcon]", "1000:0072")


@needs_data
@needs_lspci
def test_trees_say_the_same_as_listings() -> None:
    """Every tree of the reference data, and what lspci draws here, against the listing of the same machine."""
    compared = 0
    for dump in (DATA / "lspci").glob("*.lspci-x.txt"):
        listing = {device.address: device for device in lspci.parse(dump.read_text())}
        for form in ("-t", "-tv", "-tvnn"):
            run = subprocess.run(["lspci", "-F", dump, form], capture_output=True, text=True, check=True)
            tree = {device.address: device for device in lspci_tree.parse(run.stdout)}
            assert tree.keys() == listing.keys()
            assert all(device.bridge == listing[address].bridge for address, device in tree.items())
            compared += 1
    for path in [*DATA.glob("lspci/*.lspci-t.txt"), *DATA.glob("lspci/*.lspci-tv.txt"), *DATA.glob("lspci/*-tvnn.txt")]:
        text = path.read_text()
        assert lspci_tree.recognise(text), path.name
        stem = path.name.partition(".lspci")[0]
        full = path.with_name(f"{stem}.lspci-Dvvnn.txt")
        full = full if full.exists() else path.with_name(f"{stem}.lspci-vnn.txt")
        listing = {device.address: device for device in lspci.parse(full.read_text())}
        tree = {device.address: device for device in lspci_tree.parse(text)}
        assert tree.keys() == listing.keys(), path.name
        assert all(device.bridge == listing[address].bridge for address, device in tree.items()), path.name
        compared += 1
    assert compared == 6 + 12


SCRIPTS = [
    (
        "IOMMU Group 0:\n\t00:00.0 Host bridge [0600]: Intel Host [8086:1901] (rev 07)\nIOMMU Group 1:\n"
        "\t00:01.0 PCI bridge [0604]: Intel PCIe [8086:1905]\n"
        "\t01:00.0 VGA compatible controller [0300]: NVIDIA [10de:1b80]\n"
    ),
    (
        "IOMMU Group 0 00:00.0 Host bridge [0600]: Intel Host [8086:1901] (rev 07)\n"
        "IOMMU Group 1 00:01.0 PCI bridge [0604]: Intel PCIe [8086:1905]\n"
        "IOMMU Group 1 01:00.0 VGA compatible controller [0300]: NVIDIA [10de:1b80]\n"
    ),
    (
        "IOMMU group 0\n00:00.0 Host bridge [0600]: Intel Host [8086:1901] (rev 07)\n\nIOMMU group 1\n"
        "00:01.0 PCI bridge [0604]: Intel PCIe [8086:1905]\n"
        "01:00.0 VGA compatible controller [0300]: NVIDIA [10de:1b80]\n"
    ),
    (
        "/sys/kernel/iommu_groups/0/devices/0000:00:00.0\n/sys/kernel/iommu_groups/1/devices/0000:00:01.0\n"
        "/sys/kernel/iommu_groups/1/devices/0000:01:00.0\n"
    ),
    (
        "lrwxrwxrwx 1 root root 0 May 1 10:00 /sys/kernel/iommu_groups/0/devices/0000:00:00.0 -> "
        "../../../../devices/pci0000:00/0000:00:00.0\n"
        "lrwxrwxrwx 1 root root 0 May 1 10:00 /sys/kernel/iommu_groups/1/devices/0000:00:01.0 -> "
        "../../../../devices/pci0000:00/0000:00:01.0\n"
        "lrwxrwxrwx 1 root root 0 May 1 10:00 /sys/kernel/iommu_groups/1/devices/0000:01:00.0 -> "
        "../../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0\n"
    ),
    (
        "sys/devices/pci0000:00/0000:00:00.0/iommu_group -> ../kernel/iommu_groups/0\n"
        "sys/devices/pci0000:00/0000:00:01.0/iommu_group -> ../kernel/iommu_groups/1\n"
        "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/iommu_group -> ../kernel/iommu_groups/1\n"
    ),
    (
        "Group:  0   0000:00:00.0 Host bridge [0600]: Intel Host [8086:1901]\n"
        "Group:  1   0000:00:01.0 PCI bridge [0604]: Intel PCIe [8086:1905]\n"
        "Group:  1   0000:01:00.0 VGA compatible controller [0300]: NVIDIA [10de:1b80]\n"
    ),
]


@pytest.mark.parametrize("text", SCRIPTS)
def test_groups_in_the_usual_formats(text: str) -> None:
    assert iommu_groups.recognise(text)
    facts = iommu_groups.parse(text)
    assert [(str(device.address), device.iommu_group) for device in facts.devices] == [
        ("0000:00:00.0", 0),
        ("0000:00:01.0", 1),
        ("0000:01:00.0", 1),
    ]
    if "[8086" in text:
        assert [device.id for device in facts.devices] == ["8086:1901", "8086:1905", "10de:1b80"]


def test_paths_show_bridges() -> None:
    facts = iommu_groups.parse(
        "devices/pci0000:17/0000:17:00.0/0000:18:00.0/config\n"
        "devices/pci0000:17/0000:17:00.0/0000:18:00.0/0000:19:04.0/0000:1a:00.0/config\n"
    )
    assert {str(device.address): device.bridge for device in facts.devices} == {
        "0000:17:00.0": Bridge(secondary=0x18, subordinate=0x1A),
        "0000:18:00.0": Bridge(secondary=0x19, subordinate=0x1A),
        "0000:19:04.0": Bridge(secondary=0x1A, subordinate=0x1A),
        "0000:1a:00.0": None,
    }


@needs_data
def test_the_reference_groups_and_paths() -> None:
    text = (DATA / "groups" / "ghw-laptop-sysfs-symlinks.txt").read_text()
    facts = iommu_groups.parse(text)
    assert len(facts.devices) == text.count("iommu_groups/") == 23
    assert {device.iommu_group for device in facts.devices} == set(range(15))
    for path in (DATA / "lspci").glob("*.sysfs-paths.txt"):
        paths = {device.address: device for device in iommu_groups.parse(path.read_text()).devices}
        stem = path.name.partition(".sysfs")[0]
        listing = {d.address: d for d in lspci.parse(path.with_name(f"{stem}.lspci-Dvvnn.txt").read_text())}
        assert paths.keys() == listing.keys()
        for address, device in paths.items():
            other = listing[address].bridge
            assert device.bridge is None or (other is not None and device.bridge.secondary == other.secondary)


def test_a_listing_that_names_groups_is_none_of_groups() -> None:
    text = "00:00.0 A: B\n\tSubsystem: C\n\tIOMMU group: 3\n"
    assert not iommu_groups.recognise(text)
    assert lspci.recognise(text)


INFO = """\
host                   : rack7
total_memory           : 8191
xen_major              : 4
xen_minor              : 17
xen_extra              : .7
virt_caps              : pv hvm hvm_directio pv_directio hap gnttab-v1
xen_commandline        : placeholder iommu=force rmrr=0x7a000=0:0:1d.0
"""


def test_what_xl_says_of_the_host() -> None:
    assert xl_output.is_info(INFO)
    facts = xl_output.parse_info(INFO)
    assert (facts.xen, facts.memory, facts.hap, facts.iommu, facts.name) == (
        "4.17",
        8191 << 20,
        True,
        "unknown",
        "rack7",
    )
    assert facts.command_line == "placeholder iommu=force rmrr=0x7a000=0:0:1d.0"
    assert xl_output.parse_info(INFO.replace(" hvm_directio", "").replace(" hap", "")).iommu == "none"
    assert xl_output.parse_info(INFO.replace(" hap", "")).hap is False
    assert xl_output.parse_info(INFO.replace("pv hvm hvm_directio pv_directio hap", "hvm hvm_directio")).hap is None


def test_what_dom0_gave_up() -> None:
    text = "0000:02:00.0 \n0000:00:1d.0 nic1\n"
    assert xl_output.is_assignable_list(text)
    facts = xl_output.parse_assignable_list(text)
    assert [(str(device.address), device.driver) for device in facts.devices] == [
        ("0000:00:1d.0", "pciback"),
        ("0000:02:00.0", "pciback"),
    ]
    assert not xl_output.is_assignable_list("0000:02:00.0 Ethernet controller: Intel\n")
    assert not xl_output.is_assignable_list("")


def test_what_running_guests_have() -> None:
    text = (
        '[{"domid": 0, "config": {"c_info": {"name": "Domain-0"}}}, {"domid": 3, "config": {"c_info": {"name": "web"},'
        ' "pcidevs": [{"dev": 29, "func": 1}, {"domain": 1, "bus": 3}]}}]'
    )
    assert xl_output.is_domain_list(text)
    facts = xl_output.parse_domain_list(text)
    assert facts.notes == ("The running guest 'web' has 0000:00:1d.1, 0001:03:00.0.",)
    assert [device.address for device in facts.devices] == [Sbdf(0, 0, 0x1D, 1), Sbdf(1, 3, 0, 0)]
    assert xl_output.parse_domain_list(text[:-9]).notes == ("It is no JSON that xl writes, or it is cut short.",)


@needs_runs
def test_what_xl_said_on_a_dom0() -> None:
    facts = xl_output.parse_info((DOM0 / "xl-info.txt").read_text())
    assert (facts.xen, facts.memory, facts.hap, facts.iommu) == ("4.17", 8191 << 20, True, "unknown")
    assert len(xl_output.parse_assignable_list((DOM0 / "assignable-1.txt").read_text()).devices) == 4
    assert xl_output.parse_domain_list((DOM0 / "xl-list-l.json").read_text()).notes == ()
    found = iomem.parse((DOM0 / "iomem.txt").read_text())
    assert len(found.ranges) == 14
    assert found.decoded[Sbdf(0, 3, 0, 0)] == (
        (0xFD000000, 0xFD003FFF),
        (0xFE400000, 0xFE43FFFF),
        (0xFE440000, 0xFE440FFF),
    )


IOMEM = """\
00000000-00000fff : Reserved
00001000-0009efff : System RAM
3fe720c0-3fe746cc : ACPI Tables
fe400000-fe5fffff : PCI Bus 0000:03
  fe400000-fe43ffff : 0000:03:00.0
100000000-1ffffffff : System RAM
  11ee00000-11fc02686 : Kernel code
"""


def test_iomem() -> None:
    assert iomem.recognise(IOMEM)
    facts = iomem.parse(IOMEM)
    assert [(entry.start, entry.end, entry.type) for entry in facts.ranges] == [
        (0, 0xFFF, "reserved"),
        (0x1000, 0x9EFFF, "ram"),
        (0x3FE720C0, 0x3FE746CC, "acpi"),
        (1 << 32, (1 << 33) - 1, "ram"),
    ]
    assert facts.decoded == {Sbdf(0, 3, 0, 0): ((0xFE400000, 0xFE43FFFF),)}
    blank = "00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n  00000000-00000000 : 0000:03:00.0\n"
    assert iomem.parse(blank) == Facts(
        kind="a copy of /proc/iomem", notes=("Its addresses are all 0: read it as root.",)
    )


PIECES = st.sampled_from([*TREE.splitlines(), *"".join(SCRIPTS).splitlines(), *INFO.splitlines(), *IOMEM.splitlines()])


@pytest.mark.parametrize(
    "read",
    [
        lspci_tree.parse, iommu_groups.parse, xl_output.parse_info, xl_output.parse_assignable_list,
        xl_output.parse_domain_list, iomem.parse, lspci_tree.recognise, iommu_groups.recognise, iomem.recognise,
        xl_output.is_assignable_list,
    ],
)  # fmt: skip
@given(lines=st.lists(st.one_of(PIECES, st.text(max_size=60)), max_size=30))
def test_any_text(read: Callable[[str], object], lines: list[str]) -> None:
    read("\n".join(lines))
