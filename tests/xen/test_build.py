"""Properties of a whole build, over random hosts and guests."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, OTHER, USB, built, guest, host, report, rmrr

from planner.model.guest import Guest
from planner.model.host import Host, ReservedRegion
from planner.model.span import GIB4, KIB, MIB, PAGE, Span
from planner.xen import views
from planner.xen.libxl import VGA_HOLE

_pages = st.one_of(
    st.integers(0, 0x300),
    st.integers(0x70000, 0x100200),
    st.integers(0xEFF00, 0xF0100),
    st.sampled_from([0x80, 0xA0, 0xC0, 0x100, 0x80000, 0xF0000, 0xFC000, 0x100000]),
)


@st.composite
def _regions(draw: st.DrawFn) -> tuple[ReservedRegion, ...]:
    out: list[ReservedRegion] = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(_pages) * 4096
        end = start + draw(st.integers(1, 64)) * 4096 - 1
        if all(end < other.start or start > other.end for other in out):
            devices = draw(st.lists(st.sampled_from([USB, NIC, OTHER]), min_size=1, max_size=3, unique=True))
            out.append(rmrr(start, end, *devices))
    return tuple(out)


_hosts = st.builds(lambda regions: host(*regions), _regions())


@st.composite
def _guests(draw: st.DrawFn) -> Guest:
    devices = draw(st.lists(st.sampled_from([USB, NIC, OTHER]), max_size=3, unique=True))
    policy = st.sampled_from(["", ",rdm_policy=strict", ",rdm_policy=relaxed"])
    return guest(
        *[device + draw(policy) for device in devices],
        type=draw(st.sampled_from(["hvm", "hvm", "hvm", "pvh", "pv"])),
        memory=draw(st.sampled_from([1, 16, 64, 512, 2048, 3839, 3840, 4096, 8192])),
        maxmem=draw(st.sampled_from([None, None, None, 4096])),
        mmio_hole=draw(st.sampled_from([None, None, 100, 256, 1024, 3840])),
        rdm_mem_boundary=draw(st.sampled_from([None, None, 0, 1, 1000, 4096])),
        rdm=draw(st.sampled_from([None, None, "strategy=host", "strategy=host,policy=strict", "policy=foo", "?"])),
        vga=draw(st.sampled_from([None, "stdvga", "none", "qxl"])),
        videoram=draw(st.sampled_from([None, None, 4, 32])),
        passthrough=draw(st.sampled_from([None, None, None, "disabled"])),
    )


@given(_hosts, _guests())
def test_segments_cover_the_address_space_once_and_in_order(machine: Host, one: Guest) -> None:
    result = built(machine, one)
    if result.layout is None:
        assert result.segments == ()
        return
    assert result.segments[0].span.start == 0
    assert all(left.span.end == right.span.start for left, right in pairwise(result.segments))
    assert all(segment.span.size > 0 for segment in result.segments)
    moved = result.firmware.high_pgend * PAGE if result.firmware is not None and result.firmware.ok else 0
    top = max(GIB4, result.layout.high_end, moved, *(entry.span.end for entry in result.layout.regions), 0)
    assert result.segments[-1].span.end == top


@given(_hosts, _guests())
def test_ram_in_is_ram_out_but_for_the_vga_hole(machine: Host, one: Guest) -> None:
    result = built(machine, one)
    if result.layout is None or not result.layout.ok:
        return
    asked = (result.domain.max_kib - result.domain.video_kib) * KIB
    hole = VGA_HOLE.intersection(Span(0, result.layout.low_end)).size
    assert sum(span.size for span in result.layout.ram) == asked - hole


@given(_hosts, _guests(), st.integers(0, 4), st.sampled_from(["seabios", "ovmf"]))
def test_the_firmware_gets_what_libxl_gave_less_the_pages_hvmloader_took(
    machine: Host, one: Guest, cards: int, firmware: str
) -> None:
    """Each page that it takes is one for itself, and the story says how many."""
    result = built(machine, replace(one, nics=("e1000",) * cards, firmware=firmware))
    if result.layout is None or result.firmware is None or not result.firmware.ok:
        return
    given_ = sum(entry.size for entry in result.layout.e820 if entry.type == "ram")
    told = sum(entry.size for entry in result.firmware.e820 if entry.type == "ram" and entry.start >= MIB)
    assert told == given_ - result.firmware.stolen * PAGE
    assert any("pages" in step.text for step in result.firmware.steps) or not result.firmware.stolen


@given(_hosts, _guests(), st.sampled_from([USB, NIC, OTHER]))
def test_a_device_that_is_not_assigned_changes_no_map(machine: Host, one: Guest, extra: str) -> None:
    fresh = "0000:04:00.0"
    region = rmrr(0x9_0000_0000, 0x9_0000_0FFF, fresh)
    bigger = host(*machine.regions, region, devices=(USB, NIC, OTHER, fresh))
    if one.rdm is None:
        assert built(bigger, one).segments == built(machine, one).segments


@given(_hosts, _guests())
def test_every_guest_that_does_not_start_has_an_error_finding(machine: Host, one: Guest) -> None:
    result = report(machine, one)
    if not result.builds[0].ok:
        assert any(finding.severity == "error" and finding.guest == one.name for finding in result.findings)


@given(_hosts, _guests())
def test_stages_tell_why_a_build_failed(machine: Host, one: Guest) -> None:
    result = built(machine, one)
    logged = [step.log for stage in result.stages for step in stage.steps if step.level == "error"]
    assert any((line or "").startswith(result.error) for line in logged) if result.error else not logged
    assert [stage.ok for stage in result.stages].count(False) <= 1 or not result.ok


def test_lowered_ram_is_where_qemu_knows_none() -> None:
    """The guest of the real run n_clamp: 4096 MiB, 16 MiB video RAM, an RMRR at 0x99000000."""
    machine = host(rmrr(0x99000000, 0x99000FFF, NIC))
    result = built(machine, guest(NIC, vga="stdvga", videoram=16))
    assert result.qemu is not None
    assert result.layout is not None
    assert result.layout.low_end < result.qemu.low_end
    assert result.qemu.scratch.start == 0x10F000000
    assert result.qemu.lost == (Span(0x10F000000, 0x166000000),)
    healed = built(machine, guest(NIC, vga="stdvga", videoram=16, mmio_hole=1648))
    assert healed.layout is not None
    assert result.layout is not None
    assert healed.layout.low_end == result.layout.low_end == 0x99000000
    assert healed.qemu is not None
    assert healed.qemu.lost == ()


def test_boot_roms_are_parked_behind_video_ram_and_displace_guest_ram() -> None:
    """Each emulated card's on the next 256 KiB, as real runs' RAM blocks show."""
    result = built(
        host(rmrr(0x99000000, 0x99000FFF, NIC)), guest(NIC, vif=["", "model=e1000"], vga="stdvga", videoram=16)
    )
    assert result.qemu is not None
    start = result.qemu.scratch.start
    assert result.qemu.scratch.end == start + 16 * MIB + 64 * KIB
    assert [rom.start - start for rom in result.qemu.roms] == [16 * MIB + 256 * KIB, 16 * MIB + 512 * KIB]
    assert result.qemu.displaced == result.qemu.parked


def test_the_map_ends_ram_where_hvmloader_left_it() -> None:
    """As on the real run o_5000: 332 pages for OVMF beside a card's boot ROM."""
    result = built(host(), guest(memory=5000, vga="stdvga", videoram=16, bios="ovmf", vif=[""]))
    assert [(segment.label, segment.span) for segment in result.segments[-2:]] == [
        ("high RAM", Span(GIB4, 0x1476B4000)),
        ("taken by hvmloader", Span(0x1476B4000, 0x147800000)),
    ]


