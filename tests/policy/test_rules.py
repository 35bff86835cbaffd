"""Every rule has a case that produces it and one just beyond its condition where it stays silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from planning import NIC, OTHER, USB, function, guest, host, report, rmrr, rules

from planner.model.address import Sbdf
from planner.model.guest import Guest
from planner.model.host import (
    Acs,
    AcsControl,
    Bar,
    DeviceScope,
    Host,
    MemoryRange,
    PciDevice,
    RegionKind,
    ReservedRegion,
    ResizableBar,
    ScopeKind,
    Sources,
)
from planner.model.span import MIB
from planner.pci.identity import pins
from planner.policy.findings import GUEST_CHECKS, HOST_CHECKS, RULES

LOW = rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)
HIGH = rmrr(0x140000000, 0x140000FFF, NIC)
SHARED = rmrr(0xFED00000, 0xFED00FFF, NIC, USB)
ABOVE = rmrr(0x99000000, 0x99000FFF, NIC)
STRICT, RELAXED = f"{NIC},rdm_policy=strict", f"{NIC},rdm_policy=relaxed"


def _bound(machine: Host, driver: str | None) -> Host:
    devices = tuple(device.changed(driver=driver) for device in machine.devices)
    return machine.changed(devices=devices)


_RESERVED = MemoryRange(start=LOW.start, end=LOW.end, type="reserved")


def _with_bar(
    size: int,
    start: int = 0xD0000000,
    kind: Literal["mem32", "mem64"] = "mem32",
    regions: tuple[ReservedRegion, ...] = (),
    xen: str = "4.17",
) -> Host:
    """A host whose devices have one BAR each."""
    bar = Bar(index=0, kind=kind, start=start, size=size)
    machine = host(*regions, xen=xen)
    devices = tuple(device.changed(bars=(bar,)) for device in machine.devices)
    return machine.changed(devices=devices)


def _of_make(ids: str, code: str, *regions: ReservedRegion) -> Host:
    """A host whose devices are of that make and class."""
    machine = host(*regions)
    devices = tuple(device.changed(class_code=code, id=ids) for device in machine.devices)
    return machine.changed(devices=devices)


def _with_class(code: str) -> Host:
    """A host whose NIC is of that class."""
    machine = host()
    devices = tuple(device.changed(class_code=code) for device in machine.devices)
    return machine.changed(devices=devices)


GRAPHICS = _of_make("8086:1912", "0300", ABOVE)


def _with(*devices: PciDevice, regions: tuple[ReservedRegion, ...] = (), **facts: Any) -> Host:
    """A host with these functions, otherwise as in the other cases."""
    return host(*regions, **facts).changed(devices=devices)


def _changed(**facts: Any) -> Host:
    """A host whose NIC has these facts."""
    machine = host()
    devices = [device.changed(**facts) if str(device.address) == NIC else device for device in machine.devices]
    return machine.changed(devices=tuple(devices))


def _pair(first: dict[str, Any], second: dict[str, Any] | None = None, **both: Any) -> Host:
    """Two functions of one card, NIC and the one beside it, behind a port of which nothing is known."""
    port = function("0000:00:01.0", None, behind=("02", "02"))
    facts = (first | both, (first if second is None else second) | both)
    return _with(port, *(function(address, **one) for address, one in zip((NIC, BESIDE), facts, strict=True)))


def _resizable(now: int) -> Host:
    """A host whose NIC has one BAR of that size, which could have 8 GiB."""
    machine = _with_bar(now, 0x4000000000, "mem64")
    sizes = ResizableBar(index=0, sizes=(256 * MIB, 8192 * MIB))
    devices = tuple(device.changed(resizable=(sizes,)) for device in machine.devices)
    return machine.changed(devices=devices)


BESIDE = "0000:02:00.1"
APART = (guest(NIC, name="a"), guest(BESIDE, name="b"))
TOGETHER = (guest(NIC, BESIDE, name="a"), guest(name="b"))
_PCIE_TO_PCI = function("0000:01:00.0", "pcie-to-pci-bridge", behind=("02", "02"))
_OLD_CARDS = (function(NIC, "conventional"), function("0000:02:01.0", "conventional"))
_SWITCH = tuple(
    function(f"0000:01:0{slot}.0", "downstream-port", behind=(f"0{slot + 2}", f"0{slot + 2}")) for slot in (0, 1)
)
_ISOLATING = Acs(capable=(AcsControl.REQUEST_REDIRECT,), enabled=(AcsControl.REQUEST_REDIRECT,))
_SMALL_BARS = [
    {"bars": [{"index": 0, "kind": "mem32", "start": 0xF0000000 + at, "size": 256}]} for at in (0, 256, 4096)
]
_VF = {"id": "8086:56c0", "class_code": "030000", "physfn": Sbdf.parse(USB)}
_IVMD = ReservedRegion(
    kind=RegionKind.IVMD,
    start=0x9618E000,
    end=0x9618EFFF,
    flags=8,
    scopes=(DeviceScope(kind=ScopeKind.RANGE, device=Sbdf.parse(NIC), last=Sbdf.parse(OTHER)),),
)
_BELOW = ReservedRegion(
    start=0xF0000000, end=0xF0000FFF, scopes=(DeviceScope(kind=ScopeKind.BRIDGE, device=Sbdf.parse("0000:00:01.0")),)
)
_PORT = function("0000:00:01.0", "root-port", behind=("02", "02"))


CASES: list[tuple[str, tuple[Host, *tuple[Guest, ...]], tuple[Host, *tuple[Guest, ...]]]] = [
    ("RDM101", (host(LOW), guest(STRICT)), (host(LOW), guest(STRICT, memory=1900))),
    ("RDM102", (host(LOW), guest(RELAXED)), (host(LOW), guest(STRICT))),
    ("RDM103", (host(SHARED), guest(STRICT)), (host(SHARED), guest(RELAXED))),
    ("RDM104", (host(SHARED), guest(RELAXED)), (host(SHARED), guest(STRICT))),
    (
        "RDM105",
        (host(SHARED), guest(NIC, name="a"), guest(USB, name="b")),
        (host(SHARED), guest(NIC, USB, name="a"), guest(name="b")),
    ),
    ("RDM106", (host(HIGH), guest(STRICT, memory=8192)), (host(HIGH), guest(STRICT, memory=4096))),
    (
        "RDM107",
        (host(rmrr(0xE8000, 0xEBFFF, NIC)), guest(STRICT, memory=1024)),
        (host(rmrr(0x100000, 0x100FFF, NIC)), guest(STRICT, memory=1024)),
    ),
    (
        "RDM108",
        (host(rmrr(0x80000000, 0x80000FFF, NIC)), guest(STRICT)),
        (host(rmrr(0x80000000, 0x80000FFF, NIC)), guest(STRICT, rdm_mem_boundary=2047)),
    ),
    (
        "RDM110",
        (host(rmrr(0x1000, 0x2FFF, NIC), rmrr(0x2000, 0x3FFF, USB)),),
        (host(rmrr(0x1000, 0x1FFF, NIC), rmrr(0x2000, 0x3FFF, USB)),),
    ),
    (
        "RDM111",
        (host(LOW, xen="master", memory_map=(MemoryRange(start=0, end=LOW.end, type="ram"),)),),
        (host(LOW, xen="master", memory_map=(MemoryRange(start=0, end=LOW.start - 1, type="ram"), _RESERVED)),),
    ),
    ("RDM112", (host(rmrr(0x2000, 0x1FFF, NIC)),), (host(rmrr(0x2000, 0x2FFF, NIC)),)),
    ("RDM113", (host(LOW, devices=(USB,)),), (host(LOW, devices=(NIC,)),)),
    ("MEM202", (host(), guest(mmio_hole=255)), (host(), guest(mmio_hole=256))),
    ("MEM208", (host(), guest(NIC, passthrough="share_pt", hap=0)), (host(), guest(NIC, passthrough="share_pt"))),
    (
        "MEM204",
        (host(), guest(memory=2048, maxmem=4096, passthrough="enabled")),
        (host(), guest(memory=2048, maxmem=4096)),
    ),
    ("MEM204", (host(), guest(NIC, memory=2048, maxmem=4096)), (host(), guest(NIC, memory=4096, maxmem=4096))),
    ("MEM205", (host(), guest(NIC, type="pvh")), (host(), guest(type="pvh"))),
    ("MEM208", (host(), guest(NIC, passthrough="disabled")), (host(), guest(NIC, passthrough="enabled"))),
    (
        "MEM209",
        (host(*(rmrr(0xF0000000 + n * 4096, 0xF0000FFF + n * 4096, NIC) for n in range(126))), guest(STRICT)),
        (host(*(rmrr(0xF0000000 + n * 4096, 0xF0000FFF + n * 4096, NIC) for n in range(125))), guest(STRICT)),
    ),
    ("MEM212", (host(ABOVE), guest(STRICT)), (host(ABOVE), guest(STRICT, mmio_hole=1648))),
    (
        "MEM213",
        (host(rmrr(0xBF800000, 0xBF800FFF, NIC)), guest(NIC, memory=3072, vga="stdvga")),
        (host(rmrr(0xC2000000, 0xC2000FFF, NIC)), guest(NIC, memory=3072, vga="stdvga")),
    ),
    (
        "MEM216",
        (host(), guest(vif=[""] * 5)),
        (host(), guest(vif=[""] * 4)),
    ),
    (
        "MEM215",
        (host(rmrr(0xFC200000, 0xFC200FFF, NIC)), guest(STRICT)),
        (host(rmrr(0xFC000000, 0xFC000FFF, NIC)), guest(STRICT)),
    ),
    (
        "MEM201",
        (host(ABOVE, rmrr(0xF3000000, 0xF3000FFF, USB)), guest(NIC, USB)),
        (host(ABOVE, rmrr(0xF3000000, 0xF3000FFF, USB)), guest(NIC, USB, mmio_hole=1648)),
    ),
    (
        "BAR311",
        (_with_bar(1 << 20, 0x4_D000_0000, "mem64"), guest(NIC)),
        (_with_bar(1 << 20, 0xD0000000, "mem64"), guest(NIC)),
    ),
    ("BAR301", (_with_bar(512 * MIB), guest(NIC)), (_with_bar(64 * MIB), guest(NIC))),
    ("MEM214", (host(), guest(vga="stdvga", videoram=15)), (host(), guest(vga="stdvga", videoram=16))),
    ("GRP405", (host(iommu="none"), guest(NIC)), (host(iommu="none"), guest())),
    ("CFG601", (host(), guest(rdm="strategy=host,policy=strict")), (host(), guest(rdm="strategy=host"))),
    ("CFG602", (host(), guest(rdm="strategy=host, policy=strict")), (host(), guest(rdm="strategy=host"))),
    ("CFG603", (host(), guest(rdm="strategy=host")), (host(), guest(rdm="strategy=host,policy=strict"))),
    ("PCI501", (_with_class("0604"), guest(NIC)), (_with_class("0200"), guest(NIC))),
    ("PCI512", (_with_class("080600").changed(iommu="amd"), guest(NIC)), (_with_class("080500"), guest(NIC))),
    ("CFG606", (host(xen="4.14"), guest("name=nic")), (host(), guest("name=nic"))),
    ("CFG615", (host(), guest(usb=1, usbversion=2)), (host(), guest(usbversion=2))),
    ("CFG605", (host(), guest(type="pvh", mmio_hole=1024)), (host(), guest(mmio_hole=1024))),
    ("CFG613", (host(), guest("02:00.*")), (host(), guest("02:00.0"))),
    ("CFG614", (host(), guest("name=nic")), (host(), guest(NIC))),
    ("PCI508", (host(), guest(NIC, NIC)), (host(), guest(NIC, OTHER))),
    ("PCI511", (host(), guest(f"{NIC}@05", f"{OTHER}@05")), (host(), guest(f"{NIC}@05", f"{OTHER}@06"))),
    ("CFG612", (host(), guest(NIC, rdm="strategy=host")), (host(), guest(STRICT, rdm="strategy=host"))),
    ("RDM109", (host(ABOVE), guest(STRICT)), (host(rmrr(0xE1000000, 0xE1000FFF, NIC)), guest(STRICT))),
    ("RDM116", (GRAPHICS, guest(RELAXED)), (GRAPHICS, guest(STRICT))),
    (
        "RDM118",
        (host(SHARED), guest(STRICT, f"{USB},rdm_policy=relaxed")),
        (host(SHARED), guest(STRICT, f"{USB},rdm_policy=strict")),
    ),
    (
        "RDM120",
        (host(rmrr(0x99000000, 0x99000FFF, USB)), guest(STRICT, rdm="strategy=host")),
        (host(rmrr(0xF1000000, 0xF1000FFF, USB)), guest(STRICT, rdm="strategy=host")),
    ),
    ("MEM203", (host(), guest(mmio_hole=256)), (host(), guest(mmio_hole=257))),
    (
        "MEM206",
        (_with_bar(1 << 20, 0x90000000), guest(NIC, type="pv", memory=2305)),
        (_with_bar(1 << 20, 0x90000000), guest(NIC, type="pv", memory=2304)),
    ),
    ("MEM207", (host(), guest(NIC, altp2m="mixed")), (host(), guest(NIC, altp2m="disabled"))),
    ("MEM210", (host(ABOVE), guest(STRICT, vnuma=[])), (host(ABOVE), guest(STRICT, vnuma=[], mmio_hole=1648))),
    (
        "MEM211",
        (host(memory=6144 * MIB), guest(NIC, name="a"), guest(name="b", memory=2049)),
        (host(memory=6144 * MIB), guest(NIC, name="a"), guest(name="b", memory=2048)),
    ),
    (
        "MEM217",
        (host(memory=4096 * MIB), guest(NIC, memory=4096)),
        (host(memory=4096 * MIB), guest(NIC, memory=4095)),
    ),
    ("MEM218", (host(), guest(memory=2000, maxmem=1000)), (host(), guest(memory=1000, maxmem=1000))),
    ("BAR302", (_with_bar(1 << 30, kind="mem64"), guest(NIC)), (_with_bar(1 << 25, kind="mem64"), guest(NIC))),
    (
        "BAR303",
        (_with_bar(64 * MIB, regions=(rmrr(0xF4000000, 0xF4000FFF, USB),)), guest(NIC, USB)),
        (_with_bar(64 * MIB), guest(NIC, USB)),
    ),
    (
        "BAR304",
        (_with_bar(1 << 31, kind="mem64", xen="4.16"), guest(NIC)),
        (_with_bar(1 << 30, kind="mem64", xen="4.16"), guest(NIC)),
    ),
    ("BAR306", (_with_bar(1 << 46, kind="mem64"), guest(NIC)), (_with_bar(1 << 45, kind="mem64"), guest(NIC))),
    ("BAR308", (_with_bar(1 << 31, kind="mem64"), guest(NIC)), (_with_bar(1 << 20), guest(NIC))),
    ("BAR310", (_with_class("0300"), guest(NIC, gfx_passthru=1)), (GRAPHICS, guest(NIC, gfx_passthru=1))),
    (
        "CFG604",
        (host(LOW), guest(NIC, rdm="strategy=host,policy=relaxed")),
        (host(LOW), guest(NIC, rdm="strategy=host,policy=strict")),
    ),
    ("CFG607", (host(), guest(f"{NIC},permissive=1")), (host(), guest(f"{NIC},permissive=0", pci_permissive=1))),
    ("CFG608", (host(), guest(f"{NIC},seize=1")), (_bound(host(), "pciback"), guest(NIC, pci_seize=1))),
    ("CFG609", (host(), guest(f"{NIC}@10")), (host(), guest(f"{NIC}@9"))),
    (
        "CFG610",
        (host(LOW), guest(STRICT, rdm_mem_boundary=1989)),
        (host(LOW), guest(STRICT, rdm_mem_boundary=1988)),
    ),
    (
        "CFG611",
        (host(), guest(NIC, device_model_stubdomain_override=1, mmio_hole=1024)),
        (host(), guest(NIC, device_model_stubdomain_override=1)),
    ),
    ("HOT704", (host(LOW, xen="4.14"), guest(RELAXED)), (host(LOW, xen="4.15"), guest(RELAXED))),
    ("MIG803", (host(LOW, xen="4.16"), guest(NIC)), (host(LOW, xen="4.17"), guest(NIC))),
    (
        "GRP401",
        (_with(_PCIE_TO_PCI, *_OLD_CARDS), guest(NIC, name="a"), guest("0000:02:01.0", name="b")),
        (_with(_PCIE_TO_PCI, *_OLD_CARDS), guest(NIC, "0000:02:01.0", name="a"), guest(name="b")),
    ),
    (
        "GRP402",
        (_with(*_SWITCH, function(NIC), function(OTHER)), guest(NIC, name="a"), guest(OTHER, name="b")),
        (
            _with(*(one.changed(acs=_ISOLATING) for one in _SWITCH), function(NIC), function(OTHER)),
            guest(NIC, name="a"),
            guest(OTHER, name="b"),
        ),
    ),
    ("GRP403", (_pair({}), *APART), (_pair({"acs": _ISOLATING}), *APART)),
    ("GRP403", (_pair({}), *APART), (_pair({}), *TOGETHER)),
    ("GRP404", (_pair({"id": "1b4b:9230"}, {}), *APART), (_pair({"id": "1b4b:9230"}, {}), *TOGETHER)),
    (
        "GRP404",
        (_with(function(NIC, id="1b4b:9230"), xen_command_line="iommu=verbose"), guest(NIC)),
        (_with(function(NIC, id="1b4b:9230"), xen_command_line="pci-phantom=02:00,1"), guest(NIC)),
    ),
    ("GRP406", (host(interrupt_remapping=False), guest(NIC)), (host(interrupt_remapping=False), guest())),
    ("GRP407", (_pair({"irq": 16, "msi": 0, "msix": 0}), *APART), (_pair({"irq": 16, "msi": 1, "msix": 0}), *APART)),
    (
        "GRP408",
        (_with(function(NIC, iommu_group=1), function(BESIDE, iommu_group=2)),),
        (_with(function(NIC, iommu_group=1), function(BESIDE, iommu_group=1)),),
    ),
    ("PCI502", (_changed(in_use="root disk"), guest(NIC)), (_changed(in_use="root disk"), guest(OTHER))),
    ("PCI503", (_changed(resets=()), guest(NIC)), (_changed(resets=("bus",)), guest(NIC))),
    ("PCI504", (_pair({"resets": ("bus",)}), *APART), (_pair({"resets": ("flr", "bus")}), *APART)),
    (
        "PCI505",
        (_pair({}, {"physfn": Sbdf.parse(NIC)}), *APART),
        (_pair({}, {"physfn": Sbdf.parse(NIC)}), guest(BESIDE, name="b")),
    ),
    ("PCI506", (_changed(**_VF), guest(NIC, gfx_passthru=1)), (_changed(**_VF), guest(NIC, gfx_passthru=0))),
    ("PCI507", (_changed(msix=33), guest(NIC)), (_changed(msix=32), guest(NIC))),
    (
        "PCI507",
        (_changed(msix=65), guest(NIC)),
        (_changed(msix=65).changed(xen_command_line="extra_guest_irqs=65"), guest(NIC)),
    ),
    ("PCI509", (host(), guest("0000:09:00.0")), (host(), guest(NIC))),
    ("PCI510", (_pair({"numa_node": 0}, {"numa_node": 1}), *TOGETHER), (_pair({"numa_node": 0}), *TOGETHER)),
    ("INV904", (host(devices=("10000:e1:00.0",)),), (host(devices=("ffff:e1:00.0",)),)),
    (
        "INV906",
        (host(LOW, xen_command_line="rmrr=7c4bf=02:00.0"),),
        (host(LOW, xen_command_line="rmrr=8c4bf=02:00.0"),),
    ),
    (
        "RDM114",
        (_with(_PORT, function(NIC), regions=(_BELOW,)), guest(NIC)),
        (_with(_PORT, function(NIC), function(OTHER), regions=(_BELOW,)), guest(OTHER)),
    ),
    (
        "RDM115",
        (_with(_PCIE_TO_PCI, function(NIC, "conventional"), regions=(HIGH,)), guest(STRICT, memory=1024)),
        (_with(_PCIE_TO_PCI, function(NIC), regions=(HIGH,)), guest(STRICT, memory=1024)),
    ),
    (
        "RDM117",
        (host(_IVMD, iommu="amd"), guest(NIC, name="a"), guest(OTHER, name="b")),
        (host(_IVMD, iommu="amd"), guest(NIC, name="a"), guest(USB, name="b")),
    ),
    (
        "RDM119",
        (_changed(class_code="0200").changed(regions=(LOW,)), guest(STRICT, memory=1024)),
        (_changed(class_code="0c0330").changed(regions=(LOW,)), guest(STRICT, memory=1024)),
    ),
    ("BAR305", (_resizable(256 * MIB), guest(NIC)), (_resizable(8192 * MIB), guest(NIC))),
    ("BAR307", (_pair(_SMALL_BARS[0], _SMALL_BARS[1]), *APART), (_pair(_SMALL_BARS[0], _SMALL_BARS[2]), *APART)),
    ("INV901", (host(sources=Sources("DMAR in a.bin", regions_damage="The checksum is wrong")),), (host(),)),
    ("INV902", (host(sources=Sources()),), (host(),)),
    (
        "INV903",
        (host(ReservedRegion(start=0, end=0xFFF, scopes=(DeviceScope(path="00:1c.7/00.0", problem="no bridge"),))),),
        (host(SHARED),),
    ),
]


@pytest.mark.parametrize(("rule", "produces", "silent"), CASES, ids=[case[0] for case in CASES])
def test_rule(rule: str, produces: tuple[Host, *tuple[Guest, ...]], silent: tuple[Host, *tuple[Guest, ...]]) -> None:
    found = [finding for finding in report(*produces).findings if finding.rule.id == rule]
    assert found
    assert all(finding.message and finding.severity == RULES[rule].severity for finding in found)
    assert all(finding.file is not None for finding in found)
    assert rule not in rules(report(*silent))


CANDIDATES = [
    ("HOT701", host(LOW), host(rmrr(0xF1000000, 0xF1000FFF, NIC))),
    ("HOT702", host(rmrr(0xF1000000, 0xF1000FFF, NIC)), host(rmrr(0xF1000000, 0xF1000FFF, USB))),
    ("HOT703", _with_bar(256 * MIB), _with_bar(64 * MIB)),
    ("BAR309", _with_bar(MIB, kind="mem64"), _with_bar(MIB)),
]


@pytest.mark.parametrize(("rule", "produces", "silent"), CANDIDATES, ids=[case[0] for case in CANDIDATES])
def test_rule_about_a_hotplug_candidate(rule: str, produces: Host, silent: Host) -> None:
    """The guest has a device already, and may get the NIC while it runs."""
    one, candidates = guest(OTHER), {"vm": (Sbdf.parse(NIC),)}
    found = [finding for finding in report(produces, one, candidates=candidates).findings if finding.rule.id == rule]
    assert [str(finding.device) for finding in found] == [NIC]
    assert all(finding.message and finding.severity == RULES[rule].severity for finding in found)
    assert rule not in rules(report(silent, one, candidates=candidates))
    assert rule not in rules(report(produces, one))


MOVES = [
    ("MIG801", host(), guest(NIC), guest()),
    ("MIG802", host(LOW), guest(NIC), guest(NIC, mmio_hole=2108)),
]


@pytest.mark.parametrize(("rule", "other", "produces", "silent"), MOVES, ids=[case[0] for case in MOVES])
def test_rule_about_a_move_to_another_host(rule: str, other: Host, produces: Guest, silent: Guest) -> None:
    found = [one for one in report(host(), produces, moves_to={"other.toml": other}).findings if one.rule.id == rule]
    assert found
    assert all(one.message and one.severity == RULES[rule].severity for one in found)
    assert rule not in rules(report(host(), silent, moves_to={"other.toml": other}))
    assert rule not in rules(report(host(), produces))


def test_every_rule_has_a_case() -> None:
    """Those that look at a plan; suppression's are produced by `suppress`, and tested with it."""
    assert {rule.id for rule, _ in (*HOST_CHECKS, *GUEST_CHECKS)} == {case[0] for case in (*CASES, *CANDIDATES, *MOVES)}


