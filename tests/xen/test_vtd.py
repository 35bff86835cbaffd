"""What makes Xen drop a region or give up on the IOMMU, release by release."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, USB, guest, host, report, rmrr

from planner.model.address import Sbdf
from planner.model.host import DeviceScope, Host, MemoryRange, RegionKind, ReservedRegion, ScopeKind
from planner.xen import hypervisor, vtd
from planner.xen.hypervisor import Iommu
from planner.xen.release import RELEASES

LOW = rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)
RAM = MemoryRange(start=0x100000, end=0x7C4BFFFF, type="ram")
RESERVED = MemoryRange(start=0x7C400000, end=0x7C4FFFFF, type="reserved")


def _boot(machine: Host, release: str = "4.17") -> Iommu:
    return hypervisor.boot(machine, RELEASES[release])


def _lines(iommu: Iommu) -> list[str]:
    return [step.log for step in iommu.steps if step.log]


@pytest.mark.parametrize(("release", "enabled"), [("4.17", True), ("4.18", True), ("4.19", False), ("master", False)])
def test_an_rmrr_in_ram_costs_vtd_since_4_19(release: str, enabled: bool) -> None:
    iommu = _boot(host(LOW, memory_map=(RAM,)), release)
    assert iommu.enabled == enabled
    if enabled:
        assert _lines(iommu) == ['RMRR [7c4bf000,7c4c0fff] not in reserved memory; need "iommu_inclusive_mapping=1"?']
    else:
        assert iommu.error == "RMRR: page at 0x7c4bf can't be converted"
        assert _lines(iommu)[-1] == "Failed to parse ACPI DMAR.  Disabling VT-d."


@pytest.mark.parametrize("release", ["4.17", "master"])
def test_a_reserved_region_passes_without_a_word(release: str) -> None:
    iommu = _boot(host(LOW, memory_map=(RESERVED,)), release)
    assert iommu.enabled
    assert _lines(iommu) == []


def test_unknown_pages_are_made_reserved() -> None:
    iommu = _boot(host(LOW, memory_map=(MemoryRange(start=0, end=0xFFFFF, type="ram"),)), "master")
    assert iommu.enabled
    assert _lines(iommu) == ["RMRR: [0x7c4bf ,0x7c4c0] is not (entirely) in reserved memory"]


def test_without_a_memory_map_nothing_is_claimed() -> None:
    assert _boot(host(LOW), "master").enabled


def test_end_before_start_costs_vtd() -> None:
    iommu = _boot(host(rmrr(0x2000, 0x1FFF, NIC)))
    assert iommu.error == " RMRR [2000,1fff] is incorrect!"


def test_an_overlap_with_a_dropped_region_does_not_count() -> None:
    """Xen compares with registered RMRRs only."""
    absent, kept = rmrr(0x1000, 0x2FFF, USB), rmrr(0x2000, 0x3FFF, NIC)
    iommu = _boot(host(absent, kept, devices=(NIC,)))
    assert [rdm.base for rdm in iommu.regions] == [0x2000]


def test_the_list_is_the_table_backwards() -> None:
    iommu = _boot(host(rmrr(0x1000, 0x1FFF, NIC), rmrr(0x5000, 0x5FFF, NIC)))
    assert [rdm.base for rdm in iommu.regions_of(Sbdf.parse(NIC))] == [0x5000, 0x1000]


@pytest.mark.parametrize(
    ("start", "end", "size"),
    [(0x1000, 0x1FFF, 0x1000), (0x1000, 0x2000, 0x1000), (0x1000, 0x2001, 0x2000), (0x1FFF, 0x2000, 0x1000)],
)
def test_pages_are_rounded_as_vtd_does(start: int, end: int, size: int) -> None:
    rdms = vtd.register([rmrr(start, end, NIC)])
    assert [rdm.span.size for rdm in rdms] == [size]


def test_a_region_of_one_aligned_byte_vanishes() -> None:
    assert vtd.register([rmrr(0x1000, 0x1000, NIC)]) == []


_scopes = st.builds(
    DeviceScope,
    kind=st.sampled_from(ScopeKind),
    device=st.none() | st.builds(Sbdf, st.integers(0, 2), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7)),
)
_any_region = st.builds(
    ReservedRegion,
    kind=st.sampled_from(RegionKind),
    start=st.integers(0, (1 << 64) - 1),
    end=st.integers(0, (1 << 64) - 1),
    segment=st.integers(0, 2),
    scopes=st.lists(_scopes, max_size=3).map(tuple),
)


@given(st.lists(_any_region, max_size=4), st.sampled_from(list(RELEASES)), st.sampled_from(["strict", "relaxed"]))
def test_no_table_makes_the_engine_raise(regions: list[ReservedRegion], release: str, policy: str) -> None:
    machine = host(*regions, memory_map=(RAM, RESERVED), xen=release)
    result = report(machine, guest(f"{NIC},rdm_policy={policy}"))
    assert len(result.builds) == 1
    assert result.builds[0].segments
