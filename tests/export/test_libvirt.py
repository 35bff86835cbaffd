"""libvirt's hostdev elements: well-formed, the devices that were meant, and an honest word on what is missing."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from planning import NIC, OTHER, guest, host, report, rmrr

from planner.export import libvirt
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf


def _devices(text: str) -> list[tuple[Sbdf, bool]]:
    found = []
    for element in ET.fromstring(f"<devices>{text}</devices>"):  # noqa: S314 - our own text
        assert element.attrib == {"mode": "subsystem", "type": "pci", "managed": "yes"}
        source = element.find("source")
        assert source is not None
        address = source.find("address")
        assert address is not None
        parts = [int(address.attrib[key], 16) for key in ("domain", "bus", "slot", "function")]
        found.append((Sbdf(*parts), source.get("writeFiltering") == "no"))
    return found


def test_devices_become_hostdev_elements() -> None:
    one = guest(NIC, "0001:1a:1f.7,permissive=1")
    assert _devices(libvirt.render(one)) == [(Sbdf.parse(NIC), False), (Sbdf.parse("0001:1a:1f.7"), True)]
    assert libvirt.missing(one) == ()
    assert libvirt.render(one).splitlines()[2] == (
        '    <address domain="0x0000" bus="0x02" slot="0x00" function="0x0"/>'
    )


def test_what_libvirt_cannot_say_is_said() -> None:
    text = (
        "name = 'vm'\ntype = 'hvm'\nmemory = 1024\nmmio_hole = 1024\nrdm_mem_boundary = 512\n"
        "rdm = 'strategy=host -->'\n"
        "pci = ['02:00.0@5,rdm_policy=relaxed,seize=1', '03:00.0,rdm_policy=strict', '04:00.*@6', 'name=gpu']\n"
    )
    one = read(text)
    assert libvirt.missing(one) == (
        "mmio_hole = 1024 cannot be said",
        "rdm_mem_boundary = 512 cannot be said",
        'rdm = "strategy=host -->" cannot be said',
        "0000:02:00.0: rdm_policy=relaxed, vslot=5, seize=1 cannot be said",
        "0000:04:00.* cannot be said: libvirt wants the address of one function",
        "name=gpu cannot be said: libvirt wants the address of one function",
    )
    assert [address for address, _ in _devices(libvirt.render(one))] == [Sbdf.parse(NIC), Sbdf.parse(OTHER)]


def test_the_plan_is_judged_as_libvirt_would_say_it() -> None:
    machine = host(rmrr(0x99000000, 0x99000FFF, NIC))
    healed = report(machine, guest(NIC, mmio_hole=1648))
    assert healed.blocking == ()
    assert "MEM212" in {finding.rule.id for finding in libvirt.as_said(healed).blocking}


def test_a_guest_without_devices_needs_nothing() -> None:
    assert libvirt.render(guest()) == ""