RETIRED: set[str] = set()
"""Ids of rules that are no more. They stay here, so that nobody gives one to another rule."""


def test_ids_are_never_used_again() -> None:
    assert not set(RULES) & RETIRED


SAYS_NOTHING = {
    "RDM108": "libxl compares and goes on",
    "MEM201": "QEMU hides the BAR without a word",
    "MEM212": "QEMU takes RAM for nothing without a word",
    "CFG611": "QEMU believes what it was told",
    "CFG603": "xl goes on with what its stack holds",
    "PCI501": "Xen makes nothing of a bridge, and refuses a host bridge by its error number alone",
    "PCI506": "libxl goes by vendor and class without a word",
    "INV904": "Xen has no number for such a segment, so it never hears of it",
    "BAR304": "hvmloader places the BAR and says where, as for every other",
    "HOT703": "hvmloader ran long before the device came",
}
"""Rules whose actor logs nothing of it, and why."""


def test_findings_quote_what_the_actor_logs() -> None:
    actors = {"xl", "libxl", "Xen", "hvmloader", "QEMU"}
    quoted = set()
    for rule, machine, *guests in [(case[0], *case[1]) for case in CASES]:
        found = [finding for finding in report(machine, *guests).findings if finding.rule.id == rule]
        quoted |= {rule for finding in found if finding.xen_says}
    for rule, machine, _ in CANDIDATES:
        candidates = {"vm": (Sbdf.parse(NIC),)}
        result = report(machine, guest(OTHER), candidates=candidates)
        quoted |= {one.rule.id for one in result.findings if one.rule.id == rule and one.xen_says}
    speaking = {rule.id for rule in RULES.values() if rule.by in actors}
    assert speaking - quoted == set(SAYS_NOTHING)


