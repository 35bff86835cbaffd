"""Maps as text and as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from planning import NIC, OTHER, USB, guest, host, report, rmrr

from planner.report import memory_map, svg
from planner.xen.build import STAGES

LOWERED = report(host(rmrr(0x99000000, 0x99000FFF, NIC), rmrr(0xF3000000, 0xF3000FFF, USB)), guest(NIC, USB))
CONFLICT = report(host(rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)), guest(f"{NIC},rdm_policy=strict"))
PV = report(host(), guest(OTHER, type="pv"))


def _text(result: object, **options: object) -> str:
    return memory_map.render([("site", result)], **options)  # type: ignore[list-item, arg-type]


@pytest.mark.parametrize("result", [LOWERED, CONFLICT, PV])
@pytest.mark.parametrize("options", [{}, {"explain": True}, *({"view": view} for view in memory_map.VIEWS)])
def test_lines_fit_eighty_columns(result: object, options: dict[str, object]) -> None:
    assert max(map(len, _text(result, **options).splitlines())) <= 80


def test_explain_tells_every_stage_in_order_with_rule_and_log_line() -> None:
    text = _text(LOWERED, explain=True)
    places = [text.index(f"\n  {stage}\n") for stage in STAGES]
    assert places == sorted(places)
    assert "so low RAM ends at 0x99000000" in text
    assert "[libxl_dm.c:468-670]" in text
    assert "» pci dev 02:0 bar 14 size 001000000" in text


def test_explain_says_where_the_build_ends() -> None:
    text = _text(CONFLICT, explain=True)
    assert "reserved  the build ends here" in text
    assert "✖ RDM conflict at 0x7c4bf000." in text
    assert "firmware" not in text


def test_stage_shows_the_map_as_it_stood_then() -> None:
    assert "99000000" not in _text(LOWERED, stage="asked").partition("asked")[0]
    reserved = _text(LOWERED, stage="reserved")
    assert "99000000" in reserved
    assert "VGA BAR 0" not in reserved
    assert "VGA BAR 0" in _text(LOWERED, stage="firmware")


def test_views_differ_and_the_clash_is_marked() -> None:
    assert "c0000     98ffffff" in _text(LOWERED, view="libxl")
    assert "c0000     efffffff" in _text(LOWERED, view="qemu")
    assert "VGA BAR 0" in _text(LOWERED, view="hvmloader")
    for view in ("libxl", "hvmloader", "qemu"):
        assert "lost ram: guest RAM that QEMU does not know" in _text(LOWERED, view=view)
    assert "qemu plays no part in this guest" in _text(PV, view="qemu")


def test_three_views_stand_side_by_side_with_the_clash_marked() -> None:
    rows = _text(LOWERED, view="all").splitlines()
    assert rows[1].split() == ["libxl", "hvmloader", "QEMU"]
    parked = next(index for index, row in enumerate(rows) if "10f800000" in row)
    assert rows[parked].split() == ["✖", "10f800000", "11000ffff", "RAM", "RAM", "parked", "video", "RAM"]
    assert "no views" in _text(PV, view="all")


def test_what_is_undefined_is_said() -> None:
    result = report(host(rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)), guest(NIC, rdm="strategy=host"))
    text = _text(result)
    assert "undefined: the policy of 0000:02:00.0" in text
    assert "undefined: whether libxl fails over 0x7c4bf000-0x7c4c0fff" in text


def test_the_picture_is_xml_with_a_bar_for_each_segment() -> None:
    text = svg.map([("site", LOWERED)])
    root = ET.fromstring(text)  # noqa: S314 - our own output
    bars = [element for element in root if element.tag.endswith("rect")]
    assert len(bars) == 1 + len(LOWERED.builds[0].segments)
    assert svg.map([("site", LOWERED)]) == text


def test_names_cannot_break_out_of_the_picture() -> None:
    hostile = report(host(), guest(name="a</text><script>&"))
    assert "<script>" not in svg.map([("site", hostile)])


def test_what_qemu_takes_and_parks_is_in_the_map() -> None:
    text = _text(LOWERED)
    assert "✖ lost RAM" in text
    assert "✖ displaced" in text
    assert "▲ QEMU: RAM" in text
    assert "QEMU parks" in _text(report(host(), guest(memory=8192)))
    assert "✖ QEMU does not know" in _text(LOWERED, stage="attach")
    assert "✖ QEMU does not know" in _text(LOWERED, explain=True)
    assert "▲     99001000" in _text(LOWERED, view="all")


def test_a_stage_that_was_never_reached_says_so() -> None:
    assert "stage firmware: never reached: ended in reserved" in _text(CONFLICT, stage="firmware")


def test_a_refused_config_ends_the_build_once() -> None:
    pod = report(host(rmrr(0x99000000, 0x99000FFF, NIC)), guest(NIC, memory=1024, maxmem=2048))
    assert [stage.name for stage in pod.builds[0].stages] == ["asked"]
    assert _text(pod, explain=True).count("the build ends here") == 1


def test_a_pvh_guest_has_neither_vga_nor_bios() -> None:
    text = _text(report(host(), guest(type="pvh")), explain=True)
    assert "VGA" not in text
    assert "handed to the guest's kernel: 0x0-" in text
    assert "hvmloader" not in text


def test_what_lies_in_the_bios_is_not_called_vga() -> None:
    text = _text(report(host(rmrr(0xE8000, 0xE8FFF, NIC)), guest(NIC)))
    assert "02:00.0 against BIOS" in text
    assert "a0000        e7fff" in text
