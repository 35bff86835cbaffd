from __future__ import annotations

from planner.collect.in_use import uses
from planner.formats.archive import Archive
from planner.model.address import Sbdf

MOUNTS = (
    "22 1 254:1 / / rw,relatime shared:1 - ext4 {} rw\n"
    "23 22 0:21 / /proc rw - proc proc rw\n24 22 8:17 / /data rw - ext4 /dev/sdb1 rw\n"
)
ROUTES = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "xenbr0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "wlan0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    "xenbr0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
)
DISK = "../../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda2"
NIC = "../../devices/pci0000:00/0000:00:1c.0/0000:02:00.{}/net/eth{}"


def machine(**changes: str) -> Archive:
    files = {
        "proc/self/mountinfo": MOUNTS.format("/dev/mapper/vg-root"),
        "proc/net/route": ROUTES,
        "sys/bus/pci/devices/0000:00:02.0/boot_vga": "1\n",
        "sys/bus/pci/devices/0000:03:00.0/boot_vga": "0\n",
    } | changes
    links = {
        "sys/dev/block/254:1": "../../devices/virtual/block/dm-1",
        "sys/dev/block/8:17": "../../devices/pci0000:00/0000:00:1f.5/block/sdb/sdb1",
        "sys/class/block/dm-1": "../../devices/virtual/block/dm-1",
        "sys/class/block/dm-1/slaves/dm-0": "../../dm-0",
        "sys/class/block/dm-0/slaves/sda2": "../../../../pci0000:00/0000:00:1f.2/block/sda/sda2",
        "sys/class/block/sda2": DISK,
        "sys/class/block/sdb1": "../../devices/pci0000:00/0000:00:1f.5/block/sdb/sdb1",
        "sys/class/net/xenbr0": "../../devices/virtual/net/xenbr0",
        "sys/class/net/xenbr0/lower_bond0": "../bond0",
        "sys/class/net/xenbr0/brif/vif1.0": "../../vif1.0/brport",
        "sys/class/net/bond0/lower_eth0": "x",
        "sys/class/net/bond0/lower_eth1": "x",
        "sys/class/net/eth0": NIC.format(0, 0),
        "sys/class/net/eth1": NIC.format(1, 1),
        "sys/class/net/wlan0": "../../devices/pci0000:00/0000:00:14.3/net/wlan0",
    }
    return Archive({path: text.encode() for path, text in files.items()}, links)


def test_through_volumes_bonds_and_bridges() -> None:
    assert uses(machine()) == {
        Sbdf(0, 0, 0x1F, 2): "root disk",
        Sbdf(0, 2, 0, 0): "management network",
        Sbdf(0, 2, 0, 1): "management network",
        Sbdf(0, 0, 2, 0): "console",
    }


def test_a_file_system_without_numbers_of_its_own() -> None:
    mounts = "22 1 0:25 /root / rw - btrfs {} rw\n"
    found = machine(**{"proc/self/mountinfo": mounts.format("/dev/sda2")})
    assert uses(found)[Sbdf(0, 0, 0x1F, 2)] == "root disk"
    assert "root disk" not in uses(machine(**{"proc/self/mountinfo": mounts.format("zroot/ROOT")})).values()


def test_a_display_that_was_given_away_is_not_in_use() -> None:
    found = machine()
    found.links["sys/bus/pci/devices/0000:00:02.0/driver"] = "../../../../bus/pci/drivers/pciback"
    assert Sbdf(0, 0, 2, 0) not in uses(found)


def test_several_uses_of_one_function() -> None:
    found = machine()
    found.links["sys/class/block/sda2"] = "../../devices/pci0000:00/0000:00:02.0/block/sda/sda2"
    assert uses(found)[Sbdf(0, 0, 2, 0)] == "root disk, console"


def test_loops_and_nothing_at_all() -> None:
    found = machine()
    found.links["sys/class/net/eth0/lower_xenbr0"] = "x"
    assert uses(found)[Sbdf(0, 2, 0, 0)] == "management network"
    assert uses(Archive()) == {}