def test_every_rule_explains_itself() -> None:
    for rule in RULES.values():
        assert all((rule.title, rule.by, rule.why, rule.remedy, rule.source)), rule.id


def test_relaxed_sharing_is_a_warning_in_xens_own_profile() -> None:
    default, xen = (
        next(f for f in report(host(SHARED), guest(RELAXED), profile=profile).findings if f.rule.id == "RDM104")
        for profile in ("default", "xen")
    )
    assert (default.severity, xen.severity) == ("error", "warning")
    assert xen.xen_says == f"It's risky to assign {NIC} with shared RMRR at fed00000 for dN."


def test_strict_sharing_is_an_error_in_both_profiles() -> None:
    for profile in ("default", "xen"):
        found = next(f for f in report(host(SHARED), guest(STRICT), profile=profile).findings if f.rule.id == "RDM103")
        assert found.severity == "error"
        assert found.xen_says == f"It's disallowed to assign {NIC} with shared RMRR at fed00000 for dN."
        assert "00:1d.0" in found.message
        assert found.place is not None
        assert (found.file, found.place.line) == ("vm.cfg", 4)


def test_sharers_in_use_by_dom0_count_as_another_owner() -> None:
    assert "RDM105" in rules(report(_bound(host(SHARED), "ehci-pci"), guest(RELAXED)))
    assert "RDM105" not in rules(report(_bound(host(SHARED), "pciback"), guest(RELAXED)))
    assert "RDM105" not in rules(report(_bound(host(SHARED), None), guest(RELAXED)))


