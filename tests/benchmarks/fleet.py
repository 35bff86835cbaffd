"""A fleet to measure with: `python tests/benchmarks/fleet.py FOLDER [HOSTS [GUESTS]]` writes one site a host.

Every host is a server of its own making: 40 devices below 12 root ports, reserved regions of a USB controller pair,
a RAID controller and some cards, RAM between 64 and 512 GiB. Guests are of all kinds; one in ten has something wrong.
The same numbers give the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from planner.formats import host_toml
from planner.model.address import Sbdf
from planner.model.host import Bar, Bridge, DeviceScope, Host, PciDevice, PortType, ReservedRegion, Sources
from planner.model.span import GIB, KIB, MIB

_CARDS = (
    ("Ethernet controller", "0200", "8086:1521", 1 * MIB),
    ("Non-Volatile memory controller", "0108", "144d:a808", 16 * KIB),
    ("RAID bus controller", "0104", "1000:005d", 64 * KIB),
    ("VGA compatible controller", "0300", "10de:1db4", 16 * MIB),
)
_PORTS, _DEVICES = 12, 40


def write(folder: Path, hosts: int, guests: int = 20) -> list[Path]:
    """Write `hosts` sites of `guests` guests below `folder`, and give their folders."""
    sites = [folder / f"host{number:04}" for number in range(hosts)]
    for number, site in enumerate(sites):
        chance = Random(number)  # noqa: S311 - the same fleet every time
        site.mkdir(parents=True)
        host = _host(chance, number)
        (site / "host.toml").write_text(host_toml.render(host))
        free = [device for device in host.devices if device.port is PortType.ENDPOINT]
        for index in range(guests):
            (site / f"guest{index:02}.cfg").write_text(_guest(chance, index, free))
    return sites


def _host(chance: Random, number: int) -> Host:
    ports = [
        PciDevice(
            address=Sbdf(0, 0, 1 + port, 0),
            name="PCI bridge",
            id="8086:6f02",
            class_code="0604",
            port=PortType.ROOT_PORT,
            bridge=Bridge(secondary=port + 1, subordinate=port + 1),
        )
        for port in range(_PORTS)
    ]
    usb = [
        PciDevice(
            address=Sbdf(0, 0, slot, 0), name="USB controller", id="8086:1d26", class_code="0c03", driver="ehci-pci"
        )
        for slot in (0x1A, 0x1D)
    ]
    cards, start = [], 0xD000_0000
    for index in range(_DEVICES - _PORTS - len(usb)):
        name, code, identity, size = chance.choice(_CARDS)
        start = -(-start // size) * size
        bar = Bar(index=0, kind="mem64", start=start, size=size)
        start += size
        address = Sbdf(0, 1 + index % _PORTS, 0, index // _PORTS)
        cards.append(
            PciDevice(address=address, name=name, id=identity, class_code=code, port=PortType.ENDPOINT, bars=(bar,))
        )
    base = 0x7B00_0000 + chance.randrange(256) * 64 * KIB
    shared = ReservedRegion(
        start=base, end=base + 96 * KIB - 1, scopes=tuple(DeviceScope(device=one.address) for one in usb)
    )
    own = [
        ReservedRegion(start=at, end=at + 64 * KIB - 1, scopes=(DeviceScope(device=card.address),))
        for at, card in zip(range(base + MIB, base + 4 * MIB, MIB), chance.sample(cards, 3), strict=True)
    ]
    return Host(
        name=f"server {number}",
        xen="4.17",
        iommu="intel",
        memory=chance.choice((64, 128, 256, 512)) * GIB,
        sources=Sources(regions="DMAR", devices="lspci"),
        regions=(shared, *own),
        devices=(*ports, *usb, *cards),
    )


def _guest(chance: Random, index: int, free: list[PciDevice]) -> str:
    lines = [
        f'name = "guest{index}"',
        'type = "hvm"',
        f"memory = {chance.choice((1024, 2048, 4096, 8192, 16384))}",
        f"vcpus = {chance.choice((1, 2, 4, 8))}",
        f'vif = [ "bridge=xenbr0,mac=00:16:3e:00:00:{index:02x}" ]',
        'disk = [ "phy:/dev/vg0/guest,hda,w" ]',
    ]
    if index < len(free) and chance.random() < 0.6:
        options = ",rdm_policy=relaxed" if chance.random() < 0.1 else ""
        lines += ["# passed through", f'pci = [ "{free[index].address}{options}" ]']
    if chance.random() < 0.1:
        lines.append('rdm = "strategy=host,policy=strict"')
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
