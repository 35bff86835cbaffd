"""hvmloader: properties for any input, crashes, and the rules that surprise."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.model.span import GIB, GIB4, KIB, MIB, PAGE, Span
from planner.xen import hvmloader
from planner.xen.emulated import EmulatedHardware, devices
from planner.xen.guest_pci import Function, Register
from planner.xen.hvmloader import ROMBIOS, SEABIOS, Bar, Inputs, Outcome, mmio_hole_size, run
from planner.xen.libxl import E820Entry
from planner.xen.xl import Domain

LOW = 0x80000000 // PAGE
PLAIN = devices(EmulatedHardware(vga="stdvga", video_mib=16))


def guest(*functions: Function, reserved: tuple[Span, ...] = (), low: int = LOW, high: int = 0) -> Inputs:
    """A guest with SeaBIOS: pages of low RAM and the end of high RAM, regions, and the functions on its bus."""
    entries = [E820Entry(MIB, low * PAGE - MIB, "ram")]
    entries += [E820Entry(span.start, span.size, "reserved") for span in reserved]
    if high:
        entries.append(E820Entry(GIB4, high * PAGE - GIB4, "ram"))
    return Inputs(low_pgend=low, high_pgend=high, e820=tuple(entries), functions=functions)


def card(slot: int, *bars: Register, class_code: int = 0x0200, vendor: int = 0x1000) -> Function:
    """A made-up card."""
    return Function(slot << 3, vendor, 0x0001, class_code, bars)


def texts(outcome: Outcome) -> str:
    """The story in one string."""
    return "\n".join(step.text for step in outcome.steps)


sizes = st.one_of(st.integers(0, 40).map(lambda bit: 1 << bit), st.integers(0, 1 << 70))
registers = st.builds(
    Register, st.integers(0, 6), st.sampled_from(["io", "mem32", "mem64", "rom"]), sizes, st.booleans()
)
functions = st.builds(
    Function,
    st.integers(0, 255),
    st.sampled_from([0, 0x8086, 0x1234, 0x1013, 0x5853, 0xFFFF]),
    st.sampled_from([0, 1, 0x7000, 0x7113, 0x1111, 0xB8, 0xFFFF]),
    st.sampled_from([0x0300, 0x0680, 0x0200]),
    st.lists(registers, max_size=7).map(tuple),
    st.integers(0, 4),
)
addresses = st.one_of(st.integers(0, 1 << 64), st.integers(0xF0000, 0x100100).map(lambda page: page * PAGE))
entries = st.builds(
    E820Entry, addresses, st.one_of(st.integers(0, 1 << 64), st.just(PAGE)), st.sampled_from(["ram", "reserved", "nvs"])
)
hostile = st.builds(
    Inputs,
    low_pgend=st.integers(0, 1 << 21),
    high_pgend=st.one_of(st.just(0), st.integers(0, (1 << 32) - 1)),
    e820=st.lists(entries, max_size=12).map(tuple),
    functions=st.lists(functions, max_size=12).map(tuple),
    mmio_hole=st.one_of(st.none(), st.integers(0, 1 << 64)),
    allow_memory_relocate=st.booleans(),
    platform_bar_uc=st.sampled_from([None, True, False]),
    huge_bars_go_high=st.booleans(),
    phys_bits=st.integers(0, 255),
    firmware=st.sampled_from([SEABIOS, ROMBIOS, hvmloader.OVMF]),
    acpi_bytes=st.integers(0, 1 << 17),
    populate_budget=st.one_of(st.none(), st.integers(0, 2000)),
)


@settings(max_examples=400)
@given(hostile)
def test_no_input_makes_it_raise(inputs: Inputs) -> None:
    outcome = run(inputs)

    assert outcome.ok == (outcome.stage == 4)
    assert (outcome.crash is None) == (outcome.error is None)
    assert all(step.text for step in outcome.steps)
    assert all(outcome.log)
    assert len({(bar.devfn, bar.number) for bar in outcome.bars}) == len(outcome.bars)
    starts = [entry.start for entry in outcome.e820]
    assert starts == sorted(starts)


def _placed(bar: Bar) -> Span:
    """Where hvmloader put it, whatever upper half its register had."""
    assert bar.address is not None
    return Span.sized(bar.address, bar.size)


@settings(max_examples=300)
@given(hostile.map(lambda inputs: replace(inputs, platform_bar_uc=None)))
def test_bars_of_one_space_never_overlap_and_are_aligned(inputs: Inputs) -> None:
    outcome = run(inputs)
    for space, window in (("low", outcome.mmio_low), ("io", hvmloader.IO_WINDOW), ("high", None)):
        spans = sorted(_placed(bar) for bar in outcome.bars if bar.space == space)
        assert all(first.end <= second.start for first, second in pairwise(spans))
        assert all(span.start % span.size == 0 for span in spans)
        if window is not None:
            assert all(window.start <= span.start and span.end <= window.end for span in spans)
        else:
            assert all(span.start >= GIB4 for span in spans)


pages = st.lists(st.integers(0x90000, 0xFBFFF), min_size=0, max_size=20, unique=True).map(sorted)


@settings(max_examples=300)
@given(pages, st.lists(st.tuples(st.integers(12, 27), st.booleans()), max_size=20), st.booleans())
def test_low_bars_dodge_regions_that_do_not_overlap_each_other(
    edges: list[int], bars: list[tuple[int, bool]], fixed: bool
) -> None:
    regions = tuple(Span(first * PAGE, last * PAGE) for first, last in zip(edges[::2], edges[1::2], strict=False))
    cards = [
        card(4 + index, Register(0, "mem64" if wide else "mem32", 1 << bit)) for index, (bit, wide) in enumerate(bars)
    ]
    outcome = run(replace(guest(*PLAIN, *cards, reserved=regions), mmio_hole=GIB if fixed else None))

    low = [_placed(bar) for bar in outcome.bars if bar.space == "low"]
    assert not [(span, region) for span in low for region in regions if span.overlaps(region)]


@settings(max_examples=200)
@given(hostile.filter(lambda inputs: inputs.high_pgend == 0 or 1 << 20 < inputs.high_pgend < 1 << 31))
def test_ram_is_kept_but_for_the_pages_taken_for_firmware(inputs: Inputs) -> None:
    outcome = run(inputs)
    before = inputs.low_pgend + max(0, inputs.high_pgend - (1 << 20))
    after = outcome.low_pgend + max(0, outcome.high_pgend - (1 << 20))
    assert (before - after) % (1 << 32) == outcome.stolen


def test_a_region_that_starts_lower_and_ends_higher_is_missed() -> None:
    """Only the region with the lowest end above the base is looked at: documented, and so replayed."""
    small, large = Span(0xF0800000, 0xF0801000), Span(0xF0000000, 0xF0900000)
    outer = run(replace(guest(card(4, Register(0, "mem32", MIB)), reserved=(large, small)), mmio_hole=256 * MIB))
    assert outer.bars[0].span == Span.sized(0xF0000000, MIB)
    alone = run(replace(guest(card(4, Register(0, "mem32", MIB)), reserved=(large,)), mmio_hole=256 * MIB))
    assert alone.bars[0].span == Span.sized(0xF0900000, MIB)
    assert "past the reserved 0xf0000000-0xf08fffff" in texts(alone)


def test_a_region_in_the_window_pulls_its_start_down_to_the_end_of_ram() -> None:
    outcome = run(guest(*PLAIN, reserved=(Span(0xF3000000, 0xF3001000),), low=0x99000))
    assert outcome.mmio_low.start == 0x99000000
    assert {bar.address for bar in outcome.bars if bar.size == 16 * MIB} == {0x99000000, 0x9A000000}
    assert "the reserved 0xf3000000-0xf3000fff lies in the low window" in texts(outcome)


def test_mmio_hole_switches_growth_and_dodging_off() -> None:
    inputs = guest(*PLAIN, reserved=(Span(0xF3000000, 0xF3001000),), low=0x99000)
    assert run(replace(inputs, mmio_hole=256 * MIB)).mmio_low.start == 0xF0000000


@pytest.mark.parametrize(("mib", "size"), [(None, None), (0, None), (255, None), (256, 256 * MIB), (3840, 3840 * MIB)])
def test_what_libxl_writes_for_mmio_hole(mib: int | None, size: int | None) -> None:
    kib = mib * KIB if mib is not None else None
    assert mmio_hole_size(Domain(type="hvm", max_kib=0, target_kib=0, mmio_hole_kib=kib)) == size


def test_the_window_grows_until_it_would_meet_ram() -> None:
    big = card(4, Register(0, "mem32", 512 * MIB))
    assert run(guest(*PLAIN, big, low=0x40000)).mmio_low.start == 0xC0000000
    stuck = run(guest(*PLAIN, big, low=0xF0000, high=0x110000))
    assert stuck.mmio_low.start == 0xF0000000
    assert [bar.devfn for bar in stuck.bars if not bar.assigned] == [4 << 3]
    assert "because RAM ends at 0xf0000000" in texts(stuck)


def test_ram_moves_away_only_where_that_is_allowed() -> None:
    big = card(4, Register(0, "mem32", 512 * MIB))
    moved = run(replace(guest(*PLAIN, big, low=0xF0000, high=0x110000), allow_memory_relocate=True))
    assert (moved.low_pgend, moved.high_pgend) == (0xC0000, 0x140000)
    assert sum(count for _, _, count in moved.moves) == 0x30000
    assert E820Entry(GIB4, 0x40000 * PAGE, "ram") in moved.e820


def test_huge_bars_go_high_and_do_not_grow_the_window() -> None:
    gpu = card(4, Register(0, "mem64", 16 * GIB), class_code=0x0302)
    now = run(guest(*PLAIN, gpu, low=0x40000))
    assert (now.bars[-1].space, now.mmio_low.start) == ("high", 0xF0000000)
    assert now.mmio_high == Span(16 * GIB, 32 * GIB)
    before = run(replace(guest(*PLAIN, gpu, low=0x40000), huge_bars_go_high=False))
    assert (before.bars[-1].space, before.mmio_low.start) == ("high", 0x80000000)


def test_a_write_back_platform_bar_ends_the_window_and_looks_at_no_region() -> None:
    inputs = guest(*PLAIN, reserved=(Span(0xFB000000, 0xFB001000),), low=0xF0000, high=0x110000)
    outcome = run(replace(inputs, platform_bar_uc=False))
    assert outcome.mmio_low.end == 0xFB000000
    assert next(bar for bar in outcome.bars if bar.devfn == 0x10 and bar.number == 1).address == 0xFB000000


def test_a_crash_in_the_scan_keeps_what_was_placed_before() -> None:
    platform = Function(0x10, 0x5853, 1, 0xFF80, (Register(0, "io", 256), Register(1, "mem32", 16 * MIB)))
    outcome = run(replace(guest(platform, card(4, class_code=0x0680)), platform_bar_uc=False))
    assert [bar.address for bar in outcome.bars] == [0xFB000000]


@pytest.mark.parametrize(
    ("inputs", "stage", "line"),
    [
        (guest(*PLAIN, reserved=(Span(0xFC200000, 0xFC201000),)), 0, "Fail to setup memory map due to conflict on"),
        (guest(*PLAIN, card(4, class_code=0x0680)), 1, "*** HVMLoader assertion '(vendor_id == 0x8086) &&"),
        (guest(card(1)), 1, "*** HVMLoader assertion '(devfn != PCI_ISA_DEVFN) ||"),
        (guest(*PLAIN, low=0x1FF), 3, "*** HVMLoader bug"),
    ],
)
def test_what_crashes_it(inputs: Inputs, stage: int, line: str) -> None:
    outcome = run(inputs)
    assert (outcome.ok, outcome.stage) == (False, stage)
    assert (outcome.error or "").startswith(line)
    assert outcome.log[-2:] == (f"{outcome.crash} at FILE:LINE", "*** HVMLoader crashed.")
    assert outcome.steps[-1].level == "error"


def test_an_intel_gpu_is_primary_only_without_an_emulated_one() -> None:
    igd = card(5, class_code=0x0300, vendor=0x8086)
    assert run(guest(*PLAIN, igd)).opregion == 0
    alone = run(guest(igd))
    assert (alone.vga, alone.opregion) == ("passthrough", 0xFDFFC)
    assert E820Entry(0xFDFFC000, 3 * PAGE, "nvs") in alone.e820


def test_pages_come_out_of_ram_once_xen_gives_no_more() -> None:
    outcome = run(replace(guest(*PLAIN), populate_budget=5))
    assert (outcome.populated, outcome.stolen) == (5, 7)
    assert outcome.low_pgend == LOW - 7
    assert E820Entry(MIB, (LOW - 7) * PAGE - MIB, "ram") in outcome.e820
    assert "7 come from the end of RAM" in texts(outcome)