def test_absent_and_unresolved_sharers_are_named() -> None:
    scopes = (*SHARED.scopes, DeviceScope(path="00:1c.7/00.0", problem="no bridge"))
    region = SHARED.changed(scopes=scopes)
    found = next(f for f in report(host(region, devices=(NIC,)), guest(STRICT)).findings if f.rule.id == "RDM103")
    assert "00:1d.0 (absent)" in found.message
    assert "00:1c.7/00.0 (unresolved)" in found.message


def test_one_scope_entry_and_an_absent_one_are_shared_too() -> None:
    """Xen counts entries, not devices: an absent function makes a region shared."""
    assert "RDM103" in rules(report(host(SHARED, devices=(NIC,)), guest(STRICT)))


def test_overlapping_rmrrs_switch_vtd_off() -> None:
    machine = host(rmrr(0x1000, 0x2FFF, NIC), rmrr(0x2000, 0x3FFF, USB))
    found = next(f for f in report(machine, guest(OTHER)).findings if f.rule.id == "GRP405")
    assert "Overlapping RMRRs [1000,2fff] and [2000,3fff]" in found.message


def test_a_region_whose_devices_are_all_absent_is_ignored() -> None:
    machine = host(SHARED, LOW, devices=(OTHER,))
    assert rules(report(machine, guest(OTHER))) == {"RDM113"}


