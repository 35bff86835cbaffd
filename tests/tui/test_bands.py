from __future__ import annotations

from itertools import pairwise

import pytest
from driving import HP, LOWERED, site
from hypothesis import given
from hypothesis import strategies as st
from planning import built, guest, host, rmrr

from planner.model.address import Sbdf
from planner.model.span import GIB, GIB4, KIB, Span
from planner.policy.evaluate import evaluate
from planner.report.troubles import Trouble
from planner.tui.bands import (
    Band,
    bands,
    brief_size,
    heights,
    moved,
    moved_briefly,
    squeeze,
)
from planner.xen.build import Build
from planner.xen.segments import SegmentKind


def build(site_name: str, name: str) -> Build:
    found = evaluate(site(site_name)).build(name)
    assert found is not None
    return found


def test_ram_is_cut_where_qemu_stops_knowing_it() -> None:
    high = [(str(band.span), band.trouble) for band in bands(build(LOWERED, "q_clamp")) if band.span.start >= GIB4]
    assert high == [
        ("0x100000000-0x10effffff", None),
        ("0x10f000000-0x11000ffff", Trouble.DISPLACED),
        ("0x110010000-0x165ffffff", Trouble.LOST),
    ]


def test_bands_cover_what_the_segments_cover() -> None:
    for name in ("pfsense", "web", "licences"):
        one = build(HP, name)
        found = bands(one)
        assert found[0].span.start == 0
        parked = one.qemu.parked if one.qemu is not None else ()
        assert found[-1].span.end == max(one.segments[-1].span.end, *(span.end for span in parked))
        assert all(first.span.end == second.span.start for first, second in pairwise(found))


def test_small_neighbours_go_together_and_conflicts_stay_visible() -> None:
    squeezed = squeeze(bands(build(HP, "pfsense")), 6)
    assert len(squeezed) == 6
    assert sum(len(band.parts) or 1 for band in squeezed) == len(bands(build(HP, "pfsense")))
    assert not any(band.kind is SegmentKind.CONFLICT and band.size == band.span.size > GIB for band in squeezed)
    assert any(band.kind is SegmentKind.CONFLICT and band.span.start > GIB for band in squeezed)


def test_a_short_map_joins_what_says_least_and_names_what_begins_the_line() -> None:
    def at(lines: int) -> list[str]:
        return [f"{band.told.start:x} {band.name}" for band in squeeze(bands(build(LOWERED, "q_clampwin")), lines)]

    assert at(19)[3:7] == [
        "99000000 02:00.0",
        "99001000 ▲ QEMU: RAM",
        "9a000000 ✖ dead 2 BARs",
        "9c000000 ✖ dead 02:00.0 ROM",
    ]
    assert at(13) == [
        "0 low RAM",
        "a0000 VGA and BIOS",
        "100000 low RAM",
        "99000000 02:00.0",
        "99001000 ▲ QEMU: RAM",
        "9a000000 ✖ dead 11 BARs",
        "9c0da000 ▲ QEMU: RAM",
        "f0000000 MMIO hole",
        "f3000000 03:00.0",
        "f3001000 MMIO hole + ACPI, APIC, Xen's pages",
        "100000000 high RAM",
        "10f000000 ✖ displaced",
        "110010000 ✖ lost RAM",
    ]
    assert [line for line in at(10) if line.endswith("00.0")] == ["99000000 02:00.0", "f3000000 03:00.0"]
    assert [line for line in at(10) if line.endswith(("low RAM", "high RAM"))] == [
        "0 low RAM",
        "100000 low RAM",
        "100000000 high RAM",
    ]
    assert at(3)[-1].startswith("100000000 ") or at(3)[-1].startswith("10f000000 ✖")


def test_bars_in_one_line_are_counted_or_named_by_their_device() -> None:
    def bar(start: int, label: str, *devices: Sbdf) -> Band:
        return Band(Span(start, start + 1), SegmentKind.BAR, label, devices)

    nic = Sbdf.parse("02:00.0")
    bars = [bar(0, "VGA ROM"), bar(1, "VGA BAR 2"), bar(2, "02:00.0 BAR 0", nic), bar(3, "02:00.0 ROM", nic)]
    assert [band.label for band in squeeze(bars, 2)] == ["VGA BARs", "02:00.0 BARs"]
    assert [band.label for band in squeeze(bars, 1)] == ["4 BARs"]


def test_a_page_and_60_gib_are_both_seen() -> None:
    machine = host(rmrr(0x99000000, 0x99000FFF, "0000:02:00.0"))
    found = bands(built(machine, guest("0000:02:00.0", memory=60 * 1024)))
    lines = heights(found, 20)
    by_label = {band.label: count for band, count in zip(found, lines, strict=True)}
    assert by_label["02:00.0"] == 1
    assert sum(lines) == 20


SIZES = st.lists(st.integers(1, 1 << 44), min_size=1, max_size=60)


def row(sizes: list[int]) -> list[Band]:
    kinds = list(SegmentKind)
    out, start = [], 0
    for number, size in enumerate(sizes):
        out.append(Band(Span(start, start + size), kinds[number % len(kinds)], "x"))
        start += size
    return out


@given(SIZES, st.integers(1, 80))
def test_squeeze_and_heights_fit_and_lose_nothing(sizes: list[int], lines: int) -> None:
    items = row(sizes)
    squeezed = squeeze(items, lines)
    assert len(squeezed) <= lines
    assert [part for band in squeezed for part in (band.parts or (band,))] == items
    counts = heights(squeezed, lines)
    assert all(count >= 1 for count in counts)
    assert sum(counts) <= lines


def test_what_moved_is_said() -> None:
    plain, clamped = build(LOWERED, "q_plain"), build(LOWERED, "q_clamp")
    assert moved(plain, clamped) == [
        "low RAM to 0xf0000000 ▸ 0x99000000",
        "high RAM to 0x10f000000 ▸ 0x166000000",
        "2 BARs moved",
        "+4 BARs",
        "lost RAM none ▸ 1.4G",
    ]
    assert moved_briefly(plain, clamped) == "low to 0x99000000, high +1.4G"
    assert moved(plain, plain) == ["no RAM and no BAR moved"]
    assert moved_briefly(plain, plain) == "no RAM and no BAR moved"
    machine = host(rmrr(0x99000000, 0x99000FFF, "0000:02:00.0"))
    pv = built(machine, guest(type="pv"))
    assert moved(pv, plain) == []
    assert moved_briefly(plain, pv) == ""


@pytest.mark.parametrize(("size", "text"), [(4 * KIB, "4K"), (GIB * 3 // 2, "1.5G"), (17, "17B")])
def test_brief_sizes(size: int, text: str) -> None:
    assert brief_size(size) == text
