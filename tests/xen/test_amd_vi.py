"""IVMD blocks: unity maps and exclusion ranges, what Xen lists of them and what it maps."""

from __future__ import annotations

from typing import Any

import pytest
from planning import NIC, OTHER, USB, built, guest, host, report

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.host import DeviceScope, Host, MemoryRange, PciDevice, RegionKind, ReservedRegion, ScopeKind
from planner.model.span import Span
from planner.xen import amd_vi, hypervisor
from planner.xen.hypervisor import Iommu
from planner.xen.release import RELEASES

NIC_, USB_ = Sbdf.parse(NIC), Sbdf.parse(USB)
UNITY, EXCLUSION = 7, 8


def _ivmd(start: int, end: int, flags: int | None = None, **scope: Any) -> ReservedRegion:
    named = scope or {"device": NIC_}
    return ReservedRegion(kind=RegionKind.IVMD, start=start, end=end, flags=flags, scopes=(DeviceScope(**named),))


def _range(first: str, last: str) -> dict[str, Any]:
    return {"kind": ScopeKind.RANGE, "device": Sbdf.parse(first), "last": Sbdf.parse(last)}


def _host(*regions: ReservedRegion, **changes: Any) -> Host:
    return host(*regions, iommu="amd", **changes)


def _boot(machine: Host, release: str = "4.17") -> Iommu:
    return hypervisor.boot(machine, RELEASES[release])


def _starts(iommu: Iommu, address: Sbdf = NIC_) -> list[int]:
    return [rdm.span.start for rdm in iommu.regions_of(address)]


def test_a_region_of_one_byte_is_a_page() -> None:
    assert [rdm.span.size for rdm in _boot(_host(_ivmd(0x1000, 0x1000))).regions] == [0x1000]


def test_a_range_counts_for_every_device_in_it_and_nobody_tests_sharing() -> None:
    machine = _host(_ivmd(0xFED00000, 0xFED00FFF, **_range(NIC, OTHER)))
    iommu = _boot(machine)
    assert iommu.regions_of(Sbdf.parse("0000:02:1f.7"))
    assert not iommu.regions_of(USB_)
    assert all(build.ok for build in report(machine, guest(NIC), guest(OTHER, name="b")).builds)


def test_equal_maps_are_one_and_other_overlaps_cost_the_iommu() -> None:
    assert _starts(_boot(_host(_ivmd(0x1000, 0x1FFF), _ivmd(0x1000, 0x1FFF)))) == [0x1000]
    clash = _boot(_host(_ivmd(0x1000, 0x2FFF), _ivmd(0x2000, 0x3FFF)))
    assert not clash.enabled
    assert clash.error == "IVMD: overlap [2000,4000) vs [1000,3000)"
    assert not _boot(_host(_ivmd(0x1000, 0x1FFF, UNITY), _ivmd(0x1000, 0x1FFF, 3))).enabled, "other rights"
    assert _boot(_host(_ivmd(0x1000, 0x2FFF), _ivmd(0x2000, 0x3FFF, device=USB_))).enabled, "another device"


@pytest.mark.parametrize(
    ("region", "error"),
    [
        (_ivmd(0x1000, 0x1FFF, 0), "IVMD: invalid flag field"),
        (_ivmd(0x1000, 0x1FFF, UNITY, **_range(NIC, NIC)), "IVMD: invalid Range_Last Dev_Id 0x200"),
    ],
)
def test_a_block_that_makes_no_sense_costs_the_iommu(region: ReservedRegion, error: str) -> None:
    assert _boot(_host(region)).error == error


def test_maps_are_listed_newest_first_behind_the_exclusion_range() -> None:
    blocks = (_ivmd(0x5000, 0x5FFF), _ivmd(0x1000, 0x1FFF, EXCLUSION), _ivmd(0x9000, 0x9FFF))
    assert _starts(_boot(_host(*blocks))) == [0x1000, 0x9000, 0x5000]


def test_an_exclusion_range_grows_by_what_adjoins_it_for_all_its_devices() -> None:
    """As one programmed range, also for the device that declared a part of it only."""
    blocks = (_ivmd(0x1000, 0x1FFF, EXCLUSION), _ivmd(0x2000, 0x2FFF, EXCLUSION, device=USB_))
    iommu = _boot(_host(*blocks))
    assert [rdm.span for rdm in iommu.regions_of(NIC_)] == [Span(0x1000, 0x3000)]
    assert [rdm.span for rdm in iommu.regions_of(USB_)] == [Span(0x1000, 0x3000)]