def test_table_oddities_that_xen_lives_with_are_warnings() -> None:
    ram = (MemoryRange(start=0, end=LOW.end, type="ram"),)
    outside = next(f for f in report(host(LOW, memory_map=ram)).findings if f.rule.id == "RDM111")
    assert (outside.severity, outside.guest) == ("warning", None)
    assert "not in reserved memory" in (outside.xen_says or "")
    odd = next(f for f in report(host(rmrr(0x1000, 0x2000, NIC))).findings if f.rule.id == "RDM112")
    assert odd.severity == "warning"


def test_help_of_a_conflict_clears_it() -> None:
    found = next(f for f in report(host(LOW), guest(STRICT)).findings if f.rule.id == "RDM101")
    assert found.help == "mmio_hole at least 2108"
    assert "MEM212" in rules(report(host(LOW), guest(STRICT, rdm_mem_boundary=1988))), "a boundary only moves the harm"
    assert rules(report(host(LOW), guest(STRICT, mmio_hole=2108))) == {"RDM109"}


def test_help_of_lowered_ram_clears_it() -> None:
    found = next(f for f in report(host(ABOVE), guest(STRICT, hap=0)).findings if f.rule.id == "MEM212")
    assert found.help == "mmio_hole = 1648 (MiB): 4096 less the 2448 MiB where low RAM ends"
    healed = rules(report(host(ABOVE), guest(STRICT, hap=0, mmio_hole=1648)))
    assert healed == {"RDM109"}, "the RAM that a 32-bit guest misses stays above 4 GiB"


