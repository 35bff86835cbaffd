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
from planner.tui.bands import (
    Band,
    bands,
    brief_size,
    heights,
    moved,
    moved_briefly,
    squeeze,
    without_emulated,
)
from planner.tui.troubles import Trouble
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
        assert found[-1].span.end == one.segments[-1].span.end
        assert all(first.span.end == second.span.start for first, second in pairwise(found))


def test_small_neighbours_go_together_and_conflicts_stay_visible() -> None:
    squeezed = squeeze(bands(build(HP, "pfsense")), 6)
    assert len(squeezed) == 6
    assert sum(len(band.parts) or 1 for band in squeezed) == 16
    assert not any(band.kind is SegmentKind.CONFLICT and band.size == band.span.size > GIB for band in squeezed)
    assert any(band.kind is SegmentKind.CONFLICT and band.span.start > GIB for band in squeezed)


def test_bars_of_emulated_devices_share_a_line_in_a_short_map() -> None:
    owners: tuple[tuple[Sbdf, ...], ...] = ((), (), (Sbdf.parse("02:00.0"),), ())
    bars = [Band(Span(n, n + 1), SegmentKind("bar"), "x", devices) for n, devices in enumerate(owners)]
    assert [len(band.parts) for band in without_emulated(bars)] == [2, 0, 0]


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
        "low RAM ended at 0xf0000000, now 0x99000000",
        "high RAM ended at 0x10f000000, now 0x166000000",
        "2 BARs moved",
        "+4 BARs",
        "lost RAM 1.4G",
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
