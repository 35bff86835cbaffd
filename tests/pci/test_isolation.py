from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import at, function

from planner.model.address import Sbdf
from planner.model.host import Acs, AcsControl, DeviceScope, Host, PciDevice, RegionKind, ReservedRegion, ScopeKind
from planner.pci.isolation import Tie, Unit, reset_scope, units


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
    assert (first.tie, first.reason) == (Tie.REGION, "are tied together by 2 RMRRs")
    assert [address.short for address in second.devices] == ["01:00.0"]


def test_the_region_with_most_devices_is_named() -> None:
    host = Host(
        devices=(device("00:1a.0"), device("00:1d.0"), device("02:00.0")),
        regions=(region(0x1000, "00:1a.0", "00:1d.0"), region(0x3000, "00:1a.0", "00:1d.0", "02:00.0")),
    )
    assert [unit.reason for unit in units(host)] == ["share RMRR 0x3000, some of them 1 more"]


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


def unit_of(address: str, *devices: PciDevice, **facts: Any) -> Unit:
    host = Host(devices=devices, **facts)
    return next(unit for unit in units(host) if at(address) in unit.devices)


PORT = function("00:1c.0", "root-port", Acs(), behind=("01", "02"))
BRIDGE = function("01:00.0", "pcie-to-pci-bridge", behind=("02", "02"))


def test_devices_behind_a_bridge_to_conventional_pci_must_move_together() -> None:
    found = unit_of("02:04.0", PORT, BRIDGE, function("02:04.0", "conventional"), function("02:05.0", "conventional"))
    assert [address.short for address in found.devices] == ["02:04.0", "02:05.0"]
    assert (found.tie, found.tie.binds) == (Tie.REQUESTER, True)
    assert found.reason == "are behind the bridge 01:00.0 to conventional PCI and share one requester id"


def test_functions_that_nothing_keeps_apart() -> None:
    found = unit_of("03:00.0", function("03:00.0"), function("03:00.1"))
    assert (found.tie, found.tie.binds) == (Tie.FUNCTIONS, False)
    assert found.reason == "are functions of slot 03:00 that nothing keeps apart (no ACS)"
    kept = unit_of("03:00.0", function("03:00.0", acs=Acs(capable=())), function("03:00.1", acs=Acs(capable=())))
    assert (len(kept.devices), kept.tie) == (1, Tie.ISOLATED)


def test_devices_behind_a_port_without_acs() -> None:
    port = function("00:1c.0", "root-port", Acs(capable=tuple(AcsControl)), behind=("01", "04"))
    tree = (
        port,
        function("01:00.0", "upstream-port", behind=("02", "04")),
        function("02:00.0", "downstream-port", behind=("03", "03")),
        function("02:01.0", "downstream-port", behind=("04", "04")),
        function("03:00.0"),
        function("04:00.0"),
    )
    found = unit_of("03:00.0", *tree)
    assert [address.short for address in found.devices] == ["03:00.0", "04:00.0"]
    assert found.tie is Tie.ACS
    assert found.reason == (
        "are behind 00:1c.0 and 2 more ports, which do not keep them apart (ACS: it is switched off)"
    )


def test_the_kernels_groups_count_more_than_acs() -> None:
    pair = (function("03:00.0", iommu_group=1), function("03:00.1", iommu_group=2))
    assert unit_of("03:00.0", *pair).reason == "are in IOMMU group 1"


def test_bars_in_one_page() -> None:
    bars = [
        {"index": 0, "kind": "mem32", "start": start, "size": 1024} for start in (0xF0000000, 0xF0000400, 0xF0001000)
    ]
    devices = [function(f"00:1{number}.0", None, bars=[bar]) for number, bar in enumerate(bars)]
    found = unit_of("00:10.0", *devices)
    assert [address.short for address in found.devices] == ["00:10.0", "00:11.0"]
    assert (found.tie, found.reason) == (Tie.PAGE, "have BARs in the 4 KiB page 0xf0000000")


def test_a_bus_reset_takes_the_neighbours_along() -> None:
    port = function("00:01.0", None, behind=("05", "05"))
    card = (function("05:00.0", None, resets=["bus"]), function("05:00.1", None, resets=["flr", "bus"]))
    assert unit_of("05:00.0", port, *card).reason == "are reset together, with bus 05"
    alone = (function("05:00.0", None, resets=["flr"]), function("05:00.1", None, resets=["flr", "bus"]))
    assert unit_of("05:00.0", port, *alone).tie is Tie.SLOT


@pytest.mark.parametrize(
    ("resets", "scope"),
    [(None, None), ([], "none"), (["bus"], "bus"), (["pm", "bus"], "function"), (["af_flr"], "function")],
)
def test_reset_scopes(resets: list[str] | None, scope: str | None) -> None:
    assert reset_scope(function("05:00.0", resets=resets)) == scope


def test_a_unit_of_several_ties_has_the_strongest_and_names_the_others() -> None:
    devices = (function("03:00.0"), function("03:00.1"), function("04:00.0"))
    found = unit_of("03:00.1", *devices, regions=(region(0x1000, "03:00.0", "04:00.0"),))
    assert len(found.devices) == 3
    assert found.reason == "share RMRR 0x1000, some through slot 03:00"
