from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from planning import at, function, rmrr

from planner.model.host import Bar, Host, PciDevice, ReservedRegion, Sources
from planner.pci.drift import Kind, compare

NIC: dict[str, Any] = {"id": "8086:1521", "subsystem": "103c:339e", "name": "I350"}
GPU: dict[str, Any] = {"id": "10de:2684", "name": "AD102"}


def tree(bus: int, *functions: int, slot: str = "00:1c.0", **facts: Any) -> tuple[PciDevice, ...]:
    """A root port with a card of these functions on `bus` behind it."""
    port = function(slot, None, behind=(f"{bus:02x}", f"{bus:02x}"))
    return (port, *(function(f"{bus:02x}:00.{number}", **(NIC | facts)) for number in functions))


def told(old: Host, new: Host) -> list[tuple[str, str]]:
    return [(change.kind, change.text) for change in compare(old, new).changes]


def test_nothing_changed() -> None:
    machine = Host(devices=tree(2, 0, 1), regions=(rmrr(0x1000, 0x1FFF, "0000:02:00.0"),))
    assert compare(machine, machine).changes == ()


def test_renumbered_buses_are_moves_of_the_same_cards() -> None:
    """A new card before them shifts four equal ports by a bus, and two of the addresses are still equal ports."""
    old = Host(devices=(*tree(2, 0, 1), *tree(3, 0, 1, slot="00:1c.1")))
    new = Host(devices=(*tree(2, 0, slot="00:01.0", id="1e49:0071"), *tree(3, 0, 1), *tree(4, 0, 1, slot="00:1c.1")))
    drift = compare(old, new)
    moves = {change.old: change.new for change in drift.changes if change.kind is Kind.MOVED}
    assert moves == {
        at("02:00.0"): at("03:00.0"),
        at("02:00.1"): at("03:00.1"),
        at("03:00.0"): at("04:00.0"),
        at("03:00.1"): at("04:00.1"),
    }
    came = [change.new for change in drift.changes if change.kind is Kind.APPEARED]
    assert came == [at("00:01.0"), at("02:00.0")]


def test_another_device_at_the_address() -> None:
    old = Host(devices=(function("01:00.0", **NIC), function("02:00.0", **GPU)))
    new = Host(devices=(function("01:00.0", **GPU), function("03:00.0", id="1b4b:9230", name="SATA")))
    assert told(old, new) == [
        ("vanished", "01:00.0 I350 is gone"),
        ("moved", "AD102 moved from 02:00.0 to 01:00.0"),
        ("appeared", "03:00.0 SATA is new"),
    ]
    assert told(old, Host(devices=(old.devices[1], function("01:00.0", id="1b4b:9230", name="SATA")))) == [
        ("replaced", "01:00.0 is SATA and was I350 (id 1b4b:9230 instead of 8086:1521)")
    ]


def test_a_card_in_another_slot_and_one_that_is_gone() -> None:
    old = Host(devices=(function("01:00.0", **NIC), function("02:00.0", **GPU)))
    new = Host(devices=(function("05:00.0", **NIC),))
    assert told(old, new) == [("moved", "I350 moved from 01:00.0 to 05:00.0"), ("vanished", "02:00.0 AD102 is gone")]


def test_a_listing_without_bridges_or_boards_is_no_change() -> None:
    full = Host(devices=tree(2, 0))
    bare = Host(devices=(function("00:1c.0", None), function("02:00.0", id="8086:1521")))
    assert compare(full, bare).changes == ()
    assert compare(full, Host()).changes == ()


def test_bars() -> None:
    def with_bar(size: int, start: int) -> Host:
        bars = (Bar(index=0, kind="mem64", start=start, size=size),)
        return Host(devices=(function("01:00.0", bars=bars, **GPU),))

    assert told(with_bar(1 << 28, 0xD0000000), with_bar(1 << 33, 0x4000000000)) == [
        ("bar", "01:00.0: BAR 0 was mem64 256 MiB at 0xd0000000 and is mem64 8 GiB at 0x4000000000")
    ]
    assert told(with_bar(1 << 28, 0xD0000000), Host(devices=(function("01:00.0", **GPU),))) == []


def test_groups_change_by_their_members_not_their_numbers() -> None:
    def grouped(first: int, second: int) -> Host:
        return Host(
            devices=(function("01:00.0", iommu_group=first, **NIC), function("02:00.0", iommu_group=second, **GPU))
        )

    assert told(grouped(1, 2), grouped(7, 9)) == []
    assert told(grouped(1, 2), grouped(5, 5)) == [
        ("group", "01:00.0 is now in a group with 02:00.0"),
        ("group", "02:00.0 is now in a group with 01:00.0"),
    ]


def test_regions() -> None:
    def regions(*found: ReservedRegion) -> Host:
        return Host(regions=found, sources=Sources(regions="DMAR"))

    low, other = rmrr(0x7C4BF000, 0x7C4C0FFF, "0000:00:14.0"), rmrr(0x9A000000, 0x9A000FFF, "0000:00:02.0")
    assert told(regions(low), regions(rmrr(0x8C4BF000, 0x8C4C0FFF, "0000:00:14.0"))) == [
        ("region", "RMRR 0x7c4bf000-0x7c4c0fff (8 KiB) is now at 0x8c4bf000-0x8c4c0fff (8 KiB)")
    ]
    assert told(regions(low), regions(rmrr(low.start, low.end, "0000:00:1d.0"))) == [
        ("region", "RMRR 0x7c4bf000-0x7c4c0fff (8 KiB) was for 00:14.0 and is for 00:1d.0")
    ]
    assert told(regions(low), regions(other)) == [
        ("region", "RMRR 0x7c4bf000-0x7c4c0fff (8 KiB) for 00:14.0 is gone"),
        ("region", "RMRR 0x9a000000-0x9a000fff (4 KiB) for 00:02.0 is new"),
    ]
    assert told(regions(low), Host()) == []


def test_the_host_itself() -> None:
    old, new = Host(xen="4.17", interrupt_remapping=True), Host(xen="4.19", interrupt_remapping=False, iommu="intel")
    assert told(old, new) == [
        ("host", "Xen was 4.17 and is 4.19"),
        ("host", "interrupt remapping was on and is off"),
    ]


_functions = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["8086:1521", "10de:2684", None])),
    unique_by=lambda one: one[:2],
    max_size=8,
).map(lambda found: tuple(function(f"{bus:02x}:{slot:02x}.0", id=known) for bus, slot, known in found))


@given(_functions, _functions)
def test_every_device_is_told_once(old: tuple[PciDevice, ...], new: tuple[PciDevice, ...]) -> None:
    before, after = Host(devices=old), Host(devices=new)
    drift = compare(before, after)
    assert len(set(drift.now.values())) == len(drift.now)
    if old and new:
        gone = [change.old for change in drift.changes if change.kind in (Kind.VANISHED, Kind.REPLACED)]
        came = [change.new for change in drift.changes if change.kind in (Kind.APPEARED, Kind.REPLACED)]
        assert sorted([*drift.now, *(one for one in gone if one)]) == sorted(before.by_address)
        assert sorted([*drift.now.values(), *(one for one in came if one)]) == sorted(after.by_address)
    assert compare(before, before).changes == ()