def test_unchanged_guests_are_not_built_again() -> None:
    from planner.policy.evaluate import evaluate

    first = report(host(LOW), guest(STRICT, name="a"), guest(name="b"))
    changed = first.plan.with_guest(replace(first.plan.guests[1], memory=2048))
    second = evaluate(changed, first)
    assert second.builds[0] is first.builds[0]
    assert second.builds[1] is not first.builds[1]
    assert second.iommu is first.iommu


def test_findings_come_in_a_stable_order() -> None:
    guests = (guest(STRICT, name="b"), guest(f"{USB},rdm_policy=relaxed", name="a"))
    lost = ReservedRegion(start=0, end=0xFFF, scopes=(DeviceScope(path="00:1c.7/00.0", problem="no bridge"),))
    result = report(host(LOW, SHARED, lost), *guests)
    order = [None, "b", "a"]
    places = [order.index(f.guest) for f in result.findings]
    assert places == sorted(places)
    assert set(places) == {0, 1, 2}
    assert result.findings == report(host(LOW, SHARED, lost), *guests).findings


def test_a_listing_less_host_knows_the_devices_its_regions_name() -> None:
    machine = host(LOW, devices=())
    assert machine.knows(Sbdf.parse(NIC))
    assert not machine.knows(Sbdf.parse(USB))