def test_without_vga_nothing_but_roms_is_parked() -> None:
    result = built(host(), guest(vif=[""], vga="none", videoram=16))
    assert result.qemu is not None
    assert result.qemu.scratch.size == 0
    assert result.qemu.roms[0].start == result.qemu.scratch.start


def test_a_three_gib_guest_loses_all_of_high_ram() -> None:
    result = built(host(rmrr(0x99000000, 0x99000FFF, NIC)), guest(NIC, memory=3072, vga="stdvga", videoram=16))
    assert result.qemu is not None
    assert result.qemu.lost == (Span(GIB4, 0x126000000),)
    assert result.qemu.displaced == ()


def test_memory_and_maxmem_defaults() -> None:
    assert built(host(), guest(memory=None)).domain.max_kib == 32 * MIB // KIB
    assert built(host(), guest(memory=None, maxmem=64)).domain.target_kib == 64 * MIB // KIB


def test_qemus_view_has_what_it_parks() -> None:
    """Behind its RAM, in guest memory: video RAM, then the network card's boot ROM."""
    build = built(host(), guest(vif=[""]))
    assert build.qemu is not None
    seen = views.qemu(build.qemu, build.firmware, build.names)
    parked = [(one.span, one.label) for one in seen if one.claim is views.Claim.SCRATCH]
    assert [span for span, _ in parked] == list(build.qemu.parked)
    assert [label for _, label in parked] == ["parked video RAM", "parked boot ROM"]
