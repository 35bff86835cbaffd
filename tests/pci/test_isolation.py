from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.model.address import Sbdf
from planner.model.host import DeviceScope, Host, PciDevice, RegionKind, ReservedRegion, ScopeKind
from planner.pci.isolation import Tie, units


def device(address: str, group: int | None = None) -> PciDevice:
    return PciDevice(address=Sbdf.parse(address), iommu_group=group)


def region(start: int, *addresses: str) -> ReservedRegion:
    scopes = tuple(DeviceScope(device=Sbdf.parse(address)) for address in addresses)
    return ReservedRegion(start=start, end=start + 0xFFF, scopes=scopes)


def test_regions_tie_devices_across_slots_and_carry_over() -> None:
    host = Host(
        devices=(device("00:1a.0"), device("00:1d.0"), device("01:00.0"), device("02:00.0")),
        regions=(region(0x1000, "00:1a.0", "00:1d.0"), region(0x3000, "00:1d.0", "02:00.0")),
    )
    first, second = units(host)
    assert [address.short for address in first.devices] == ["00:1a.0", "00:1d.0", "02:00.0"]
    assert (first.tie, first.reason) == (Tie.REGION, "share RMRR 0x1000 and 1 more")
    assert [address.short for address in second.devices] == ["01:00.0"]


def test_the_region_with_most_devices_is_named() -> None:
    host = Host(
        devices=(device("00:1a.0"), device("00:1d.0"), device("02:00.0")),
        regions=(region(0x1000, "00:1a.0", "00:1d.0"), region(0x3000, "00:1a.0", "00:1d.0", "02:00.0")),
    )
    assert [unit.reason for unit in units(host)] == ["share RMRR 0x3000 and 1 more"]


def test_a_private_region_ties_nothing() -> None:
    host = Host(devices=(device("00:02.0"), device("00:14.0")), regions=(region(0x1000, "00:02.0"),))
    assert [unit.tie for unit in units(host)] == [Tie.SLOT, Tie.SLOT]


def test_functions_that_are_not_there_tie_nothing() -> None:
    host = Host(devices=(device("00:1a.0"),), regions=(region(0x1000, "00:1a.0", "00:1f.5"),))
    assert [unit.reason for unit in units(host)] == ["are in slot 00:1a"]


def test_iommu_groups_tie_and_meet_regions() -> None:
    host = Host(
        devices=(device("00:1a.0", 3), device("00:1d.0", 4), device("00:1d.1", 4), device("01:00.0", 5)),
        regions=(region(0x1000, "00:1a.0", "00:1d.0"),),
    )
    first, second = units(host)
    assert len(first.devices) == 3
    assert first.reason == "share RMRR 0x1000, some through IOMMU group 4"
    assert (second.tie, second.reason) == (Tie.IOMMU_GROUP, "are in IOMMU group 5")


def test_slots_are_the_last_resort() -> None:
    host = Host(devices=(device("01:00.0"), device("01:00.1"), device("0001:01:00.0")))
    assert [(len(unit.devices), unit.reason) for unit in units(host)] == [
        (2, "are in slot 01:00"),
        (1, "are in slot 0001:01:00"),
    ]


def test_a_range_of_amds_ties_all_it_covers() -> None:
    scope = DeviceScope(kind=ScopeKind.RANGE, device=Sbdf.parse("00:00.0"), last=Sbdf.parse("0f:1f.7"))
    ivmd = ReservedRegion(kind=RegionKind.IVMD, start=0x1000, end=0x1FFF, scopes=(scope,))
    host = Host(devices=(device("01:00.0", 1), device("02:00.0", 2), device("65:00.0", 3)), regions=(ivmd,))
    assert [unit.reason for unit in units(host)] == ["share IVMD 0x1000", "are in IOMMU group 3"]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2), st.none() | st.integers(0, 4)), unique_by=lambda t: t[:2]),
    st.lists(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 2)), min_size=1, max_size=4), max_size=4),
)
def test_each_device_is_in_exactly_one_unit(
    functions: list[tuple[int, int, int | None]], scopes: list[list[tuple[int, int]]]
) -> None:
    host = Host(
        devices=tuple(device(f"01:{slot:02x}.{function}", group) for slot, function, group in functions),
        regions=tuple(
            region(0x1000 * (number + 1), *(f"01:{slot:02x}.{function}" for slot, function in names))
            for number, names in enumerate(scopes)
        ),
    )
    found = [address for unit in units(host) for address in unit.devices]
    assert sorted(found) == sorted(host.by_address)
    for one in host.regions:
        owners = {unit for unit in units(host) for address in unit.devices if one.covers(address)}
        assert len(owners) <= 1