def test_devices_that_only_dom0_has_beside_a_guest_are_a_notice() -> None:
    machine = _pair({}, {"driver": "snd_hda_intel"})
    found = [finding for finding in report(machine, guest(NIC)).findings if finding.rule.id == "GRP403"]
    assert [finding.severity for finding in found] == ["notice"]
    assert "02:00.1 in dom0" in found[0].message
    assert "GRP403" not in rules(report(_pair({}, {"driver": "pciback"}), guest(NIC)))


def test_a_candidate_that_another_guest_has() -> None:
    plan = report(host(), guest(NIC, name="a"), guest(OTHER, name="b"), candidates={"b": (Sbdf.parse(NIC),)})
    (found,) = [one for one in plan.findings if one.rule.id == "PCI508"]
    assert (found.guest, found.severity, found.device) == ("b", "warning", Sbdf.parse(NIC))
    assert found.message == "02:00.0 is in a too: only one of them can have it at a time"


def test_two_guests_may_share_a_device_if_they_take_turns() -> None:
    found = [f for f in report(host(), guest(NIC, name="a"), guest(NIC, name="b")).findings if f.rule.id == "PCI508"]
    assert [(finding.guest, finding.severity) for finding in found] == [("a", "warning"), ("b", "warning")]


def test_a_pinned_device_that_moved_is_named_with_its_new_address() -> None:
    before = _with(function(NIC, id="8086:1521"), function(OTHER, id="10de:2684"))
    after = _with(function(NIC, id="10de:2684"), function(OTHER, id="8086:1521"))
    known = pins(before, [Sbdf.parse(NIC)])
    (found,) = [f for f in report(after, guest(NIC), pins=known).findings if f.rule.id == "PCI509"]
    assert found.message == (
        "02:00.0 is another device than the one that is pinned: id 10de:2684 instead of 8086:1521; "
        "the pinned one is now at 03:00.0"
    )
    assert found.help == "write 0000:03:00.0 instead"
    assert "PCI509" not in rules(report(before, guest(NIC), pins=known))
    later = report(after, guest(), pins=known, candidates={"vm": (Sbdf.parse(NIC),)})
    assert "PCI509" in rules(later), "one that is to be attached later"