@pytest.mark.parametrize("scope", [{"device": NIC_}, {"kind": ScopeKind.ALL}])
def test_an_exclusion_range_that_cannot_be_programmed_becomes_a_unity_map(scope: dict[str, Any]) -> None:
    apart = 0x5000 if "device" in scope else 0x2000  # one for all devices never joins one for a single device
    iommu = _boot(_host(_ivmd(0x1000, 0x1FFF, EXCLUSION), _ivmd(apart, apart + 0xFFF, EXCLUSION, **scope)))
    assert [(rdm.span.start, rdm.mapped) for rdm in iommu.regions_of(NIC_)] == [(0x1000, False), (apart, True)]


def test_assigning_maps_unity_maps_and_passes_over_exclusion_ranges() -> None:
    ram = (Span(0, 0xC0000000),)
    excluded = hypervisor.attach(_boot(_host(_ivmd(0x7000000, 0x7000FFF, EXCLUSION))), NIC_, RdmPolicy.STRICT, ram)
    assert (excluded.ok, excluded.held) == (True, ())
    mapped = hypervisor.attach(_boot(_host(_ivmd(0x7000000, 0x7000FFF, UNITY))), NIC_, RdmPolicy.STRICT, ram)
    assert [step.log for step in mapped.steps if step.log] == [
        "Cannot setup identity map dN:7000, gfn already mapped",
        "dN: assign (0000:02:00.0) failed (-16)",
    ], "AMD's driver has no line of its own about the region"


def test_the_host_bridge_rule_is_vtds_alone() -> None:
    bridge = PciDevice(address=NIC_, class_code="0600")
    amd = hypervisor.boot(_host().changed(devices=(bridge,)), RELEASES["4.17"])
    assert hypervisor.attach(amd, NIC_, RdmPolicy.STRICT, ()).ok
    intel = hypervisor.boot(host().changed(devices=(bridge,)), RELEASES["4.17"])
    assert not hypervisor.attach(intel, NIC_, RdmPolicy.STRICT, ()).ok


def test_libxl_reserves_an_exclusion_range_like_any_other() -> None:
    layout = built(_host(_ivmd(0xA0000000, 0xA0000FFF, EXCLUSION)), guest(NIC)).layout
    assert layout is not None
    assert layout.low_end == 0xA0000000


def test_the_query_for_all_devices_lists_a_range_once_for_each_function() -> None:
    """So `strategy=host` reserves it that often, and a long range is more than an e820 holds."""
    few = _boot(_host(_ivmd(0xA0000000, 0xA0000FFF, **_range("0000:02:00.0", "0000:02:00.7"))))
    assert [rdm.span.start for rdm in few.everything] == [0xA0000000] * 8
    host_wide = guest(rdm="strategy=host")
    layout = built(_host(_ivmd(0xA0000000, 0xA0000FFF, **_range("0000:02:00.0", "0000:02:00.7"))), host_wide).layout
    assert layout is not None
    assert [entry.start for entry in layout.e820].count(0xA0000000) == 8
    many = built(_host(_ivmd(0xA0000000, 0xA0000FFF, **_range("0000:00:00.0", "0000:0f:1f.7"))), host_wide)
    assert many.error == "Ooops! Too many entries in the memory map!"


def test_the_query_for_all_devices_lists_a_block_for_all_once() -> None:
    blocks = (_ivmd(0x5000, 0x5FFF, kind=ScopeKind.ALL), _ivmd(0x1000, 0x1FFF, **_range(NIC, "0000:02:00.1")))
    iommu = _boot(_host(*blocks))
    assert [rdm.span.start for rdm in iommu.everything] == [0x1000, 0x5000, 0x1000]
    assert _starts(iommu, USB_) == [0x5000]
    assert len(amd_vi.everything(iommu.regions)) == 3


@pytest.mark.parametrize(
    ("release", "warning", "error"),
    [
        (
            "4.17",
            "IVMD: [7c4bf000,7c4c1000) is not (entirely) in reserved memory",
            "IVMD: page at 7c4bf000 can't be converted",
        ),
        (
            "4.19",
            "IVMD: [0x7c4bf ,0x7c4c0] is not (entirely) in reserved memory",
            "IVMD: page at 0x7c4bf can't be converted",
        ),
    ],
)
def test_a_block_in_ram_costs_the_iommu(release: str, warning: str, error: str) -> None:
    ram = MemoryRange(start=0x100000, end=0x7C4BFFFF, type="ram")
    iommu = _boot(_host(_ivmd(0x7C4BF000, 0x7C4C0FFF), memory_map=(ram,)), release)
    assert [step.log for step in iommu.steps] == [warning, error]
    beside = MemoryRange(start=0, end=0xFFFFF, type="ram")
    assert _boot(_host(_ivmd(0x7C4BF000, 0x7C4C0FFF), memory_map=(beside,)), release).enabled