def test_what_nobody_has_looked_at_is_no_finding() -> None:
    """Facts that an inventory does not hold mean silence, whoever owns what."""
    bare = (function(address, None).changed(acs=None) for address in (NIC, BESIDE, OTHER))
    assert rules(report(_with(*bare), *APART, guest(OTHER, name="c"))) == set()


def test_a_guest_without_ram_has_no_place_where_qemu_parks_anything() -> None:
    """16 MiB of memory under 64 MiB of video RAM: libxl refuses it, and there is nothing else to say."""
    low = rmrr(0xE8000, 0xE8FFF, NIC)
    assert rules(report(host(low), guest(STRICT, memory=16, videoram=64))) == {"MEM214"}


def test_a_whole_slot_at_a_slot_that_is_taken_is_told_as_such() -> None:
    found = next(f for f in report(host(), guest("02:00.*@02")).findings if f.rule.id == "PCI511")
    assert found.message.startswith("02:00.0 asks for slot 2, which ")


def test_gfx_passthru_without_graphics_is_refused_unless_its_kind_is_said() -> None:
    """Seen on real runs: 1 ends the guest, "igd" starts it."""
    plain = report(_with_class("0200"), guest(NIC, gfx_passthru=1))
    (found,) = [one for one in plain.findings if one.rule.id == "BAR310"]
    assert (found.severity, found.xen_says) == ("error", plain.builds[0].error)
    said = report(_with_class("0200"), guest(NIC, gfx_passthru="igd"))
    (found,) = [one for one in said.findings if one.rule.id == "BAR310"]
    assert (found.severity, said.builds[0].ok) == ("warning", True)
    unknown = report(_with_class(""), guest(NIC, gfx_passthru=1))
    assert "BAR310" not in rules(unknown)
